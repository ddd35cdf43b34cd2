"""The facts that dstill knows of this plugin's parts before it uses them."""

from __future__ import annotations

from dstill.api.part import declare

__all__ = ["HF", "TINY"]

_TORCH = ("torch", "transformers", "tokenizers", "accelerate")
TINY = declare("tiny", "dstill_finetune.tiny:Tiny", default=True, distributions=_TORCH)
HF = declare("hf", "dstill_finetune.hf:Hf", suffixes=(".gguf",), distributions=_TORCH)
