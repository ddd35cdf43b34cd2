"""Wide mappings in the linked form: the fields of golds are among those that the student reads; and odd mappings."""

import time

import pytest

from dstill.api.records import Example
from dstill_querydsl.bundle.indices import bundled
from dstill_querydsl.form.query_form import FIELD_LIMIT, QueryForm
from dstill_querydsl.language.mapping.index_profiles import IndexProfiles
from dstill_querydsl.language.variants import vary
from dstill_querydsl.settings import Settings


def _form() -> QueryForm:
    return QueryForm(IndexProfiles(Settings()).of)


def _read(form: QueryForm, question: str, properties: dict, values: dict | None = None):
    context = {"index": "own", "mapping": {"properties": properties}, "values": values or {}}
    return form.read(Example(id="1", question=question, context=context))


def _names(reading) -> list[str]:
    return [item.name for item in reading.items]


def _linked(reading) -> dict[str, set[str]]:
    """Word → the fields that it is linked to."""
    found: dict[str, set[str]] = {}
    for word, item in reading.links:
        found.setdefault(reading.words[word].text, set()).add(reading.items[item].name)
    return found


KEYWORD = {"type": "keyword"}
MANY = {f"spare{n}": KEYWORD for n in range(300)}


@pytest.fixture(scope="module")
def wide():
    """A variant of movies with several hundred further fields."""
    variants = (vary(bundled("movies", 100), seed) for seed in range(30))
    return next(variant for variant in variants if variant.distractors)


@pytest.mark.parametrize(
    ("question", "fields"),
    [
        ("how many films have a runtime over 90 minutes?", ["runtime"]),
        ("films in the language French per original title", ["languages"]),
        ("count movies by year of their release date", ["released", "year"]),
    ],
)
def test_fields_of_question_are_read(wide, question: str, fields: list[str]) -> None:
    context = {"index": "own", "mapping": wide.index.mapping, "values": wide.index.values.to_json()}
    reading = _form().read(Example(id="1", question=question, context=context))
    assert len(reading.items) == FIELD_LIMIT
    assert {wide.names[field] for field in fields} <= set(_names(reading))


def test_parents_and_sub_fields_of_read_field_are_read_in_order() -> None:
    crew = {"type": "nested", "properties": {"zugriff": KEYWORD}}
    title = {"type": "text", "fields": {"raw": KEYWORD}}
    names = _names(_read(_form(), "zugriff and title", {**MANY, "crew": crew, "title": title, "at": {"type": "date"}}))
    assert {"crew", "crew.zugriff", "title", "title.raw", "at"} <= set(names)
    assert len(names) == FIELD_LIMIT
    names = _names(_read(_form(), "spare200 and spare7", MANY))
    assert names == sorted(names, key=list(MANY).index)
    assert {"spare7", "spare200"} <= set(names)


def test_first_date_is_the_one_of_the_document() -> None:
    inner = {"properties": {"created_at": {"type": "date"}}}
    reading = _read(_form(), "entries of last week", {"user": inner, "created_at": {"type": "date"}})
    assert [item.name for item in reading.items if "first date" in item.features] == ["created_at"]


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ("booked_at start updated_at", "start"),
        ("created delivered promised", "created"),
        ("updatedAt visitDate", "visitDate"),
        ("resolved_at created_at ko", "ko"),
        ("birth_date end_dt published", "published"),
        ("start_date @timestamp", "@timestamp"),
    ],
)
def test_first_date_is_when_it_happened(names: str, first: str) -> None:
    reading = _read(_form(), "entries of last week", {name: {"type": "date"} for name in names.split()})
    assert [item.name for item in reading.items if "first date" in item.features] == [first]


def test_question_without_word_that_links_reads_fields_with_known_values() -> None:
    reading = _read(_form(), "qwx zzt pfff", MANY, {"spare250": ["a"], "spare90": ["b"]})
    assert len(reading.items) == FIELD_LIMIT
    assert {"spare250", "spare90"} <= set(_names(reading))
    assert dict(reading.links) == {}


@pytest.mark.parametrize("properties", [{}, {"status": KEYWORD}])
def test_mapping_with_no_field_and_one(properties: dict) -> None:
    form = _form()
    reading = _read(form, "how many have the status 404", properties)
    assert _names(reading) == list(properties)
    assert form.decode(form.encode('{"size":0,"track_total_hits":true}', reading), reading)


def test_odd_names_are_linked() -> None:
    odd = ["order date", "شحنة", "ירושלים", "größe.außen", "a-b", "{", "query:", "=true", "名前"]
    properties = {name: KEYWORD for name in odd if "." not in name}
    properties["größe"] = {"properties": {"außen": KEYWORD}}
    question = "order by شحنة and ירושלים, außen, 名前 and query"
    for more in ({}, MANY):
        reading = _read(_form(), question, {**more, **properties})
        linked = _linked(reading)
        assert set(odd) <= set(_names(reading)) or more
        assert linked["شحنة"] == {"شحنة"}
        assert linked["ירושלים"] == {"ירושלים"}
        assert linked["außen"] == {"größe.außen"}
        assert linked["名前"] == {"名前"}
        assert linked["order"] == {"order date"}
        assert linked["query"] == {"query:"}


def test_ten_thousand_fields_and_long_question() -> None:
    properties = {}
    for area in range(100):
        inner = {f"name_of_part{n}": KEYWORD for n in range(99)}
        properties[f"area{area}"] = {"properties": {**inner, "wert" if area == 77 else "name": KEYWORD}}
    form = _form()
    for question, name, most in (  # seconds; `benchmarks/wide_mappings.py` measures
        ("name of the part with the highest wert", "area77.wert", 20.0),
        ("name_of_part3 of area12", "area12.name_of_part3", 1.0),  # the mapping is known now
        (f"highest wert {'of the part with a name ' * 82}"[:2_000], "area77.wert", 10.0),
    ):
        began = time.process_time()
        reading = _read(form, question, properties)
        assert time.process_time() - began < most
        assert len(reading.items) == FIELD_LIMIT
        assert name in _names(reading)
