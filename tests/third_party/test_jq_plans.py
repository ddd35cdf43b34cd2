"""The base of plans answers in jq, of which it saw no program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import jq_plans

from dstill.api.records import Example, ModelInput
from dstill.plans.form import PlanForm
from dstill.synthesis.plans import Aggregate, Comparison, Existence, Having, Operator, Place, Plan, Skip
from dstill.synthesis.subjects import Relation
from dstill_linked.generation import LinkedGenerator
from dstill_linked.saving import read_scorer

jq = pytest.importorskip("jq", reason="libjq is not installed")

SOURCE = Path(__file__).parent / "dstill_jq" / "src"
ROWS: list[dict[str, Any]] = [
    {"name": "Tin Door", "genre": "crime", "pages": 300, "author": {"country": "Chile"}, "topics": ["sea", "war"]},
    {"name": "Salt Road", "genre": "travel", "pages": 120, "author": {"country": "Ghana"}, "topics": ["sea"]},
    {"name": "Old Engine", "genre": "crime", "pages": 200, "author": {"country": "Ghana"}, "topics": ["music"]},
]
SUBJECT = jq_plans.subject_of("books", ROWS)
(BOOKS,) = SUBJECT.entities
NAME, GENRE, PAGES, COUNTRY, TOPICS = (Place(attribute) for attribute in BOOKS.attributes)


def plan(*shown: Place | Aggregate, **more: Any) -> Plan:
    return Plan(subject=SUBJECT, entity=BOOKS, shown=shown, **more)


def where(place: Place, operator: Operator, *values: Any) -> dict[str, Any]:
    return {"conditions": (Comparison(place, operator, values),)}


@pytest.mark.parametrize(
    ("asked", "results"),
    [
        (plan(NAME), ["Tin Door", "Salt Road", "Old Engine"]),
        (plan(NAME, PAGES, **where(GENRE, "=", "crime")), [["Tin Door", 300], ["Old Engine", 200]]),
        (plan(NAME, **where(GENRE, "!=", "crime")), ["Salt Road"]),
        (plan(NAME, **where(PAGES, "between", 150, 250)), ["Old Engine"]),
        (plan(NAME, **where(COUNTRY, "in", "Chile", "Peru")), ["Tin Door"]),
        (plan(NAME, **where(TOPICS, "=", "sea")), ["Tin Door", "Salt Road"]),
        (plan(NAME, **where(TOPICS, "!=", "sea")), ["Old Engine"]),
        (plan(NAME, **where(NAME, "contains", "Road")), ["Salt Road"]),
        (plan(NAME, **where(PAGES, "is_null")), []),
        (plan(Aggregate("count"), **where(PAGES, ">", 150)), [2]),
        (plan(Aggregate("avg", PAGES), **where(GENRE, "=", "crime")), [250]),
        (plan(Aggregate("min", PAGES), Aggregate("max", PAGES)), [[120, 300]]),
        (plan(Aggregate("count_distinct", GENRE)), [2]),
        (plan(GENRE, distinct=True), ["crime", "travel"]),
        (plan(GENRE, Aggregate("count"), group=(GENRE,)), [[["crime", 2], ["travel", 1]]]),
        (plan(GENRE, group=(GENRE,), having=Having(Aggregate("count"), ">", 1)), [["crime"]]),
        (plan(GENRE, group=(GENRE,), order=Aggregate("sum", PAGES), descending=True, limit=1), [["crime"]]),
        (plan(NAME, order=PAGES, limit=2), ["Salt Road", "Old Engine"]),
        (
            plan(NAME, conditions=(Comparison(GENRE, "=", ("travel",)), Comparison(PAGES, ">", (250,))), any_of=True),
            ["Tin Door", "Salt Road"],
        ),
    ],
)
def test_a_plan_is_a_program(asked: Plan, results: list[Any]) -> None:
    assert jq.compile(jq_plans.write(asked)).input_value(ROWS).all() == results


@pytest.mark.parametrize(
    "asked",
    [
        plan(NAME, **where(PAGES, "above_average")),
        plan(NAME, conditions=(Existence(Relation(child="a", parent="b", role="", column="", to_column=""), False),)),
    ],
)
def test_what_jq_cannot_say_is_skipped(asked: Plan) -> None:
    with pytest.raises(Skip):
        jq_plans.write(asked)


def answers() -> Iterator[tuple[Example, str, list[Any]]]:
    """The pack's questions about its unseen document, with the base's answers, and the document."""
    from dstill_jq.questions import UNSEEN_DATA, document, questions

    rows = document(UNSEEN_DATA)
    subject = jq_plans.subject_of(UNSEEN_DATA, rows)
    form = PlanForm(lambda _: subject, jq_plans.write, 'error("missing")')
    generator = LinkedGenerator(*(lambda found: (found[0], form, found[1]))(read_scorer(form.bases["plans"], form)))
    examples = questions("test_unseen_data")
    written = generator.generate([ModelInput(text=example.question, example=example) for example in examples])
    for example, text in zip(examples, written, strict=True):
        yield example, text.text, rows


def test_the_base_answers_in_a_language_that_it_never_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SOURCE)

    def results(program: str, rows: list[Any]) -> str:
        try:
            found = jq.compile(program).input_value(rows).all()
        except ValueError:
            return "error"
        return json.dumps(found[0] if len(found) == 1 and isinstance(found[0], list) else found)

    asked = list(answers())
    right = sum(results(text, rows) == results(example.answer or "", rows) for example, text, rows in asked)
    assert right / len(asked) >= 0.6
