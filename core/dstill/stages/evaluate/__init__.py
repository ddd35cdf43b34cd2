"""The stage `evaluate`: answers of every system → verdicts → scores, confidence, costs. Writes no file.

    found = evaluate(setup, inputs, source, executor)      # an opened executor, or None
    found.judged.scores["student"]["test"]["executable_accuracy"].value

Answers that are kept (`answering.AnswerStore`) are not written again; verdicts are always made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dstill.answering import prompted
from dstill.answering.efficiency import AnswerCost, Efficiency, measured_efficiency
from dstill.answering.prompted import Prompted
from dstill.api.executor import Executor
from dstill.api.records import Example, Prediction, Record
from dstill.confidence.calibration import Calibration
from dstill.confidence.evaluated import Confidence
from dstill.factory import Setup
from dstill.io.shell import command
from dstill.quality.data_monitor import DataMonitor, DataReport
from dstill.stages.evaluate.answering import Source, answers, student_answers
from dstill.stages.evaluate.confidence import Cascades, cascades, confidence_in
from dstill.stages.evaluate.judging import Judged, judged
from dstill.stages.evaluate.systems import STUDENT, baselines
from dstill.stages.evaluate.teacher import TeacherRows, TeacherScores, scored
from dstill.teacher.purchase import Purchase

__all__ = ["Evaluated", "Inputs", "evaluate"]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs of `evaluate`."""

    examples: Sequence[Example]  # of the scored splits
    calibration: Calibration | None  # of the student's confidence; None: there is none
    training: Sequence[Record]  # that prompted models get worked examples from
    teacher: TeacherRows
    data: Mapping[str, Any]  # what was seen of the data when the dataset was made
    student: Path  # its folder
    parameters: int | None  # of the student
    purchase: Purchase  # of the answers of prompted models
    is_first: bool = True  # False: a second engine judges the same answers, so their confidence stays


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The result of `evaluate`."""

    judged: Judged
    prompted: Mapping[str, Prompted]  # by large model
    teacher: TeacherScores
    confidence: Confidence | None  # None: a second engine judged
    cascades: Cascades
    efficiency: Efficiency  # of the student
    costs: Mapping[str, AnswerCost]  # by system: the student and the large models
    data: DataReport


def evaluate(setup: Setup, inputs: Inputs, source: Source, executor: Executor | None) -> Evaluated:
    """Score the student and the systems beside it.

    Raises DataError, ServiceError, and what the models that are prompted raise (`dstill.answering.prompted`).
    """
    monitor = DataMonitor(executor, inputs.examples, made_from=inputs.data)
    setup.plugins.judges.clear()
    written, timed = student_answers(setup, source, inputs.examples)
    beside, large = _beside(setup, inputs, source)
    verdicts = judged(setup, inputs.examples, {STUDENT: written, **beside}, executor)
    efficiency = measured_efficiency(timed, written, inputs.student, inputs.parameters)
    teacher = scored(setup, inputs.teacher, executor)
    confidence: Confidence | None = None
    together: Cascades = {}
    if inputs.is_first:
        confidence = confidence_in(setup, inputs.calibration, written, verdicts, executor)
        together = cascades(setup, confidence, inputs.calibration, written, large, verdicts)
    own_cost = AnswerCost.for_student(written, setup.settings.evaluate.machine_usd_per_hour)
    return Evaluated(
        judged=verdicts,
        prompted=large,
        teacher=teacher,
        confidence=confidence,
        cascades=together,
        efficiency=efficiency,
        costs={STUDENT: own_cost, **{system: model.cost for system, model in large.items()}},
        data=monitor.report(),
    )


def _beside(
    setup: Setup, inputs: Inputs, source: Source
) -> tuple[dict[str, Sequence[Prediction]], dict[str, Prompted]]:
    """The answers of all systems beside the student, and what came of those that are prompted."""
    systems = baselines(setup)
    free = [system for system in systems if not prompted.is_prompted(system)]
    written = {system: answers(setup, source, system, inputs.examples) for system in free}
    large = {system: _prompted(setup, inputs, system) for system in systems if system not in free}
    return {**written, **{system: model.predictions for system, model in large.items()}}, large


def _prompted(setup: Setup, inputs: Inputs, system: str) -> Prompted:
    """The answers of a prompted model, from the reply store or bought now."""
    again = command("evaluate", Path(inputs.purchase.where), "--baseline", system)
    purchase = replace(inputs.purchase, resume=again)
    return prompted.answered(setup, system, inputs.examples, inputs.training, purchase)
