"""A run's student at work: questions in, answers out, checked as in evaluation and run where that is asked for.

    with Predictor(run, execute=True) as answering:          # loads the student once, opens the executor
        example = answering.example("how many requests failed")
        answering.answer([example])   → [PredictedAnswer(answer="{…}", ok=True, outcome="ok", result={…}, …)]
        answering.drift()             → ("fields that the student learnt are gone: took", …); nothing where all is there

`dstill predict`, `dstill demo` and a server are thin layers on this class; votes over several answers to one
question are in `dstill.pipeline.self_consistency`.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Protocol, Self, Sequence

from dstill.api.executor import Executor
from dstill.api.faults import about
from dstill.api.records import Example, Level, OutcomeKind, Prediction, Problem, Row
from dstill.api.student import Generator, Similarity
from dstill.api.task import data_of
from dstill.errors import DstillError, UsageError, did_you_mean
from dstill.factory import Setup
from dstill.pipeline import steps
from dstill.pipeline.constrained import Constrained
from dstill.pipeline.data_drift import Learnt, drift
from dstill.run_view import RunView

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["QUESTION_LIMIT", "PredictedAnswer", "Predictor", "TrainedRun", "Votes"]

QUESTION_LIMIT = 2_000  # characters
NAMED = 20  # data that an error names


@dataclass(frozen=True, kw_only=True)
class Votes(Row):
    """How a vote over several answers to one question ended."""

    agree: int  # have the result that was taken
    voted: int  # were valid and ran, or refused
    of: int  # answers there were

    def __str__(self) -> str:
        silent = self.of - self.voted
        said = f"{self.agree} of {self.of} answers agree" + (f", {silent} did not vote" if silent else "")
        return said if self.voted else f"none of {self.of} answers could vote"


@dataclass(frozen=True, kw_only=True)
class PredictedAnswer(Row):
    """What came of one question."""

    id: str
    question: str
    answer: str  # as the student wrote it; empty where there is none
    ok: bool  # valid, no refusal, and run without complaint where it was run
    refused: bool
    reason: str = ""  # why it is not `ok`, in a line
    rationale: str = ""  # why that answer, of a student that reasons before it answers
    problems: tuple[Problem, ...] = ()
    outcome: str = ""  # OutcomeKind of the run; empty: it was not run
    result: Any = None  # `Outcome.value`: for `Presentation.render_result` and `Task.same`
    similarity: float | None = None  # to the nearest question of training, 0 … 1; None: not known
    similarity_threshold: float | None = None  # below this similarity an answer is a guess
    votes: Votes | None = None  # how it was chosen among several; None: there was one
    tokens: int = 0  # that the student wrote, in all where several answers were drawn
    seconds: float = 0.0  # that it wrote for: its share of a batch

    @property
    def out_of_distribution(self) -> bool:
        """Whether no question of training is like this one."""
        return (
            self.similarity is not None
            and self.similarity_threshold is not None
            and self.similarity < self.similarity_threshold
        )

    def to_row(self) -> dict[str, Any]:
        """The object of ``dstill predict --json``: the same for the same answer, and of a run only where it was run."""
        row = super().to_row()
        left_out = {"similarity_threshold", "tokens", "seconds", *(() if self.votes else ("votes",))}
        left_out |= set() if self.outcome else {"outcome", "result"}
        left_out |= set() if self.rationale else {"rationale"}
        return {key: value for key, value in row.items() if key not in left_out}


class TrainedRun(RunView, Protocol):
    """What a run with a student gives to answer with it."""

    @property
    def setup(self) -> Setup: ...

    @property
    def contexts(self) -> Mapping[str, Mapping[str, Any]]:
        """The usual context of questions about each data, by its name; the most frequent first, ``""``: it has none."""

    def generator(self) -> Generator:
        """The student, loaded. Raises RunError when there is none yet."""

    def nearest(self) -> Generator | None:
        """What knows how near a question is to those of training. Raises DataError, MissingExtra."""

    def learnt(self) -> Learnt:
        """What the student learnt of its data. Raises DataError."""


class Predictor:
    """The student of a run, loaded once for many questions. A context manager.

    Between entering and leaving, `example` and `answer` may be called from several threads at once: the student
    writes for one call after the other, checks and runs go on beside it, and no more answers run at once than the
    executor takes. Entering and leaving are one thread's matter.
    """

    def __init__(self, run: TrainedRun, *, execute: bool = False) -> None:
        """`execute`: whether answers are run unless a call says otherwise; where the task's answers can be."""
        self.run = run
        self.setup = run.setup
        self.execute = execute
        self.executor: Executor | None = None
        self.nearness_unknown = ""  # why no similarity is known, where it should be
        self._writing = threading.Lock()
        self._running = threading.Semaphore()
        self._opened = contextlib.ExitStack()
        self._writer: Generator

    def __enter__(self) -> Self:
        """Raises RunError where there is no student, ServiceError where the engine is not there."""
        with contextlib.ExitStack() as opened:
            if self.execute and (executor := opened.enter_context(self.setup.opened_executor())) is not None:
                self.executor = executor
                self._running = threading.Semaphore(executor.parallel)
            self._writer = self.run.generator()
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        self.executor = None

    # --- questions ----------------------------------------------------------------------

    def example(
        self,
        question: str,
        *,
        id: str = "1",
        where: str = "QUESTION",
        data: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Example:
        """A question as the run's own examples have it, in the context of its data. Raises UsageError.

        `data`: the name of the data, one of `contexts`; None: what most of the run's questions are about. `context`
        is taken as it is, unless it only names data that the run knows.
        """
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
        return Example(id=id, question=text, context=self._context(data, context or {}, where))

    @cached_property
    def contexts(self) -> Mapping[str, Mapping[str, Any]]:
        """The usual context of questions about each data that the run knows, by its name, the most frequent first."""
        return {name: context for name, context in self._contexts.items() if name}

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """The context of a question that does not bring one: what most of the run's questions have."""
        return next(iter(self._contexts.values()))

    @cached_property
    def _contexts(self) -> Mapping[str, Mapping[str, Any]]:
        return self.run.contexts

    def _context(self, data: str | None, given: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        task = self.setup.task
        if given.keys() - {task.data_key}:
            return {**given, task.data_key: data} if data is not None else given
        name = data if data is not None else data_of(task, Example(id="", question="", context=given))
        if not name:
            return self.context
        if name not in self.contexts:
            known = ", ".join(islice(self.contexts, NAMED))
            raise UsageError(
                f"this run knows no {task.data_noun} '{name}'.{did_you_mean(name, self.contexts)}",
                where=where,
                hint=f"it knows {known}" if known else f"its questions name no {task.data_noun}: leave the name out",
            )
        return self.contexts[name]

    def drift(self, *, ask: bool = False) -> tuple[str, ...]:
        """What the student learnt of and is not there any more, a line each, by name; empty where nobody can say.

        Of the engine where an executor is open; with `ask` one is opened for this alone, where the engine is there.
        """
        learnt = replace(self.run.learnt(), context=self.context)
        executor = self.executor
        with contextlib.ExitStack() as opened, self._running:
            if ask and executor is None:
                with contextlib.suppress(DstillError):  # nobody wants answers of it
                    executor = opened.enter_context(self.setup.opened_executor())
            return drift(self.setup.task, learnt, executor)

    # --- answers ------------------------------------------------------------------------

    def answer(self, examples: Sequence[Example], *, execute: bool | None = None) -> list[PredictedAnswer]:
        """The student's answer to each example, in order, written in batches.

        `execute`: whether valid answers are run; None: as this was made. Raises UsageError where they cannot be.
        """
        executor = self._executor(execute)
        with self._writing:
            given = [[prediction] for prediction in self._written(examples)]
            near = self._near(examples)
        return [answers[0] for answers in self._answered(examples, given, near, executor)]

    def sample(
        self,
        examples: Sequence[Example],
        n: int,
        *,
        temperature: float,
        seed: int | None = None,
        execute: bool | None = None,
    ) -> list[list[PredictedAnswer]]:
        """`n` answers to each example: the greedy one, and then those that are drawn.

        `seed`: None is the run's; the same examples and seed give the same answers. Likewise raises UsageError,
        also where the student cannot draw.
        """
        executor = self._executor(execute)
        seed = self.setup.settings.project.seed if seed is None else seed
        setup = self.setup
        with self._writing:
            greedy = self._written(examples)
            drawn: Iterable[list[Prediction]] = [[]] * len(examples)
            if n > 1:
                drawn = steps.sample(
                    self._held(examples),
                    setup.objective,
                    setup.task,
                    examples,
                    n - 1,
                    temperature=temperature,
                    seed=seed,
                )
            given = [[first, *rest] for first, rest in zip(greedy, drawn, strict=True)]
            near = self._near(examples)
        return self._answered(examples, given, near, executor)

    def ran(self, example: Example, answered: PredictedAnswer) -> PredictedAnswer:
        """`answered` of a call that did not run it, run where it is valid and an executor is open.

        Raises ServiceError, AuthError or DataError where the data is not there at all.
        """
        return self._ran(example, answered, self.executor)

    @property
    def explains(self) -> bool:
        """Whether the student learnt to say why apart from its answers (`explain`)."""
        return self.setup.objective.explanation("") is not None

    def explain(self, examples: Sequence[Example]) -> list[str]:
        """Why, in the student's words: of students that `explains`, for each example. Not checked, like any rationale.

        One that was not ended within the limits ends in `…`.
        """
        sources = [self.setup.objective.explanation(self.setup.task.model_input(example)) for example in examples]
        with self._writing:
            written = list(self._writer.generate([source for source in sources if source is not None]))
        return [one.text.strip() + (" …" if one.truncated else "") for one in written]

    def read(self, examples: Sequence[Example]) -> list[int]:
        """Tokens that the student reads of each example; empty where it does not count."""
        setup = self.setup
        return self._writer.count_tokens(
            [setup.objective.prompt(setup.task.model_input(example)) for example in examples]
        )

    def _executor(self, execute: bool | None) -> Executor | None:
        if execute and not self.execute:
            raise UsageError(
                "no executor was opened to run answers", where="execute", hint="make Predictor(run, execute=True)"
            )
        return None if execute is False else self.executor

    def _written(self, examples: Sequence[Example]) -> list[Prediction]:
        return list(steps.predict(self._held(examples), self.setup.objective, self.setup.task, examples))

    def _held(self, examples: Sequence[Example]) -> Generator:
        """The student, held to the grammars of what it is asked where that is wanted."""
        if not self.setup.settings.evaluate.constrain:
            return self._writer
        return Constrained(self._writer, self.setup.objective, self.setup.task, examples)

    def _answered(
        self,
        examples: Sequence[Example],
        given: Sequence[Sequence[Prediction]],
        near: Sequence[Similarity],
        executor: Executor | None,
    ) -> list[list[PredictedAnswer]]:
        """Checked, and run where there is an executor; of one question, each text once."""

        def one(item: tuple[Example, Sequence[Prediction], Similarity | None]) -> list[PredictedAnswer]:
            example, predictions, close = item
            known: dict[tuple[str, bool], PredictedAnswer] = {}
            for prediction in predictions:
                if (key := (prediction.text, prediction.truncated)) not in known:
                    answered = self._ran(example, self._judged(example, prediction), executor)
                    if close is not None:
                        answered = replace(
                            answered, similarity=round(close.value, 3), similarity_threshold=close.threshold
                        )
                    known[key] = answered
            return [
                replace(known[p.text, p.truncated], tokens=p.tokens or 0, seconds=p.seconds or 0.0) for p in predictions
            ]

        known_near: Sequence[Similarity | None] = near or [None] * len(examples)
        items = zip(examples, given, known_near, strict=True)
        return list(steps.threaded_map(one, items, executor.parallel if executor else 1))

    def _judged(self, example: Example, prediction: Prediction) -> PredictedAnswer:
        setup = self.setup
        with about(example.id):
            draft = steps.draft_of(prediction, setup.objective, setup.task)
        (verdict,) = steps.judge(setup.plugins, setup.task, [(example, prediction)], setup.objective, None)
        return PredictedAnswer(
            id=example.id,
            question=example.question,
            answer=draft.answer if draft else "",
            rationale=draft.rationale if draft else "",
            ok=verdict.reached >= Level.VALID and not verdict.refused,
            refused=verdict.refused,
            reason="the student refused to answer" if verdict.refused else verdict.reason,
            problems=verdict.problems,
        )

    def _ran(self, example: Example, answered: PredictedAnswer, executor: Executor | None) -> PredictedAnswer:
        if executor is None or not answered.ok:
            return answered
        with self._running:
            outcome = executor.run(answered.answer, example)
        ran = replace(answered, outcome=outcome.kind.value, result=outcome.value)
        return ran if outcome.kind is OutcomeKind.OK else replace(ran, ok=False, reason=outcome.reason)

    def _near(self, examples: Sequence[Example]) -> list[Similarity]:
        """How near each question is to those of training; empty where that is not known."""
        if self._nearest is None:
            return []
        setup = self.setup
        return self._nearest.similarity(
            [setup.objective.prompt(setup.task.model_input(example)) for example in examples]
        )

    @cached_property
    def _nearest(self) -> Generator | None:
        try:
            return self.run.nearest()
        except DstillError as problem:  # answers are there all the same
            self.nearness_unknown = problem.what
            return None
