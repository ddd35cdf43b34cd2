"""`dstill ray sweep`: what `dstill experiment sweep` does, by Ray Tune on a cluster of this machine."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ray_lab import Lab
from support.sizes import size
from support.untrusted_folder import plant, ran

SWEEP = ("--split", "test", "--json")
TRIALS = size("RAY_TRIALS", ci=2, nightly=4)


def _facts(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The results, on the line above that of an error."""
    return dict(next(row for line in ended.stdout.splitlines() if "trials" in (row := json.loads(line))))


def _space(lab: Lab, text: str) -> str:
    (lab.folder / "space.toml").write_text(text)
    return "space.toml"


def _trained(lab: Lab) -> list[str]:
    return [line.split()[1] for line in (lab.folder / "diary.txt").read_text().splitlines()]


@pytest.mark.nightly
def test_failed_and_killed_trials_do_not_stop_others_and_the_sweep_resumes(learners: Lab) -> None:
    space = _space(learners, "[space]\ntrain.r = [1, 2, 8]\n")
    # a foreign module next to the data: neither the command nor Ray's workers may import it
    plant(learners.folder)
    with learners.start("ray", "sweep", "made", space, *SWEEP) as process:
        beyond = set()
        while process.poll() is None:
            beyond |= learners.listens()
            time.sleep(1)
        out, err = process.communicate()
    assert process.returncode == 3, err
    assert not ran(learners.folder)
    assert beyond == set()
    assert learners.left() == []
    facts = _facts(subprocess.CompletedProcess((), 3, out, err))
    rows = {row["changes"]["train.r"]: row for row in facts["trials"]}
    assert rows[1]["error"] == "the loss is NaN"
    assert rows[2]["error"] == "its process died, perhaps out of memory"
    assert rows[8]["accuracy"]["value"] > 0
    assert rows[8]["peak_memory"] == 8 << 20
    assert facts["front"] == [rows[8]["name"]]
    assert sorted(_trained(learners)) == ["1", "2", "8"]
    assert not list((learners.folder / "made").glob(".ray*"))
    assert not (learners.folder / ".ray").exists()  # HOME is that folder

    again = learners.run("experiment", "sweep", "made", _space(learners, "[space]\ntrain.r = [1, 8]\n"), *SWEEP)
    assert again.returncode == 3
    assert _facts(again)["trials"] == [rows[1], rows[8]]
    assert sorted(_trained(learners)) == ["1", "1", "2", "8"]  # failed trials run again, the others are reused


@pytest.mark.nightly
def test_failed_point_can_succeed_when_proposed_again(learners: Lab) -> None:
    space = _space(learners, "[space]\ntrain.r = [6]\n[sweep]\ntrials = 2\n")
    ended = learners.run("ray", "sweep", "made", space, "--jobs", "1", *SWEEP)
    assert ended.returncode == 0, ended.stderr
    assert _trained(learners) == ["6", "6"]
    assert _facts(ended)["trials"][0]["error"] == ""


@pytest.mark.nightly
def test_ctrl_c_stops_the_trials_and_the_sweep_resumes(learners: Lab) -> None:
    space = _space(learners, "[space]\ntrain.r = [8, 3]\n")
    process = learners.start("ray", "sweep", "made", space, "--jobs", "1", *SWEEP)
    deadline = time.monotonic() + 300
    while not re.search(r"^part 3 ", _text(learners.folder / "diary.txt"), re.MULTILINE):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=300)[1]
    assert process.returncode == 130, err
    assert re.search(r"resume with: dstill .*experiment sweep made", err)
    assert learners.left() == []
    stopped = next(path for path in (learners.folder / "made" / "trials").iterdir() if path.name.startswith("r-3"))
    assert json.loads((stopped / "run.json").read_text())["status"] == "train: interrupted"
    rest = learners.run("ray", "sweep", "made", _space(learners, "[space]\ntrain.r = [8, 16]\n"), *SWEEP)
    assert rest.returncode == 0, rest.stderr
    assert _trained(learners) == ["8", "3", "16"]


@contextlib.contextmanager
def _running_cluster(lab: Lab) -> Iterator[str]:
    """The address of a cluster that was there before the command."""
    lab.environment.update(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="t" * 64)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = f"--head --port {port} --include-dashboard false --num-cpus 2 --disable-usage-stats"
    try:
        subprocess.run(
            [str(Path(sys.executable).parent / "ray"), "start", *options.split()],
            env=lab.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=300,
            check=True,
        )
        yield f"127.0.0.1:{port}"
    finally:
        for process in lab.offspring():
            process.kill()


@pytest.mark.nightly
def test_running_cluster_proposes_the_points_of_a_sweep_without_ray_and_is_left_running(learners: Lab) -> None:
    space = _space(
        learners,
        "[space]\ntrain.learning_rate = { low = 0.1, high = 1.0 }\ntrain.r = [4, 8]\n"
        f"[sweep]\ntrials = {TRIALS}\nseed = 3\n",
    )
    learners.copy("other")
    with _running_cluster(learners) as address:
        by_ray = learners.run("ray", "sweep", "made", space, "--jobs", "2", "--address", address, *SWEEP)
        assert by_ray.returncode == 0, by_ray.stderr
        assert any("gcs_server" in str(process.cmdline()[:1]) for process in learners.offspring())
    without = learners.run("experiment", "sweep", "other", space, "--jobs", "2", *SWEEP)
    assert without.returncode == 0, without.stderr
    one, two = _facts(by_ray), _facts(without)
    assert len(one["trials"]) == TRIALS
    for name in ("trials", "front", "best", "space", "sampler"):
        assert one[name] == two[name]
    evaluated = learners.manifest("made")["stages"]["sweep"]
    assert evaluated.keys() == learners.manifest("other")["stages"]["sweep"].keys()


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
