"""The embedded engine: a process of its own, each index loaded once, no orphan."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill.api.task import Task
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines import Embedded, EmbeddedServer, HttpEngine, executors
from dstill_querydsl.language.results import compare


def run(executor: Executor, body: Any, example: Example) -> Any:
    return executor.run(json.dumps(body), example)


def test_runs_answer(embedded: Executor, example: Example) -> None:
    outcome = run(embedded, {"query": {"term": {"level": "error"}}, "sort": ["bytes"], "size": 3}, example)
    assert outcome.kind is OutcomeKind.OK
    assert [hit["id"] for hit in outcome.value["hits"]] == ["d00", "d03", "d06"]
    assert outcome.value["matched"]["count"] == 10
    assert outcome.value["documents"] == 30
    assert json.loads(json.dumps(outcome.value)) == outcome.value
    assert embedded.label == "embedded osmem-server 0.1.6"


def test_uses_now_of_index(embedded: Executor, example: Example) -> None:
    outcome = run(embedded, {"query": {"range": {"at": {"gte": "now-2d/d", "lt": "now/d"}}}}, example)
    assert {hit["id"] for hit in outcome.value["hits"]} == {"d24", "d25"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no text"),
        ("a question?", "not a search body"),
        ('{"size": 1, "size": 2}', "duplicate key"),
        ('{"query": {"mach": {}}}', "unknown query [mach]"),
        ('{"aggs": {"a": {"match": {}}}}', "Unknown aggregation type [match]"),
        ('{"sise": 3}', "400 "),
        ('{"query": {"range": {"at": {"gte": "yesterday"}}}}', "400 "),
    ],
)
def test_wrong_answer_is_invalid(embedded: Executor, example: Example, answer: str, reason: str) -> None:
    outcome = embedded.run(answer, example)
    assert outcome.kind is OutcomeKind.INVALID
    assert reason in outcome.reason


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"knn": {"field": "x", "query_vector": [1], "k": 1}}},
        {"query": {"semantic": {"field": "message", "query": "x"}}},
        {"aggs": {"a": {"top_metrics": {"metrics": {"field": "bytes"}, "sort": {"at": "asc"}}}}},
        {"runtime_mappings": {}},
        {"sort": ["client"]},
        {"aggs": {"a": {"terms": {"field": "level"}, "aggs": {"b": {"top_hits": {"sort": [{"client": "asc"}]}}}}}},
        {"query": {"term": {"id": 5}}},
        {"query": {"term": {"bytes": 2**53 + 1}}},
        {"sort": [{"bytes": {"order": "asc", "mode": "avg"}}]},
        {"aggs": {"a": {"significant_terms": {"field": "level", "percentage": {}}}}},
    ],
)
def test_feature_missing_in_this_engine_is_unsupported(embedded: Executor, example: Example, body: Any) -> None:
    outcome = run(embedded, body, example)
    assert outcome.kind is OutcomeKind.UNSUPPORTED
    assert outcome.reason


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
names = st.sampled_from(
    ["query", "bool", "must", "match", "level", "terms", "aggs", "a", "size", "sort", "range", "at"]
)
trees = st.recursive(leaves, lambda t: st.lists(t, max_size=3) | st.dictionaries(names, t, max_size=3), max_leaves=8)


@settings(max_examples=60)
@given(st.text(max_size=20) | st.dictionaries(names, trees, max_size=4).map(json.dumps))
def test_no_answer_raises(embedded: Executor, answer: str) -> None:
    example = Example(id="1", question="?", context={"index": "toy"})
    assert embedded.run(answer, example).kind in OutcomeKind


def test_runs_each_gold_once_and_loads_each_index_once(embedded: Any, example: Example) -> None:
    gold = json.dumps({"query": {"term": {"level": "info"}}, "track_total_hits": True})
    asked = replace(example, answer=gold)
    assert embedded.run(gold, asked) is embedded.run(gold, asked)
    other = json.dumps({"query": {"match": {"level": "info"}}, "track_total_hits": True})
    assert embedded.run(other, asked) is not embedded.run(other, asked)
    assert compare.same(embedded.run(other, asked).value, embedded.run(gold, asked).value)
    assert len({place.name for place in embedded._places.values() if place.documents == 30}) == 1


def test_test_database_replaces_documents(embedded: Executor, example: Example) -> None:
    database = TestDatabase(
        name="two", data={"documents": [["a", {"level": "error"}], ["b", {"level": ["error", "info"]}]]}
    )
    there = replace(example, context={**example.context, "test_database": database})
    outcome = run(embedded, {"query": {"term": {"level": "error"}}}, there)
    assert [hit["id"] for hit in outcome.value["hits"]] == ["a", "b"]
    assert outcome.value["documents"] == 2


def test_server_holds_few_test_databases_at_once(
    embedded: Executor, toy_task: Task, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "MAX_TEST_DATABASES", 2)
    gold = json.dumps({"query": {"match_all": {}}})
    there = [
        replace(
            example,
            answer=gold,
            context={"test_database": TestDatabase(name=str(n), data={"documents": [[str(n), {}]]})},
        )
        for n in range(4)
    ]
    with type(embedded)().open(toy_task, Engine()) as executor:
        first = [executor.run(gold, one) for one in there]
        found: Any = executor
        assert len(found._places) == len(found.server._loader._created) == 2
        # one that was removed is loaded again, and its gold was remembered
        assert executor.run(gold, there[0]) is first[0]


def test_test_database_sets_now_and_analyzer(toy_task: Task, example: Example) -> None:
    data = {
        "documents": [["a", {"at": "2020-01-01T00:00:00Z"}]],
        "now": "2020-01-02T00:00:00Z",
        "settings": {"analysis": {"normalizer": {"low": {"type": "custom", "filter": ["lowercase"]}}}},
    }
    mapping = {"properties": {"at": {"type": "date"}, "name": {"type": "keyword", "normalizer": "low"}}}
    with Embedded().open(toy_task, Engine()) as executor:
        there = replace(example, context={"mapping": mapping, "test_database": TestDatabase(name="c", data=data)})
        outcome = run(executor, {"query": {"range": {"at": {"gte": "now-1d", "lt": "now"}}}}, there)
    assert [hit["id"] for hit in outcome.value["hits"]] == ["a"]


def test_index_without_documents_is_unsupported(toy_task: Task) -> None:
    own = Example(id="7", question="?", context={"index": "logs", "mapping": {"properties": {}}})
    with Embedded().open(toy_task, Engine()) as executor:
        outcome = executor.run("{}", own)
    assert outcome.kind is OutcomeKind.UNSUPPORTED
    assert "no documents of 'logs'" in outcome.reason


def test_names_document_that_does_not_fit(toy_index: Index) -> None:
    with EmbeddedServer.start() as server, HttpEngine(Engine(url=server.url), writable=True) as engine:
        documents = [("good", {"bytes": 1}), ("bad", {"bytes": "many"})]
        with pytest.raises(DataError, match="document 'bad' cannot be indexed"):
            engine.index("dstill-toy", toy_index.mapping, documents)
        with pytest.raises(DataError, match="400"):
            engine.index("dstill-toy2", {"properties": {"x": {"type": "nonsense"}}}, [])


def test_removes_own_indices_only(toy_index: Index) -> None:
    with EmbeddedServer.start() as server:
        theirs = urllib.request.Request(f"{server.url}/dstill-theirs", method="PUT")
        urllib.request.urlopen(theirs, timeout=5).close()
        with HttpEngine(Engine(url=server.url), writable=True) as engine:
            engine.index("dstill-mine", toy_index.mapping, toy_index.documents())
            with pytest.raises(DataError):
                engine.index("dstill-theirs", {}, [])
            assert engine.count("dstill-mine") == 30
        assert answers(f"{server.url}/dstill-theirs")
        assert not answers(f"{server.url}/dstill-mine")


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False
    return True


def test_close_stops_server() -> None:
    server = EmbeddedServer.start()
    assert answers(server.url)
    server.close()
    assert server.process.returncode is not None
    assert not answers(server.url)


PARENT = """
import os, time
from dstill_querydsl.engines import EmbeddedServer
server = EmbeddedServer.start()
if os.fork() == 0:
    time.sleep(120)  # a child that holds the server's pipe open, as a data loader's worker would
print(server.url, os.getpid(), flush=True)
time.sleep(120)
"""


def test_server_stops_when_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as p:
        url = p.stdout.readline().split()[0]
        assert answers(url)
        p.kill()
        p.wait()
        deadline = time.monotonic() + 30
        try:
            while answers(url) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not answers(url)
        finally:
            os.killpg(p.pid, signal.SIGKILL)  # the child that was forked off
