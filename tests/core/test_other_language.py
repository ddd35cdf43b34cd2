"""Questions in another language are said to be that, and English ones are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.quality.other_language import not_english, other_language

WRITTEN = sorted((Path(__file__).parents[2] / "task_packs").glob("*/bundle/*/*.jsonl"))


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("wie viele Kunden gibt es pro Stadt", "German"),
        ("Zeige mir alle Bestellungen", "German"),
        ("anzahl der Bestellungen", "German"),
        ("hvor mange kunder er der i hver by", "Danish or Norwegian"),
        ("hur många kunder finns det per stad", "Swedish"),
        ("hoeveel klanten zijn er per stad", "Dutch"),
        ("combien de clients par ville", "French"),
        ("quels sont les produits les plus chers", "French"),
        ("cuántos clientes hay por ciudad", "Spanish"),
        ("quantos clientes existem por cidade", "Portuguese"),
        ("quanti clienti ci sono per città", "Italian"),
        ("pokaż wszystkie zamówienia od klientów z Warszawy", "Polish"),
        ("сколько клиентов в каждом городе", "a language in Cyrillic letters"),
        ("每个城市有多少客户", "Chinese or Japanese"),
        ("고객 수", "Korean"),
    ],
)
def test_other_languages_are_named(question: str, language: str) -> None:
    assert other_language(question) == language
    [problem] = not_english(question)
    assert problem.message == f"the question seems to be in {language}: the student knows English"
    assert not problem.is_error


@pytest.mark.parametrize(
    "question",
    [
        "how many customers in Bad Homburg von der Höhe",
        "movies titled Der Untergang",
        "show the orders of El Corte Inglés con gas",
        "rating of 'Les quatre cents coups'",
        "how many orders come from Москва",
        "top customers",
        "",
        "?!",
    ],
)
def test_english_questions_about_other_names_are_english(question: str) -> None:
    assert other_language(question) == ""


def test_no_english_question_of_the_bundles_is_flagged() -> None:
    questions = [json.loads(line).get("question", "") for path in WRITTEN for line in path.read_text().splitlines()]
    assert len(questions) > 500
    assert [question for question in questions if other_language(question)] == []


@given(st.text())
def test_any_text_is_judged(question: str) -> None:
    assert isinstance(other_language(question), str)
