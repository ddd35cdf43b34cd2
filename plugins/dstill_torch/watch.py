"""A callback for transformers' Trainer that records history, reports progress, keeps checkpoints and stops training.

``rows`` is the history, one entry per logging step:

    [{"step": 50, "loss": 1.31, "learning_rate": 0.0019, "grad_norm": 0.8, "epoch": 0.4, "seconds": 9.1}, …]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from transformers import TrainerCallback

from dstill.api.recipe import Recipe
from dstill.errors import TrainingError
from dstill.runtime.signals import Stop
from dstill_torch.checkpoints import Checkpoints
from dstill_torch.early_stopping import Best

__all__ = ["TrainingWatch", "diverged"]

LOG_KEYS = ("loss", "eval_loss", "eval_accuracy", "learning_rate", "grad_norm", "epoch")


def diverged(what: str, value: float, step: int, recipe: Recipe, last: str) -> TrainingError:
    """The error for a loss or gradient that is NaN or infinite; `last` names the newest checkpoint."""
    advice = "try a tenth of the learning rate, or precision fp32"
    if last:
        advice += f"; --resume-with-changes continues from {last}, which is from before this"
    return TrainingError(
        f"{what} is {value} at step {step}",
        where=f"learning_rate {recipe.learning_rate:g}, precision {recipe.precision}",
        hint=advice,
    )


class TrainingWatch(TrainerCallback):  # type: ignore[misc]
    """Watches one training."""

    def __init__(
        self,
        recipe: Recipe,
        steps: int,
        on_step: Callable[[int, int, Mapping[str, float]], None],
        checkpoints: Checkpoints | None,
        stop: Stop,
        records_per_step: float,
    ) -> None:
        self.recipe, self.steps, self.on_step, self.records_per_step = recipe, steps, on_step, records_per_step
        self.checkpoints, self.stop = checkpoints, stop
        self.best = Best(larger=recipe.early_stopping == "accuracy", patience=recipe.early_stopping_patience)
        self.rows: list[Mapping[str, float]] = []
        self.tokens = 0  # seen, padding not counted
        self.earlier_seconds = 0.0  # of the training that this one resumes
        self.first_step = 0  # the step that this process resumed from
        self.evaluation_due = False  # the user stopped the training while it was evaluated
        self._agreed: tuple[bool, float] | None = None
        self._latest: dict[str, float] = {}
        self.start_clock()

    def start_clock(self) -> None:
        self.started = time.monotonic()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.first_step = state.global_step
        state.compute_steps(args, state.max_steps)  # of these settings, not of those saved in the checkpoint

    def restore(self, progress: Mapping[str, Any]) -> None:
        """Continue from the `state` that a checkpoint saved."""
        self.rows, self.tokens = list(progress["rows"]), progress["tokens"]
        self.earlier_seconds = progress["seconds"]
        self.evaluation_due = progress["evaluation_due"]
        best = Best(**progress["best"])
        if self.checkpoints is None or self.recipe.early_stopping == "none" or best.larger != self.best.larger:
            return  # the recipe's criterion changed
        if best.step is not None and not self.checkpoints.is_complete(best.step):
            return  # its weights are missing or damaged
        self.best = replace(best, patience=self.best.patience)
        self.checkpoints.best = best.step

    @property
    def state(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "seconds": self.elapsed,
            "tokens": self.tokens,
            "best": asdict(self.best),
            "evaluation_due": self.evaluation_due,
        }

    @property
    def elapsed(self) -> float:
        return self.earlier_seconds + time.monotonic() - self.started

    def agree(self, stop: bool, elapsed: float) -> None:
        """Set what all processes use in this step: whether to stop after it, and the seconds so far."""
        self._agreed = (stop, elapsed)

    @property
    def stop_requested(self) -> bool:
        return self.stop.asked if self._agreed is None else self._agreed[0]

    @property
    def clock(self) -> float:
        return self.elapsed if self._agreed is None else self._agreed[1]

    def progress(self, step: float) -> float:
        """0 to 1, by steps or by time, whichever is further."""
        by_time = self.clock / self.recipe.max_seconds if self.recipe.max_seconds else 0.0
        return min(1.0, max(step / self.steps, by_time))

    @property
    def last(self) -> str:
        return self.checkpoints.last if self.checkpoints else ""

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # accelerate does not set it if an epoch is resumed in several processes
        self.sampler.set_epoch(int(state.epoch or 0))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        row = {"step": state.global_step, **{key: float(logs[key]) for key in LOG_KEYS if key in logs}}
        if not any(key in row for key in ("loss", "eval_loss")):
            return  # the summary at the end of training
        not_finite = [key for key in ("loss", "eval_loss") if not math.isfinite(row.get(key, 0.0))]
        if not_finite:
            raise diverged(not_finite[0], row[not_finite[0]], state.global_step, self.recipe, self.last)
        self.rows.append({**row, "seconds": round(self.elapsed, 3)})
        self._report(state.global_step, row)

    def _report(self, step: int, row: Mapping[str, float]) -> None:
        """Report progress after each step, with the values logged last."""
        self._latest = {**self._latest, **row}
        seconds = time.monotonic() - self.started
        speed = (step - self.first_step) * self.records_per_step / seconds if seconds else 0.0
        try:
            self.on_step(step, self.steps, {**self._latest, "rows_per_second": speed})
        except KeyboardInterrupt:  # raised by `on_step` where this process gets no signals
            self.stop.asked = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        time_is_up = bool(self.recipe.max_seconds and self.clock >= self.recipe.max_seconds)
        last_step = time_is_up or state.global_step >= self.steps
        if self.recipe.early_stopping != "none":
            control.should_evaluate = control.should_evaluate or (last_step and not self.stop_requested)
            # an evaluation may save a checkpoint, and a checkpoint must not split an entry of the history
            control.should_log = control.should_log or control.should_evaluate
        if not control.should_log:
            self._report(state.global_step, {})
        if time_is_up or self.stop_requested:
            control.should_training_stop = True
        if self.stop_requested:
            control.should_save = self.checkpoints is not None
        elif last_step:
            control.should_save = False  # the student itself is saved next

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        if self.recipe.early_stopping == "none" or self.checkpoints is None:
            return
        value = metrics["eval_accuracy" if self.recipe.early_stopping == "accuracy" else "eval_loss"]
        if self.best.add(state.global_step, value):
            self.checkpoints.best = self.best.step
            control.should_save = True
        elif self.best.over:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.checkpoints is not None and state.is_world_process_zero:
            self.checkpoints.complete(state.global_step, self.state)
