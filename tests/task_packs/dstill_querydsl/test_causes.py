"""First causes: the hand's labels, and what holds of every failure.

`failures.jsonl` was labelled by hand before there was a labeller, and the labeller's rules were made over it;
`failures_blind.jsonl` was labelled after, before the labeller saw it. docs/evaluation.md says what each label means.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.spellings import SPELLINGS, body, step

from dstill.answering.error_analysis import labels, with_cause
from dstill.api.records import Cause, Draft, Example, Level, Verdict
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.results.causes import LABELS, cause, clauses
from dstill_querydsl.pack import QueryDsl

HERE = Path(__file__).parent
NO_ANSWER = ("cut off at the token limit", "no output")
TASK = QueryDsl()


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


def labelled(row: dict[str, Any]) -> Cause:
    verdict = Verdict.from_row(row["verdict"])
    draft = None if verdict.reason in NO_ANSWER else Draft(answer=row["answer"])
    example = Example(id=row["id"], question=row["question"], answer=row["gold"])
    found = with_cause(TASK, verdict, example, draft).cause
    assert found is not None
    return found


def confusions(pairs: list[tuple[str, str]]) -> str:
    """By hand down, by the labeller across; a dot where nothing is."""
    counts = Counter(pairs)
    names = [name for name in labels(TASK) if any(name in pair for pair in counts)]
    wide = max(map(len, names))
    lines = [" " * wide + "".join(f"{number:>4}" for number in range(1, len(names) + 1))]
    for number, hand in enumerate(names, start=1):
        cells = "".join(f"{counts[hand, found] or '·':>4}" for found in names)
        lines.append(f"{hand:<{wide}}{cells}   {number}")
    return "\n".join(lines)


# --- agreement --------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "least"), [("failures.jsonl", 60), ("failures_blind.jsonl", 20)])
def test_labels_agree_with_hand_labels(name: str, least: int) -> None:
    failures = rows(name)
    assert len(failures) >= least
    pairs = [(row["label"], labelled(row).label) for row in failures]
    agreed = sum(hand == found for hand, found in pairs)
    table = confusions(pairs)
    print(f"{name}: {agreed} of {len(pairs)}\n{table}")
    assert agreed >= 0.9 * len(pairs), table


def test_ten_labels_have_three_examples_each() -> None:
    counts = Counter(row["label"] for row in rows("failures.jsonl"))
    assert counts.keys() <= set(labels(TASK))
    assert sum(count >= 3 for count in counts.values()) >= 10


# --- what holds of every failure --------------------------------------------------------


def dumped(value: Any) -> str:
    return json.dumps(value)


@settings(max_examples=200)
@given(st.integers(0, 10**9))
def test_different_bodies_have_one_label_and_equal_bodies_none(seed: int) -> None:
    draw = random.Random(seed)
    one = body(draw)
    other = step(one, draw)
    found = cause(dumped(other), dumped(one))
    if canonical_text(dumped(one)) == canonical_text(dumped(other)):
        assert found is None
    else:
        assert found.label in LABELS


@settings(max_examples=200)
@given(st.integers(0, 10**9), st.sampled_from(sorted(SPELLINGS)))
def test_other_spelling_has_no_cause_and_same_clauses(seed: int, spelling: str) -> None:
    draw = random.Random(seed)
    one = body(draw)
    other = SPELLINGS[spelling](one, draw)
    if other is not None and canonical_text(dumped(other)) == canonical_text(dumped(one)):
        assert cause(dumped(other), dumped(one)) is None
        assert Counter(clauses(dumped(other)) or ()) == Counter(clauses(dumped(one)) or ())


# --- single differences -----------------------------------------------------------------


def filter_body(*filters: dict[str, Any], **rest: Any) -> str:
    return dumped({"query": {"bool": {"filter": list(filters)}}, **rest})


def must_body(*must: dict[str, Any]) -> str:
    return dumped({"query": {"bool": {"must": [*must, {"match": {"text": "b"}}]}}})


UMA, ON = {"term": {"user": "uma"}}, {"term": {"host": "web-1"}}


def since(time: Any, end: str = "gte") -> dict[str, Any]:
    return {"range": {"at": {end: time}}}


@pytest.mark.parametrize(
    ("got", "want", "label"),
    [
        (filter_body({"term": {"host": "uma"}}), filter_body(UMA), "wrong field"),
        (filter_body(UMA, since(5)), filter_body(UMA, {"range": {"took": {"lt": 9}}}), "wrong field"),
        (filter_body({"prefix": {"user": "uma"}}), filter_body(UMA), "wrong operator"),
        (filter_body(since(5, "gt")), filter_body(since(5)), "wrong operator"),
        (
            filter_body({"match": {"user.text": "u"}}),
            filter_body(UMA),
            "wrong operator",
        ),  # a sub-field, asked in another way
        (filter_body({"term": {"user.text": "uma"}}), filter_body(UMA), "wrong field"),
        (filter_body({"terms": {"user": ["uma", "jo"]}}), filter_body(UMA), "wrong value"),
        (filter_body(since("2025-03-02||+1d")), filter_body(since("2025-03-01||+1d")), "wrong value"),
        (dumped({"query": {"bool": {"must_not": [UMA]}}}), filter_body(UMA), "wrong context"),
        (dumped({"query": {"bool": {"should": [UMA, ON]}}}), filter_body(UMA, ON), "wrong context"),
        (
            filter_body({"nested": {"path": "a", "query": {"term": {"a.b": 1}}}}),
            filter_body({"term": {"a.b": 1}}),
            "wrong context",
        ),
        (filter_body(UMA), filter_body(UMA, ON), "missing clause"),
        (
            filter_body({"range": {"at": {"gte": 1}}}),
            filter_body({"range": {"at": {"gte": 1, "lt": 2}}}),
            "missing clause",
        ),
        (filter_body(UMA, ON), filter_body(UMA), "extra clause"),
        (dumped({}), filter_body(UMA), "missing clause"),
        (filter_body(UMA), filter_body(UMA, aggs={"a": {"avg": {"field": "took"}}}), "aggregation"),
        (
            filter_body(UMA, aggs={"a": {"terms": {"field": "host", "size": 3}}}),
            filter_body(UMA, aggs={"b": {"terms": {"field": "host"}}}),
            "aggregation",
        ),
        (filter_body(UMA), filter_body(UMA, sort=[{"took": "desc"}]), "sort"),
        (filter_body(UMA, sort=[{"took": "asc"}]), filter_body(UMA, sort=[{"took": "desc"}]), "sort"),
        (filter_body(UMA, size=3), filter_body(UMA, size=5), "size"),
        (filter_body(UMA), filter_body(UMA, _source=["host"]), "size"),
        (filter_body(since("now-24h")), filter_body(since("now-27h")), "date maths"),
        (filter_body(since("now-1d/d")), filter_body(since("now-1d")), "date maths"),
        (filter_body(since("2025-03-01")), filter_body(since("now/M")), "date maths"),
        (filter_body(since("2025-03-01||+1M")), filter_body(since("2025-03-01||+1d")), "date maths"),
        (
            filter_body(since("now-24h"), size=3),
            filter_body(since("now-27h"), size=5),
            "size",
        ),  # in the order of the labels
        (
            must_body({"match": {"text": {"query": "a", "boost": 2}}}),
            must_body({"match": {"text": "a"}}),
            "wrong context",
        ),
        (must_body({"constant_score": {"filter": UMA}}), must_body(UMA), "wrong context"),
    ],
)
def test_labels_difference(got: str, want: str, label: str) -> None:
    found = cause(got, want)
    assert found.label == label


def test_detail_names_both_clauses() -> None:
    found = cause(filter_body({"term": {"host": "uma"}}), filter_body(UMA))
    assert found == Cause(label="wrong field", detail='terms host ["uma"], not terms user ["uma"]')


def test_clauses_are_leaves_of_canonical_form() -> None:
    answer = filter_body(UMA, {"range": {"took": {"gte": 5, "lt": 9}}}, size=3, sort=[{"took": "desc"}])
    assert Counter(clauses(answer) or ()) == Counter(
        ['terms user ["uma"]', "range gte took 5", "range lt took 9", "sort 1 desc took {}", "page size 3"]
    )
    assert clauses(dumped({"query": {"match_all": {}}})) == ["match_all {}"]
    assert clauses('{"refusal": {"reason": "no such field", "missing": ["x"]}}') == ["refusal"]
    assert clauses("not JSON") is None


def test_verdict_has_label_and_overlap() -> None:
    example = Example(id="1", question="?", answer=filter_body(UMA, ON), context={"index": "weblogs"})
    draft = Draft(answer=filter_body(UMA))
    wrong = Verdict(id="1", reached=Level.EXECUTED, checked=Level.CORRECT)
    found = with_cause(TASK, wrong, example, draft)
    assert found.cause == Cause(label="missing clause", detail='terms host ["web-1"]')
    assert (found.clauses.shared, found.clauses.got, found.clauses.want) == (1, 1, 2)
