"""Questions written one by one: every answer passes the checks and finds something, but for a few on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.sizes import first_quick
from support.written_questions import assert_checked, empty

from dstill.api.engine import Engine
from dstill.errors import UsageError
from dstill_querydsl.bundle.handwritten import HANDWRITTEN, handwritten
from dstill_querydsl.bundle.indices import NAMES
from dstill_querydsl.engines.executors import Embedded
from dstill_querydsl.pack import QueryDsl

MOST_EMPTY = 5  # questions of one file that find nothing on purpose


@pytest.fixture(scope="module")
def task() -> QueryDsl:
    return QueryDsl()


@pytest.fixture(scope="module")
def executor(task: QueryDsl) -> Iterator[Embedded]:
    with Embedded().open(task, Engine()) as opened:
        yield opened


def test_handwritten_questions_are_about_bundled_indices() -> None:
    assert "birdstrikes" in HANDWRITTEN
    assert set(HANDWRITTEN) <= set(NAMES)
    with pytest.raises(UsageError, match="Did you mean 'birdstrikes'"):
        handwritten("birdstrike")


@pytest.mark.parametrize("name", HANDWRITTEN)
def test_handwritten_rows_are_unique_and_answered(name: str) -> None:
    rows = handwritten(name)
    assert len({row.id for row in rows}) == len({row.question.lower() for row in rows}) == len(rows) >= 60
    assert all(row.id.startswith(f"{name}-h") and row.category and row.answer for row in rows)
    assert all(row.context == {"index": name} for row in rows)


@pytest.mark.parametrize("name", HANDWRITTEN)
def test_handwritten_set_has_refusals(name: str, task: QueryDsl) -> None:
    rows = handwritten(name)
    assert sum(task.is_refusal(row.answer or "") for row in rows) >= 0.15 * len(rows)


@pytest.mark.parametrize("name", HANDWRITTEN)
def test_handwritten_answers_pass_checks(name: str, task: QueryDsl) -> None:
    assert_checked(task, handwritten(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", first_quick(HANDWRITTEN))
def test_handwritten_answers_find_something(name: str, task: QueryDsl, executor: Embedded) -> None:
    trivial = empty(task, handwritten(name), executor)
    assert len(trivial) <= MOST_EMPTY, trivial
