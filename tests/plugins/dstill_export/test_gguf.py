"""Weights of each family in GGUF, read back by transformers, equal the original model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
import transformers

from dstill_export.gguf_copy import _CONVERSIONS, gguf_tensors
from dstill_finetune import gguf_files
from dstill_torch.settings import quiet

SIZES = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
}
FAMILIES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "llama": (transformers.LlamaConfig, {}),
    "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": False}),
    "qwen3": (transformers.Qwen3Config, {"head_dim": 128}),  # transformers reads no other from the file
    "gemma2": (transformers.Gemma2Config, {"head_dim": 16, "query_pre_attn_scalar": 16}),
    "gemma3": (transformers.Gemma3TextConfig, {"head_dim": 16, "query_pre_attn_scalar": 16}),
}


def random_model(family: str) -> Any:
    """A small model whose every weight, norms and biases too, is drawn at random."""
    kind, more = FAMILIES[family]
    model = transformers.AutoModelForCausalLM.from_config(kind(**SIZES, **more))
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=random))
    return model.eval()


def write(model: Any, family: str, file: Path) -> None:
    """Weights as they are, and the settings that a file of this family has."""
    config = model.config
    writer = gguf.GGUFWriter(str(file), family)
    writer.add_name("drawn")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    of_head = getattr(config, "head_dim", None) or 16
    writer.add_key_length(of_head)
    writer.add_value_length(of_head)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(of_head)
    if family.startswith("gemma"):
        writer.add_sliding_window(config.sliding_window)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"t{number}" for number in range(config.vocab_size)])
    writer.add_token_scores([0.0] * config.vocab_size)
    writer.add_token_types([1] * config.vocab_size)
    for name, values in gguf_tensors(model, family):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_every_family_is_tested() -> None:
    assert FAMILIES.keys() == _CONVERSIONS.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_round_trip(family: str, tmp_path: Path) -> None:
    quiet()
    model = random_model(family)
    write(model, family, tmp_path / "drawn.gguf")
    back = gguf_files.load_model(tmp_path / "drawn.gguf", transformers.AutoModelForCausalLM, {"dtype": torch.float32})
    before, after = model.state_dict(), back.state_dict()
    assert after.keys() == before.keys()
    assert [name for name in before if not torch.allclose(before[name], after[name], atol=1e-6)] == []
    assert sum(len(weight) > 1 for weight in before.values()) > 20
