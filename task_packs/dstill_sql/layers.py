"""The layers of checks that an answer passes: form, guard, schema.

``form`` is a gate: a refusal, or one query. ``guard`` comes before ``schema``, whose engine plans the query: what may
not run is not planned either. ``schema`` applies only if the database's schema is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dstill.api.records import Example, Problem
from dstill.api.task import Check
from dstill_sql import guard, names, refusals
from dstill_sql.databases import Database
from dstill_sql.settings import Settings
from dstill_sql.statements import read

__all__ = ["layers"]


def layers(config: Settings, database: Callable[[Example], Database | None]) -> tuple[Check, ...]:
    """The checks, in the order in which they run."""

    def parsed(answer: str) -> object:
        return refusals.read(answer) or read(answer, config.dialect)

    def in_guard(example: Example, answer: str) -> Iterable[Problem]:
        if refusals.read(answer):
            return ()
        found = database(example)
        return guard.check(read(answer, config.dialect), found.schema if found else None, config.guard, config.dialect)

    def in_schema(example: Example, answer: str) -> Iterable[Problem]:
        found = database(example)
        if refusals.read(answer) or found is None:
            return ()
        query = read(answer, config.dialect)
        if any(guard.check(query, found.schema, config.guard, config.dialect)):
            return ()  # what may not run is not planned either
        return names.check(query, found.schema)

    return (
        Check.of_parser("form", parsed, hint="write one SELECT", cause="not SQL"),
        Check("guard", in_guard),
        Check("schema", in_schema, applies=lambda example: database(example) is not None),
    )
