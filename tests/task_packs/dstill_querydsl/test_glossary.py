"""The glossary of an index: terms as other names, values and computed fields, in questions and in search bodies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.checking import find_problems
from dstill.api.glossary import Glossary
from dstill.api.protocols import Linked, Presentation
from dstill.api.protocols import Terms as TermsOfTask
from dstill.api.records import Draft, Example
from dstill.api.values import Values
from dstill.errors import DataError
from dstill.linked import Item
from dstill.linked.known import same_value
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.form.items import items_of
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.terms import Terms, expanded, probe, terms_of
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

MAPPING = {
    "properties": {
        "status": {"type": "keyword"},
        "city": {"type": "keyword"},
        "title": {"type": "text"},
        "delay": {"type": "integer"},
        "price": {"type": "double"},
        "paid": {"type": "boolean"},
        "day": {"type": "date"},
        "parts": {"type": "nested", "properties": {"name": {"type": "keyword"}, "count": {"type": "integer"}}},
    }
}
FIELDS = Fields.of(MAPPING)
LATE = {"range": {"delay": {"gt": 15}}}
COSTLY = {"range": {"price": {"gte": 100}}}
TERMS: dict[str, dict[str, Any]] = {
    "late": {"condition": LATE, "also": ["overdue", "behind schedule"]},
    "costly": {"condition": COSTLY},
    "trouble": {"condition": {"bool": {"should": [{"term": {"late": True}}, {"term": {"costly": {"value": True}}}]}}},
    "on time": {"condition": {"term": {"late": {"value": False}}}},
}
TROUBLE = {"bool": {"should": [LATE, COSTLY]}}


def terms(given_: dict[str, dict[str, Any]]) -> Terms:
    return terms_of(Glossary.read(given_, "words.toml"), FIELDS, "works", Limits(), "elasticsearch9")


MADE = terms(TERMS)


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("term", "wrong"),
    [
        ({"means": "statsu"}, "there is no field 'statsu'. Did you mean 'status'?"),
        ({"means": "statsu", "value": "done"}, "there is no field 'statsu'. Did you mean 'status'?"),
        ({"measure": "price * delay"}, "search bodies have no measures"),
        ({"join": "a.b = c.d"}, "search bodies have no joins"),
        ({"condition": "delay > 15"}, "the condition is not a clause"),
        ({"condition": [LATE]}, "the condition is not a clause"),
        ({"condition": {"range": {"dely": {"gt": 15}}}}, "dely"),
        ({"condition": {"rnge": {"delay": {"gt": 15}}}}, "rnge"),
        ({"condition": {"range": {"delay": {"above": 15}}}}, "above"),
        ({"condition": {"range": {"delay": {"gt": "soon"}}}}, "delay"),
        ({"condition": {"range": {"parts.count": {"gt": 1}}}}, "parts"),
        ({"condition": {"term": {"term": {"value": True}}}}, "term"),  # itself
        ({"condition": {**LATE, "term": {"paid": True}}}, ""),
    ],
)
def test_a_term_that_the_index_cannot_have_is_named(term: dict[str, Any], wrong: str) -> None:
    with pytest.raises(DataError) as raised:
        terms({"term": term})
    assert wrong in raised.value.what
    assert raised.value.where == "words.toml, [term]"


def test_a_term_is_not_called_like_a_field() -> None:
    with pytest.raises(DataError, match="the index has a field 'paid'"):
        terms({"Paid": {"condition": LATE}})


def test_terms_that_mean_each_other_are_refused() -> None:
    with pytest.raises(DataError) as raised:
        terms({"a": {"condition": {"term": {"b": True}}}, "b": {"condition": {"term": {"a": True}}}})
    assert raised.value.where == "words.toml, [a]"


# --- bodies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clause", "meant"),
    [
        ({"term": {"late": {"value": True}}}, LATE),
        ({"term": {"late": True}}, LATE),
        ({"term": {"late": "true"}}, LATE),
        ({"match": {"late": {"query": True}}}, LATE),
        ({"term": {"late": {"value": False}}}, {"bool": {"must_not": [LATE]}}),
        ({"term": {"late": "false"}}, {"bool": {"must_not": [LATE]}}),
        ({"terms": {"late": [True]}}, LATE),
        ({"terms": {"late": [False]}}, {"bool": {"must_not": [LATE]}}),
        ({"terms": {"late": [True, False]}}, {"match_all": {}}),
        ({"term": {"trouble": {"value": True}}}, TROUBLE),
        ({"term": {"on_time": {"value": True}}}, {"bool": {"must_not": [LATE]}}),
        ({"bool": {"filter": [{"term": {"late": True}}, {"term": {"city": "Oslo"}}]}},
         {"bool": {"filter": [LATE, {"term": {"city": "Oslo"}}]}}),
        ({"bool": {"must": {"term": {"late": True}}, "must_not": [{"term": {"costly": True}}]}},
         {"bool": {"must": LATE, "must_not": [COSTLY]}}),
        ({"constant_score": {"filter": {"term": {"late": True}}}}, {"constant_score": {"filter": LATE}}),
    ],
)  # fmt: skip
def test_the_condition_takes_the_place_of_a_term(clause: dict[str, Any], meant: dict[str, Any]) -> None:
    assert expanded({"query": clause, "size": 3}, MADE) == {"query": meant, "size": 3}


def test_conditions_inside_aggregations_too() -> None:
    body = {
        "size": 0,
        "aggs": {
            "a": {"filter": {"term": {"late": True}}, "aggs": {"b": {"terms": {"field": "city", "size": 5}}}},
            "c": {"filters": {"filters": {"x": {"term": {"late": False}}, "y": {"match_all": {}}}}},
        },
    }
    assert expanded(body, MADE)["aggs"] == {
        "a": {"filter": LATE, "aggs": {"b": {"terms": {"field": "city", "size": 5}}}},
        "c": {"filters": {"filters": {"x": {"bool": {"must_not": [LATE]}}, "y": {"match_all": {}}}}},
    }


def test_no_value_at_all_is_met_by_no_document() -> None:
    assert expanded({"query": {"terms": {"late": []}}}, MADE)["query"] != {"match_all": {}}


@pytest.mark.parametrize("name", ["missing", "size", "order", "field", "include"])
def test_a_term_called_like_an_option_leaves_aggregations(name: str) -> None:
    options = {"missing": "x", "size": 5, "order": {"_key": "asc"}, "include": "O.*"}
    body = {"aggs": {"a": {"terms": {"field": "city", **options}}}}
    assert expanded(body, terms({name: {"condition": LATE}})) == body


BOOL_KEYS = st.sampled_from(["must", "filter", "should", "must_not"])
BODIES = st.recursive(
    st.sampled_from([
        {"term": {"city": {"value": "late"}}}, {"terms": {"city": ["late", "costly"]}}, {"match": {"title": "late"}},
        {"match_all": {}}, {"exists": {"field": "day"}}, {"term": {"paid": True}},
    ]),
    lambda inner: st.dictionaries(BOOL_KEYS, st.lists(inner, max_size=2)).map(lambda parts: {"bool": parts}),
    max_leaves=6,
)  # fmt: skip


@given(BODIES)
def test_bodies_without_terms_stay(clause: dict[str, Any]) -> None:
    body = {"query": clause, "_source": ["late"], "sort": [{"day": "asc"}]}
    assert expanded(body, MADE) == body
    assert expanded(body, Terms()) is body


@given(BODIES, st.sampled_from([*MADE.definitions]))
def test_a_term_is_found_wherever_it_is(clause: dict[str, Any], name: str) -> None:
    def put(node: Any, leaf: Any) -> Any:
        if node == {"match_all": {}}:
            return leaf
        if isinstance(node, list):
            return [put(item, leaf) for item in node]
        return {key: put(value, leaf) for key, value in node.items()} if isinstance(node, dict) else node

    written = put({"query": clause}, {"term": {name: {"value": True}}})
    assert expanded(written, MADE) == put({"query": clause}, MADE.definitions[name])


def test_every_term_is_tried_by_a_body_that_passes_the_checks() -> None:
    given_ = {
        **TERMS,
        "state": {"means": "status"},
        "closed": {"means": "status", "value": "done"},
        "part name": {"means": "parts.name"},
    }
    made = terms(given_)
    bodies = {term.name: json.loads(probe(term, made)) for term in Glossary.read(given_, "w").terms}
    assert bodies["late"] == {"query": LATE, "size": 0, "track_total_hits": True}
    assert bodies["trouble"]["query"] == TROUBLE
    assert bodies["closed"]["query"] == {"term": {"status": {"value": "done"}}}
    assert bodies["state"]["query"] == {"exists": {"field": "status"}}


# --- what students read -----------------------------------------------------------------


def profile(given_: dict[str, dict[str, Any]], denied: tuple[str, ...] = (), name: str = "works") -> IndexProfile:
    glossary = Glossary.read(given_, "words.toml")
    values = Values.read({"status": ["done", "open"]})
    index = Index(name=name, mapping=MAPPING, settings={}, now="", documents=lambda: (), given_values=values)
    return IndexProfile(index, Limits(fields=("*", *(f"!{name}" for name in denied))), None, glossary, "elasticsearch9")


def items(made: IndexProfile) -> dict[str, Item]:
    return {item.name: item for item in items_of(made.fields_of_students, made.values, made.terms)}


def test_terms_are_items() -> None:
    found = items(profile({**TERMS, "place": {"means": "city", "also": ["town"]}}))
    assert found["city"].called == ("place", "town")
    late = found["late"]
    assert (late.kind, late.called, late.made_of) == (
        "boolean", ("late", "overdue", "behind schedule"), ("delay",)
    )  # fmt: skip
    assert set(found["trouble"].made_of) == {"delay", "price"}
    assert found["on_time"].called == ("on time",)
    assert found["delay"].made_of == ()


def test_terms_of_denied_fields_are_no_items() -> None:
    found = items(profile({**TERMS, "cost": {"means": "price"}}, denied=("price",)))
    assert {"costly", "trouble"}.isdisjoint(found)
    assert "late" in found


def test_terms_of_another_index_are_not_read() -> None:
    given_ = {"late": {"condition": LATE, "data": "works"}, "bad": {"means": "nothing", "data": "elsewhere"}}
    assert "late" in items(profile(given_))
    assert "late" not in items(profile({"late": given_["late"]}, name="shop"))


def test_a_known_value_has_other_names() -> None:
    given_ = {"closed": {"means": "status", "value": "done"}, "lost": {"means": "status", "value": "gone"}}
    values = items(profile(given_))["status"].values
    assert [same_value(text, values) for text in ("Closed", "done", "lost", "open")] == ["done", "done", "gone", "open"]
    assert same_value("closed", items(profile({}))["status"].values) is None


# --- the task ---------------------------------------------------------------------------

WORDS = """
[late]
condition = { range = { delay = { gt = 15 } } }
also = ["overdue"]

[place]
means = "city"

[closed]
means = "status"
value = "done"
"""
EXAMPLE = Example(id="1", question="how many are overdue?", context={"index": "works", "mapping": MAPPING})


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., QueryDsl]:
    def made(words: str | None = WORDS, **more: Any) -> QueryDsl:
        if words is None:
            return QueryDsl(Settings(**more))
        file = tmp_path / f"glossary{len(words)}.toml"
        file.write_text(words)
        return QueryDsl(Settings(**{"glossary": str(file), **more}))

    return made


def test_a_task_has_the_terms_of_its_glossary(make: Callable[..., QueryDsl]) -> None:
    task = make()
    of = TermsOfTask.of(task)
    glossary = of.glossary(EXAMPLE)
    assert [term.name for term in glossary.terms] == ["late", "place", "closed"]
    for term in glossary.terms:
        assert not [p for p in find_problems(task, EXAMPLE, Draft(answer=of.probe(EXAMPLE, term))) if p.is_error]
    unknown = Example(id="1", question="?", context={"index": "nobody-knows"})
    assert not of.glossary(unknown)


def test_a_question_names_a_condition(make: Callable[..., QueryDsl]) -> None:
    (term,) = TermsOfTask.of(make()).glossary(EXAMPLE).named(EXAMPLE.question)
    assert term.name == "late"


def test_a_bad_glossary_is_an_error_of_the_task(make: Callable[..., QueryDsl]) -> None:
    task = make('[late]\nmeans = "dely"')
    with pytest.raises(DataError, match="there is no field 'dely'"):
        TermsOfTask.of(task).glossary(EXAMPLE)


def test_a_student_reads_the_terms_and_writes_their_conditions(make: Callable[..., QueryDsl]) -> None:
    task = make()
    form = Linked.of(task).form()
    assert form is not None
    reading = form.read(EXAMPLE)
    linked = {
        (reading.words[place].text, reading.items[item].name)
        for (place, item), kind in reading.links.items()
        if kind == "name"
    }
    assert ("overdue", "late") in linked
    written = form.encode(json.dumps({"query": {"term": {"late": {"value": True}}}}), reading)
    assert json.loads(form.decode(written, reading)) == {"query": LATE}


def test_teachers_read_the_terms(make: Callable[..., QueryDsl]) -> None:
    message = make().prompt(EXAMPLE, []).messages[-1].content
    assert "late (also overdue) means " in message
    assert "closed means status = done" in message


def test_without_a_glossary_nothing_changes(make: Callable[..., QueryDsl]) -> None:
    plain, empty, full = make(None), make(""), make()
    for task in (plain, empty):
        assert not TermsOfTask.of(task).glossary(EXAMPLE)
        assert task.prompt(EXAMPLE, []).messages == plain.prompt(EXAMPLE, []).messages
        made = task.index_profile(EXAMPLE)
        assert made is not None
        assert made.fields_of_students is made.fields
        assert not any(item.called or item.made_of for item in items(made).values())
    shown = [Presentation.of(task).relevant_schema(EXAMPLE, "{}") for task in (plain, full)]
    assert [name for name, _ in shown[0].rest] == [name for name, _ in shown[1].rest]
    assert full.model_input(EXAMPLE) == plain.model_input(EXAMPLE)


def test_terms_of_denied_fields_are_hidden(make: Callable[..., QueryDsl]) -> None:
    task = make(guard=Limits(fields=("*", "!delay", "!status")))
    assert [term.name for term in TermsOfTask.of(task).glossary(EXAMPLE).terms] == ["place"]
    assert "overdue means" not in task.prompt(EXAMPLE, []).messages[-1].content
    made = task.index_profile(EXAMPLE)
    assert made is not None
    assert made.values.get("status") is None
