"""What looks on while transformers' Trainer works: history, progress, checkpoints, and when to stop.

In: the recipe, how many steps there are, and what is told of each. Out: ``rows``, the history:

    [{"step": 50, "loss": 1.31, "learning_rate": 0.0019, "grad_norm": 0.8, "epoch": 0.4, "seconds": 9.1}, …]
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, replace
from functools import cache
from typing import Any, Callable, Mapping

from dstill.api.recipe import Recipe
from dstill.errors import TrainingError
from dstill.runtime.signals import Stop
from dstill_finetune.checkpoints import Checkpoints
from dstill_finetune.early_stopping import Best

__all__ = ["diverged", "watch_class"]

KEPT = ("loss", "eval_loss", "eval_accuracy", "learning_rate", "grad_norm", "epoch")


def diverged(what: str, value: float, step: int, recipe: Recipe, last: str) -> TrainingError:
    """The error for a number that is none; `last` names the newest checkpoint."""
    advice = "try a tenth of the learning rate, or precision fp32"
    if last:
        advice += f"; --resume-with-changes goes on from {last}, which is good"
    return TrainingError(
        f"{what} is {value} at step {step}",
        where=f"learning_rate {recipe.learning_rate:g}, precision {recipe.precision}",
        hint=advice,
    )


@cache
def watch_class() -> Any:
    """The callback's class, made when transformers is first needed."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        def __init__(
            self,
            recipe: Recipe,
            steps: int,
            on_step: Callable[[int, int, Mapping[str, float]], None],
            checkpoints: Checkpoints | None,
            stop: Stop,
            rows_a_step: float,
        ) -> None:
            self.recipe, self.steps, self.on_step, self.rows_a_step = recipe, steps, on_step, rows_a_step
            self.checkpoints, self.stop = checkpoints, stop
            self.best = Best(larger=recipe.early_stopping == "accuracy", patience=recipe.early_stopping_patience)
            self.rows: list[Mapping[str, float]] = []
            self.tokens = 0  # seen, padding not counted
            self.spent = 0.0  # seconds before this process took over
            self.before = 0  # steps that were made before
            self._agreed: tuple[bool, float] | None = None
            self._latest: dict[str, float] = {}
            self.begin()

        def begin(self) -> None:
            self.started = time.monotonic()

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.before = state.global_step
            state.compute_steps(args, state.max_steps)  # today's, not those that a checkpoint was saved with

        def go_on(self, progress: Mapping[str, Any]) -> None:
            """Take up what a checkpoint's `state` says."""
            self.rows, self.spent, self.tokens = list(progress["rows"]), progress["seconds"], progress["tokens"]
            best = Best(**progress["best"])
            if self.checkpoints is None or self.recipe.early_stopping == "none" or best.larger != self.best.larger:
                return  # what is looked at is another than before
            if best.step is not None and not self.checkpoints.is_whole(best.step):
                return  # its weights are gone or damaged: a later one is to be the best
            self.best = replace(best, patience=self.best.patience)
            self.checkpoints.best = best.step

        @property
        def state(self) -> dict[str, Any]:
            return {"rows": self.rows, "seconds": self.elapsed, "tokens": self.tokens, "best": asdict(self.best)}

        @property
        def elapsed(self) -> float:
            return self.spent + time.monotonic() - self.started

        def agree(self, asked: bool, elapsed: float) -> None:
            """What holds for all processes in the step that begins: to stop after it, and the time."""
            self._agreed = (asked, elapsed)

        @property
        def asked(self) -> bool:
            return self.stop.asked if self._agreed is None else self._agreed[0]

        @property
        def clock(self) -> float:
            return self.elapsed if self._agreed is None else self._agreed[1]

        def progress(self, step: float) -> float:
            """0 to 1, by steps or by time, whichever ends training first."""
            by_time = self.clock / self.recipe.max_seconds if self.recipe.max_seconds else 0.0
            return min(1.0, max(step / self.steps, by_time))

        @property
        def last(self) -> str:
            return self.checkpoints.last if self.checkpoints else ""

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # accelerate does not reach it where an epoch is resumed in several processes
            self.sampler.set_epoch(int(state.epoch or 0))

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            row = {"step": state.global_step, **{key: float(logs[key]) for key in KEPT if key in logs}}
            if not any(key in row for key in ("loss", "eval_loss")):
                return  # the closing summary
            bad = [key for key in ("loss", "eval_loss") if not math.isfinite(row.get(key, 0.0))]
            if bad:
                raise diverged(bad[0], row[bad[0]], state.global_step, self.recipe, self.last)
            self.rows.append({**row, "seconds": round(self.elapsed, 3)})
            self._tell(state.global_step, row)

        def _tell(self, step: int, row: Mapping[str, float]) -> None:
            """Of every step; the loss is the last one that was logged."""
            self._latest = {**self._latest, **row}
            seconds = time.monotonic() - self.started
            speed = (step - self.before) * self.rows_a_step / seconds if seconds else 0.0
            try:
                self.on_step(step, self.steps, {**self._latest, "rows_per_second": speed})
            except KeyboardInterrupt:  # where signals do not come to this process
                self.stop.asked = True

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            over = bool(self.recipe.max_seconds and self.clock >= self.recipe.max_seconds)
            ends = over or state.global_step >= self.steps
            if self.recipe.early_stopping != "none":
                control.should_evaluate = control.should_evaluate or (ends and not self.asked)
                # what is looked at may become a checkpoint, which may not cut a row of the history
                control.should_log = control.should_log or control.should_evaluate
            if not control.should_log:
                self._tell(state.global_step, {})
            if over or self.asked:
                control.should_training_stop = True
            if self.asked:
                control.should_save = self.checkpoints is not None
            elif ends:
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

    return Watch
