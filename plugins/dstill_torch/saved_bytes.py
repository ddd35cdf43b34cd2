"""Counts the bytes that autograd saves for the backward pass while a model runs on fake tensors.

    fake = FakeTensorMode()
    saved = SavedBytes(model, fake, bf16=False)
    saved.of(lambda: model(ids))     # (bytes of the encoder, bytes of the decoder)

They are a polynomial in the source and target lengths, which `polynomial` fits on a few lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["STEP", "Bytes", "SavedBytes", "polynomial"]

STEP = 32  # lengths tried: 32, 64 and 96 tokens
Bytes = tuple[float, float]  # saved by encoder and decoder; a decoder-only model has only the first


def polynomial(run: Callable[[int, int], Bytes], *, encoder_decoder: bool = True, h: int = STEP) -> tuple[float, ...]:
    """Coefficients of S, S² (encoder) and T, T², S, S·T (decoder) without constants; S, T: source and target length.

    `run` counts the bytes for a source and a target of some lengths; it is called with multiples of `h`.
    """
    if not encoder_decoder:
        a, b, c = (run(n * h, 0)[0] for n in (1, 2, 3))
        square = (c - 2 * b + a) / (2 * h * h)
        return ((b - a) / h - 3 * h * square, square, 0.0, 0.0, 0.0, 0.0)
    at = {(s, t): run(s * h, t * h) for s, t in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (2, 2))}
    a, b, c = (at[s, 1][0] for s in (1, 2, 3))
    square = (c - 2 * b + a) / (2 * h * h)
    w = {key: value[1] for key, value in at.items()}
    cross = (w[2, 2] - w[2, 1] - w[1, 2] + w[1, 1]) / (h * h)
    across = (w[2, 1] - w[1, 1]) / h - h * cross
    squares = (w[1, 3] - 2 * w[1, 2] + w[1, 1]) / (2 * h * h)
    written = (w[1, 2] - w[1, 1]) / h - 3 * h * squares - h * cross
    return ((b - a) / h - 3 * h * square, square, written, squares, across, cross)


class SavedBytes:
    """Counts what autograd saves while a model runs on fake tensors, without its weights."""

    def __init__(self, model: Any, fake: Any, *, bf16: bool) -> None:
        self.part = 0  # of what runs now: 0 encoder, 1 decoder
        self._weights = {p.untyped_storage()._cdata for p in model.parameters()}
        self._saved: dict[int, tuple[int, Any]] = {}  # storage id → part, and the storage
        self._fake, self._bf16 = fake, bf16

    def of(self, forward: Callable[[], Any]) -> Bytes:
        """The bytes of encoder and decoder that one call of `forward` saves."""
        import torch

        self._saved.clear()
        self.part = 0
        with (
            self._fake,
            torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=self._bf16),
        ):
            out = forward()  # what is saved lives as long as its result
            sums = [0.0, 0.0]
            for part, storage in self._saved.values():
                sums[part] += storage.nbytes()
            del out
        return sums[0], sums[1]

    def _pack(self, tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._weights:
            self._saved.setdefault(storage._cdata, (self.part, storage))
        return tensor
