"""Measures the speed of a generator: tokens per second, one question at a time and in batches.

    measure(generator, sources) → Measurement(answers=[…], single=41.2, batch=480.5, batch_size=64)

One answer is generated first and discarded, because runtimes initialize themselves during it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from dstill.api.records import ModelInput
from dstill.api.student import Generation, Generator
from dstill_finetune.generation import BATCH

__all__ = ["Measurement", "measure"]

SAMPLE_SIZE = 16  # questions to answer one at a time


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Answers and speed of a generator."""

    answers: list[Generation]  # to all sources, in order
    single: float  # tokens per second, one question at a time
    batch: float  # tokens per second in batches
    batch_size: int


def measure(generator: Generator, sources: Sequence[ModelInput]) -> Measurement:
    """Answer all sources in the generator's own batches, then the first `SAMPLE_SIZE` of them one by one."""
    list(generator.generate(sources[:1]))
    started = time.perf_counter()
    answers = list(generator.generate(sources))
    batch = _tokens_per_second(answers, started)
    started = time.perf_counter()
    singles = [answer for source in sources[:SAMPLE_SIZE] for answer in generator.generate([source])]
    single = _tokens_per_second(singles, started)
    return Measurement(answers=answers, single=single, batch=batch, batch_size=min(len(sources), BATCH))


def _tokens_per_second(answers: Sequence[Generation], started: float) -> float:
    return round(sum(answer.tokens for answer in answers) / (time.perf_counter() - started), 1)
