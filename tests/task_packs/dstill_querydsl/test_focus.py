"""Questions where a student is weak: of those categories alone, in their shares, and of no template held back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from support.sizes import first_quick

from dstill.api.protocols import Synthesis
from dstill.api.records import Example
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.settings import Settings

FOCUS = {"label": "sort", "categories": {"metric": 3, "sort_page": 1}, "templates": {}}


def questions_for(index: str, n: int, focus: Mapping[str, Any] | None) -> list[Example]:
    task = QueryDsl(Settings(index=index, documents=150))
    context = {} if focus is None else {"focus": focus}
    return list(Synthesis.of(task).synthesize(context, n, seed=0))


@pytest.mark.slow
@pytest.mark.parametrize("index", first_quick(["weblogs", "movies"]))
def test_draws_weak_categories_in_their_shares(index: str) -> None:
    weak = questions_for(index, 80, FOCUS)
    counts = Counter(example.category for example in weak)
    assert set(counts) == {"metric", "sort_page"}
    assert 48 <= counts["metric"] <= 72
    usual = Counter(example.category for example in questions_for(index, 80, None))
    assert usual["metric"] + usual["sort_page"] < 40
    assert questions_for(index, 80, FOCUS) == weak


@pytest.mark.parametrize("index", ["weblogs", "movies"])
def test_draws_no_held_out_template(index: str) -> None:
    held = {template.name for template in TEMPLATES if template.held_out}
    assert held
    assert not held & {example.template for example in questions_for(index, 120, FOCUS)}


def test_draws_failing_template_more_often() -> None:
    one = next(t.name for t in TEMPLATES if t.category == "metric" and not t.held_out)
    often = questions_for("weblogs", 80, {**FOCUS, "templates": {one: 20}})
    share = [sum(e.template == one for e in examples) for examples in (questions_for("weblogs", 80, FOCUS), often)]
    assert share[1] > 3 * max(1, share[0])


def test_other_categories_get_share_of_category_without_fields() -> None:
    found = questions_for("weblogs", 20, {"label": "sort", "categories": {"geo": 5, "metric": 1}, "templates": {}})
    assert {example.category for example in found} == {"metric"}
