"""Questions written one by one: every answer passes the checks and finds something, but for a few on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.records import Draft, OutcomeKind
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
    for row in handwritten(name):
        problems = find_problems(task, row, Draft(answer=row.answer or ""))
        assert not [str(problem) for problem in problems if problem.is_error], row.id


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDWRITTEN)
def test_handwritten_answers_find_something(name: str, task: QueryDsl, executor: Embedded) -> None:
    trivial = []
    for row in handwritten(name):
        if task.is_refusal(row.answer or ""):
            continue
        outcome = executor.run(row.answer or "", row)
        assert outcome.kind is OutcomeKind.OK, (row.id, outcome.reason)
        assert not task.is_nondeterministic(outcome.value, row), row.id
        if task.is_trivial(outcome.value, row):
            trivial.append(row.id)
    assert len(trivial) <= MOST_EMPTY, trivial
