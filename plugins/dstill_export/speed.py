"""How fast a writer writes: tokens a second, one question at a time and in a batch, on the same questions.

    measured(writer, sources) → Measured(written=[…], one=41.2, batch=480.5, size=64)

The first answer is thrown away: runtimes make themselves ready in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Sequence

from dstill.api.student import Generation, Generator
from dstill_finetune.generation import BATCH

__all__ = ["Measured", "measured"]

ALONE = 16  # questions that are asked one at a time


@dataclass(frozen=True, kw_only=True)
class Measured:
    written: list[Generation]  # to every source, in order
    one: float  # tokens a second
    batch: float
    size: int  # of the batch


def measured(writer: Generator, sources: Sequence[str]) -> Measured:
    """Every source is answered once in batches as the writer makes them, the first `ALONE` once more one by one."""
    list(writer.generate(sources[:1]))
    started = time.perf_counter()
    written = list(writer.generate(sources))
    batch = _rate(written, started)
    started = time.perf_counter()
    alone = [answer for source in sources[:ALONE] for answer in writer.generate([source])]
    return Measured(written=written, one=_rate(alone, started), batch=batch, size=min(len(sources), BATCH))


def _rate(written: Sequence[Generation], started: float) -> float:
    return round(sum(answer.tokens for answer in written) / (time.perf_counter() - started), 1)
