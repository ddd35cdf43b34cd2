"""What a query does, in plain words, for people who do not read SQL.

    read_back(read("SELECT COUNT(*) FROM jobs WHERE NOT warranty", "duckdb"), schema, "duckdb")
    [Phrase(text="jobs", …), Phrase(text=" where warranty is no", …), Phrase(text=", counted", …)]

The sentence says every part of the query, and no alias. What has no words is said as SQL within backticks.
"""

from __future__ import annotations

from sqlglot import exp

from dstill.api.protocols import Phrase
from dstill.io.inert import visible
from dstill_sql.language.bounded_text import text_of
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.readback.queries import Queries
from dstill_sql.language.statements import LONGEST

__all__ = ["read_back"]


def read_back(query: exp.Query, schema: SqlSchema | None, dialect: Dialect) -> list[Phrase]:
    """The phrases of a query that passed the checks; one of SQL if it is nested too deeply, or they would be too long.

    `schema`: None if it is not known. Raises NotPrintable where the query cannot be printed either.
    """
    try:
        phrases = list(Queries(query, schema or SqlSchema(tables=()), dialect).phrases(query))
    except RecursionError:
        phrases = []
    if phrases and sum(len(phrase.text) for phrase in phrases) <= LONGEST:
        return phrases
    return [Phrase(text=visible(f"`{text_of(query, dialect)}`", one_line=True), kind="data")]
