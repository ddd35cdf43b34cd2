"""Cross-entropy whose gradient overwrites the logits: one tensor of ``[tokens, vocabulary]`` instead of three.

    losses = cross_entropy(logits, labels)     # [tokens] in fp32, as torch's with reduction="none"

torch's version saves the log-softmax, and its backward pass makes two gradients of the same size. With a vocabulary of
32,000 or 262,000 tokens these are a student's largest tensors. This version saves the logits and two numbers per row.
Backward turns the logits into their own gradient, softmax minus one-hot, a few rows at a time and in fp32 whatever
their type.

So backward can run only once. If it runs again, or if another operation needs the logits for its gradient (a head that
ends in a tanh), autograd raises an error that they were modified.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

__all__ = ["CHUNK", "cross_entropy"]

CHUNK = 2**20  # logits per chunk of rows


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of each token.

    Args:
        logits: ``[tokens, vocabulary]``; backward overwrites them.
        labels: ``[tokens]``, without ignored ones.

    Returns:
        ``[tokens]`` in fp32.
    """
    losses: torch.Tensor = InPlace.apply(logits, labels)
    return losses


class InPlace(torch.autograd.Function):
    """The loss, with a backward pass that overwrites the logits."""

    @staticmethod
    def forward(context: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # log-sum-exp = largest + rest; apart, so that large logits keep their last digits
        largest = logits.amax(1, keepdim=True).float()
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
            part = logits[rows].float()  # a view if the logits are fp32
            part.sub_(largest[rows]).sub_(rest[rows]).exp_()
            part.scatter_add_(1, labels[rows, None], part.new_full((len(part), 1), -1.0))
            part.mul_(gradient[rows, None])
            logits[rows] = part
        return logits, None


def _chunks(logits: torch.Tensor) -> Iterator[slice]:
    tokens, vocabulary = logits.shape
    rows = max(1, CHUNK // vocabulary)
    return (slice(at, at + rows) for at in range(0, tokens, rows))
