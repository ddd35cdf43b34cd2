"""Constrained decoding for ``transformers``' ``generate``: tokens that the grammar forbids get the score −∞.

    constraint = Constraint(compiler, [grammar, grammar, None])       one grammar per row; None: unconstrained
    model.generate(…, logits_processor=[constraint], max_new_tokens=constraint.max_new_tokens(128))

It works for encoder–decoders and decoders: the tokens of a row at the first call are the prompt, not the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dstill.api.records import Grammar
from dstill_constrain.compiler import Compiler, State

__all__ = ["Constraint"]


class Constraint:
    """A logits processor for one batch.

    Raises:
        DataError: A grammar is invalid, or the student's tokenizer cannot write what it asks for next.
    """

    def __init__(self, compiler: Compiler, grammars: Sequence[Grammar | None]) -> None:
        self._end = compiler.vocabulary.end
        self._size = len(compiler.vocabulary.pieces)
        self._states: list[State | None] = [
            None if grammar is None else compiler.start(grammar) for grammar in grammars
        ]
        self._longest = [compiler.longest(grammar) for grammar in grammars if grammar is not None]
        self._seen: int | None = None  # tokens of each row at the last call

    def max_new_tokens(self, usual: int) -> int:
        """Enough tokens for the longest sentence and its end token, and no fewer than `usual`."""
        return max([usual, *(length + 1 for length in self._longest if length is not None)])

    def __call__(self, ids: Any, scores: Any) -> Any:
        """The masked scores of the next token.

        Args:
            ids: The tokens so far, ``[rows, tokens]``.
            scores: The scores of the next token, ``[rows, vocabulary]``.
        """
        if self._seen is not None:
            for number, row in enumerate(ids[:, self._seen :].tolist()):
                self._consume(number, row)
        self._seen = ids.shape[1]
        allowed = self._allowed(scores)
        return scores if allowed is None else scores.masked_fill(~allowed, float("-inf"))

    def _consume(self, number: int, tokens: Sequence[int]) -> None:
        state = self._states[number]
        for token in tokens if state else ():
            if token == self._end or state is None:
                self._states[number] = None  # only padding follows a finished answer
                return
            state.consume(token)

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
