"""The training loop: transformers' Trainer with dstill's loss, batches and limits.

In: a prepared model, encoded records and a recipe. Out: the trained model, and a `History`. Logging, checkpoints and
stopping are in `dstill_torch.callbacks`.

    loss = Σ over branches of weight · (sum of token losses / tokens of that branch)

Tokens are counted over everything that one optimizer step sees (`dstill_torch.loss`).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dstill.api.recipe import Device, Recipe
from dstill.errors import Interrupted
from dstill.runtime import distributed
from dstill.runtime.signals import Stop
from dstill_torch.batches import BatchMaker, BucketSampler
from dstill_torch.callbacks import callback_class, diverged
from dstill_torch.checkpoints import Checkpoints, step_of
from dstill_torch.dataset import Dataset, length
from dstill_torch.loss import TokenLosses, scale, tokens
from dstill_torch.muon import muon
from dstill_torch.saving import saving

__all__ = ["History", "learning_rate_factor", "prepare_imports", "train"]

LOGS = 100  # entries of the history at most, without those at evaluations of early stopping
EVALUATIONS = 5  # of the validation loss over a training
EVALUATIONS_TO_STOP = 20  # with early stopping
CHECKPOINTS = 5  # over a training
MAX_EVALUATED = 256  # validation records per evaluation


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


def learning_rate_factor(progress: float, warmup: float) -> float:
    """The share of the peak learning rate at `progress` (0 to 1): linear warm-up, then linear decay to zero."""
    if progress < warmup:
        return progress / warmup
    return max(0.0, (1.0 - progress) / (1.0 - warmup)) if warmup < 1 else 1.0


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
    import torch

    trainer_class, arguments_class, printer = _classes()
    steps = _steps(recipe, len(data))
    if not steps:
        return History()
    records_per_step = len(data) / _steps_per_epoch(recipe, len(data))
    with Stop() as stop, TemporaryDirectory() as temporary:
        watch = callback_class()(recipe, steps, on_step, checkpoints, stop, records_per_step)
        trainer = trainer_class(
            recipe=recipe,
            watch=watch,
            losses=losses,
            score=score,
            model=model,
            args=arguments_class(
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
        trainer.remove_callback(printer)  # it prints to stdout, which is for results
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
        earlier_is_best = watch.best.step not in (None, trainer.state.global_step)
        if checkpoints is not None and earlier_is_best and distributed.is_main():
            trainer._load_from_checkpoint(str(checkpoints.at(watch.best.step)))
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


def prepare_imports() -> None:
    """Import what `train` needs."""
    _classes()


@cache
def _classes() -> tuple[Any, Any, Any]:  # noqa: C901  one class, defined here because importing its base is slow
    """The Trainer, TrainingArguments and PrinterCallback, when torch and transformers are first needed."""
    import torch
    from transformers import PrinterCallback, Trainer, TrainingArguments

    class StepTrainer(Trainer):  # type: ignore[misc]
        def __init__(
            self,
            *,
            recipe: Recipe,
            watch: Any,
            losses: Callable[[Any], TokenLosses],
            score: Callable[[], float] | None = None,
            **kwargs: Any,
        ) -> None:
            self.recipe, self.watch = recipe, watch
            self.score: Any = score  # None also if another process measures the accuracy for all
            # never called: that there is one keeps transformers from dividing `compute_loss` by the micro-batches
            super().__init__(compute_loss_func=losses, **kwargs)
            self.token_losses = losses(self.model)

        def train_until_stopped(self, resume: str | None) -> None:
            """Train. If the user stops it within a step, what was before that step is saved."""
            try:
                self.train(resume_from_checkpoint=resume)
            except KeyboardInterrupt:
                checkpoints, step = self.watch.checkpoints, self.state.global_step
                if not self.watch.stop.asked:
                    raise
                if checkpoints is not None and step and not checkpoints.is_complete(step):
                    self.watch.tokens, states = self._before_step
                    torch.set_rng_state(states[0])
                    if states[1:]:
                        torch.cuda.set_rng_state_all(states[1:])
                    self._save_checkpoint(self.model, trial=None)
                    self.callback_handler.on_save(self.args, self.state, self.control)

        def training_step(self, *args: Any, **kwargs: Any) -> Any:
            """One micro-batch. Raises KeyboardInterrupt if the user has stopped the training since the step began."""
            if self.watch.stop.asked and self.args.world_size == 1:  # several processes stop after the same step
                raise KeyboardInterrupt
            return super().training_step(*args, **kwargs)

        def _get_train_sampler(self, train_dataset: Any = None) -> Any:
            lengths = [length(record) for record in self.train_dataset.records]
            count = self.args.world_size
            self.watch.sampler = BucketSampler(lengths, self._train_batch_size * count, self.args.seed, count)
            return self.watch.sampler

        def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
            if self.recipe.optim != "muon":
                return super().create_optimizer(*args, **kwargs)
            self.optimizer = muon(
                self.model, learning_rate=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
            )
            return self.optimizer

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                # at the middle of the step: at its end, the last step would have a rate of zero
                lambda step: learning_rate_factor(self.watch.progress(step + 0.5), self.recipe.warmup_ratio),
            )
            self._created_lr_scheduler = True
            return self.lr_scheduler

        def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
            """Restore the checkpoint's moments and step, with the job's learning rate and weight decay."""
            wanted = [
                {key: group[key] for key in ("initial_lr", "weight_decay")} for group in self.optimizer.param_groups
            ]
            super()._load_optimizer_and_scheduler(checkpoint)
            for group, current in zip(self.optimizer.param_groups, wanted, strict=True):
                if group["initial_lr"] != current["initial_lr"]:
                    group["lr"] *= current["initial_lr"] / group["initial_lr"]
                group.update(current)
            self.lr_scheduler.base_lrs = [current["initial_lr"] for current in wanted]
            self.lr_scheduler._last_lr = [
                group["lr"] for group in self.optimizer.param_groups
            ]  # the first value to be logged

        def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
            """Raises TrainingError for NaN or infinity before the optimizer's step spreads it to every weight."""
            norm = super()._get_grad_norm(model, grad_norm)
            if norm is not None and not math.isfinite(norm):
                raise diverged("the gradient's norm", norm, self.state.global_step + 1, self.recipe, self.watch.last)
            return norm

        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            """Save only the weights, in safetensors, without a pickle of the arguments: the run has the settings."""
            options = {"save_embedding_layers": False} if hasattr(self.model, "peft_config") else {}
            with saving(Path(output_dir or self.args.output_dir)):
                self.model.save_pretrained(output_dir or self.args.output_dir, **options)

        def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
            with saving(Path(output_dir)):
                super()._save_optimizer_and_scheduler(output_dir)

        def _save_rng_state(self, output_dir: str) -> None:
            """Process 0 saves the random states of all processes."""
            with TemporaryDirectory() as temporary:
                super()._save_rng_state(temporary)
                states = distributed.all_gather({file.name: file.read_bytes() for file in Path(temporary).iterdir()})
            if distributed.is_main():
                with saving(Path(output_dir)):
                    for name, data in (item for state in states for item in state.items()):
                        (Path(output_dir) / name).write_bytes(data)

        def floating_point_ops(self, inputs: Any) -> int:
            return 0  # counting would visit all parameters at every step

        def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list[Any], None]:
            """The micro-batches of one optimizer step, with each token's factor in the loss."""
            cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
            self._before_step = self.watch.tokens, [torch.get_rng_state(), *cuda]
            batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
            if batches:
                self.watch.tokens += self._scale(batches, device)
            return batches, None

        def _scale(self, batches: list[Any], device: Any) -> int:
            """Set each token's factor in the loss; returns the tokens that all processes see, without padding."""
            counts = torch.zeros(len(self.data_collator.branches), dtype=torch.float64)
            for batch in batches:
                counts += tokens(batch, len(counts))
            seen: int = sum(self.data_collator.tokens_read(batch) for batch in batches)
            if self.args.world_size > 1:
                counts, seen = self._gather(counts, seen, device)
            for batch in batches:
                scale(batch, counts)
            return seen

        def _gather(self, counts: Any, seen: int, device: Any) -> tuple[Any, int]:
            """The tokens of all processes, which also agree on the time and on whether to stop."""
            more = torch.tensor([seen, self.watch.stop.asked, self.watch.elapsed], dtype=torch.float64)
            rows = self.accelerator.gather(torch.cat([counts, more])[None].to(device)).cpu()
            self.watch.agree(stop=bool(rows[:, -2].any()), elapsed=rows[0, -1].item())
            # gradients are averaged over the processes, so counts are too
            return rows[:, : len(counts)].sum(0) / len(rows), int(rows[:, -3].sum())

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            return self.token_losses.total(model, inputs)

        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            """Measure the model, and tell the callbacks.

            If the user stops it, the training ends with a checkpoint, and the next one begins with this evaluation.
            """
            was_training = self.model.training
            alone = self.args.world_size == 1  # several processes stop after the same step
            try:
                with self.watch.stop.interrupting() if alone else contextlib.nullcontext():
                    metrics = self._measured()
            except KeyboardInterrupt:
                if not self.watch.stop.asked:
                    raise
                self.watch.evaluation_due = True
                self.control.should_save = self.watch.checkpoints is not None
                self.control.should_training_stop = True
                return {}
            finally:
                self.model.train(was_training)
            self.watch.evaluation_due = False
            self.log(metrics)
            self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

        def _measured(self) -> dict[str, float]:
            """The loss over validation records: the weighted sum of the branches' means over their tokens."""
            records = sorted(self.eval_dataset.records[:MAX_EVALUATED], key=length)
            size = self.args.per_device_eval_batch_size
            branches = len(self.data_collator.branches)
            sums, counts = torch.zeros(2, branches, dtype=torch.float64)
            self.model.eval()
            batches = range(distributed.rank() * size, len(records), distributed.world_size() * size)
            with torch.no_grad():
                for at in batches:
                    batch = self._prepare_inputs(self.data_collator(records[at : at + size]))
                    counts += tokens(batch, branches)
                    branch, weight = batch.pop("branch"), batch.pop("weight")
                    losses, labelled = self.token_losses(self.model, batch)
                    sums.index_add_(0, branch[labelled].cpu(), (losses * weight[labelled]).cpu().double())
            sums, counts = (sum(parts) for parts in zip(*distributed.all_gather((sums, counts)), strict=True))
            metrics = {"eval_loss": (sums / counts.clamp(min=1)).sum().item()}
            if self.recipe.early_stopping == "accuracy" and (self.score is not None or not distributed.is_main()):
                metrics["eval_accuracy"] = distributed.broadcast(self.score)
            return metrics

    return StepTrainer, TrainingArguments, PrinterCallback
