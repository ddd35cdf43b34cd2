"""Judgements of people about a student's answers to their questions, and the calibration that follows.

    with Predictor(run) as predictor, run.setup.opened_executor() as executor:
        judging = Judgements(run, predictor, executor, questions=own_examples, feedback=rows)
        judging.open[0].answered.answer           # a person has to say whether it is right
        judging.judge("7", right=False, correction=None)
        judging.save(judging.fit())               # None: `judging.missing` more are needed

Each judgement is a row of RUN/judgements.jsonl, on disk before the next one, in the form of feedback
(`dstill.inputs.feedback`). So nothing is lost when a person stops, and what is known of a question holds for the next
student of the run as well: an answer is judged by the gold if there is one, and only a new answer without a gold asks
a person again.

Questions are those of people alone: rows of validation that others asked (`peoples_rows`), a file of own questions,
feedback, and what somebody types. A question that the student learnt is left out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dstill.answering import steps
from dstill.api.executor import Executor
from dstill.api.records import Draft, Example, Prediction
from dstill.api.task import Task, data_of
from dstill.confidence import calibration
from dstill.confidence.calibration import Calibration, fitted
from dstill.confidence.selective import counts
from dstill.errors import ServiceError, UsageError
from dstill.inputs import feedback
from dstill.inputs.dedup import question_key
from dstill.inputs.feedback import Feedback, Opinion
from dstill.quality.data_monitor import engine_failures
from dstill.runs.contents import RunContents
from dstill.runs.peoples_rows import peoples_rows
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = ["FILE", "LEAST", "JudgedAnswer", "Judgements", "questions_of"]

FILE = "judgements.jsonl"  # of a run
LEAST = 60  # judgements
MOST = 2_000  # questions that are answered
BLOCK = 256  # of them at once


@dataclass(frozen=True, kw_only=True)
class JudgedAnswer:
    """The student's answer to a question of a person."""

    example: Example  # its `answer` is the gold, if a person gave one
    answered: PredictedAnswer
    score: float
    right: bool | None = None  # None: nobody has said

    @property
    def id(self) -> str:
        """That of the question."""
        return self.example.id


class Judgements:
    """The judgements of one run, whose lock the caller holds if it judges or fits."""

    def __init__(
        self,
        run: RunContents,
        predictor: Predictor,
        executor: Executor | None,
        *,
        questions: Iterable[Example] = (),
        feedback: Iterable[Feedback] = (),
    ) -> None:
        """Answer all questions. `predictor`: of the run's student, or of that student in another form.

        `questions`: own ones, with golds or without; a judgement by gold is kept. `feedback`: of others, beside that
        in `FILE`. Raises DataError for a damaged file, ServiceError when the engine is away, MissingExtra.
        """
        fitted([0.0], [True])  # raises for a missing library, before a person does any work
        self._run, self._predictor, self._executor, self._task = run, predictor, executor, run.task
        self._rows = list(run.load(Feedback, FILE))
        self._learnt = {question_key(record) for record in run.records("train", raw=True)}
        self.left_out = 0  # questions that the student learnt, or about data that the run does not know
        self.not_given = 0  # answers that the checks refuse, or without a log-probability
        own = list(questions)
        opinions = list(self._opinions([*self._rows, *feedback]))
        self._said = {question_key(example): opinion for example, opinion in opinions}
        asked = [
            *own,
            *(example for example, _ in opinions),
            *(row.example for row in peoples_rows(run, ["validation"])),
        ]
        self.answers: list[JudgedAnswer] = []
        self._answer(self._unlearnt(asked))
        own_keys = {question_key(example) for example in own}
        for judged in self.answers:
            if judged.right is not None and question_key(judged.example) in own_keys - self._said.keys():
                self._keep(judged, None if judged.right else judged.example.answer)

    # --- what is known ------------------------------------------------------------------

    @property
    def judged(self) -> list[JudgedAnswer]:
        """The answers of which it is known whether they are right."""
        return [answer for answer in self.answers if answer.right is not None]

    @property
    def open(self) -> list[JudgedAnswer]:
        """The answers that a person is to judge."""
        return [answer for answer in self.answers if answer.right is None]

    @property
    def missing(self) -> int:
        """The judgements that are still needed for a calibration."""
        return max(0, LEAST - len(self.judged))

    def fit(self) -> Calibration | None:
        """The calibration of the judged answers; None: they are too few. Raises MissingExtra."""
        if self.missing:
            return None
        draws, judged = self._run.settings.evaluate.agreement, self.judged
        return fitted([answer.score for answer in judged], [bool(answer.right) for answer in judged], draws=draws)

    def save(self, new: Calibration | None) -> None:
        """Write the calibration into the run, for answers of its present student; None: delete an earlier one."""
        if new is None:
            self._run.discard(calibration.FILE)
            return
        self._run.write(calibration.FILE, [new])
        made_of = self._run.made_of(constrained=self._run.settings.evaluate.constrain)
        self._run.manifest["files"][calibration.FILE]["provenance"] = made_of

    # --- what a person says -------------------------------------------------------------

    def ask(self, question: str) -> JudgedAnswer | None:
        """Answer one more question; None: the checks refuse the answer. Raises UsageError for a known question."""
        example = self._predictor.example(question, id=_new_id())
        key = question_key(example)
        if key in self._learnt or key in {question_key(answer.example) for answer in self.answers}:
            what = "this question is answered already, or the student learnt it"
            raise UsageError(what, where="QUESTION", hint="ask another one")
        before = len(self.answers)
        self._answer([example])
        return self.answers[-1] if len(self.answers) > before else None

    def judge(self, id: str, *, right: bool, correction: str | None = None) -> None:
        """Say whether the answer to a question is right. It is on disk when this returns."""
        at = next(n for n, answer in enumerate(self.answers) if answer.id == id)
        self.answers[at] = replace(self.answers[at], right=right)
        self._keep(self.answers[at], correction)

    def undo(self, id: str) -> None:
        """Take back the last judgement, which was about this question."""
        self._rows.pop()
        self._run.write(FILE, self._rows)
        self._run.manifest["files"].pop(FILE)
        at = next(n for n, answer in enumerate(self.answers) if answer.id == id)
        self.answers[at] = replace(self.answers[at], right=None)

    def _keep(self, judged: JudgedAnswer, correction: str | None) -> None:
        row = Feedback(
            id=_new_id(),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self._run.name,
            question=judged.example.question,
            answer=judged.answered.answer,
            verdict="right" if judged.right else "wrong",
            correction=correction,
            data=data_of(self._task, judged.example),
        )
        self._run.append(FILE, row)
        self._rows.append(row)

    # --- questions ----------------------------------------------------------------------

    def _opinions(self, rows: Iterable[Feedback]) -> Iterator[tuple[Example, Opinion]]:
        """The questions of feedback, with what all of it says about each."""
        for opinion, example in questions_of(self._task, self._predictor, rows):
            if example is None:
                self.left_out += 1
            else:
                yield example, opinion

    def _unlearnt(self, examples: Iterable[Example]) -> list[Example]:
        """Each question once, without those that the student learnt."""
        first: dict[tuple[str, str], Example] = {}
        for example in examples:
            if question_key(example) in self._learnt:
                self.left_out += 1
            else:
                first.setdefault(question_key(example), example)
        return [replace(example, id=f"{n}") for n, example in enumerate(list(first.values())[:MOST], 1)]

    # --- answers ------------------------------------------------------------------------

    def _answer(self, examples: Sequence[Example]) -> None:
        """Add the answers that are given, with what is known of them."""
        draws, answers = self._run.settings.evaluate.agreement, list[JudgedAnswer]()
        for start in range(0, len(examples), BLOCK):
            block = examples[start : start + BLOCK]
            if len(examples) > BLOCK:
                self._run.progress("answering questions of people", start, len(examples))
            pairs = zip(block, self._predictor.first_answers(block, draws), strict=True)
            for example, (answered, score) in pairs:
                if score is not None and (answered.ok or answered.refused):
                    answers.append(JudgedAnswer(example=example, answered=answered, score=score))
        self.not_given += len(examples) - len(answers)
        known = [replace(answer, right=self._said_of(answer)) for answer in answers]
        by_gold = self._by_gold([answer for answer in known if answer.right is None and answer.example.answer])
        self.answers += [replace(answer, right=by_gold.get(answer.id, answer.right)) for answer in known]

    def _said_of(self, judged: JudgedAnswer) -> bool | None:
        """Whether this very answer is right, by what people have said; None: not known."""
        opinion, canonical = self._said.get(question_key(judged.example)), self._task.canonical
        if opinion is None or opinion.disputed:
            return None
        answer = canonical(judged.answered.answer)
        if answer in opinion.wrong:
            return False
        return True if opinion.gold is not None and canonical(opinion.gold) == answer else None

    def _by_gold(self, answers: Sequence[JudgedAnswer]) -> dict[str, bool]:
        """Whether answers find what the golds find, by id of the question. Raises ServiceError."""
        if not answers:
            return {}
        setup = self._run.setup
        pairs = [(answer.example, Prediction(id=answer.id, text=answer.answered.answer)) for answer in answers]
        verdicts = list(steps.judge(setup.plugins, setup.task, pairs, setup.objective, self._executor, _draft))
        if away := engine_failures(verdicts):
            raise ServiceError(away, where=str(self._run.folder), hint="call again when the engine is there")
        return {verdict.id: verdict.correct for verdict in verdicts if counts(verdict)}


def questions_of(
    task: Task, predictor: Predictor, rows: Iterable[Feedback]
) -> Iterator[tuple[Opinion, Example | None]]:
    """The opinion of all feedback on each question, and the question with its gold; None: about unknown data."""
    for number, opinion in enumerate(feedback.opinions(task, rows), 1):
        try:
            example = predictor.example(opinion.question, id=f"said-{number}", data=opinion.data or None)
        except UsageError:
            yield opinion, None
        else:
            yield opinion, replace(example, answer=opinion.gold)


def _draft(written: Prediction) -> Draft:
    return Draft(answer=written.text)


def _new_id() -> str:
    return secrets.token_hex(8)
