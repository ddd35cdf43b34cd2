"""Corpora from a gold to verdicts: made once, kept, and what a lucky answer comes to."""

import json
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dstill.parts import Engine
from dstill.records import Draft, Example, Level
from dstill.task import NoCorpora
from dstill_querydsl import compare
from dstill_querydsl.corpora import Layout, Maker, Place, make
from dstill_querydsl.corpora.bench import bench
from dstill_querydsl.engines import Embedded, EmbeddedServer, Http, HttpEngine
from dstill_querydsl.pack import QueryDsl, Settings

GOLD = {"query": {"bool": {"filter": [{"range": {"took": {"gte": 5}}}, {"term": {"level": "error"}}]}}}


def corpora(place: Place, gold: dict[str, Any] = GOLD, k: int = 5, maker: Maker | None = None) -> list[Any]:
    return (maker or Maker(compare.same)).corpora(gold, place, Layout(place.mapping), lambda: (), k)


def test_made_once_and_kept(place: Place, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = corpora(place)
    assert [one.name for one in first] == ["boundaries", "hits"]
    [file] = cache.rglob("*.json.gz")
    before = file.read_bytes()

    def none() -> Any:
        raise AssertionError("made anew")

    with monkeypatch.context() as patched:
        patched.setattr(make, "bench", none)
        assert corpora(place) == first
    file.write_bytes(before[: len(before) // 2])  # half of it is none
    assert corpora(place) == first
    assert file.read_bytes() == before  # the same bytes


def test_another_mapping_now_or_number_is_another_key(place: Place, cache: Path) -> None:
    corpora(place)
    corpora(replace(place, now="2025-03-28T12:00:00Z"))
    corpora(replace(place, mapping={**place.mapping, "dynamic": "strict"}))
    assert len(corpora(place, k=1)) == 1
    assert len(list(cache.rglob("*.json.gz"))) == 4


def test_a_folder_that_cannot_be_written_costs_time_only(place: Place, cache: Path) -> None:
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("a file, where a folder should be")
    assert corpora(place)


@pytest.mark.parametrize(
    ("gold", "mapping", "why"),
    [
        ({"query": {"knn": {"field": "v", "query_vector": [1]}}}, {}, "knn"),
        ({"aggs": {"s": {"significant_terms": {"field": "level", "percentage": {}}}}}, {}, "significant_terms"),
        (GOLD, {"name": {"type": "text", "analyzer": "house"}}, "cannot index this mapping faithfully"),
    ],
)
def test_what_cannot_be_run_faithfully_has_none(place: Place, gold: Any, mapping: Any, why: str) -> None:
    there = replace(place, mapping={"properties": {**place.mapping["properties"], **mapping}})
    for _ in range(2):  # the reason is kept, as corpora are
        with pytest.raises(NoCorpora, match=why):
            corpora(there, gold)


def test_nothing_stays_on_the_bench(place: Place) -> None:
    corpora(place)
    assert not bench()._engine._loader._created  # type: ignore[union-attr]


# --- judging ----------------------------------------------------------------------------

EXAMPLE = Example(
    id="1",
    question="requests of more than a second in April",
    context={"index": "weblogs"},
    answer='{"query":{"range":{"event.duration":{"gt":1000000000}}}}',
)
LUCKY = '{"query":{"range":{"event.duration":{"gte":1000000000}}}}'  # no request took just a second


def test_an_answer_that_agrees_by_luck_is_not_correct() -> None:
    task = QueryDsl(Settings(documents=300))
    with Embedded().open(task, Engine()) as executor:
        lucky = task.judge(EXAMPLE, Draft(answer=LUCKY), executor)
        assert (lucky.reached, lucky.checked, lucky.corpora) == (Level.EXECUTED, Level.CORRECT, 1)
        assert lucky.reason == "another result than the gold on corpus 'boundaries'"
        right = task.judge(EXAMPLE, Draft(answer='{"query":{"range":{"event.duration":{"gte":1000000001}}}}'), executor)
        assert (right.reached, right.corpora, right.exact) == (Level.CORRECT, 2, False)
        gold = task.judge(EXAMPLE, Draft(answer=json.dumps(json.loads(EXAMPLE.answer or ""), indent=1)), executor)
        assert (gold.reached, gold.corpora, gold.exact) == (Level.CORRECT, 0, True)
    switched_off = QueryDsl(Settings(documents=300, corpora=0))
    with Embedded().open(switched_off, Engine()) as executor:
        assert switched_off.judge(EXAMPLE, Draft(answer=LUCKY), executor).reached == Level.CORRECT


def test_golds_that_cannot_be_checked_say_so() -> None:
    task = QueryDsl(Settings(documents=300, corpora=5))
    unknown = replace(EXAMPLE, context={"index": "elsewhere"})
    with pytest.raises(NoCorpora, match="'elsewhere' is not known"):
        task.corpora(unknown, 5)


def test_beside_an_index_of_the_users_that_is_only_read(place: Place) -> None:
    """Its mapping is asked of the server; the corpora lie on an embedded one."""
    task, answer = QueryDsl(), '{"query":{"range":{"took":{"gt":5}}}}'
    asked = Example(id="1", question="?", context={"index": "dstill-live"}, answer=answer)
    with EmbeddedServer.start() as server, HttpEngine(Engine(url=server.url), writable=True) as users:
        users.index("dstill-live", place.mapping, [("a", {"took": 9}), ("b", {"took": 1})])
        with Http().open(task, Engine(url=server.url)) as executor:
            lucky = task.judge(asked, Draft(answer='{"query":{"range":{"took":{"gte":5}}}}'), executor)
            unknown = replace(asked, answer='{"query":{"exists":{"field":"took"}},"size":5}')
            task.judge(unknown, Draft(answer='{"query":{"match_all":{}},"size":5}'), executor)
        with urllib.request.urlopen(f"{server.url}/_cat/indices?format=json") as reply:
            assert [one["index"] for one in json.load(reply)] == ["dstill-live"]
    assert (lucky.reached, lucky.corpora) == (Level.EXECUTED, 1)


def test_a_live_mapping_that_the_embedded_engine_cannot_hold(place: Place) -> None:
    """The base run counts, and that nothing more was checked is said."""

    class Live(Embedded):
        def context(self, example: Example) -> dict[str, Any]:
            return {"mapping": {"properties": {"took": {"type": "text", "analyzer": "house"}}}}

    task = QueryDsl(Settings(documents=300))
    with Live().open(task, Engine()) as executor:
        verdict = task.judge(EXAMPLE, Draft(answer=LUCKY), executor)
    assert verdict.reached == Level.CORRECT
    assert "cannot index this mapping faithfully" in verdict.unchecked
