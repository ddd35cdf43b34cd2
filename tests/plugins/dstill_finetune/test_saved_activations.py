"""Activation bytes counted on meta tensors match those that autograd saves."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from transformers import (
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    Mamba2Config,
    MambaConfig,
    Qwen3Config,
    RwkvConfig,
    T5Config,
)

from dstill.api.modality import ActivationBytes
from dstill_finetune.model_loading import is_encoder_decoder
from dstill_finetune.saved_activations import activation_bytes_of

pytestmark = pytest.mark.slow

SIZES: dict[str, Any] = {"vocab_size": 300, "num_hidden_layers": 3, "num_attention_heads": 4}
CONFIGS = {
    "llama": LlamaConfig(hidden_size=64, intermediate_size=160, **SIZES),
    "qwen": Qwen3Config(hidden_size=64, intermediate_size=160, num_key_value_heads=2, head_dim=16, **SIZES),
    "gemma": Gemma3TextConfig(hidden_size=64, intermediate_size=160, num_key_value_heads=1, head_dim=16, **SIZES),
    "gpt2": GPT2Config(n_embd=64, n_layer=3, n_head=4, vocab_size=300),
    "t5": T5Config(
        d_model=64,
        d_ff=160,
        d_kv=16,
        num_heads=4,
        num_layers=3,
        num_decoder_layers=2,
        vocab_size=300,
        decoder_start_token_id=0,
    ),
    "mamba": MambaConfig(hidden_size=64, num_hidden_layers=3, vocab_size=300),
    "mamba2": Mamba2Config(
        hidden_size=64, num_hidden_layers=3, num_heads=8, head_dim=16, state_size=16, chunk_size=16, vocab_size=300
    ),
}


def size(kept: ActivationBytes, read: int, written: int) -> float:
    return (
        kept.source * read
        + kept.source_pairs * read**2
        + kept.target * written
        + kept.target_pairs * written**2
        + kept.cross * read
        + kept.cross_pairs * read * written
    )


def measured(config: Any, read: int, written: int, rows: int) -> int:
    """Bytes that autograd saves for real tensors, with padding and without the head."""
    kind = transformers.AutoModelForSeq2SeqLM if is_encoder_decoder(config) else transformers.AutoModelForCausalLM
    model = kind.from_config(config).train()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    storages: dict[int, Any] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage
        return tensor

    model.get_output_embeddings().register_forward_pre_hook(lambda module, inputs: (inputs[0][:, -1:],))
    ids = torch.ones(rows, read, dtype=torch.long)
    mask = torch.ones_like(ids)
    mask[0, -3:] = 0
    more = {"decoder_input_ids": torch.ones(rows, written, dtype=torch.long)} if written else {}
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = model(input_ids=ids, attention_mask=mask, use_cache=False, **more)
    found: int = sum(storage.nbytes() for storage in storages.values())
    assert out.logits.shape[0] == rows
    return found


SLOW = ("mamba", "mamba2")


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.nightly) if one in SLOW else one for one in CONFIGS]
)
def test_count_matches_tensors_saved_by_autograd(name: str) -> None:
    config = CONFIGS[name]
    read, written, rows = 144, 80 if name == "t5" else 0, 3
    kept = activation_bytes_of(config)("full", 4)
    assert kept is not None
    assert rows * size(kept, read, written) == pytest.approx(measured(config, read, written, rows), rel=0.04)


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_frozen_weights_and_bf16_save_less(name: str) -> None:
    count = activation_bytes_of(CONFIGS[name])
    full, frozen, half = count("full", 4), count("frozen", 4), count("frozen", 2)
    assert full is not None
    assert frozen is not None
    assert half is not None
    assert size(full, 100, 50) > size(frozen, 100, 50) > size(half, 100, 50)


def test_untraceable_architecture_gives_none() -> None:
    assert activation_bytes_of(RwkvConfig(num_hidden_layers=2, hidden_size=32, vocab_size=100))("full", 4) is None
