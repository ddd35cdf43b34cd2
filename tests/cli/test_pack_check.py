"""`dstill pack check`: what it prints, its exit codes, and what only a new process and the command see."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FAULTY = """
from support.rows_pack import Rows, RowsAnswers, RowsLinked, Shelf
from dstill import hookimpl
from dstill.api import Demo, KnownAnswers, Linked
from dataclasses import replace
import time

class Quick(Demo):
    demo_quick_settings = {"task.faulty.most": 8, "train.max_steps": 3}

class Answers(RowsAnswers):
    runaway_answers = lambda self, example: ()  # each takes a second to be stopped, and other tests stop them

class Faulty(Rows):
    \"\"\"With a fault.\"\"\"
    name = "faulty"
    protocols = {**Rows.protocols, KnownAnswers: Answers}
    {method}

register_tasks, register_executors = hookimpl(lambda: [Faulty]), hookimpl(lambda: [Shelf])
"""
SET_ORDER = """
    def examples(self, split):
        colours = " ".join({"Red", "Blue", "Green", "Black", "White", "Grey"})
        return [replace(e, question=f"{e.question} {colours}") for e in super().examples(split)]
"""
FORM_OF_A_SET = """
    class SetLinked(RowsLinked):
        def form(self):
            made = super().form()
            made.tokens = (*made.tokens, *{"EXCEPT", "UNION", "WITH", "OFFSET", "HAVING", "GROUP"})
            return made

    protocols = {**protocols, Linked: SetLinked}
"""
SAME_ALWAYS = """
    def same(self, got, want):
        return True
"""
SLOW = """
    def same(self, got, want):
        time.sleep(1.1)
        return super().same(got, want)
"""
Call = Callable[..., Any]


@pytest.fixture
def check(cli: Call, project: Path) -> Call:
    def call(method: str = "", *words: str) -> Any:
        file = project / "faulty.py"
        file.write_text(FAULTY.replace("{method}", method))
        return cli("--plugin", file, "pack", "check", "faulty", "--limit", "8", *words, toy=False)

    return call


def test_pack_that_conforms(check: Call) -> None:
    ended = check()
    assert ended.code == 0, ended.out
    assert "task faulty: 8 of the reference answers to 133 questions" in ended.out
    assert [
        word
        for word in ("questions", "teaching", "answers", "form", "guard", "results", "running")
        if word in ended.out
    ]
    assert "error" not in ended.out.partition("\n\n")[2]
    assert "\n89 % of the mutants have another result than their reference\n" in ended.out


def test_fault_is_shown_with_line_and_advice(check: Call, project: Path) -> None:
    ended = check(SAME_ALWAYS)
    assert ended.code == 3
    assert "error same_always\n  same is true for the results of any two golds" in ended.out
    assert (
        f"  {project / 'faulty.py'}:19\n  compare the results: every answer that runs counts as correct now"
        in ended.out
    )
    assert ended.err.endswith("change what each finding names, and check again; docs/packs.md explains the methods\n")


def test_json_has_every_finding(check: Call, project: Path) -> None:
    ended = check(SAME_ALWAYS, "--json")
    assert ended.code == 3
    report = json.loads(ended.out)
    assert (report["task"], report["golds"]) == ("faulty", 8)
    assert next(group["name"] for group in report["groups"]) == "questions"
    first = report["findings"][0]
    assert (first["code"], first["severity"], first["where"]) == ("same_always", "error", f"{project / 'faulty.py'}:19")


QUICK = """
    protocols = {**protocols, Demo: Quick}
    def is_refusal(self, answer):
        raise ValueError(f"most {self.config.most}")
"""


def test_settings_are_those_of_the_quick_demo_unless_given(check: Call) -> None:
    assert "most 8" in check(QUICK).out
    assert "most 7" in check(QUICK, "--set", "task.faulty.most=7").out


def test_questions_in_the_order_of_a_set_are_found_in_a_new_process(check: Call) -> None:
    ended = check(SET_ORDER, "--json")
    assert ended.code == 3
    (found,) = [f for f in json.loads(ended.out)["findings"] if f["severity"] == "error"]
    assert (found["code"], found["what"]) == ("unstable_examples", "a new process gives other questions, or other rows")


def test_tokens_in_the_order_of_a_set_are_found_in_a_new_process(check: Call) -> None:
    ended = check(FORM_OF_A_SET, "--json")
    assert ended.code == 3
    (found,) = [f for f in json.loads(ended.out)["findings"] if f["severity"] == "error"]
    assert found["code"] == "form_unstable"


def test_new_process_that_fails_is_advice(check: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    ended = check("", "--json")
    assert ended.code == 0
    (found,) = json.loads(ended.out)["findings"]
    assert (found["code"], found["severity"]) == ("new_process_failed", "warning")


@pytest.mark.slow
def test_what_the_time_left_unchecked_is_said(check: Call) -> None:
    ended = check(SLOW, "--seconds", "1")
    assert ended.code == 3
    assert "(time was up)" in ended.out
    assert ended.err.splitlines()[-3:] == [
        "error: the time was up before everything was checked", "where: --seconds", "hint: give it more"
    ]  # fmt: skip
    assert check(SLOW, "--seconds", "1", "--json").code == 3


def test_the_only_task_needs_no_name(cli: Call) -> None:
    ended = cli("pack", "check", "--limit", "5")
    assert ended.code == 0, ended.out
    assert "advice no_hostile_answers" in ended.out
