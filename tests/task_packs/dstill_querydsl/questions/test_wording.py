"""How questions are said: grammar rather than sentences, for every template; words for fields and numbers."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from dstill.api.values import Known, Values
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.questions.templates.compose import compose
from dstill_querydsl.questions.templates.conditions_values import VALUES
from dstill_querydsl.questions.templates.context import QuestionContext, Skip
from dstill_querydsl.questions.templates.contexts import QuestionContexts
from dstill_querydsl.questions.templates.lexicon import Lexicon
from dstill_querydsl.questions.templates.lexicons import LEXICONS
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.questions.templates.units import around, spell
from dstill_querydsl.questions.templates.words import mark, noun_of, nouns, plain, plural, sayable, skeleton

ENOUGH = 5
DRAWS = 400


@pytest.fixture(scope="module")
def skeletons(index: Callable[[str], Index]) -> dict[str, set[str]]:
    """Template → different wordings in at most `DRAWS` questions, values and names aside; no engine is asked."""
    found: dict[str, set[str]] = defaultdict(set)
    several = (index("shop"), index("fleet"), bundled("weblogs", 400), bundled("flights", 400))
    contexts = [QuestionContexts(one, 0).base for one in several]
    random = Random(1)
    for template in TEMPLATES:
        for draw in range(DRAWS):
            try:
                made = compose(contexts[draw % len(contexts)], template, random)
            except Skip:
                continue
            found[template.name].add(made.skeleton)
            if len(found[template.name]) >= ENOUGH:
                break
    return found


def test_every_template_has_five_wordings(skeletons: dict[str, set[str]]) -> None:
    assert set(skeletons) == {template.name for template in TEMPLATES}
    assert {name: len(ways) for name, ways in skeletons.items() if len(ways) < ENOUGH} == {}


def test_skeleton_omits_values_and_names() -> None:
    text = f"with a {mark('origin')} of {mark(7)}"
    assert plain(text) == "with an origin of 7"
    assert skeleton(text) == "with a _ of _"


@pytest.mark.parametrize(
    ("path", "noun"),
    [
        ("http.response.status_code", "response status code"),
        ("@timestamp", "timestamp"),
        ("customer.customerName", "customer name"),
        ("userID", "user ID"),
        ("a.b.c-d e", "b c d e"),
        ("🚀", "'🚀'"),
        ("Größe (cm)", "größe cm"),
        ("naïve_city", "naïve city"),
        ("客户.等级", "客户 等级"),
        ("हिन्दी_नाम", "हिन्दी नाम"),
        ("cafe\N{COMBINING ACUTE ACCENT}Name", "café name"),
        ("ΤιμήΠώλησης", "τιμή πώλησης"),
        ("✈\N{VARIATION SELECTOR-16}", "'✈\N{VARIATION SELECTOR-16}'"),
    ],
)
def test_noun_of_field(path: str, noun: str) -> None:
    assert noun_of(path) == noun


def test_nouns_of_fields_are_unique() -> None:
    paths = ["a.x.name", "b.x.name", "x.name", "x_name", "x-name", "🚀", "⛵"]
    found = nouns(paths)
    assert len({noun.lower() for noun in found.values()}) == len(paths)


@pytest.mark.parametrize(
    ("one", "many"),
    [("host", "hosts"), ("country", "countries"), ("address", "addresses"), ("key", "keys"), ("7", "7")],
)
def test_plural_of_noun(one: str, many: str) -> None:
    assert plural(one) == many


@pytest.mark.parametrize(("value", "can"), [("x", True), ("", False), (" x", False), ('a"b', False), ("x" * 61, False)])
def test_quotable_values(value: Any, can: bool) -> None:
    assert sayable(value) is can
    assert not sayable("a\nb")
    assert not sayable(None)


@pytest.mark.parametrize(
    ("value", "whole", "bounds"),
    [
        (59984, True, (59000, 60000)), (7, True, (7, 8)), (0, True, (0, 1)), (4.53, False, (4.5, 4.6)),
        (-7.1, False, (-7.1, -7)),
    ],
)  # fmt: skip
def test_rounded_bounds_of_value(value: float, whole: bool, bounds: tuple[float, float]) -> None:
    assert around(value, whole=whole) == bounds


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (340_000_000, "nanos", {"340 milliseconds", "340 ms"}),
        (120, "minute", {"2 hours", "2 h"}),
        (1_500_000, "byte", {"1.5 MB"}),
        (3, "EUR", {"3 EUR"}),
        (5, "percent", {"5%", "5 percent"}),
        (7, "", {"7"}),
    ],
)
def test_says_number_in_unit(value: int, unit: str, expected: set[str]) -> None:
    assert {spell(value, unit, Random(seed)) for seed in range(20)} == expected


@pytest.mark.parametrize("name", LEXICONS)
def test_bundled_lexicons_name_existing_fields(name: str) -> None:
    mapping, lexicon = bundled(name, 10).mapping, LEXICONS[name]
    fields = Fields.of(mapping)
    assert [field for field in lexicon["fields"] if fields.get(field) is None] == []
    read = Lexicon.of(mapping, lexicon)
    assert read.document != "document"
    assert len(read.conditions) >= len(lexicon.get("conditions", ()))
    called = [word.noun for name, word in read.fields.items() if not (fields.get(name) or Fields).sub]  # type: ignore[union-attr]
    assert len(set(called)) == len(called)


def test_derives_lexicon_from_mapping() -> None:
    mapping = {"properties": {"took": {"type": "long", "meta": {"unit": "ms"}}, "status_code": {"type": "short"}}}
    read = Lexicon.of(mapping)
    assert read.fields["took"].unit == "ms"
    assert [(one.word, one.bounds) for one in read.conditions] == [
        ("slow", {"gt": 1000}),
        ("failed", {"gte": 500, "lt": 600}),
    ]


def test_reads_lexicon_of_mapping() -> None:
    mapping = {"_meta": {"lexicon": {"document": "film", "documents": ["films"]}}, "properties": {}}
    assert Lexicon.of(mapping).documents == ("films",)


@pytest.mark.parametrize("lexicon", [7, {"fields": {"took": {"colour": "red"}}}, {"conditions": [{"word": "slow"}]}])
def test_refuses_invalid_lexicon(lexicon: Any) -> None:
    with pytest.raises(DataError, match="lexicon"):
        Lexicon.of({"properties": {"took": {"type": "long"}}}, lexicon)


@pytest.mark.parametrize(
    ("name", "expected"), [("n", "an n"), ("SKU", "an SKU"), ("user", "a user"), ("name", "a name")]
)
def test_article_follows_sound(name: str, expected: str) -> None:
    assert plain(f"a {mark(name)}") == expected


ODD = {
    "properties": {
        "is_paid": {"type": "boolean"},
        "shop": {"type": "keyword"},
        "os": {"type": "keyword"},
        "zipCode": {"type": "keyword"},
        "discounts": {"type": "flattened"},
        "batterylevel": {"type": "long"},
        "note": {"type": "text"},
        "bought": {"type": "date"},
        "sent": {"type": "date"},
    }
}


@pytest.fixture(scope="module")
def questions_by_template() -> dict[str, list[str]]:
    """Template → questions about `ODD`."""
    context = QuestionContexts(
        Index(name="odd", mapping=ODD, settings={}, now="", documents=tuple, given_values=Values({})), 0
    ).base
    random = Random(3)
    found: dict[str, list[str]] = defaultdict(list)
    for template in TEMPLATES:
        for _ in range(60):
            with suppress(Skip):
                found[template.name].append(compose(context, template, random).example.question)
    return found


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b(is|falls) (since|starting|during|from)\b",  # whose date is since …
        r"\bpaids\b|\bis paid\b",  # a boolean has no plural
        r"\bthe words \w+ in\b",
        r"\b(other than|any \w+ but|anything but)\b",  # of those that have the field only; must_not asks of all
        r"\bcunt\b",
        r"\bwith an? (bought|sent) (to|yester)day\b",
    ],
)
def test_no_question_has_wrong_grammar(pattern: str, questions_by_template: dict[str, list[str]]) -> None:
    questions = [question for several in questions_by_template.values() for question in several]
    assert len(questions) > 1_000
    assert [question for question in questions if re.search(pattern, question)] == []


def test_optional_values_are_not_called_missing(questions_by_template: dict[str, list[str]]) -> None:
    questions = [q for name, several in questions_by_template.items() if name.startswith("no_field") for q in several]
    assert any("revenue" in question for question in questions)
    pattern = re.compile("operating system|postal code|discount|battery level")
    assert [question for question in questions if pattern.search(question)] == []


TWINS = {
    "properties": {
        "source": {"properties": {"ip": {"type": "ip"}, "spot": {"type": "geo_point"}}},
        "target": {"properties": {"ip": {"type": "ip"}, "spot": {"type": "geo_point"}}},
        "one": {"type": "keyword"},
        "other": {"type": "keyword"},
    }
}


def test_question_names_ambiguous_field() -> None:
    values = Values({name: Known(values=("red", "blue"), complete=True) for name in ("one", "other")})
    context = QuestionContexts(
        Index(name="twins", mapping=TWINS, settings={}, now="", documents=tuple, given_values=values), 0
    ).base
    random, seen = Random(5), 0
    for template in TEMPLATES:
        for _ in range(40):
            with suppress(Skip):
                made = compose(context, template, random)
                asked = re.findall(r"(source|target)\.|\"(one|other)\"", json.dumps(made.body))
                for name in {name for pair in asked for name in pair if name}:
                    assert name in made.example.question, (template.name, made.example)
                    seen += 1
    assert seen > 1_000


def test_plural_field_name_agrees_in_number() -> None:
    lexicon = {"fields": {"tags": {"noun": "tags", "nouns": "tags"}}}
    mapping = {"properties": {"tags": {"type": "keyword"}}, "_meta": {"lexicon": lexicon}}
    context = QuestionContext.of(
        Index(name="mine", mapping=mapping, settings={}, now="", documents=lambda: [("1", {})])
    )
    texts = {plain(VALUES["lacks"](context.draw(Random(seed))).text) for seed in range(40)}
    assert {"where the tags are missing", "without tags"} <= texts
    assert not [text for text in texts if " is " in text or " a " in text]
