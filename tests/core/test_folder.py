"""A run's folder: one process at a time, files whole or not at all, nothing of anybody else's touched."""

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
from dstill.errors import DataError, DiskError, Interrupted, RunError, TrainingError, UsageError
from dstill.io.secrets import Secret
from dstill.runs.folder import RunFolder, find_run, list_runs
from dstill.runs.provenance import loaded, versions

HOLD = """
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
def holder(run: RunFolder) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the run."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, run.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


# --- the lock ---------------------------------------------------------------------------


def test_a_run_held_by_another_process_says_by_whom(run: RunFolder, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RunError, match=rf"^run 'mine' is locked by pid {holder.pid} on host .+ since 2"), run.lock():
        pass
    with pytest.raises(RunError, match="is locked"):
        run.remove()
    assert run.folder.exists()


def test_the_lock_goes_with_the_process_that_is_killed(run: RunFolder, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(30)
    with run.lock():
        assert f"pid {os.getpid()}" in (run.folder / ".lock").read_text()
    assert (run.folder / ".lock").read_text() == ""


def test_the_lock_is_not_taken_twice_in_one_process_either(run: RunFolder) -> None:
    with run.lock(), pytest.raises(RunError, match=f"locked by pid {os.getpid()}"), run.lock():
        pass


def test_what_another_process_wrote_meanwhile_is_kept(run: RunFolder) -> None:
    other = RunFolder.read(run.folder)
    with other.stage("count") as facts:
        facts["accepted"] = 3
    with run.stage("polish"):
        pass
    assert RunFolder.read(run.folder).manifest["stages"]["count"]["accepted"] == 3


# --- stages -----------------------------------------------------------------------------


def test_a_stage_is_in_the_manifest_with_its_facts(run: RunFolder) -> None:
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
def test_how_a_stage_ended_is_in_the_manifest(run: RunFolder, error: BaseException, status: str) -> None:
    with pytest.raises(type(error)), run.stage("train"):
        raise error
    manifest = RunFolder.read(run.folder).manifest
    assert manifest["status"] == status
    assert "train" not in manifest["stages"]
    with run.lock():  # free again
        pass


def test_a_signal_while_a_failure_is_said_does_not_hide_it(run: RunFolder) -> None:
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


def test_the_log_keeps_no_secret(run: RunFolder) -> None:
    value = "a-marked-key-0123456789"
    Secret(value)
    with pytest.raises(ValueError, match=value), run.stage(f"train with {value}"):
        raise ValueError(value)
    assert value not in (run.folder / "log.txt").read_text()
    assert "train with *** begins" in (run.folder / "log.txt").read_text()


# --- files ------------------------------------------------------------------------------


def rows(n: int) -> list[Prediction]:
    return [Prediction(id=str(i), text=f"line {i}\u2028here") for i in range(n)]


def test_rows_are_written_with_version_count_and_digest(run: RunFolder) -> None:
    import hashlib

    assert run.write("dataset/data/x.jsonl", rows(3)) == 3
    data = (run.folder / "dataset/data/x.jsonl").read_bytes()
    facts = run.manifest["files"]["dataset/data/x.jsonl"]
    assert facts["rows"] == 3
    assert facts["sha256"] == hashlib.sha256(data).hexdigest()
    assert [row["schema_version"] for row in run.rows("dataset/data/x.jsonl")] == [SCHEMA_VERSION] * 3
    assert [Prediction.from_row(row) for row in run.rows("dataset/data/x.jsonl")] == rows(3)
    assert list(run.rows("nothing.jsonl")) == []


def test_a_file_that_breaks_off_leaves_the_old_one(run: RunFolder) -> None:
    run.write("x.jsonl", rows(2))
    before = (run.folder / "x.jsonl").read_bytes()

    def broken() -> Iterator[Prediction]:
        yield from rows(1)
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        run.write("x.jsonl", broken())
    assert (run.folder / "x.jsonl").read_bytes() == before
    assert [p.name for p in run.folder.iterdir() if "tmp" in p.name] == []


def test_a_killed_writer_leaves_the_old_file(run: RunFolder) -> None:
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


def test_a_plugins_files_are_whole_and_without_secrets(run: RunFolder) -> None:
    Secret("hush-hush-hush")
    file = run.write_file("notes/report.md", "the key is hush-hush-hush")
    assert (file, file.read_text()) == (run.folder / "notes" / "report.md", "the key is ***")
    assert "notes/report.md" not in run.manifest["files"]


def test_a_folder_of_a_plugins_files_is_replaced_as_a_whole(run: RunFolder) -> None:
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


def test_rows_of_a_newer_version_are_refused_by_name(run: RunFolder) -> None:
    (run.folder / "x.jsonl").write_text('{"schema_version":1,"id":"1"}\n{"schema_version":99,"id":"2"}\n')
    with pytest.raises(RunError) as caught:
        list(run.rows("x.jsonl"))
    assert caught.value.what == f"x.jsonl has schema version 99, this dstill knows {SCHEMA_VERSION}"
    assert caught.value.where.endswith("x.jsonl:2")


# --- run.json ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema_version": "x"}', "\x00" * 50])
def test_a_damaged_manifest_is_told_with_what_stays(run: RunFolder, text: str) -> None:
    (run.folder / "run.json").write_text(text)
    with pytest.raises(RunError) as caught:
        RunFolder.read(run.folder)
    assert caught.value.what.startswith(f"{run.folder / 'run.json'} is damaged: ")
    assert "replies are kept" in caught.value.hint


def test_a_newer_manifest_is_refused_by_name(run: RunFolder) -> None:
    (run.folder / "run.json").write_text(json.dumps({**run.manifest, "schema_version": 99}))
    with pytest.raises(RunError, match=f"run 'mine' has schema version 99, this dstill knows {SCHEMA_VERSION}"):
        RunFolder.read(run.folder)


def test_a_manifest_says_what_the_run_was_made_with(run: RunFolder) -> None:
    manifest = RunFolder.read(run.folder).manifest
    assert manifest["arguments"] == {"train.r": 8}
    assert manifest["seed"] == 7
    assert {"python", "dstill"} <= manifest["versions"].keys()
    assert {"name": "evaluate", "distribution": "dstill", "version": version("dstill")} in manifest["plugins"]


# --- making, finding, deleting ----------------------------------------------------------


def make(folder: Path | None) -> RunFolder:
    return RunFolder.make(folder, stem="toy", arguments={}, seed=0)


def test_new_runs_lie_under_runs_each_with_its_own_name(project: Path) -> None:
    a, b = make(None), make(None)
    assert a.name != b.name
    assert list_runs() == [a.folder, b.folder]
    assert find_run(a.name) == a.folder


def test_a_first_run_may_be_named_under_runs(project: Path) -> None:
    assert make(Path("runs/mine")).folder.is_dir()


def test_a_folder_of_somebody_elses_is_left_alone(project: Path) -> None:
    (project / "theirs").mkdir()
    (project / "theirs" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="theirs is not a dstill run and not empty; choose another folder"):
        make(project / "theirs")
    assert [p.name for p in (project / "theirs").iterdir()] == ["thesis.txt"]


def test_what_a_kill_left_of_a_run_is_taken_and_a_file_of_the_same_name_is_not(project: Path) -> None:
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


def test_files_that_a_living_process_writes_are_not_swept_away(run: RunFolder) -> None:
    (run.folder / f".report.html.{os.getpid()}-0123abcd.tmp").write_text("half")
    (run.folder / ".mine.tmp").write_text("a person's")
    with run.lock():
        assert {p.name for p in run.folder.glob(".*.tmp")} == {f".report.html.{os.getpid()}-0123abcd.tmp", ".mine.tmp"}


def test_an_empty_folder_is_taken_also_where_an_earlier_start_broke_off(project: Path) -> None:
    (project / "empty").mkdir()
    (project / "empty" / ".lock").touch()
    assert make(project / "empty").name == "empty"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("file", "it is a file"),
        ("file/below", "file is not a folder"),
        ("missing/below", "the folder .*missing does not exist"),
    ],
)
def test_a_folder_that_cannot_be_is_told_with_its_reason(project: Path, path: str, reason: str) -> None:
    (project / "file").write_text("")
    with pytest.raises(UsageError, match=f"^cannot write .*: .*{reason}"):
        make(project / path)


def test_a_run_is_found_by_name_or_path(run: RunFolder, project: Path) -> None:
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


def test_without_runs_the_list_is_empty(project: Path) -> None:
    assert list_runs() == []


def test_a_run_is_deleted_with_all_that_is_in_it(run: RunFolder) -> None:
    run.write("x.jsonl", rows(2))
    run.remove()
    assert not run.folder.exists()


def test_a_link_to_a_run_is_not_deleted_through(run: RunFolder, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(run.folder, target_is_directory=True)
    with pytest.raises(RunError, match="is a symbolic link") as caught:
        RunFolder.read(link).remove()
    assert caught.value.hint.startswith(f"delete the run itself (dstill runs rm {run.folder.resolve()}")
    assert run.folder.exists()


def test_no_free_name_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(self: Path, *args: Any, **kwargs: Any) -> None:
        raise FileExistsError

    monkeypatch.setattr(Path, "mkdir", taken)
    with pytest.raises(DiskError, match="no free name under"):
        make(None)


# --- runs that somebody else made -------------------------------------------------------


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "elsewhere" / "authorized_keys"
    file.parent.mkdir()
    file.write_text("precious")
    return file


@pytest.mark.parametrize("name", ["log.txt", ".lock", "review.jsonl", "config.toml", "dataset/data/test.jsonl"])
def test_a_link_in_a_run_is_refused_by_name(run: RunFolder, victim: Path, name: str) -> None:
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
def test_a_folder_that_is_a_link_is_refused_by_name(run: RunFolder, victim: Path, name: str) -> None:
    (run.folder / name).parent.mkdir(exist_ok=True)
    (run.folder / name).symlink_to(victim.parent)
    with pytest.raises(RunError, match=f"{name} is a symbolic link"):
        RunFolder.read(run.folder)


@pytest.mark.parametrize("name", ["run.json", "log.txt", ".lock", "review.jsonl", "dataset/fifo"])
def test_a_fifo_in_a_run_is_refused_and_not_waited_for(run: RunFolder, name: str) -> None:
    (run.folder / name).parent.mkdir(exist_ok=True)
    (run.folder / name).unlink(missing_ok=True)
    os.mkfifo(run.folder / name)
    with pytest.raises(RunError, match=f"{name} is a fifo"):
        RunFolder.read(run.folder)
    with pytest.raises(RunError), run.lock():
        pass


@pytest.mark.parametrize("name", ["log.txt", ".lock"])
def test_a_file_with_a_second_name_is_not_written_to(run: RunFolder, victim: Path, name: str) -> None:
    (run.folder / name).unlink(missing_ok=True)
    (run.folder / name).hardlink_to(victim)
    with pytest.raises(RunError, match="has a second name"), run.lock():
        pass
    assert victim.read_text() == "precious"


def test_the_folder_of_a_run_may_be_reached_through_a_link(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run.folder)
    with RunFolder.read(tmp_path / "link").stage("train"):
        pass


def test_a_half_made_run_is_not_taken_through_a_link(project: Path, victim: Path) -> None:
    (project / "half").mkdir()
    (project / "half" / ".lock").symlink_to(project / "new")
    with pytest.raises(RunError, match="is a symbolic link"):
        RunFolder.make(project / "half", stem="toy", arguments={}, seed=0)
    assert not (project / "new").exists()


@pytest.mark.parametrize("name", ["../elsewhere/authorized_keys", "/etc/passwd", "export/../../x", ""])
def test_no_file_of_a_run_lies_outside(run: RunFolder, victim: Path, name: str) -> None:
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
SWEPT = {"trials": [TRIAL], "front": ["r-8"], "split": "test", "rank": 8}
ABLATED = {"modality": "full", "split": "test", "arms": {"dss": [TRIAL]}, "comparisons": {}}


@pytest.mark.parametrize("stages", [{"sweep": SWEPT}, {"ablate": ABLATED}, {"ablate": {"arms": 3}}])
def test_a_manifest_with_trials_is_read(run: RunFolder, stages: dict[str, Any]) -> None:
    (run.folder / "run.json").write_text(json.dumps({**run.manifest, "stages": stages}))
    assert RunFolder.read(run.folder).manifest["stages"] == stages


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"stages": []}, "stages is a list, expected an object"),
        ({"stages": {"train": 3}}, "stages/train is a number, expected an object"),
        ({"stages": {"evaluate": {"engine": "e", "scores": {"nearest": {}}}}}, "no scores of the student"),
        ({"stages": {"evaluate": {"engine": "e", "scores": {"../x": {}}}}}, "stages/evaluate/scores"),
        ({"stages": {"evaluate": {"engine": "e", "scores": {"student": {"../x": {}}}}}}, "expected one of train"),
        ({"stages": {"sweep": {"trials": [{"name": 3}]}}}, "stages/sweep/"),
        ({"stages": {"sweep": {"trials": [], "front": [], "split": "test", "rank": 8}}}, "sweep/trials has no trials"),
        ({"stages": {"sweep": {**SWEPT, "trials": [{**TRIAL, "accuracy": None}]}}}, "without an accuracy or error"),
        ({"stages": {"sweep": {**SWEPT, "trials": [{**TRIAL, "changes": {"train.r": 0}}]}}}, "train.r is 0"),
        ({"stages": {"ablate": {"modality": "x", "arms": 3}}}, "stages/ablate/"),
        ({"stages": {"ablate": {**ABLATED, "arms": {"dss": []}}}}, "arms/dss has no trials"),
        ({"files": {"a.jsonl": {"rows": "1", "sha256": ""}}}, "files/a.jsonl/rows is text, expected a whole number"),
        ({"created": "../../x"}, "created is not a time"),
        ({"seed": 10**30}, "seed is a number that is too large"),
        ({"versions": None}, "versions is null, expected an object"),
        ({"schema_version": "1"}, "schema_version is text"),
    ],
)
def test_a_manifest_of_another_form_is_told_once(run: RunFolder, changes: dict[str, Any], flaw: str) -> None:
    (run.folder / "run.json").write_text(json.dumps({**run.manifest, **changes}))
    with pytest.raises(RunError, match=r"run\.json is damaged: ") as caught:
        RunFolder.read(run.folder)
    assert flaw in caught.value.what


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"seed": ' + "9" * 5_000 + "}", "[1]", '{"a": ' * 90 + "1" + "}" * 90]
)
def test_a_manifest_of_absurd_depth_or_numbers_is_told(run: RunFolder, text: str) -> None:
    (run.folder / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        RunFolder.read(run.folder)


@pytest.mark.parametrize("row", [{"id": 7, "text": "x"}, {"id": "1", "text": []}, {"id": "1"}, {"schema_version": "9"}])
def test_a_row_of_another_form_is_told_with_its_line(run: RunFolder, row: dict[str, Any]) -> None:
    (run.folder / "predictions.jsonl").write_text('{"id": "0", "text": "x"}\n' + json.dumps(row) + "\n")
    with pytest.raises(DataError, match=r"line 2 of predictions\.jsonl") as caught:
        list(run.load(Prediction, "predictions.jsonl"))
    assert caught.value.where == f"{run.folder / 'predictions.jsonl'}:2"
