"""A linked model in numpy, for answers without torch: the same scores as `dstill_linked.model`, on a CPU.

    scorer = NumpyScorer(shape, weights)           # arrays by name, in fp32
    answers = scorer.start([row, …])               # reads the questions
    answers.step(numpy.array([START, …]))          →  [rows, tokens + positions] scores of what comes next
    answers.take([0, 2])                           # goes on with these rows

With few rows, calls take as long as arithmetic. So matrices are prepared once: those with the same input are one; the
weights of a norm and the scale of attention are part of the matrix after them; and the key and query of pointers are
multiplied, as nothing comes between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from dstill_linked.meanings import vectors
from dstill_linked.shape import Shape
from dstill_linked.vocabulary import Row, batch

__all__ = ["NumpyScorer", "NumpyScores"]

Floats = NDArray[np.float32]
_MASK = np.float32(-1e4)


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """Matrices [in, out] of one layer of the encoder."""

    qkv: Floats  # side by side
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
        self._libraries: Any = ThreadpoolController()  # numpy's BLAS among them
        scale = np.float32((shape.width // shape.heads) ** -0.5)

        def normed(norm: str, *names: str) -> Floats:
            """The matrices that follow a norm. `_normed` leaves the square root of the width to them."""
            joined = np.concatenate([weights[f"{name}.weight"] for name in names])
            return _turned(joined * weights[f"{norm}.weight"] * np.float32(math.sqrt(shape.width)))

        def layer(name: str, attention: str) -> dict[str, Floats]:
            qkv = normed(f"{name}.norm_{attention}", *(f"{name}.{attention}.{letter}_proj" for letter in "qkv"))
            qkv[:, : shape.width] *= scale
            return {
                "qkv": qkv,
                "out": _turned(weights[f"{name}.{attention}.o_proj.weight"]),
                "up": normed(f"{name}.norm_dense", f"{name}.dense.up"),
                "down": _turned(weights[f"{name}.dense.down.weight"]),
            }

        decoder = [f"decoder.{number}" for number in range(shape.decoder_layers)]
        self.features, self.tokens = weights["features.weight"], weights["tokens.weight"]
        self.meanings = _turned(weights["meanings.weight"])
        self.places = weights["places.weight"]
        self.relations = _turned(weights["relations.weight"])  # [heads, relations]
        self.encoder = [_Layer(**layer(f"encoder.{number}", "attention")) for number in range(shape.encoder_layers)]
        self.decoder = [
            _DecoderLayer(
                **layer(name, "written"),
                memory_query=normed(f"{name}.norm_memory", f"{name}.memory.q_proj") * scale,
                memory_out=_turned(weights[f"{name}.memory.o_proj.weight"]),
            )
            for name in decoder
        ]
        self.output = normed("norm_output", "tokens")
        query = normed("norm_output", "pointer_query") / np.float32(math.sqrt(shape.width))
        between = [f"{name}.memory.{letter}_proj" for name in decoder for letter in "kv"]
        self.memory = np.concatenate(
            [normed("norm_memory", "pointer_in", *between), normed("norm_memory", "pointer_key") @ query.T], axis=1
        )

    def running(self) -> AbstractContextManager[object]:
        """As in `Scorer`, with one thread: these matrices are too small for more, which only wait for each other."""
        limit: AbstractContextManager[object] = self._libraries.limit(limits=1, user_api="blas")
        return limit

    def start(self, rows: Sequence[Row]) -> NumpyScores:
        """Read the questions of the rows."""
        arrays = batch(rows)
        there = arrays.mask.ravel()
        x = np.zeros((len(there), self.shape.width), np.float32)
        x[there] = self._embedded(arrays.features, arrays.weights, arrays.offsets[there])
        bias, mask = self.relations[:, arrays.relations].swapaxes(0, 1), None
        if not there.all():
            mask = np.where(arrays.mask, np.float32(0), _MASK)[:, None, None, :]
            bias = bias + mask
        for layer in self.encoder:
            q, k, v = self.heads(_normed(x) @ layer.qkv, len(rows))
            x += _attended(q, k.swapaxes(-1, -2), v, bias).reshape(x.shape) @ layer.out
            x += _dense(x, layer)
        return NumpyScores(self, (_normed(x) @ self.memory).reshape(*arrays.mask.shape, -1), mask)

    def _embedded(self, features: NDArray[np.int32], weights: Floats, offsets: NDArray[np.int64]) -> Floats:
        """Each position before attention."""
        known = features >= self.shape.features
        own = np.where(known, 0, features)
        x: Floats = np.add.reduceat(self.features[own] * np.where(known, 0, weights)[:, None], offsets)
        (meant,) = known.nonzero()
        mean = vectors(features[meant] - self.shape.features) * weights[meant, None]
        np.add.at(x, np.searchsorted(offsets, meant, "right") - 1, mean @ self.meanings)
        return x

    def heads(self, x: Floats, rows: int) -> Floats:
        """``[rows * length, parts * width]`` as ``[parts, rows, heads, length, width / heads]``, a view."""
        heads, width = self.shape.heads, self.shape.width
        return x.reshape(rows, -1, x.shape[1] // width, heads, width // heads).transpose(2, 0, 3, 1, 4)


class NumpyScores:
    """Answers in progress."""

    def __init__(self, scorer: NumpyScorer, memory: Floats, mask: Floats | None) -> None:
        shape, (rows, positions, _) = scorer.shape, memory.shape
        self._scorer = scorer
        self._mask = mask  # [rows, 1, 1, positions] bias of padding; None: there is none
        self._pointers = memory[..., : shape.width]  # what a written pointer is read as
        self._targets = memory[..., -shape.width :].swapaxes(1, 2)
        between = memory[..., shape.width : -shape.width].reshape(rows * positions, -1)
        heads = scorer.heads(between, rows)
        self._memory = [(heads[n].swapaxes(-1, -2), heads[n + 1]) for n in range(0, len(heads), 2)]
        # keys and values of what is written
        size = (shape.decoder_layers, 2, rows, shape.heads, shape.longest, shape.width // shape.heads)
        self._written = np.empty(size, np.float32)
        self._length = 0

    def step(self, previous: NDArray[np.int64]) -> Floats:
        """The scores of what comes after `previous`, ``[rows, tokens + positions]``."""
        scorer, rows = self._scorer, len(previous)
        x = self._embedded(previous) + scorer.places[self._length]
        self._length += 1
        for layer, written, (keys, values) in zip(scorer.decoder, self._written, self._memory, strict=True):
            heads = scorer.heads(_normed(x) @ layer.qkv, rows)
            written[:, :, :, self._length - 1] = heads[1:, :, :, 0]
            before = written[:, :, :, : self._length]
            x += _attended(heads[0], before[0].swapaxes(-1, -2), before[1], None).reshape(x.shape) @ layer.out
            heads = scorer.heads(_normed(x) @ layer.memory_query, rows)
            x += _attended(heads[0], keys, values, self._mask).reshape(x.shape) @ layer.memory_out
            x += _dense(x, layer)
        x = _normed(x)
        pointers = (x[:, None] @ self._targets)[:, 0]
        if self._mask is not None:
            pointers += self._mask[:, 0, 0]
        return np.concatenate([x @ scorer.output, pointers], axis=1)

    def take(self, rows: Sequence[int]) -> None:
        """Keep some rows, in this order."""
        self._mask = None if self._mask is None else self._mask[rows]
        self._pointers, self._targets = self._pointers[rows], self._targets[rows]
        self._memory = [(keys[rows], values[rows]) for keys, values in self._memory]
        self._written = self._written[:, :, rows]

    def _embedded(self, previous: NDArray[np.int64]) -> Floats:
        tokens, size = self._scorer.tokens, self._scorer.shape.tokens
        return np.stack(
            [
                tokens[number] if number < size else self._pointers[row, number - size]
                for row, number in enumerate(previous.tolist())
            ]
        )


def _turned(weight: Floats) -> Floats:
    """A matrix [out, in] as [in, out], with which BLAS is faster."""
    return np.ascontiguousarray(weight.T)


def _normed(x: Floats) -> Floats:
    """RMS normalization without its weights, and without the square root of the width."""
    normed: Floats = x / np.sqrt(np.vecdot(x, x) + np.float32(x.shape[1] * 1e-6))[:, None]
    return normed


def _attended(queries: Floats, keys: Floats, values: Floats, bias: Floats | None) -> Floats:
    """Softmax of ``queries @ keys``, times the values; ``[rows, length, heads, width / heads]``."""
    scores: Floats = queries @ keys
    if bias is not None:
        scores += bias
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return (scores @ values).swapaxes(1, 2)


def _dense(x: Floats, layer: _Layer) -> Floats:
    hidden: Floats = _normed(x) @ layer.up
    np.maximum(hidden, 0, out=hidden)
    hidden *= hidden
    return hidden @ layer.down
