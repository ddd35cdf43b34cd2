"""Checks that an object is a valid ``_search`` body: layer ``schema``.

In: an object that passed `strict`. Out: problems, each with a JSON pointer, the value that was
found and the nearest valid name:

    check({"query": {"mach": {"title": "x"}}})
    -> (Problem(code="unknown_query", message="unknown query 'mach'", pointer="/query/mach",
                hint="did you mean 'match'?", suggestion="match"),)

The schema is derived from the typed classes of the Elasticsearch client (`schema.derivation`), once for all users:
`tools/querydsl_schema.py` writes ``derived/DIALECT.json.gz``. So checks and answers depend on no installed client. It
does not know the mapping: any field name passes. It does not judge safety: scripts pass here, and the guard refuses
them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dstill.api.records import Problem
from dstill.errors import UsageError, did_you_mean
from dstill_querydsl.language.schema import messages, rules

__all__ = ["DIALECTS", "FOLDER", "MAX_PROBLEMS", "check", "document", "names"]

FOLDER = Path(__file__).with_name("derived")
DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch2", "opensearch3")
MAX_PROBLEMS = 20  # a person reads the first few; a broken body can have thousands


def check(body: dict[str, Any], dialect: str = "elasticsearch9") -> tuple[Problem, ...]:
    """Problems in the structure of `body`, at most `MAX_PROBLEMS`. Raises UsageError for an unknown dialect."""
    queries = document(dialect)["$defs"]["query"]["properties"]
    problems = [problem for error in _errors(body, dialect) for problem in messages.problems(error, queries)]
    if not problems:
        # These rules follow names through the body, which needs a body that the schema accepts.
        problems = list(rules.check(body))
    distinct = {(problem.pointer, problem.code): problem for problem in problems}
    return tuple(distinct.values())[:MAX_PROBLEMS]


def _errors(body: dict[str, Any], dialect: str) -> Iterator[Any]:
    for index, error in enumerate(_validator(dialect).iter_errors(body)):
        if index >= 5 * MAX_PROBLEMS:
            return
        yield error


def names(kind: str, dialect: str = "elasticsearch9") -> tuple[str, ...]:
    """The names that the schema knows for `kind`: ``query`` or ``aggregation``."""
    container = document(dialect)["$defs"][kind]
    return tuple(sorted(set(container["properties"]) - set(container.get("x-one", ()))))


@cache
def document(dialect: str = "elasticsearch9") -> dict[str, Any]:
    """The schema as JSON Schema (Draft 2020-12). Raises UsageError for an unknown dialect."""
    if dialect not in DIALECTS:
        raise UsageError(f"unknown dialect '{dialect}'.{did_you_mean(dialect, DIALECTS)}", hint=", ".join(DIALECTS))
    schema: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{dialect}.json.gz").read_bytes()))
    return schema


@cache
def _validator(dialect: str) -> Any:
    from dstill_querydsl.language.schema.validator import compile_schema

    return compile_schema(document(dialect))
