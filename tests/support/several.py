"""A student that knows several answers to each question, and a task whose results are lists."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from support.toy import Toy

from dstill.api.protocols import ResultProperties
from dstill.api.records import ModelInput
from dstill.api.student import Generation, Generator
from dstill.stages.predict.predicted import PredictedAnswer

__all__ = ["Lists", "Several", "answered"]


class Rows(ResultProperties):
    def is_empty(self, value: Any) -> bool:
        return not value


class Lists(Toy):
    protocols: ClassVar = {ResultProperties: Rows}


class Several(Generator):
    """Writes the first of several answers, and knows them all."""

    def __init__(self, answers: Sequence[tuple[str, float]]) -> None:
        self.answers = answers

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for several in self.candidates(sources, 1):
            yield several[0]

    def candidates(
        self, sources: Sequence[ModelInput], n: int, *, least_logprob: float = -math.inf
    ) -> Iterator[tuple[Generation, ...]]:
        for _ in sources:
            yield tuple(
                Generation(text=text, tokens=3, seconds=0.5, logprob=logprob) for text, logprob in self.answers[:n]
            )


def answered(**facts: Any) -> PredictedAnswer:
    known = {"id": "1", "question": "?", "answer": "a", "ok": True, "refused": False, "outcome": "ok", "result": []}
    return PredictedAnswer(**{**known, **facts})
