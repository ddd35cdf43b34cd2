"""Who else is told of each step: TensorBoard where it is installed, and what transformers reports to.

    required("mlflow,tensorboard")      → ["mlflow", "tensorboard"]; UsageError where that cannot be
    with callbacks(["tensorboard"], events=run / "events", step=0) as found:
        Trainer(…, callbacks=found)

Names are those of transformers' ``report_to``. Each service takes its settings from its own environment
variables, as with any Trainer.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Any, Iterator, Sequence

from dstill.errors import MissingExtra, UsageError, did_you_mean

__all__ = ["callbacks", "required"]

TENSORBOARD = "tensorboard"
WHERE = "train.report_to"

log = logging.getLogger("dstill")


def required(report_to: str) -> list[str]:
    """The names in ``train.report_to``. Raises UsageError for one that nobody knows, or that is not installed."""
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, is_tensorboard_available

    if report_to == "auto":
        if is_tensorboard_available():
            return [TENSORBOARD]
        log.warning("no curves for TensorBoard: pip install 'dstill[tensorboard]', or train.report_to = none")
        return []
    names = [name.strip() for name in report_to.split(",") if name.strip() and name.strip() != "none"]
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            raise UsageError(
                f"transformers reports to no '{name}'.{did_you_mean(name, INTEGRATION_TO_CALLBACK)}",
                where=WHERE,
                hint=f"auto, none, or of: {', '.join(sorted(INTEGRATION_TO_CALLBACK))}",
            )
        if name != TENSORBOARD:
            _made(name)
        elif not is_tensorboard_available():
            raise MissingExtra(f"{WHERE} = {name}", TENSORBOARD, TENSORBOARD)
    return names


@contextlib.contextmanager
def callbacks(names: Sequence[str], *, events: Path | None, step: int) -> Iterator[list[Any]]:
    """A callback a name. TensorBoard's files go to `events`; of a training that begins anew, old ones go away."""
    with contextlib.ExitStack() as opened:
        found = [_made(name) for name in names if name != TENSORBOARD]
        if TENSORBOARD in names and events is not None:
            found.append(_made(TENSORBOARD, opened.enter_context(_writer(events, step))))
        yield found


@contextlib.contextmanager
def _writer(events: Path, step: int) -> Iterator[Any]:
    from torch.utils.tensorboard import SummaryWriter

    if not step:
        shutil.rmtree(events, ignore_errors=True)
    # what a killed training wrote after its last checkpoint is made again, and counts no more
    writer = SummaryWriter(log_dir=str(events), purge_step=step + 1 if step else None)
    try:
        yield writer
    finally:
        writer.close()


def _made(name: str, *arguments: Any) -> Any:
    from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK

    try:
        return INTEGRATION_TO_CALLBACK[name](*arguments)
    except (ImportError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"cannot report to {name}: {reason}", where=f"{WHERE} = {name}", hint="install it, or name another"
        ) from error
