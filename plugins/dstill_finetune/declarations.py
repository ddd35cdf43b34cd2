"""What dstill knows of this plugin"s parts before it uses them."""

from __future__ import annotations

from dstill.api.part import declare

__all__ = ["DSS", "FULL", "HF", "LABEL_ONLY", "LORA", "QLORA", "RATIONALE_FIRST", "TINY"]

_TORCH = ("torch", "transformers", "tokenizers", "accelerate")
TINY = declare("tiny", "dstill_finetune.tiny:Tiny", default=True, distributions=_TORCH)
HF = declare("hf", "dstill_finetune.hf:Hf", suffixes=(".gguf",), distributions=_TORCH)
FULL = declare("full", "dstill_finetune.modalities:Full")
LORA = declare("lora", "dstill_finetune.modalities:Lora", distributions=("peft",))
QLORA = declare("qlora", "dstill_finetune.modalities:Qlora", distributions=("peft", "bitsandbytes"))
DSS = declare("dss", "dstill_finetune.objectives:DistillStepByStep")
LABEL_ONLY = declare("label-only", "dstill_finetune.objectives:LabelOnly")
RATIONALE_FIRST = declare("rationale-first", "dstill_finetune.objectives:RationaleFirst")
