"""Writes a student that was trained from a GGUF file as a copy of that file with new weights, in Q8_0.

    supports(Path("base.gguf")); write(Path("base.gguf"), model, tokenizer, Path("out/model.gguf"))

Settings and vocabulary are copied, the vocabulary is extended by the student's new tokens, and the tensors are
replaced, by the names in the `gguf` package's table. The end token and the chat template are the student's.
`_CONVERSIONS` lists what llama.cpp stores differently from transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dstill.errors import UsageError

__all__ = ["gguf_tensors", "supports", "write"]

TOKENS, SCORES, KINDS = ("tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type")
EOS, TEMPLATE = "tokenizer.ggml.eos_token_id", "tokenizer.chat_template"
START, SPACE = "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_space_prefix"
BLOCK = 32  # weights per block of Q8_0


def supports(base: Path) -> bool:
    """Whether students of this file's architecture can be written."""
    from dstill_finetune.gguf_head import settings_of

    return settings_of(base).get("general.architecture", "") in _CONVERSIONS


def write(base: Path, model: Any, tokenizer: Any, file: Path) -> None:
    """Write `model`, which was trained from `base`, to `file`. Raises UsageError for a tensor that `base` lacks."""
    from gguf import GGUFReader, GGUFWriter

    copied = GGUFReader(str(base))
    architecture = _text(copied, "general.architecture")
    rows = model.get_input_embeddings().weight.shape[0]
    writer = GGUFWriter(str(file), architecture)
    for name, value, kinds in _settings(copied, tokenizer, rows):
        writer.add_key_value(name, value, *kinds)
    names = {tensor.name for tensor in copied.tensors}
    for name, values in gguf_tensors(model, architecture):
        if name not in names:
            raise UsageError(f"the student's base has no tensor '{name}'", where=str(base))
        _add(writer, name, values)
    for tensor in copied.tensors:
        if tensor.name == "rope_freqs.weight":  # part of the architecture, but not of transformers' state dict
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# --- settings and vocabulary ------------------------------------------------------------


def _settings(base: Any, tokenizer: Any, rows: int) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield name, value and types of each field of the base's file, with the vocabulary extended to `rows` tokens.

    The end token and the chat template are those of `tokenizer`, and llama.cpp adds a start token if the template does.
    """
    from gguf import GGUFValueType, TokenType

    own: dict[str, tuple[Any, GGUFValueType]] = {EOS: (tokenizer.eos_token_id, GGUFValueType.UINT32)}
    if tokenizer.chat_template:
        own[TEMPLATE] = (tokenizer.chat_template, GGUFValueType.STRING)
        own[START] = (_begins_with_start(tokenizer), GGUFValueType.BOOL)
        own[SPACE] = (False, GGUFValueType.BOOL)  # llama.cpp would add one after every special token
    for name, (value, kind) in own.items():
        yield name, value, (kind,)
    for field in base.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue  # written by GGUFWriter, or about the quantization of the base
        if field.name in own or field.name.startswith(TEMPLATE):
            continue
        value, kind = field.contents(), field.types[0]
        added = range(len(value), rows) if field.name in (TOKENS, SCORES, KINDS) else ()
        if field.name == TOKENS:
            value = [*value, *(tokenizer.convert_ids_to_tokens(at) or f"[PAD{at}]" for at in added)]
        elif field.name == SCORES:
            value = [*value, *(0.0 for _ in added)]
        elif field.name == KINDS:
            known = len(tokenizer)
            value = [*value, *(int(TokenType.USER_DEFINED if at < known else TokenType.UNUSED) for at in added)]
        elif field.name.endswith(".vocab_size"):
            value = rows
        yield field.name, value, (kind, field.types[-1]) if kind == GGUFValueType.ARRAY else (kind,)


def _begins_with_start(tokenizer: Any) -> bool:
    from dstill_finetune.chat import Chat

    prompt = Chat(tokenizer, {}).render("", "a")
    return bool(tokenizer.bos_token) and prompt.startswith(tokenizer.bos_token)


def _text(base: Any, name: str) -> str:
    field = base.get_field(name)
    return str(field.contents()) if field is not None else ""


# --- weights ----------------------------------------------------------------------------


def gguf_tensors(model: Any, architecture: str) -> Iterator[tuple[str, Any]]:
    """Yield each weight's name in GGUF and its values as llama.cpp stores them.

    Raises UsageError for a weight that GGUF has no name for.
    """
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    (arch,) = (key for key, name in MODEL_ARCH_NAMES.items() if name == architecture)
    names = get_tensor_name_map(arch, model.config.num_hidden_layers)
    head, embedding = model.get_output_embeddings().weight, model.get_input_embeddings().weight
    for key, tensor in model.state_dict(keep_vars=True).items():
        if tensor is head and tensor is embedding and key.startswith("lm_head"):
            continue  # tied to the embedding
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise UsageError(f"GGUF has no name for {key}", where=f"--to gguf; architecture {architecture}")
        yield name, _CONVERSIONS[architecture](tensor.detach().float().cpu(), name, model.config).numpy()


def _add(writer: Any, name: str, values: Any) -> None:
    """Add a tensor: matrices as Q8_0, everything else unquantized."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    if values.ndim == 2 and values.shape[1] % BLOCK == 0:
        packed = GGMLQuantizationType.Q8_0
        writer.add_tensor(name, quantize(values, packed), raw_dtype=packed)
    else:
        writer.add_tensor(name, values)


def _unchanged(tensor: Any, *_: Any) -> Any:
    return tensor


def _llama(tensor: Any, name: str, config: Any) -> Any:
    """Interleave the rotary pairs of each head, which transformers stores as two halves."""
    head_counts = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    heads = next((count for part, count in head_counts.items() if f".{part}." in name), 0)
    if not heads:
        return tensor
    pairs = tensor.reshape(heads, 2, tensor.shape[0] // heads // 2, *tensor.shape[1:])
    return pairs.swapaxes(1, 2).reshape(tensor.shape)


def _gemma(tensor: Any, name: str, *_: Any) -> Any:
    """Add one to the weights of norms, which transformers stores as the difference from one."""
    return tensor + 1 if name.endswith("norm.weight") else tensor


# architecture → function of (tensor, name in GGUF, configuration of the model)
_CONVERSIONS: Mapping[str, Callable[[Any, str, Any], Any]] = {
    "llama": _llama,
    "qwen2": _unchanged,
    "qwen3": _unchanged,
    "gemma2": _gemma,
    "gemma3": _gemma,
}
