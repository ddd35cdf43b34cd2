"""The pack with its embedded engine, and third-party cases, read where they lie: they are no part of this project."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill_querydsl.engines import Embedded, EmbeddedEngine, EmbeddedServer, HttpEngine
from dstill_querydsl.pack import QueryDsl

_CASES = Path(__file__).parents[4] / "shared" / "cases"


@cache
def _read(name: str) -> Any:
    text = (_CASES / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.split("\n") if line]


@pytest.fixture(scope="session")
def cases() -> Callable[[str], Any]:
    """`cases("dsl_valid.jsonl")` is the rows of that file; without the files the test is skipped."""
    if not _CASES.is_dir():
        pytest.skip(f"the third-party cases are not next to the repository ({_CASES})")
    return _read


@pytest.fixture(scope="module")
def task() -> QueryDsl:
    return QueryDsl()


@pytest.fixture(scope="module")
def executor(task: QueryDsl) -> Iterator[Embedded]:
    with Embedded().open(task, Engine()) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine() -> Iterator[HttpEngine]:
    """An empty one, which a module fills."""
    with EmbeddedEngine() as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer.start() as running:
        yield running
