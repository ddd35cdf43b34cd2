"""Constrained decoding for ``transformers``' ``generate``: scores of tokens that the grammar forbids become −∞.

    constraint = Constraint(compiler, [grammar, grammar, None])       one a row; None: that row is free
    model.generate(…, logits_processor=[constraint], max_new_tokens=constraint.most(128))

It works on encoder–decoders and decoders alike: what stands in a row at the first call is not the answer's.
"""

from __future__ import annotations

from typing import Any, Sequence

from dstill.api.records import Grammar
from dstill_constrain.compiler import Compiler, State

__all__ = ["Constraint"]


class Constraint:
    def __init__(self, compiler: Compiler, grammars: Sequence[Grammar | None]) -> None:
        self._end = compiler.vocabulary.end
        self._size = len(compiler.vocabulary.pieces)
        self._states: list[State | None] = [None if one is None else compiler.start(one) for one in grammars]
        self._longest = [compiler.longest(one) for one in grammars if one is not None]
        self._seen: int | None = None  # tokens of a row that were taken, or stood there before

    def most(self, usual: int) -> int:
        """New tokens that the longest sentence takes at most, its end among them; `usual` where that is not known."""
        return max([usual, *(length + 1 for length in self._longest if length is not None)])

    def __call__(self, ids: Any, scores: Any) -> Any:
        """`ids`: rows × tokens so far. `scores`: rows × vocabulary, for the next one."""
        if self._seen is not None:
            for number, row in enumerate(ids[:, self._seen :].tolist()):
                self._take(number, row)
        self._seen = ids.shape[1]
        allowed = self._allowed(scores)
        return scores if allowed is None else scores.masked_fill(~allowed, float("-inf"))

    def _take(self, number: int, tokens: Sequence[int]) -> None:
        state = self._states[number]
        for token in tokens if state else ():
            if token == self._end or state is None:
                self._states[number] = None  # an answer that is over is filled up with padding
                return
            state.take(token)

    def _allowed(self, scores: Any) -> Any:
        import numpy
        import torch

        if not any(self._states):
            return None
        allowed = numpy.ones(tuple(scores.shape), dtype=bool)
        for number, state in enumerate(self._states):
            if state is not None:
                bits = numpy.unpackbits(numpy.frombuffer(state.mask(), dtype=numpy.uint8), bitorder="little")
                allowed[number, : self._size] = bits[: self._size]
                allowed[number, self._size :] = False
        return torch.from_numpy(allowed).to(scores.device)
