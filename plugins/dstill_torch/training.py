"""The training loop: transformers' Trainer with dstill's loss, batches and limits.

In: a prepared model, encoded records and a recipe. Out: the trained model, and a `History`. Logging, checkpoints and
stopping are in `dstill_torch.watch`.

    loss = Σ over branches of weight · (sum of token losses / tokens of that branch)

Tokens are counted over everything that one optimizer step sees (`dstill_torch.loss`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import PrinterCallback, TrainingArguments

from dstill.api.recipe import Device, Recipe
from dstill.errors import Interrupted
from dstill.runtime import distributed
from dstill.runtime.signals import Stop
from dstill_torch.batches import BatchMaker
from dstill_torch.checkpoints import Checkpoints, step_of
from dstill_torch.dataset import Dataset
from dstill_torch.loss import TokenLosses
from dstill_torch.step_trainer import StepTrainer
from dstill_torch.watch import TrainingWatch

__all__ = ["History", "train"]

LOGS = 100  # entries of the history at most, without those at evaluations of early stopping
EVALUATIONS = 5  # of the validation loss over a training
EVALUATIONS_TO_STOP = 20  # with early stopping
CHECKPOINTS = 5  # over a training


@dataclass(kw_only=True)
class History:
    """The result of `train`."""

    steps: int = 0
    seconds: float = 0.0
    rows: list[Mapping[str, float]] = field(default_factory=list)
    probe: Mapping[str, float] = field(default_factory=dict)  # the result of `probe`
    best: int | None = None  # the step that early stopping chose the weights of
    tokens: int = 0  # seen, padding not counted
    rows_per_second: float = 0.0  # records, evaluations included


def train(  # noqa: PLR0913  what a Trainer needs, each named at the call
    model: Any,
    collator: BatchMaker,
    data: Dataset,
    validation: Dataset,
    recipe: Recipe,
    device: Device,
    *,
    seed: int,
    on_step: Callable[[int, int, Mapping[str, float]], None],
    checkpoints: Checkpoints | None = None,
    resume: Path | None = None,
    score: Callable[[], float] | None = None,
    callbacks: Sequence[Any] = (),
    probe: Callable[[Any], Mapping[str, float]] | None = None,
    losses: Callable[[Any], TokenLosses],
) -> History:
    """Train `model` in place.

    Args:
        model: As the modality prepared it.
        collator: Makes the batches.
        data: The training records.
        validation: The validation records; may be empty.
        recipe: With its precision resolved.
        device: Where to train.
        seed: Of batch order and dropout.
        on_step: Called after each step with step, number of steps and values.
        checkpoints: Where to save checkpoints; None: nowhere.
        resume: The checkpoint to resume from.
        score: Measures the accuracy for early stopping.
        callbacks: More callbacks of transformers.
        probe: Called with the Trainer before the first step.
        losses: Computes the token losses of the model that it is given.

    Raises:
        TrainingError: The loss or gradient is NaN or infinite.
        Interrupted: The user stopped training; a checkpoint has its state.
    """
    steps = _steps(recipe, len(data))
    if not steps:
        return History()
    records_per_step = len(data) / _steps_per_epoch(recipe, len(data))
    with Stop() as stop, TemporaryDirectory() as temporary:
        watch = TrainingWatch(recipe, steps, on_step, checkpoints, stop, records_per_step)
        trainer = StepTrainer(
            recipe=recipe,
            watch=watch,
            losses=losses,
            score=score,
            model=model,
            args=TrainingArguments(
                output_dir=str(checkpoints.folder) if checkpoints is not None and distributed.is_main() else temporary,
                max_steps=steps,
                use_cpu=device.kind == "cpu",
                dataloader_pin_memory=device.kind == "cuda",
                seed=seed,
                **_options(recipe, steps, evaluates=len(validation) > 0, saves=checkpoints is not None),
            ),
            data_collator=collator,
            train_dataset=data,
            eval_dataset=validation if len(validation) else None,
            callbacks=[watch, *callbacks],
        )
        trainer.args._n_gpu = min(1, trainer.args.n_gpu)  # each GPU has its own process: a batch is not split
        trainer.remove_callback(PrinterCallback)  # it prints to stdout, which is for results
        if recipe.gradient_checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        probed = probe(trainer) if probe is not None else {}
        if stop.asked and distributed.world_size() == 1:
            raise _stopped(step_of(resume), steps, watch.last)
        if checkpoints is not None and resume is not None:
            watch.restore(checkpoints.progress(resume))
        if not distributed.is_main():
            torch.manual_seed(seed + distributed.rank())  # another dropout in each process
        watch.start_clock()
        if step_of(resume) >= steps:  # stopped after the last step: the Trainer would run one more
            trainer._load_from_checkpoint(str(resume))
            trainer.state.global_step = step_of(resume)
            if watch.evaluation_due:
                trainer.evaluate()
        else:
            trainer.args.eval_on_start = watch.evaluation_due
            trainer.train_until_stopped(None if resume is None else str(resume))
        if watch.stop_requested:
            raise _stopped(trainer.state.global_step, steps, watch.last)
        best = watch.best.step
        if checkpoints is not None and best is not None and best != trainer.state.global_step and distributed.is_main():
            trainer._load_from_checkpoint(str(checkpoints.at(best)))
    return History(
        steps=trainer.state.global_step,
        seconds=watch.elapsed,
        rows=watch.rows,
        best=watch.best.step,
        tokens=watch.tokens,
        rows_per_second=trainer.state.global_step * records_per_step / watch.elapsed,
        probe=probed,
    )


def _steps(recipe: Recipe, records: int) -> int:
    """Optimizer steps of the whole training."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    return math.ceil(_steps_per_epoch(recipe, records) * recipe.num_train_epochs)


def _steps_per_epoch(recipe: Recipe, records: int) -> int:
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps * distributed.world_size()
    return math.ceil(records / per_step)


def _options(recipe: Recipe, steps: int, *, evaluates: bool, saves: bool) -> dict[str, Any]:
    """The keyword arguments of TrainingArguments."""
    logging = max(1, steps // LOGS)
    # checkpoints coincide with log entries, so that a resumed history equals an uninterrupted one
    save_steps = recipe.save_steps or max(1, steps // CHECKPOINTS)
    evaluations = EVALUATIONS if recipe.early_stopping == "none" else EVALUATIONS_TO_STOP
    return {
        "per_device_train_batch_size": recipe.per_device_train_batch_size,
        "per_device_eval_batch_size": recipe.per_device_train_batch_size,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "optim": "adamw_torch" if recipe.optim == "muon" else recipe.optim,  # the Trainer does not know Muon
        "torch_compile": recipe.torch_compile,
        "bf16": recipe.precision == "bf16",
        "logging_steps": logging,
        "logging_nan_inf_filter": False,  # it would hide a NaN from the callback
        "eval_strategy": "steps" if evaluates else "no",
        "eval_steps": recipe.eval_steps or max(1, steps // evaluations),
        "save_strategy": "steps" if saves else "no",
        "save_steps": math.ceil(save_steps / logging) * logging,
        "report_to": [],
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False,  # every trained weight takes part in every loss
        "remove_unused_columns": False,
        "include_num_input_tokens_seen": "no",
    }


def _stopped(step: int, steps: int, last: str) -> Interrupted:
    kept = f"; {last} is kept" if last else ""
    return Interrupted(f"stopped at step {step:,} of {steps:,}{kept}", hint="run the same command again to continue")
