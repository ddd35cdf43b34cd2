"""`dstill ask` and `dstill adapt`: a student for the data on a server, without a project, and with one."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from dstill.io.pretty_json import pretty
from dstill.runs.contents import RunContents

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


def test_a_question_without_quotes_is_one_question(cli: Cli, base: Path) -> None:
    ended = ask(cli, "add", "1", "and", "2")
    assert ended.out == "add 1 and 2\n1+2\n3\n"
    assert ended.err.splitlines()[0] == "these words are read as one question; put a question in quotes"


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


def test_escapes_control_characters(cli: Cli, base: Path) -> None:
    ended = ask(cli, "add \x1b[2J1 and\u202e 2")
    assert ended.out.startswith("add \\u001b[2J1 and\\u202e 2\n")


# --- at a terminal ----------------------------------------------------------------------


class Conversation:
    """`dstill ask` at a terminal: what it shows up to each prompt."""

    def __init__(self, plugins: Sequence[Path], *words: str) -> None:
        self._ours, theirs = pty.openpty()
        loaded = [word for plugin in plugins for word in ("--plugin", str(plugin))]
        call = [sys.executable, "-m", "dstill", *loaded, "ask", *ENGINE, *words]
        found = [str(plugins[0].parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]  # of tests/support
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100", "PYTHONPATH": os.pathsep.join(found)}
        self.process = subprocess.Popen(call, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        self.greeting = self._until("\n> ")

    def type(self, line: str, *, until: str = "\n> ") -> str:
        os.write(self._ours, f"{line}\n".encode())
        return self._until(until).partition("\n")[2]  # without the echo of the line

    def interrupt(self) -> None:
        """Ctrl-C; again if it came just before the program began to wait for a line, which Python then does not see."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)

    def end(self) -> str:
        return self._until("")

    def _until(self, mark: str) -> str:
        told = ""
        while not (mark and told.endswith(mark)):
            try:
                read = os.read(self._ours, 65536)
            except OSError:  # how Linux tells that the other side is closed
                read = b""
            if not read:
                break
            told += read.decode().replace("\r", "")
        return told


@pytest.fixture
def converse(toy_file: Path, project: Path) -> Iterator[Callable[..., Conversation]]:
    started: list[Conversation] = []

    def start(*words: str) -> Conversation:
        started.append(Conversation([toy_file, toy_file.with_name("unsure.py")], *words))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_terminal_has_a_prompt_help_and_an_end(converse: Any, base: Path) -> None:
    talk = converse(*BASE, "--set", "train.objective=plain")
    assert talk.greeting.endswith(
        "enter one question per line; `help` lists the fields, `more` shows more rows, `exit` or Ctrl-D ends\n> "
    )
    assert talk.type("add 1 and 2") == "1+2\n3\n> "
    assert "ask in English, in one sentence: the data set has\n" in talk.type("help")
    assert talk.type("one too many").startswith("100+1\n  error: 100 has more than 2 digits")
    talk.type("exit", until="")
    assert talk.process.wait() == 0


def test_ctrl_c_at_the_prompt_is_no_error(converse: Any, base: Path) -> None:
    talk = converse(*BASE, "--set", "train.objective=plain")
    assert talk.greeting.endswith("\n> ")
    talk.interrupt()
    assert "error" not in talk.end()
    assert talk.process.wait() == 130


# --- a run ------------------------------------------------------------------------------


def test_student_of_a_run_shows_its_confidence(unsure: Cli) -> None:
    words = ("ask", "--student", "mine", *ENGINE)
    one = unsure(*words, "add 3 and 4")
    assert one.code == 0, one.err
    predicted = unsure("predict", "mine", "add 3 and 4")
    [line] = [line for line in predicted.err.splitlines() if line.startswith("confidence ")]
    assert line in one.err.splitlines()
    two = unsure(*words, "add 3 and 4", "add 45 and 7")
    assert f"  {line}\n" in two.out
    assert len(re.findall(r"^  confidence 0\.\d+", two.out, re.MULTILINE)) == 2


def test_run_is_opened_once(unsure: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, real = list[str](), RunContents.open.__func__  # type: ignore[attr-defined]

    def open_(cls: type[RunContents], name: str, **more: Any) -> RunContents:
        opened.append(name)
        return real(cls, name, **more)  # type: ignore[no-any-return]

    monkeypatch.setattr(RunContents, "open", classmethod(open_))
    assert unsure("ask", "--student", "mine", *ENGINE, "add 3 and 4").code == 0
    assert opened == ["mine"]


def test_of_several_questions_the_unlike_ones_are_marked(unsure: Cli) -> None:
    ended = unsure("ask", "--student", "mine", *ENGINE, "add 3 and 4", "7 apples 8 pears")
    marked = "  a guess: no training question is like this one (similarity 0.00)\n"
    first, _, second = ended.out.partition("7 apples 8 pears\n")
    assert (marked in first, marked in second) == (False, True)
    assert "like 1 of 2 questions (similarity below 0.5): these are marked as guesses" in ended.err


def test_terminal_warns_of_each_guess(unsure: Cli, converse: Any) -> None:
    talk = converse("--student", "mine")
    assert "warning" not in talk.type("add 3 and 4")
    guess = "warning: no training question is like this one (similarity 0.00, below 0.5): the answer is a guess\n"
    assert guess in talk.type("7 apples 8 pears")


# --- what is refused --------------------------------------------------------------------


def test_adapts_in_a_project_that_stays(cli: Cli, project: Path) -> None:
    ended = cli(*ADAPT, "--out", "my sums")
    assert ended.code == 0, ended.err
    toml = tomllib.loads(Path("my sums/dstill.toml").read_text())
    assert toml["engine"]["url"] == "http://abacus:20"
    assert toml["executor"] == {"abacus": {"index": "sums"}}
    assert "These questions were made from templates. People ask in other ways" in ended.out
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


def test_other_settings_need_an_option(cli: Cli, project: Path) -> None:
    assert cli(*ADAPT, "--out", "mine").code == 0
    before = manifest("mine")
    refused = cli(*ADAPT, "--out", "mine", "--set", "train.max_steps=110")
    assert refused.code == 2
    assert refused.err.splitlines() == [
        "error: the student in mine/runs/adapted was trained with train.max_steps = -1, not 110",
        "where: mine",
        "hint: --restart trains again; to keep it, leave the setting out",
    ]
    assert manifest("mine") == before
    assert cli(*ADAPT, "--out", "mine", "--set", 'evaluate.splits=["test"]').code == 0  # measured again, not trained
    assert manifest("mine")["stages"]["train"]["id"] == before["stages"]["train"]["id"]
    again = cli(*ADAPT, "--out", "mine", "--set", "train.max_steps=110", "--restart")
    assert again.code == 0, again.err
    assert manifest("mine")["stages"]["train"]["id"] != before["stages"]["train"]["id"]
    assert "max_steps = 110" in Path("mine/runs/adapted/config.toml").read_text()


def test_stopped_training_continues_with_changes_on_request(
    cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, bool]] = []

    def stopped(_: Any, **options: bool) -> None:
        given.append(options)
        raise KeyboardInterrupt

    changed = (*ADAPT, "--out", "mine", "--set", "train.max_steps=110")
    with monkeypatch.context() as patch:
        patch.setattr("dstill.runs.run.Run.train", stopped)
        assert cli(*ADAPT, "--out", "mine").code == 130
        refused = cli(*changed)
        assert (refused.code, len(given)) == (2, 1)
        assert "is being trained with train.max_steps = -1, not 110" in refused.err
        assert "--resume-with-changes continues it with the new settings" in refused.err
        cli(*changed, "--resume-with-changes")
    assert given == [
        {"restart": False, "resume_with_changes": False, "allow_unreviewed": False},
        {"restart": False, "resume_with_changes": True, "allow_unreviewed": False},
    ]
    assert cli(*changed).code == 0  # the run has the new settings now


def test_errors_of_adapt_name_paths_from_where_it_was_called(cli: Cli, project: Path) -> None:
    assert cli(*ADAPT, "--out", "my sums").code == 0
    Path("my sums/runs/adapted/run.json").write_text("{")
    ended = cli(*ADAPT, "--out", "my sums")
    assert ended.code != 0
    assert "my sums/runs/adapted" in ended.err
    assert not re.search(r"(?<!my sums/)runs/adapted", ended.err)


def test_pretty_json_breaks_only_long_lines() -> None:
    value = {"size": 0, "query": {"bool": {"filter": [{"term": {"a": 1}}, {"term": {"b": []}}]}}}
    for columns in (10, 40, 60, 200):
        assert json.loads(pretty(json.dumps(value), columns)) == value
    assert pretty('{"a":{"b":1},"c":[]}', 80) == '{"a": {"b": 1}, "c": []}'
    assert pretty('{"a":{"b":1},"c":[]}', 14) == '{\n  "a": {\n    "b": 1\n  },\n  "c": []\n}'
    assert pretty("no {json", 80) == "no {json"
