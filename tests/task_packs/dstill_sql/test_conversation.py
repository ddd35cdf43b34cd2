"""A conversation with the base about a database: questions go on from the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from dstill import config as configuration
from dstill.factory import Setup
from dstill.plugins import load, part_sections
from dstill.stages.predict import live_data
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

ROWS = [("Oslo", "paid", 5), ("Oslo", "open", 7), ("Bergen", "paid", 11), ("Bergen", "open", 2), ("Oslo", "paid", 9)]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    file: Path = tmp_path_factory.mktemp("shop") / "shop.db"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT, status TEXT, price INTEGER)")
    connection.executemany("INSERT INTO orders (city, status, price) VALUES (?, ?, ?)", ROWS)
    connection.commit()
    connection.close()
    plugins = load()
    flags = {
        "project.task": "sql",
        "train.student": "base:sql",
        "train.objective": "label-only",
        "engine.url": f"sqlite:///{file}",
    }

    def setup(**more: object) -> Setup:
        sections = part_sections(plugins)
        return Setup(plugins, configuration.load(use_files=False, flags={**flags, **more}, sections=sections))

    with (
        live_data.kept(live_data.describe(setup())) as settings,
        Predictor(live_data.from_base("shop", setup(**settings)), execute=True) as made,
    ):
        yield made


class Talk:
    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.after = predictor, list[tuple[str, str]]()

    def ask(self, question: str) -> PredictedAnswer:
        example = self.predictor.example(question, after=self.after)
        (answered,) = self.predictor.answer([example])
        self.after.append((question, answered.answer))
        return answered


def test_a_condition_and_then_a_count(predictor: Predictor) -> None:
    talk = Talk(predictor)
    assert len(talk.ask("show the orders from Oslo").result["rows"]) == 3
    assert talk.ask("only the paid ones").question == "show the orders from Oslo.\nonly the paid ones"
    counted = talk.ask("how many are there?")
    assert [*map(tuple, counted.result["rows"])] == [(2,)]
    assert counted.question == "how many orders where city is 'Oslo' and status is 'paid' are there?"
    assert [*map(tuple, talk.ask("how many orders are open?").result["rows"])] == [(2,)]  # stands alone


def test_a_question_after_an_answer_that_is_none(predictor: Predictor) -> None:
    """Answers that do not pass the checks, or belong to nothing, leave the question."""
    for answer in ("DROP TABLE orders", "", "SELECT x FROM y", "-- no answer: nothing"):
        example = predictor.example("how many are there?", after=[("orders from Oslo", answer)])
        assert example.question == "orders from Oslo.\nhow many are there?"


def test_a_question_too_long_to_go_on_stands_alone(predictor: Predictor) -> None:
    before = "orders from Oslo " + "x" * 1_980
    assert predictor.example("how many are there?", after=[(before, "")]).question == "how many are there?"


def test_forty_turns(predictor: Predictor) -> None:
    talk = Talk(predictor)
    talk.ask("show the orders from Oslo")
    for number in range(40):
        assert talk.ask(f"only those with a price above {number % 3}").ok
    assert len(talk.after) == 41
    example = predictor.example("only those with a price above 1", after=talk.after[-2:])
    assert len(example.question) < 200
