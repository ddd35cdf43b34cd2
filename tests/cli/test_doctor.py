"""`dstill doctor`: the checks of an executor as rows, JSON and exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def rows(ended: Any) -> list[str]:
    return [" ".join(line.split()) for line in ended.out.splitlines()]


def test_shows_facts_and_counts_known_answers(cli: Cli) -> None:
    ended = cli("doctor")
    assert ended.code == 0, ended.err
    said = rows(ended)
    assert "beads 10 a wire ok" in said
    assert "known answers of toy 2 of 2 right ok" in said
    assert said[1] == "known answers of toy 1 not asked needs --load-data"  # what is not ok comes first
    assert said[-1] == "oil the wires"
    assert "not asked" not in cli("doctor", "--load-data").out


def test_json_has_each_known_answer(cli: Cli) -> None:
    found = json.loads(cli("doctor", "--json").out.splitlines()[-1])
    assert found["ok"] is True
    checks = {one["what"]: one["found"] for one in found["checks"]}
    assert checks["engine of toy"] == "abacus 1"
    assert "GiB free" in checks["device"]
    assert "extra train" in checks
    answers = {one["name"]: (one["found"], one["expected"], one["ok"]) for one in found["engine"]}
    assert answers == {
        "beads": ("10 a wire", "", True),
        "1+2": ("3", "3", True),
        "3-2": ("1", "1", True),
        "5+5": ("needs --load-data", "10", None),
    }


BROKEN = """
from dstill import Task, hookimpl
from dstill.errors import DataError, ServiceError
from dstill.api.engine import CheckResult
from dstill.api.executor import Executor

class Broken(Task):
    name = "broken"
    executors = ("breaking",)
    checks = ()

    def examples(self, split):
        return ()

class Breaking(Executor):
    name = "breaking"

    def execute(self, answer, example):
        raise AssertionError

    def self_check(self):
        yield CheckResult(name="1+1", found="3", expected="2", problem=DataError("1+1 gives 3", where="x", hint="y"))
        yield CheckResult(name="2+2", found="4", expected="4")
        raise ServiceError("the beads fell off", where="abacus", hint="pick them up")

@hookimpl
def register_tasks():
    yield Broken

@hookimpl
def register_executors():
    yield Breaking
"""


def test_names_each_wrong_answer_and_exits_with_the_first_problem(cli: Cli, project: Path) -> None:
    (project / "broken.py").write_text(BROKEN)
    ended = cli("--plugin", "broken.py", "doctor", "--task", "broken")
    said = rows(ended)
    assert "known answers of broken 1 of 2 right 1 wrong" in said
    assert "1+1 got 3 expected 2" in said
    assert ended.code == 4
    assert ended.err == "also: the beads fell off\nerror: 1+1 gives 3\nwhere: x\nhint: y\n"
    as_json = cli("--plugin", "broken.py", "doctor", "--task", "broken", "--json")
    found = json.loads(as_json.out.splitlines()[0])
    assert found["ok"] is False
    assert found["engine"][0]["problem"]["code"] == "data"


def test_advice_is_hidden_if_the_engine_fails(cli: Cli, project: Path) -> None:
    """For example, advice to create a key for an index that does not exist."""
    advised = BROKEN.replace('name="2+2",', 'name="2+2", advice="make a key for it",')
    first = (
        'yield CheckResult(name="1+1", found="3", expected="2", problem=DataError("1+1 gives 3", where="x", hint="y"))'
    )
    assert first in advised
    (project / "gone.py").write_text(advised.replace(first, ""))
    ended = cli("--plugin", "gone.py", "doctor", "--task", "broken")
    assert (ended.code, ended.err) == (7, "error: the beads fell off\nwhere: abacus\nhint: pick them up\n")
    assert "make a key for it" not in ended.out
    (project / "wrong.py").write_text(advised)
    assert "make a key for it" in cli("--plugin", "wrong.py", "doctor", "--task", "broken").out
