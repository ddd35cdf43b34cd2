"""Formal questions: what a plan asks for is in its question."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest

from dstill.synthesis.english import say
from dstill.synthesis.plans import Aggregate, Comparison, Existence, Place, Plan, Skip, draw
from dstill.synthesis.subjects import Attribute, Entity, Relation, Subject, plural
from dstill.synthesis.voice import Voice
from dstill.synthesis.wordings import wordings

KEY = Attribute(name="id", noun="id", kind="code")
SHOP = Entity(
    name="shop",
    noun="shop",
    key=KEY,
    attributes=(
        KEY,
        Attribute(name="name", noun="name", kind="name", values=("Corner", "Market Hall", "Old Mill")),
        Attribute(name="city", noun="city", kind="category", values=("Oslo", "Bergen", "Turku"), nullable=True),
        Attribute(name="size", noun="size", kind="number", low=10, high=900, whole=True, unit="m2"),
        Attribute(name="opened", noun="opened", kind="date", low="2011-02-03", high="2024-05-06"),
        Attribute(name="parking", noun="parking", kind="yes_no", values=("Yes", "No")),
        Attribute(name="licensed", noun="licensed", kind="boolean"),
    ),
)
CLERK = Entity(
    name="clerk",
    noun="clerk",
    attributes=(
        Attribute(name="name", noun="name", kind="name", values=("Ann Lee", "Bo Falk", "Cy Twombly")),
        Attribute(name="age", noun="age", kind="number", low=18, high=67, whole=True),
        Attribute(name="born", noun="birth year", kind="year", low=1957, high=2006, whole=True),
    ),
)
SUBJECT = Subject(
    entities=(SHOP, CLERK),
    relations=(Relation(child="clerk", parent="shop", role="shop", column="shop_id", to_column="id"),),
)
IN_WORDS = dict(
    enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
)


def plans(seed: int) -> Iterator[tuple[Plan, str]]:
    random = Random(seed)
    while True:
        try:
            plan = draw(SUBJECT, random, joins=True)
        except Skip:
            continue
        yield plan, say(plan, random)


def test_a_seed_gives_the_same_questions() -> None:
    assert list(islice(plans(3), 30)) == list(islice(plans(3), 30))


def test_values_and_numbers_of_a_plan_are_in_its_question() -> None:
    for plan, question in islice(plans(1), 1_500):
        text = question.casefold().replace(",", "")
        for comparison in comparisons(plan):
            for value in comparison.values:
                assert is_said(value, comparison, text), f"{value!r} is missing: {question}"
        if plan.having and not re.search("multiple|several|more than one", text):
            number = plan.having.number
            assert f"{number:g}" in text or IN_WORDS.get(int(number), "-") in text, question
        if plan.limit and plan.limit > 1:
            assert str(plan.limit) in text or IN_WORDS[plan.limit] in text, question


def comparisons(plan: Plan) -> Iterator[Comparison]:
    for condition in plan.conditions:
        inner = condition.condition if isinstance(condition, Existence) else condition
        if inner is not None and inner.place.attribute.kind != "yes_no":
            yield inner


def is_said(value: object, comparison: Comparison, text: str) -> bool:
    if isinstance(value, int) and value in IN_WORDS and IN_WORDS[value] in text:
        return True
    if comparison.place.attribute.kind == "date":
        return str(value)[:4] in text
    return str(value).casefold() in text


def test_shown_attributes_and_groups_are_in_the_question() -> None:
    for plan, question in islice(plans(2), 1_500):
        text = question.casefold()
        for shown in (*plan.shown, *(key for key in plan.group if not plan.per_parent)):
            place = shown.place if isinstance(shown, Aggregate) else shown
            if isinstance(place, Place) and not place.via:
                attribute = place.attribute
                names = attribute.kind == "name" and re.search("which|what", text)
                assert attribute.noun in text or attribute.nouns in text or names, f"{attribute.noun}: {question}"


def test_questions_have_no_gaps() -> None:
    for _, question in islice(plans(4), 1_500):
        assert not re.search(r"[{}\[\]|]|\s\s|\s[.?,]", question), question
        assert len(question) < 400


def test_several_shapes_are_drawn() -> None:
    drawn = [plan for plan, _ in islice(plans(5), 3_000)]
    for shape in (
        [plan for plan in drawn if plan.having],
        [plan for plan in drawn if plan.is_superlative and plan.group],
        [plan for plan in drawn if plan.is_superlative and not plan.group],
        [plan for plan in drawn if plan.any_of],
        [plan for plan in drawn if plan.distinct],
        [plan for plan in drawn if any(isinstance(one, Existence) and one.negated for one in plan.conditions)],
        [plan for plan in drawn if len(plan.shown) > 2],
        [plan for plan in drawn if plan.per_parent],
    ):
        assert len(shape) > 10


@pytest.mark.parametrize("table", sorted(set(wordings()) - {"words", "nouns", "comparatives", "plurals"}))
def test_each_wording_can_be_said(table: str) -> None:
    names = "names name things each_thing order nouns noun after figures key keys measures than times end measure"
    names += " compared most_of commonest number of_things extreme direction descending creasing plain_nouns first"
    names += " parent parents who what highest_of role roles a_noun value when own_noun a_role age comparative child"
    names += " children a_child rest other others"
    voice = Voice(Random(0), SUBJECT)
    for name, forms in wordings()[table].items():
        for _ in range(8 * len(forms)):
            assert voice.say(table, name, "1", "2", **dict.fromkeys(names.split(), "x")).strip()


@pytest.mark.parametrize(
    ("noun", "nouns"),
    [
        ("city", "cities"),
        ("box", "boxes"),
        ("person", "people"),
        ("number of votes", "numbers of votes"),
        ("series",) * 2,
    ],
)
def test_plurals(noun: str, nouns: str) -> None:
    assert plural(noun) == nouns
