"""A run's student at work: questions in, answers out, checked as in evaluation and run where that is asked for.

    with Answering(run, execute=True) as answering:          # loads the student once, opens the executor
        example = answering.example("how many requests failed")
        answering.answer([example])   → [Answered(answer="{…}", ok=True, outcome="ok", result={…}, …)]

`dstill predict`, `dstill demo` and a server are thin layers on this class.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Mapping, Self, Sequence

from dstill import stages
from dstill.constraining import Constrained
from dstill.errors import DstillError, UsageError
from dstill.evaluating import nearest_of
from dstill.parts import Closeness, Executor, Writer
from dstill.records import Example, Level, OutcomeKind, Prediction, Problem, Row

if TYPE_CHECKING:
    from types import TracebackType

    from dstill.run import Run

__all__ = ["QUESTION_LIMIT", "Answered", "Answering"]

QUESTION_LIMIT = 2_000  # characters


@dataclass(frozen=True, kw_only=True)
class Answered(Row):
    """What came of one question."""

    id: str
    question: str
    answer: str  # as the student wrote it; empty where there is none
    ok: bool  # valid, no refusal, and run without complaint where it was run
    refused: bool
    reason: str = ""  # why it is not `ok`, in a line
    problems: tuple[Problem, ...] = ()
    outcome: str = ""  # OutcomeKind of the run; empty: it was not run
    result: Any = None  # `Outcome.value`: for `Task.show` and `Task.same`
    similarity: float | None = None  # to the nearest question of training, 0 … 1; None: not known
    far: float | None = None  # below this similarity an answer is a guess
    votes: str = ""  # how a vote ended: "5 of 8 answers have this result"; empty: nobody voted
    tokens: int = 0  # that the student wrote
    seconds: float = 0.0  # that it wrote for, its share of a batch

    @property
    def guessed(self) -> bool:
        """Whether no question of training is like this one."""
        return self.similarity is not None and self.far is not None and self.similarity < self.far

    def to_row(self) -> dict[str, Any]:
        """The object of ``dstill predict --json``: the same for the same answer, and of a run only where it was run."""
        row = super().to_row()
        left_out = {"far", "tokens", "seconds", *(() if self.votes else ("votes",))}
        left_out |= set() if self.outcome else {"outcome", "result"}
        return {key: value for key, value in row.items() if key not in left_out}


class Answering:
    """The student of a run, loaded once for many questions. A context manager.

    Between entering and leaving, `example` and `answer` may be called from several threads at once: the student
    writes for one call after the other, checks and runs go on beside it, and no more answers run at once than the
    executor takes. Entering and leaving are one thread's matter.
    """

    def __init__(self, run: Run, *, execute: bool = False) -> None:
        """`execute`: whether answers are run unless a call says otherwise; where the task's answers can be."""
        self.run = run
        self.execute = execute
        self.executor: Executor | None = None
        self.nearness_unknown = ""  # why no similarity is known, where it should be
        self._writing = threading.Lock()
        self._running = threading.Semaphore()
        self._opened = contextlib.ExitStack()
        self._writer: Writer

    def __enter__(self) -> Self:
        """Raises RunError where there is no student, ServiceError where the engine is not there."""
        with contextlib.ExitStack() as opened:
            if self.execute and (executor := self.run.executor()) is not None:
                opened.enter_context(executor.open(self.run.task, self.run.settings.engine))
                self.executor = executor
                self._running = threading.Semaphore(executor.parallel)
            self._writer = self.run.writer("student")
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        self.executor = None

    # --- questions ----------------------------------------------------------------------

    def example(self, question: str, *, id: str = "1", where: str = "QUESTION") -> Example:
        """A question as the run's own examples have it: in the context of its index. Raises UsageError."""
        text = question.strip()
        if not text:
            raise UsageError("the question is empty", where=where, hint="write what is wanted in a few words")
        if len(question) > QUESTION_LIMIT:
            raise UsageError(
                f"the question is too long: {len(question):,} characters (limit {QUESTION_LIMIT:,})",
                where=where,
                hint="ask in fewer words",
            )
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            raise UsageError(
                f"the question holds characters that no text has: {text[:80]!a}",
                where=where,
                hint="take them out, or save the text as UTF-8",
            )
        return Example(id=id, question=text, context=self.context)

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """What the run's own examples have beside the question."""
        return next((r.context for split in ("test", "train") for r in self.run.records(split)), {})

    # --- answers ------------------------------------------------------------------------

    def answer(self, examples: Sequence[Example], *, execute: bool | None = None) -> list[Answered]:
        """The student's answer to each example, in order, written in batches.

        `execute`: whether valid answers are run; None: as this was made. Raises UsageError where they cannot be.
        """
        execute = self.execute if execute is None else execute
        if execute and not self.execute:
            raise UsageError(
                "no executor was opened to run answers", where="execute", hint="make Answering(run, execute=True)"
            )
        with self._writing:
            predictions = self._written(examples)
            near = self._near(examples)
        judged = [self._judged(*pair) for pair in zip(examples, predictions, strict=True)]
        answered = [
            one if found is None else replace(one, similarity=round(found.value, 3), far=found.far)
            for one, found in itertools.zip_longest(judged, near)
        ]
        if self.executor is None or not execute:
            return answered
        executor = self.executor
        return list(
            stages.side_by_side(
                lambda pair: self._ran(*pair, executor), zip(examples, answered, strict=True), executor.parallel
            )
        )

    def _written(self, examples: Sequence[Example]) -> list[Prediction]:
        run, writer = self.run, self._writer
        if run.settings.evaluate.constrain:
            writer = Constrained(writer, run.objective, run.task, examples)
        return list(stages.predict(writer, run.objective, run.task, examples))

    def _judged(self, example: Example, prediction: Prediction) -> Answered:
        run = self.run
        draft = stages.draft_of(prediction, run.objective, run.task)
        (verdict,) = stages.judge(run.plugins, run.task, [(example, prediction)], run.objective, None)
        return Answered(
            id=example.id,
            question=example.question,
            answer=draft.answer if draft else "",
            ok=verdict.reached >= Level.VALID and not verdict.refused,
            refused=verdict.refused,
            reason="the student refused to answer" if verdict.refused else verdict.reason,
            problems=verdict.problems,
            tokens=prediction.tokens or 0,
            seconds=prediction.seconds or 0.0,
        )

    def _ran(self, example: Example, answered: Answered, executor: Executor) -> Answered:
        if not answered.ok:
            return answered
        with self._running:
            outcome = executor.run(answered.answer, example)
        ran = replace(answered, outcome=outcome.kind.value, result=outcome.value)
        return ran if outcome.kind is OutcomeKind.OK else replace(ran, ok=False, reason=outcome.reason)

    def _near(self, examples: Sequence[Example]) -> list[Closeness]:
        """How near each question is to those of training; empty where that is not known."""
        if self._nearest is None:
            return []
        run = self.run
        return self._nearest.closeness([run.objective.prompt(run.task.source(example)) for example in examples])

    @cached_property
    def _nearest(self) -> Writer | None:
        try:
            return nearest_of(self.run)
        except DstillError as problem:  # answers are there all the same
            self.nearness_unknown = problem.what
            return None
