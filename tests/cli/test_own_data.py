"""Bad data of a user's own: each gets an answer that says what is wrong, where, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def generate(cli: Cli, *rows: tuple[str, str, str], teacher: str = "synthetic") -> Any:
    lines = [
        "id,question,answer,split",
        *(f"{n},{question},{answer},{split}" for n, (question, answer, split) in enumerate(rows)),
    ]
    Path("own.csv").write_text("\n".join(lines) + "\n")
    return cli("generate", "--task", "toy", "--teacher", teacher, "--questions", "own.csv", "--out", "mine")


def rejects() -> dict[str, str]:
    rows = [json.loads(line) for line in Path("mine/rejects.jsonl").read_text().splitlines()]
    return {row["id"]: row["problems"][0]["code"] for row in rows}


GOOD = [("add 1 and 2", "1+2", "train"), ("add 2 and 1", "2+1", "test")]


def test_golds_that_a_check_refuses_are_counted_and_listed(cli: Cli) -> None:
    ended = generate(cli, *GOOD, ("add 3 and 4", "100+4", "test"), ("add 4 and 5", "4 plus 5", "train"))
    assert ended.code == 0, ended.err
    assert "2 of 4 questions accepted" in ended.out
    assert "(generate.labels), 2 rejected (rejects.jsonl says why)\n" in " ".join(ended.out.split(" "))
    assert rejects() == {"2": "too_long", "3": "not_a_sum"}


def test_run_with_one_test_question_is_scored(cli: Cli) -> None:
    """One answer has no percentiles, and an empty split no coverage."""
    assert generate(cli, *GOOD).code == 0
    assert cli("train", "mine", "--student", "memory", "--objective", "plain").code == 0
    ended = cli("evaluate", "mine")
    assert ended.code == 0, ended.err
    assert "There are no questions in test_unseen_templates." in ended.out
    assert "Half of the answers" not in ended.out


def test_golds_that_the_engine_does_not_run_are_no_fault_of_the_student(cli: Cli) -> None:
    """They stay in the dataset, as another engine may run them, and do not count in the accuracy."""
    ended = generate(cli, *GOOD, ("add 3 and 4", "3+4~", "test"))
    assert (ended.code, "1 answer was not executed: this engine cannot run them" in ended.out) == (0, True)
    assert cli("train", "mine", "--student", "memory", "--objective", "plain").code == 0
    evaluated = cli("evaluate", "mine", "--set", 'evaluate.splits=["test"]', "--set", "evaluate.baselines=[]", "--json")
    assert json.loads(evaluated.out.splitlines()[-1])["n"] == 1
    verdicts = [json.loads(line) for line in Path("mine/verdicts.jsonl").read_text().splitlines()]
    assert [bool(row["gold_error"]) for row in verdicts] == [False, True]
