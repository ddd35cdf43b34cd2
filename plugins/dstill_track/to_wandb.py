"""Sends results to Weights & Biases, as its own environment variables say: WANDB_PROJECT, WANDB_MODE.

    send(results)     # the id of the run there

Scores are the run's summary, digests its configuration. Report, dataset card and student are artifacts.
"""

from __future__ import annotations

import os
from pathlib import Path

from dstill.errors import AuthError, ServiceError, first_line, needs
from dstill_track.results import Results

__all__ = ["send"]

SETTING = "train.report_to = wandb"
KINDS = {"report": "report", "dataset": "dataset", "student": "model"}  # of artifacts
PROJECT = "huggingface"  # where transformers sends the losses if WANDB_PROJECT names no other


def send(results: Results) -> str:
    """Send `results`; returns the id of the run. Raises MissingExtra, AuthError, ServiceError."""
    with needs(SETTING, "wandb"):
        import wandb
    known = results.known.get("wandb")
    try:
        with wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=known,
            name=None if known else results.name,
            resume="allow",
            config=dict(results.facts),
            allow_val_change=True,
        ) as run:
            run.summary.update(dict(results.metrics))
            for folder, files in results.files.items():
                digests = {split: of.sha256 for split, of in results.splits.items()}
                artifact = wandb.Artifact(f"{run.id}-{folder}", type=KINDS[folder], metadata={"dataset": digests})
                top = Path(os.path.commonpath([file.parent for file in files]))
                for file in files:
                    artifact.add_file(str(file), name=file.relative_to(top).as_posix())
                run.log_artifact(artifact)
            return str(run.id)
    except (wandb.errors.AuthenticationError, wandb.errors.UsageError) as error:
        raise AuthError(
            f"Weights & Biases: {first_line(error)}", where=SETTING, hint="wandb login, or WANDB_MODE=offline"
        ) from error
    except (wandb.errors.Error, OSError) as error:
        raise ServiceError(
            f"Weights & Biases did not take the results: {first_line(error)}",
            where=SETTING,
            hint="try again, or set WANDB_MODE=offline and run `wandb sync` later",
        ) from error
