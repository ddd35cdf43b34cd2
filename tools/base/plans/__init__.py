"""What the base of plans is trained on: questions about invented data, and the written ones of SQL that have a plan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import dstill.synthesis
from dstill.api.form import NotExpressible
from dstill.plans import tokens as plan_tokens
from dstill.plans.form import PlanForm
from dstill.plans.questions import plan_questions
from dstill.synthesis.plans import Plan
from dstill.synthesis.subjects import Subject
from dstill_linked.making.data import Answers
from dstill_sql.language import refusals
from dstill_sql.questions.formal.subject import subject_of
from dstill_sql.questions.lexicon import Lexicon
from dstill_sql.questions.references import references_of
from tools.base.pack import Pack
from tools.base.plans.reading import plan_of
from tools.base.sql import written

__all__ = ["PACK", "answers", "written_plans"]

WRITTEN = 0.4  # share of rows, as in the base of SQL

Asked = tuple[str, Plan | None, Subject]


def answers(seed: int) -> Answers:
    """Readings and the tokens of their plans, without end."""
    random = Random(f"plans {seed}")
    form = PACK.form
    assert isinstance(form, PlanForm)
    sources = (_again(written_plans(), random), plan_questions(seed))
    while True:
        question, plan, subject = next(random.choices(sources, (WRITTEN, 1 - WRITTEN))[0])
        reading = form.reading(question, subject)
        try:
            yield reading, plan_tokens.encode(plan, reading)
        except NotExpressible:
            continue


def written_plans() -> list[Asked]:
    """The questions that were written one by one about databases, those that have a plan."""
    asked: list[Asked] = []
    for name in written.TRAINED:
        database = written.database(name)
        schema, references = database.schema, references_of(database.schema)
        subject = subject_of(database, Lexicon.of(schema, references), references)
        for example in written.questions(name):
            answer = example.answer or ""
            try:
                plan = None if refusals.read(answer) is not None else plan_of(answer, subject, schema)
            except NotExpressible:
                continue
            asked.append((example.question, plan, subject))
    return asked


def _again(asked: list[Asked], random: Random) -> Iterator[Asked]:
    while True:
        random.shuffle(asked)
        yield from asked


def _no_language(plan: Plan) -> str:
    return repr(plan)


PACK = Pack(
    task="plans",
    form=PlanForm(lambda _: None, _no_language, refusal=""),
    folder=Path(dstill.synthesis.__file__).with_name("base"),
    answers=answers,
    held_out={},
    about="""Plans of questions about invented data of many domains (`dstill.synthesis`), and of 10,330 of the questions
that a large language model wrote one by one about databases (`tools/base`). The training began with the weights of
another base, which had learnt a query language. It has seen no other language.""",
    weaknesses=(
        "It reads at most 96 entities and attributes, those that rank best for the question.",
        "A plan is about one kind of thing, its parents, and whether it has children.",
    ),
)
