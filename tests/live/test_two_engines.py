"""Answers judged by the embedded engine and a real node together (`dstill_crosscheck`)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Draft, Example, Level, Verdict
from dstill_crosscheck import judge_answer
from dstill_querydsl.bundle.indices import bundled
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.executors import Embedded, Http, HttpSettings
from dstill_querydsl.pack import QueryDsl, Settings

pytestmark = pytest.mark.live

DOCUMENTS = 400
GOLD = '{"size":0,"track_total_hits":true,"query":{"range":{"http.response.status_code":{"gte":400}}}}'
EXAMPLE = Example(id="1", question="how many requests failed?", context={"index": "weblogs"}, answer=GOLD)
SAME_RESULT = GOLD.replace('"gte":400', '"gt":399')
EVERYTHING = '{"size":0,"track_total_hits":true,"query":{"exists":{"field":"http.response.status_code"}}}'


@pytest.fixture
def task() -> QueryDsl:
    return QueryDsl(Settings(documents=DOCUMENTS, corpora=0))


@pytest.fixture
def pair(task: QueryDsl, elasticsearch_url: str) -> Iterator[Executor]:
    """The embedded engine and a node with the same documents."""
    with (
        Embedded().open(task, Engine()) as executor,
        Http().open(task, Engine(url=elasticsearch_url, load_data=True)) as second,
    ):
        executor.second = second
        yield executor


def judge(task: QueryDsl, answer: str, executor: Executor) -> Verdict:
    verdict = judge_answer(task, EXAMPLE, Draft(answer=answer), executor)
    assert verdict is not None
    return verdict


def test_engines_with_same_documents_agree(task: QueryDsl, pair: Executor) -> None:
    assert pair.labels == f"{pair.label} and {pair.second.label if pair.second else ''}"
    assert "elasticsearch" in pair.labels.lower()
    for answer, reached in ((GOLD, Level.CORRECT), (SAME_RESULT, Level.CORRECT), (EVERYTHING, Level.EXECUTED)):
        verdict = judge(task, answer, pair)
        assert (verdict.reached, verdict.checked) == (reached, Level.CORRECT), verdict


def test_answer_correct_on_one_engine_only_is_not_judged(task: QueryDsl, elasticsearch_url: str) -> None:
    """The node holds failed requests alone: there every request is a failed one."""
    index, name = bundled("weblogs", DOCUMENTS), f"dstill-failed-{secrets.token_hex(4)}"
    failed = [(id, one) for id, one in index.documents() if _status(one) >= 400]
    loader = HttpEngine(Engine(url=elasticsearch_url), writable=True)
    loader.index(name, index.mapping, failed, index.settings)
    try:
        with (
            Embedded().open(task, Engine()) as executor,
            Http(HttpSettings(index=name)).open(task, Engine(url=elasticsearch_url)) as second,
        ):
            executor.second = second
            verdict = judge(task, EVERYTHING, executor)
            assert (verdict.reached, verdict.checked, verdict.outcome) == (Level.VALID, Level.VALID, "unsupported")
            assert f"the engines disagree: {executor.label} says wrong (" in verdict.reason
            assert f"; {second.label} says right" in verdict.reason
    finally:
        loader.close()  # what it made goes with it


def _status(document: dict[str, Any]) -> int:
    return int(document.get("http", {}).get("response", {}).get("status_code", 0))
