"""A student at work: it answers questions; answers are checked as in evaluation, and run on request.

    with Predictor(run, execute=True) as predictor:          # loads the student once, opens the executor
        example = predictor.example("how many requests failed")
        predictor.answer([example])   → [PredictedAnswer(answer="{…}", ok=True, outcome="ok", result={…}, …)]
        predictor.drift()             → ("fields that the student learnt are gone: took", …); empty: no change

    Predictor(run, max_wrong=0.05)                           # abstains where its confidence is below a cut
    Predictor(run, max_wrong=0.05, fallback="openai:gpt-5-mini")    # and asks a large model there

`dstill predict`, `dstill demo` and the server are thin layers on this class. `self_consistency` votes
over several answers to one question.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from dstill.answering import prompted, steps
from dstill.answering.constrained import Constrained
from dstill.api.executor import Executor
from dstill.api.faults import about
from dstill.api.protocols import Phrase, Presentation, RationaleTerms, Readback, Terms
from dstill.api.records import Draft, Example, Level, ModelInput, OutcomeKind, Prediction, Problem
from dstill.api.student import Generator, Similarity
from dstill.api.task import data_of
from dstill.confidence.calibration import score_of, with_agreement
from dstill.confidence.promise import Promise, require_max_wrong
from dstill.errors import DstillError, ServiceError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.linked import Reading
from dstill.quality.data_drift import drift
from dstill.quality.misread import misread
from dstill.quality.other_language import not_english
from dstill.quality.units import in_both_units, in_units_of_fields, wrong_units
from dstill.stages.predict.alternatives import MARGIN, is_sure, other_answers, question_back
from dstill.stages.predict.answerable import Answerable, Contexts, HasStudent
from dstill.stages.predict.follow_up import Turn, goes_on, in_full
from dstill.stages.predict.predicted import CALLER, MEMORY, STUDENT, PredictedAnswer, Step
from dstill.stages.predict.second_look import (
    CANDIDATES,
    finds,
    first_that_finds,
    in_place_of,
    near_the_best,
    needs_second_look,
    warned,
)
from dstill.stages.predict.value_lookup import with_values_of_the_data
from dstill.trust import is_bundle

if TYPE_CHECKING:
    from types import TracebackType

    from dstill.confidence.fallback import Fallback
    from dstill.stages.predict.memory import Memory

__all__ = ["QUESTION_LIMIT", "Predictor", "question_text"]

QUESTION_LIMIT = 2_000  # characters
MOST_NAMES = 20  # names of data that an error lists at most


def question_text(question: str, where: str) -> str:
    """A question as a student reads it. Raises UsageError if it is empty, too long, or no text."""
    text = question.strip()
    if not text:
        raise UsageError("the question is empty", where=where, hint="write what is wanted in a few words")
    if len(text) > QUESTION_LIMIT:
        raise UsageError(
            f"the question is too long: {len(text):,} characters (limit {QUESTION_LIMIT:,})",
            where=where,
            hint="ask in fewer words",
        )
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        raise UsageError(
            f"the question has characters that are not text: {text[:80]!a}",
            where=where,
            hint="remove them, or save the text as UTF-8",
        )
    return text


class Predictor:
    """The student of a run, loaded once for many questions. A context manager.

    Several threads may call `example` and `answer` at the same time: the student writes for one call after the other,
    while answers of other calls are checked and run, at most `Executor.parallel` at once. One thread enters and leaves
    the context.
    """

    def __init__(
        self,
        run: Answerable | HasStudent,
        *,
        execute: bool = False,
        max_wrong: float | None = None,
        fallback: str = "",
        memory: Memory | None = None,
    ) -> None:
        """`execute`: run answers, unless a call says otherwise or the task has no executor.

        `max_wrong`: abstain where more than this share of the answers would be wrong (`dstill.confidence.promise`).
        Raises UsageError when no cut holds for it. `fallback`: TEACHER:MODEL, a large model that is asked where the
        student abstains and where the checks refuse its answer (`dstill.confidence.fallback`).
        `memory`: answers that people confirmed, which are given again.
        """
        self.run = run if isinstance(run, Answerable) else run.answerable()
        self.setup = self.run.setup
        self.calibration = self.run.calibration()
        self.promise = None if max_wrong is None else self._promised(max_wrong)
        self.fallback = self._made_fallback(fallback) if fallback else None
        self.memory = memory
        self.execute = execute
        self.executor: Executor | None = None
        self.nearness_unknown = ""  # why the similarity is not known, although the run has a baseline for it
        self._writing = threading.Lock()
        self._running = threading.Semaphore()
        self._opened = contextlib.ExitStack()
        self._student: Generator

    def __enter__(self) -> Self:
        """Raises RunError when there is no student, ServiceError when the engine is away."""
        with contextlib.ExitStack() as opened:
            if self.fallback is not None:
                opened.enter_context(self.fallback)
            if self.execute and (executor := opened.enter_context(self.setup.opened_executor())) is not None:
                self.executor = executor
                self._running = threading.Semaphore(executor.parallel)
            self._student = self.run.generator()
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()
        self.executor = None

    def _promised(self, max_wrong: float) -> Promise:
        require_max_wrong(max_wrong)
        if self.calibration is None:
            raise UsageError(
                f"nothing can be promised: nobody has judged how '{self.run.name}' answers questions of people",
                where="--max-wrong",
                hint="calibrate the run that it was exported from, and export it again"
                if is_bundle(self.run.folder)
                else f"judge some of its answers: {command('calibrate', self.run.folder)}",
            )
        promise = self.calibration.promise(max_wrong)
        if not promise.holds:
            hint = f"allow more wrong answers, or judge more: {command('calibrate', self.run.folder)}"
            raise UsageError(str(promise), where="--max-wrong", hint=hint)
        return promise

    def _made_fallback(self, system: str) -> Fallback:
        from dstill.confidence.fallback import OPTION, Fallback

        if self.promise is None:
            hint = "say which answers the student may give: --max-wrong 0.05"
            raise UsageError(f"{OPTION} needs --max-wrong", where=OPTION, hint=hint)
        if self.run.purchase is None:
            hint = "train a student for this data, and evaluate it"
            raise UsageError(f"{self.run.name} buys no replies", hint=hint)
        return Fallback(self.setup, system, self.run.records("train"), self.run.purchase("fallback"))

    # --- questions ----------------------------------------------------------------------

    def example(
        self,
        question: str,
        *,
        id: str = "1",
        where: str = "QUESTION",
        data: str | None = None,
        context: Mapping[str, Any] | None = None,
        after: Sequence[tuple[str, str]] = (),
    ) -> Example:
        """A question in the context of its data, like the examples of the run. Raises UsageError.

        `data`: the name of the data, one of `contexts`; None: the data of most questions of the run. `context` is used
        as it is, unless it only names data that the run knows. `where`: the source of the question, for errors.
        `after`: questions before with their answers, the last one last. If this question goes on from them, the
        example has it in full.
        """
        example = Example(
            id=id, question=question_text(question, where), context=self._context(data, context or {}, where)
        )
        if not after or not self.setup.student.reads_schema:
            return example
        reading = self.setup.student.form.read(example)
        if not goes_on(reading):
            return example
        full = in_full(reading, self._turn(example, after, where))
        return replace(example, question=full) if len(full) <= QUESTION_LIMIT else example

    def _turn(self, example: Example, after: Sequence[tuple[str, str]], where: str) -> Turn:
        """The last question before the example, in full, and its answer in words."""
        *earlier, (question, answer) = after
        before = self.example(question, where=where, context=example.context, after=earlier)
        phrases = self._phrases(before, answer) if answer and self.checked(before, answer).ok else ()
        return Turn(question=before.question, phrases=phrases)

    @cached_property
    def contexts(self) -> Contexts:
        """The usual context of questions about each data that the run knows, by its name, the most frequent first."""
        return {name: context for name, context in self._contexts.items() if name}

    @cached_property
    def context(self) -> Mapping[str, Any]:
        """The context of a question without one: that of most questions of the run."""
        return next(iter(self._contexts.values()))

    @cached_property
    def _contexts(self) -> Contexts:
        return self.run.contexts()

    def _context(self, data: str | None, given: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        task = self.setup.task
        if given.keys() - {task.data_key}:
            return {**given, task.data_key: data} if data is not None else given
        name = data if data is not None else data_of(task, Example(id="", question="", context=given))
        if not name:
            return self.context
        if name not in self.contexts:
            known = ", ".join(islice(self.contexts, MOST_NAMES))
            raise UsageError(
                f"this run knows no {task.data_noun} '{name}'.{did_you_mean(name, self.contexts)}",
                where=where,
                hint=f"it knows {known}" if known else f"its questions name no {task.data_noun}: leave the name out",
            )
        return self.contexts[name]

    def drift(self, *, ask: bool = False) -> tuple[str, ...]:
        """Changes of the data since the student learnt it, one line each; empty: no change, or not known.

        Asks the engine if an executor is open. `ask`: open an executor for this question, if the engine is there.
        """
        learnt = replace(self.run.learnt(), context=self.context)
        executor = self.executor
        with contextlib.ExitStack() as opened, self._running:
            if ask and executor is None:
                with contextlib.suppress(DstillError):  # no answers need it
                    executor = opened.enter_context(self.setup.opened_executor())
            return drift(self.setup.task, learnt, executor)

    def warm_up(self) -> None:
        """Answer a question about each data that the student learnt, and run its reference answer.

        So no user waits for what that loads. Data of the unseen splits loads when somebody asks about it. What is away
        now gives an error then.
        """
        unasked = (self.example("how many are there?", data=name or None) for name in self._contexts)
        for example in self._first_questions() or islice(unasked, MOST_NAMES):
            with contextlib.suppress(DstillError):
                self.answer([example], execute=False, fall_back=False)
                if self.executor is not None and example.answer is not None:
                    self.executor.run(example.answer, example)

    def _first_questions(self) -> list[Example]:
        """A question about each data, from the small splits, or from train if these are empty."""
        named: dict[str, Example] = {}
        for split in ("validation", "test", "train"):
            for record in () if split == "train" and named else self.run.records(split):
                name = data_of(self.setup.task, record)
                if name not in named and not self.setup.task.is_refusal(record.answer):
                    named[name] = record.example
        return [*islice(named.values(), MOST_NAMES)]

    # --- answers ------------------------------------------------------------------------

    def answer(
        self, examples: Sequence[Example], *, execute: bool | None = None, fall_back: bool = True
    ) -> list[PredictedAnswer]:
        """The student's answer to each example, in order, written in batches; or that of the `fallback`.

        `execute`: whether valid answers are run; None: as in the constructor. Raises UsageError without an executor.
        `fall_back`: whether the `fallback` is asked, if there is one; else do so with `needs_fallback`.
        """
        executor = self._executor(execute)
        remembered = {n: known for n, e in enumerate(examples) if (known := self._remembered(e, executor)) is not None}
        asked = [example for n, example in enumerate(examples) if n not in remembered]
        answers = iter(self._by_student(asked, executor, fall_back=fall_back) if asked else ())
        return [remembered[n] if n in remembered else next(answers) for n in range(len(examples))]

    def _remembered(self, example: Example, executor: Executor | None) -> PredictedAnswer | None:
        """The answer that somebody confirmed, if it still passes the checks."""
        if self.memory is None:
            return None
        student = self.setup.student
        text = self.memory.answer(example, student.form.read if student.reads_schema else None)
        if text is None:
            return None
        written = Prediction(id=example.id, text=text)
        answered = self._judged(example, written, MEMORY, lambda confirmed: Draft(answer=confirmed.text))
        return self._ran(example, answered, executor) if answered.ok or answered.refused else None

    def _by_student(
        self, examples: Sequence[Example], executor: Executor | None, *, fall_back: bool
    ) -> list[PredictedAnswer]:
        with self._writing:
            began = time.time_ns()
            draws = self.calibration.draws if self.calibration else 0
            predictions = [[p] for p in self._with_agreement(examples, self._written(examples), draws)]
            similarities = self._similarity(examples)
            wrote = Step(name="write", began=began, ended=time.time_ns())
        answered = self._answered(examples, predictions, similarities, executor)
        answers = [
            self._after_second_look(example, replace(answer, steps=(wrote, *answer.steps)), executor)
            for example, (answer,) in zip(examples, answered, strict=True)
        ]
        return self._fallen_back(examples, answers, executor) if fall_back else answers

    def first_answers(self, examples: Sequence[Example], draws: int) -> list[tuple[PredictedAnswer, float | None]]:
        """The student's first answers with their scores (`dstill.confidence.calibration`), checked but not run.

        `draws`: answers that are drawn beside each of them.
        """
        with self._writing:
            predictions = self._with_agreement(examples, self._written(examples), draws)
        pairs = zip(examples, predictions, strict=True)
        return [(self._judged(example, prediction), score_of(prediction, draws)) for example, prediction in pairs]

    def needs_fallback(self, answered: PredictedAnswer) -> bool:
        """Whether the `fallback` is to be asked: the student abstained, or the checks refuse its answer."""
        return self.fallback is not None and not (answered.ok or answered.refused or answered.outcome)

    def from_fallback(
        self, example: Example, answered: PredictedAnswer, reply: Prediction | DstillError
    ) -> PredictedAnswer:
        """The answer of `Fallback.ask` in the place of the student's, checked but not run.

        If it gave an error, the student's abstention or failure, which then names both reasons.
        """
        assert self.fallback is not None
        if isinstance(reply, DstillError):
            return replace(answered, reason=f"{answered.reason}; {self.fallback.name} gave no answer: {reply.what}")
        judged = self._judged(example, reply, self.fallback.name, prompted.reader(self.setup))
        return replace(
            judged,
            withheld=answered.withheld or answered.answer,
            similarity=answered.similarity,
            similarity_threshold=answered.similarity_threshold,
            tokens=reply.tokens or 0,
            seconds=answered.seconds + (reply.seconds or 0.0),
        )

    def checked(self, example: Example, answer: str) -> PredictedAnswer:
        """`answer`, which somebody else wrote, checked as the student's are, but not run. It has no confidence."""
        written = Prediction(id=example.id, text=answer)
        return self._judged(example, written, CALLER, lambda text: Draft(answer=text.text))

    def sample(
        self,
        examples: Sequence[Example],
        n: int,
        *,
        temperature: float,
        seed: int | None = None,
        execute: bool | None = None,
    ) -> list[list[PredictedAnswer]]:
        """`n` answers to each example: the greedy one first, then samples.

        `seed`: None is the seed of the run; the same examples and seed give the same answers. They have no confidence,
        which is calibrated for the answers of `answer`. Raises UsageError when no executor is open for `execute`, when
        the student cannot sample, or with `max_wrong`.
        """
        if self.promise is not None:  # so there is no fallback either
            hint = "leave out one of them: the promise is about the student's one greedy answer"
            raise UsageError("--max-wrong does not go with several answers", where="--max-wrong", hint=hint)
        executor = self._executor(execute)
        seed = self.setup.settings.project.seed if seed is None else seed
        setup = self.setup
        with self._writing:
            greedy = self._written(examples)
            sampled: Iterable[list[Prediction]] = [[]] * len(examples)
            if n > 1:
                sampled = steps.sample(
                    self._generator(examples),
                    setup.objective,
                    setup.task,
                    examples,
                    n - 1,
                    temperature=temperature,
                    seed=seed,
                )
            predictions = [
                [replace(draw, logprob=None) for draw in (first, *rest)]
                for first, rest in zip(greedy, sampled, strict=True)
            ]
            similarities = self._similarity(examples)
        return self._answered(examples, predictions, similarities, executor)

    def executed(self, example: Example, answered: PredictedAnswer) -> PredictedAnswer:
        """An answer that was not run yet, run if it is valid and an executor is open, with a second look.

        Raises ServiceError, AuthError or DataError when the data is not there.
        """
        return self._after_second_look(example, self._ran(example, answered, self.executor), self.executor)

    @property
    def explains(self) -> bool:
        """Whether the student can write a rationale apart from the answer (`explain`)."""
        reads_prompts = not self.setup.student.reads_schema  # others cannot be asked for it
        return reads_prompts and self.setup.objective.explanation("") is not None

    def explain(self, examples: Sequence[Example]) -> list[str]:
        """The student's rationale for each example, for students that `explains`. Rationales are not checked.

        One that reached the token limit ends in `…`.
        """
        texts = [self.setup.objective.explanation(self.setup.task.model_input(example)) for example in examples]
        sources = [ModelInput(text=t, example=e) for t, e in zip(texts, examples, strict=True) if t is not None]
        with self._writing:
            written = list(self._student.generate(sources))
        return [text.text.strip() + (" …" if text.truncated else "") for text in written]

    def count_tokens(self, examples: Sequence[Example]) -> list[int]:
        """The input tokens of each example; empty when the student does not count tokens."""
        setup = self.setup
        return self._student.count_tokens(steps.prompts(setup.objective, setup.task, examples))

    def _executor(self, execute: bool | None) -> Executor | None:
        if execute and not self.execute:
            raise UsageError(
                "no executor was opened to run answers", where="execute", hint="make Predictor(run, execute=True)"
            )
        return None if execute is False else self.executor

    def _written(self, examples: Sequence[Example]) -> list[Prediction]:
        return list(steps.predict(self._generator(examples), self.setup.objective, self.setup.task, examples))

    def _with_agreement(self, examples: Sequence[Example], written: list[Prediction], draws: int) -> list[Prediction]:
        """The predictions with the agreement of this many drawn answers, if the confidence needs it."""
        if not draws:
            return written
        setup, generator = self.setup, self._generator(examples)
        seed = setup.settings.project.seed
        return list(with_agreement(generator, setup.objective, setup.task, examples, written, draws=draws, seed=seed))

    def _generator(self, examples: Sequence[Example]) -> Generator:
        """The student; with ``evaluate.constrain``, its answers follow the grammars of the examples."""
        if not self.setup.settings.evaluate.constrain:
            return self._student
        return Constrained(self._student, self.setup.objective, self.setup.task, examples)

    def _answered(
        self,
        examples: Sequence[Example],
        predictions: Sequence[Sequence[Prediction]],
        similarities: Sequence[Similarity],
        executor: Executor | None,
    ) -> list[list[PredictedAnswer]]:
        """The answers, checked and run; equal texts for one question are checked and run once."""

        def answers_of(item: tuple[Example, Sequence[Prediction], Similarity | None]) -> list[PredictedAnswer]:
            example, of_example, similarity = item
            answers: dict[tuple[str, bool], PredictedAnswer] = {}
            for prediction in of_example:
                if (key := (prediction.text, prediction.truncated)) not in answers:
                    answer = self._ran(example, self._judged(example, prediction), executor)
                    if similarity is not None:
                        answer = replace(
                            answer, similarity=round(similarity.value, 3), similarity_threshold=similarity.threshold
                        )
                    answers[key] = answer
            return [
                replace(answers[p.text, p.truncated], tokens=p.tokens or 0, seconds=p.seconds or 0.0)
                for p in of_example
            ]

        known: Sequence[Similarity | None] = similarities or [None] * len(examples)
        items = zip(examples, predictions, known, strict=True)
        return list(steps.threaded_map(answers_of, items, executor.parallel if executor else 1))

    def _after_second_look(
        self, example: Example, answered: PredictedAnswer, executor: Executor | None
    ) -> PredictedAnswer:
        """The answer, or another one of the student if this one did not work. A promise is about first answers."""
        task = self.setup.task
        if executor is None or self.promise is not None or not needs_second_look(task, answered):
            return answered
        if (corrected := self._with_values_of_the_data(example, answered, executor)) is not None:
            return corrected
        with self._writing:
            generator, objective = self._generator([example]), self.setup.objective
            (candidates,) = steps.candidates(generator, objective, task, [example], CANDIDATES)
        others = (self._judged(example, candidate) for candidate in near_the_best(candidates))
        return first_that_finds(task, answered, (self._ran(example, other, executor) for other in others))

    def with_alternatives(self, example: Example, answered: PredictedAnswer) -> PredictedAnswer:
        """The answer or refusal with others that the student nearly gave, each with another result.

        Sets `alternatives` and `question_back`. None are known of an answer that was not run. At most `CANDIDATES`
        others run; none is given if one of them finds the engine away.
        """
        executor, task = self.executor, self.setup.task
        was_given = answered.by_student and (answered.outcome == OutcomeKind.OK or answered.refused)
        if executor is None or not was_given or is_sure(answered.logprob):
            return answered
        with self._writing:
            (candidates,) = steps.candidates(
                self._generator([example]),
                self.setup.objective,
                task,
                [example],
                CANDIDATES,
                least_logprob=-math.inf if answered.logprob is None else answered.logprob - MARGIN,
            )
        ran = (
            (candidate.logprob or 0.0, self._ran(example, self._judged(example, candidate), executor))
            for candidate in near_the_best(candidates, MARGIN)
        )
        with contextlib.suppress(ServiceError), about(example.id):
            others = tuple(other_answers(task, answered, ran))
            readings = [given.read_back for given in (answered, *others) if not given.refused]
            answered = replace(answered, alternatives=others, question_back=question_back(readings))
        return answered

    def _with_values_of_the_data(
        self, example: Example, answered: PredictedAnswer, executor: Executor
    ) -> PredictedAnswer | None:
        """The answer with texts that its data have, if it finds something then."""

        def run(answer: str) -> PredictedAnswer:
            return self._ran(example, self.checked(example, answer), executor)

        def result(answer: str) -> Any:
            ran = run(answer)
            return ran.result if ran.ok else None

        if not answered.ok:
            return None
        with about(example.id):
            corrected = with_values_of_the_data(self.setup.task, example, answered.answer, result)
        if corrected is None or not finds(self.setup.task, ran := run(corrected.answer)):
            return None
        return in_place_of(answered, replace(ran, answered_by=answered.answered_by), "; ".join(corrected.changes))

    def _fallen_back(
        self, examples: Sequence[Example], answers: Sequence[PredictedAnswer], executor: Executor | None
    ) -> list[PredictedAnswer]:
        """The answers, with those of the `fallback` where it is needed: all of its requests are in progress at once."""
        futures = {
            n: self.fallback.ask(examples[n])
            for n, answered in enumerate(answers)
            if self.fallback is not None and self.needs_fallback(answered)
        }

        def answer_of(item: tuple[int, Future[Prediction]]) -> PredictedAnswer:
            n, future = item
            prediction: Prediction | DstillError
            try:
                prediction = future.result()
            except DstillError as error:
                prediction = error
            return self._ran(examples[n], self.from_fallback(examples[n], answers[n], prediction), executor)

        predictions = steps.threaded_map(answer_of, futures.items(), executor.parallel if executor else 1)
        by_number = dict(zip(futures, predictions, strict=True))
        return [by_number.get(n, answered) for n, answered in enumerate(answers)]

    def _judged(
        self,
        example: Example,
        prediction: Prediction,
        by: str = STUDENT,
        read: Callable[[Prediction], Draft | None] | None = None,
    ) -> PredictedAnswer:
        """The checked answer of the text that the student wrote, or somebody else (`by`).

        `read` parses it; None: as the student's.
        """
        setup, own, began, as_written = self.setup, by == STUDENT, time.time_ns(), read is None
        read = read or partial(steps.draft_of, objective=setup.objective, task=setup.task)
        with about(example.id):
            draft = read(prediction)
        (verdict,) = steps.judge(setup.plugins, setup.task, [(example, prediction)], setup.objective, None, read)
        is_answer, why = verdict.reached >= Level.VALID and not verdict.refused, ""
        if draft and verdict.refused:
            with about(example.id):
                why = Presentation.of(setup.task).refusal_reason(draft.answer)
        reading = setup.student.form.read(example) if draft and is_answer and setup.student.reads_schema else None
        phrases = self._phrases(example, draft.answer) if draft and is_answer else ()
        if draft and reading and own and as_written:
            converted = in_units_of_fields(reading, phrases, draft.answer)
            if converted is not None:
                return self._judged(example, prediction, by, lambda _: replace(draft, answer=converted))
        problems = tuple(self._misread(example, draft.answer, phrases, reading)) if own and draft else ()
        unread = next((problem.message for problem in problems if problem.is_error), "")
        answered = PredictedAnswer(
            id=example.id,
            question=example.question,
            answer=draft.answer if draft else "",
            rationale=draft.rationale if draft else "",
            ok=is_answer and not unread,
            refused=verdict.refused,
            reason=_refusal("the student" if own else by, why) if verdict.refused else unread or verdict.reason,
            read_back="".join(phrase.text for phrase in (in_both_units(reading, phrases) if reading else phrases)),
            glossary=self._terms(example),
            problems=(*verdict.problems, *problems),
            answered_by=by,
            steps=(Step(name="check", began=began, ended=time.time_ns()),),
        )
        return self._confident(answered, prediction) if own and verdict.reached >= Level.VALID else answered

    def _confident(self, answered: PredictedAnswer, prediction: Prediction) -> PredictedAnswer:
        """A valid answer with how sure the student is of it, or the abstention in its place."""
        score, least = self.calibration.score(prediction) if self.calibration else None, self._student.unsure_below
        if prediction.logprob is not None:
            unsure = None if least is None else prediction.logprob < least
            answered = replace(answered, logprob=prediction.logprob, unsure=unsure)
        if score is not None and self.calibration is not None:
            answered = replace(answered, confidence=round(self.calibration.confidence(score), 4))
        if self.promise is None or self.promise.gives(score):
            return answered
        most = f"{100 * self.promise.max_wrong:g} % wrong answers"
        known = answered.confidence
        why = "is not known" if known is None else f"of {known:.3f} is below the cut for at most {most}"
        return replace(
            answered,
            answer="",
            read_back="",
            rationale="",
            withheld=answered.answer,
            abstained=True,
            ok=False,
            refused=False,
            reason=f"abstained: the confidence {why}",
        )

    def _phrases(self, example: Example, answer: str) -> Sequence[Phrase]:
        """A valid answer in plain words, if its task has any."""
        with about(example.id):
            return Readback.of(self.setup.task).read_back(example, answer)

    def _terms(self, example: Example) -> tuple[str, ...]:
        """The terms of the glossary that a question names, with what they mean."""
        with about(example.id):
            return tuple(map(str, Terms.of(self.setup.task).glossary(example).named(example.question)))

    def _misread(
        self, example: Example, answer: str, phrases: Sequence[Phrase], reading: Reading | None
    ) -> Iterator[Problem]:
        """Words that a student that reads the schema of the data has not read, or may have taken for something else.

        `reading`: None for a refusal.
        """
        task = self.setup.task
        if not self.setup.student.reads_schema:
            return
        yield from not_english(example.question)
        if reading is not None:
            with about(example.id):
                used = frozenset(RationaleTerms.of(task).answer_terms(answer))
            yield from misread(reading, used, answer, task.data_noun)
            yield from wrong_units(reading, phrases)

    def _ran(self, example: Example, answered: PredictedAnswer, executor: Executor | None) -> PredictedAnswer:
        if executor is None or not answered.ok:
            return answered
        with self._running:
            outcome = executor.run(answered.answer, example)
        ran = replace(answered, outcome=outcome.kind.value, result=outcome.value)
        if outcome.kind is OutcomeKind.OK:
            return warned(self.setup.task, ran)
        return replace(ran, ok=False, reason=outcome.reason)

    def _similarity(self, examples: Sequence[Example]) -> list[Similarity]:
        """The similarity of each question to those of training; empty: not known."""
        if self._nearest is None:
            return []
        setup = self.setup
        return self._nearest.similarity(steps.prompts(setup.objective, setup.task, examples))

    @cached_property
    def _nearest(self) -> Generator | None:
        try:
            return self.run.nearest()
        except DstillError as problem:  # answers do not depend on it
            self.nearness_unknown = problem.what
            return None


def _refusal(by: str, why: str) -> str:
    return f"{by} refused to answer{f': {why}' if why else ''}"
