"""Options that a task pack adds to dstill's own commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import WITH_TOY

Cli = Callable[..., Any]

PACK = """
from dataclasses import dataclass, field
from dstill import Check, Task, hookimpl
from dstill.api import Example, OptionValue, Option, Problem, Synthesis

def known(example, answer):
    if answer not in example.context.get("words", ["yes"]):
        yield Problem(layer="known", code="unknown", message=f"'{answer}' is unknown")

@dataclass(frozen=True, kw_only=True)
class Config:
    words: str = ""

class Words(Synthesis):
    def synthesize(self, context, n, seed):
        for word in context["words"][:n]:
            yield Example(id=word, question=f"say {word}", answer=word)

class NAME(Task):
    name = "LOWER"
    Config = Config
    checks = (Check("known", known),)
    options = (
        Option(
            name="--words",
            commands=("check", "data questions", "no-such-command"),
            metavar="WORDS",
            help="The words of LOWER.",
            read=lambda text: OptionValue(settings={"task.LOWER.words": text}, context={"words": text.split(",")}),
            column=lambda value: {"words": value},
        ),
    )

    protocols = {Synthesis: Words}

    def examples(self, split):
        return ()

@hookimpl
def register_tasks():
    yield NAME
"""


@pytest.fixture
def packs(cli: Cli, project: Path) -> Cli:
    """The command line with the toy pack and two packs that share an option name."""
    files = []
    for name in ("One", "Other"):
        file = project / f"{name.lower()}.py"
        file.write_text(PACK.replace("NAME", name).replace("LOWER", name.lower()))
        files += ["--plugin", file.name]
    return lambda *words, **named: cli(*files, *words, **named)


def test_help_names_the_task_of_an_option(packs: Cli) -> None:
    shown = " ".join(packs("check", "--format", "answers", "--help").out.split())
    assert "--words WORDS The words of one. (task one only) The words of other. (task other only)" in shown
    assert "--mapping FILE How many digits a number may have. (task toy only)" in shown
    assert "--words" not in packs("train", "--help").out


def test_value_is_the_context_unless_a_row_has_one(packs: Cli, cli: Cli) -> None:
    assert packs("check", "--format", "answers", "--task", "one", "--words", "a,b", stdin=b"b").code == 0
    assert packs("check", "--format", "answers", "--task", "one", "--words", "a,b", stdin=b"c").code == 9
    Path("rows.jsonl").write_text('{"id": 1, "answer": "c", "words": ["c"]}\n{"id": 2, "answer": "c"}\n')
    ended = packs("check", "--format", "jsonl", "--task", "one", "--words", "a,b", "rows.jsonl")
    assert [json.loads(line)["ok"] for line in ended.out.splitlines()] == [True, False]


def test_next_command_includes_the_setting_of_the_option(packs: Cli) -> None:
    ended = packs("data", "questions", "--task", "other", "--words", "a,b", "-n", "2", "--out", "q.jsonl")
    assert ended.code == 0, ended.err
    assert ended.err.endswith(
        f"next: {WITH_TOY} --plugin one.py --plugin other.py generate --questions q.jsonl --task other"
        " --set task.other.words=a,b\n"
    )
    Path("dstill.toml").write_text('[task.other]\nwords = "a,b"\n')  # known already
    ended = packs("data", "questions", "--task", "other", "--words", "a,b", "-n", "2", "--out", "q.jsonl")
    assert ended.err.endswith(
        f"next: {WITH_TOY} --plugin one.py --plugin other.py generate --questions q.jsonl --task other\n"
    )


def test_option_of_one_task_alone_means_this_task(packs: Cli) -> None:
    file = Path("third.py")
    file.write_text(PACK.replace("NAME", "Third").replace("LOWER", "third").replace("--words", "--terms"))
    ended = packs("--plugin", file.name, "data", "questions", "--terms", "a,b", "-n", "1", "--out", "q.jsonl")
    assert ended.code == 0, ended.err
    assert ended.err.endswith("--questions q.jsonl --task third --set task.third.words=a,b\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "toy"), "task 'toy' has no option --words"),
        ((), "several tasks have the option --words"),
    ],
)
def test_option_of_another_task_is_refused(packs: Cli, words: tuple[str, ...], message: str) -> None:
    ended = packs("check", "--format", "answers", *words, "--words", "a", stdin=b"1+2")
    hint = "it is an option of one, other: choose one with --task NAME, or omit --words"
    assert (ended.code, ended.err) == (2, f"error: {message}\nwhere: --words\nhint: {hint}\n")


def test_duplicate_option_marks_the_pack_as_failed(cli: Cli, project: Path) -> None:
    (project / "one.py").write_text(PACK.replace("NAME", "One").replace("LOWER", "one").replace("--words", "--layer"))
    ended = cli("--plugin", "one.py", "pack", "list")
    assert ended.code == 3
    assert "plugin 'one': `dstill check` has an option --layer of its own" in ended.err
