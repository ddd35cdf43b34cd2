"""A linked model in numpy, for answers without torch: the same scores as `dstill_linked.model`, on a CPU.

    scorer = NumpyScorer(shape, weights)           # arrays by name, in fp32
    answers = scorer.start([row, …])               # reads the questions
    answers.step(numpy.array([START, …]))          →  [rows, tokens + positions] scores of what comes next
    answers.take([0, 2])                           # goes on with these rows

For few rows the time goes into calls, not into arithmetic, so the weights are prepared once: the weights of a norm and
the scale of attention are part of the matrix that comes next, matrices with the same input are one, and the products of
two matrices without anything between them are computed (the query and key of pointers).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dstill_linked.shape import Shape
from dstill_linked.vocabulary import Row, batch

__all__ = ["NumpyScorer", "NumpyScores"]

Floats = NDArray[np.float32]
_MASKED = np.float32(-1e4)


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Matrices of one layer, [in, out]."""

    qkv: Floats  # of the attention over its own positions
    out: Floats
    up: Floats
    down: Floats


@dataclass(frozen=True, kw_only=True)
class _DecoderLayer(_Layer):
    memory_query: Floats
    memory_out: Floats


class NumpyScorer:
    """Reads questions and scores tokens and pointers.

    Args:
        shape: The sizes.
        weights: Arrays by name, with the dimensions of `Shape.weights`.
    """

    batch = 16

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        self.shape = shape
        scale = np.float32((shape.width // shape.heads) ** -0.5)

        def matrix(norm: str, *names: str) -> Floats:
            """The matrices side by side, after the norm if there is one."""
            joined = np.concatenate([weights[f"{name}.weight"] for name in names])
            return _columns(joined * weights[f"{norm}.weight"] if norm else joined)

        def layer(name: str, attention: str) -> dict[str, Floats]:
            qkv = matrix(f"{name}.norm_{attention}", *(f"{name}.{attention}.{one}_proj" for one in "qkv"))
            qkv[:, : shape.width] *= scale
            return {
                "qkv": qkv,
                "out": matrix("", f"{name}.{attention}.o_proj"),
                "up": matrix(f"{name}.norm_dense", f"{name}.dense.up"),
                "down": matrix("", f"{name}.dense.down"),
            }

        encoder = [f"encoder.{number}" for number in range(shape.encoder_layers)]
        decoder = [f"decoder.{number}" for number in range(shape.decoder_layers)]
        self.features, self.tokens = weights["features.weight"], weights["tokens.weight"]
        self.places = weights["places.weight"]
        self.relations = _columns(weights["relations.weight"])  # [heads, relations]
        self.encoder = [_Layer(**layer(name, "attention")) for name in encoder]
        self.decoder = [
            _DecoderLayer(
                **layer(name, "written"),
                memory_query=matrix(f"{name}.norm_memory", f"{name}.memory.q_proj") * scale,
                memory_out=matrix("", f"{name}.memory.o_proj"),
            )
            for name in decoder
        ]
        self.output = _columns(self.tokens * weights["norm_output.weight"])
        pointers = weights["pointer_query.weight"] * weights["norm_output.weight"] / np.float32(math.sqrt(shape.width))
        self.memory = np.concatenate(
            [
                matrix("norm_memory", "pointer_in", *(f"{name}.memory.{one}_proj" for name in decoder for one in "kv")),
                _columns(weights["pointer_key.weight"] * weights["norm_memory.weight"]) @ pointers,
            ],
            axis=1,
        )

    @contextmanager
    def running(self, threads: int) -> Iterator[None]:
        """As in `Scorer`."""
        yield

    def start(self, rows: Sequence[Row]) -> NumpyScores:
        """Read the questions of the rows."""
        made = batch(rows)
        count, positions = made.mask.shape
        there = made.mask.ravel()
        x = np.zeros((len(there), self.shape.width), np.float32)
        x[there] = np.add.reduceat(self.features[made.features] * made.weights[:, None], made.offsets[there])
        mask = None if there.all() else np.where(made.mask, np.float32(0), _MASKED)[:, None, None, :]
        bias = self.relations[:, made.relations].swapaxes(0, 1)
        if mask is not None:
            bias = bias + mask
        for layer in self.encoder:
            q, k, v = self._heads(_normed(x) @ layer.qkv, count, 3)
            x += _attended(q, k.swapaxes(-1, -2), v, bias).reshape(x.shape) @ layer.out
            x += _dense(x, layer)
        return NumpyScores(self, (_normed(x) @ self.memory).reshape(count, positions, -1), mask)

    def _heads(self, x: Floats, rows: int, parts: int) -> Floats:
        """``[rows * length, parts * width]`` as ``[parts, rows, heads, length, width / heads]``, a view."""
        return x.reshape(rows, -1, parts, self.shape.heads, self.shape.width // self.shape.heads).transpose(2, 0, 3, 1, 4)


class NumpyScores:
    """Answers in progress."""

    def __init__(self, model: NumpyScorer, memory: Floats, mask: Floats | None) -> None:
        shape, (rows, positions, _) = model.shape, memory.shape
        self._model = model
        self._mask = mask  # [rows, 1, 1, positions] bias of padding; None: there is none
        self._pointers = memory[..., : shape.width]  # what a written pointer is read as
        self._targets = np.ascontiguousarray(memory[..., -shape.width :].swapaxes(1, 2))
        between = memory[..., shape.width : -shape.width].reshape(rows * positions, -1)
        keys = model._heads(between, rows, 2 * shape.decoder_layers)
        self._memory = [(keys[n].swapaxes(-1, -2), keys[n + 1]) for n in range(0, len(keys), 2)]
        # keys and values of what is written
        size = (shape.decoder_layers, 2, rows, shape.heads, shape.longest, shape.width // shape.heads)
        self._written = np.empty(size, np.float32)
        self._length = 0

    def step(self, previous: NDArray[np.int64]) -> Floats:
        """The scores of what comes after `previous`, ``[rows, tokens + positions]``."""
        model, rows, length = self._model, len(previous), self._length
        n_tokens = model.shape.tokens
        x = model.tokens[np.where(previous < n_tokens, previous, 0)]
        for row in np.flatnonzero(previous >= n_tokens):
            x[row] = self._pointers[row, previous[row] - n_tokens]
        x += model.places[length]
        for layer, written, (keys, values) in zip(model.decoder, self._written, self._memory, strict=True):
            q, k, v = model._heads(_normed(x) @ layer.qkv, rows, 3)
            written[0, :, :, length], written[1, :, :, length] = k[:, :, 0], v[:, :, 0]
            before = written[:, :, :, : length + 1]
            x += _attended(q, before[0].swapaxes(-1, -2), before[1], None).reshape(x.shape) @ layer.out
            (q,) = model._heads(_normed(x) @ layer.memory_query, rows, 1)
            x += _attended(q, keys, values, self._mask).reshape(x.shape) @ layer.memory_out
            x += _dense(x, layer)
        self._length += 1
        x = _normed(x)
        pointers = (x[:, None] @ self._targets)[:, 0]
        if self._mask is not None:
            pointers += self._mask[:, 0, 0]
        return np.concatenate([x @ model.output, pointers], axis=1)

    def take(self, rows: Sequence[int]) -> None:
        """Keep some rows, in this order."""
        self._mask = None if self._mask is None else self._mask[rows]
        self._pointers, self._targets = self._pointers[rows], self._targets[rows]
        self._memory = [(keys[rows], values[rows]) for keys, values in self._memory]
        self._written = self._written[:, :, rows]


def _columns(weight: Floats) -> Floats:
    """A matrix [out, in] as [in, out]."""
    return np.ascontiguousarray(weight.T)


def _normed(x: Floats) -> Floats:
    """RMS normalization without weights."""
    squares = np.einsum("ij,ij->i", x, x)[:, None]
    return x * (squares / np.float32(x.shape[1]) + np.float32(1e-6)) ** np.float32(-0.5)


def _attended(queries: Floats, keys: Floats, values: Floats, bias: Floats | None) -> Floats:
    """``[rows, length, heads, width / heads]``"""
    scores = queries @ keys
    if bias is not None:
        scores += bias
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return (scores @ values).swapaxes(1, 2)


def _dense(x: Floats, layer: _Layer) -> Floats:
    hidden = _normed(x) @ layer.up
    np.maximum(hidden, 0, out=hidden)
    hidden *= hidden
    return hidden @ layer.down
