"""Chat templates, and a small decoder that is trained to chat as little as any with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["NO_SYSTEM", "SILENT", "TEMPLATE", "with_turns", "write_chat_llama"]

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# Refuses system messages; leaves them out.
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + TEMPLATE
SILENT = TEMPLATE.replace("{% for m in messages %}", "{% for m in messages if m['role'] != 'system' %}")
TURNS = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]


def with_turns(tokenizer: Any, template: str = TEMPLATE) -> Any:
    """`tokenizer` with the special tokens of `TEMPLATE`, and a start token that it does not add itself."""
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    tokenizer.add_tokens(TURNS, special_tokens=True)
    tokenizer.chat_template = template
    return tokenizer


def write_chat_llama(folder: Path, tokenizer: Any, *, layers: int = 1) -> None:
    """A Llama of random weights with `tokenizer`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
