"""Reports training to TensorBoard, if it is installed, and to the other services that transformers supports.

    names = required("mlflow,tensorboard")      → ["mlflow", "tensorboard"], or UsageError
    with callbacks(names, events=run / "events", step=0) as extra:
        Trainer(…, callbacks=extra)
    ended(names)                                → {"mlflow": "3f2a…"}

Names are those of transformers' ``report_to``. Each service reads its settings from its own environment variables, as
with any Trainer.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dstill.errors import MissingExtra, UsageError, did_you_mean, first_line
from dstill.io.logs import log

__all__ = ["callbacks", "ended", "required"]

TENSORBOARD = "tensorboard"
SETTING = "train.report_to"


def required(report_to: str) -> list[str]:
    """The names in ``train.report_to``. Raises UsageError for one that is unknown or not installed."""
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, is_tensorboard_available

    if report_to == "auto":
        if is_tensorboard_available():
            return [TENSORBOARD]
        log.warning("no curves for TensorBoard: pip install 'dstill[tensorboard]', or train.report_to = none")
        return []
    names = [name.strip() for name in report_to.split(",") if name.strip() and name.strip() != "none"]
    if "mlflow" in names:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            raise UsageError(
                f"transformers cannot report to '{name}'.{did_you_mean(name, INTEGRATION_TO_CALLBACK)}",
                where=SETTING,
                hint=f"auto, none, or one of: {', '.join(sorted(INTEGRATION_TO_CALLBACK))}",
            )
        if name != TENSORBOARD:
            _callback(name)
        elif not is_tensorboard_available():
            raise MissingExtra(f"{SETTING} = {name}", TENSORBOARD, TENSORBOARD)
    return names


@contextlib.contextmanager
def callbacks(names: Sequence[str], *, events: Path | None, step: int) -> Iterator[list[Any]]:
    """One callback per name.

    Args:
        names: As `required` returns them.
        events: The folder of TensorBoard's files; None: nothing is written.
        step: The step that training resumes from; at 0 old files are removed.
    """
    with contextlib.ExitStack() as stack:
        named = [_callback(name) for name in names if name != TENSORBOARD]
        if TENSORBOARD in names and events is not None:
            named.append(_callback(TENSORBOARD, stack.enter_context(_writer(events, step))))
        yield named


@contextlib.contextmanager
def _writer(events: Path, step: int) -> Iterator[Any]:
    from torch.utils.tensorboard import SummaryWriter

    if not step:
        shutil.rmtree(events, ignore_errors=True)
    # purge what a killed training wrote after its last checkpoint: those steps are repeated
    writer = SummaryWriter(log_dir=str(events), purge_step=step + 1 if step else None)
    try:
        yield writer
    finally:
        writer.close()


def ended(names: Sequence[str]) -> dict[str, str]:
    """End the runs of the services that training reported to: service → id of its run, for `dstill runs track`."""
    links: dict[str, str] = {}
    if "mlflow" in names:
        import mlflow

        if (run := mlflow.last_active_run()) is not None:
            links["mlflow"] = run.info.run_id
    if "wandb" in names:
        import wandb

        if wandb.run is not None:
            links["wandb"] = wandb.run.id
            wandb.finish()
    return links


def _callback(name: str, *arguments: Any) -> Any:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    try:
        return INTEGRATION_TO_CALLBACK[name](*arguments)
    except (ImportError, RuntimeError) as error:
        reason = first_line(error)
        raise UsageError(
            f"cannot report to {name}: {reason}", where=f"{SETTING} = {name}", hint="install it, or name another"
        ) from error
