"""Scores and answers exported for other programs, read by these programs in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.installed import entry_points

Cli = Callable[..., Any]
ENABLED_PLUGINS = {"teachers", "evaluate", "report"}

INSPECT = """
import json, sys
from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_sample

found = []
for info in list_eval_logs(sys.argv[1]):
    log = read_eval_log(info)
    one = read_eval_log_sample(info, id=log.samples[0].id)
    found.append({
        "task": info.task, "model": log.eval.model, "status": log.status, "created": log.eval.created,
        "headline": log.results.scores[0].name,
        "results": {s.name: {k: m.value for k, m in s.metrics.items()} for s in log.results.scores},
        "unscored": {s.name: s.unscored_samples for s in log.results.scores},
        "ids": [s.id for s in log.samples],
        "input": one.input, "target": one.target, "completion": one.output.completion, "metadata": one.metadata,
        "scores": {s.id: {k: v.value for k, v in (s.scores or {}).items()} for s in log.samples},
    })
print(json.dumps(found))
"""

LM_EVAL = """
import json, sys
from pathlib import Path
from lm_eval.result_schema import EvalResults, SampleResult, _TaskMetrics
from lm_eval.utils import get_file_task_name, get_latest_filename, get_results_filenames, make_table
from lm_eval.utils import get_sample_results_filenames
from datasets import load_dataset

files = [str(path) for path in Path(sys.argv[1]).rglob("*.json*")]
latest = get_latest_filename(get_results_filenames(files))
results = json.loads(Path(latest).read_text())
samples = get_sample_results_filenames(files)
rows = load_dataset("json", data_files=samples[0], split="train", cache_dir=sys.argv[2])
print(json.dumps({
    "table": make_table(results),
    "unknown": sorted(set(results) - set(EvalResults.__annotations__)),
    "missing": sorted(SampleResult.__required_keys__ - set(rows.column_names))
    + sorted(_TaskMetrics.__required_keys__ - set(next(iter(results["results"].values())))),
    "task": get_file_task_name(Path(samples[0]).name),
    "results": results["results"],
    "rows": list(rows),
}))
"""


def read(script: str, *words: object) -> Any:
    """The output of a reader in a separate process, because these packages warn and patch."""
    package = "inspect_ai" if script is INSPECT else "lm_eval"
    if find_spec(package) is None:
        reason = f"{package} is not installed; the group 'dev' of pyproject.toml has it"
        if os.environ.get("DSTILL_REQUIRE_LIVE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    ended = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONWARNINGS": "ignore"},
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.fixture
def scored(cli: Cli, project: Path, once: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An evaluated run in which the engine was unavailable for one item, which is not counted."""
    others = {point.name for point in entry_points(group="dstill")} - ENABLED_PLUGINS
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(others)))

    def build() -> None:
        assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
        assert cli("train", "mine", "--student", "memory", "--objective", "plain").code == 0
        pairs = json.loads((project / "mine/student/pairs.json").read_text())
        away = {
            key: "1+2~" if sorted(key.split()) == sorted(["predict:", "add", "2", "and", "1"]) else pairs[key]
            for key in pairs
        }
        assert away != pairs
        (project / "mine/student/pairs.json").write_text(json.dumps(away))
        assert cli("evaluate", "mine").code == 0

    once("scored", build)
    return project / "mine"


@pytest.mark.nightly
def test_inspect_reads_the_logs(cli: Cli, scored: Path) -> None:
    ended = cli("report", "mine", "--to", "inspect", "--json")
    assert ended.code == 0, ended.err
    logs = {log["model"]: log for log in read(INSPECT, json.loads(ended.out)["folder"])}
    assert set(logs) == {"dstill/mine", "dstill/mine:untrained", "dstill/mine:nearest"}
    log = logs["dstill/mine"]
    assert (log["task"], log["status"], log["headline"], len(log["ids"])) == (
        "toy-test",
        "success",
        "executable_accuracy",
        13,
    )
    scores = json.loads((scored / "run.json").read_text())["stages"]["evaluate"]["scores"]["student"]["test"]
    accuracy = scores["executable_accuracy"]
    assert log["results"]["executable_accuracy"] == {
        "accuracy": accuracy["value"],
        "low": accuracy["low"],
        "high": accuracy["high"],
    }
    assert log["unscored"]["executable_accuracy"] == 1
    marks = [marks.get("executable_accuracy") for marks in log["scores"].values()]
    assert (marks.count("C"), marks.count("I"), marks.count(None)) == (6, 6, 1)
    assert (log["input"], log["target"], log["completion"]) == ("add 2 and 1", "2+1", "1+2~")
    assert log["metadata"]["uncounted"] == "unsupported"


@pytest.mark.slow
def test_lm_eval_reads_results_and_samples(cli: Cli, scored: Path, tmp_path: Path) -> None:
    ended = cli("report", "mine", "--to", "lm-eval", "--json")
    assert ended.code == 0, ended.err
    folder = Path(json.loads(ended.out)["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["mine", "mine__nearest", "mine__untrained"]
    found = read(LM_EVAL, folder / "mine", tmp_path / "cache")
    assert found["unknown"] == found["missing"] == []
    assert found["task"] == "toy_test"
    rows = {row.split("|")[5].strip(): row for row in found["table"].splitlines()[2:]}
    assert "executable_accuracy" in rows
    assert "↑" in rows["executable_accuracy"]
    assert "0.5000" in rows["executable_accuracy"]
    assert "↓" in rows["silent_error_rate"]
    # the sample deviation over the root of n, of six right ones of twelve
    error = found["results"]["toy_test"]["executable_accuracy_stderr,none"]
    assert error == pytest.approx((0.5 * 0.5 * 12 / 11 / 12) ** 0.5)
    answered = [row["executable_accuracy"] for row in found["rows"]]
    assert (len(answered), answered.count(1.0), answered.count(None)) == (13, 6, 1)
    first = found["rows"][0]
    assert (first["doc"]["question"], first["target"], first["filtered_resps"]) == ("add 2 and 1", "2+1", ["1+2~"])


@pytest.mark.parametrize("form", ["inspect", "lm-eval"])
def test_repeated_export_is_identical_and_leaves_no_old_file(cli: Cli, scored: Path, form: str) -> None:
    files = json.loads(cli("report", "mine", "--to", form, "--json").out)["files"]
    first = {name: Path(name).read_bytes() for name in files}
    old = Path(files[0]).parent / "2020-01-01T00-00-00+00-00_old_x.json"
    old.write_text("{}")
    assert json.loads(cli("report", "mine", "--to", form, "--json").out)["files"] == files
    assert {name: Path(name).read_bytes() for name in files} == first
    assert not old.exists()


def test_run_of_a_newer_version_is_refused(cli: Cli, scored: Path) -> None:
    manifest = json.loads((scored / "run.json").read_text())
    (scored / "run.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    ended = cli("report", "mine")
    assert ended.code == 5
    assert "schema version 99" in ended.err
