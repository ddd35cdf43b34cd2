"""A run's student, loaded for a command that serves it: `serve` and `mcp`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dstill.cli.confidence import promises
from dstill.cli.console import note
from dstill.errors import ServiceError

if TYPE_CHECKING:
    from dstill.stages.predict.answerable import Answerable
    from dstill.stages.predict.predictor import Predictor

__all__ = ["ready"]


@contextlib.contextmanager
def ready(run: Answerable, *, execute: bool, max_wrong: float | None, fallback: str) -> Iterator[Predictor]:
    """The student of `run` with a first question answered, so that no user waits for what loads at first use.

    Says what changed in its data since the training, and what is promised. `execute`: open the engine, if the task has
    one; the other arguments are those of `Predictor`. Raises ServiceError if the engine is away.
    """
    from dstill.stages.predict.predictor import Predictor

    note(f"loading the student of run '{run.name}'")
    executes = execute and bool(run.task.executors)
    with contextlib.ExitStack() as stack:
        try:
            predictor = stack.enter_context(Predictor(run, execute=executes, max_wrong=max_wrong, fallback=fallback))
        except ServiceError as error:
            hint = "; ".join(line for line in (error.hint, "or do not execute answers: --no-execute") if line)
            raise ServiceError(error.what, where=error.where, hint=hint) from None
        note("answering a first question")
        predictor.warm_up()
        for line in predictor.drift():
            note(f"warning: {line}")
        for line in promises(predictor):
            note(f"note: {line}")
        yield predictor
