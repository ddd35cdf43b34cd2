"""Results as a person sees them."""

from __future__ import annotations

from dstill_querydsl.language.results.render import show
from dstill_querydsl.language.results.tables import tables

HITS = [{"id": f"d{n}", "score": 1.0} for n in range(12)]


def test_counts_hits_and_names_at_most_ten() -> None:
    value = {"total": {"value": 367, "relation": "eq"}, "hits": HITS[:2], "aggregations": None}
    assert show(value) == "367 hits: d0, d1 …"
    for count, text in ((1, "1 hit"), (1_423, "1,423 hits")):
        assert show({"total": {"value": count, "relation": "eq"}, "hits": [], "aggregations": None}) == text
    text = show({"total": {"value": 12, "relation": "gte"}, "hits": HITS, "aggregations": None})
    assert text.startswith("at least 12 hits: d0")
    assert "d9 …" in text
    assert "d10" not in text


def test_shows_buckets_and_sub_aggregations() -> None:
    aggregations = {
        "groups": {"buckets": [{"key": 200, "doc_count": 3, "mean": {"value": 1.5}}, {"key": 404, "doc_count": 1}]},
        "value": {"value": 7},
    }
    text = show({"total": None, "hits": [], "aggregations": aggregations})
    assert text == "groups: 200 3 (mean 1.5), 404 1\nvalue: 7"
    aggregations = {"groups": {"buckets": {"slow": {"doc_count": 3}, "fast": {"doc_count": 1}}}}
    assert show({"total": None, "hits": [], "aggregations": aggregations}) == "groups: slow 3, fast 1"


def test_says_how_many_documents_are_in_further_groups() -> None:
    groups = {"buckets": [{"key": 200, "doc_count": 3}], "sum_other_doc_count": 1_057}
    value = {"total": None, "hits": [], "aggregations": {"groups": groups}}
    assert show(value) == "groups: 200 3 … (1,057 documents in further groups)"
    [table] = tables(value)
    assert table.title == "1,057 documents in further groups"
    below = {"doc_count": 9, "hosts": {"buckets": [{"key": "a", "doc_count": 2}], "sum_other_doc_count": 1}}
    value["aggregations"] = {"errors": below}
    assert tables(value)[0].title == "1 document in further groups"
