"""The layers of checks that an answer passes: form, guard, schema, sense.

``form`` is a gate: a refusal, or one query. ``guard`` comes before ``schema``, whose engine plans the query: what may
not run is not planned either. ``schema`` applies only if the database's schema is known. ``sense`` only warns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dstill.api.records import Example, Problem
from dstill.api.task import Check
from dstill_sql.language import guard, refusals, sense
from dstill_sql.language.database import schema_check
from dstill_sql.language.database.database import Database
from dstill_sql.language.statements import read
from dstill_sql.settings import Settings

__all__ = ["layers"]


def layers(config: Settings, database: Callable[[Example], Database | None]) -> tuple[Check, ...]:
    """The checks, in the order in which they run."""

    def parsed(answer: str) -> object:
        return refusals.read(answer) or read(answer, config.dialect)

    def in_guard(example: Example, answer: str) -> Iterable[Problem]:
        if refusals.read(answer):
            return ()
        known = database(example)
        return guard.check(read(answer, config.dialect), known.schema if known else None, config.guard, config.dialect)

    def in_schema(example: Example, answer: str) -> Iterable[Problem]:
        known = database(example)
        if refusals.read(answer) or known is None:
            return ()
        query = read(answer, config.dialect)
        if any(guard.check(query, known.schema, config.guard, config.dialect)):
            return ()  # what may not run is not planned either
        return schema_check.check(query, known.schema)

    def in_sense(example: Example, answer: str) -> Iterable[Problem]:
        if refusals.read(answer):
            return ()
        return sense.check(read(answer, config.dialect), database(example))

    return (
        Check.from_parser("form", parsed, hint="write one SELECT", cause="not SQL"),
        Check("guard", in_guard),
        Check("schema", in_schema, applies=lambda example: database(example) is not None),
        Check("sense", in_sense),
    )
