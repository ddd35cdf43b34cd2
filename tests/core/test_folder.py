"""The run folder: locking, atomic writes, and no change to foreign files."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dstill import plugins as plugin_loading
from dstill.api.records import SCHEMA_VERSION, Prediction
from dstill.errors import (
    DataError,
    DiskError,
    DstillError,
    Interrupted,
    PluginError,
    RunError,
    TrainingError,
    UsageError,
)
from dstill.io.secrets import Secret
from dstill.runs.folder import RunFolder, find_run, list_runs
from dstill.runs.provenance import loaded, versions

HOLD_LOCK = """
import sys, time
from pathlib import Path
from dstill.runs.folder import RunFolder

with RunFolder.read(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def run(project: Path) -> RunFolder:
    plugins = plugin_loading.load()
    made_with = {"versions": versions(plugins), "plugins": loaded(plugins)}
    return RunFolder.make(project / "mine", stem="toy", arguments={"train.r": 8}, seed=7, provenance=made_with)


@pytest.fixture
def other_process(run: RunFolder) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of the run."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, run.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


# --- the lock ---------------------------------------------------------------------------


def test_locked_run_names_the_process(run: RunFolder, other_process: subprocess.Popen[str]) -> None:
    locked = rf"^run 'mine' is locked by pid {other_process.pid} on host .+ since 2"
    with pytest.raises(RunError, match=locked), run.lock():
        pass
    with pytest.raises(RunError, match="is locked"):
        run.remove()
    assert run.folder.exists()


def test_kill_releases_the_lock(run: RunFolder, other_process: subprocess.Popen[str]) -> None:
    other_process.send_signal(signal.SIGKILL)
    other_process.wait(30)
    with run.lock():
        assert f"pid {os.getpid()}" in (run.folder / ".lock").read_text()
    assert (run.folder / ".lock").read_text() == ""


def test_lock_is_not_reentrant(run: RunFolder) -> None:
    with run.lock(), pytest.raises(RunError, match=f"locked by pid {os.getpid()}"), run.lock():
        pass


def test_stages_of_another_process_are_preserved(run: RunFolder) -> None:
    other = RunFolder.read(run.folder)
    with other.stage("count") as facts:
        facts["accepted"] = 3
    with run.stage("polish"):
        pass
    assert RunFolder.read(run.folder).manifest["stages"]["count"]["accepted"] == 3


# --- stages -----------------------------------------------------------------------------


def test_stage_is_recorded_in_the_manifest(run: RunFolder) -> None:
    with run.stage("polish") as facts:
        facts["steps"] = 5
        assert RunFolder.read(run.folder).manifest["status"] == "polish: running"
    manifest = RunFolder.read(run.folder).manifest
    assert manifest["status"] == "polish: done"
    assert manifest["stages"]["polish"]["steps"] == 5
    assert manifest["stages"]["polish"]["seconds"] >= 0
    log = (run.folder / "log.txt").read_text()
    assert "polish begins" in log
    assert "polish done in" in log


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError("no rows", where="x"), "train: failed: no rows"),
        (ValueError(), "train: failed: ValueError"),
        (KeyboardInterrupt(), "train: interrupted"),
        (Interrupted("stopped"), "train: interrupted"),
    ],
)
def test_failed_stage_sets_the_status(run: RunFolder, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), run.stage("train"):
        raise error
    manifest = RunFolder.read(run.folder).manifest
    assert manifest["status"] == status
    assert "train" not in manifest["stages"]
    with run.lock():  # the lock is released
        pass


@pytest.mark.parametrize(
    ("error", "traced"),
    [
        (DataError("no rows", where="x", hint="make some"), False),
        (DstillError("no rows", where="x", hint="make some"), True),  # a bug
        (PluginError("no rows", where="x", hint="make some"), True),
        (ValueError("no rows\nx\nmake some"), True),
    ],
)
def test_log_has_a_traceback_of_what_code_did_and_the_words_of_what_a_user_did(
    run: RunFolder, error: Exception, traced: bool
) -> None:
    with pytest.raises(type(error)), run.stage("train"):
        raise error
    log = (run.folder / "log.txt").read_text()
    assert ("Traceback" in log) is traced
    assert all(words in log for words in ("train failed", "no rows", "make some"))


def test_signal_while_logging_does_not_hide_the_error(run: RunFolder) -> None:
    class Signalled(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                raise KeyboardInterrupt

    handler = Signalled()
    logging.getLogger("dstill").addHandler(handler)
    try:
        with pytest.raises(TrainingError, match="another process has gone"), run.stage("train"):
            raise TrainingError("another process has gone")
    finally:
        logging.getLogger("dstill").removeHandler(handler)
    assert RunFolder.read(run.folder).manifest["status"] == "train: failed: another process has gone"


def test_log_masks_secrets(run: RunFolder) -> None:
    value = "a-marked-key-0123456789"
    Secret(value)
    with pytest.raises(ValueError, match=value), run.stage(f"train with {value}"):
        raise ValueError(value)
    assert value not in (run.folder / "log.txt").read_text()
    assert "train with *** begins" in (run.folder / "log.txt").read_text()


# --- files ------------------------------------------------------------------------------


def rows(n: int) -> list[Prediction]:
    return [Prediction(id=str(i), text=f"line {i}\u2028here") for i in range(n)]


def test_rows_have_version_count_and_digest(run: RunFolder) -> None:
    import hashlib

    assert run.write("dataset/data/x.jsonl", rows(3)) == 3
    data = (run.folder / "dataset/data/x.jsonl").read_bytes()
    facts = run.manifest["files"]["dataset/data/x.jsonl"]
    assert facts["rows"] == 3
    assert facts["sha256"] == hashlib.sha256(data).hexdigest()
    assert [row["schema_version"] for row in run.rows("dataset/data/x.jsonl")] == [SCHEMA_VERSION] * 3
    assert [Prediction.from_row(row) for row in run.rows("dataset/data/x.jsonl")] == rows(3)
    assert list(run.rows("nothing.jsonl")) == []


def test_failed_write_keeps_the_old_file(run: RunFolder) -> None:
    run.write("x.jsonl", rows(2))
    before = (run.folder / "x.jsonl").read_bytes()

    def broken() -> Iterator[Prediction]:
        yield from rows(1)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        run.write("x.jsonl", broken())
    assert (run.folder / "x.jsonl").read_bytes() == before
    assert [p.name for p in run.folder.iterdir() if "tmp" in p.name] == []


def test_killed_writer_keeps_the_old_file(run: RunFolder) -> None:
    run.write("x.jsonl", rows(2))
    before = (run.folder / "x.jsonl").read_bytes()
    code = """
import os, signal, sys
from pathlib import Path
from dstill.runs.folder import RunFolder
from dstill.api.records import Prediction

def rows():
    for i in range(1000):
        yield Prediction(id=str(i), text="x" * 1000)
    os.kill(os.getpid(), signal.SIGKILL)

RunFolder.read(Path(sys.argv[1])).write("x.jsonl", rows())
"""
    ended = subprocess.run([sys.executable, "-c", code, run.folder], timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert (run.folder / "x.jsonl").read_bytes() == before


def test_files_of_a_plugin_are_complete_and_without_secrets(run: RunFolder) -> None:
    Secret("hush-hush-hush")
    file = run.write_file("notes/report.md", "the key is hush-hush-hush")
    assert (file, file.read_text()) == (run.folder / "notes" / "report.md", "the key is ***")
    assert "notes/report.md" not in run.manifest["files"]


def test_folder_of_a_plugin_is_replaced_as_a_whole(run: RunFolder) -> None:
    run.write_folder("exports/x", {"old.json": "1"})
    written = run.write_folder("exports/x", {"a.json": "2", "b/c.json": "3"})
    folder = run.folder / "exports" / "x"
    assert written == [folder / "a.json", folder / "b" / "c.json"]
    assert not (folder / "old.json").exists()
    with pytest.raises(RunError, match="is not a file below"):
        run.write_folder("exports/x", {"a.json": "4", "../../../b.json": "5"})
    assert [file.read_text() for file in written] == ["2", "3"]
    run.remove_folder("exports/x")
    run.remove_folder("exports/x")  # it is gone already
    assert not folder.exists()


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_rows_of_another_version_are_refused(run: RunFolder, version: int) -> None:
    (run.folder / "x.jsonl").write_text(f'{{"schema_version":1,"id":"1"}}\n{{"schema_version":{version},"id":"2"}}\n')
    with pytest.raises(RunError) as caught:
        list(run.rows("x.jsonl"))
    assert caught.value.what == f"x.jsonl has schema version {version}, this dstill knows {SCHEMA_VERSION}"
    assert caught.value.where.endswith("x.jsonl:2")


# --- run.json ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "{}", '{"schema_version": "x"}', "\x00" * 50),
        *("[" * 100_000, '{"seed": ' + "9" * 5_000 + "}", "[1]", '{"a": ' * 90 + "1" + "}" * 90),
    ],
)
def test_damaged_manifest_is_an_error_with_a_hint(run: RunFolder, text: str) -> None:
    (run.folder / "run.json").write_text(text)
    with pytest.raises(RunError) as caught:
        RunFolder.read(run.folder)
    assert caught.value.what.startswith(f"{run.folder / 'run.json'} is damaged: ")
    assert "replies are kept" in caught.value.hint


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1])
def test_manifest_of_another_version_is_refused(run: RunFolder, version: int) -> None:
    (run.folder / "run.json").write_text(json.dumps({**run.manifest, "schema_version": version}))
    with pytest.raises(RunError, match=f"run 'mine' has schema version {version}, this dstill knows {SCHEMA_VERSION}"):
        RunFolder.read(run.folder)


def test_manifest_has_arguments_seed_versions_and_plugins(run: RunFolder) -> None:
    manifest = RunFolder.read(run.folder).manifest
    assert manifest["arguments"] == {"train.r": 8}
    assert manifest["seed"] == 7
    assert {"python", "dstill"} <= manifest["versions"].keys()
    (shipped,) = [plugin for plugin in manifest["plugins"] if plugin["name"] == "evaluate"]
    assert (shipped["distribution"], shipped["version"]) == ("dstill", version("dstill"))


# --- create, find, delete ---------------------------------------------------------------


def make(folder: Path | None) -> RunFolder:
    return RunFolder.make(folder, stem="toy", arguments={}, seed=0)


def test_new_runs_have_unique_names_under_runs(project: Path) -> None:
    a, b = make(None), make(None)
    assert a.name != b.name
    assert list_runs() == [a.folder, b.folder]
    assert find_run(a.name) == a.folder


def test_first_run_can_be_named_under_runs(project: Path) -> None:
    assert make(Path("runs/mine")).folder.is_dir()


def test_foreign_folder_is_untouched(project: Path) -> None:
    (project / "theirs").mkdir()
    (project / "theirs" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="theirs is not a dstill run and not empty"):
        make(project / "theirs")
    assert [p.name for p in (project / "theirs").iterdir()] == ["thesis.txt"]


def test_run_of_another_process_is_not_taken_over(project: Path) -> None:
    make(project / "mine")
    with pytest.raises(RunError, match="mine is a dstill run already") as caught:
        make(project / "mine")
    assert "run the same command again" in caught.value.hint


def test_repeated_stage_that_fails_keeps_the_status_of_its_results(project: Path) -> None:
    run = make(project / "mine")
    with pytest.raises(DataError), run.stage("tidy"):
        raise DataError("no rows")
    assert run.manifest["status"] == "tidy: failed: no rows"
    with run.stage("tidy"):
        pass
    with pytest.raises(DataError), run.stage("tidy"):
        raise DataError("no rows")
    assert run.manifest["status"] == "tidy: done"
    with pytest.raises(KeyboardInterrupt), run.stage("tidy"):
        raise KeyboardInterrupt
    with pytest.raises(DataError), run.stage("tidy"):
        raise DataError("no rows")
    assert run.manifest["status"] == "tidy: failed: no rows"


def test_leftovers_of_a_killed_start_are_reused_but_not_files(project: Path) -> None:
    left = project / "mine"
    left.mkdir()
    for name in (".lock", "config.toml", ".run.json.4194305-0123abcd.tmp"):
        (left / name).write_text("half")
    run = RunFolder.make(left, stem="toy", arguments={}, seed=0, settings="[project]\n")
    assert (left / "config.toml").read_text() == "[project]\n"
    with run.lock():
        assert sorted(p.name for p in left.iterdir()) == [".lock", "config.toml", "log.txt", "run.json"]
    (project / "theirs").mkdir()
    (project / "theirs" / "config.toml").write_text("years of work")
    with pytest.raises(UsageError, match="theirs is not a dstill run and not empty"):
        make(project / "theirs")


def test_files_of_a_running_process_are_not_removed(run: RunFolder) -> None:
    (run.folder / f".report.html.{os.getpid()}-0123abcd.tmp").write_text("half")
    (run.folder / ".mine.tmp").write_text("a person's")
    with run.lock():
        assert {p.name for p in run.folder.glob(".*.tmp")} == {f".report.html.{os.getpid()}-0123abcd.tmp", ".mine.tmp"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("file", "it is a file"),
        ("file/below", "file is not a folder"),
        ("missing/below", "the folder .*missing does not exist"),
    ],
)
def test_impossible_folder_is_an_error_with_a_reason(project: Path, path: str, reason: str) -> None:
    (project / "file").write_text("")
    with pytest.raises(UsageError, match=f"^cannot write .*: .*{reason}"):
        make(project / path)


def test_finds_a_run_by_name_or_path(run: RunFolder, project: Path) -> None:
    assert find_run(run.folder) == run.folder
    assert find_run("mine") == Path("mine")
    make(Path("runs/yours"))
    with pytest.raises(UsageError) as caught:
        find_run("yuors")
    assert caught.value.what == "no run 'yuors'. Did you mean 'yours'?"
    (project / "folder").mkdir()
    with pytest.raises(UsageError, match="folder is not a dstill run"):
        find_run("folder")
    with pytest.raises(RunError, match="is not a dstill run"):
        RunFolder.read(project / "folder")


def test_remove_does_not_follow_a_link(run: RunFolder, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(run.folder, target_is_directory=True)
    with pytest.raises(RunError, match="is a symbolic link") as caught:
        RunFolder.read(link).remove()
    assert caught.value.hint.startswith(f"delete the run itself (dstill runs rm {run.folder.resolve()}")
    assert run.folder.exists()


def test_fails_without_a_free_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(self: Path, *args: Any, **kwargs: Any) -> None:
        raise FileExistsError

    monkeypatch.setattr(Path, "mkdir", taken)
    with pytest.raises(DiskError, match="no free name under"):
        make(None)


# --- hostile runs -----------------------------------------------------------------------


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "authorized_keys"
    file.parent.mkdir()
    file.write_text("precious")
    return file


@pytest.mark.parametrize("name", ["log.txt", ".lock", "review.jsonl", "config.toml", "dataset/data/test.jsonl"])
def test_link_in_a_run_is_refused(run: RunFolder, victim: Path, name: str) -> None:
    path = run.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(victim)
    with pytest.raises(RunError, match=f"{re.escape(name)} is a symbolic link") as caught:
        RunFolder.read(run.folder)
    assert caught.value.exit_code == 5
    with pytest.raises(RunError, match="is a symbolic link"), run.stage("train"):
        pass  # of a run that was opened before the link was there
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("name", ["export", "checkpoints", "student", "baselines/nearest", "dataset"])
def test_linked_subfolder_is_refused(run: RunFolder, victim: Path, name: str) -> None:
    (run.folder / name).parent.mkdir(exist_ok=True)
    (run.folder / name).symlink_to(victim.parent)
    with pytest.raises(RunError, match=f"{name} is a symbolic link"):
        RunFolder.read(run.folder)


@pytest.mark.parametrize("name", ["run.json", "log.txt", ".lock", "review.jsonl", "dataset/fifo"])
def test_fifo_in_a_run_is_refused_without_blocking(run: RunFolder, name: str) -> None:
    (run.folder / name).parent.mkdir(exist_ok=True)
    (run.folder / name).unlink(missing_ok=True)
    os.mkfifo(run.folder / name)
    with pytest.raises(RunError, match=f"{name} is a fifo"):
        RunFolder.read(run.folder)
    with pytest.raises(RunError), run.lock():
        pass


@pytest.mark.parametrize("name", ["log.txt", ".lock"])
def test_hard_linked_file_is_not_written(run: RunFolder, victim: Path, name: str) -> None:
    (run.folder / name).unlink(missing_ok=True)
    (run.folder / name).hardlink_to(victim)
    with pytest.raises(RunError, match="has a second name"), run.lock():
        pass
    assert victim.read_text() == "precious"


def test_run_may_be_opened_through_a_link(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run.folder)
    with RunFolder.read(tmp_path / "link").stage("train"):
        pass


def test_incomplete_run_is_not_reused_through_a_link(project: Path, victim: Path) -> None:
    (project / "half").mkdir()
    (project / "half" / ".lock").symlink_to(project / "new")
    with pytest.raises(RunError, match="is a symbolic link"):
        RunFolder.make(project / "half", stem="toy", arguments={}, seed=0)
    assert not (project / "new").exists()


@pytest.mark.parametrize("name", ["../elsewhere/authorized_keys", "/etc/passwd", "export/../../x", ""])
def test_file_path_outside_the_run_is_refused(run: RunFolder, victim: Path, name: str) -> None:
    for use in (
        run.discard,
        run.rows,
        lambda name: run.write(name, rows(1)),
        lambda name: run.append(name, rows(1)[0]),
        lambda name: run.write_file(name, ""),
        lambda name: run.write_folder(name, {}),
        run.open_output,
        run.remove_folder,
    ):
        with pytest.raises(RunError, match="is not a file below"):
            list(use(name) or ())
    edited = {**run.manifest, "files": {name: {"rows": 1, "sha256": ""}}}
    (run.folder / "run.json").write_text(json.dumps(edited))
    with pytest.raises(RunError, match=r"run\.json is damaged: files has a file outside the run"):
        RunFolder.read(run.folder)
    assert victim.read_text() == "precious"


TRIAL = {
    "name": "r-8",
    "changes": {"train.r": 8},
    "error": "",
    "accuracy": {"name": "exact_match", "value": 0.5, "n": 2},
    "steps": 1,
    "seconds": 1.0,
    "peak_memory": 1,
    "trained_parameters": 1,
}
SWEEP_FACTS = {"trials": [TRIAL], "front": ["r-8"], "split": "test", "rank": 8}
ABLATION_FACTS = {"modality": "full", "split": "test", "arms": {"dss": [TRIAL]}, "comparisons": {}}


@pytest.mark.parametrize("stages", [{"sweep": SWEEP_FACTS}, {"ablate": ABLATION_FACTS}])
def test_reads_a_manifest_with_trials(run: RunFolder, stages: dict[str, Any]) -> None:
    (run.folder / "run.json").write_text(json.dumps({**run.manifest, "stages": stages}))
    assert RunFolder.read(run.folder).manifest["stages"] == stages


EVALUATED = {"engine": "e", "judged_by": [], "packs": []}


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"stages": []}, "stages is a list, expected an object"),
        ({"stages": {"train": 3}}, "stages/train is a number, expected an object"),
        ({"stages": {"evaluate": {**EVALUATED, "scores": {"nearest": {}}}}}, "no scores of the student"),
        ({"stages": {"evaluate": {**EVALUATED, "scores": {"../x": {}}}}}, "stages/evaluate/scores"),
        ({"stages": {"evaluate": {**EVALUATED, "scores": {"student": {"../x": {}}}}}}, "expected one of train"),
        ({"stages": {"sweep": {"trials": [{"name": 3}]}}}, "stages/sweep/"),
        ({"stages": {"sweep": {"trials": [], "front": [], "split": "test", "rank": 8}}}, "sweep/trials has no trials"),
        (
            {"stages": {"sweep": {**SWEEP_FACTS, "trials": [{**TRIAL, "accuracy": None}]}}},
            "without an accuracy or error",
        ),
        ({"stages": {"sweep": {**SWEEP_FACTS, "trials": [{**TRIAL, "changes": {"train.r": 0}}]}}}, "train.r is 0"),
        ({"stages": {"ablate": {"modality": "x", "arms": 3}}}, "stages/ablate/"),
        ({"stages": {"ablate": {**ABLATION_FACTS, "arms": {"dss": []}}}}, "arms/dss has no trials"),
        ({"files": {"a.jsonl": {"rows": "1", "sha256": ""}}}, "files/a.jsonl/rows is text, expected a whole number"),
        ({"created": "../../x"}, "created is not a time"),
        ({"seed": 10**30}, "seed is a number that is too large"),
        ({"versions": None}, "versions is null, expected an object"),
        ({"schema_version": "1"}, "schema_version is text"),
    ],
)
def test_malformed_manifest_is_reported_once(run: RunFolder, changes: dict[str, Any], flaw: str) -> None:
    (run.folder / "run.json").write_text(json.dumps({**run.manifest, **changes}))
    with pytest.raises(RunError, match=r"run\.json is damaged: ") as caught:
        RunFolder.read(run.folder)
    assert flaw in caught.value.what


VERSION = {"schema_version": SCHEMA_VERSION}


@pytest.mark.parametrize(
    "row",
    [
        {**VERSION, "id": 7, "text": "x"},
        {**VERSION, "id": "1", "text": []},
        {**VERSION, "id": "1"},
        {"schema_version": "9"},
        {"id": "1", "text": "x"},
    ],
)
def test_malformed_row_names_its_line(run: RunFolder, row: dict[str, Any]) -> None:
    rows = [{**VERSION, "id": "0", "text": "x"}, row]
    (run.folder / "predictions.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with pytest.raises(DataError, match=r"line 2 of predictions\.jsonl") as caught:
        list(run.load(Prediction, "predictions.jsonl"))
    assert caught.value.where == f"{run.folder / 'predictions.jsonl'}:2"
