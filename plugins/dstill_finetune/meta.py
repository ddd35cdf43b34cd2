"""Builds a model without weights from its configuration, to count its parameters.

parameters_of(T5Config(d_model=64, …))   →  1_312_000
"""

from __future__ import annotations

from typing import Any

from dstill_finetune.limits import require_sizes
from dstill_torch.damage import damaged

__all__ = ["model_of", "parameters_of"]


def model_of(config: Any) -> Any:
    """The model on the meta device. Raises DataError if none can be built from the configuration."""
    import torch
    import transformers

    seq2seq = bool(getattr(config, "is_encoder_decoder", False))
    kind = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    where = str(getattr(config, "name_or_path", "") or "config.json")
    require_sizes(config.to_dict(), where)
    with damaged("no model can be built from the configuration", where=where), torch.device("meta"):
        return kind.from_config(config)


def parameters_of(config: Any) -> int:
    """The number of parameters; a weight that layers share counts once."""
    return sum(p.numel() for p in model_of(config).parameters())
