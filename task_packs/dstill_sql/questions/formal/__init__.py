"""Formal questions about databases: plans of `dstill.synthesis`, with their answers in SQL.

    formal(subject_of(database, lexicon, references), database.schema, random)
    ("What are the names of the shops in Oslo?", "SELECT name FROM shops WHERE city = 'Oslo'")

`subject` makes a subject of a database, `writing` writes a plan's answer.
"""

from __future__ import annotations

from random import Random

from dstill.synthesis.english import say
from dstill.synthesis.plans import Skip, draw
from dstill.synthesis.subjects import Subject
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.questions.formal.writing import write

__all__ = ["formal"]

_TRIES = 200


def formal(subject: Subject, schema: SqlSchema, random: Random) -> tuple[str, str]:
    """A question and its answer, in DuckDB's dialect. Raises Skip if the subject has nothing to ask about."""
    for _ in range(_TRIES):
        try:
            plan = draw(subject, random, joins=True)
            return say(plan, random), write(plan, schema)
        except Skip:
            continue
    raise Skip
