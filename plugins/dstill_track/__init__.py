"""Sends scores, report, dataset digests and student of an evaluated run to MLflow or Weights & Biases.

    dstill train RUN --set train.report_to=mlflow       # the losses, by transformers
    dstill evaluate RUN                                 # the rest, in the same run of MLflow
    dstill runs track RUN                               # the same again, after a failure

`results` says what is sent, `to_mlflow` and `to_wandb` send it. No library of theirs is imported before a run names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from dstill.run_view import RunView

__all__ = ["track_run"]


@hookimpl
def track_run(run: RunView, report: Path | None) -> dict[str, str]:
    """Send the run to each service that ``train.report_to`` names, if it is one of the two."""
    from dstill.api.recipe import services_in
    from dstill_track import to_mlflow, to_wandb
    from dstill_track.results import results_of

    known = {"mlflow": to_mlflow.send, "wandb": to_wandb.send}
    wanted = [name for name in services_in(run.settings.train.report_to) if name in known]
    results = results_of(run, report) if wanted else None
    return {} if results is None else {name: known[name](results) for name in wanted}
