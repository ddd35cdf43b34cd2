"""Which architectures fail beyond their position limit, tested with tiny models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoModelForSeq2SeqLM

from dstill_finetune import model_loading

POSITIONS = 16
PLAIN = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
WIDE = {**PLAIN, "intermediate_size": 48, "max_position_embeddings": POSITIONS, "pad_token_id": 1}
GPT = {"vocab_size": 64, "n_embd": 32, "n_layer": 1, "n_head": 2, "n_positions": POSITIONS}
BART = {
    "vocab_size": 64,
    "d_model": 32,
    **{f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in (("layers", 1), ("ffn_dim", 48))},
    **{f"{side}_attention_heads": 2 for side in ("encoder", "decoder")},
    **dict.fromkeys(("pad_token_id", "eos_token_id", "decoder_start_token_id"), 2),
    "bos_token_id": None,
    "max_position_embeddings": POSITIONS,
}
LED = {
    "max_encoder_position_embeddings": POSITIONS,
    "max_decoder_position_embeddings": POSITIONS,
    "attention_window": [4],
}
WITH_LIMIT: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("bart", "mbart", "mvp", "plbart", "blenderbot", "blenderbot-small", "pegasus"), BART),
    "marian": {**BART, "decoder_vocab_size": 64},
    "bigbird_pegasus": {**BART, "attention_type": "original_full"},
    "led": {**BART, **LED},
    **dict.fromkeys(("gpt2", "gpt_bigcode", "openai-gpt"), GPT),
    "gptj": {**GPT, "rotary_dim": 4},
    "codegen": {**GPT, "n_head": 4, "n_ctx": POSITIONS, "rotary_dim": 4},
    "ctrl": {**GPT, "dff": 48},
    "gpt_neo": {**PLAIN, "num_layers": 1, "attention_types": [[["global"], 1]], "max_position_embeddings": POSITIONS},
    "opt": {**WIDE, "ffn_dim": 48, "word_embed_proj_dim": 32},
    "biogpt": WIDE,
    "xlm": {"n_words": 64, "emb_dim": 32, "n_layers": 1, "n_heads": 2, "max_position_embeddings": POSITIONS},
}
WITHOUT_LIMIT: Mapping[str, Mapping[str, Any]] = {
    "llama": WIDE,
    "falcon": {**PLAIN, "max_position_embeddings": POSITIONS, "alibi": True},
    "m2m_100": BART,
    "xglm": {"vocab_size": 64, "d_model": 32, "num_layers": 1, "attention_heads": 2, "ffn_dim": 48}
    | {"max_position_embeddings": POSITIONS},
}


def accepts_lengths(name: str, settings: Mapping[str, Any]) -> tuple[Any, list[bool]]:
    """The configuration, and whether a tiny model accepts as many tokens as it has positions, and one more."""
    config = CONFIG_MAPPING[name](**settings)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = kind.from_config(config).eval()
    return config, [accepts(model, count) for count in (POSITIONS, POSITIONS + 1)]


def accepts(model: Any, count: int) -> bool:
    ids = torch.arange(5, 5 + count)[None]
    given = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    try:
        with torch.no_grad():
            model(input_ids=ids, attention_mask=torch.ones_like(ids), **given)
    except (IndexError, RuntimeError):
        return False
    return True


@pytest.mark.parametrize("name", WITH_LIMIT)
def test_bounded_models_end_at_their_positions(name: str) -> None:
    config, taken = accepts_lengths(name, WITH_LIMIT[name])
    assert taken == [True, False]
    assert model_loading.positions_of(config) == (POSITIONS, POSITIONS)


@pytest.mark.parametrize("name", WITHOUT_LIMIT)
def test_unbounded_models_go_beyond_their_positions(name: str) -> None:
    config, taken = accepts_lengths(name, WITHOUT_LIMIT[name])
    assert taken == [True, True]
    assert model_loading.positions_of(config) == model_loading.UNBOUNDED


def test_encoder_and_decoder_lengths_may_differ() -> None:
    sizes = {"max_encoder_position_embeddings": 64, "max_decoder_position_embeddings": POSITIONS}
    assert model_loading.positions_of(CONFIG_MAPPING["led"](**{**BART, **LED, **sizes})) == (64, POSITIONS)
