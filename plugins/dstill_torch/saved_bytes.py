"""Counts the bytes that autograd saves for the backward pass while a model runs on fake tensors.

    saved = SavedBytes(model, FakeTensorMode(), bf16=False)
    with saved.counted() as found:
        out = model(ids)
    found                      # [bytes of the encoder, bytes of the decoder]

They are a polynomial in the source and target lengths, which `polynomial` fits on the bytes of a few lengths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["DECODER", "ENCODER_DECODER", "STEP", "SavedBytes", "polynomial"]

STEP = 32  # lengths tried: 32, 64 and 96 tokens
# Source and target lengths that `polynomial` needs the bytes of, as multiples of one length.
DECODER = ((1, 0), (2, 0), (3, 0))
ENCODER_DECODER = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (2, 2))


def polynomial(at: Mapping[tuple[int, int], Sequence[float]], *, h: int = STEP) -> tuple[float, ...]:
    """Coefficients of S, S² (encoder) and T, T², S, S·T (decoder) without constants; S, T: source and target length.

    `at`: multiples of `h` → bytes of encoder and decoder; those of a decoder-only model are all the first.
    """
    if at.keys() == set(DECODER):
        a, b, c = (at[lengths][0] for lengths in DECODER)
        square = (c - 2 * b + a) / (2 * h * h)
        return ((b - a) / h - 3 * h * square, square, 0.0, 0.0, 0.0, 0.0)
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

    @contextmanager
    def counted(self) -> Iterator[Sequence[float]]:
        """The bytes of encoder and decoder that a forward pass in the block saves. They live as long as its result."""
        import torch

        self._saved.clear()
        self.part = 0
        sums = [0.0, 0.0]
        with (
            self._fake,
            torch.autograd.graph.saved_tensors_hooks(self._pack, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=self._bf16),
        ):
            yield sums
            for part, storage in self._saved.values():
                sums[part] += storage.nbytes()

    def _pack(self, tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._weights:
            self._saved.setdefault(storage._cdata, (self.part, storage))
        return tensor
