"""The layers of checks that an answer passes: form, guard, schema, sense.

``form`` is a gate: a refusal, or one query. ``guard`` comes before ``schema``, whose engine plans the query: what may
not run is not planned either. ``schema`` applies only if the database's schema is known. ``sense`` only warns. What
``guard`` and ``schema`` find is kept: a query is checked where a cursor ends it, as an answer, and before it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from dstill.api.records import Example, Problem
from dstill.api.task import Check
from dstill_sql.language import guard, refusals, sense
from dstill_sql.language.database import schema_check
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import read
from dstill_sql.settings import Settings

__all__ = ["guarded", "in_schema", "layers"]

_KEPT = 1024  # queries: the candidates of some questions


@lru_cache(_KEPT)
def guarded(answer: str, schema: SqlSchema | None, limits: Limits, dialect: Dialect) -> Sequence[Problem]:
    """What the guard finds in a query. Raises NotOneQuery."""
    return tuple(guard.check(read(answer, dialect), schema, limits, dialect))


@lru_cache(_KEPT)
def in_schema(answer: str, schema: SqlSchema, limits: Limits, dialect: Dialect) -> Sequence[Problem]:
    """What does not fit the schema in a query that the guard passes. Raises NotOneQuery."""
    if guarded(answer, schema, limits, dialect):
        return ()  # what may not run is not planned either
    return tuple(schema_check.check(read(answer, dialect), schema))


def layers(config: Settings, database: Callable[[Example], Database | None]) -> tuple[Check, ...]:
    """The checks, in the order in which they run."""

    def parsed(answer: str) -> object:
        return refusals.read(answer) or read(answer, config.dialect)

    def in_guard(example: Example, answer: str) -> Iterable[Problem]:
        if refusals.read(answer):
            return ()
        known = database(example)
        return guarded(answer, known.schema if known else None, config.guard, config.dialect)

    def fits_schema(example: Example, answer: str) -> Iterable[Problem]:
        known = database(example)
        if refusals.read(answer) or known is None:
            return ()
        return in_schema(answer, known.schema, config.guard, config.dialect)

    def in_sense(example: Example, answer: str) -> Iterable[Problem]:
        if refusals.read(answer):
            return ()
        return sense.check(read(answer, config.dialect), database(example))

    return (
        Check.from_parser("form", parsed, hint="write one SELECT", cause="not SQL"),
        Check("guard", in_guard),
        Check("schema", fits_schema, applies=lambda example: database(example) is not None),
        Check("sense", in_sense),
    )
