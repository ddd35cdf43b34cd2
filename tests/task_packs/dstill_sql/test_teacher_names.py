"""`dstill adapt --teacher` asks by which other names people call the values of a database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import seeing
from support.loopback_teacher import LoopbackTeacher, error

from dstill import Run, plugins
from dstill import config as configuration
from dstill.api.protocols import Synthesis
from dstill.api.records import Record
from dstill.runs.bundle import manifest_of
from dstill.runs.folder import data_file
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

Cli = Callable[..., Any]
NAMES = {"cities.country": {"NO": ["Norway", "norwegian"], "SE": ["sweden", "swedish"]}}
FILE = Path("mine/runs/taught/aliases.json")
GOOD = (
    ("norwegian towns", "SELECT name FROM cities WHERE country = 'NO'"),
    ("how many towns are in sweden", "SELECT COUNT(*) FROM cities WHERE country = 'SE'"),
    ("which towns do we have", "SELECT name FROM cities"),
    ("who drives for us", "SELECT name FROM drivers"),
    ("longest ride of all, in km", "SELECT MAX(km) FROM trips"),
)


class Writer:
    """A teacher that says `names`, and writes good questions, two with such names."""

    def __init__(self) -> None:
        self.names = json.dumps(NAMES)
        self.asked: list[str] = []  # requests for names

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str:
        last, answers = messages[-1]["content"], dict(GOOD)
        if "other names people call" in messages[0]["content"]:
            self.asked.append(last)
            return self.names
        if alone := [json.loads(line) for line in re.findall(r'^\{"id":"[0-9a-f]{12}".*$', last, re.MULTILINE)]:
            return "\n".join(json.dumps({"id": row["id"], "answer": answers[row["question"]]}) for row in alone)
        if last.startswith("These lines cannot be used"):
            return "I have no others."
        lines = [{"id": f"q{at}", "question": row[0], "answer": row[1]} for at, row in enumerate(GOOD, 1)]
        return "\n".join(map(json.dumps, lines))


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def server(writer: Writer) -> Iterator[LoopbackTeacher]:
    with LoopbackTeacher(reply_to=writer) as found:
        yield found


@pytest.fixture
def call(
    cli: Cli, sqlite_file: Path, project: Path, monkeypatch: pytest.MonkeyPatch, enable: Callable[..., None]
) -> Cli:
    enable("sql", "openai", "teachers")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-names-0123456789")

    def adapt(*words: object, student: str = "seeing") -> Any:
        return cli(
            *("--plugin", seeing.__file__, "adapt", "--engine-url", f"sqlite://{sqlite_file}", "--out", "mine"),
            *("--student", student, "--set", "train.objective=plain", "--set", "task.sql.n_questions=40"),
            *("--set", "evaluate.baselines=[]", *words),
        )

    return adapt


@pytest.fixture
def adapt(call: Cli, server: LoopbackTeacher) -> Cli:
    endpoint = ("--set", f"teacher.openai.base_url={server.base_url}", "--set", "generate.concurrency=1")
    return lambda *words, **more: call(
        "--teacher", "openai:toy", *endpoint, "--teacher-questions", "25", *words, **more
    )


def names() -> Any:
    return json.loads(FILE.read_text())


def stage() -> Any:
    return json.loads(Path("mine/runs/taught/run.json").read_text())["stages"]["teach"]


def opened(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir("mine")
    return Run.open("taught", plugins=plugins.load([Path(seeing.__file__).with_name("toy.py"), Path(seeing.__file__)]))


# --- the whole way ----------------------------------------------------------------------


def test_the_student_learns_and_answers_with_names_of_values(
    adapt: Cli, writer: Writer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ended = adapt()
    assert ended.code == 0, ended.err
    assert names() == NAMES
    assert "teacher 'openai': 4 other names of 2 values in runs/taught/aliases.json" in ended.err
    assert stage()["counts"]["kept"] == len(GOOD)
    [asked] = writer.asked
    assert '"cities.country":["NO","SE"]' in asked
    assert "driver 1" in asked
    run = opened(monkeypatch)
    assert run.config.value("task.sql.aliases") == "runs/taught/aliases.json"
    known = run.task.database(run.records("train")[0].example).values.get("cities.country")
    assert known.aliases["norwegian"] == "NO"
    (tmp_path / "bundle").mkdir()
    held = manifest_of(run, tmp_path / "bundle", {}).data["task.sql.aliases"]
    assert json.loads((tmp_path / "bundle" / held).read_text()) == NAMES


def test_names_are_asked_for_once(adapt: Cli, server: LoopbackTeacher, writer: Writer) -> None:
    stopped = adapt("--max-requests", "1")
    assert stopped.code == 8, stopped.err
    assert "budget of 1 requests reached while the teacher wrote questions; every reply is kept" in stopped.err
    assert names() == NAMES
    continued = adapt("--max-requests", "4")
    assert continued.code == 0, continued.err
    assert "4 other names of 2 values" in continued.err
    assert len(server.sold) == 4  # names, questions, second answers, and the lines that were missing
    assert adapt("--restart").code == 0
    assert (len(server.sold), len(writer.asked), names()) == (4, 1, NAMES)


def test_a_cap_also_holds_for_names(adapt: Cli, server: LoopbackTeacher) -> None:
    ended = adapt("--max-usd", "0.0001", "--set", 'teacher.openai.prices={"toy" = [1.0, 1.0]}')
    assert ended.code == 8
    assert "reached while the teacher wrote other names of values; every reply is kept" in ended.err
    assert server.sold == []


def test_a_bundle_takes_no_names_along_that_the_pack_brings(
    tmp_path: Path, project: Path, enable: Callable[..., None]
) -> None:
    enable("sql")
    loaded = plugins.load([Path(seeing.__file__).with_name("toy.py")])
    flags = {"project.task": "sql", "train.objective": "plain", "task.sql.db": "festival"}
    flags["task.sql.aliases"] = "bundled:festival"
    config = configuration.load(use_files=False, flags=flags, sections=plugins.part_sections(loaded))
    run = Run.create(tmp_path / "run", config=config, plugins=loaded)
    run.write(
        data_file("train"), [Record(id="1", question="bands", answer="SELECT * FROM band", rationale="", split="train")]
    )
    about = manifest_of(run, tmp_path / "bundle", {})
    assert (about.settings["task.sql.aliases"], about.data) == ("bundled:festival", {})


# --- nothing is asked -------------------------------------------------------------------


def test_a_file_of_the_user_stays(adapt: Cli, writer: Writer, project: Path) -> None:
    (project / "own.json").write_text('{"cities.country": {"NO": ["norwegian"]}}')
    ended = adapt("--set", f"task.sql.aliases={project / 'own.json'}")
    assert ended.code == 0, ended.err
    assert (writer.asked, FILE.exists()) == ([], False)
    assert "other names" not in ended.err


def test_a_student_that_reads_no_schema_needs_no_names(adapt: Cli, writer: Writer) -> None:
    assert adapt(student="memory").code == 0
    assert (writer.asked, FILE.exists()) == ([], False)


# --- bad teachers -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["I do not know.", '{"cities.country": {"NO": ["nor', "[]"])
def test_a_reply_that_cannot_be_read_gives_a_warning(adapt: Cli, writer: Writer, text: str) -> None:
    writer.names = text
    ended = adapt()
    assert ended.code == 0, ended.err
    assert "warning: the teacher's reply with other names of values cannot be read" in ended.err
    assert not FILE.exists()
    assert stage()["counts"]["kept"] == len(GOOD)


def test_a_request_that_is_refused_gives_a_warning(adapt: Cli, server: LoopbackTeacher) -> None:
    server.script = iter([error(400, "content filter", code="content_filter")])
    ended = adapt()
    assert ended.code == 0, ended.err
    assert "cannot be read" in ended.err


def test_what_is_no_name_is_counted(adapt: Cli, writer: Writer) -> None:
    more = {"NO": ["norway", "nordic", "se"], "SE": ["nordic"], "DK": ["danish"]}
    writer.names = json.dumps({"cities.country": more, "users.password": {"x": ["y"]}})
    ended = adapt()
    assert names() == {"cities.country": {"NO": ["norway"]}}
    counts = "not used: unknown value 2, of several values 2, a value itself 1"
    assert f"1 other names of 1 values in runs/taught/aliases.json; {counts}" in ended.err


# --- recorded names ---------------------------------------------------------------------


def test_replay_uses_the_aliases_file_of_the_recording(call: Cli) -> None:
    lines = [json.dumps({"id": f"r{at}", "question": q, "answer": a}) for at, (q, a) in enumerate(GOOD)]
    Path("recorded.jsonl").write_text("\n".join(lines) + "\n")
    Path("recorded.aliases.json").write_text(json.dumps({**NAMES, "drivers.name": {"nobody": ["x"]}}))
    ended = call("--teacher", "replay:recorded.jsonl")
    assert ended.code == 0, ended.err
    assert names() == NAMES
    assert (
        "teacher 'replay': 4 other names of 2 values in runs/taught/aliases.json; not used: unknown value 1"
        in ended.err
    )
    assert stage()["counts"]["kept"] == len(GOOD)


@pytest.mark.parametrize("db", ["festival", "flights"])
def test_a_brief_has_the_texts_that_it_shows(db: str) -> None:
    task = Sql(Settings(db=db))
    brief = Synthesis.of(task).question_brief({"db": db})
    assert brief is not None
    assert brief.values
    for texts in brief.values.values():
        assert all(json.dumps(text, ensure_ascii=False) in brief.about for text in texts)
        assert not any(text.startswith("… ") for text in texts)
