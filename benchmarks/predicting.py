"""Answering: 1,000 questions in blocks, as `dstill predict` reads them from stdin, against one after the other.

    python -m benchmarks predict

The student is `tiny` in its own size after a few steps of training; answers are checked, and not run. One
after the other it is asked every tenth question, and the time is taken as that of all.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks.measure import Figure, clock, figure, interleaved
from benchmarks.serving import trained

from dstill.api.records import Example
from dstill.cli.predict import BLOCK
from dstill.stages.predict.predictor import Predictor

QUESTIONS = 1_000
EACH = 10  # of which one by one
PAIRS = 3


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as place:
        run = trained(Path(place) / "asked")
        questions = [record.question for record in run.records("train")]
        with Predictor(run) as predictor:
            examples = [predictor.example(questions[n % len(questions)], id=str(n)) for n in range(QUESTIONS)]
            one_by_one = _measure_in_blocks(predictor, examples[::EACH], 1)
            times = interleaved(lambda: one_by_one() * EACH, _measure_in_blocks(predictor, examples, BLOCK), PAIRS)
    rates = [QUESTIONS / statistics.median(each) for each in zip(*times, strict=True)]
    note = f"{rates[1]:.0f} answers a second against {rates[0]:.0f} one by one, of the processor's; the bar is 5"
    yield figure(f"{QUESTIONS:,} answers, in blocks of {BLOCK}", times, note)


def _measure_in_blocks(predictor: Predictor, examples: Sequence[Example], block: int) -> Callable[[], float]:
    def ask() -> float:
        started = clock()
        for at in range(0, len(examples), block):
            predictor.answer(examples[at : at + block])
        return clock() - started

    return ask
