"""Failures of a student on the questions that it learnt from, and more questions of those kinds.

    found = failures(run, 500)        # Failures(asked=540, by_cause={"sort": [Record, …], "abstained": […]})
    more(run, found, 200, gate)       # 200 training questions in proportion to the failures

The student answers the validation questions and some of the training questions. Questions of a test split or of a gate
are never asked here. An answer below the cut of `MAX_WRONG` (`dstill.confidence.promise`) counts as a failure as well.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dstill.answering import steps
from dstill.api.records import SPLITS, Example, Prediction, Record
from dstill.confidence.calibration import Calibration
from dstill.errors import UsageError
from dstill.inputs.quotas import quotas
from dstill.runs.run import Run
from dstill.stages.evaluate.predicting import predicted
from dstill.stages.generate import augment
from dstill.stages.generate.augment import Focus

__all__ = ["ABSTENTION", "Failures", "failures", "more"]

ABSTENTION = "abstained"
MAX_WRONG = 0.05  # share of wrong answers that is promised where the student abstains from others


@dataclass(frozen=True, kw_only=True)
class Failures:
    """The questions that were answered wrong, by the cause."""

    asked: int  # questions that the student answered
    by_cause: Mapping[str, Sequence[Record]]

    @property
    def counts(self) -> dict[str, int]:
        """Failures by cause, the most frequent first."""
        counts = Counter({cause: len(rows) for cause, rows in self.by_cause.items()})
        return dict(counts.most_common())


def failures(run: Run, most: int) -> Failures:
    """The failures among the validation questions and `most` training questions.

    Raises RunError without a student, ServiceError when the engine is away.
    """
    train = sorted(run.records("train"), key=lambda record: hashlib.sha256(record.id.encode()).digest())
    records = [*run.records("validation"), *train[:most]]
    examples, setup = [record.example for record in records], run.setup
    written = predicted(setup, run.generator(), "student", examples, done={}, save=lambda _: None)
    by_id, by_cause = {record.id: record for record in records}, dict[str, list[Record]]()
    abstained = _abstained(run.calibration(), written)
    with setup.opened_executor(judging=True) as executor:
        pairs = zip(examples, written, strict=True)
        verdicts = steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor)
        for n, verdict in enumerate(verdicts, 1):
            setup.progress("looking for failures", n, len(examples))
            cause = verdict.cause.label if verdict.cause else ABSTENTION if verdict.id in abstained else ""
            if cause:
                by_cause.setdefault(cause, []).append(by_id[verdict.id])
    return Failures(asked=len(records), by_cause=by_cause)


def _abstained(calibration: Calibration | None, written: Sequence[Prediction]) -> set[str]:
    """The ids of the answers that the student would not give with ``--max-wrong 0.05``; none if nothing is promised."""
    if calibration is None or not (promise := calibration.promise(MAX_WRONG)).holds:
        return set()
    scores = {prediction.id: calibration.score(prediction) for prediction in written}
    return {id for id, score in scores.items() if score is not None and not promise.gives(score)}


def more(run: Run, failed: Failures, n: int, gate: Sequence[Record]) -> list[Example]:
    """At most `n` new questions of the task of the kinds that failed; none if the task makes no questions."""
    known = [*(record for split in SPLITS for record in run.records(split)), *gate]
    prefix, questions = str(run.stages.get("train", {}).get("id", ""))[:6], list[Example]()
    for cause, share in quotas(failed.counts, n).items() if failed.counts else ():
        focus = _focus(run, cause, failed.by_cause[cause], known)
        try:
            drawn = augment.draw(run.task, focus, {}, share, _seed(run, cause), questions) if share else []
        except UsageError:  # the task makes none of these kinds
            continue
        questions += [replace(row, id=f"{prefix}-{row.id}-{len(questions) + n}") for n, row in enumerate(drawn)]
    return questions


def _focus(run: Run, cause: str, failed: Sequence[Record], records: Sequence[Record]) -> Focus:
    return Focus(
        label=cause,
        run=run.name,
        categories=dict(Counter(record.category for record in failed).most_common()),
        templates=dict(Counter(record.template for record in failed).most_common()),
        asked=records,
    )


def _seed(run: Run, cause: str) -> int:
    """Another seed for each student and cause, so that a run never draws what its parent has drawn."""
    text = f"{run.settings.project.seed} {run.stages.get('train', {}).get('id', '')} {cause}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
