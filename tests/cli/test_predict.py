"""`dstill predict` with the toy: streaming from stdin, sampling, voting and exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstill.api.records import Example, Table
from dstill.cli import predict, results
from dstill.cli.predict import BLOCK

Cli = Callable[..., Any]
MAKE = (
    *("generate", "--out", "runs/mine", "--task", "toy", "--teacher", "parrot"),
    *("--set", "train.student=memory", "--set", "train.objective=plain"),
    *("--set", "evaluate.baselines=untrained"),
)


@pytest.fixture
def finished(project: Path, make: Callable[..., None]) -> Path:
    make("finished", MAKE, ("train", "mine"))
    return project / "runs" / "mine"


def objects(ended: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


# --- stdin ------------------------------------------------------------------------------


def test_streams_answers_from_a_pipe(finished: Path, toy_file: Path) -> None:
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "predict", "mine", "--json"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("add 2 and 1\n" * (BLOCK + 1))
        process.stdin.flush()
        first = [json.loads(process.stdout.readline()) for _ in range(BLOCK)]
        process.stdin.write("add 3 and 1\n")
        process.stdin.close()
        rest = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    assert [row["id"] for row in first] == [str(n) for n in range(1, BLOCK + 1)]
    assert [(row["id"], row["answer"]) for row in rest] == [(str(BLOCK + 1), "1+2"), (str(BLOCK + 2), "1+3")]


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"question": "add 2 and 1"}\r\n\r\n{"question": "add 3 and 1"}',
        b"\xef\xbb\xbfadd 2 and 1\r\n\r\nadd 3 and 1",
        b'\n \n{"question": "add 2 and 1", "id": "x"}\n{"question": "add 3 and 1"}\n',
    ],
)
def test_bom_and_blank_lines_are_skipped(cli: Cli, finished: Path, data: bytes) -> None:
    assert [row["question"] for row in objects(cli("predict", "mine", "--json", stdin=data))] == [
        "add 2 and 1",
        "add 3 and 1",
    ]


def test_empty_input_gives_no_answers(cli: Cli, finished: Path) -> None:
    ended = cli("predict", "mine", stdin=b" \n\n")
    assert (ended.code, ended.out, ended.err) == (0, "", "note: no questions on stdin\n")


def test_question_may_start_with_a_bracket(cli: Cli, finished: Path) -> None:
    (row,) = objects(cli("predict", "mine", "--json", stdin=b"[urgent] add 2 and 1\n"))
    assert row["question"] == "[urgent] add 2 and 1"


def test_endless_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "MAX_LINE", 64)
    endless = io.BytesIO(b"x" * 10_000)
    lines = predict.Lines(endless)
    assert not lines.begin_with(predict.ROWS)
    assert endless.tell() == 64


def test_blocks_have_the_maximum_size() -> None:
    def examples(count: int) -> Iterator[Example]:
        return (Example(id=str(n), question="q") for n in range(count))

    assert [len(block) for block in predict.blocks(examples(2 * BLOCK + 1))] == [BLOCK, BLOCK, 1]
    assert [len(block) for block in predict.blocks(examples(BLOCK))] == [BLOCK]
    assert not list(predict.blocks(examples(0)))


# --- sampling and voting ----------------------------------------------------------------


def test_samples_are_shown_with_their_counts(cli: Cli, finished: Path) -> None:
    words = ("predict", "mine", "add 2 and 1", "--num-samples", 8, "--temperature", 1.2)
    ended = cli(*words)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[1] == "1+2"  # the greedy one first
    assert sum(int(line.split()[0]) for line in lines if line.endswith(" of 8")) == 8
    (row,) = objects(cli(*words, "--json", "--execute"))
    assert (row["answer"], row["result"]) == ("1+2", 3)
    assert [sample["answer"] for sample in row["samples"]] == list(
        dict.fromkeys(sample["answer"] for sample in row["samples"])
    )
    assert sum(sample["count"] for sample in row["samples"]) == 8
    assert "question" not in row["samples"][0]
    assert objects(cli(*words, "--json", "--execute")) == [row]  # seeded
    (other,) = objects(cli(*words, "--json", "--execute", "--seed", 2))
    assert other["answer"] == row["answer"]
    assert other["samples"] != row["samples"]


def test_self_consistency_shows_the_votes(cli: Cli, finished: Path) -> None:
    words = ("predict", "mine", "add 2 and 1", "--self-consistency", 8, "--temperature", 0.5)
    (row,) = objects(cli(*words, "--json"))
    assert (row["answer"], row["result"], row["votes"]["of"]) == ("1+2", 3, 8)
    assert row["votes"]["agree"] > 4
    ended = cli(*words)
    assert ended.out.splitlines()[0] == "1+2"
    assert ended.out.splitlines()[1].startswith(f"  {row['votes']['agree']} of 8 answers agree")
    assert ended.out.splitlines()[-1] == "3"
    many = objects(cli(*words[:2], *words[3:], "--json", stdin=b"add 2 and 1\nadd 3 and 1\nwhat is this\n"))
    assert [one["votes"]["of"] for one in many] == [8, 8, 8]


MUTE = """
from dstill import Task, hookimpl
from dstill.api.student import Student, Generator
from dstill.api.records import Example, Table

from dstill_plugin_toy import Memorizer, Recall, Toy

class Mute(Toy):
    name = "mute"
    executors = ()

class Single(Memorizer):
    name = "single"

    def load(self, folder, *, trained=True):
        known = super().load(folder, trained=trained)

        class Once(Generator):
            generate = known.generate

        return Once()

@hookimpl
def register_tasks():
    yield Mute

@hookimpl
def register_students():
    yield Single
"""


def test_voting_needs_an_executor_and_a_sampling_student(cli: Cli, project: Path) -> None:
    Path("mute.py").write_text(MUTE)
    for task, student in (("mute", "memory"), ("toy", "single")):
        made = (*MAKE[:2], f"runs/{task}", "--task", task, *MAKE[5:8], f"train.student={student}", *MAKE[9:])
        assert cli("--plugin", "mute.py", *made).code == 0
        assert cli("--plugin", "mute.py", "train", task).code == 0
    words = ("add 2 and 1", "--num-samples", 4)
    ended = cli("--plugin", "mute.py", "predict", "mute", "add 2 and 1", "--self-consistency", 4)
    assert (ended.code, ended.err.splitlines()[:2]) == (
        2,
        [
            "error: answers vote by their results, but they cannot be run: task 'mute' has no executor",
            "where: --self-consistency",
        ],
    )
    ended = cli("--plugin", "mute.py", "predict", "toy", *words)
    assert ended.code == 2
    assert ended.err.startswith(
        "error: this kind of student cannot sample several answers to one question\nwhere: --num-samples\n"
    )


# --- exit codes -------------------------------------------------------------------------


def set_answers(finished: Path, **answers: str) -> None:
    """Set the student's answers to questions of one word."""
    file = finished / "student" / "pairs.json"
    pairs = json.loads(file.read_text())
    pairs |= {" ".join(sorted(("predict:", question))): answer for question, answer in answers.items()}
    file.write_text(json.dumps(pairs))


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        ("1*2", 9, "'1*2' is no sum"),
        ("123+1", 9, "123 has more than 2 digits"),
        ("1+2~", 9, "not today"),  # this engine cannot run it
        ("1+2!", 7, "not today"),  # this engine is not there
    ],
)
def test_exit_code_depends_on_the_failure(cli: Cli, finished: Path, answer: str, code: int, reason: str) -> None:
    set_answers(finished, what=answer)
    words = ("predict", "mine", "--execute", "what")
    ended = cli(*words)
    assert (ended.code, ended.err.splitlines()[0]) == (code, f"error: {reason}")
    as_json = cli(*words, "--json")
    (row,) = objects(as_json)
    assert (as_json.code, row["ok"], row["reason"], row["answer"]) == (code, False, reason, answer)


def test_refusal_counts_as_an_answer(cli: Cli, finished: Path) -> None:
    set_answers(finished, what="none")
    ended = cli("predict", "mine", "--execute", "what")
    assert (ended.code, ended.out) == (0, "none\n")
    assert ended.err.splitlines()[0] == "note: the student refused to answer"
    as_json = cli("predict", "mine", "--execute", "what", "--json")
    (row,) = objects(as_json)
    assert (as_json.code, row["ok"], row["refused"], row["answer"]) == (0, False, True, "none")


def test_one_unusable_answer_sets_the_exit_code(cli: Cli, finished: Path) -> None:
    set_answers(finished, away="1+2!", wrong="1*2")
    ended = cli("predict", "mine", "--execute", stdin=b"add 2 and 1\naway\n")
    assert (ended.code, ended.err.splitlines()[0]) == (7, "error: 1 of 2 answers cannot be used")
    ended = cli("predict", "mine", "--execute", stdin=b"away\nwrong\n")
    assert ended.code == 9


def test_questions_and_answers_cannot_inject_terminal_escapes(cli: Cli, finished: Path) -> None:
    """Terminal escapes are escaped; HTML and formulas are harmless text."""
    steer = "\x1b[2J\x1b]0;owned\x07<script>=cmd()"
    set_answers(finished, steer=f"1+2{steer}")
    for words in (("steer",), ("steer", "--json"), (f"steer{steer}",), (f"steer{steer}", "--json")):
        ended = cli("predict", "mine", *words)
        assert ended.code == 9
        assert not {"\x1b", "\x07"} & set(ended.out + ended.err)
    assert "\\u001b[2J" in cli("predict", "mine", "steer").out


def test_results_cannot_inject_terminal_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    """Values, field names and bucket names, written by the index, its owner or the student."""
    results._show_table(
        Table(title="3 \x1b[2Jhits", columns=("[red]id[/red]", "#\x1b]0;x\x07took"), rows=(("a\x1b[31m", "[b]1"),)),
        results.Rows(20),
    )
    assert capsys.readouterr().out.split() == [
        "3",
        "\\u001b[2Jhits",
        "[red]id[/red]",
        "\\u001b]0;x\\u0007took",
        "a\\u001b[31m",
        "[b]1",
    ]


def test_rows_over_the_limit_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    rows = tuple((str(n),) for n in range(567))
    results._show_table(Table(columns=("#n",), rows=rows), results.Rows(20))
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines[:3]] == ["n", "0", "1"]
    assert lines[20:] == [lines[20], "  … 547 more rows: --limit 567 shows all 567"]
    results._show_table(Table(columns=("#n",), rows=rows), results.Rows(567))
    assert "more rows" not in capsys.readouterr().out
    results._show_table(Table(columns=("#n",), rows=rows[:2]), results.Rows(1))
    assert capsys.readouterr().out.endswith("  … 1 more row: --limit 2 shows all 2\n")


def test_columns_that_do_not_fit_are_omitted(capsys: pytest.CaptureFixture[str]) -> None:
    wide = tuple(f"{name * 50}" for name in "abcd")
    results._show_table(Table(columns=wide, rows=(("1", "2", "3", "4"),), spare=3), results.Rows(20))
    assert capsys.readouterr().out.split() == [*wide[:2], "1", "2"]
    results._show_table(Table(columns=wide, rows=(("1", "2", "3", "4"),), spare=1), results.Rows(20))
    out = capsys.readouterr().out
    assert "ccc" in out
    assert "ddd" not in out
