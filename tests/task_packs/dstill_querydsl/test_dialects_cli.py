"""`check --dialect`: whose rules hold where products differ, at the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

FROM = {"query": {"range": {"n": {"from": 1}}}}
INTERVAL = {"aggs": {"a": {"date_histogram": {"field": "d", "interval": "day"}}}}


@pytest.mark.parametrize(
    ("body", "dialect", "code"),
    [
        (FROM, "elasticsearch9", 9),
        (FROM, "elasticsearch8", 0),
        (FROM, "opensearch2", 0),
        (INTERVAL, "elasticsearch9", 9),
        (INTERVAL, "elasticsearch8", 9),
        (INTERVAL, "opensearch3", 0),
        (FROM, "solr", 2),
    ],
)
def test_checks_by_given_dialect(
    cli: Callable[..., Any], project: Any, enable: Callable[..., None], body: Any, dialect: str, code: int
) -> None:
    enable("querydsl")
    words = ("check", "--format", "answers", "--task", "querydsl", "--layer", "schema", "--dialect", dialect)
    ended = cli(*words, stdin=json.dumps(body).encode())
    assert ended.code == code, ended.err
    if code == 2:
        assert "task.querydsl.dialect" in ended.err
        assert "opensearch3" in ended.err
