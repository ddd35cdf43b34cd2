"""The reproduction: its verdicts by known intervals, its corrupted answers, and the quick one from end to end."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.reproduce.claims import HELD, NOT_HELD, OPEN, Claim, Part
from benchmarks.reproduce.lab import Lab, corrupted
from benchmarks.reproduce.published import as_json, rebuild
from benchmarks.reproduce.size import QUICK
from benchmarks.reproduce.trial_log import TrialLog, key_of
from hypothesis import given
from hypothesis import strategies as st

from dstill import Run
from dstill.api.records import Level, Record, Score, Verdict
from dstill.runs.folder import data_file
from dstill_sweep.trials import Result


def _part(low: float, high: float, above: float = 0.0, below: float = math.inf) -> Part:
    return Part(what="a − b", estimate=(low + high) / 2, low=low, high=high, above=above, below=below)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 3, HELD), (-3, -0.1, NOT_HELD), (-1, 1, OPEN), (0, 0, OPEN), (0, 1, OPEN), (-1, 0, OPEN)],
)
def test_interval_decides_verdict(low: float, high: float, verdict: str) -> None:
    assert _part(low, high).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.61, 0.69, HELD), (0.55, 0.65, OPEN), (0.71, 0.8, NOT_HELD), (0.1, 0.2, NOT_HELD), (0.1, 0.9, OPEN)],
)
def test_region_has_two_sides(low: float, high: float, verdict: str) -> None:
    assert _part(low, high, above=0.6, below=0.7).verdict == verdict


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 5)), min_size=1, max_size=5))
def test_claim_holds_only_if_all_parts_hold(drawn: list[tuple[float, float]]) -> None:
    parts = tuple(_part(low, low + width) for low, width in drawn)
    said = Claim(name="c", statement="", margin="", seeds=1, parts=parts).verdict
    verdicts = [part.verdict for part in parts]
    assert (said == HELD) == all(v == HELD for v in verdicts)
    assert (said == NOT_HELD) == any(v == NOT_HELD for v in verdicts)


def test_claim_row_is_json_with_region_and_seeds() -> None:
    claim = Claim(name="dss", statement="DSS wins", margin="none", seeds=3, parts=(_part(0.1, 3),))
    row = json.loads(json.dumps(claim.to_row(), allow_nan=False))
    assert (row["verdict"], row["seeds"], row["margin"]) == (HELD, 3, "none")
    assert (row["parts"][0]["above"], row["parts"][0]["below"]) == (0.0, None)
    assert row["parts"][0]["estimate"] == pytest.approx(1.55)


@pytest.mark.parametrize("percent", [0, 10, 30])
def test_corrupts_exact_share_of_records(percent: int) -> None:
    records = [
        Record(id=f"q{n}", question=f"q{n}", rationale=f"r{n}", answer=f"a{n}", split="train") for n in range(100)
    ]
    found = corrupted(records, percent)
    wrong = [n for n, record in enumerate(found) if record.answer != f"a{n}"]
    assert len(wrong) == percent
    assert sorted(record.answer for record in found) == sorted(record.answer for record in records)
    assert all(record.rationale[1:] == record.answer[1:] for record in found)
    assert [record.question for record in found] == [record.question for record in records]


def test_trial_log_survives_round_trip(tmp_path: Path) -> None:
    judged = {"a": Level.CORRECT, "b": Level.EXECUTED, "c": Level.VALID}
    verdicts = {id: Verdict(id=id, reached=level, checked=Level.CORRECT, template="t") for id, level in judged.items()}
    verdicts["d"] = Verdict(id="d", reached=Level.CORRECT, checked=Level.CORRECT, trivial=True)  # tells nothing
    result = Result(name="seed-0", changes={"train.r": 8}, accuracy=Score(name="executable_accuracy", value=0.5, n=2))
    trial_log = TrialLog(tmp_path / "trials.jsonl")
    trial_log.add("k", "weblogs-to-movies", result, {"test": verdicts})
    trial_log.add("l", "weblogs-to-movies", result, {"test": {**verdicts, "b": verdicts["a"]}})
    for found in (trial_log, TrialLog(tmp_path / "trials.jsonl")):
        assert "m" not in found
        assert found["k"].asked == {"test": 4}
        assert found.lookup("weblogs-to-movies", "test", {"train.r": 8}) == found["l"]
        assert found["k"].result == result
        assert {id: v.correct for id, v in found["k"].verdicts["test"].items()} == {"a": True, "b": False, "c": False}
        assert [v.template for v in found["l"].verdicts["test"].values()] == ["t", "t", "t"]
        assert found["l"].verdicts["test"]["b"].correct
    assert len((tmp_path / "trials.jsonl").read_text().splitlines()) == 3  # the items once


def test_trial_log_keeps_items_of_each_dataset_version(tmp_path: Path) -> None:
    result = Result(name="seed-0", changes={}, accuracy=Score(name="executable_accuracy", value=0.5, n=2))
    trial_log = TrialLog(tmp_path / "trials.jsonl")
    versions = {
        "old": {"q-1": "status", "q-2": "count"},
        "other": {"q-1": "count", "q-2": "status"},
        "more": {"q-3": "x"},
    }
    for key, items in versions.items():
        judged = {
            id: Verdict(id=id, reached=Level.CORRECT, checked=Level.CORRECT, template=template)
            for id, template in items.items()
        }
        trial_log.add(key, "weblogs-to-movies", result, {"test": judged})
    for key, items in versions.items():
        found = TrialLog(tmp_path / "trials.jsonl")[key].verdicts["test"]
        assert {id: verdict.template for id, verdict in found.items()} == items


class _UntrainedLab(Lab):
    """A lab whose bases have a few records and no student."""

    def base(self, index: str) -> Run:
        run = self._run(index, self._base_settings(index))
        if not run.manifest["files"]:
            for split in ("train", "test", "validation", "test_unseen_data"):
                ids = (f"{index}-{split}-{n}" for n in range(9))
                run.write(
                    data_file(split), [Record(id=id, question=id, rationale="", answer="{}", split=split) for id in ids]
                )
            run.save()
        return run


def test_rebuilds_incomplete_runs(tmp_path: Path) -> None:
    lab = _UntrainedLab(tmp_path, QUICK, jobs=1)
    for name in ("weblogs-to-movies", "weblogs", "movies"):
        made = lab.adaptation("weblogs", "movies")
        left = lab.adaptation("weblogs", "movies")
        assert left.manifest["id"] == made.manifest["id"]  # a whole one is taken as it is
        (tmp_path / name / "run.json").unlink()
        assert lab.adaptation("weblogs", "movies").manifest["status"] == "ready"
    (tmp_path / "weblogs-to-movies" / "run.json").unlink()
    (tmp_path / "weblogs-to-movies" / "config.toml").unlink()
    assert lab.adaptation("weblogs", "movies").records("test")


@pytest.mark.parametrize("change", [{"base_steps": 61}, {"rows": 601}, {"steps": 21}, {"items": 5}])
def test_other_size_rebuilds_run(tmp_path: Path, change: dict[str, int]) -> None:
    changes = {"train.modality": "lora"}
    keys = []
    for size in (QUICK, replace(QUICK, **change), QUICK):  # type: ignore[arg-type]
        lab = _UntrainedLab(tmp_path, size, jobs=1)
        keys.append(key_of(lab.adaptation("weblogs", "movies"), "test", changes))
    assert keys[0] == keys[2] != keys[1]


def test_trial_key_has_recipe_defaults_and_base_dataset(tmp_path: Path) -> None:
    parent = _UntrainedLab(tmp_path, QUICK, jobs=1).adaptation("weblogs", "movies")
    keys = {key_of(parent, "test", {})}
    parent.manifest["base"]["dataset"]["dataset/data/train.jsonl"] = "0"
    keys.add(key_of(parent, "test", {}))
    parent.config = parent.config.with_flags({"train.warmup_ratio": 0.5})
    keys.add(key_of(parent, "test", {}))
    assert len(keys) == 3


@pytest.mark.slow
def test_published_page_matches_published_trials(root: Path) -> None:
    found, text = rebuild(root / "docs")
    assert text == (root / "docs" / "benchmark.md").read_text()
    assert as_json([claim.to_row() for claim in found.claims]) == (root / "docs" / "claims.json").read_text()


CLAIMS = {
    "order",
    "lora-within-5-percent",
    "lora-saves-memory",
    "qlora-7b-on-24-gb",
    "alpha-rank-steady",
    "dss-beats-label-only",
    "few-clean-match-many-noisy",
}


@pytest.fixture
def reproduce(root: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """``reproduce("smoke")`` starts that size in the test's folder; with `forks` its trials are forked."""

    def start(size: str, *, forks: bool = False) -> subprocess.Popen[str]:
        module = "support.forked_trials" if forks else "benchmarks.reproduce"
        command = [sys.executable, "-m", module, "--size", size, "--jobs", "2"]
        path = os.pathsep.join([str(root), str(root / "tests")])
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        with (tmp_path / "reproduce.err").open("w") as err:
            return subprocess.Popen(
                command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=err, text=True
            )

    return start


def _wait_and_check(process: subprocess.Popen[str], out: Path) -> str:
    """Wait for the whole reproduction, check what it wrote, and return its claims."""
    process.communicate(timeout=2400)
    assert process.returncode == 0, (out.parents[2] / "reproduce.err").read_text()[-3000:]
    written = (out / "claims.json").read_text()
    claims = {claim["name"]: claim for claim in json.loads(written)}
    assert set(claims) == CLAIMS
    assert all(part["low"] <= part["estimate"] <= part["high"] for claim in claims.values() for part in claim["parts"])
    text = (out / "benchmark.md").read_text()
    assert all(claim["verdict"] in text for claim in claims.values())
    assert not (out.parents[2] / "docs").exists()  # only the full size writes documentation
    return written


@pytest.mark.nightly
def test_interrupted_reproduction_resumes(reproduce: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    out = tmp_path / "build/reproduce/smoke"
    trials = out / "trials.jsonl"
    process = reproduce("smoke")
    assert process.stdout is not None
    for _ in process.stdout:  # a line for each finished trial
        if trials.exists() and _trials(trials):
            process.terminate()
            break
    process.communicate(timeout=600)
    assert process.returncode == 130, (tmp_path / "reproduce.err").read_text()[-3000:]
    before = trials.read_text()
    _wait_and_check(reproduce("smoke", forks=True), out)
    assert trials.read_text().startswith(before)  # nothing finished was trained again
    keys = [row["key"] for row in _trials(trials)]
    assert len(keys) == len(set(keys)) > 4


def _trials(file: Path) -> list[dict[str, Any]]:
    return [row for row in map(json.loads, file.read_text().splitlines()) if "key" in row]


@pytest.mark.nightly
def test_quick_reproduction_runs_and_resumes(reproduce: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    out = tmp_path / "build/reproduce/quick"
    assert _wait_and_check(reproduce("quick"), out) == _wait_and_check(reproduce("quick"), out)
