"""Formal questions about databases: plans of `dstill.synthesis`, with their answers in SQL.

    formal(subject_of(database, lexicon, references), database.schema, random)
    ("What are the names of the shops in Oslo?", "SELECT name FROM shops WHERE city = 'Oslo'")

`subject` makes a subject of a database, `writing` writes a plan's answer.
"""

from __future__ import annotations

from random import Random

from dstill.linked.dialogue import joined
from dstill.synthesis.dialogues import in_two
from dstill.synthesis.english import say
from dstill.synthesis.plans import Plan, Skip, draw
from dstill.synthesis.subjects import Subject
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.readback import read_back
from dstill_sql.language.statements import read
from dstill_sql.questions.formal.writing import write

__all__ = ["formal"]

_TRIES = 200
_FOLLOW_UPS = 0.5  # share of questions that go on from another one
_READ_BACK = 0.3  # of those: the other one as its answer is read back


def formal(subject: Subject, schema: SqlSchema, random: Random) -> tuple[str, str]:
    """A question and its answer, in DuckDB's dialect. Raises Skip if the subject has nothing to ask about."""
    for _ in range(_TRIES):
        try:
            plan = draw(subject, random, joins=True)
            answer = write(plan, schema)
            if random.random() >= _FOLLOW_UPS:
                return say(plan, random), answer
            before, then = in_two(plan, random)
            return joined(_said(before, schema, random), then), answer
        except Skip:
            continue
    raise Skip


def _said(plan: Plan, schema: SqlSchema, random: Random) -> str:
    query = write(plan, schema)
    if random.random() >= _READ_BACK:
        return say(plan, random)
    return "".join(phrase.text for phrase in read_back(read(query, "duckdb"), schema, "duckdb"))
