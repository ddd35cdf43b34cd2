"""Whose documents a body reads on real Elasticsearch and OpenSearch: those of another tenant change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.tenants import MAPPING, OF_TENANT, documents, seen, texts

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, OutcomeKind
from dstill_querydsl.engines import Http, HttpEngine, HttpSettings
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.pack import QueryDsl, Settings

pytestmark = pytest.mark.live
ASKED = Example(id="1", question="?", context={"index": "shared", "mapping": MAPPING})
Pair = tuple[Executor, Executor]


@pytest.fixture(scope="module", params=["elasticsearch9", "opensearch3"])
def pair(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Iterator[Pair]:
    """Executors on the documents of both tenants, and on those of one."""
    url = url_of(request.param)
    task = QueryDsl(Settings(dialect=request.param, guard=Limits(rows={"*": OF_TENANT}, caller={"tenant": "a"})))
    with ExitStack() as stack:
        server = stack.enter_context(HttpEngine(Engine(url=url), writable=True))
        executors = []
        for name, shared in (("dstill-rows-shared", True), ("dstill-rows-alone", False)):
            server.index(name, MAPPING, documents(shared=shared))
            opened = Http(HttpSettings(index=name)).open(task, Engine(url=url))
            executors.append(stack.enter_context(opened))
        yield executors[0], executors[1]


@pytest.mark.parametrize("answer", texts("querydsl"))
def test_documents_of_others_change_nothing_that_a_caller_sees(pair: Pair, answer: str) -> None:
    assert seen(pair[0], answer, ASKED) == seen(pair[1], answer, ASKED)


def test_a_caller_finds_own_documents(pair: Pair) -> None:
    value = pair[0].run('{"query": {"match": {"note": "plan"}}}', ASKED).value
    assert {hit["id"] for hit in value["hits"]} == {"a1", "a2"}
    assert value["documents"] == 3


def test_many_of_these_answers_run(pair: Pair) -> None:
    kinds = [seen(pair[0], answer, ASKED)[0] for answer in texts("querydsl")]
    assert sum(kind is OutcomeKind.OK for kind in kinds) > 80
