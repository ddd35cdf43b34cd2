"""Freely phrased questions: every shape and kind of condition, right golds, and conditions that the words say."""

import contextlib
import json
import re
from collections import Counter
from random import Random

import pytest

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.adjectives import ADJECTIVES
from dstill_querydsl.questions.free_phrasing.conditions import KINDS, condition
from dstill_querydsl.questions.free_phrasing.participles import participle_of
from dstill_querydsl.questions.free_phrasing.sentences import draw_question
from dstill_querydsl.questions.free_phrasing.shape_parts import Own, counted
from dstill_querydsl.questions.free_phrasing.shapes import SHAPES, shape
from dstill_querydsl.questions.free_phrasing.wording import PLACES, AskedDraw, options, table
from dstill_querydsl.questions.invented_schemas.schemas import InventedSchema, invent
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.context import Skip
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


def _draw(schema: InventedSchema, random: Random) -> AskedDraw:
    return AskedDraw(
        context=schema.context, random=random, source=random.choice(schema.context.sources), subject=schema
    )


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
    random, found = Random(1), 0
    for schema in schemas * 3:
        try:
            one = shape(name, _draw(schema, random))
        except Skip:
            continue
        found += 1
        slots = {slot for way in one.ways for slot in re.findall(r"\{(\w+)\}", way)}
        assert one.ways
        assert slots <= {"w", "one", *one.slots}, name
    assert found


def test_adjective_without_an_opposite(schemas: list[InventedSchema], monkeypatch: pytest.MonkeyPatch) -> None:
    profitable = next(one for one in ADJECTIVES if not one.less)
    for module in ("shapes", "shapes_documents", "shapes_fields", "numbers"):
        monkeypatch.setattr(f"dstill_querydsl.questions.free_phrasing.{module}.adjective_of", lambda *_: profitable)
    random = Random(4)
    for schema in schemas * 20:
        for make, name in ((shape, "metric"), (shape, "extreme"), (shape, "lookup"), (condition, "number")):
            with contextlib.suppress(Skip):
                assert make(name, _draw(schema, random)) is not None


def test_conditions_say_their_values(schemas: list[InventedSchema]) -> None:
    random, kinds = Random(2), Counter[str]()
    for schema in schemas * 8:
        try:
            one = condition("number", _draw(schema, random))
        except Skip:
            continue
        [bounds] = one.body["range"].values()
        [bound] = bounds.values()
        kinds[next(iter(bounds))] += 1
        assert bound == 0 or one.slots["v"] in one.phrase("bare", _draw(schema, random))
    assert set(kinds) == {"gt", "gte", "lt", "lte"}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_condition(schemas: list[InventedSchema], name: str) -> None:
    random, made = Random(6), []
    for schema in schemas * 12:
        with contextlib.suppress(Skip):
            one = condition(name, draw := _draw(schema, random))
            made += [one.phrase(place, draw) for place in PLACES if one.has(place)]
    assert made
    assert not any("{" in said for said in made)


def test_amounts_are_in_the_unit_of_their_field(schemas: list[InventedSchema]) -> None:
    found: dict[str, set[float]] = {}
    random = Random(8)
    for schema in schemas * 40:
        with contextlib.suppress(Skip):
            one = condition("amount", _draw(schema, random))
            [(field, bounds)] = one.body["range"].items()
            unit = schema.context.lexicon.fields[field].unit
            found.setdefault(f"{one.slots['v'].strip(mark(''))} in {unit}", set()).update(bounds.values())
    assert all(len(values) == 1 for values in found.values())
    assert found.get("half an hour in minute", {30}) == {30}
    assert found.get("a day in h", {24}) == {24}
    assert any("an hour" in said for said in found)


def test_documents_are_named_by_their_numbers_and_not_grouped_by_them(schemas: list[InventedSchema]) -> None:
    keyed = [schema for schema in schemas if schema.key]
    assert len(keyed) >= 3
    for schema in keyed:
        assert schema.key is not None
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
    random, found = Random(5), 0
    for schema in schemas * 10:
        with contextlib.suppress(Skip):
            one = shape("sum_field", _draw(schema, random))
            if "v" in one.slots:
                found += 1
                assert isinstance(one, Own)
                assert set(one.own) == {"term"}
                assert one.kinds == ("term",)
                assert all("{v}" in way and "{w}" not in way for way in one.ways)
    assert found
