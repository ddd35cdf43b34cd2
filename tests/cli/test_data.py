"""Which data a question is about, on the command line: a task of several databases (`support/towns.py`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
MAKE = (
    *("generate", "--out", "runs/mine", "--task", "towns", "--teacher", "parrot"),
    *("--set", "train.student=memory", "--set", "train.objective=plain"),
    *("--set", "evaluate.baselines=[]", "--set", 'evaluate.splits=["test", "test_unseen_data"]'),
)


@pytest.fixture
def towns(cli: Cli, root: Path) -> Cli:
    return lambda *words, **more: cli("--plugin", root / "tests" / "support" / "towns.py", *words, **more)


@pytest.fixture
def finished(towns: Cli, project: Path) -> Path:
    for words in (MAKE, ("train", "mine")):
        ended = towns(*words)
        assert ended.code == 0, ended.err
    return project / "runs" / "mine"


def answers(ended: Any) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in ended.out.splitlines()]
    return [(row["id"], row["answer"]) for row in rows]


def rows(*given: dict[str, Any]) -> bytes:
    return "\n".join(map(json.dumps, given)).encode()


# --- unseen data ------------------------------------------------------------------------


def test_scores_are_split_by_database(towns: Cli, finished: Path) -> None:
    assert towns("evaluate", "mine").code == 0
    evaluated = json.loads((finished / "run.json").read_text())["stages"]["evaluate"]
    assert {name: of["right"]["n"] for name, of in evaluated["by_data"].items()} == {"school": 0, "shop": 0}
    assert evaluated["judged_by"] == [{"name": "core", "distribution": "dstill", "version": _version()}]


def _version() -> str:
    from dstill import __version__

    return __version__


# --- predict ----------------------------------------------------------------------------


def test_answers_about_the_named_data(towns: Cli, finished: Path) -> None:
    for name, answer in (("school", "school:pupils"), ("shop", "shop:teas")):
        ended = towns("predict", "mine", "--data", name, "count table 0")
        assert (ended.code, ended.out, ended.err) == (0, f"{answer}\n", "")


def test_defaults_to_the_most_frequent_data_with_a_note(towns: Cli, finished: Path) -> None:
    ended = towns("predict", "mine", "count table 0")
    assert ended.out == "shop:teas\n"
    assert ended.err == "note: asked about the database 'shop'; choose with --data: shop, school, clinic\n"


def test_rows_may_name_their_data_and_id(towns: Cli, finished: Path) -> None:
    given = rows(
        {"id": "a", "question": "count table 0", "db": "school"},
        {"id": 7, "question": "count table 1", "data": "school"},
        {"question": "count table 0", "context": {"db": "shop"}},
        {"question": "count table 1", "context": '{"db": "school"}'},  # as a dataset's file has it
        {"question": "count table 0", "context": {"db": "school", "more": 1}},
        {"id": "", "question": "count table 2"},
        {"question": "count table 1"},
    )
    ended = towns("predict", "mine", "--json", stdin=given)
    assert answers(ended) == [
        ("a", "school:pupils"),
        ("7", "school:rooms"),
        ("3", "shop:teas"),
        ("4", "school:rooms"),
        ("5", "school:pupils"),
        ("6", "shop:bills"),
        ("7", "shop:sales"),
    ]
    assert ended.err.count("note: asked about the database 'shop'") == 1
    ended = towns("predict", "mine", "--json", "--data", "school", stdin=given.splitlines()[-1])
    assert (answers(ended), ended.err) == ([("1", "school:rooms")], "")


# --- check ------------------------------------------------------------------------------


def test_answers_are_checked_against_their_data(towns: Cli, project: Path) -> None:
    given = rows(
        {"id": "a", "answer": "shop:teas", "db": "shop"},
        {"id": "b", "answer": "shop:teas", "db": "school"},
        {"id": "c", "answer": "shop:teas", "data": "school"},
        {"id": "d", "answer": "shop:teas", "context": {"db": "school"}},
        {"id": "e", "answer": "shop:teas"},
        {"id": "f", "answer": "shop:teas", "db": 7},
        {"id": "g", "query": "shop:teas"},  # this task has no other word for an answer (`Task.answer_keys`)
    )
    ended = towns("check", "--format", "jsonl", "--task", "towns", stdin=given)
    found = {row["id"]: row["ok"] for row in map(json.loads, ended.out.splitlines())}
    assert found == {"a": True, "b": False, "c": False, "d": False, "e": True, "f": False, "g": False}
    assert "line 6: 'db' is a number, expected text" in ended.out
    assert "line 7: row has no 'answer'" in ended.out
    ended = towns("check", "--format", "answers", "--task", "towns", "--data", "school", stdin=given.splitlines()[4])
    assert "'shop:teas' is not of the database 'school'" in ended.out
    assert towns("check", "--format", "answers", "--task", "towns", "--data", "shop", stdin=b"shop:teas").code == 0
