"""Writes a small Llama as a GGUF file: random weights, a SentencePiece vocabulary of letters and bytes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

__all__ = ["write_llama"]

HIDDEN, FEED_FORWARD, LAYERS, HEADS = 64, 128, 2, 4
TOKENS = ["<pad>", "</s>", "<unk>", "<s>", "▁", *(f"<0x{byte:02X}>" for byte in range(256)), *map(chr, range(97, 123))]
KINDS = [3, 3, 2, 3, 1] + [6] * 256 + [1] * 26  # control, unknown, normal, byte


def write_llama(
    file: Path, *, architecture: str = "llama", leave_out: Collection[str] = (), template: str = "", seed: int = 0
) -> dict[str, Any]:
    """The weights as they come back from the file, by their names there. Matrices are in Q8_0, the embedding in F32."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(str(file), architecture)
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(KINDS)
    writer.add_pad_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    writer.add_bos_token_id(3)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    if template:
        writer.add_chat_template(template)

    shapes = {"token_embd.weight": (len(TOKENS), HIDDEN), "output.weight": (len(TOKENS), HIDDEN)}
    norms = ["output_norm.weight"]
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{layer}.{name}.weight"] = (HIDDEN, HIDDEN)
        shapes |= {f"blk.{layer}.ffn_{name}.weight": (FEED_FORWARD, HIDDEN) for name in ("gate", "up")}
        shapes[f"blk.{layer}.ffn_down.weight"] = (HIDDEN, FEED_FORWARD)
        norms += [f"blk.{layer}.attn_norm.weight", f"blk.{layer}.ffn_norm.weight"]
    random = np.random.default_rng(seed)
    written: dict[str, Any] = {name: np.ones(HIDDEN, np.float32) for name in norms}
    for name in norms:
        writer.add_tensor(name, written[name])
    packed = gguf.GGMLQuantizationType.Q8_0
    for name, shape in shapes.items():
        weights = (0.1 * random.standard_normal(shape)).astype(np.float32)
        if name in leave_out:
            continue
        if name == "token_embd.weight":
            writer.add_tensor(name, weights)
        else:
            blocks = gguf.quants.quantize(weights, packed)
            writer.add_tensor(name, blocks, raw_dtype=packed)
            weights = gguf.quants.dequantize(blocks, packed)
        written[name] = weights
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return written
