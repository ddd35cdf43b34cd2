"""Freely phrased questions: every shape and kind of condition, right golds, and conditions that the words say."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest

from dstill.api.records import Example
from dstill.api.values import Values
from dstill.linked.names import stems
from dstill.linked.thesaurus import meant
from dstill_querydsl.bundle.indices import own_index
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.questions.free_phrasing.adjectives import ADJECTIVES
from dstill_querydsl.questions.free_phrasing.conditions import KINDS, condition
from dstill_querydsl.questions.free_phrasing.for_index import subject_of
from dstill_querydsl.questions.free_phrasing.participles import participle_of
from dstill_querydsl.questions.free_phrasing.refusals import KINDS as REFUSALS
from dstill_querydsl.questions.free_phrasing.refusals import refusal
from dstill_querydsl.questions.free_phrasing.roles import role_condition
from dstill_querydsl.questions.free_phrasing.sentences import draw_question
from dstill_querydsl.questions.free_phrasing.shape_parts import Own, counted
from dstill_querydsl.questions.free_phrasing.shapes import SHAPES, shape
from dstill_querydsl.questions.free_phrasing.subject import Subject
from dstill_querydsl.questions.free_phrasing.wording import PLACES, AskedDraw, options, table
from dstill_querydsl.questions.invented_schemas.schemas import InventedSchema, invent
from dstill_querydsl.questions.invented_schemas.voices import Voice, say
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.context import QuestionContext, Skip
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.questions.templates.verify import GoldTrial, Rules
from dstill_querydsl.questions.templates.words import mark, plural

SCHEMAS = 12
EACH = 40


@pytest.fixture(scope="module")
def schemas() -> list[InventedSchema]:
    return [invent(Random(seed)) for seed in range(SCHEMAS)]


@pytest.fixture(scope="module")
def made(schemas: list[InventedSchema]) -> list[ComposedQuestion]:
    random, found = Random(3), []
    for schema in schemas:
        while len(found) % EACH or not found or found[-1].context is not schema.context:
            try:
                found.append(draw_question(schema, random))
            except Skip:
                continue
    return found


def _draw(subject: Subject, random: Random) -> AskedDraw:
    context = subject.context
    return AskedDraw(context=context, random=random, source=random.choice(context.sources), subject=subject)


def _drawn(
    make: Callable[[AskedDraw], Any], subjects: Iterable[Subject], random: Random
) -> Iterator[tuple[AskedDraw, Any]]:
    """What is made of each subject that has the fields for it."""
    for subject in subjects:
        draw = _draw(subject, random)
        try:
            one = make(draw)
        except Skip:
            continue
        yield draw, one


def test_golds_pass_the_checks(made: list[ComposedQuestion]) -> None:
    with GoldTrial(Rules()) as trial:
        dropped = {one.example.question: found for one in made if (found := trial.checked(one).dropped)}
    assert {found for found in dropped.values() if "guard" not in found} == set(), dropped  # the stream drops those


def test_sentences_are_whole(made: list[ComposedQuestion]) -> None:
    assert [one.marked for one in made if re.search(r"\{\w+\}|  |\x01\x02", one.marked)] == []
    assert len({one.example.question for one in made}) > 0.95 * len(made)
    refused = sum("refusal" in one.body for one in made)
    assert 0.08 * len(made) < refused < 0.25 * len(made)


def test_no_held_out_shape(made: list[ComposedQuestion]) -> None:
    held = {template.shape for template in TEMPLATES if template.held_out}
    assert held.isdisjoint(one.example.template.rpartition("/")[2] for one in made)


@pytest.mark.parametrize("name", SHAPES)
def test_every_wording_of_a_shape_can_be_filled(schemas: list[InventedSchema], name: str) -> None:
    found = [one for _, one in _drawn(partial(shape, name), schemas * 3, Random(1))]
    assert found
    for one in found:
        slots = {slot for way in one.ways for slot in re.findall(r"\{(\w+)\}", way)}
        assert one.ways
        assert slots <= {"w", "one", *one.slots}, name


def test_adjective_without_an_opposite(schemas: list[InventedSchema], monkeypatch: pytest.MonkeyPatch) -> None:
    profitable = next(one for one in ADJECTIVES if not one.less)
    for module in ("shapes", "shapes_documents", "shapes_fields", "numbers"):
        monkeypatch.setattr(f"dstill_querydsl.questions.free_phrasing.{module}.adjective_of", lambda *_: profitable)
    for make, name in ((shape, "metric"), (shape, "extreme"), (shape, "lookup"), (condition, "number")):
        assert None not in [one for _, one in _drawn(partial(make, name), schemas * 20, Random(4))]


def test_conditions_say_their_values(schemas: list[InventedSchema]) -> None:
    kinds = set()
    for draw, one in _drawn(partial(condition, "number"), schemas * 8, Random(2)):
        [bounds] = one.body["range"].values()
        [(kind, bound)] = bounds.items()
        kinds.add(kind)
        assert bound == 0 or one.slots["v"] in one.phrase("bare", draw)
    assert kinds == {"gt", "gte", "lt", "lte"}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_condition(schemas: list[InventedSchema], name: str) -> None:
    found = _drawn(partial(condition, name), schemas * 12, Random(6))
    made = [one.phrase(place, draw) for draw, one in found for place in PLACES if one.has(place)]
    assert made
    assert not any("{" in said for said in made)


def test_amounts_are_in_the_unit_of_their_field(schemas: list[InventedSchema]) -> None:
    found: dict[str, set[float]] = {}
    for draw, one in _drawn(partial(condition, "amount"), schemas * 40, Random(8)):
        [(field, bounds)] = one.body["range"].items()
        unit = draw.context.lexicon.fields[field].unit
        found.setdefault(f"{one.slots['v'].strip(mark(''))} in {unit}", set()).update(bounds.values())
    assert all(len(values) == 1 for values in found.values())
    assert found.get("half an hour in minute", {30}) == {30}
    assert found.get("a day in h", {24}) == {24}
    assert any("an hour" in said for said in found)


def test_documents_are_named_by_their_numbers_and_not_grouped_by_them(schemas: list[InventedSchema]) -> None:
    keyed = [schema for schema in schemas if schema.key]
    assert len(keyed) >= 3
    for schema in keyed:
        assert schema.profile.fields.get(schema.key.field) is not None
        assert schema.key.field not in {role.field for role in schema.context.roles}
        asked_for = condition("key", _draw(schema, Random(1)))
        ((field, value),) = asked_for.body["term"].items()
        assert field == schema.key.keyword
        assert str(value) in asked_for.phrase("post", _draw(schema, Random(2)))


def test_participles_tell_one_field(schemas: list[InventedSchema]) -> None:
    draws = [_draw(schema, Random(1)) for schema in schemas]
    found = [
        (draw, one) for draw in draws for role in draw.context.by_kind("date") if (one := participle_of(role, draw))
    ]
    assert found
    for draw, one in found:
        nouns = [stems(role.word.noun) for role in draw.context.by_kind("date")]
        assert sum(not one.nouns.isdisjoint(noun) for noun in nouns) == 1


def test_every_table_has_wordings() -> None:
    for section in ("asks", "refusals"):
        for key in table("asked.toml")[section]:
            assert len(options(section, key)) >= 5, key
    places = ("pre", "post", "front", "bare")
    assert all(
        any(options(f"conditions.{key}", one, "|") for one in places) for key in table("asked.toml")["conditions"]
    )


def test_adjectives_have_three_forms() -> None:
    assert all(len(one.more) == 3 and len(one.less) in (0, 3) and one.nouns for one in ADJECTIVES)
    assert "depth" in ADJECTIVES[0].nouns


def test_adjectives_link_to_what_they_measure() -> None:
    of_time = {"latest", "early", "earlier", "earliest"}
    for one in ADJECTIVES:
        for form in {form.split()[-1] for form in (*one.more, *one.less)} - of_time:
            assert not set(meant(form)).isdisjoint(one.nouns), form


def test_a_seed_gives_the_same_question(schemas: list[InventedSchema]) -> None:
    one, other = (draw_question(schemas[0], Random(5)) for _ in range(2))
    assert one.example == other.example
    assert json.loads(one.example.answer or "") == one.body


def test_what_a_number_counts(schemas: list[InventedSchema]) -> None:
    found = {role.word.noun: counted(role) for schema in schemas for role in schema.context.by_kind("number")}
    told = {noun: said for noun, said in found.items() if said}
    assert told
    for noun, said in told.items():
        assert said in (noun, noun.removeprefix("number of "), plural(noun.removesuffix(" count")))
    assert all(not said.startswith("number") for said in told.values())


def test_a_subject_is_a_condition(schemas: list[InventedSchema]) -> None:
    found = [one for _, one in _drawn(partial(shape, "sum_field"), schemas * 10, Random(5)) if "v" in one.slots]
    assert found
    for one in found:
        assert isinstance(one, Own)
        assert set(one.own) == {"term"}
        assert one.kinds == ("term",)
        assert all("{v}" in way and "{w}" not in way for way in one.ways)


# --- sister fields and refusals -----------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> list[InventedSchema]:
    return [invent(Random(seed)) for seed in range(40)]


def test_sisters_have_the_same_values_and_conditions_that_say_the_role(many: list[InventedSchema]) -> None:
    found = [schema for schema in many if schema.sisters]
    assert len(found) > 5
    for schema in found:
        first, second = schema.sisters
        assert schema.known.get(first) == schema.known.get(second)
    of_second = 0
    for draw, one in _drawn(partial(role_condition, "role"), found * 10, Random(2)):
        _, second = sisters = draw.subject.sisters
        if one.kind == "term" and second in one.body["term"]:
            of_second += 1
            assert tuple(one.ways["post"]) == sisters[second]  # a plain value is of the first
    assert of_second


def test_refused_things_are_nowhere_in_the_schema_and_every_slot_is_filled(many: list[InventedSchema]) -> None:
    kinds = set()
    for draw, one in _drawn(refusal, many * 12, Random(3)):
        kinds.add(one.name.removeprefix("refusal_"))
        for thing in (one.refusal or {})["missing"]:
            assert draw.context.vocabulary.isdisjoint(stems(thing))
        slots = {piece.partition("}")[0] for way in one.ways for piece in way.split("{")[1:]}
        assert slots <= {"w", "one", *one.slots}, one.name
    assert kinds == set(REFUSALS)


def test_lists_of_refusals_have_words() -> None:
    assert all(len(options("refusal_words", key, ";")) >= 10 for key in table("asked.toml")["refusal_words"])


# --- a user's index -----------------------------------------------------------------------

DATE = {"type": "date"}
KEYWORD = {"type": "keyword"}


def _subject(values: dict[str, Any] | None = None, **fields: Any) -> Subject:
    index = own_index("orders", {"properties": fields}, Values.read(values or {}))
    return subject_of(QuestionContext.of(index), IndexProfile(index, Limits()))


def test_subject_has_nouns_and_verbs_of_its_own() -> None:
    assert _subject(customers={"properties": {"name": KEYWORD}}, paid=DATE).objects == ("customer",)
    assert _subject(paid=DATE).objects == ("order",)
    assert _subject(order_date=DATE, seen=DATE).date_nouns == {"order date": "order date"}
    taken = _subject({"status": ["placed", "ordered"]}, order_date=DATE, status=KEYWORD)
    assert taken.date_nouns == {}
    subject = _subject(runtime={"type": "double"}, qty={"type": "integer"})
    assert "battery life" not in subject.synonyms["runtime"]


def test_condition_on_a_date_uses_its_verb() -> None:
    subjects = [_subject(order_date=DATE, seen=DATE)] * 60
    found = [one for _, one in _drawn(partial(role_condition, "verb"), subjects, Random(1))]
    assert found
    assert all(list(one.body["range"]) == ["order_date"] for one in found)
    assert all("ordered {when}" in one.ways["post"] for one in found)


def test_plural_name_of_a_field_has_no_plural() -> None:
    subject = replace(_subject(genre=KEYWORD), synonyms={"genre": ("genres",)}, singular={"genres": "genre"})
    example = Example(id="", question="", context={}, answer="{}", template="asked/all_groups:-")
    made = ComposedQuestion(example=example, marked=f"list all {mark('genres')}", body={}, context=subject.context)
    texts = [say(made, subject, Voice(f"voice {number}"))[0].lower() for number in range(40)]
    assert any("genres" in text for text in texts)
    assert not any("genreses" in text for text in texts)


@pytest.mark.parametrize(
    "fields",
    [
        {"a": {"type": "text"}, "b": {"type": "text"}},
        {"on": {"type": "boolean"}},
        {"point": {"type": "geo_point"}},
        {"price": {"type": "double"}, "duration": {"type": "long", "meta": {"unit": "s"}}},
    ],
)
def test_index_with_few_kinds_of_fields(fields: dict[str, Any]) -> None:
    subject, random = _subject({"duration": {"min": 1}} if "price" in fields else None, **fields), Random(2)
    makers = [partial(shape, name) for name in SHAPES] + [partial(condition, name) for name in KINDS] + [refusal] * 40
    assert sum(len(list(_drawn(make, [subject], random))) for make in makers) > 3
