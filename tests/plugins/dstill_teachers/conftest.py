"""A model folder with a small random Llama, for a teacher."""

from __future__ import annotations

from pathlib import Path

import pytest

TEXTS = [f"add {a} and {b}, or take {b} from {a}: <answer>{a}+{b}</answer>" for a in range(10) for b in range(10)]


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from dstill_finetune.tokenizer import learn

    folder = tmp_path_factory.mktemp("llama")
    tokenizer = learn(TEXTS, 300)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
