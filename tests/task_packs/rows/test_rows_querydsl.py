"""Whose documents a body reads: no answer tells a caller whether the documents of another tenant exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tenants import MAPPING, OF_TENANT, Served, index, seen, texts

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.protocols import ValueLookup
from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill.api.rows import Caller, NotReadable
from dstill.api.values import Values
from dstill.errors import AuthError, ConfigError
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.engines.live_guard import LiveGuard
from dstill_querydsl.engines.row_filters import within
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.pack import QueryDsl, Settings

ANSWERS = texts("querydsl")
ASKED = Example(id="1", question="?", context={"index": "shared", "mapping": MAPPING})
Pair = tuple[Executor, Executor]  # on the documents of both tenants, and on those of one


def opened(
    made: Index | None = None, rows: Mapping[str, str] | None = None, caller: Mapping[str, Any] | None = None
) -> Executor:
    limits = Limits(
        rows={"shared": OF_TENANT} if rows is None else rows, caller={"tenant": "a"} if caller is None else caller
    )
    executor = Served()
    executor.made = index(shared=True) if made is None else made
    return executor.open(QueryDsl(Settings(guard=limits)), Engine())


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with opened() as shared, opened(index(shared=False)) as alone:
        yield shared, alone


@pytest.mark.parametrize("answer", ANSWERS)
def test_documents_of_others_change_nothing_that_a_caller_sees(pair: Pair, answer: str) -> None:
    assert seen(pair[0], answer, ASKED) == seen(pair[1], answer, ASKED)


def test_the_same_answers_see_other_documents_where_there_are_no_conditions() -> None:
    with opened(rows={}) as shared, opened(index(shared=False), rows={}) as alone:
        changed = [answer for answer in ANSWERS if seen(shared, answer, ASKED) != seen(alone, answer, ASKED)]
    assert len(changed) > 80


def test_a_caller_finds_own_documents(pair: Pair) -> None:
    value = pair[0].run('{"query": {"match": {"note": "plan"}}}', ASKED).value
    assert {hit["id"] for hit in value["hits"]} == {"a1", "a2"}
    assert value["documents"] == 3
    assert value["body"] == {"query": {"match": {"note": "plan"}}}  # without the claims


def test_values_are_looked_up_among_own_documents(pair: Pair) -> None:
    lookup = ValueLookup.of(pair[0].task)
    result = pair[0].run(lookup.values_query(ASKED, "secret", 1_000), ASKED).value
    assert set(lookup.listed_values(result)) == {"passable", "passing", "q"}


def test_an_index_without_an_entry_is_refused_unless_there_is_one_for_the_others() -> None:
    with opened(rows={"logs": OF_TENANT}) as executor:
        outcome = executor.run("{}", ASKED)
    assert outcome.reason == "not run: guard.rows does not say which rows of 'shared' may be read"
    for rows, found in (({"*": OF_TENANT}, 3), ({"shared": ""}, 7), ({"*": 'tenant = "b" AND level = 51'}, 1)):
        with opened(rows=rows) as executor:
            assert executor.run("{}", ASKED).value["total"]["value"] == found


def test_claims_are_values() -> None:
    with opened() as executor:
        for tenant, found in (("b", 4), ("a", 3), ('b" OR "1" = "1', 0), ("*", 0), (7, 0)):
            assert executor.run("{}", Caller.asking(ASKED, {"tenant": tenant})).value["total"]["value"] == found


def test_without_the_claim_nothing_runs() -> None:
    with opened(caller={}) as executor:
        assert executor.missing_claims(ASKED) == {"tenant"}
        with pytest.raises(AuthError, match="no claim 'tenant'"):
            executor.run("{}", ASKED)
    with opened() as executor, pytest.raises(AuthError):
        executor.run("{}", Caller.asking(ASKED, {}))  # those of the configuration do not count


def test_test_databases_have_made_up_documents_that_all_may_read() -> None:
    data = {"documents": [["c1", {"tenant": "b"}]]}
    made_up = replace(ASKED, context={**ASKED.context, "test_database": TestDatabase(name="t", data=data)})
    with opened(caller={}) as executor:
        assert executor.run("{}", made_up).value["total"]["value"] == 1


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("tenat = 3", "has no field 'tenat'. Did you mean 'tenant'?"),
        ("note = {caller.tenant}", "has no whole values in 'note' (text)"),
        ("items.sku = {caller.tenant}", "has no whole values in 'items.sku' (nested)"),
        ("ip = {caller.tenant}", "has no whole values in 'ip' (ip)"),
        ("tenant =", "cannot be used for 'shared'"),
        ("tenant = a", "cannot be used for 'shared'"),
        ('tenant = "a" OR tenant = "b"', "cannot be used for 'shared'"),
        ('tenant = "a" AND', "cannot be used for 'shared'"),
        ('tenant = "{caller.tenant', "cannot be used for 'shared'"),
        ('tenant != "a"', "cannot be used for 'shared'"),
        ('{"match_all": {}}', "cannot be used for 'shared'"),
    ],
)
def test_other_conditions_are_an_error_when_the_engine_is_opened(condition: str, why: str) -> None:
    with pytest.raises(ConfigError) as error:
        opened(rows={"shared": condition})
    assert why in error.value.what


def test_terms_are_significant_compared_with_own_documents() -> None:
    rows = {"term": {"tenant": "a"}}
    body = {"aggs": {"n": {"significant_terms": {"field": "tags", "background_filter": {"term": {"level": 1}}}}}}
    assert within(body, rows)["aggs"]["n"]["significant_terms"]["background_filter"] == {
        "bool": {"filter": [rows, {"term": {"level": 1}}]}
    }


# --- the pack's own answers --------------------------------------------------------------


@cache
def golds() -> list[Example]:
    return [example for example in QueryDsl(Settings(n_questions=600)).examples("test") if example.answer]


@pytest.fixture(scope="module")
def weblogs() -> Iterator[Pair]:
    """The bundled index, whose caller may see the requests with one method, and these alone."""
    made = bundled("weblogs", 2_000)
    own = [(id, source) for id, source in made.documents() if source["http"]["request"]["method"] == "GET"]
    rows = {"weblogs": "http.request.method = {caller.method}"}
    with (
        opened(made, rows, {"method": "GET"}) as shared,
        opened(replace(made, documents=lambda: own, recipe="own"), rows, {"method": "GET"}) as alone,
    ):
        yield shared, alone


@given(data=st.data())
def test_documents_of_others_change_no_answer_of_the_pack(weblogs: Pair, data: st.DataObject) -> None:
    gold = data.draw(st.sampled_from(golds()))
    assert seen(weblogs[0], gold.answer or "", gold) == seen(weblogs[1], gold.answer or "", gold)


def test_answers_of_the_pack_run(weblogs: Pair) -> None:
    outcomes = [weblogs[0].run(gold.answer or "", gold) for gold in golds()]
    assert sum(outcome.kind is OutcomeKind.OK for outcome in outcomes) > 0.7 * len(outcomes)


@pytest.mark.parametrize(("rows", "shown"), [({"shared": OF_TENANT}, False), ({"shared": ""}, True), ({}, True)])
def test_known_values_of_what_has_a_condition_are_hidden(rows: Mapping[str, str], shown: bool) -> None:
    values = {"tenant": ["a", "b"], "amount": {"min": -70, "max": 90_000}}
    asked = replace(ASKED, context={**ASKED.context, "values": values})
    task = QueryDsl(Settings(guard=Limits(rows=rows)))
    profile = task.index_profile(asked)
    assert profile is not None
    assert bool(profile.values) is bool(profile.ranges) is shown
    steps = '{"size": 0, "aggs": {"n": {"histogram": {"field": "amount", "interval": 1}}}}'
    told = [problem.message for check in task.checks for problem in check.run(asked, steps)]
    assert ("180,141 buckets" in str(told)) is shown  # twice the range


@pytest.mark.parametrize(("rows", "shown"), [({"shared": OF_TENANT}, False), ({"shared": ""}, True), ({}, True)])
def test_the_guard_of_a_server_counts_with_ranges_that_all_may_know(rows: Mapping[str, str], shown: bool) -> None:
    described = replace(index(shared=True), given_values=Values.read({"amount": {"min": -70, "max": 90_000}}))
    with opened() as executor:
        assert isinstance(executor, Served)
        place = replace(executor.place_of(ASKED), name="shared")
        assert bool(LiveGuard.of(place, described, Limits(rows=rows)).ranges) is shown


@pytest.mark.parametrize("word", ["global", "fuzzy", "intervals", "rewrite", "query_string"])
def test_words_of_the_language_may_be_values(word: str) -> None:
    within({"query": {"term": {"tags": word}}, "aggs": {"n": {"terms": {"field": "tags", "include": [word]}}}}, {})


@pytest.mark.parametrize(
    "body",
    [
        {"sort": ["_doc"]},
        {"sort": "_doc:desc"},
        {"query": {"multi_match": {"query": "p", "fields": ["note"], "type": "PHRASE_PREFIX"}}},
        {"highlight": {"type": "fvh", "fields": {"note": {}}}},
    ],
)
def test_words_that_mean_other_documents_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(NotReadable):
        within(body, {})
