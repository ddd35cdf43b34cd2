"""GGUF files as students: what is let in, and how the weights are unpacked.

In: ``models/gemma-3-270m-q4_k_m.gguf``. Out: what transformers makes of it, as of a folder.

A GGUF's weights lie in blocks of llama.cpp's quantizations, which do not train. They are
unpacked into the machine's own memory (2 or 4 bytes a parameter), and from there go the way of
any other base: QLoRA packs them again, as NF4. The file itself is never changed.

Not covered: a model split over several files, and pictures or sound (the text part is read).
"""

from __future__ import annotations

import contextlib
import copy
import io
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from dstill.errors import DataError, MissingExtra
from dstill_finetune.damage import damaged, first_line
from dstill_finetune.gguf_head import DAMAGED, settings_of
from dstill_finetune.limits import require_sizes, require_weights
from dstill_finetune.meta import parameters_of

__all__ = ["SUFFIX", "check", "config_of", "is_gguf", "load_model", "load_tokenizer"]

SUFFIX = ".gguf"


def is_gguf(base: str) -> bool:
    """Whether `base` means a GGUF file, by its name."""
    return base.lower().endswith(SUFFIX)


def config_of(file: Path) -> Any:
    """The model's configuration, from the file's own metadata."""
    check(file)
    about = file.stat()
    # reading it takes seconds where the vocabulary is large
    return copy.deepcopy(_config(file, about.st_size, about.st_mtime_ns))


@lru_cache(maxsize=1)
def _config(file: Path, size: int, changed: int) -> Any:
    from transformers import AutoConfig

    with _refusing(file):
        return _read(file, AutoConfig.from_pretrained, {})


def load_tokenizer(file: Path) -> Any:
    from transformers import AutoTokenizer

    check(file)
    with _refusing(file):
        return _read(file, AutoTokenizer.from_pretrained, {})


def load_model(file: Path, kind: Any, options: Mapping[str, Any]) -> Any:
    """The model as class `kind` of transformers loads it, in the form that `options` say (`Modality.load_options`)."""
    from transformers import GgufConfig

    config = config_of(file)
    require_weights(parameters_of(config), file.stat().st_size, str(file))
    with _refusing(file):
        unpacked, about = _read(
            file,
            kind.from_pretrained,
            {
                "config": config,
                "dtype": options.get("dtype"),
                "quantization_config": GgufConfig(dequantize=True),  # no kernels that keep the file's blocks
                "output_loading_info": True,
            },
        )
        absent = sorted(about["missing_keys"])
        if absent:
            raise DataError(
                f"a part of the weights is missing: {absent[0]} and {len(absent) - 1} more",
                where=str(file),
                hint="a model split over several files has to be merged first (llama.cpp's llama-gguf-split --merge)",
            )
        # a model that remembers that it was packed can be neither trained nor saved
        model = type(unpacked).from_pretrained(None, config=config, state_dict=unpacked.state_dict(), **options)
        model.name_or_path = model.config.name_or_path = str(file)  # what peft notes as an adapter's base
        return model


def check(file: Path) -> None:
    """What can be said without reading weights. Raises DataError, or MissingExtra."""
    if not file.is_file():
        raise DataError("no such GGUF file", where=str(file), hint="give the path of a .gguf file, or a model's folder")
    about = file.stat()
    _check_head(file, about.st_size, about.st_mtime_ns)
    if find_spec("gguf") is None:
        raise MissingExtra("a GGUF student", "gguf", "gguf")


@lru_cache(maxsize=1)
def _check_head(file: Path, size: int, changed: int) -> None:
    require_sizes(settings_of(file), str(file))


def _read(file: Path, load: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar that cannot be turned off
        return load(str(file.parent), gguf_file=file.name, local_files_only=True, trust_remote_code=False, **options)


@contextlib.contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Raises DataError with what stands in the way of reading the file."""
    try:
        with damaged(DAMAGED, where=str(file)):
            yield
    except DataError as error:
        if error.__cause__ is None:
            raise
        raise _refused(file, error.__cause__) from error.__cause__


def _refused(file: Path, error: BaseException) -> DataError:
    if isinstance(error, OSError) and error.__context__ is not None:
        error = error.__context__  # transformers calls what it cannot read "no valid JSON"
    reason = first_line(error).removeprefix(f"{file} ")
    if "architecture" in reason:
        what, hint = "transformers reads no GGUF of this architecture", "take the model's folder of safetensors"
    elif isinstance(error, NotImplementedError) or "GGMLQuantizationType" in reason:
        what = "the weights are in a quantization that cannot be unpacked"
        hint = "take the same model in another one (Q4_K_M, Q8_0, F16 …), or its folder of safetensors"
    else:
        what, hint = DAMAGED, "copy or download it again"
    return DataError(what, where=f"{file}: {reason}", hint=hint)
