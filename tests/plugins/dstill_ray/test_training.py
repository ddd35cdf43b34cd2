"""`dstill ray train`: two workers train as one process does, and stop together."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time

import pytest
from support.ray_lab import Lab

TWO = ("--workers", "2", "--set", "train.per_device_train_batch_size=2")  # together a batch of 4
ONE = ("--set", "train.per_device_train_batch_size=4")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def curve_of_one(trained: Lab) -> dict[tuple[int, str], float]:
    """The curve of one process."""
    trained.copy("one")
    ended = trained.run("train", "one", *ONE)
    assert ended.returncode == 0, ended.stderr
    return _curve(trained, "one")


def _curve(lab: Lab, run: str) -> dict[tuple[int, str], float]:
    manifest = lab.manifest(run)
    assert manifest["status"] == "train: done"
    rows = manifest["stages"]["train"]["history"]
    names = ("loss", "eval_loss", "grad_norm", "learning_rate")
    return {(row["step"], name): row[name] for row in rows for name in names if name in row}


@pytest.mark.nightly
def test_loss_curve_of_two_workers_matches_one_process(
    trained: Lab, curve_of_one: dict[tuple[int, str], float]
) -> None:
    trained.copy("two")
    ended = trained.run("ray", "train", "two", *TWO, "--json")
    assert ended.returncode == 0, ended.stderr
    assert _curve(trained, "two") == pytest.approx(curve_of_one, rel=1e-4)
    last = json.loads(ended.stdout)
    assert (last["processes"], last["steps"], last["modality"]) == (2, 12, "full")
    assert last["tokens_seen"] == trained.manifest("one")["stages"]["train"]["tokens_seen"]
    assert re.search(r"^training \d+/12", ended.stderr, re.MULTILINE)
    assert trained.left() == []
    assert not list((trained.folder / "two").glob(".ray*"))


def _slow_training(lab: Lab, run: str, pace: str) -> subprocess.Popen[str]:
    """A training that is slow enough to be stopped, once it has a checkpoint."""
    lab.copy(run)
    process = lab.start("ray", "train", run, *TWO, "--set", "train.save_steps=2", PACE=pace)
    deadline = time.monotonic() + 300
    while not list((lab.folder / run / "checkpoints").glob("checkpoint-*/COMPLETE.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.2)
    return process


@pytest.mark.nightly
def test_sigterm_stops_the_workers_at_one_step_and_training_resumes(
    trained: Lab, curve_of_one: dict[tuple[int, str], float]
) -> None:
    process = _slow_training(trained, "half", "3")
    process.send_signal(signal.SIGTERM)  # which `ray job stop` sends; Ctrl-C goes the same way
    err = process.communicate(timeout=300)[1]
    assert process.returncode == 130, err
    stopped = re.search(r"error: stopped at step (\d+) of 12; checkpoint-(\d+) is kept", err)
    assert stopped is not None, err
    assert stopped[1] == stopped[2]
    assert 2 <= int(stopped[1]) < 12
    assert trained.manifest("half")["status"] == "train: interrupted"
    assert trained.left() == []
    resumed = trained.run("ray", "train", "half", *TWO)
    assert resumed.returncode == 0, resumed.stderr
    assert f"training {stopped[1]}/12" not in resumed.stderr
    assert _curve(trained, "half") == pytest.approx(curve_of_one, rel=1e-4)


@pytest.mark.nightly
def test_second_ctrl_c_ends_at_once(trained: Lab) -> None:
    process = _slow_training(trained, "twice", "30")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "Ctrl-C again stops immediately" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 130
    assert trained.manifest("twice")["status"] == "train: interrupted"
    assert trained.left() == []


@pytest.mark.nightly
def test_failed_worker_stops_all_with_its_reason(trained: Lab) -> None:
    trained.copy("broken")
    ended = trained.run("ray", "train", "broken", *TWO, FAULT="1 5 fail")
    assert ended.returncode == 10, ended.stderr
    assert "worker 1 of 2 (numbered from 0)\nerror: out of memory while training" in ended.stderr
    assert trained.manifest("broken")["status"].startswith("train: failed: out of memory while training")
    assert trained.left() == []


@pytest.mark.nightly
def test_killed_worker_stops_all_and_training_resumes(trained: Lab, curve_of_one: dict[tuple[int, str], float]) -> None:
    trained.copy("killed")
    ended = trained.run("ray", "train", "killed", *TWO, FAULT="1 6 die")
    assert ended.returncode == 10, ended.stderr
    assert "error: worker 1 of 2 (numbered from 0) died" in ended.stderr
    assert trained.manifest("killed")["status"] == "train: failed: worker 1 of 2 (numbered from 0) died"
    assert trained.left() == []
    resumed = trained.run("ray", "train", "killed", *TWO)
    assert resumed.returncode == 0, resumed.stderr
    assert _curve(trained, "killed") == pytest.approx(curve_of_one, rel=1e-4)


@pytest.mark.nightly
def test_shared_error_is_printed_once(trained: Lab) -> None:
    trained.copy("wrong")
    ended = trained.run("ray", "train", "wrong", *TWO, "--modality", "lora", "--set", "train.target_modules=nothing")
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.count("has no linear layer called 'nothing'") == 1
    assert trained.left() == []
