"""A finished run in Python: its scores, its failures, answers, and its executor.

    run.scores["student"]["test"]["executable_accuracy"]
    run.failures().to_pandas()
    run.predict("requests of the last hour by host").answer
    with run.executor() as executor:
        executor.run(record.answer, record.example)

In a notebook, a run, its scores, its failures and an answer show themselves as tables.
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, overload

from dstill.answering import prompted, steps
from dstill.api.executor import Executor
from dstill.api.records import Draft, Level, Prediction
from dstill.confidence import calibration
from dstill.errors import RunError, UsageError
from dstill.io.html import escaped, table
from dstill.io.inert import visible
from dstill.io.shell import command
from dstill.runs.contents import RunContents
from dstill.runs.tables import Failure, Failures, Scores
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = ["RunResults"]

STAGES = ("generate", "train", "evaluate")


@dataclass
class _Opened:
    """A predictor that `predict` keeps open."""

    made_for: tuple[Any, ...]  # what it depends on
    predictor: Predictor
    stack: contextlib.ExitStack  # closes it


class RunResults(RunContents):
    """A run with what it can be asked after its stages."""

    _opened: _Opened | None = None

    # --- scores -------------------------------------------------------------------------

    @property
    def scores(self) -> Scores:
        """The scores of the last evaluation. Raises RunError if there is none."""
        return Scores(self._evaluated()["scores"], self.plugins.headline())

    def failures(self, split: str = "", *, system: str = "student") -> Failures:
        """The wrong answers of the last evaluation, in `split` or, if it is empty, in every split.

        `system`: the student, or a baseline or model that was scored beside it. Raises RunError without an evaluation,
        UsageError for a split or system that was not scored.
        """
        scores = self._evaluated()["scores"]
        if system not in scores:
            raise UsageError(f"no system '{system}' was scored", where="system", hint=f"there are {', '.join(scores)}")
        splits = scores[system]
        if split and split not in splits:
            raise UsageError(f"split '{split}' was not scored", where="split", hint=f"there are {', '.join(splits)}")
        records = {record.id: record for part in splits for record in self.records(part)}
        written = {prediction.id: prediction for prediction in self.predictions(system)}
        confidence = {row.id: row.confidence for row in self.confidence()} if system == "student" else {}
        verdicts = [v for v in self.verdicts(system) if v.id in records and split in ("", v.split)]
        judged = [v for v in verdicts if v.checked == Level.CORRECT and not v.gold_error and not v.trivial]
        read = prompted.reader(self.setup) if prompted.is_prompted(system) else self._draft
        wrong = [
            Failure(
                id=verdict.id,
                split=verdict.split,
                category=verdict.category,
                question=records[verdict.id].question,
                answer=draft.answer if (draft := read(written[verdict.id])) else "",
                gold=records[verdict.id].answer,
                reached=verdict.reached.name.lower(),
                cause=verdict.cause.label if verdict.cause else "",
                reason=verdict.reason,
                confidence=confidence.get(verdict.id),
            )
            for verdict in judged
            if not verdict.correct
        ]
        return Failures(wrong, len(judged))

    def _draft(self, prediction: Prediction) -> Draft | None:
        return steps.draft_of(prediction, self.objective, self.task)

    def _evaluated(self) -> Any:
        if "evaluate" not in self.stages:
            where, hint = str(self.folder), command("evaluate", self.folder)
            raise RunError(f"run '{self.name}' has not been evaluated yet", where=where, hint=hint)
        return self.stages["evaluate"]

    # --- answers ------------------------------------------------------------------------

    @overload
    def predict(
        self,
        question: str,
        *,
        data: str | None = None,
        execute: bool = False,
        max_wrong: float | None = None,
        fallback: str = "",
    ) -> PredictedAnswer: ...
    @overload
    def predict(
        self,
        question: list[str],
        *,
        data: str | None = None,
        execute: bool = False,
        max_wrong: float | None = None,
        fallback: str = "",
    ) -> list[PredictedAnswer]: ...
    def predict(
        self,
        question: str | list[str],
        *,
        data: str | None = None,
        execute: bool = False,
        max_wrong: float | None = None,
        fallback: str = "",
    ) -> PredictedAnswer | list[PredictedAnswer]:
        """The student's answer to a question, or to each of several, which it answers in batches.

        `data`: the name of the data that they are about; None: what most questions of the run are about. `execute`:
        run valid answers. `max_wrong` and `fallback`: as in `Predictor`. The loaded student is kept for the next call.
        Raises UsageError for a question that is no text, RunError without a student, ServiceError.
        """
        predictor = self._predictor(execute=execute, max_wrong=max_wrong, fallback=fallback)
        questions = [question] if isinstance(question, str) else question
        answers = predictor.answer(
            [
                predictor.example(text, id=str(number), where=f"question {number}", data=data)
                for number, text in enumerate(questions, 1)
            ]
        )
        return answers[0] if isinstance(question, str) else answers

    def _predictor(self, **how: Any) -> Predictor:
        trained = self.stages.get("train", {}).get("id")
        fitted = self.manifest["files"].get(calibration.FILE, {}).get("sha256")
        made_for = (self.setup, trained, fitted, *how.values())
        if self._opened is None or self._opened.made_for != made_for:
            self.close()
            stack = contextlib.ExitStack()
            self._opened = _Opened(made_for, stack.enter_context(Predictor(self, **how)), stack)
            atexit.register(stack.close)
        return self._opened.predictor

    def close(self) -> None:
        """Release the student and the engine that `predict` keeps until the program ends."""
        if self._opened is not None:
            stack, self._opened = self._opened.stack, None
            atexit.unregister(stack.close)
            stack.close()

    @contextlib.contextmanager
    def executor(self) -> Iterator[Executor]:
        """The opened executor of the run: ``with run.executor() as executor: executor.run(answer, example)``.

        Raises UsageError if answers of its task are not run, ServiceError if the engine cannot be reached.
        """
        with self.setup.opened_executor() as executor:
            if executor is None:
                raise UsageError(f"answers of task '{self.task.name}' are not run", where=f"run '{self.name}'")
            yield executor

    # --- how it shows itself ------------------------------------------------------------

    def __repr__(self) -> str:
        return visible(f"<Run '{self.name}' of task '{self.task.name}': {self.manifest['status']}>", one_line=True)

    def _facts(self) -> Iterator[tuple[str, str]]:
        stages = self.stages
        yield "folder", str(self.folder)
        yield "task", self.task.name
        yield "status", self.manifest["status"]
        if "generate" in stages:
            facts = stages["generate"]
            yield "dataset", f"{facts['accepted']:,} of {facts['questions']:,} questions, teacher {facts['teacher']}"
        if "train" in stages:
            student = stages["train"]
            yield "student", f"{student['student']}, {student['all_parameters']:,} parameters, {student['modality']}"
        if "evaluate" in stages:
            yield "engine", stages["evaluate"]["engine"]
            if stages["evaluate"].get("invalid"):
                yield "invalid", stages["evaluate"]["invalid"]
        elif missing := next((stage for stage in STAGES if stage not in stages), ""):
            yield "next", f"run.{missing}()"

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{escaped(self.name)}</b></p>", table((), self._facts())]
        if "evaluate" in self.stages:
            scores = self.scores
            parts.append(table(("split", *scores), scores.headline_rows(), caption=scores.headline.replace("_", " ")))
        return "".join(parts)
