"""`dstill ask` and `dstill adapt`: a student for the data on a server, without a project, and with one."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.io.pretty_json import pretty

Cli = Callable[..., Any]
ENGINE = ("--engine-url", "http://abacus:20", "--set", "engine.name=abacus")
FEW = ("--set", 'evaluate.baselines=["untrained"]')
BASE = ("--student", "memory:base")
ADAPT = ("adapt", *ENGINE, "--index", "sums", "--student", "memory", "--set", "train.objective=plain", *FEW)


@pytest.fixture
def base(project: Path) -> Path:
    """The folder of a student that was trained elsewhere."""
    folder = project / "base"
    folder.mkdir()
    known = {"add 1 and 2": "1+2", "sing a song": "none", "one too many": "100+1", "not to be counted": "1+2!"}
    pairs = {" ".join(sorted(f"predict: {question}".split())): answer for question, answer in known.items()}
    (folder / "pairs.json").write_text(json.dumps(pairs))
    return folder


def manifest(project: str) -> Any:
    return json.loads(Path(project, "runs/adapted/run.json").read_text())


def ask(cli: Cli, *words: object, stdin: bytes = b"") -> Any:
    return cli("ask", *ENGINE, *BASE, "--set", "train.objective=plain", *words, stdin=stdin)


def test_shows_answers_results_and_what_to_do_next(cli: Cli, base: Path) -> None:
    ended = ask(cli, "--index", "sums", "add 1 and 2", "sing a song")
    assert ended.code == 0, ended.err
    assert ended.out == "add 1 and 2\n1+2\n3\nsing a song\nrefused: the data cannot answer this\n"
    assert ended.err.splitlines() == [
        "20 numbers",
        "note: this student was not trained on this data set: half of its differences are wrong",
        "to train it on this data set: dstill adapt --student memory:base --engine-url http://abacus:20 --index sums "
        "--set 'engine.name=\"abacus\"' --set 'train.objective=\"plain\"'",
    ]
    assert list(Path(".").iterdir()) == [Path("base")]  # no project, no run


def test_lines_of_stdin_become_rows(cli: Cli, base: Path) -> None:
    ended = ask(cli, "--json", stdin=b"add 1 and 2\n\nsing a song\n")
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [(row["id"], row["ok"], row["refused"], row.get("result")) for row in rows] == [
        ("1", True, False, 3),
        ("3", False, True, None),
    ]
    assert ended.err == "20 numbers\n"


@pytest.mark.parametrize(
    ("question", "code", "shown"),
    [("one too many", 9, "error: 100 has more than 2 digits"), ("not to be counted", 7, "not today")],
)
def test_exit_code_says_whether_an_answer_can_be_used(
    cli: Cli, base: Path, question: str, code: int, shown: str
) -> None:
    ended = ask(cli, question)
    assert (ended.code, shown in ended.out) == (code, True)


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("", "the question is empty"),
        (" \n", "the question is empty"),
        ("x" * 2_001, "the question is too long: 2,001 characters (limit 2,000)"),
        ("a\0b", r"the question has characters that are not text: 'a\x00b'"),
    ],
)
def test_bad_question_is_refused_before_anything_is_read(cli: Cli, base: Path, question: str, what: str) -> None:
    ended = cli("ask", "--engine-url", "http://no.such.number", *BASE, question)
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {what}")


def test_escapes_control_characters(cli: Cli, base: Path) -> None:
    ended = ask(cli, "add \x1b[2J1 and\u202e 2")
    assert ended.out.startswith("add \\u001b[2J1 and\\u202e 2\n")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("ask", *BASE, "x"), "`dstill ask` needs the address of your data"),
        (("ask", *ENGINE, "x"), "task 'toy' has no base student"),
        (("ask", *ENGINE, "--student", "memory", "x"), "student 'memory' cannot answer before it is trained"),
        (("ask", *ENGINE, "--student", "no-run", "x"), "no run 'no-run'."),
        (("adapt", "--index", "sums"), "`dstill adapt` needs the address of your data"),
        (("adapt", *ENGINE), "task 'toy' has no base student"),
    ],
)
def test_refuses_calls_that_lack_something(cli: Cli, project: Path, words: tuple[str, ...], what: str) -> None:
    ended = cli(*words)
    assert (ended.code, ended.err.splitlines()[-3 if "hint" in ended.err else -1]) == (2, f"error: {what}")


def test_adapts_in_a_project_that_stays(cli: Cli, project: Path) -> None:
    ended = cli(*ADAPT, "--out", "my sums")
    assert ended.code == 0, ended.err
    toml = tomllib.loads(Path("my sums/dstill.toml").read_text())
    assert toml["engine"]["url"] == "http://abacus:20"
    assert toml["executor"] == {"abacus": {"index": "sums"}}
    last = ended.out.splitlines()[-3:]
    assert last[0] == "  cd 'my sums'"
    assert last[1].startswith("  dstill ask --student runs/adapted ")
    assert last[2] == "  dstill serve runs/adapted"
    trained = manifest("my sums")["stages"]["train"]["id"]
    again = cli(*ADAPT, "--out", "my sums", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out.splitlines()[-1])["run"] == "my sums/runs/adapted"
    assert manifest("my sums")["stages"]["train"]["id"] == trained  # not trained again
    answered = cli("ask", "--student", "my sums/runs/adapted", "add 1 and 2")
    assert answered.out == "add 1 and 2\n1+2\n3\n", answered.err
    other = cli(*ADAPT, "--engine-url", "http://abacus:30", "--out", "my sums")
    assert other.code == 2
    assert other.err.startswith("error: my sums/dstill.toml is about other data: unnamed at http://abacus:20\n")


def test_adapt_continues_where_it_was_stopped(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dstill.runs.run.trained", stopped)
        ended = cli(*ADAPT)
    assert ended.code == 130
    [hint] = [line for line in ended.err.splitlines() if line.startswith("hint: ")]
    assert hint.startswith("hint: resume with: dstill adapt ")
    assert hint.endswith(" --out adapted")
    made = manifest("adapted")["files"]["dataset/data/train.jsonl"]
    assert cli(*ADAPT).code == 0
    assert manifest("adapted")["files"]["dataset/data/train.jsonl"] == made


def test_pretty_json_breaks_only_long_lines() -> None:
    value = {"size": 0, "query": {"bool": {"filter": [{"term": {"a": 1}}, {"term": {"b": []}}]}}}
    for columns in (10, 40, 60, 200):
        assert json.loads(pretty(json.dumps(value), columns)) == value
    assert pretty('{"a":{"b":1},"c":[]}', 80) == '{"a": {"b": 1}, "c": []}'
    assert pretty('{"a":{"b":1},"c":[]}', 14) == '{\n  "a": {\n    "b": 1\n  },\n  "c": []\n}'
    assert pretty("no {json", 80) == "no {json"
