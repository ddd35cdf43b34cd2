"""Bundles: what is in one, what opens it, and what it refuses. Those that `dstill export` writes are tested there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.unsure import calibrated, records, trained

from dstill import plugins as plugin_loading
from dstill.errors import DstillError, RunError, UsageError
from dstill.plugins import Plugins
from dstill.runs.bundle import Manifest, manifest_of, open_bundle, open_trained
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor

QUESTIONS = "\n".join(record.question for record in records("test", 40)).encode()


@pytest.fixture
def loaded(toy_file: Path) -> Plugins:
    return plugin_loading.load([toy_file, toy_file.with_name("unsure.py")])


@pytest.fixture
def dstill(cli: Callable[..., Any], toy_file: Path, project: Path, once: Any, loaded: Plugins) -> Callable[..., Any]:
    """Commands with the student "unsure", its evaluated run "mine" and its bundle "held"."""
    plugin = toy_file.with_name("unsure.py")

    def build() -> None:
        run = calibrated(trained(loaded, project / "mine", {"train": 5, "test": 40}), 200)
        run = Run.open(run.folder, plugins=loaded, trusted=True)
        run.evaluate()
        shutil.copytree(run.folder / "student", project / "held" / "student")
        manifest_of(run, project / "held", {"train.student": "unsure"}).write(project / "held")

    once("held", build)
    return lambda *words, **more: cli("--plugin", plugin, *words, **more)


def test_answers_and_abstains_as_the_run(dstill: Callable[..., Any], project: Path) -> None:
    shutil.move("held", project / "elsewhere")
    for words in ((), ("--max-wrong", "0.2"), ("--execute",), ("--self-consistency", "3"), ("--num-samples", "2")):
        answers = {name: dstill("predict", name, "--json", *words, stdin=QUESTIONS) for name in ("mine", "elsewhere")}
        assert answers["mine"].code == answers["elsewhere"].code == 0
        assert answers["mine"].out == answers["elsewhere"].out
    assert '"abstained":true' in dstill("predict", "elsewhere", "--max-wrong", "0.2", "--json", stdin=QUESTIONS).out
    refused = dstill("predict", "elsewhere", "--max-wrong", "0.001", "add 1 and 2")
    assert (refused.code, "no cut holds" in refused.err) == (2, True)


def test_ask_takes_it_as_a_student(dstill: Callable[..., Any]) -> None:
    engine = ("--engine-url", "http://abacus:20", "--set", "engine.name=abacus")
    answers = {name: dstill("ask", *engine, "--student", name, "add 3 and 4") for name in ("mine", "held")}
    assert (answers["held"].code, answers["held"].out) == (0, answers["mine"].out)
    assert answers["held"].out.startswith("add 3 and 4\n3+")


def test_is_only_read(dstill: Callable[..., Any], project: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        files = [file for file in (project / "held").rglob("*") if file.is_file()]
        return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    before = state()
    for file in [project / "held", *(project / "held").rglob("*")]:
        os.chmod(file, file.stat().st_mode & 0o555)
    assert dstill("predict", "held", "add 1 and 2", "--execute").code == 0
    assert state() == before


def test_has_nothing_of_the_run_but_what_answers_need(dstill: Callable[..., Any], project: Path) -> None:
    text = (project / "held" / "bundle.json").read_text()
    about = json.loads(text)
    assert about.keys() == set(Manifest.__annotations__)
    assert about["settings"]["project.task"] == "toy"
    assert not [key for key in about["settings"] if key.startswith(("generate", "teacher", "review", "train.lora"))]
    assert about["files"].keys() == {"student/pairs.json", "student/data.json"}
    assert len(about["calibration"]["scores"]) == 200
    assert not [
        record.question for split in ("train", "test") for record in records(split, 5) if record.question in text
    ]
    assert str(project) not in text


def test_other_commands_say_what_it_is(dstill: Callable[..., Any]) -> None:
    for command in ("evaluate", "train"):
        ended = dstill(command, "held")
        assert ended.code == 2
        assert "held is a bundle, and not a run" in ended.err
        assert "predict, serve and ask" in ended.err


# --- damage -----------------------------------------------------------------------------


def change(key: str, value: Any) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        about = json.loads((folder / "bundle.json").read_text())
        if value is None:
            del about[key]
        else:
            about[key] = value
        (folder / "bundle.json").write_text(json.dumps(about))

    return do


def write(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None  # type: ignore[func-returns-value]


DAMAGE: dict[str, tuple[Callable[[Path], Any], type[DstillError], str]] = {
    "newer": (change("format", 2), RunError, "the bundle has format 2, this dstill reads format 1"),
    "older": (change("format", 0), RunError, "the bundle has format 0, this dstill reads format 1"),
    "no format": (change("format", "1"), RunError, "format is text, expected a whole number"),
    "no settings": (change("settings", None), RunError, "settings is missing"),
    "not JSON": (write("bundle.json", b"{"), RunError, "bundle.json is damaged"),
    "not UTF-8": (write("bundle.json", b"\xff"), RunError, "bundle.json is damaged"),
    "a list": (write("bundle.json", b"[]"), RunError, "bundle.json is damaged"),
    "deep": (write("bundle.json", b'{"a":' * 99 + b"1" + b"}" * 99), RunError, "bundle.json is damaged"),
    "changed": (write("student/pairs.json", b"{}"), RunError, "student/pairs.json has changed since the bundle"),
    "lost": (lambda folder: (folder / "student/pairs.json").unlink(), RunError, "the bundle lacks student/pairs.json"),
    "outside": (change("files", {"../mine/run.json": "0"}), RunError, "'../mine/run.json' is not a file below"),
    "data outside": (change("data", {"teacher.parrot.cut": "/etc/passwd"}), RunError, "'/etc/passwd' is not a file"),
    "a link": (lambda folder: (folder / "data").symlink_to("/etc"), RunError, "data is a symbolic link"),
    "other task": (change("task", "tot"), UsageError, "no task called 'tot'. Did you mean 'toy'?"),
    "other key": (change("settings", {"train.nothing": 1}), UsageError, "unknown key 'train.nothing'"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_clear_error(name: str, dstill: Callable[..., Any], project: Path) -> None:
    damage, kind, message = DAMAGE[name]
    damage(project / "held")
    ended = dstill("predict", "held", "add 1 and 2", "--json")
    error = json.loads(ended.out)["error"]
    assert (ended.code, message in error["message"]) == (kind.exit_code, True), error
    assert error["hint"]
    assert "Traceback" not in ended.err


# --- what it may reach ------------------------------------------------------------------


def test_no_permission_is_needed_as_it_was_exported(dstill: Callable[..., Any]) -> None:
    ended = dstill("trust", "held")
    assert (ended.code, ended.out) == (0, "held needs no permission\n")


# --- from Python ------------------------------------------------------------------------


def test_stands_in_the_place_of_a_run(dstill: Callable[..., Any], project: Path, loaded: Plugins) -> None:
    bundle = open_trained("held", plugins=loaded, flags={"project.seed": 4})
    run = open_trained("mine", plugins=loaded)
    assert (run.name, run.folder.name, len(run.records("test"))) == ("mine", "mine", 40)
    assert (bundle.name, bundle.task.name, bundle.settings.project.seed) == ("mine", "toy", 4)
    assert bundle.nearest() is None
    assert not bundle.records("train")
    assert bundle.purchase is not None
    purchase = bundle.purchase("fallback")
    assert purchase.buyer == f"mine {Manifest.read(Path('held')).training} fallback"
    assert not purchase.store.is_absolute()
    with Predictor(bundle, execute=True) as answering:
        (answered,) = answering.answer([answering.example("add 1 and 2")])
        assert (answered.outcome, answered.similarity) == ("ok", None)
        assert answering.drift() == ()


def test_confidence_is_not_known_with_another_grammar_setting(dstill: Callable[..., Any], loaded: Plugins) -> None:
    assert open_bundle("held", plugins=loaded).calibration() is not None
    assert open_bundle("held", plugins=loaded, flags={"evaluate.constrain": True}).calibration() is None
