"""Cross-entropy whose gradient takes the logits' place: one tensor of tokens × vocabulary in place of three.

    losses = cross_entropy(logits, labels)     # (tokens,) fp32, as torch's with reduction="none"

torch's own keeps the log-softmax of the logits, and backward makes two gradients of the same size. With a vocabulary of
32,000 or 262,000 these are a student's largest tensors. Here the logits themselves are kept, with two numbers a row,
and become their own gradient: softmax minus one-hot, a few rows at a time, in fp32 whatever the logits are in.

So backward goes once. Where something else needs the logits' values for its own gradient (a head that ends in a
tanh), or goes a second time, autograd says that they were modified.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Iterator

if TYPE_CHECKING:
    import torch

__all__ = ["CHUNK", "cross_entropy"]

CHUNK = 2**20  # logits at a time


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """(tokens,) losses of (tokens, vocabulary) logits, which are gone after backward; every label is learnt."""
    losses: torch.Tensor = _function().apply(logits, labels)
    return losses


@cache
def _function() -> Any:
    import torch

    class InPlace(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            largest = logits.amax(1, keepdim=True).float()  # apart from the rest, for large logits' last digits
            rest = torch.empty_like(largest)
            for rows in _chunks(logits):
                rest[rows] = (logits[rows] - largest[rows]).exp_().sum(1, keepdim=True).log_()
            context.save_for_backward(logits, labels, largest, rest)
            return (largest - logits.gather(1, labels[:, None]) + rest).squeeze(1)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(context: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
            logits, labels, largest, rest = context.saved_tensors
            for rows in _chunks(logits):
                part = logits[rows].float()  # fp32: these very rows
                part.sub_(largest[rows]).sub_(rest[rows]).exp_()
                part.scatter_add_(1, labels[rows, None], part.new_full((len(part), 1), -1.0))
                part.mul_(gradient[rows, None])
                logits[rows] = part
            return logits, None

    return InPlace


def _chunks(logits: torch.Tensor) -> Iterator[slice]:
    tokens, vocabulary = logits.shape
    rows = max(1, CHUNK // vocabulary)
    return (slice(at, at + rows) for at in range(0, tokens, rows))
