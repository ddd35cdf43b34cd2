"""The loss of a training: the multi-task loss of Distilling Step-by-Step (Hsieh et al. 2023), per branch.

    counts = Σ tokens(batch, branches)         # over the batches of one optimizer step
    scale(batch, counts)                       # weight of a token's branch / tokens of that branch
    losses.total(model, batch)                 # Σ token loss · scale, to be added over the batches

`losses` is a `TokenLosses`, one for each architecture: it gives the loss of every labelled token, in the order of
``labels[labels != IGNORED]``.

Tokens are counted per branch over everything that one optimizer step sees. So losses and gradients of its batches add
up to those of one large batch, however they are divided; padding does not count.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from dstill_torch.batches import IGNORED_LABEL

if TYPE_CHECKING:
    import torch

__all__ = ["TokenLosses", "scale", "tokens"]


def tokens(batch: dict[str, Any], branches: int) -> torch.Tensor:
    """``[branches]`` labelled tokens of each branch, on the CPU; records that only fill up a batch do not count."""
    import torch

    labelled = batch["branch"][(batch["labels"] != IGNORED_LABEL) & (batch["weight"] > 0)].cpu()
    return torch.bincount(labelled, minlength=branches).double()


def scale(batch: dict[str, Any], counts: torch.Tensor) -> None:
    """Replace ``branch`` and ``weight`` by ``scale``, the factor of each token in the loss: ``[rows, T]``.

    `counts`: the tokens of each branch in the whole optimizer step, ``[branches]``.
    """
    branch, weight = batch.pop("branch").cpu(), batch.pop("weight").cpu()
    batch["scale"] = (weight / counts.where(counts > 0, 1.0)[branch]).float()


class TokenLosses(ABC):
    """Computes token losses; create it once per model."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @abstractmethod
    def __call__(self, model: Any, batch: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """The losses of the labelled tokens, ``[tokens]``, and the mask of those in ``labels``, ``[rows, T]``."""

    def total(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        """The batch's part of the step's loss, a scalar; call `scale` on the batch first."""
        factor = batch.pop("scale")
        losses, labelled = self(model, batch)
        total: torch.Tensor = (losses * factor[labelled]).sum()
        return total
