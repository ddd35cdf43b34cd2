"""Responses that a person takes for the answer, in whichever form, and those that show something else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dstill.api.judging import judge
from dstill.api.records import Draft, Example, OutcomeKind, TestDatabase, Verdict
from dstill_querydsl.bundle.indices import SETTINGS
from dstill_querydsl.engines.executors import Embedded
from dstill_querydsl.language.results.accepting import accepts
from dstill_querydsl.pack import QueryDsl

MAPPING = {
    "properties": {
        "shop_name": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "owner": {"type": "keyword"},
        "code": {"type": "keyword"},
        "town": {"type": "keyword"},
        "size": {"type": "long"},
        "open": {"type": "boolean"},
    }
}
NAMES = ("shop_name", "owner", "code", "town", "size", "open")
SHOPS = [
    ("Corner", "Ann", "OSL", "Oslo", 40, True),
    ("Mill", "Bob", "BGO", "Bergen", 25, True),
    ("Hall", "Ann", "OSL", "Oslo", 90, False),
    ("Gate", "Cid", "BGO", "Bergen", 10, True),
    ("Yard", "Dee", "OSL", "Oslo", 55, True),
]
Body = dict[str, Any]


def context(shops: list[tuple[Any, ...]] = SHOPS) -> dict[str, Any]:
    documents = [[str(number), dict(zip(NAMES, shop, strict=True))] for number, shop in enumerate(shops)]
    data = {"documents": documents, "now": "2026-11-01T12:00:00Z", "settings": SETTINGS}
    return {"index": "shops", "mapping": MAPPING, "test_database": TestDatabase(name="shops", data=data)}


def terms(field: str, inner: Body | None = None, **options: Any) -> Body:
    return {"size": 0, "aggs": {"g": {"terms": {"field": field, **options}} | ({"aggs": inner} if inner else {})}}


def metric(**metrics: str) -> Body:
    return {"size": 0, "aggs": {kind: {kind: {"field": field}} for kind, field in metrics.items()}}


IN_OSLO: Body = {"query": {"bool": {"filter": [{"term": {"town": "Oslo"}}]}}}
OPEN: Body = {"query": {"term": {"open": True}}}
LARGEST: Body = {"size": 1, "sort": [{"size": "desc"}]}
BY_SIZE: Body = {"sort": [{"size": "asc"}]}
COUNT: Body = {"size": 0, "track_total_hits": True, **IN_OSLO}
MOST = {"m": {"max": {"field": "size"}}}
LEAST = {"m": {"min": {"field": "size"}}}
BY_METRIC = {"order": {"m": "desc"}, "size": 1}


@pytest.mark.parametrize(
    ("question", "gold", "answer", "accepted"),
    [
        # documents
        ("Names of the shops in Oslo?", IN_OSLO, {**IN_OSLO, **terms("shop_name.keyword")}, True),
        ("Names of the shops in Oslo?", IN_OSLO, {**IN_OSLO, **terms("owner")}, False),  # another field
        ("Who are the owners of shops in Oslo?", IN_OSLO, {**IN_OSLO, **terms("owner")}, True),  # Ann once
        ("Owners and sizes of shops in Oslo?", IN_OSLO, {**IN_OSLO, **terms("owner")}, False),
        ("Owners of shops?", IN_OSLO, {**terms("owner")}, False),  # of other documents, too
        ("Names of the shops in Oslo?", IN_OSLO, {**IN_OSLO, "_source": ["shop_name", "size"]}, True),
        ("List the open shops", OPEN, {**OPEN, "_source": ["shop_name"]}, True),  # how else are they, if not open
        ("Names of the shops in Oslo?", IN_OSLO, {**IN_OSLO, "_source": ["owner"]}, False),
        ("Names of the shops in Oslo?", IN_OSLO, {**IN_OSLO, "_source": False}, False),
        ("Names and sizes of the shops in Oslo?", IN_OSLO, {**IN_OSLO, "_source": ["shop_name"]}, False),
        ("Names and sizes of the shops in Oslo?", IN_OSLO, {**IN_OSLO, "fields": ["shop_name", "size"]}, True),
        ("What is in Oslo?", IN_OSLO, {**IN_OSLO, "_source": ["owner"]}, True),  # it names no field
        # superlatives and orders
        ("The shop name with the largest size?", LARGEST, terms("shop_name.keyword", MOST, **BY_METRIC), True),
        ("The shop name with the largest size?", LARGEST, terms("shop_name.keyword", LEAST, order={"m": "asc"}, size=1),
         False),
        ("The shop name with the largest size?", LARGEST, terms("shop_name.keyword", MOST, order={"m": "desc"}), False),
        ("Which shop name has the largest size?", LARGEST, metric(max="size"), False),  # the value, not who has it
        ("What is the largest size?", LARGEST, metric(max="size"), True),
        ("What is the largest size?", LARGEST, metric(min="size"), False),
        ("Shop names by size", BY_SIZE, terms("shop_name.keyword", LEAST, order={"m": "asc"}), True),
        ("Shop names by size", BY_SIZE, terms("shop_name.keyword", MOST, order={"m": "desc"}), False),
        ("Owner and size of the shops by size", BY_SIZE, {**BY_SIZE, "_source": ["owner"]}, False),  # named twice
        # groups and metrics
        ("Shops per town?", terms("town", size=1000), terms("town", {"s": {"sum": {"field": "size"}}}), True),
        ("Shops per town?", terms("town", size=1000), terms("code"), False),
        ("Sizes per town?", terms("town", MOST), terms("town", {"s": {"stats": {"field": "size"}}}), True),
        ("Sizes per town?", terms("town", MOST), terms("town", LEAST), False),
        ("Sizes per town?", terms("town", MOST), terms("town"), False),
        ("Towns and owners?", terms("town", {"o": {"terms": {"field": "owner"}}} | MOST),
         terms("town", {"o": {"terms": {"field": "owner"}}}), False),  # without the metric beside the groups
        ("Two lists?", {"size": 0, "aggs": {"a": {"terms": {"field": "town"}}, "b": {"terms": {"field": "owner"}}}},
         terms("town"), False),
        ("The extremes?", metric(min="size", max="size"), metric(stats="size"), True),
        ("The extremes?", metric(min="size", max="size"), metric(min="size", avg="size"), False),
        ("The largest size?", metric(max="size"), LARGEST, True),
        ("The largest size?", metric(max="size"), {**LARGEST, "_source": ["owner"]}, False),
        # numbers
        ("How many are in Oslo?", COUNT, {**IN_OSLO, **terms("shop_name.keyword")}, True),  # as many as names
        ("How many are in Oslo?", COUNT, {**IN_OSLO, **terms("owner")}, False),
        ("How many are in Oslo?", COUNT, {**IN_OSLO, **metric(cardinality="shop_name.keyword")}, True),
        ("How many are in Oslo?", COUNT, {**IN_OSLO, **metric(cardinality="owner")}, False),
        ("How many are in Oslo?", COUNT,
         {"size": 0, "aggs": {"f": {"filter": {"term": {"town": "Oslo"}}}}}, True),
        ("How many towns?", metric(cardinality="town"), terms("town"), True),
        ("How many towns?", metric(cardinality="town"), terms("owner"), False),
    ],
)  # fmt: skip
def test_what_a_person_accepts(executor: Embedded, question: str, gold: Body, answer: Body, accepted: bool) -> None:
    asked = Example(id="1", question=question, answer=json.dumps(gold), context=context())
    got, want = executor.run(json.dumps(answer), asked), executor.run(json.dumps(gold), asked)
    assert (got.kind, want.kind) == (OutcomeKind.OK, OutcomeKind.OK), (got.reason, want.reason)
    assert bool(accepts(got.value, want.value, question)) is accepted


def test_nothing_is_said_where_a_default_cuts_the_groups(executor: Embedded) -> None:
    shops = [(f"shop {number}", f"owner {number}", "a", "b", number, True) for number in range(12)]
    asked = Example(id="1", question="Shops per owner?", answer="{}", context=context(shops))
    want, got, few = (
        executor.run(json.dumps(terms("owner", **size)), asked).value for size in ({"size": 1000}, {}, {"size": 9})
    )
    assert accepts(got, want, asked.question) is None
    assert accepts(few, want, asked.question) is False  # the answer's own limit


# --- what the documents never break -------------------------------------------------------


def verdict(task: QueryDsl, executor: Embedded, question: str, gold: Body, answer: Body, **more: Any) -> Verdict:
    asked = Example(id="1", question=question, answer=json.dumps(gold), context=context(**more))
    return judge(task, asked, Draft(answer=json.dumps(answer)), executor)


CODE: Body = {"query": {"bool": {"filter": [{"term": {"code": "OSL"}}]}}}


def test_a_name_stands_for_its_code_if_they_determine_each_other(task: QueryDsl, executor: Embedded) -> None:
    judged = verdict(task, executor, "The shops in Oslo?", CODE, IN_OSLO)
    assert judged.correct
    assert judged.n_test_databases > 1
    named = verdict(task, executor, "The shops with code OSL?", CODE, IN_OSLO)
    assert named.reason.startswith("another result than the reference on the test database '")
    shops = [*SHOPS, ("Dock", "Eve", "BGO", "Oslo", 5, True)]
    other = verdict(task, executor, "The shops in Oslo?", CODE, IN_OSLO, shops=shops)
    assert other.reason == "ran, with another result than the reference on 'shops'"


def test_no_field_is_missing_where_the_documents_have_it(task: QueryDsl, executor: Embedded) -> None:
    exists = {"query": {"bool": {"filter": [{"term": {"town": "Oslo"}}, {"exists": {"field": "size"}}]}}}
    assert verdict(task, executor, "The shops in Oslo?", IN_OSLO, exists).correct
    shops = [*SHOPS, ("Dock", "Eve", "BGO", "Bergen", None, True)]
    assert not verdict(task, executor, "The shops in Oslo?", IN_OSLO, exists, shops=shops).correct


def test_there_are_no_more_groups_than_the_documents_have(task: QueryDsl, executor: Embedded) -> None:
    assert verdict(task, executor, "Shops per town?", terms("town", size=1000), terms("town")).correct
    wrong = {"query": {"range": {"size": {"lt": 91}}}, **terms("town")}
    assert not verdict(task, executor, "Shops per town?", terms("town", size=1000), wrong).correct


def test_unique_texts_stay_unique_but_not_those_that_make_groups(task: QueryDsl, executor: Embedded) -> None:
    by_sum = terms("shop_name.keyword", {"m": {"sum": {"field": "size"}}}, order={"m": "desc"}, size=1)
    assert verdict(task, executor, "The shop name with the largest size?", LARGEST, by_sum).correct
    total, mean = (terms("shop_name.keyword", {"m": {kind: {"field": "size"}}}) for kind in ("sum", "avg"))
    assert not verdict(task, executor, "Sizes of each shop name?", total, mean).correct


def test_dependencies_are_read_off_the_documents(executor: Embedded) -> None:
    facts = executor.context(Example(id="1", question="?", context=context()))["dependencies"]
    assert facts["whole"] == list(NAMES)
    assert facts["unique"] == ["shop_name", "size"]
    assert facts["few"] == {"shop_name": 5, "owner": 4, "code": 2, "town": 2, "size": 5, "open": 2}
    assert [(list(pair["fields"]), pair["values"]) for pair in facts["together"]] == [
        (["code", "town"], [["OSL", "Oslo"], ["BGO", "Bergen"]])
    ]
    assert executor.context(Example(id="1", question="?", context={"index": "elsewhere"})) == {}
