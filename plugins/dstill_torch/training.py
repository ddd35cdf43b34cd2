"""The training loop: transformers' Trainer with dstill's loss, batches and limits.

In: a `Training`: a prepared model, encoded records and the job. Out: the trained model, and a `TrainResult`.

    loss = Σ over branches of weight · (sum of token losses / tokens of that branch)

Tokens are counted over everything that one optimizer step sees (`dstill_torch.loss`). Logging, checkpoints and stopping
are in `dstill_torch.watch`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import PrinterCallback, TrainingArguments

from dstill.api.recipe import Recipe
from dstill.api.student import Generator, TrainResult
from dstill.errors import Interrupted
from dstill.runtime import distributed
from dstill.runtime.signals import Stop
from dstill_torch import disk_space, reporting
from dstill_torch.attempt import Attempt
from dstill_torch.batches import BatchMaker
from dstill_torch.checkpoints import Checkpoints, step_of
from dstill_torch.dataset import Dataset
from dstill_torch.loss import TokenLosses
from dstill_torch.probe import run_probe
from dstill_torch.resuming import checkpoints_of
from dstill_torch.saving import saving
from dstill_torch.step_trainer import StepTrainer
from dstill_torch.watch import TrainingWatch

__all__ = ["Training", "train"]

LOGS = 100  # entries of the history at most, without those at evaluations of early stopping
EVALUATIONS = 5  # of the validation loss over a training
EVALUATIONS_TO_STOP = 20  # with early stopping
CHECKPOINTS = 5  # over a training


@dataclass(frozen=True, kw_only=True)
class Training:
    """The inputs of `train`."""

    attempt: Attempt
    model: Any  # as the modality prepared it
    collator: BatchMaker
    data: Dataset
    validation: Dataset  # may be empty
    losses: Callable[[Any], TokenLosses]  # of the model that it is given
    generator: Callable[[], Generator]  # answers with the model as it is then, for early stopping
    vocabulary: Any = ()  # the student's, as JSON values: with another one, no checkpoint is resumed
    base_sha256: str = ""  # of the weights that training starts from, likewise
    more: Mapping[str, Any] = field(default_factory=dict)  # what else the training depends on, as JSON values


def train(training: Training) -> TrainResult:
    """Train the model in place, from the newest checkpoint of the job if there is one.

    Raises:
        DiskError: Checkpoints and student need more space than is free.
        TrainingError: The loss or gradient is NaN or infinite.
        OutOfMemory: The longest batch needs more memory than planned.
        Interrupted: The user stopped training; a checkpoint has its state.
        RunError: The checkpoints are from a training with other settings.
    """
    t, job, model, services = training, training.attempt.job, training.model, training.attempt.services
    if distributed.is_main():
        disk_space.require(model, job.recipe, student=job.folder, checkpoints=job.checkpoints)
    checkpoints, resume = checkpoints_of(job, model, t.vocabulary, t.base_sha256, t.more)
    events = reporting.callbacks(services, events=job.events, step=step_of(resume))
    with saving(job.folder.parent), events as callbacks:  # TensorBoard's writer can fill the disk too
        history = _trained(training, checkpoints, resume, callbacks)
    return TrainResult(
        **history,
        peak_memory=t.attempt.peak.bytes,
        trained_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        all_parameters=sum(map(_numbers, model.parameters())),
        n_too_long=t.data.n_too_long,
        services=reporting.ended(services),
    )


def _trained(
    training: Training, checkpoints: Checkpoints | None, resume: Path | None, callbacks: Sequence[Any]
) -> dict[str, Any]:
    """The facts of a `TrainResult` about the steps."""
    job, recipe, data = training.attempt.job, training.attempt.job.recipe, training.data
    steps = _steps(recipe, data)
    if not steps:
        return {"steps": 0, "seconds": 0.0, "history": (), "tokens_seen": 0, "rows_per_second": 0.0}
    records_per_step = len(data) / _steps_per_epoch(recipe, data)
    with Stop() as stop, TemporaryDirectory() as temporary:
        watch = TrainingWatch(recipe, steps, job.on_step, checkpoints, stop, records_per_step)
        folder = str(checkpoints.folder) if checkpoints is not None and distributed.is_main() else temporary
        trainer = _trainer(training, watch, steps, folder, callbacks)
        tries = recipe.test_largest_batch and not recipe.torch_compile
        probed = run_probe(trainer, training.attempt) if tries else {}
        if stop.asked and distributed.world_size() == 1:
            raise _stopped(step_of(resume), steps, watch.last)
        if checkpoints is not None and resume is not None:
            watch.restore(checkpoints.progress(resume))
        if not distributed.is_main():
            torch.manual_seed(job.seed + distributed.rank())  # another dropout in each process
        watch.start_clock()
        if step_of(resume) >= steps:  # stopped after the last step: the Trainer would run one more
            trainer._load_from_checkpoint(str(resume))
            trainer.state.global_step = step_of(resume)
            if watch.evaluation_due:
                trainer.evaluate()
        else:
            trainer.args.eval_on_start = watch.evaluation_due
            trainer.train_until_stopped(None if resume is None else str(resume))
        last, best = trainer.state.global_step, watch.best.step
        if watch.stop_requested:
            raise _stopped(last, steps, watch.last)
        if checkpoints is not None and best is not None and best != last and distributed.is_main():
            trainer._load_from_checkpoint(str(checkpoints.at(best)))
    return {
        "steps": last,
        "seconds": round(watch.elapsed, 3),
        "history": tuple(watch.rows),
        "best_step": best,
        "tokens_seen": watch.tokens,
        "rows_per_second": round(last * records_per_step / watch.elapsed, 3),
        "probe": probed,
    }


def _trainer(
    training: Training, watch: TrainingWatch, steps: int, folder: str, callbacks: Sequence[Any]
) -> StepTrainer:
    """A trainer that is ready to train, and saves checkpoints in `folder`."""
    t, job, recipe = training, training.attempt.job, training.attempt.job.recipe
    trainer = StepTrainer(
        recipe=recipe,
        watch=watch,
        losses=t.losses,
        score=None if job.score is None else partial(_score, job.score, t.generator),
        model=t.model,
        args=TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            use_cpu=job.device.kind == "cpu",
            dataloader_pin_memory=job.device.kind == "cuda",
            seed=job.seed,
            **_options(recipe, steps, evaluates=len(t.validation) > 0, saves=job.checkpoints is not None),
        ),
        data_collator=t.collator,
        train_dataset=t.data,
        eval_dataset=t.validation if len(t.validation) else None,
        callbacks=[watch, *callbacks],
    )
    trainer.args._n_gpu = min(1, trainer.args.n_gpu)  # each GPU has its own process: a batch is not split
    trainer.remove_callback(PrinterCallback)  # it prints to stdout, which is for results
    if recipe.gradient_checkpointing:
        t.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return trainer


def _numbers(parameter: Any) -> int:
    """A byte of 4-bit weights is two."""
    return int(parameter.numel()) * (2 if type(parameter).__name__ == "Params4bit" else 1)


def _score(score: Callable[[Generator], float], generator: Callable[[], Generator]) -> float:
    return score(generator())


def _steps(recipe: Recipe, data: Dataset) -> int:
    """Optimizer steps of the whole training."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    return math.ceil(_steps_per_epoch(recipe, data) * (recipe.num_train_epochs / data.epochs))


def _steps_per_epoch(recipe: Recipe, data: Dataset) -> int:
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps * distributed.world_size()
    return math.ceil(len(data) / per_step)


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
    note = f"; {last} is kept" if last else ""
    return Interrupted(f"stopped at step {step:,} of {steps:,}{note}", hint="run the same command again to continue")
