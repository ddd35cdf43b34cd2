"""GGUF files as students: which are accepted, and how their weights are unpacked.

In: ``models/gemma-3-270m-q4_k_m.gguf``. Out: configuration, tokenizer or model, as transformers loads them.

A GGUF file has its weights in blocks of llama.cpp's quantizations, which cannot be trained. They are unpacked in memory
(2 or 4 bytes per parameter) and then used like those of any other base; QLoRA quantizes them again, as NF4. The file
itself is never changed.

Not covered: a model split over several files, and images or sound (only the text part is read).
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dstill.errors import DataError, MissingExtra, first_line
from dstill_finetune.gguf_head import DAMAGE, settings_of
from dstill_finetune.limits import require_sizes, require_weights
from dstill_finetune.meta import parameters_of
from dstill_torch.damage import damaged

__all__ = ["SUFFIX", "check", "config_of", "is_gguf", "load_model", "load_tokenizer"]

SUFFIX = ".gguf"


def is_gguf(base: str) -> bool:
    """Whether the name `base` ends in ``.gguf``."""
    return base.lower().endswith(SUFFIX)


def config_of(file: Path) -> Any:
    """The configuration from the file's metadata. Raises DataError, or MissingExtra without the package gguf."""
    check(file)
    return copy.deepcopy(_config(file, _version(file)))


def _version(file: Path) -> tuple[int, int]:
    """Size and modification time: with them in its key, a cache forgets a file that has changed."""
    status = file.stat()
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=1)  # with a large vocabulary, reading takes seconds
def _config(file: Path, _version: tuple[int, int]) -> Any:
    from transformers import AutoConfig

    with _refusing(file):
        return _read(file, AutoConfig.from_pretrained, {})


def load_tokenizer(file: Path) -> Any:
    """The tokenizer in the file. Raises DataError, or MissingExtra without the package gguf."""
    from transformers import AutoTokenizer

    check(file)
    with _refusing(file):
        tokenizer = _read(file, AutoTokenizer.from_pretrained, {})
    adds_start = settings_of(file).get("tokenizer.ggml.add_bos_token")
    if adds_start is not None and tokenizer.add_bos_token != adds_start:  # transformers 5.20 does not read it
        tokenizer.add_bos_token = adds_start
    return tokenizer


def load_model(file: Path, kind: Any, options: Mapping[str, Any]) -> Any:
    """The model, unpacked.

    Args:
        file: The GGUF file.
        kind: The class of transformers that loads it.
        options: Data type and quantization (`Modality.load_options`).
    """
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
                "quantization_config": GgufConfig(dequantize=True),  # rather than kernels that read the file's blocks
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
        # loaded again, because a model that was dequantized can be neither trained nor saved
        model = type(unpacked).from_pretrained(None, config=config, state_dict=unpacked.state_dict(), **options)
        model.name_or_path = model.config.name_or_path = str(file)  # peft records it as the adapter's base
        return model


def check(file: Path) -> None:
    """Check a file without reading its weights. Raises DataError, or MissingExtra without the package gguf."""
    if not file.is_file():
        raise DataError("no such GGUF file", where=str(file), hint="give the path of a .gguf file, or a model's folder")
    _check_header(file, _version(file))
    if find_spec("gguf") is None:
        raise MissingExtra("a GGUF student", "gguf", "gguf")


@lru_cache(maxsize=1)
def _check_header(file: Path, _version: tuple[int, int]) -> None:
    require_sizes(settings_of(file), str(file))


def _read(file: Path, load: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    with contextlib.redirect_stderr(io.StringIO()):  # hides a progress bar that has no switch
        return load(str(file.parent), gguf_file=file.name, local_files_only=True, trust_remote_code=False, **options)


@contextlib.contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Raises DataError with the reason why a library cannot read the file."""
    try:
        with damaged(DAMAGE, where=str(file)):
            yield
    except DataError as error:
        if error.__cause__ is None:
            raise
        raise _refused(file, error.__cause__) from error.__cause__


def _refused(file: Path, error: BaseException) -> DataError:
    if isinstance(error, OSError) and error.__context__ is not None:
        error = error.__context__  # transformers reports whatever it cannot read as invalid JSON
    reason = first_line(error).removeprefix(f"{file} ")
    if "architecture" in reason:
        what, hint = (
            "transformers cannot read a GGUF file of this architecture",
            "use the model's folder of safetensors",
        )
    elif isinstance(error, NotImplementedError) or "GGMLQuantizationType" in reason:
        what = "the weights are in a quantization that cannot be unpacked"
        hint = "use the same model in another one (Q4_K_M, Q8_0, F16 …), or its folder of safetensors"
    else:
        what, hint = DAMAGE, "copy or download it again"
    return DataError(what, where=f"{file}: {reason}", hint=hint)
