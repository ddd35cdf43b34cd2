"""Fields that a student learnt and that are gone: what `predict` and `doctor` say, of mapping.json and of an index."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill_querydsl.engines import EmbeddedServer, HttpEngine

Cli = Callable[..., Any]
THEN = {"state": {"type": "keyword"}, "took": {"type": "long"}, "bytes": {"type": "long"}}
NOW = {"state": {"type": "keyword"}, "bytes": {"type": "keyword"}, "added": {"type": "date"}}
WARNING = "fields that the student learnt are gone: took; changed: bytes (long, now keyword)"
INDEX = "dstill-shop"
QUESTION = "how many are there?"


@pytest.fixture(autouse=True)
def installed(project: Path, enable: Callable[..., None]) -> None:
    enable("querydsl")


@pytest.fixture
def trained(cli: Cli, project: Path, once: Callable[..., None]) -> Path:
    """A run whose student learnt the fields of THEN, from mapping.json next to it."""

    def build() -> None:
        (project / "mapping.json").write_text(json.dumps({"properties": THEN}))
        (project / "dstill.toml").write_text(
            f'[project]\ntask = "querydsl"\n[task.querydsl]\nindex = "{INDEX}"\nmapping = "mapping.json"\n'
            "n_questions = 60\n"
            '[train]\nstudent = "nearest"\nobjective = "plain"\n[evaluate]\nbaselines = ["untrained"]\n'
        )
        assert cli("generate", "--out", "runs/shop").code == 0
        assert cli("train", "shop").code == 0

    once("trained", build)
    assert cli("trust", "shop", "--yes").code == 0  # a copy reads a file outside of its folder
    return project


@pytest.fixture
def moved_project(
    cli: Cli, trained: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The same project in another place, its mapping.json read again from an index that changed.

    The run reads a file outside of its folder, which its user has to allow where it lies now.
    """
    place = tmp_path_factory.mktemp("moved")
    shutil.copytree(trained, place, dirs_exist_ok=True)
    (place / "mapping.json").write_text(json.dumps({"properties": NOW}))
    monkeypatch.chdir(place)
    assert cli("trust", "shop", "--yes").code == 0
    return place


def load_index(server: EmbeddedServer, fields: dict[str, Any]) -> HttpEngine:
    """A server with documents in an index of these fields, until it is closed."""
    engine = HttpEngine(Engine(url=server.url), writable=True)
    engine.index(INDEX, {"properties": fields}, [("1", {"state": "new", "bytes": 5})])
    return engine


def warnings(ended: Any) -> list[str]:
    return [line for line in ended.err.splitlines() if "the student learnt" in line]


def states(ended: Any) -> dict[str, str]:
    return {row["what"]: row["state"] for row in json.loads(ended.out)["checks"]}


def test_student_stores_fields_and_digest(trained: Path) -> None:
    kept = json.loads((trained / "runs" / "shop" / "student" / "data.json").read_text())
    assert kept["context"] == {"index": INDEX}
    assert kept["data"][INDEX]["fields"] == {name: field["type"] for name, field in THEN.items()}
    assert len(kept["data"][INDEX]["digest"]) == 64


def test_no_warning_while_all_fields_exist(cli: Cli, trained: Path) -> None:
    ended = cli("predict", "shop", QUESTION)
    assert (ended.code, warnings(ended)) == (0, [])
    assert states(cli("doctor", "--json"))["students of querydsl"] == "ok"


def test_warns_when_updated_mapping_lacks_fields_of_student(cli: Cli, moved_project: Path) -> None:
    for words in ((QUESTION,), (QUESTION, "--json")):
        ended = cli("predict", "shop", *words)
        assert warnings(ended) == [f"warning: {WARNING}"]
        assert "learnt" not in ended.out
    ended = cli("doctor", "--json")
    assert ended.code == 0
    assert states(ended)["student of runs/shop"] == WARNING
    assert "1 checked" in cli("doctor").out


def test_student_without_known_fields_is_not_checked(cli: Cli, moved_project: Path) -> None:
    (moved_project / "dstill.toml").write_text('[project]\ntask = "querydsl"\n')
    ended = cli("doctor", "--json")
    assert ended.code == 0
    (row,) = [one for one in json.loads(ended.out)["checks"] if one["what"] == "students of querydsl"]
    assert (row["found"], row["state"]) == (
        "1 not checked",
        "the current fields are not known here",
    )


def test_warns_when_index_lacks_fields_of_student(cli: Cli, trained: Path, server: EmbeddedServer) -> None:
    live = ("--engine-url", server.url)
    with load_index(server, NOW):
        asked = cli("predict", "shop", QUESTION, *live)
        ran = cli("predict", "shop", QUESTION, "--execute", *live)
        other = cli("predict", "shop", QUESTION, "--set", "executor.http.index=dstill-none", *live)
        doctor = cli("doctor", "--json", "--index", INDEX, *live)
    assert warnings(asked) == warnings(ran) == [f"warning: {WARNING}"]
    assert (other.code, warnings(other)) == (0, [])  # no such index: nothing can be said
    checks = json.loads(doctor.out.splitlines()[0])["checks"]
    assert [one["state"] for one in checks if one["what"] == "students of querydsl"] == ["see above"]
    with load_index(server, THEN):
        assert not warnings(cli("predict", "shop", QUESTION, *live))


def test_ignores_missing_server_when_no_answer_runs(cli: Cli, trained: Path) -> None:
    ended = cli("predict", "shop", QUESTION, "--engine-url", "http://127.0.0.1:9")
    assert (ended.code, warnings(ended)) == (0, [])


def test_copied_student_without_dataset_has_fields(cli: Cli, moved_project: Path) -> None:
    shutil.rmtree(moved_project / "runs" / "shop" / "dataset")
    ended = cli("predict", "shop", QUESTION)
    assert warnings(ended) == [f"warning: {WARNING}"]


def test_doctor_reports_damaged_file_and_continues(cli: Cli, trained: Path) -> None:
    (trained / "runs" / "shop" / "student" / "data.json").write_text("{")
    ended = cli("doctor", "--json")
    assert ended.code == 0
    assert "does not say what a student learnt" in states(ended)["student of runs/shop"]
    ended = cli("predict", "shop", QUESTION)
    assert (ended.code, ended.err.splitlines()[-1]) == (4, "hint: train it again")
