"""`tools.base.querydsl.development`: every answer passes the checks, and most find something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.written_questions import assert_checked, empty
from tools.base.querydsl.development import NAMES, index, questions

from dstill.api.engine import Engine
from dstill_querydsl.engines.executors import Embedded
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl

MOST_EMPTY = 3  # questions of one set that find nothing


@pytest.fixture(scope="module")
def task() -> QueryDsl:
    return QueryDsl()


@pytest.fixture(scope="module")
def executor(task: QueryDsl) -> Iterator[Embedded]:
    with Embedded().open(task, Engine()) as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_development_set_has_unique_questions_and_refusals(name: str, task: QueryDsl) -> None:
    rows = questions(name)
    assert len({row.id for row in rows}) == len({row.question.lower() for row in rows}) == len(rows) == 50
    assert all(row.id.startswith(f"{name}-d") and row.category and row.answer for row in rows)
    assert sum(task.is_refusal(row.answer or "") for row in rows) >= 0.15 * len(rows)
    assert len(list(index(name).documents())) == 200


@pytest.mark.parametrize("name", NAMES)
def test_development_answers_pass_checks(name: str, task: QueryDsl) -> None:
    assert_checked(task, questions(name))
    for row in questions(name):
        assert canonical_text(canonical_text(row.answer or "")) == canonical_text(row.answer or ""), row.id


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_development_answers_find_something(name: str, task: QueryDsl, executor: Embedded) -> None:
    trivial = empty(task, questions(name), executor)
    assert len(trivial) <= MOST_EMPTY, trivial
