"""The optimizer Muon for the matrices of a model, with AdamW for everything else.

    optimizer = muon(model, learning_rate=6e-3, weight_decay=0.01)

Muon moves a matrix by the orthogonal part of its momentum (Jordan et al. 2024). Short trainings then need fewer steps.
It is meant for hidden layers: embeddings, heads and vectors keep AdamW. Its updates are scaled to the size of AdamW's,
so that both have one learning rate (Liu et al. 2025, Muon is Scalable for LLM Training).

`torch.optim.Muon` has the same rule for one matrix at a time. Here equal shapes are one batch, which is faster for the
many small matrices of the student `linked`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import torch

__all__ = ["muon"]

MOMENTUM = 0.95
ITERATIONS = 3  # of Newton–Schulz
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of its polynomial, from Jordan et al.
LARGEST = 2**24  # numbers that are one batch
RMS = 0.2  # of AdamW's updates, measured by Liu et al.


def muon(model: Any, *, learning_rate: float, weight_decay: float) -> Any:
    """An optimizer of the trained weights of a torch module. Vectors have no weight decay."""
    head: Any = getattr(model, "get_output_embeddings", lambda: None)()
    not_hidden: set[Any] = {
        weight
        for module in model.modules()
        if module is head or isinstance(module, (torch.nn.Embedding, torch.nn.EmbeddingBag))
        for weight in module.parameters()
    }
    linear = {module.weight for module in model.modules() if isinstance(module, torch.nn.Linear)}
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    matrices = [weight for weight in trained if weight in linear - not_hidden]
    others = [weight for weight in trained if weight not in linear - not_hidden]
    groups = [
        {"params": [weight for weight in others if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in others if weight.ndim < 2], "weight_decay": 0.0},
    ]
    parts: list[torch.optim.Optimizer] = []
    if matrices:
        parts.append(MuonOfMatrices(matrices, lr=learning_rate, weight_decay=weight_decay))
    if others:
        parts.append(torch.optim.AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=True))
    return Combined(parts)


class MuonOfMatrices(torch.optim.Optimizer):
    """Muon for parameters with two dimensions."""

    def __init__(self, weights: list[Any], lr: float, weight_decay: float) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[Any, list[Any]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(tuple(weight.shape), []).append(weight)
            for shape, weights in ((shape, part) for shape, all_ in by_shape.items() for part in _chunks(all_)):
                updates = _orthogonal(torch.stack([self._momentum(weight) for weight in weights]))
                for weight, update in zip(weights, updates, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update, alpha=-group["lr"] * RMS * max(shape) ** 0.5)

    def _momentum(self, weight: Any) -> Any:
        """The gradient with Nesterov's momentum."""
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight.grad)
        buffer = state["momentum_buffer"].lerp_(weight.grad, 1 - MOMENTUM)
        return weight.grad.lerp(buffer, MOMENTUM)


class Combined(torch.optim.Optimizer):
    """Optimizers of different weights as one: it has the groups of all."""

    def __init__(self, parts: list[torch.optim.Optimizer]) -> None:
        self.parts = parts
        super().__init__(self._groups(), {})

    def _groups(self) -> list[dict[str, Any]]:
        return list(chain.from_iterable(part.param_groups for part in self.parts))

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = self._groups()


def _chunks(weights: list[Any]) -> Iterator[list[Any]]:
    """Weights of one shape, in parts of at most `LARGEST` numbers: their copies need memory."""
    most = max(1, LARGEST // weights[0].numel())
    yield from (weights[at : at + most] for at in range(0, len(weights), most))


def _orthogonal(matrices: Any) -> Any:
    """Matrices [n, rows, columns] with their singular values moved closer to 1."""
    a, b, c = COEFFICIENTS
    high = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if high else matrices).bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = (gram.baddbmm(gram, gram, beta=b, alpha=c)).bmm(x).add_(x, alpha=a)
    return (x.mT if high else x).to(matrices.dtype)
