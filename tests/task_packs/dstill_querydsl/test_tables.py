"""Results as tables: hits with the fields that matter first, buckets in rows, figures by name."""

from __future__ import annotations

from typing import Any

import pytest

from dstill.api.records import Table
from dstill_querydsl.language.results.tables import tables


def value(hits: Any = (), total: int | None = None, relation: str = "eq", aggregations: Any = None, **body: Any) -> Any:
    hits_total = None if total is None else {"value": total, "relation": relation}
    return {"body": body, "total": hits_total, "hits": list(hits), "aggregations": aggregations}


def hit(n: int, source: Any = None, **more: Any) -> dict[str, Any]:
    return {"id": f"d{n}", **({"source": source} if source else {}), **more}


def test_shows_fields_named_in_body_first() -> None:
    sources = [{"at": "2024-01-01", "host": {"name": f"web-{n}"}, "bytes": n, "tags": ["a", "b"]} for n in range(2)]
    hits = [hit(n, source, score=1.0) for n, source in enumerate(sources)]
    [table] = tables(value(hits, 2, query={"bool": {"filter": [{"term": {"host.name": "web"}}, {"exists": "bytes"}]}}))
    assert table == Table(
        title="2 hits",
        columns=("id", "host.name", "#bytes", "at", "tags"),
        rows=(("d0", "web-0", "0", "2024-01-01", "a, b"), ("d1", "web-1", "1", "2024-01-01", "a, b")),
        spare=3,
    )


def test_shows_at_most_six_fields() -> None:
    source = {f"f{n}": n for n in range(9)}
    [table] = tables(value([hit(n, source) for n in range(12)], 10_000, "gte"))
    assert table.title == "at least 10,000 hits, the first 12"
    assert len(table.rows) == 12
    assert table.columns == ("id", *(f"#f{n}" for n in range(6)))
    [page] = tables(value([hit(0), hit(1)], 367))
    assert (page.title, page.columns) == ("367 hits, the first 2", ("id",))


def test_shows_score_or_sort_value_that_ranks() -> None:
    [ranked] = tables(value([hit(0, score=2.5), hit(1, score=1.25)], 2))
    assert (ranked.columns, ranked.rows) == (("id", "#score"), (("d0", "2.50"), ("d1", "1.25")))
    page = [hit(0, {"took": 5}, sort=[5, 7.25]), hit(1, {"took": 4}, sort=[4, 7.5])]
    [table] = tables(value(page, 2, sort=[{"took": "desc"}, {"_geo_distance": {"place": [1, 2]}}]))
    assert table.columns == ("id", "#sort: _geo_distance", "#took")
    [chosen] = tables(value([hit(0, {"a": 1, "b": 2}, fields={"a": [1]})], 1, _source=["a"]))
    assert (chosen.title, chosen.columns, chosen.rows) == ("1 hit", ("id", "#a"), (("d0", "1"),))


@pytest.mark.parametrize(("total", "title"), [(0, "0 hits"), (1, "1 hit"), (5, "5 hits")])
def test_shows_total_without_hits(total: int, title: str) -> None:
    assert tables(value((), total)) == [Table(title=title, columns=(), rows=())]
    assert tables(value()) == []


def test_buckets_are_rows_with_metrics() -> None:
    buckets = [
        {"key": 200, "doc_count": 3, "mean": {"value": 1.23456789}},
        {"key": 404, "doc_count": 1, "mean": {"value": None}},
    ]
    [table] = tables(value(aggregations={"status": {"buckets": buckets}}, size=0))
    assert (table.title, table.columns) == ("", ("#status", "#documents", "#mean"))
    assert table.rows == (("200", "3", "1.23"), ("404", "1", "–"))


def test_nested_buckets_are_rows() -> None:
    inner = {"buckets": [{"key": "get", "doc_count": 2}, {"key": "put", "doc_count": 1}]}
    outer = [{"key_as_string": "2024-01", "key": 17, "doc_count": 3, "verbs": inner, "most": {"value": 9}}]
    [table] = tables(value(aggregations={"months": {"buckets": outer}}))
    assert table.columns == ("months", "#documents", "#most", "verbs", "#verbs documents")
    assert table.rows == (("2024-01", "3", "9", "get", "2"), ("2024-01", "3", "9", "put", "1"))


def test_aggregations_of_one_name_at_two_levels_keep_their_columns() -> None:
    inner = {"buckets": [{"key": "GET", "doc_count": 3}]}
    groups = {"a0": {"buckets": [{"key": "CA", "doc_count": 4, "a0": {"value": 7.5}, "a1": inner}]}}
    [table] = tables(value(aggregations=groups))
    assert table.columns == ("a0", "#documents", "#a0.a0", "a1", "#a1 documents")
    assert table.rows == (("CA", "4", "7.5", "GET", "3"),)
    groups["a0"]["buckets"][0]["a1"] = {"buckets": [{"key": "GET", "doc_count": 3, "a1": {"value": 1}}]}
    assert "#a1.a1" in tables(value(aggregations=groups))[0].columns


def test_shows_every_kind_of_aggregation() -> None:
    found = {
        "mean": {"value": 12.0},
        "last": {"value": 1.7e12, "value_as_string": "2024-05-01"},
        "spread": {"values": {"50.0": 3.0, "95.0": 31.5}},
        "newest": {"hits": {"hits": [{"_id": "a"}, {"_id": "b"}]}},
        "errors": {"doc_count": 4, "hosts": {"value": 2}},
        "pairs": {"buckets": [{"key": {"host": "a", "verb": "get"}, "doc_count": 7}]},
        "both": {"buckets": [{"key": ["a", "get"], "doc_count": 7}]},
        "kinds": {"buckets": {"good": {"doc_count": 5}, "bad": {"doc_count": 0}}},
        "none": {"buckets": []},
    }
    figures, *rest = tables(value(aggregations=found))
    assert {row[0]: row[1] for row in figures.rows} == {
        "mean": "12",
        "last": "2024-05-01",
        "spread.50.0": "3",
        "spread.95.0": "31.5",
        "newest": "a, b",
    }
    assert [(table.title, table.columns, table.rows) for table in rest] == [
        ("errors", ("#documents", "#hosts"), (("4", "2"),)),
        ("pairs", ("host", "verb", "#documents"), (("a", "get", "7"),)),
        ("both", ("both", "#documents"), (("a | get", "7"),)),
        ("kinds", ("kinds", "#documents"), (("good", "5"), ("bad", "0"))),
        ("none, no buckets", (), ()),
    ]


def test_keeps_all_buckets_and_shortens_long_cells() -> None:
    buckets = [{"key": "x" * 100, "doc_count": n} for n in range(53)]
    [table] = tables(value(aggregations={"groups": {"buckets": buckets}}))
    assert (table.title, len(table.rows)) == ("", 53)  # whoever shows them leaves rows out, and says so
    assert table.rows[0][0] == "x" * 59 + "…"


def test_numbered_aggregations_are_titled_by_field_and_filters_have_a_share() -> None:
    lost = {"filter": {"term": {"status": "lost"}}}
    asked = {"a0": {"terms": {"field": "carrier"}, "aggs": {"a0": {"avg": {"field": "kg"}}, "a1": lost}}}
    bucket = {"key": "dhl", "doc_count": 40, "a0": {"value": 21.087500000000002}, "a1": {"doc_count": 10}}
    [_, table] = tables(value((), 40, aggregations={"a0": {"buckets": [bucket]}}, aggs=asked))
    assert table.columns == ("carrier", "#documents", "#average kg", "#matching documents", "#share")
    assert table.rows == (("dhl", "40", "21.09", "10", "25.0 %"),)
    [_, whole] = tables(value((), 80, aggregations={"a0": {"doc_count": 20}}, aggs={"a0": lost}))
    assert (whole.columns, whole.rows) == (("#documents", "#share"), (("20", "25.0 %"),))


def test_filter_without_an_exact_total_has_no_share() -> None:
    asked = {"a0": {"filter": {"term": {"status": "lost"}}}}
    [_, table] = tables(value((), 10_000, "gte", aggregations={"a0": {"doc_count": 20}}, aggs=asked))
    assert table.columns == ("#documents",)
    [none] = tables(value(aggregations={"a0": {"doc_count": 0}}, aggs=asked))
    assert none.columns == ("#documents",)


def test_names_that_say_more_and_fields_that_meet_keep_apart() -> None:
    asked = {"mean": {"avg": {"field": "kg"}}, "a0": {"avg": {"field": "kg"}}, "a1": {"avg": {"field": "kg"}}}
    found = {"mean": {"value": 1}, "a0": {"value": 2}, "a1": {"value": 3}}
    [table] = tables(value(aggregations=found, aggs=asked))
    assert table.rows == (("mean", "1"), ("average kg", "2"), ("a1", "3"))


@pytest.mark.parametrize(
    ("histogram", "key", "heading", "cell"),
    [
        ({"calendar_interval": "month"}, "2024-05-01T00:00:00.000Z", "month", "2024-05"),
        ({"calendar_interval": "1y"}, "2024-01-01T00:00:00.000Z", "year", "2024"),
        ({"fixed_interval": "1h"}, "2024-05-01T07:00:00.000Z", "hour", "2024-05-01 07:00"),
        ({"calendar_interval": "week"}, "2024-05-06T00:00:00.000Z", "week", "2024-05-06"),
        ({"fixed_interval": "30d"}, "2024-05-06T00:00:00.000Z", "sent", "2024-05-06"),
    ],
)
def test_periods_are_named_and_shown_as_such(histogram: Any, key: str, heading: str, cell: str) -> None:
    asked = {"a0": {"date_histogram": {"field": "sent", **histogram}}}
    found = {"a0": {"buckets": [{"key": 17, "key_as_string": key, "doc_count": 12345}]}}
    [table] = tables(value(aggregations=found, aggs=asked))
    assert (table.columns, table.rows) == ((heading, "#documents"), ((cell, "12,345"),))
    [whole] = tables(value(aggregations=found, aggs=asked), whole=True)
    assert (whole.columns, whole.rows) == ((heading, "documents"), ((key, "12345"),))


def test_whole_tables_have_every_field_as_the_engine_gives_it() -> None:
    source = {f"f{n}": n / 3 for n in range(9)} | {"text": "x " * 60, "at": "2024-05-01T00:00:00Z", "ok": True}
    [table] = tables(value([hit(n, source) for n in range(11)] + [hit(11, {"late": [1, 2]})], 12), whole=True)
    assert table.columns == ("id", *source, "late")
    assert table.rows[1][1:] == (
        *(str(n / 3) if n else "0.0" for n in range(9)),
        *list(source.values())[9:11],
        "true",
        "",
    )
    assert table.rows[-1][-1] == "[1, 2]"
