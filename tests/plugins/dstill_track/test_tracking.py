"""What MLflow and Weights & Biases have of an evaluated run: a real store in a file, and W&B's own offline files."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.installed import entry_points

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow with the newest SQLAlchemy
BLOCK = 32 * 1024
ENABLED = {"evaluate", "teachers", "track"}


def enable(monkeypatch: pytest.MonkeyPatch, names: set[str]) -> None:
    others = {point.name for point in entry_points(group="dstill")} - names
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(others)))


@pytest.fixture
def ready(cli: Callable[..., Any], project: Path, once: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trained run of the toy. Reports take long: only the tests of one write it."""
    enable(monkeypatch, ENABLED)

    def build() -> None:
        where = ("--task", "toy", "--teacher", "parrot", "--out", "run")
        assert cli("generate", *where).code == 0
        how = ("--student", "memory", "--objective", "plain", "--set", "evaluate.baselines=[]")
        assert cli("train", "run", *how, "--allow-unreviewed").code == 0

    once("trained", build)
    return project / "run"


@pytest.fixture
def store(project: Path, monkeypatch: pytest.MonkeyPatch, _mlflow_database: Path) -> Any:
    """A client of an empty MLflow store, a database in a file."""
    from mlflow import MlflowClient

    (project / "mlflow.db").write_bytes(_mlflow_database.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project}/mlflow.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "students")
    client = MlflowClient()
    client.create_experiment("students", artifact_location=(project / "artifacts").as_uri())
    return client


@pytest.fixture(scope="module")
def _mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making its tables takes longer than all that the tests write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
        MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


def manifest(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "run.json").read_text()))


def artifacts(store: Any, identity: str, folder: str = "") -> set[str]:
    found = store.list_artifacts(identity, folder or None)
    return {one.path for one in found if not one.is_dir}.union(
        *(artifacts(store, identity, one.path) for one in found if one.is_dir)
    )


@pytest.mark.slow
def test_mlflow_gets_scores_report_digests_and_student(
    cli: Any, ready: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    enable(monkeypatch, {*ENABLED, "report"})
    ended = cli("evaluate", "run", "--set", "train.report_to=mlflow,tensorboard")
    assert ended.code == 0, ended.err
    stages, files = manifest(ready)["stages"], manifest(ready)["files"]
    identity = stages["track"]["services"]["mlflow"]
    there = store.get_run(identity)
    assert (there.info.status, there.info.run_name) == ("FINISHED", "run")
    assert store.get_experiment(there.info.experiment_id).name == "students"
    for system, splits in stages["evaluate"]["scores"].items():
        for split, metrics in splits.items():
            for metric, score in metrics.items():
                measured = there.data.metrics.get(f"{system}/{split}/{metric}")
                assert measured == (None if score["value"] is None else pytest.approx(score["value"]))
    accuracy = stages["evaluate"]["scores"]["student"]["test"]["executable_accuracy"]
    assert there.data.metrics["student/test/executable_accuracy_low"] == pytest.approx(accuracy["low"])
    assert there.data.metrics["student/test/executable_accuracy_n"] == accuracy["n"]
    digest = files["dataset/data/test.jsonl"]["sha256"]
    assert there.data.tags["dstill.dataset.test.sha256"] == digest
    assert {one.dataset.name: one.dataset.digest for one in there.inputs.dataset_inputs}["run/test"] == digest[:36]
    assert there.data.tags["dstill.student"] == "memory"
    student = {f"student/{file.relative_to(ready / 'student').as_posix()}" for file in (ready / "student").rglob("*")}
    report = {f"report/report.{ending}" for ending in ("html", "json", "md")}
    assert artifacts(store, identity) == {"dataset/README.md", *report, *student}


@pytest.mark.slow
def test_mlflow_run_of_the_training_is_continued(cli: Any, ready: Path, store: Any) -> None:
    identity = store.create_run(store.get_experiment_by_name("students").experiment_id).info.run_id
    store.log_metric(identity, "loss", 0.5)
    changed = manifest(ready)
    changed["stages"]["train"]["services"] = {"mlflow": identity}
    (ready / "run.json").write_text(json.dumps(changed))
    assert cli("evaluate", "run").code == 0
    for _ in range(2):  # a second call changes the same run
        ended = cli("runs", "track", "run", "--set", "train.report_to=mlflow,comet_ml", "--json")
        assert json.loads(ended.out)["services"] == {"mlflow": identity}
    assert store.get_run(identity).data.metrics.keys() > {"loss", "student/test/executable_accuracy"}
    store.delete_run(identity)
    store._tracking_client.store._hard_delete_run(identity)
    [new] = json.loads(cli("runs", "track", "run", "--set", "train.report_to=mlflow", "--json").out)[
        "services"
    ].values()
    assert store.get_run(new).info.run_id != identity


@pytest.mark.slow
def test_student_above_the_limit_stays_here(cli: Any, ready: Path, store: Any) -> None:
    where = ("--set", "train.report_to=mlflow", "--set", "train.report_student_mb=0")
    ended = cli("evaluate", "run", *where)
    assert "the student is not sent: it has 0 MB, and train.report_student_mb is 0" in ended.err
    identity = manifest(ready)["stages"]["track"]["services"]["mlflow"]
    assert {name.partition("/")[0] for name in artifacts(store, identity)} == {"dataset"}
    assert "report_student_mb" in store.get_run(identity).data.tags["dstill.student_not_sent"]


def test_server_that_is_away_costs_no_scores(cli: Any, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    ended = cli("evaluate", "run", "--set", "train.report_to=mlflow")
    assert ended.code == 0
    assert "the scores were not sent: MLflow did not take the results" in ended.err
    assert "to try again: dstill runs track run" in ended.err
    assert manifest(ready)["stages"]["evaluate"]["scores"]["student"]
    again = cli("runs", "track", "run", "--set", "train.report_to=mlflow")
    assert again.code == 7

    def away(*_: object, **__: object) -> None:
        raise TimeoutError  # without a message

    monkeypatch.setattr("mlflow.MlflowClient.create_run", away)
    again = cli("runs", "track", "run", "--set", "train.report_to=mlflow")
    assert "MLflow did not take the results: TimeoutError" in again.err
    assert "MLFLOW_TRACKING_URI = http://127.0.0.1:9" in again.err


def wandb_records(file: Path) -> Iterator[Any]:
    """The records in W&B's own file: a log of blocks of 32 KiB, in which a record is in one part or several."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, record = file.read_bytes(), 7, b""
    while at + 7 <= len(content):
        if (left := BLOCK - at % BLOCK) < 7:
            at += left
            continue
        size, part = struct.unpack("<HB", content[at + 4 : at + 7])
        record += content[at + 7 : at + 7 + size]
        at += 7 + size
        if part in (1, 4):  # the whole record, or its last part
            yield Record.FromString(record)
            record = b""


@pytest.mark.slow
def test_wandb_writes_its_offline_files(cli: Any, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    wandb.teardown()  # it keeps the settings of an earlier test
    settings = {"MODE": "offline", "DIR": str(ready.parent), "ERROR_REPORTING": "false", "SILENT": "true"}
    for name, value in settings.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    ended = cli("evaluate", "run", "--set", "train.report_to=wandb")
    assert ended.code == 0, ended.err
    identity = manifest(ready)["stages"]["track"]["services"]["wandb"]
    [file] = ready.parent.glob(f"wandb/offline-run-*/run-{identity}.wandb")
    records = list(wandb_records(file))
    [begun] = [record.run for record in records if record.HasField("run")]
    assert begun.display_name == "run"
    digest = manifest(ready)["files"]["dataset/data/test.jsonl"]["sha256"]
    facts = {item.key: json.loads(item.value_json) for item in begun.config.update}
    assert facts["dstill.dataset.test.sha256"] == digest
    summary = {item.key: item.value_json for record in records for item in record.summary.update}
    accuracy = manifest(ready)["stages"]["evaluate"]["scores"]["student"]["test"]["executable_accuracy"]["value"]
    assert json.loads(summary["student/test/executable_accuracy"]) == pytest.approx(accuracy)
    artifacts = [record.artifact for record in records if record.HasField("artifact")]
    artifacts += [r.request.log_artifact.artifact for r in records if r.request.HasField("log_artifact")]
    found = {one.type: {entry.path for entry in one.manifest.contents} for one in artifacts}
    assert found["dataset"] == {"README.md"}
    assert found["model"] == {file.name for file in (ready / "student").iterdir()}
