"""The answers of a loaded system, block by block.

predictions = predicted(setup, generator, "student", examples, done={}, save=…)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy

from dstill.answering import steps
from dstill.answering.constrained import Constrained
from dstill.api.records import Example, Prediction
from dstill.api.student import Generator
from dstill.confidence.calibration import with_agreement
from dstill.factory import Setup
from dstill.runtime import spooled
from dstill.runtime.progress import silent
from dstill.stages.evaluate.systems import STUDENT

__all__ = ["BLOCK", "Save", "answers_alone", "predicted"]

BLOCK = 256  # answers that are saved at once

Save = Callable[[Sequence[Prediction]], None]


def predicted(
    setup: Setup,
    generator: Generator,
    system: str,
    examples: Sequence[Example],
    *,
    done: Mapping[str, Prediction],
    save: Save,
) -> Sequence[Prediction]:
    """The answers of `generator` to the examples, in blocks of `BLOCK`.

    `done`: predictions of a stopped evaluation, by id; a block is skipped when it has all of them. `save` gets the
    predictions of each block that was written. With ``evaluate.constrain``, grammars constrain the student;
    with ``evaluate.agreement``, it draws more answers, which are compared with the first.
    """
    constrained = system == STUDENT and setup.settings.evaluate.constrain
    draws = setup.settings.evaluate.agreement if system == STUDENT else 0
    predictions = spooled.predictions()
    for start in range(0, len(examples), BLOCK):
        block = examples[start : start + BLOCK]
        if done.keys() >= {e.id for e in block}:
            predictions.extend(done[e.id] for e in block)
            continue
        writer = Constrained(generator, setup.objective, setup.task, block) if constrained else generator
        written: list[Prediction] = []
        for prediction in steps.predict(writer, setup.objective, setup.task, block):
            written.append(prediction)
            setup.progress(f"answering ({system})", start + len(written), len(examples))
        if draws:
            seed = setup.settings.project.seed
            written = list(with_agreement(writer, setup.objective, setup.task, block, written, draws=draws, seed=seed))
        save(written)
        predictions.extend(written)
    return predictions


def answers_alone(setup: Setup, generator: Generator) -> Callable[[Example], object]:
    """Lets the student answer a question alone, without showing progress."""
    quiet = copy(setup)
    quiet.progress = silent
    return lambda example: predicted(quiet, generator, STUDENT, [example], done={}, save=lambda _: None)
