"""The facts that dstill knows of this plugin's parts before it uses them."""

from __future__ import annotations

from dstill.api.part import declare

__all__ = ["DSS", "FULL", "LABEL_ONLY", "LORA", "QLORA", "RATIONALE_FIRST"]

FULL = declare("full", "dstill_torch.modalities:Full")
LORA = declare("lora", "dstill_torch.modalities:Lora", distributions=("peft",))
QLORA = declare("qlora", "dstill_torch.modalities:Qlora", distributions=("peft", "bitsandbytes"))
DSS = declare("dss", "dstill_torch.objectives:DistillStepByStep")
LABEL_ONLY = declare("label-only", "dstill_torch.objectives:LabelOnly")
RATIONALE_FIRST = declare("rationale-first", "dstill_torch.objectives:RationaleFirst")
