"""A model without weights, of what its configuration says: to count, never to run.

parameters_of(T5Config(d_model=64, …))   →  1_312_000
"""

from __future__ import annotations

from typing import Any

from dstill_finetune.damage import damaged
from dstill_finetune.limits import require_sizes

__all__ = ["model_of", "parameters_of"]


def model_of(config: Any) -> Any:
    """The model on the meta device. Raises DataError where the configuration describes none."""
    import torch
    import transformers

    seq2seq = bool(getattr(config, "is_encoder_decoder", False))
    kind = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    where = str(getattr(config, "name_or_path", "") or "config.json")
    require_sizes(config.to_dict(), where)
    with damaged("the configuration describes no model that can be built", where=where), torch.device("meta"):
        return kind.from_config(config)


def parameters_of(config: Any) -> int:
    """How many there are, one that two layers share counted once."""
    return sum(p.numel() for p in model_of(config).parameters())
