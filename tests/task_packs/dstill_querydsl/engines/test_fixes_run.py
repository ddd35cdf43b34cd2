"""What `dstill check --fix` writes has the result of what was there before, on the embedded engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dstill.api import find_problems
from dstill.api.executor import Executor
from dstill.api.records import Draft, Example, OutcomeKind
from dstill.quality.linting.fixing import Source, repaired
from dstill_querydsl.language.results import compare
from dstill_querydsl.pack import QueryDsl

TASK = QueryDsl()


def histogram(**options: Any) -> dict[str, Any]:
    return {"size": 0, "aggs": {"a": {"date_histogram": {"field": "at", "min_doc_count": 1, **options}}}}


@pytest.mark.parametrize(
    "body",
    [
        {"size": "3", "from": "2", "sort": [{"at": "desc"}, "bytes"]},
        *(
            {"query": {"range": {"bytes": {"from": 3, "to": 9, **include}}}, "size": 30}
            for include in (
                {},
                {"include_lower": False},
                {"include_upper": False},
                {"include_lower": False, "include_upper": False},
                {"include_lower": True},
            )
        ),
        {"query": {"range": {"at": {"from": "2025-03-05", "include_lower": False}}}, "size": 30},
        *(
            histogram(interval=of)
            for of in ("day", "1d", "1w", "month", "1M", "quarter", "1y", "1h", "36h", "3d", "90m")
        ),
        *({"size": 2, name: False} for name in ("explain", "profile", "version", "seq_no_primary_term")),
    ],
    ids=json.dumps,
)
def test_fixed_body_has_the_same_result(embedded: Executor, example: Example, body: Any) -> None:
    old = json.dumps(body)
    problems = list(find_problems(TASK, example, Draft(answer=old)))
    new = repaired(TASK, example, Source.of(old), problems).answer
    assert new != old
    assert list(find_problems(TASK, example, Draft(answer=new))) == []
    before, after = embedded.run(old, example), embedded.run(new, example)
    assert (before.kind, after.kind) == (OutcomeKind.OK, OutcomeKind.OK), (before.reason, after.reason)
    assert compare.same(after.value, before.value)
    assert before.value["total"]["value"] > 0
