"""A user's index that changes: what is reported, and in which order answers run on it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.engine_proxy import EngineProxy

from dstill.api.engine import Change, Engine
from dstill.api.judging import judge
from dstill.api.protocols import DataProfile
from dstill.api.records import Draft, Example
from dstill.api.task import Task
from dstill.errors import DataError, UsageError
from dstill_querydsl.engines import EmbeddedServer, Http, HttpEngine
from dstill_querydsl.engines.drift_watch import changes, snapshot
from dstill_querydsl.language.mapping.drift import fields_digest
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

MAPPING = {"properties": {"level": {"type": "keyword"}, "bytes": {"type": "long"}}}
NAME = "dstill-live"


def loaded(server: EmbeddedServer, *levels: str, mapping: dict[str, Any] = MAPPING) -> HttpEngine:
    engine = HttpEngine(Engine(url=server.url), writable=True)
    engine.index(NAME, mapping, [(str(n), {"level": level, "bytes": n}) for n, level in enumerate(levels)])
    return engine


def test_unchanged_index_has_equal_facts(server: EmbeddedServer) -> None:
    with loaded(server, "error", "info") as engine:
        first, second = snapshot(engine, [NAME, NAME]), snapshot(engine, [NAME])
    assert json.loads(json.dumps(first)) == first == second
    assert first[NAME]["documents"] == 2
    assert first[NAME]["fields"] == {"level": "keyword", "bytes": "long"}
    assert first[NAME]["digest"] == fields_digest(MAPPING)
    assert not list(changes(first, second))


def facts(fields: dict[str, str], documents: int = 5, mapping: str = "9f2c") -> dict[str, Any]:
    return {"logs": {"mapping": mapping, "fields": fields, "documents": documents}}


@pytest.mark.parametrize(
    ("then", "now", "message", "breaks"),
    [
        (facts({"a": "long"}), facts({"a": "long"}, 6), "'logs' has 6 documents, and had 5", False),
        (
            facts({"a": "long", "y": "date"}),
            facts({"a": "long", "x": "ip"}),
            "the mapping of 'logs' differs: added x; removed y",
            True,
        ),
        (facts({"a": "long"}), facts({"a": "long", "x": "ip"}), "the mapping of 'logs' differs: added x", False),
        (
            facts({"a": "long"}),
            facts({"a": "keyword"}),
            "the mapping of 'logs' differs: changed a (long, now keyword)",
            True,
        ),
        (
            facts({"a": "long"}),
            facts({"a": "long"}, mapping="77aa"),
            "the mapping of 'logs' differs, though its fields have the same names and types",
            False,
        ),
        ({"logs": {"fields": {"a": "long"}}}, facts({}), "the mapping of 'logs' differs: removed a", True),
    ],
)
def test_names_each_change(then: dict[str, Any], now: dict[str, Any], message: str, breaks: bool) -> None:
    assert list(changes(then, now)) == [Change(message=message, breaks=breaks)]


def test_compares_same_indices_only() -> None:
    assert not list(changes({"weblogs": {"fields": {"a": "long"}}}, facts({"b": "long"})))
    assert not list(changes({"logs": {"fields": {"a": "long"}}}, facts({"a": "long"})))


def test_dataset_records_fields_of_its_questions() -> None:
    examples = [
        Example(id="1", question="?", context={"index": "weblogs"}),
        Example(id="2", question="?", context={"index": "weblogs", "variant": 3}),
        Example(id="3", question="?", context={"index": "logs", "mapping": MAPPING}),
        Example(id="4", question="?", context={"index": "of which nothing is known"}),
    ]
    found = DataProfile.of(QueryDsl(Settings())).data_facts(examples)
    assert found.keys() == {"weblogs", "logs"}
    assert found["logs"] == {"digest": fields_digest(MAPPING), "fields": {"level": "keyword", "bytes": "long"}}
    assert found["weblogs"]["fields"]["@timestamp"] == "date"


def test_reports_empty_index(server: EmbeddedServer) -> None:
    example = Example(id="1", question="?", context={"index": NAME})
    with (
        loaded(server),
        Http().open(QueryDsl(Settings()), Engine(url=server.url)) as executor,
        pytest.raises(DataError, match=f"'{NAME}' is empty") as caught,
    ):
        executor.run("{}", example)
    assert caught.value.exit_code == 4


def test_checks_index_name_of_dataset_before_request(server: EmbeddedServer) -> None:
    example = Example(id="7", question="?", context={"index": "../_cluster/settings"})
    with (
        Http().open(QueryDsl(Settings()), Engine(url=server.url)) as executor,
        pytest.raises(UsageError, match="not a valid index name") as caught,
    ):
        executor.facts([example])
    assert caught.value.where == "example 7"


def test_gold_and_prediction_run_back_to_back_uncached(server: EmbeddedServer, toy_task: Task) -> None:
    """So that an index that moves between two questions hits both sides of each."""
    golds = [json.dumps({"query": {"term": {"level": level}}, "size": 5}) for level in ("error", "info")]
    gold = Example(id="1", question="?", context={"index": NAME})
    with (
        loaded(server, "error", "info"),
        EngineProxy(server.url) as proxy,
        Http().open(toy_task, Engine(url=proxy.url)) as executor,
    ):
        for answer in golds * 2:
            drafted = Draft(answer=answer.replace('"size": 5', '"size": 4'))
            judge(toy_task, replace(gold, answer=answer), drafted, executor)
    searched = [asked.json for asked in proxy.asked if asked.path.endswith("_search")]
    assert [(body["query"]["term"]["level"], body["size"]) for body in searched] == [
        (level, size) for level in ("error", "info") * 2 for size in (5, 4)
    ]
