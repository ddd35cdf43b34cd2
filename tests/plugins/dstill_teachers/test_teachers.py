"""The teachers ``synthetic`` and ``replay``, and the check of rationales."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from support.offering import offering

import dstill_teachers
from dstill.api.protocols import RationaleTerms
from dstill.api.records import Draft, Example, Problem, Prompt, Reply
from dstill.api.task import Check, Task
from dstill.api.teacher import Teacher
from dstill.defaults import check_draft as core_checks
from dstill.errors import ConfigError, DataError
from dstill.io.jsonl import write_rows
from dstill.plugins import PluginInfo, Plugins
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import replies
from dstill_teachers.replay import Replay, ReplayConfig
from dstill_teachers.synthetic import Synthetic


class Sums(Task):
    name = "sums"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()

    def reply_text(self, rationale: str, answer: str) -> str:
        return f"{rationale} => {answer}"

    def canonical(self, answer: str) -> str:
        return answer.replace("plus", "+")


def prompt(**example: Any) -> Prompt:
    task = Sums()
    return task.prompt(Example(**{"id": "1", "question": "one and two", **example}), ())


def reply(teacher: Teacher, asked: Prompt) -> Reply:
    return asyncio.run(teacher.open(Sums()).ask(asked))


# --- synthetic --------------------------------------------------------------------------


def test_synthetic_teacher_answers_in_the_form_of_the_task() -> None:
    asked = prompt(answer="1 + 2", rationale="one is 1")
    assert reply(Synthetic(), asked) == Reply(id="1", text="one is 1 => 1 + 2", model="synthetic")


def test_synthetic_teacher_needs_a_gold() -> None:
    with pytest.raises(DataError, match="no reference answer") as caught:
        reply(Synthetic(), prompt())
    assert caught.value.code == "no_gold"  # what rejections are counted under


def test_reply_depends_on_the_gold(tmp_path: Path) -> None:
    """The question is the same, but the cache must not return the old gold."""
    teacher = Synthetic().open(Sums())

    async def run(answer: str) -> Any:
        return [a.reply async for a in replies(teacher, [prompt(answer=answer, rationale="so")], store)]

    with ReplyStore(tmp_path / "replies.sqlite") as store:
        assert asyncio.run(run("1 + 2"))[0].text == "so => 1 + 2"
        assert asyncio.run(run("2 + 1"))[0].text == "so => 2 + 1"
        assert len(store) == 2


# --- replay -----------------------------------------------------------------------------


def replay(file: Path) -> Replay:
    return Replay(ReplayConfig(file=str(file)))


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_answers_are_replayed_from_three_formats(tmp_path: Path, suffix: str) -> None:
    rows = [{"prompt": "one and two", "rationale": "one is 1", "dsl": "1 + 2"}, {"prompt": "two", "dsl": "2"}]
    file = tmp_path / f"answers.{suffix}"
    if suffix == "jsonl":
        write_rows(file, rows)
    elif suffix == "csv":
        file.write_text("prompt,rationale,dsl\none and two,one is 1,1 + 2\ntwo,,2\n")
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    assert reply(replay(file), prompt(id="any")).text == "one is 1 => 1 + 2"
    assert reply(replay(file), prompt(id="any", question="two")).text == " => 2"  # without a rationale


def test_replay_matches_by_id_then_by_question(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    rows = [{"id": "a", "question": "x", "answer": "1"}, {"id": "b", "question": "x", "answer": "2"}]
    write_rows(file, [*rows, {"id": "c", "question": "y", "answer": "3"}])
    assert reply(replay(file), prompt(id="b", question="x")).text == " => 2"
    assert reply(replay(file), prompt(id="a", question="y")).text == " => 3"  # the id is of another question
    assert reply(replay(file), prompt(id="c", question="Y, in other words")).text == " => 3"
    with pytest.raises(DataError, match=r"2 different answers to the question \(a, b\)") as several:
        reply(replay(file), prompt(id="z", question="x"))
    with pytest.raises(DataError, match="no answer to the question") as none:
        reply(replay(file), prompt(id="z", question="z"))
    assert (several.value.code, none.value.code) == ("several_answers", "not_in_file")


def test_corrected_file_is_replayed_again(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    write_rows(file, [{"question": "one and two", "answer": "1 + 2"}])
    before = replay(file).open(Sums()).identity(prompt())
    write_rows(file, [{"question": "one and two", "answer": "2 + 1"}])
    assert replay(file).open(Sums()).identity(prompt()) != before


def test_replay_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a file with answers"):
        Replay().open(Sums())
    write_rows(tmp_path / "questions.jsonl", [{"question": "q"}])
    with pytest.raises(DataError, match="no row has an answer"):
        replay(tmp_path / "questions.jsonl").open(Sums())


# --- rationales -------------------------------------------------------------------------


@pytest.fixture
def plugins() -> Plugins:
    plugins = Plugins()
    plugins.add(dstill_teachers, PluginInfo(name="teachers"))
    assert not plugins.failures
    return plugins


LONG = "one plus two plus three plus four"


@pytest.mark.parametrize(
    ("answer", "rationale", "codes"),
    [
        (LONG, "", ["rationale_empty"]),
        (LONG, " \n", ["rationale_empty"]),
        (LONG, f"so it is {LONG}.", ["rationale_leaks_answer"]),
        (LONG, "it is  one\nplus two plus\tthree plus four", ["rationale_leaks_answer"]),
        (LONG, "canonically one + two + three + four", ["rationale_leaks_answer"]),
        (LONG, "first one, then two, three and four", []),
        ("42", "six times seven is 42", []),  # any good rationale names such a short answer
    ],
)
def test_rationales_are_checked(plugins: Plugins, answer: str, rationale: str, codes: list[str]) -> None:
    example = Example(id="1", question="q")
    found = plugins.check_draft(Sums(), example, Draft(answer=answer, rationale=rationale))
    assert [p.code for p in found] == codes
    assert all(p.layer == "rationale" and p.is_error for p in found)


class FieldTerms(RationaleTerms):
    """Its answers are names joined by a sign."""

    def answer_terms(self, answer: str) -> Iterable[str]:
        return [name for name in answer.split()[-1].split("+") if name != "none"]


Fields = offering(Sums, FieldTerms)


@pytest.mark.parametrize(
    ("answer", "rationale", "passes"),
    [
        ("http.response.status_code", "http.response.status_code is a number: term.", True),
        ("http.response.status_code", "STATUS_CODE is a number.", True),
        ("http.response.status_code", "The status codes are numbers.", True),
        ("http.responseTime", "The response time is a float.", True),
        ("took+host.name", "one of two will do: host.name", True),
        ("отклик.время", "Поле «время» — число.", True),
        ("http.response.status_code", "A range fits numbers well.", False),
        ("http.response.status_code", "The status is a number.", False),  # a part of a name is another name
        ("http.response.status_code", "http.response is an object.", False),
        ("none", "Nothing of it is there.", True),  # an answer without names needs none
    ],
)
def test_rationale_must_name_the_terms_of_its_answer(
    plugins: Plugins, answer: str, rationale: str, passes: bool
) -> None:
    draft = Draft(answer=f"all of {answer}", rationale=rationale)
    found = plugins.check_draft(Fields(), Example(id="1", question="q"), draft)
    assert [p.code for p in found] == ([] if passes else ["rationale_names_nothing"])
    assert passes or answer in found[0].hint  # what the retry prompt says


def test_core_does_not_check_rationales() -> None:
    found: Iterable[Problem] = core_checks(Sums(), Example(id="1", question="q"), Draft(answer="x"))
    assert list(found) == []


def test_plugin_registers_both_teachers(plugins: Plugins) -> None:
    assert plugins.teacher("synthetic") is Synthetic
    assert plugins.teacher("replay") is Replay
