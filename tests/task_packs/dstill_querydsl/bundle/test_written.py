"""Questions written one by one: every answer passes the checks and finds something, but for a few on purpose."""

from __future__ import annotations

from functools import partial

import pytest
from support.sizes import first_quick
from support.written_questions import assert_checked, empty
from tools.base.querydsl import development

from dstill.errors import UsageError
from dstill_querydsl.bundle.handwritten import HANDWRITTEN, handwritten
from dstill_querydsl.bundle.indices import NAMES
from dstill_querydsl.engines.executors import Embedded
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl

# Set → its questions, how their ids begin, and how many of them may find nothing.
BUNDLED = {name: (partial(handwritten, name), f"{name}-h", 5) for name in HANDWRITTEN}
DEVELOPMENT = {f"{name} dev": (partial(development.questions, name), f"{name}-d", 3) for name in development.NAMES}
SETS = BUNDLED | DEVELOPMENT


def test_handwritten_questions_are_about_bundled_indices() -> None:
    assert "birdstrikes" in HANDWRITTEN
    assert set(HANDWRITTEN) <= set(NAMES)
    for name in HANDWRITTEN:
        rows = handwritten(name)
        assert len(rows) >= 60
        assert all(row.context == {"index": name} for row in rows)
    with pytest.raises(UsageError, match="Did you mean 'birdstrikes'"):
        handwritten("birdstrike")


@pytest.mark.parametrize("name", development.NAMES)
def test_development_sets_have_50_questions_and_200_documents(name: str) -> None:
    assert len(development.questions(name)) == 50
    assert len(list(development.index(name).documents())) == 200


@pytest.mark.parametrize("name", SETS)
def test_set_has_unique_questions_and_refusals(name: str, task: QueryDsl) -> None:
    questions, prefix, _ = SETS[name]
    rows = questions()
    assert len({row.id for row in rows}) == len({row.question.lower() for row in rows}) == len(rows)
    assert all(row.id.startswith(prefix) and row.category and row.answer for row in rows)
    assert sum(task.is_refusal(row.answer or "") for row in rows) >= 0.15 * len(rows)


@pytest.mark.parametrize("name", SETS)
def test_answers_pass_checks(name: str, task: QueryDsl) -> None:
    rows = SETS[name][0]()
    assert_checked(task, rows)
    for row in rows:
        assert canonical_text(canonical_text(row.answer or "")) == canonical_text(row.answer or ""), row.id


@pytest.mark.slow
@pytest.mark.parametrize("name", [*first_quick(BUNDLED), *DEVELOPMENT])
def test_answers_find_something(name: str, task: QueryDsl, executor: Embedded) -> None:
    questions, _, most_empty = SETS[name]
    trivial = empty(task, questions(), executor)
    assert len(trivial) <= most_empty, trivial
