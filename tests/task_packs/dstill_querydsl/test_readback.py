"""Bodies in plain words: what each construct reads as, and that the words say all that decides the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tools.base.querydsl import development, written

from dstill.api.protocols import Phrase, Readback
from dstill.api.records import Example
from dstill_querydsl.bundle.indices import NAMES
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

TASK = QueryDsl()
MAPPING = {
    "properties": {
        "status": {"type": "keyword"},
        "mechanic": {"type": "keyword"},
        "warranty": {"type": "boolean"},
        "cost": {"type": "double"},
        "began": {"type": "date"},
        "at": {"type": "geo_point"},
        "notes": {"type": "text", "fields": {"raw": {"type": "keyword"}, "en": {"type": "text"}}},
        "parts": {"type": "nested", "properties": {"name": {"type": "keyword"}, "qty": {"type": "integer"}}},
    }
}
JOBS = Example(id="1", question="?", context={"index": "jobs", "mapping": MAPPING})


def phrases(body: Any, example: Example = JOBS) -> list[Phrase]:
    return list(Readback.of(TASK).read_back(example, body if isinstance(body, str) else json.dumps(body)))


def said(body: Any) -> str:
    return "".join(phrase.text for phrase in phrases(body))


def where(*clauses: Any, **more: Any) -> str:
    """What is said of a filter with these clauses."""
    body = {"size": 0, "track_total_hits": True, "query": {"bool": {"filter": list(clauses), **more}}}
    return said(body).removeprefix("jobs where ").removesuffix(", counted")


def grouped(aggs: Any) -> str:
    return said({"size": 0, "aggs": aggs}).removeprefix("jobs, ")


def test_phrases_say_kind_items_and_values() -> None:
    filters = [{"term": {"status": "done"}}, {"term": {"warranty": False}}, {"prefix": {"notes.raw": "oil"}}]
    aggs = {"groups": {"terms": {"field": "mechanic", "size": 5}}}
    assert phrases({"size": 0, "query": {"bool": {"filter": filters}}, "aggs": aggs}) == [
        Phrase(text="jobs", kind="data"),
        Phrase(text=" where status is 'done'", kind="condition", items=("status",), values=("done",)),
        Phrase(text=" and warranty is no", kind="condition", items=("warranty",), values=("false",)),
        Phrase(text=" and notes starts with 'oil'", kind="condition", items=("notes",), values=("oil",)),
        Phrase(text=", counted", kind="shown"),
        Phrase(text=" for each mechanic", kind="group", items=("mechanic",)),
        Phrase(text=", largest first", kind="order"),
        Phrase(text=", the first 5", kind="limit"),
    ]


@pytest.mark.parametrize(
    ("clause", "words", "negated"),
    [
        ({"term": {"status": "x"}}, "status is 'x'", "status is not 'x'"),
        ({"term": {"notes": "oil"}}, "notes contains 'oil'", "notes does not contain 'oil'"),
        ({"term": {"notes.raw": "oil"}}, "notes is 'oil'", "notes is not 'oil'"),
        ({"terms": {"cost": [1, 2.5]}}, "cost is 1 or 2.5", "cost is not 1 nor 2.5"),
        ({"match": {"notes": "oil leak"}}, "notes mentions any word of 'oil leak'", None),
        ({"match": {"notes.en": "oil"}}, "notes (as notes.en) mentions 'oil'", None),
        ({"match": {"notes": {"query": "a b", "operator": "AND"}}}, "notes mentions all words of 'a b'", None),
        (
            {"match": {"notes": {"query": "a", "fuzziness": "AUTO"}}},
            "notes mentions 'a' (with typing errors)",
            None,
        ),
        ({"match_phrase": {"notes": "a b"}}, "notes mentions the phrase 'a b'", None),
        ({"match": {"status": "x"}}, "status matches 'x'", "status does not match 'x'"),
        ({"wildcard": {"status": "x*"}}, "status fits the pattern 'x*'", "status does not fit the pattern 'x*'"),
        ({"regexp": {"status": "x."}}, "status fits the regular expression 'x.'", None),
        ({"exists": {"field": "notes"}}, "notes has a value", "notes has no value"),
        ({"ids": {"values": ["a", "b"]}}, "the id is 'a' or 'b'", "the id is not 'a' nor 'b'"),
        ({"geo_distance": {"distance": "5km", "at": "1,2"}}, "at is within 5km of (1.0, 2.0)", None),
        (
            {"geo_bounding_box": {"at": {"top_left": {"lat": 2, "lon": 1}, "bottom_right": {"lat": 1, "lon": 2}}}},
            "at is in the box from (2, 1) to (1, 2)",
            None,
        ),
        (
            {"nested": {"path": "parts", "query": {"term": {"parts.name": "tyre"}}}},
            "one of its parts has (name is 'tyre')",
            "none of its parts has (name is 'tyre')",
        ),
        (
            {"bool": {"should": [{"term": {"status": "x"}}, {"range": {"cost": {"gt": 5}}}]}},
            "(cost is more than 5 or status is 'x')",
            None,
        ),
        (
            {"bool": {"filter": [{"term": {"status": "x"}}, {"range": {"cost": {"lte": 5}}}]}},
            None,
            "not (cost is at most 5 and status is 'x')",
        ),
        (
            {"multi_match": {"query": "a", "fields": ["notes", "status"], "type": "phrase"}},
            "notes or status mentions 'a' (type 'phrase')",
            None,
        ),
        ({"query_string": {"query": "a AND b"}}, "any field fits the query_string 'a AND b'", None),
        ({"match_none": {}}, "match_none {}", "not match_none {}"),
    ],
)
def test_says_condition(clause: Any, words: str | None, negated: str | None) -> None:
    if words:
        assert where(clause) == words
    if negated:
        assert where(must_not=[clause]) == negated


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"gte": "now-7d"}, "in the last 7 days"),
        ({"gte": "now-1d/d", "lt": "now/d"}, "yesterday"),
        ({"gte": "now/d", "lt": "now+1d/d"}, "today"),
        ({"gte": "now-1M/M", "lt": "now/M"}, "last month"),
        ({"gte": "now-3M/M", "lt": "now/M"}, "in the last 3 full months"),
        ({"gte": "now/y"}, "from the start of this year on"),
        ({"gte": "now", "lte": "now+7d"}, "in the next 7 days"),
        ({"gte": "2025-01-01", "lt": "2025-01-01||+1y"}, "in 2025"),
        ({"gte": "2025-02-01", "lt": "2025-02-01||+1M"}, "in February 2025"),
        ({"gte": "2025-02-03", "lt": "2025-02-03||+1d"}, "on 2025-02-03"),
        ({"gte": "2025-02-03", "lt": "2025-02-09||+1d"}, "from 2025-02-03 through 2025-02-09"),
        ({"gte": "2025-02-03", "lt": "2025-02-09"}, "from 2025-02-03 to before 2025-02-09"),
        ({"gt": "2025-02-03", "lte": "now/d"}, "after 2025-02-03 and up to the end of today"),
        ({"lt": "2025-02-09||+1d"}, "up to the end of 2025-02-09"),
        ({"lt": "now-1y"}, "before 1 year ago"),
        ({"gte": "now/d-7d"}, "from the start of today minus 7 days on"),
        ({"gte": "now-5h-3m"}, "from 'now-5h-3m' on"),
        ({"gte": 1700000000000}, "from 1700000000000 on"),
        ({"lt": "2025-01-01", "time_zone": "+02:00"}, "before 2025-01-01 (time_zone '+02:00')"),
    ],
)
def test_says_dates(bounds: Any, words: str) -> None:
    assert where({"range": {"began": bounds}}) == f"began is {words}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"sort": [{"cost": "desc"}], "size": 3}, "highest cost first, the first 3"),
        ({"sort": [{"began": "asc"}, "mechanic"], "from": 20}, "earliest began first, then mechanic from A to Z, after "
         "the first 20, the next 10"),
        ({"_source": ["notes", "status"], "size": 1}, "showing notes and status, only the first"),
        ({"size": 0}, "counted up to 10000"),
        ({"track_total_hits": False}, "not counted, the first 10"),
        ({"collapse": {"field": "mechanic"}}, "only the first for each mechanic, the first 10"),
        ({"highlight": {"fields": {"notes": {}}}}, 'the first 10, highlight {"fields": {"notes": {}}}'),
    ],
)  # fmt: skip
def test_says_what_is_shown(body: Any, words: str) -> None:
    assert said(body) == f"jobs, {words}"


def test_says_which_conditions_rank() -> None:
    leak, done = {"match": {"notes": "leak"}}, {"term": {"status": "done"}}
    ranked = said({"query": {"bool": {"must": [leak], "filter": [done]}}})
    assert ranked == (
        "jobs where notes mentions 'leak' (ranked by this) and status is 'done', best matches first, the first 10"
    )
    assert said({"query": leak}) == "jobs where notes mentions 'leak', best matches first, the first 10"
    assert said({"query": {"bool": {"filter": [leak]}}}) == "jobs where notes mentions 'leak', the first 10"


AVERAGE = {"v": {"avg": {"field": "cost"}}}


@pytest.mark.parametrize(
    ("aggs", "words"),
    [
        (AVERAGE, "the average cost"),
        ({"w": {"max": {"field": "began"}}, **AVERAGE}, "the average cost and the latest began"),
        ({"v": {"percentiles": {"field": "cost", "percents": [50]}}}, "the median cost"),
        ({"v": {"filter": {"term": {"warranty": True}}}}, "the number where warranty is yes"),
        ({"g": {"terms": {"field": "mechanic"}, "aggs": AVERAGE}}, "the average cost for each mechanic, those with the "
         "most documents first, the first 10"),
        ({"g": {"terms": {"field": "mechanic", "size": 3, "order": {"v": "asc"}}, "aggs": AVERAGE}},
         "the average cost for each mechanic, lowest first, the first 3"),
        ({"g": {"terms": {"field": "mechanic", "order": {"_key": "desc"}, "min_doc_count": 2, "include": ["Al"]}}},
         "counted for each mechanic (only 'Al'), mechanic from Z to A, only those with at least 2, the first 10"),
        ({"g": {"date_histogram": {"field": "began", "calendar_interval": "1M", "time_zone": "+01:00"}}},
         "counted for each month of began (time_zone '+01:00')"),
        ({"g": {"histogram": {"field": "cost", "interval": 50}}}, "counted for each step of 50 in cost"),
        ({"g": {"range": {"field": "cost", "ranges": [{"from": 5}, {"to": 5}]}}},
         "counted for each range of cost: below 5 and from 5"),
        ({"g": {"filters": {"filters": {"a": {"term": {"status": "x"}}, "b": {"exists": {"field": "at"}}}}}},
         "counted for each of (at has a value), (status is 'x')"),
        ({"g": {"nested": {"path": "parts"}, "aggs": {"n": {"terms": {"field": "parts.name"}}}}},
         "in their parts, counted for each name, largest first, the first 10"),
        ({"g": {"terms": {"field": "mechanic"}, "aggs": {"h": {"terms": {"field": "status"}}}}},
         "counted for each mechanic, largest first, the first 10, and in each counted for each status, largest first, "
         "the first 10"),
        ({"g": {"composite": {"sources": [{"mechanic": {"terms": {"field": "mechanic"}}}], "size": 9}}},
         "counted for each combination of mechanic, the first 9"),
        ({"g": {"terms": {"field": "mechanic"}, "aggs": {**AVERAGE, "s": {"bucket_sort": {"sort": ["v"], "size": 2}}}}},
         "the average cost for each mechanic, those with the most documents first, the first 10, of these groups "
         "sorted by the average cost, lowest first, the first 2"),
        ({"g": {"date_histogram": {"field": "began", "calendar_interval": "day"}}, "m": {"max_bucket": {"buckets_path":
         "g>_count"}}}, "the highest of the count for each day of began; counted for each day of began"),
        ({"g": {"significant_terms": {"field": "status"}}}, 'significant_terms {"field": "status"}'),
    ],
)  # fmt: skip
def test_says_aggregations(aggs: Any, words: str) -> None:
    assert grouped(aggs) == words


def test_body_about_unknown_index_keeps_names() -> None:
    example = Example(id="1", question="?", context={"index": "unknown-things"})
    body = {"size": 1, "query": {"bool": {"filter": [{"term": {"user.name.keyword": "x"}}]}}}
    assert "".join(phrase.text for phrase in phrases(body, example)) == (
        "unknown things where user.name (as user.name.keyword) is 'x', only the first"
    )


def test_refusal_has_no_words() -> None:
    assert not phrases({"refusal": {"reason": "no field holds oil", "missing": ["oil"]}})


@given(st.text(st.characters(codec=None), max_size=20))
def test_any_value_is_one_printable_line(text: str) -> None:
    words = where({"term": {"status": text}})
    assert words.isprintable()
    assert not text.isalnum() or text in words


@given(st.lists(st.text(max_size=4) | st.integers() | st.booleans(), min_size=2, max_size=2))
def test_other_values_have_other_words(values: list[Any]) -> None:
    first, second = (json.dumps({"query": {"term": {"status": value}}}) for value in values)
    assert (said(first) == said(second)) == (TASK.canonical(first) == TASK.canonical(second))


def test_two_hundred_conditions_are_all_said() -> None:
    clauses = [{"term": {"status": f"s{n}"}} for n in range(200)]
    assert where(*clauses).count(" and ") == 199


# --- all golds --------------------------------------------------------------------------


def _golds() -> Iterator[Example]:
    for module, step in ((development, 1), (written, 10)):
        for name in module.NAMES:
            for gold in module.questions(name)[::step]:
                yield replace(gold, context={**gold.context, "index": name})
    for name in NAMES:
        task = QueryDsl(Settings(n_questions=150, documents=300, index=name))
        yield from (gold for split in ("train", "test") for gold in task.examples(split))


def test_golds_with_the_same_words_have_the_same_canonical_form() -> None:
    canonical: dict[tuple[str, str], str] = {}
    for gold in _golds():
        if gold.answer and not TASK.is_refusal(gold.answer):
            words = said_of(gold)
            profile = TASK.index_profile(gold)
            assert profile is not None
            form = TASK.canonical(gold.answer)
            assert canonical.setdefault((profile.index.digest, words), form) == form, words


def said_of(gold: Example) -> str:
    """The words for a gold, which say each value; a date in words has its year."""
    spoken = phrases(gold.answer, gold)
    words = "".join(phrase.text for phrase in spoken)
    for value in (value for phrase in spoken for value in phrase.values):
        known = (value, value[:4], repr(value)[1:-1], {"true": "yes", "false": "no"}.get(value, value))
        assert value.startswith("now") or any(text in words for text in known), (value, words)
    return words


def test_third_party_bodies_have_words(cases: Callable[[str], Any]) -> None:
    example = Example(id="1", question="?", context={"index": "unknown"})
    for case in cases("dsl_valid.jsonl"):
        words = "".join(phrase.text for phrase in phrases(case["query"], example))
        assert words.startswith("unknown")
        assert words.isprintable()
