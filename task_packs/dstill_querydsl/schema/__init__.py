"""Checks that an object is a valid ``_search`` body: layer ``schema``.

In: an object that passed `strict`. Out: problems, each with a JSON pointer, the value that was
found and the nearest valid name:

    check({"query": {"mach": {"title": "x"}}})
    -> (Problem(code="unknown_query", message="unknown query 'mach'", pointer="/query/mach",
                hint="did you mean 'match'?", suggestion="match"),)

The schema is derived from the installed client (`schema.derivation`), cached on disk for each version of the
client, and compiled once. It does not know the mapping: any field name passes. It does not judge safety: scripts
pass here, and the guard refuses them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from dstill.api.records import Problem
from dstill.errors import MissingExtra, UsageError, did_you_mean
from dstill.io import user_cache
from dstill_querydsl.schema import messages, rules

__all__ = ["DIALECTS", "MAX_PROBLEMS", "check", "document", "names"]

DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch2", "opensearch3")
MAX_PROBLEMS = 20  # a person reads the first few; a broken body can have thousands


def check(body: dict[str, Any], dialect: str = "elasticsearch9") -> tuple[Problem, ...]:
    """Problems in the structure of `body`, at most `MAX_PROBLEMS`. Raises UsageError for an unknown dialect."""
    queries = document(dialect)["$defs"]["query"]["properties"]
    found = [problem for error in _errors(body, dialect) for problem in messages.problems(error, queries)]
    if not found:
        # These rules follow names through the body, which needs a body that the schema accepts.
        found = list(rules.check(body))
    distinct = {(problem.pointer, problem.code): problem for problem in found}
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
    """The schema as JSON Schema (Draft 2020-12), read from the cache on disk or derived now.

    Raises UsageError for an unknown dialect, MissingExtra without the Elasticsearch client.
    """
    if dialect not in DIALECTS:
        raise UsageError(f"unknown dialect '{dialect}'.{did_you_mean(dialect, DIALECTS)}", hint=", ".join(DIALECTS))
    path = _cache_path(dialect)
    schema = _read(path)
    if schema is None:
        from dstill_querydsl.schema.derivation import derive

        schema = derive(dialect)
        user_cache.save(path, json.dumps(schema).encode())
    return schema


@cache
def _validator(dialect: str) -> Any:
    from dstill_querydsl.schema.validator import compile_schema

    return compile_schema(document(dialect))


# --- the cache on disk: without it, every start would take two seconds to import the client -----


def _cache_path(dialect: str) -> Path:
    return user_cache.path_of(f"querydsl-{dialect}-{_client_version()}-{_sources_digest()}.json")


def _client_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("elasticsearch")
    except PackageNotFoundError:
        raise MissingExtra("the schema of Query DSL", "elasticsearch", "elasticsearch") from None


@cache
def _sources_digest() -> str:
    """Changes with the code of the derivation, so that an update of dstill does not reuse an old schema."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return schema if isinstance(schema, dict) and "$defs" in schema else None
