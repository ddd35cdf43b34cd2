"""A form whose answers are plans: for any language that a pack can write plans in.

    form = PlanForm(subject_of, write, refusal="none")
    form.decode([9, 10, "where", "eq", 11, 4], reading)      "SELECT name FROM shop WHERE city = 'Oslo'"

`subject_of` gives the subject of a question's data, `write` the answer of a plan. So one base, which was trained on
plans about invented data, answers in every such language.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from dstill.api.form import Cursor, Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Ranking, Reading, Schema, read, words
from dstill.plans import tokens as plan_tokens
from dstill.plans.schema import FEATURES, PlanSchema
from dstill.synthesis.plans import Plan, Skip
from dstill.synthesis.subjects import Subject

__all__ = ["MOST_ITEMS", "PlanForm"]

MOST_ITEMS = 96  # of a wide subject that the student reads
CACHE_SIZE = 64  # subjects that were read last


class PlanForm(Form):
    """Reads questions about subjects and writes plans."""

    tokens = plan_tokens.TOKENS
    features = FEATURES
    bases: ClassVar = {"plans": Path(__file__).with_name("base")}

    def __init__(
        self,
        subject_of: Callable[[Example], Subject | None],
        write: Callable[[Plan], str],
        refusal: str,
        plan_of: Callable[[str, Subject], Plan] | None = None,
    ) -> None:
        """`refusal`: the answer that says that the data have none. `plan_of`: the plan of an answer, for training.

        `write` raises Skip for a plan that its language cannot say, `plan_of` NotExpressible.
        """
        self._subject_of, self._write, self._refusal, self._plan_of = subject_of, write, refusal, plan_of
        self._known: OrderedDict[int, tuple[Subject, Ranking]] = OrderedDict()  # by id; the newest last

    def read(self, example: Example) -> Reading:
        """As in `Form`. A question about no subject has no items."""
        subject = self._subject_of(example)
        return read(example.question, Schema([])) if subject is None else self.reading(example.question, subject)

    def reading(self, question: str, subject: Subject) -> Reading:
        """The reading of a question about a subject."""
        ranking, spoken, shown = self._ranking(subject), words(question), None
        if len(ranking.schema.items) > MOST_ITEMS:
            shown = sorted(ranking.best(question, spoken, MOST_ITEMS))
        return read(question, ranking.schema, shown, spoken)

    def _ranking(self, subject: Subject) -> Ranking:
        if id(subject) not in self._known:
            self._known[id(subject)] = subject, Ranking(PlanSchema(subject))
        self._known.move_to_end(id(subject))
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return self._known[id(subject)][1]

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        """As in `Form`."""
        if answer == self._refusal:
            return plan_tokens.encode(None, reading)
        if self._plan_of is None or not isinstance(reading.schema, PlanSchema):
            raise NotExpressible("answers of this language cannot be read as plans")
        return plan_tokens.encode(self._plan_of(answer, reading.schema.subject), reading)

    def decode(self, tokens: Sequence[Token], reading: Reading) -> str:
        """As in `Form`."""
        plan = plan_tokens.decode(tokens, reading)
        try:
            return self._refusal if plan is None else self._write(plan)
        except Skip as error:
            raise NotExpressible(str(error) or "the language cannot say this plan") from None

    def start(self, reading: Reading) -> Cursor | None:
        """As in `Form`. None if the question is about no subject."""
        return PlanCursor(reading=reading) if isinstance(reading.schema, PlanSchema) else None

    def replay(self, seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
        """Questions about invented data (`plan_questions`), with their plans."""
        from dstill.plans.questions import plan_questions

        for question, plan, subject in plan_questions(seed):
            reading = self.reading(question, subject)
            try:
                yield reading, plan_tokens.encode(plan, reading)
            except NotExpressible:
                continue


@dataclass(frozen=True, kw_only=True)
class PlanCursor(Cursor):
    """A place in a plan that is being written."""

    reading: Reading
    written: tuple[Token, ...] = ()

    def allowed(self) -> Collection[Token]:
        """As in `Cursor`."""
        if self.written[-1:] == ("",):
            return ()
        return plan_tokens.allowed(self.written, self.reading)

    def push(self, token: Token) -> PlanCursor:
        """As in `Cursor`."""
        return PlanCursor(reading=self.reading, written=(*self.written, token))
