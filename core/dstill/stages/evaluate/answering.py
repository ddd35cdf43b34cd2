"""The answers of the systems that are scored: those that are kept, or else new ones, in blocks.

source = Source(load=run.generator, store=…)
answers(setup, source, "untrained", examples)    →  a Prediction on each example
student_answers(setup, source, examples)         →  the same of the student, and how long single answers take
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from dstill.answering.efficiency import Timing, timings
from dstill.api.records import Example, Prediction
from dstill.api.student import Generator
from dstill.errors import DstillError
from dstill.factory import Setup
from dstill.runtime import spooled
from dstill.stages.evaluate.predicting import Save, answers_alone, predicted
from dstill.stages.evaluate.systems import STUDENT

__all__ = [
    "AnswerStore",
    "Answerer",
    "Source",
    "answers",
    "student_answers",
]


# Gets examples, predictions of a stopped evaluation by id, and what saves a block: as `predicted`.
Answerer = Callable[[Sequence[Example], Mapping[str, Prediction], Save], Sequence[Prediction]]


class AnswerStore(Protocol):
    """Keeps the answers of a system between evaluations. Other settings or another student: it has none."""

    def get(self, system: str) -> Mapping[str, Prediction]:
        """The answers by id; empty: there are none."""

    def unfinished(self, system: str) -> Mapping[str, Prediction]:
        """Those of an evaluation that was stopped, by id."""

    def append(self, system: str, block: Sequence[Prediction]) -> None:
        """Keep a block of unfinished answers."""

    def put(self, system: str, predictions: Sequence[Prediction]) -> None:
        """Keep all answers in the place of the unfinished ones."""

    def timings(self) -> Sequence[Timing] | None:
        """How long the student takes for single questions; None: not measured."""

    def put_timings(self, rows: Sequence[Timing]) -> None:
        """Keep them."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where answers come from."""

    store: AnswerStore
    load: Callable[[str], Generator]  # a system, by its name. Raises DstillError
    answerer: Answerer | None = None  # makes the student's answers that are scored; None: this process


def student_answers(
    setup: Setup, source: Source, examples: Sequence[Example]
) -> tuple[Sequence[Prediction], Sequence[Timing]]:
    """The student's answers, and how long it takes for single questions; empty: it does not load here."""
    predictions, generator = _answers(setup, source, STUDENT, examples)
    return predictions, _timings(setup, source, examples, generator)


def answers(setup: Setup, source: Source, system: str, examples: Sequence[Example]) -> Sequence[Prediction]:
    """The answers of a system that are kept, if they are to all `examples`; else they are written and kept now."""
    return _answers(setup, source, system, examples)[0]


def _answers(
    setup: Setup, source: Source, system: str, examples: Sequence[Example]
) -> tuple[Sequence[Prediction], Generator | None]:
    """The answers, and the loaded system if it wrote them here."""
    known = source.store.get(system)
    if known.keys() >= {e.id for e in examples}:
        return spooled.predictions(known[e.id] for e in examples), None
    setup.progress(f"answering ({system})", 0, len(examples))
    done, save = source.store.unfinished(system), partial(source.store.append, system)
    elsewhere = source.answerer if system == STUDENT else None
    generator: Generator | None = None
    if elsewhere is not None:
        written = elsewhere(examples, done, save)
    else:
        generator = source.load(system)
        written = predicted(setup, generator, system, examples, done=done, save=save)
    source.store.put(system, written)
    return written, generator


def _timings(
    setup: Setup, source: Source, examples: Sequence[Example], generator: Generator | None
) -> Sequence[Timing]:
    """As measured before, or now with the loaded student."""
    if (known := source.store.timings()) is not None:
        return known
    try:
        generator = generator or source.load(STUDENT)
    except DstillError:  # the predictions are there, but this dstill does not load such students
        return ()
    setup.progress("timing single answers", 0, 1)
    measured = timings(answers_alone(setup, generator), examples)
    source.store.put_timings(measured)
    return measured
