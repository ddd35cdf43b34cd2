"""An index as a subject: what its documents belong to, verbs of its dates, and words for its fields."""

from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest

from dstill.api.records import Example
from dstill.api.values import Values
from dstill_querydsl.bundle.indices import own_index
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.questions.free_phrasing.conditions import KINDS, condition
from dstill_querydsl.questions.free_phrasing.for_index import subject_of
from dstill_querydsl.questions.free_phrasing.refusals import refusal
from dstill_querydsl.questions.free_phrasing.roles import role_condition
from dstill_querydsl.questions.free_phrasing.shapes import SHAPES, shape
from dstill_querydsl.questions.free_phrasing.subject import Subject
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw
from dstill_querydsl.questions.invented_schemas.voices import Voice, say
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.context import QuestionContext, Skip
from dstill_querydsl.questions.templates.words import mark

DATE = {"type": "date"}
KEYWORD = {"type": "keyword"}


def _subject(values: dict[str, Any] | None = None, **fields: Any) -> Subject:
    index = own_index("orders", {"properties": fields}, Values.read(values or {}))
    return subject_of(QuestionContext.of(index), IndexProfile(index, Limits()))


def _draw(subject: Subject, random: Random) -> AskedDraw:
    context = subject.context
    return AskedDraw(context=context, random=random, source=random.choice(context.sources), subject=subject)


def test_documents_belong_to_the_objects_of_the_mapping() -> None:
    assert _subject(customers={"properties": {"name": KEYWORD}}, paid=DATE).objects == ("customer",)
    assert _subject(paid=DATE).objects == ("order",)


def test_a_date_has_a_verb_that_no_other_field_has() -> None:
    assert _subject(order_date=DATE, seen=DATE).date_nouns == {"order date": "order date"}
    taken = _subject({"status": ["placed", "ordered"]}, order_date=DATE, status=KEYWORD)
    assert taken.date_nouns == {}


def test_condition_on_a_date_uses_its_verb() -> None:
    subject, random, found = _subject(order_date=DATE, seen=DATE), Random(1), []
    for _ in range(60):
        try:
            found.append(role_condition("verb", _draw(subject, random)))
        except Skip:
            continue
    assert found
    assert all(list(one.body["range"]) == ["order_date"] for one in found)
    assert all("ordered {when}" in one.ways["post"] for one in found)


def test_only_the_first_noun_of_a_concept_gives_its_others() -> None:
    subject = _subject(runtime={"type": "double"}, qty={"type": "integer"})
    assert "battery life" not in subject.synonyms["runtime"]


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
    subject, random, made = _subject({"duration": {"min": 1}} if "price" in fields else None, **fields), Random(2), 0
    makers = [partial(shape, name) for name in SHAPES] + [partial(condition, name) for name in KINDS] + [refusal] * 40
    for make in makers:
        try:
            make(_draw(subject, random))
        except Skip:
            continue
        made += 1
    assert made > 3
