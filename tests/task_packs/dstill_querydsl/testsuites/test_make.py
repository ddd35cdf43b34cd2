"""Test databases from gold to verdict: made once, cached, and the verdict on a lucky answer."""

import json
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.judging import judge
from dstill.api.protocols import NoTestDatabases, TestDatabases
from dstill.api.records import Draft, Example, Level
from dstill_querydsl.engines import Embedded, EmbeddedServer, Http, HttpEngine
from dstill_querydsl.language.results import compare
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings
from dstill_querydsl.testdata import DatabaseMaker, IndexSchema, Layout, make
from dstill_querydsl.testdata import cache as keep
from dstill_querydsl.testdata.dependencies import Keeper
from dstill_querydsl.testdata.embedded_runner import shared_runner

GOLD = {"query": {"bool": {"filter": [{"range": {"took": {"gte": 5}}}, {"term": {"level": "error"}}]}}}


def databases_for(
    place: IndexSchema, gold: dict[str, Any] = GOLD, k: int = 5, maker: DatabaseMaker | None = None
) -> list[Any]:
    made = maker or DatabaseMaker(compare.same, compare.is_empty)
    layout = Layout(place.mapping)
    return made.databases(gold, place, layout, lambda: (), lambda body: "", k, Keeper({}, gold, "", layout))


def test_makes_databases_once_and_caches_them(place: IndexSchema, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = databases_for(place)
    assert [one.name for one in first] == ["boundaries", "hits"]
    [file] = cache.rglob("*.json.gz")
    before = file.read_bytes()

    def none() -> Any:
        raise AssertionError("made again")

    with monkeypatch.context() as patched:
        patched.setattr(make, "shared_runner", none)
        assert databases_for(place) == first
    file.write_bytes(before[: len(before) // 2])  # half of it is none
    assert databases_for(place) == first
    assert file.read_bytes() == before  # the same bytes


def test_cache_key_has_mapping_now_and_number(place: IndexSchema, cache: Path) -> None:
    databases_for(place)
    databases_for(replace(place, now="2025-03-28T12:00:00Z"))
    databases_for(replace(place, mapping={**place.mapping, "dynamic": "strict"}))
    assert len(databases_for(place, k=1)) == 1
    databases_for(place, maker=DatabaseMaker(compare.same, compare.is_empty, rules="another dialect"))
    assert len(list(cache.rglob("*.json.gz"))) == 5


def test_works_without_writable_cache(place: IndexSchema, cache: Path) -> None:
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file, where a folder should be")
    assert databases_for(place)


@pytest.mark.parametrize(
    ("gold", "mapping", "why"),
    [
        ({"query": {"knn": {"field": "v", "query_vector": [1]}}}, {}, "knn"),
        ({"aggs": {"s": {"significant_terms": {"field": "level", "percentage": {}}}}}, {}, "significant_terms"),
        ({"query": {"match": {"name": "x"}}}, {"name": {"type": "text", "analyzer": "house"}}, "uses 'name'"),
        ({"query": {"term": {"level": "error"}}}, {"level.raw": {"type": "keyword"}}, "cannot index this mapping"),
        (
            {
                "query": {
                    "bool": {
                        "filter": [
                            {"term": {"level": "a"}},
                            {"term": {"level": "b"}},
                            {"bool": {"must_not": {"terms": {"level": ["a", "b"]}}}},
                        ]
                    }
                }
            },
            {},
            "finds nothing in any documents",
        ),
    ],
)
def test_unsupported_gold_has_no_databases(place: IndexSchema, gold: Any, mapping: Any, why: str) -> None:
    schema = replace(place, mapping={"properties": {**place.mapping["properties"], **mapping}})
    for _ in range(2):  # the reason is cached, as test databases are
        with pytest.raises(NoTestDatabases, match=why):
            databases_for(schema, gold)


def test_leaves_nothing_on_embedded_engine(place: IndexSchema) -> None:
    databases_for(place)
    assert not shared_runner()._engine._loader._created  # type: ignore[union-attr]


# --- judging ----------------------------------------------------------------------------

EXAMPLE = Example(
    id="1",
    question="requests of more than a second in April",
    context={"index": "weblogs"},
    answer='{"query":{"range":{"event.duration":{"gt":1000000000}}}}',
)
LUCKY = '{"query":{"range":{"event.duration":{"gte":1000000000}}}}'  # no request took just a second


def test_lucky_answer_is_not_correct() -> None:
    task = QueryDsl(Settings(documents=300))
    with Embedded().open(task, Engine()) as executor:
        lucky = judge(task, EXAMPLE, Draft(answer=LUCKY), executor)
        assert (lucky.reached, lucky.checked, lucky.n_test_databases) == (Level.EXECUTED, Level.CORRECT, 1)
        assert lucky.reason == "another result than the reference on the test database 'boundaries'"
        right = judge(
            task, EXAMPLE, Draft(answer='{"query":{"range":{"event.duration":{"gte":1000000001}}}}'), executor
        )
        assert (right.reached, right.n_test_databases, right.exact) == (Level.CORRECT, 2, False)
        gold = judge(task, EXAMPLE, Draft(answer=json.dumps(json.loads(EXAMPLE.answer or ""), indent=1)), executor)
        assert (gold.reached, gold.n_test_databases, gold.exact) == (Level.CORRECT, 0, True)
    switched_off = QueryDsl(Settings(documents=300, corpora=0))
    with Embedded().open(switched_off, Engine()) as executor:
        assert judge(switched_off, EXAMPLE, Draft(answer=LUCKY), executor).reached == Level.CORRECT


def test_unknown_index_has_no_databases() -> None:
    task = QueryDsl(Settings(documents=300, corpora=5))
    unknown = replace(EXAMPLE, context={"index": "elsewhere"})
    with pytest.raises(NoTestDatabases, match="'elsewhere' is not known"):
        TestDatabases.of(task).test_databases(unknown, 5)


def test_checks_answers_on_read_only_user_index(place: IndexSchema) -> None:
    """The server gives the mapping; the test databases are on the embedded engine."""
    task, answer = QueryDsl(), '{"query":{"range":{"took":{"gt":5}}}}'
    asked = Example(id="1", question="?", context={"index": "dstill-live"}, answer=answer)
    with EmbeddedServer.start() as server, HttpEngine(Engine(url=server.url), writable=True) as users:
        users.index("dstill-live", place.mapping, [("a", {"took": 9}), ("b", {"took": 1})])
        with Http().open(task, Engine(url=server.url)) as executor:
            lucky = judge(task, asked, Draft(answer='{"query":{"range":{"took":{"gte":5}}}}'), executor)
            unknown = replace(asked, answer='{"query":{"exists":{"field":"took"}},"size":5}')
            judge(task, unknown, Draft(answer='{"query":{"match_all":{}},"size":5}'), executor)
        with urllib.request.urlopen(f"{server.url}/_cat/indices?format=json") as reply:
            assert [one["index"] for one in json.load(reply)] == ["dstill-live"]
    assert (lucky.reached, lucky.n_test_databases) == (Level.EXECUTED, 1)


def test_unsupported_live_mapping_skips_test_suite(place: IndexSchema) -> None:
    """The base run counts, and the verdict says that nothing more was checked."""
    duration = {"type": "long", "fields": {"raw": {"type": "flattened"}}, "script": "emit(1)"}

    class Live(Embedded):
        def context(self, example: Example) -> dict[str, Any]:
            return {"mapping": {"properties": {"event": {"properties": {"duration": duration}}}}}

    task = QueryDsl(Settings(documents=300))
    with Live().open(task, Engine()) as executor:
        verdict = judge(task, EXAMPLE, Draft(answer=LUCKY), executor)
    assert verdict.reached == Level.CORRECT
    assert verdict.test_suite_skipped == "uses 'event.duration' (long), which the embedded engine does not support"


def test_unsupported_fields_leave_others_testable(place: IndexSchema) -> None:
    strange = {
        "labels": {"type": "flattened"},
        "stream": {"type": "constant_keyword"},  # without a value until a document brings one
        "name": {"type": "text", "analyzer": "house", "fields": {"raw": {"type": "keyword"}}},
        "host": {"type": "keyword", "copy_to": ["labels", "hosts"], "time_series_dimension": True},
        "hosts": {"type": "keyword"},
        "tag": {"type": "alias", "path": "labels"},
    }
    mapping = {"properties": {**place.mapping["properties"], **strange}, "runtime": {"hour": {"type": "long"}}}
    schema = replace(place, mapping=mapping)
    found = databases_for(schema)
    assert [one.name for one in found] == ["boundaries", "hits"]
    assert found[0].data["without"] == ["hour", "labels", "name", "stream", "tag"]
    held = {name for one in found for _, source in one.data["documents"] for name in source}
    assert {"level", "took", "host", "hosts"} < held
    assert not held & {"labels", "stream", "name"}
    with pytest.raises(NoTestDatabases, match=r"^uses 'hour' \(runtime\), which the embedded engine does not support"):
        databases_for(schema, {"query": {"range": {"hour": {"gte": 9}}}})


def test_answer_with_unsupported_field_is_judged_on_data_only(place: IndexSchema, task: QueryDsl) -> None:
    """As if the gold used it: the result on the user's own index counts."""
    labels = {"properties": {"env": {"type": "keyword"}}}  # on the server, as if it had the type

    class Live(Http):
        def context(self, example: Example) -> dict[str, Any]:
            return {"mapping": {"properties": {**place.mapping["properties"], "labels": {"type": "flattened"}}}}

    documents = [("a", {"took": 9, "labels": {"env": "test"}}), ("b", {"took": 1})]
    answer = '{"query":{"range":{"took":{"gt":5}}}}'
    gold = Example(id="1", question="?", context={"index": "dstill-live"}, answer=answer)
    with EmbeddedServer.start() as server, HttpEngine(Engine(url=server.url), writable=True) as users:
        users.index("dstill-live", {"properties": {**place.mapping["properties"], "labels": labels}}, documents)
        with Live().open(task, Engine(url=server.url)) as executor:
            other = judge(task, gold, Draft(answer='{"query":{"term":{"labels.env":"test"}}}'), executor)
            lucky = judge(task, gold, Draft(answer='{"query":{"range":{"took":{"gte":5}}}}'), executor)
    assert (other.reached, other.checked, other.n_test_databases) == (Level.CORRECT, Level.CORRECT, 0)
    assert other.test_suite_skipped == "uses 'labels' (flattened), which the embedded engine does not support"
    assert (lucky.reached, lucky.n_test_databases, lucky.test_suite_skipped) == (Level.EXECUTED, 1, "")


def test_cache_key_covers_every_module_of_pack() -> None:
    """The key covers every imported module, the embedded engine's unsupported features too."""
    code = "import sys, dstill_querydsl.testdata; print(*(n for n in sys.modules if n.startswith('dstill_querydsl')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "dstill_querydsl.engines.unsupported_by_type" in loaded
    read = {".".join(path.relative_to(keep.PACK.parent).with_suffix("").parts) for path in keep.sources()}
    assert set(loaded) <= {name.removesuffix(".__init__") for name in read}
    assert keep.PACK / "engines" / "lacking.json" in keep.sources()
