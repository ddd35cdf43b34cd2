"""Two results that are not the same, as a person sees where they are apart."""

from __future__ import annotations

from typing import Any

from dstill_querydsl.language.results.result_diff import diff


def result(*ids: str, count: int | None = None, aggregations: Any = None, **body: Any) -> dict[str, Any]:
    total = len(ids) if count is None else count
    return {
        "body": body,
        "total": {"value": total, "relation": "eq"},
        "hits": [{"id": id} for id in ids],
        "aggregations": aggregations,
        "matched": None if aggregations else {"count": total, "digest": "9f"},
    }


def test_shows_hits_of_one_side_only_with_their_documents() -> None:
    assert diff(result("a", "b", "c"), result("c"), {}) == ("3 hits\na\nb\n1 line alike", "1 hit\n1 line alike")
    gold, answer = diff(result("a"), result("b"), {"a": {"took": 40}, "b": {"took": 41, "text": "long" * 99}})
    assert gold == '1 hit\na {"took": 40}'
    assert answer.startswith('1 hit\nb {"took": 41, "text": "longlong')
    assert len(answer) < 220


def test_shows_hits_beyond_page_but_at_most_eight() -> None:
    gold, answer = result("a", "b", count=3, sort=["took"]), result("a", "b", count=2, sort=["took"])
    gold["matched"]["ids"], answer["matched"]["ids"] = ["a", "b", "c"], ["a", "b"]
    assert diff(gold, answer, {}) == ("3 hits\nc\n2 lines alike", "2 hits\n2 lines alike")
    gold, answer = diff(result(*map(str, range(12)), count=1200), result(), {})
    assert gold.splitlines()[0] == "1,200 hits"
    assert gold.splitlines()[-1] == "… 4 more that the other does not have"
    assert answer == "0 hits"


def test_shows_positions_of_reordered_hits() -> None:
    assert diff(result("a", "b", "c"), result("b", "a", "c"), {}) == (
        "3 hits\n1. a\n2. b\n1 line alike",
        "3 hits\n1. b\n2. a\n1 line alike",
    )


def test_compares_buckets_regardless_of_aggregation_name() -> None:
    def by(name: str, errors: int) -> Any:
        inner = {"buckets": [{"key": 503, "doc_count": errors}]}
        buckets = [{"key": "web-1", "doc_count": 7, "codes": inner}, {"key": "web-2", "doc_count": 5}]
        return {name: {"buckets": buckets}}

    gold, answer = diff(result(size=0, aggregations=by("hosts", 3)), result(size=0, aggregations=by("per_host", 4)), {})
    assert (gold, answer) == ("web-1 / 503 → 3\n2 lines alike", "web-1 / 503 → 4\n2 lines alike")


def test_aligns_buckets_with_same_key() -> None:
    def by(**counts: int) -> Any:
        return {"by": {"buckets": [{"key": key, "doc_count": count} for key, count in counts.items()]}}

    gold, answer = diff(result(size=0, aggregations=by(a=3, b=2)), result(size=0, aggregations=by(c=9, b=8, a=7)), {})
    assert gold.splitlines() == ["a → 3", "b → 2"]
    assert answer.splitlines() == ["a → 7", "b → 8", "c → 9"]


def test_shows_metrics_and_named_buckets() -> None:
    gold, answer = diff(
        result(size=0, aggregations={"mean": {"value": 1.5}, "parts": {"buckets": {"low": {"doc_count": 2}}}}),
        result(size=0, aggregations={"mean": {"value": None}}),
        {},
    )
    assert gold.splitlines() == ["mean: 1.5", "parts: low → 2"]
    assert answer == "mean: null"
