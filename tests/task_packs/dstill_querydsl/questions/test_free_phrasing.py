"""Freely phrased questions about an index: right golds, words for its fields, and their share of the splits."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from support.sizes import size

from dstill.api.records import Example
from dstill.api.values import Values
from dstill_querydsl.bundle.indices import Index, own_index
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.free_phrasing.for_index import freely_phrased, subject_of
from dstill_querydsl.questions.free_phrasing.in_splits import with_free_phrasing
from dstill_querydsl.questions.free_phrasing.nouns import synonyms_of, with_own_words
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.context import QuestionContext
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.questions.templates.verify import GoldTrial, Rules
from dstill_querydsl.settings import Settings

ROWS = size("FREE_PHRASING_ROWS", ci=400, nightly=800)
SPLITS = ("train", "validation", "test", "test_unseen_templates")
KEYWORD = {"type": "keyword"}
TEXT = {"type": "text", "fields": {"raw": KEYWORD}}
TICKETS: dict[str, Any] = {
    "_meta": {"now": "2024-05-31T23:00:00Z"},
    "properties": {
        "opened": {"type": "date"},
        "queue": TEXT,
        "bldTm": {"type": "long"},
        "weight": {"type": "long", "meta": {"unit": "kg", "note": "weight of the box"}},
        "tags": KEYWORD,
        "sender": {"properties": {"city": KEYWORD}},
        "receiver": {"properties": {"city": KEYWORD}},
        "urgent": {"type": "boolean"},
    },
}
VALUES: dict[str, Any] = {
    "opened": {"min": "2023-01-01T00:00:00Z", "max": "2024-05-31T22:00:00Z"},
    "queue.raw": ["billing", "second level", "returns"],
    "bldTm": {"min": 1, "max": 90},
    "weight": {"min": 1, "max": 30},
    "tags": ["vip", "late", "IN_TRANSIT"],
    "sender.city": ["Oslo", "Riga"],
    "receiver.city": ["Riga", "Turin"],
    "urgent": [True, False],
}


class _Everything(set[str]):
    """Every question was asked before."""

    def __contains__(self, _: object) -> bool:
        return True


def _tickets() -> Index:
    return own_index("tickets", TICKETS, Values.read(VALUES))


def _made(index: Index, count: int) -> tuple[list[ComposedQuestion], Counter[str]]:
    dropped = Counter[str]()
    subject = subject_of(QuestionContext.of(index), IndexProfile(index, Limits()))
    with GoldTrial(Rules()) as trial:
        return list(islice(freely_phrased(subject, "seed", trial, set(), dropped), count)), dropped


@pytest.fixture(scope="module")
def made() -> list[ComposedQuestion]:
    found, dropped = _made(_tickets(), 150)
    assert len(found) == 150
    assert dropped.total() < 50, dropped
    return found


def test_fields_have_the_words_of_their_names() -> None:
    context = with_own_words(QuestionContext.of(_tickets()))
    assert context.lexicon.documents[:2] == ("tickets", "documents")
    assert context.lexicon.document == "ticket"
    said = synonyms_of(context)
    assert "weight of the box" in said["weight"]
    assert "build time" in said["bld tm"]
    assert {"sender.city"} <= set(said["sender city"])
    assert "city" not in said["sender city"]  # both have it
    assert next(role.many for role in context.roles if role.field == "tags") == "tags"


def test_a_seed_gives_the_same_questions(made: list[ComposedQuestion]) -> None:
    again, _ = _made(_tickets(), 5)
    assert [one.example for one in again] == [one.example for one in made[:5]]


def test_questions_are_whole_and_different(made: list[ComposedQuestion]) -> None:
    texts = [one.example.question for one in made]
    assert len({text.lower() for text in texts}) == len(texts)
    assert [text for text in texts if "{" in text or "\x01" in text or "  " in text] == []
    assert all(one.example.template.startswith("asked/") for one in made)
    held = {template.shape for template in TEMPLATES if template.held_out}
    assert held.isdisjoint(one.example.template.removeprefix("asked/") for one in made)


def test_whole_values_of_a_text_are_those_of_its_keyword(made: list[ComposedQuestion]) -> None:
    answers = [one.example.answer or "" for one in made]
    assert any('{"term":{"queue.raw":"second level"}}' in answer for answer in answers)
    assert not any('{"term":{"queue":' in answer for answer in answers)


def test_value_of_two_fields_stands_with_its_field(made: list[ComposedQuestion]) -> None:
    about_riga = [one.example for one in made if '"Riga"' in (one.example.answer or "")]
    assert about_riga
    assert all("city" in one.question.lower() for one in about_riga)


def test_rationale_names_the_fields(made: list[ComposedQuestion]) -> None:
    example = next(one.example for one in made if '"opened"' in (one.example.answer or ""))
    assert "opened is date" in (example.rationale or "")
    assert all(one.example.rationale for one in made)


def test_ends_if_all_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_querydsl.questions.free_phrasing.for_index.BATCH", 5)
    subject = subject_of(QuestionContext.of(_tickets()), IndexProfile(_tickets(), Limits()))
    with GoldTrial(Rules()) as trial:
        assert list(freely_phrased(subject, "seed", trial, _Everything(), Counter())) == []


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    files = {"mapping": TICKETS, "values": VALUES}
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    return {"index": "tickets", "n_questions": ROWS, **{name: str(tmp_path / name) for name in files}}


def test_share_replaces_questions_of_templates(settings: dict[str, Any]) -> None:
    def split(name: str, *templates: str) -> list[Example]:
        answers = (json.dumps({"size": number}) for number in range(len(templates)))
        return [
            Example(id=f"{name}-{number}", question=f"{name} {number}", context={}, answer=answer, template=template)
            for number, (template, answer) in enumerate(zip(templates, answers, strict=True))
        ]

    templates = {name: split(name, *"abab") for name in ("train", "validation", "test", "test_unseen_templates")}
    found = with_free_phrasing(
        templates, [], IndexProfile(_tickets(), Limits()), Settings(**settings, free_phrasing=0.5), 0
    )
    assert {name: [one.template[:1] for one in examples] for name, examples in found.items()} == {
        "train": ["a", "b", "a", "a"],  # two of them freely phrased
        "validation": ["a", "b", "a", "a"],
        "test": ["a", "b", "a", "b"],
        "test_unseen_templates": ["a", "b", "a", "b"],
    }
    assert [one.id for one in found["train"]] == [f"tickets-0-train-0000{number}" for number in range(4)]
    assert found["train"][2].template.startswith("asked/")


@pytest.mark.nightly
def test_share_of_train_and_validation_is_freely_phrased(settings: dict[str, Any]) -> None:
    def splits(share: float) -> dict[str, list[Example]]:
        task = QueryDsl(Settings(**settings, free_phrasing=share))
        return {split: list(task.examples(split)) for split in SPLITS}

    before, after = splits(0), splits(0.3)
    assert {split: len(found) for split, found in before.items()} == {split: len(after[split]) for split in after}
    assert all(before[split] == after[split] for split in ("test", "test_unseen_templates"))
    free = {split: sum(one.template.startswith("asked/") for one in found) for split, found in after.items()}
    assert free == {"train": 0.3 * ROWS, "validation": 0.3 * ROWS / 20, "test": 0, "test_unseen_templates": 0}
    assert {one.template for one in before["train"]} <= {one.template for one in after["train"]}
    every = [one for found in after.values() for one in found]
    assert len({one.id for one in every}) == len({one.question.lower() for one in every}) == len(every)
    golds = {canonical_text(one.answer or "") for one in after["test_unseen_templates"]}
    assert golds.isdisjoint(canonical_text(one.answer or "") for one in after["train"])
    assert splits(0.3) == after


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["weblogs", pytest.param("movies", marks=pytest.mark.nightly)])
def test_bundled_index_keeps_its_tests(name: str) -> None:
    small = {"index": name, "n_questions": size("BUNDLED_ROWS", ci=300, nightly=600), "documents": 900}
    before, after = QueryDsl(Settings(**small)), QueryDsl(Settings(**small, free_phrasing=0.3))
    for split in ("test", "test_unseen_templates", "test_unseen_data"):
        assert list(before.examples(split)) == list(after.examples(split))
    golds = {canonical_text(one.answer or "") for one in after.examples("test_unseen_data")}
    train = list(after.examples("train"))
    assert golds.isdisjoint(canonical_text(one.answer or "") for one in train)
    assert any(one.template.startswith("asked/") for one in train)
