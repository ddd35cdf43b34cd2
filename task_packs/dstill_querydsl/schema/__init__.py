"""Is an object a ``_search`` body? Layer ``schema``.

In: an object that passed `strict`. Out: problems, each with a JSON pointer, what stood there
and the nearest name that would be right:

    check({"query": {"mach": {"title": "x"}}})
    -> (Problem(code="unknown_query", message="unknown query 'mach'", pointer="/query/mach",
                hint="did you mean 'match'?", suggestion="match"),)

The schema is derived from the installed client (`schema.derivation`), kept on disk by the
client's version, and compiled once. It knows no mapping: a field of any name passes. It says
nothing about safety: scripts pass here and are the guard's to refuse.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Iterator

from dstill.api.records import Problem
from dstill.errors import MissingExtra, UsageError, did_you_mean
from dstill.io import user_cache
from dstill_querydsl.schema import messages, rules

__all__ = ["DIALECTS", "MAX_PROBLEMS", "check", "document", "names"]

DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch2", "opensearch3")
MAX_PROBLEMS = 20  # a person reads the first few; a broken body can have thousands


def check(body: dict[str, Any], dialect: str = "elasticsearch9") -> tuple[Problem, ...]:
    """What is wrong with the form of `body`, at most `MAX_PROBLEMS` of it, in the order of pointers."""
    queries = document(dialect)["$defs"]["query"]["properties"]
    found = [problem for error in _errors(body, dialect) for problem in messages.problems(error, queries)]
    if not found:
        # These follow names from place to place, which only a body of the right form allows.
        found = list(rules.check(body))
    distinct = {(problem.pointer, problem.code): problem for problem in found}
    return tuple(distinct.values())[:MAX_PROBLEMS]


def _errors(body: dict[str, Any], dialect: str) -> Iterator[Any]:
    for index, error in enumerate(_validator(dialect).iter_errors(body)):
        if index >= 5 * MAX_PROBLEMS:
            return
        yield error


def names(kind: str, dialect: str = "elasticsearch9") -> tuple[str, ...]:
    """The known names of a kind: ``query`` or ``aggregation``."""
    container = document(dialect)["$defs"][kind]
    return tuple(sorted(set(container["properties"]) - set(container.get("x-one", ()))))


@cache
def document(dialect: str = "elasticsearch9") -> dict[str, Any]:
    """The schema as JSON Schema (Draft 2020-12), from the cache on disk or derived now."""
    if dialect not in DIALECTS:
        raise UsageError(f"unknown dialect '{dialect}'.{did_you_mean(dialect, DIALECTS)}", hint=", ".join(DIALECTS))
    path = _cache_path(dialect)
    kept = _read(path)
    if kept is None:
        from dstill_querydsl.schema.derivation import derive

        kept = derive(dialect)
        user_cache.save(path, json.dumps(kept).encode())
    return kept


@cache
def _validator(dialect: str) -> Any:
    from dstill_querydsl.schema.validator import compile_schema

    return compile_schema(document(dialect))


# --- the cache on disk: without it, every start would import the client for two seconds -----


def _cache_path(dialect: str) -> Path:
    return user_cache.path_of(f"querydsl-{dialect}-{_client_version()}-{_derivation()}.json")


def _client_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("elasticsearch")
    except PackageNotFoundError:
        raise MissingExtra("the schema of Query DSL", "elasticsearch", "elasticsearch") from None


@cache
def _derivation() -> str:
    """Changes when the derivation does, so that an update of dstill derives anew."""
    here = Path(__file__).parent
    sources = sorted(here.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept if isinstance(kept, dict) and "$defs" in kept else None
