"""Sends results to MLflow, where its own environment variables say: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME.

    send(results)     # the id of the run there

Scores are metrics, digests are tags and the run's datasets, and report, dataset card and student are artifacts.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from dstill.errors import ServiceError, first_line, needs
from dstill_track.results import Results

__all__ = ["send"]

SETTING = "train.report_to = mlflow"
DIGEST = 36  # characters of a dataset's digest there; the whole one is a tag
REQUEST_SIZE = 100  # metrics or tags of a request


def send(results: Results) -> str:
    """Send `results`; returns the id of the run. Raises MissingExtra, ServiceError."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with needs(SETTING, "mlflow"):
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    try:
        client = MlflowClient()
        identity = _run(client, results, MlflowException)
        _log(client, identity, results)
        client.set_terminated(identity)
    except (MlflowException, OSError) as error:  # requests' errors are OSErrors
        raise ServiceError(
            f"MLflow did not take the results: {first_line(error)}",
            where=f"{SETTING}, MLFLOW_TRACKING_URI = {os.environ.get('MLFLOW_TRACKING_URI', '(not set)')}",
            hint="check the server, its login and MLFLOW_TRACKING_URI",
        ) from error
    return identity


def _run(client: Any, results: Results, missing: type[Exception]) -> str:
    """The id of the run of the training if it is there, else of a new one."""
    if known := results.known.get("mlflow"):
        try:
            return str(client.get_run(known).info.run_id)
        except missing:  # it was deleted, or is on another server
            pass
    return str(client.create_run(_experiment(client), run_name=results.name).info.run_id)


def _experiment(client: Any) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "")
    if not name:
        return os.environ.get("MLFLOW_EXPERIMENT_ID", "0")
    experiment = client.get_experiment_by_name(name)
    return str(experiment.experiment_id if experiment else client.create_experiment(name))


def _log(client: Any, identity: str, results: Results) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, RunTag

    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in results.metrics.items()]
    tags = [RunTag(name, fact) for name, fact in results.facts.items()]
    for start in range(0, max(len(metrics), len(tags)), REQUEST_SIZE):
        end = start + REQUEST_SIZE
        client.log_batch(identity, metrics=metrics[start:end], tags=tags[start:end])
    datasets = [
        DatasetInput(
            Dataset(
                name=f"{results.name}/{split}",
                digest=of.sha256[:DIGEST],
                source_type="local",
                source=f'{{"uri": "dataset/data/{split}.jsonl"}}',
                profile=f'{{"num_rows": {of.rows}}}',
            ),
            [InputTag("mlflow.data.context", split)],
        )
        for split, of in results.splits.items()
    ]
    if datasets:
        client.log_inputs(identity, datasets)
    for folder, files in results.files.items():
        for file in files:
            client.log_artifact(identity, str(file), _place(folder, files, file))


def _place(folder: str, files: tuple[Path, ...], file: Path) -> str:
    """The folder of the artifact: files of a subfolder stay in one."""
    top = Path(os.path.commonpath([file.parent for file in files]))
    inner = file.parent.relative_to(top).as_posix()
    return folder if inner == "." else f"{folder}/{inner}"
