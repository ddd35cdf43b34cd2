"""Loads models from folders, GGUF files and hub ids, and refuses unsafe or damaged ones.

In: ``google/flan-t5-small``, a folder or a GGUF file. Out: its configuration, tokenizer or weights.

Weights are only read from safetensors, a model's own code (``auto_map``) never runs, and every failure is a DataError
that names the file.

    check(Path("models/mine"))      # raises DataError, or the folder can be loaded
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dstill.errors import DataError, ServiceError, UsageError, first_line
from dstill.io.plain_files import sha256
from dstill_finetune import gguf_files
from dstill_finetune.limits import require_sizes, require_weights
from dstill_finetune.meta import parameters_of
from dstill_torch.damage import damaged

__all__ = [
    "UNBOUNDED",
    "absolute",
    "check",
    "config_of",
    "fingerprint",
    "is_encoder_decoder",
    "load_model",
    "load_tokenizer",
    "positions_of",
    "require_config",
    "require_finite",
]

UNBOUNDED = (sys.maxsize, sys.maxsize)  # positions of a model with relative or rotary positions
# Architectures that look absolute positions up in a table of fixed length.
_POSITION_TABLE = {
    "bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "led", "marian", "mbart", "mvp", "pegasus", "plbart",
    "biogpt", "codegen", "ctrl", "gpt2", "gpt_bigcode", "gpt_neo", "gptj", "openai-gpt", "opt", "xlm",
}  # fmt: skip
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
_CONVERT = "convert them: AutoModel.from_pretrained(…).save_pretrained(…) writes safetensors"
_OWN_CODE = "the model comes with its own code, which dstill never runs"
_ARCHITECTURE_HINT = "choose a model of an architecture that transformers supports"
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
_TEXTS = (".json", ".txt", ".model", ".jinja")
_MOST_TEXT = 2**26  # bytes of a JSON or vocabulary file; the largest published tokenizer.json has 2**25.1
_MOST_BYTES = {"tokenizer.json": 2**28}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


def check(folder: Path) -> None:
    """Raises DataError, with the file and the reason, if the model in `folder` cannot be loaded."""
    if not folder.is_dir():
        raise DataError("no such model folder", where=str(folder), hint="give a folder or a hub id after hf:")
    require_files(folder)
    config = _json(folder / "config.json")
    require_sizes(config, str(folder / "config.json"))
    for file in ("config.json", "tokenizer_config.json"):
        if (folder / file).exists() and "auto_map" in _json(folder / file):
            raise DataError(
                f"{_OWN_CODE} (auto_map)",
                where=str(folder / file),
                hint=_ARCHITECTURE_HINT,
            )
    if (folder / "adapter_config.json").exists():
        raise DataError(
            "this is an adapter, not a base model",
            where=str(folder / "adapter_config.json"),
            hint="merge it into its base first (peft's merge_and_unload), or start from its base",
        )
    if not any((folder / name).exists() for name in _TOKENIZERS):
        raise DataError("the folder has no tokenizer", where=str(folder / "tokenizer.json"))
    _check_architecture(config, str(folder / "config.json"))
    _check_weights(folder)


def require_files(folder: Path) -> None:
    """Raises DataError for fifos, sockets and devices, and for text files beyond the size limits.

    Links to files are allowed: the folders in the hub's cache have them.
    """
    for file in _below(folder):
        if file.exists() and not file.is_file():
            raise DataError("a file of the model is a fifo, socket or device", where=str(file))
        is_text = file.parent == folder and file.suffix in _TEXTS
        most = _MOST_BYTES.get(file.name, _MOST_TEXT) if is_text else None
        if most is not None and file.is_file() and file.stat().st_size > most:
            raise DataError(f"a file of the model is larger than {most >> 20} MiB", where=str(file))
    tokenizer = folder / "tokenizer_config.json"
    if tokenizer.exists() and "gguf_file" in _json(tokenizer):  # transformers would open it, wherever it is
        raise DataError(
            "the tokenizer names another file (gguf_file)",
            where=str(tokenizer),
            hint="remove the key, or give the .gguf file itself as the model",
        )


def _below(folder: Path) -> Iterator[Path]:
    """The files at any depth. Raises DataError for a link to a folder."""
    for name, folders, files in os.walk(folder):
        if linked := next((folder for folder in sorted(folders) if Path(name, folder).is_symlink()), ""):
            hint = "replace it with a copy of what it leads to"
            raise DataError("a folder of the model is a link", where=str(Path(name, linked)), hint=hint)
        yield from (Path(name, file) for file in sorted(files))


def require_config(folder: Path) -> None:
    """Raises DataError if there is a config.json and its sizes are beyond `dstill_finetune.limits`."""
    require_files(folder)
    if (folder / "config.json").exists():
        require_sizes(_json(folder / "config.json"), str(folder / "config.json"))


def _check_architecture(config: Mapping[str, Any], where: str) -> None:
    from transformers import CONFIG_MAPPING

    kind = str(config.get("model_type"))
    if kind not in CONFIG_MAPPING:
        raise DataError(f"transformers has no architecture '{kind}'", where=where)
    if not _auto_class_name(kind):
        raise DataError(
            f"the architecture '{kind}' does not generate text",
            where=where,
            hint="a student is an encoder–decoder (T5, BART …) or a decoder (Llama, Qwen …)",
        )


def _check_weights(folder: Path) -> None:
    files = sorted(folder.glob("*.safetensors"))
    index = folder / "model.safetensors.index.json"
    if index.exists():
        needed = _json(index).get("weight_map")
        if not isinstance(needed, dict):
            raise DataError("the index of the weights does not list them", where=f"{index}: weight_map")
        absent = sorted(set(map(str, needed.values())) - {file.name for file in files})
        if absent:
            raise DataError("a part of the weights is missing", where=str(folder / absent[0]))
    if not files:
        _refuse_pickled(folder)
        raise DataError("the folder has no weights", where=str(folder / "model.safetensors"))
    for file in files:
        _check_safetensors(file)


def _refuse_pickled(folder: Path) -> None:
    pickled = sorted(path for pattern in _PICKLED for path in folder.glob(pattern))
    if pickled and not any(folder.glob("*.safetensors")):
        raise DataError(
            "the weights are pickled, which can run code; dstill reads safetensors only",
            where=str(pickled[0]),
            hint=_CONVERT,
        )


def _check_safetensors(file: Path) -> None:
    from safetensors import safe_open

    what = "the weights are truncated or not in safetensors format"
    with damaged(what, where=str(file)), safe_open(file, framework="pt") as opened:
        opened.keys()


def _json(file: Path) -> dict[str, Any]:
    try:
        if not file.is_file():
            raise FileNotFoundError(file)
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise DataError("a file of the model is missing", where=str(file)) from None
    except (ValueError, RecursionError) as error:
        raise DataError("a file of the model is not JSON", where=f"{file}: {error}") from None
    if not isinstance(value, dict):
        raise DataError("a file of the model is not a JSON object", where=str(file))
    return value


# --- loading ----------------------------------------------------------------------------


def config_of(base: str) -> Any:
    """The configuration, without weights; for a hub id, nothing else is downloaded."""
    from transformers import AutoConfig

    if gguf_files.is_gguf(base):
        return gguf_files.config_of(_path(base))
    if _is_folder(base):
        file = _path(base) / "config.json"
        config = _json(file)
        require_config(file.parent)
        _check_architecture(config, str(file))
        _refuse_pickled(file.parent)
    loaded = _fetched(base, AutoConfig, {})
    _check_architecture(loaded.to_dict(), base)
    return loaded


def load_tokenizer(base: str) -> Any:
    """The tokenizer. Raises DataError if there is none, ServiceError if the hub cannot be reached."""
    from huggingface_hub import try_to_load_from_cache
    from transformers import AutoTokenizer

    if gguf_files.is_gguf(base):
        return gguf_files.load_tokenizer(_path(base))
    if _is_folder(base):
        check(_path(base))
        return _fetched(base, AutoTokenizer, {})
    tokenizer = _fetched(base, AutoTokenizer, {})
    if not any(isinstance(try_to_load_from_cache(base, name), str) for name in _TOKENIZERS):
        # transformers would make an empty one
        raise DataError(f"'{base}' has no tokenizer", where=f"none of {', '.join(_TOKENIZERS)}")
    return tokenizer


def load_model(base: str, options: Mapping[str, Any]) -> Any:
    """The model with its weights.

    Args:
        base: A hub id, folder or GGUF file.
        options: Data type and quantization (`Modality.load_options`).

    Raises:
        DataError: The weights are missing, damaged, or do not match the configuration.
        ServiceError: The hub cannot be reached.
    """
    import transformers

    gguf = gguf_files.is_gguf(base)
    if not gguf and _is_folder(base):
        check(_path(base))
    config = config_of(base)
    kind = getattr(transformers, _auto_class_name(config.model_type))
    if gguf:
        return gguf_files.load_model(_path(base), kind, options)
    if not gguf and _is_folder(base):
        size = sum(file.stat().st_size for file in _path(base).glob("*.safetensors"))
        require_weights(parameters_of(config), size, base)
    # mismatched weights are reported below, with their names
    reporting = {"output_loading_info": True, "ignore_mismatched_sizes": True}
    model, about = _fetched(base, kind, {"use_safetensors": True, **reporting, **options})
    if mismatched := sorted(str(key) for key, *_ in about["mismatched_keys"]):
        raise DataError(
            f"{len(mismatched)} of the model's weights have other shapes than config.json says: {mismatched[0]}",
            where=base,
            hint="weights and config.json are from two models: take both from one",
        )
    absent = sorted(about["missing_keys"])
    if absent:
        raise DataError(
            f"{len(absent)} of the model's weights are missing: {', '.join(absent[:3])}{' …' * (len(absent) > 3)}",
            where=base,
            hint="use the complete model: missing weights would be random",
        )
    require_finite(model.named_parameters(), base)
    return model


def require_finite(weights: Iterable[tuple[str, Any]], where: str) -> None:
    """Raises DataError if a weight is NaN or infinite, whose model would answer nonsense without an error."""
    import torch

    for name, weight in weights:
        if weight.is_floating_point() and not bool(weight.sum(dtype=torch.float32).isfinite()):
            raise DataError(
                "a weight of the model is not a finite number",
                where=f"{where}: {name}",
                hint="copy or download it again",
            )


def absolute(base: str) -> str:
    """`base` as an absolute path; a hub id unchanged."""
    return os.path.abspath(_path(base)) if gguf_files.is_gguf(base) or _is_folder(base) else base


def fingerprint(base: str) -> str:
    """SHA-256 over the weights of a GGUF file or folder; empty for a hub id."""
    if gguf_files.is_gguf(base):
        files = [_path(base)]
    elif _is_folder(base):
        require_files(_path(base))
        files = sorted(_path(base).glob("*.safetensors"))
    else:
        return ""
    digest = hashlib.sha256()
    for file in files:
        digest.update(bytes.fromhex(sha256(file)))
    return digest.hexdigest()


def is_encoder_decoder(config: Any) -> bool:
    """Whether the model is an encoder–decoder; otherwise it is decoder-only."""
    return bool(getattr(config, "is_encoder_decoder", False))


def positions_of(config: Any) -> tuple[int, int]:
    """How many tokens the model has positions for, to read and to write; for a decoder, both together.

    Only architectures that look positions up in a table of fixed length are limited. Rotary and relative positions
    have no limit, and some tables grow.
    """
    if config.model_type not in _POSITION_TABLE:
        return UNBOUNDED
    both = getattr(config, "max_position_embeddings", sys.maxsize)
    reads = getattr(config, "max_encoder_position_embeddings", both)
    return reads, getattr(config, "max_decoder_position_embeddings", both)


def _auto_class_name(kind: str) -> str:
    """The auto class of transformers for a text-generating architecture; empty for others."""
    from transformers.models.auto import modeling_auto

    if kind in modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        return "AutoModelForSeq2SeqLM"
    return "AutoModelForCausalLM" if kind in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else ""


def _path(base: str) -> Path:
    return Path(base).expanduser()


def _is_folder(base: str) -> bool:
    """Whether `base` is a folder. Raises UsageError if it is neither a folder nor a possible hub id."""
    if base and (_path(base).exists() or base.startswith((".", "/", "~"))):
        return True
    if not _HUB_ID.fullmatch(base):
        raise UsageError(
            f"'{base}' is neither a folder nor a GGUF file nor a hub id" if base else "no model is named",
            where="--student hf:BASE",
            hint="write hf:google/flan-t5-small, hf:./folder, or hf:./model.gguf",
        )
    return False


def _fetched(base: str, kind: Any, options: Mapping[str, Any]) -> Any:
    folder = _is_folder(base)
    path = str(_path(base)) if folder else base
    try:
        with damaged(f"cannot load '{base}'", where=base):
            return kind.from_pretrained(path, trust_remote_code=False, local_files_only=folder, **options)
    except DataError as problem:
        error = problem.__cause__
        if error is None:
            raise
        reason = first_line(error)
        if "connect" in reason.lower() or "offline" in reason.lower():
            raise ServiceError(
                f"cannot fetch '{base}'", where=reason, hint="check the network, or give a folder: hf:./folder"
            ) from error
        if "custom code" in reason:
            raise DataError(_OWN_CODE, where=base, hint=_ARCHITECTURE_HINT) from error
        if "file named model.safetensors" in reason:
            raise DataError(
                "there are no weights in safetensors; pickled ones can run code and are not read",
                where=base,
                hint=_CONVERT,
            ) from error
        raise DataError(f"cannot load '{base}'", where=reason, hint=problem.hint if folder else "") from error
