"""Sister fields share values and are told apart by words; refusals ask for nothing that the schema has."""

from random import Random

import pytest

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.refusals import KINDS, refusal
from dstill_querydsl.questions.free_phrasing.roles import role_condition
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, options, table
from dstill_querydsl.questions.invented_schemas.schemas import InventedSchema, invent
from dstill_querydsl.questions.templates.context import Skip


@pytest.fixture(scope="module")
def schemas() -> list[InventedSchema]:
    return [invent(Random(seed)) for seed in range(40)]


def _draw(schema: InventedSchema, random: Random) -> AskedDraw:
    return AskedDraw(
        context=schema.context, random=random, source=random.choice(schema.context.sources), subject=schema
    )


def test_sisters_have_the_same_values(schemas: list[InventedSchema]) -> None:
    found = [schema for schema in schemas if schema.sisters]
    assert len(found) > 5
    for schema in found:
        first, second = schema.sisters
        assert schema.known.get(first) == schema.known.get(second)


def test_conditions_of_sisters_say_the_role(schemas: list[InventedSchema]) -> None:
    random, second = Random(2), 0
    for schema in [schema for schema in schemas if schema.sisters] * 10:
        try:
            one = role_condition("role", _draw(schema, random))
        except Skip:
            continue
        fields = list(schema.sisters)
        if one.kind == "term" and fields[1] in one.body["term"]:
            second += 1
            assert tuple(one.ways["post"]) == schema.sisters[fields[1]]  # a plain value is of the first
    assert second


def test_refused_things_are_nowhere_in_the_schema(schemas: list[InventedSchema]) -> None:
    random, kinds = Random(3), set[str]()
    for schema in schemas * 12:
        try:
            one = refusal(_draw(schema, random))
        except Skip:
            continue
        kinds.add(one.name.removeprefix("refusal_"))
        for thing in (one.refusal or {})["missing"]:
            assert schema.context.vocabulary.isdisjoint(stems(thing))
    assert kinds == set(KINDS)


def test_every_slot_of_a_refusal_is_filled(schemas: list[InventedSchema]) -> None:
    random = Random(4)
    for schema in schemas * 12:
        try:
            one = refusal(_draw(schema, random))
        except Skip:
            continue
        slots = {piece.partition("}")[0] for way in one.ways for piece in way.split("{")[1:]}
        assert slots <= {"w", "one", *one.slots}, one.name


def test_lists_of_refusals_have_words() -> None:
    assert all(len(options("refusal_words", key, ";")) >= 10 for key in table("asked.toml")["refusal_words"])
