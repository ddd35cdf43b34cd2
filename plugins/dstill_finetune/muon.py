"""The optimizer Muon for the matrices of a model, with AdamW for everything else.

    optimizer = muon(model, learning_rate=6e-3, weight_decay=0.01)

Muon moves a matrix by the orthogonal part of its momentum (Jordan et al. 2024). In short trainings it needs about half
of AdamW's steps. It is meant for hidden layers only: embeddings, heads and vectors keep AdamW. Updates of matrices are
scaled to the size of AdamW's (Liu et al. 2025, Muon is Scalable for LLM Training), so both share one learning rate.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from dstill.errors import UsageError

__all__ = ["muon"]

STEPS = 3  # Newton–Schulz iterations; torch's default is 5


def muon(model: Any, *, learning_rate: float, weight_decay: float) -> Any:
    """An optimizer of the trained weights of a torch module. Raises UsageError if torch has no Muon (before 2.9)."""
    import torch

    if not hasattr(torch.optim, "Muon"):
        raise UsageError(
            f"torch {torch.__version__} has no Muon", where="train.optim", hint="install torch 2.9 or later"
        )
    hidden = {
        parameter
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module is not getattr(model, "lm_head", None)
        for parameter in module.parameters()
        if parameter.ndim == 2
    }
    embeddings = {
        parameter
        for module in model.modules()
        if isinstance(module, (torch.nn.Embedding, torch.nn.EmbeddingBag))
        for parameter in module.parameters()
    }
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter in hidden - embeddings]
    others = [parameter for parameter in trained if parameter not in hidden - embeddings]
    parts = []
    if matrices:
        parts.append(
            torch.optim.Muon(
                matrices,
                lr=learning_rate,
                weight_decay=weight_decay,
                ns_steps=STEPS,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    if others:
        parts.append(torch.optim.AdamW(others, lr=learning_rate, weight_decay=weight_decay, fused=True))
    return _chained()(parts)


def _chained() -> Any:
    import torch

    class Chained(torch.optim.Optimizer):
        """Several optimizers as one: their groups one after the other, and their states in a list."""

        def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
            self.parts = parts
            super().__init__(list(chain.from_iterable(part.param_groups for part in parts)), {})

        def step(self, closure: Any = None) -> None:
            for part in self.parts:
                part.step()

        def state_dict(self) -> dict[str, Any]:
            return {"parts": [part.state_dict() for part in self.parts]}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            for part, state in zip(self.parts, state_dict["parts"], strict=True):
                part.load_state_dict(state)
            self.param_groups = list(chain.from_iterable(part.param_groups for part in self.parts))

    return Chained
