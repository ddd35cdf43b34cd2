"""From an answer to the query that an engine runs."""

from __future__ import annotations

from sqlglot import exp

from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.api.rows import NotReadable
from dstill_sql.engines.clock import frozen
from dstill_sql.engines.translating import Untranslatable, translated
from dstill_sql.language.database.about_databases import AboutDatabases
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.printing import settled
from dstill_sql.language.statements import read

__all__ = ["NOT_PREPARED", "prepared", "unprepared"]

NOT_PREPARED = (Untranslatable, NotReadable)


def prepared(answer: str, example: Example, task: AboutDatabases, dialect: Dialect) -> exp.Query:
    """The query of a checked answer in the engine's `dialect`, at the time of the example.

    It reads the rows that its caller may read. Raises Untranslatable, NotReadable, AuthError.
    """
    own, database = task.config.dialect, task.database(example)
    schema = database.schema if database else None
    try:
        query = settled(read(answer, own), own)
    except NotPrintable as error:
        raise Untranslatable(f"the query cannot be passed on: {error}") from None
    query = translated(frozen(query, task.now(example), own, schema), own, dialect, schema)
    rows = task.row_conditions
    return rows.within(query, example, schema, dialect) if rows.apply_to(example) else query


def unprepared(error: Exception) -> Outcome:
    """The outcome of an answer that `prepared` raises an error for."""
    kind = OutcomeKind.INVALID if isinstance(error, NotReadable) else OutcomeKind.UNSUPPORTED
    return Outcome(kind=kind, reason=str(error))
