"""The training loop: transformers' Trainer with dstill's loss, batches and limits.

In: a prepared model, encoded records and a recipe. Out: the model with its weights moved,
and a `History`. Raises TrainingError for NaN and for memory that runs out.

    loss = Σ over branches of weight · (sum of token losses / tokens of that branch)

The tokens are counted over everything that one optimizer step sees (`dstill_finetune.loss`).
"""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Callable, Iterator, Mapping

from dstill.errors import TrainingError
from dstill.parts import Device, Recipe
from dstill_finetune.collate import BucketSampler, Collator
from dstill_finetune.encoding import Dataset, Encoded
from dstill_finetune.loss import TokenLosses, scale, tokens

__all__ = ["History", "learning_rate_factor", "train"]

LOGS = 100  # at most so many rows of history
EVALUATIONS = 5  # of the validation loss
EVALUATED = 256  # validation records, at most, each time


@dataclass(kw_only=True)
class History:
    steps: int = 0
    seconds: float = 0.0
    rows: list[Mapping[str, float]] = field(default_factory=list)


def learning_rate_factor(progress: float, warmup: float) -> float:
    """Share of the peak learning rate at `progress` (0 to 1): a linear rise, then linearly to zero."""
    if progress < warmup:
        return progress / warmup
    return max(0.0, (1.0 - progress) / (1.0 - warmup)) if warmup < 1 else 1.0


def train(
    model: Any,
    collator: Collator,
    data: Dataset,
    validation: Dataset,
    recipe: Recipe,
    device: Device,
    *,
    folder: str,
    seed: int,
    on_step: Callable[[int, int, Mapping[str, float]], None],
) -> History:
    """Train `model` in place. `folder` only gives Trainer a place; nothing is written there."""
    trainer_class, arguments_class, callback_class, printer = _classes()
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    epoch_steps = math.ceil(len(data) / per_step)
    steps = recipe.max_steps if recipe.max_steps > 0 else max(1, math.ceil(epoch_steps * recipe.num_train_epochs))
    arguments = arguments_class(
        output_dir=folder,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        per_device_eval_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        max_steps=steps,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        bf16=recipe.precision == "bf16",
        use_cpu=device.kind == "cpu",
        seed=seed,
        logging_steps=max(1, steps // LOGS),
        logging_nan_inf_filter=False,  # it would hide a NaN that `_Watch` must see
        eval_strategy="steps" if len(validation) else "no",
        eval_steps=max(1, steps // EVALUATIONS),
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=device.kind == "cuda",
        include_num_input_tokens_seen="no",
    )
    watch = callback_class(recipe, steps, on_step)
    trainer = trainer_class(
        recipe=recipe,
        watch=watch,
        model=model,
        args=arguments,
        data_collator=collator,
        train_dataset=data,
        eval_dataset=validation if len(validation) else None,
        callbacks=[watch],
    )
    trainer.remove_callback(printer)  # it prints to stdout, which is for results
    if recipe.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    watch.begin()
    with _memory_errors(recipe):
        trainer.train()
    return History(steps=trainer.state.global_step, seconds=watch.elapsed, rows=watch.rows)


@contextlib.contextmanager
def _memory_errors(recipe: Recipe) -> Iterator[None]:
    """Memory that runs out becomes a TrainingError that says what helps, the least change first."""
    import torch

    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if not isinstance(error, (MemoryError, torch.OutOfMemoryError)) and "allocate memory" not in text:
            raise
        advice = []
        if recipe.per_device_train_batch_size > 1:
            half = recipe.per_device_train_batch_size // 2
            accumulation = recipe.gradient_accumulation_steps * 2
            advice.append(f"per_device_train_batch_size {half} with gradient_accumulation_steps {accumulation}")
        if not recipe.gradient_checkpointing:
            advice.append("gradient_checkpointing = true")
        advice += [f"max_length below {recipe.max_length}", "a modality that needs less (full > lora > qlora)"]
        raise TrainingError(
            "out of memory while training",
            where=text.splitlines()[0] if text else type(error).__name__,
            hint="try, in this order: " + "; ".join(advice),
        ) from error


@cache
def _classes() -> tuple[Any, Any, Any, Any]:
    """Trainer, TrainingArguments and callback, made when torch and transformers are first needed."""
    import torch
    from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

    class Watch(TrainerCallback):  # type: ignore[misc]
        """Keeps the history, reports progress, and stops at NaN or when the time is over."""

        def __init__(self, recipe: Recipe, steps: int, on_step: Callable[..., None]) -> None:
            self.recipe, self.steps, self.on_step = recipe, steps, on_step
            self.rows: list[Mapping[str, float]] = []
            self.begin()

        def begin(self) -> None:
            self.started = time.monotonic()

        @property
        def elapsed(self) -> float:
            return time.monotonic() - self.started

        def progress(self, step: int) -> float:
            """0 to 1, by steps or by time, whichever ends training first."""
            by_time = self.elapsed / self.recipe.max_seconds if self.recipe.max_seconds else 0.0
            return min(1.0, max(step / self.steps, by_time))

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            kept = ("loss", "eval_loss", "learning_rate", "grad_norm", "epoch")
            row = {"step": state.global_step, **{key: float(logs[key]) for key in kept if key in logs}}
            if not any(key in row for key in ("loss", "eval_loss")):
                return  # the closing summary
            bad = [key for key in ("loss", "eval_loss") if not math.isfinite(row.get(key, 0.0))]
            if bad:
                raise TrainingError(
                    f"{bad[0]} is {row[bad[0]]} at step {state.global_step}",
                    where=f"learning_rate {self.recipe.learning_rate:g}, precision {self.recipe.precision}",
                    hint="try a tenth of the learning rate, or precision fp32",
                )
            self.rows.append({**row, "seconds": round(self.elapsed, 3)})
            self.on_step(state.global_step, self.steps, row)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.recipe.max_seconds and self.elapsed >= self.recipe.max_seconds:
                control.should_training_stop = True

    class StepTrainer(Trainer):  # type: ignore[misc]
        loss_is_scaled_for_ga = True

        def __init__(self, *, recipe: Recipe, watch: Watch, **kwargs: Any) -> None:
            self.recipe, self.watch = recipe, watch
            super().__init__(**kwargs)
            self.token_losses = TokenLosses(self.model)

        def _get_train_sampler(self, train_dataset: Any = None) -> BucketSampler:
            lengths = [_length(record) for record in self.train_dataset.records]
            return BucketSampler(lengths, self._train_batch_size, self.args.seed)

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: learning_rate_factor(self.watch.progress(step + 1), self.recipe.warmup_ratio),
            )
            self._created_lr_scheduler = True
            return self.lr_scheduler

        def floating_point_ops(self, inputs: Any) -> int:
            return 0  # counting them walks over all parameters at every step

        def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list[Any], None]:
            """The micro-batches of one optimizer step, each row with its factor in the loss."""
            batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
            if batches:
                self._scale(batches, device)
            return batches, None

        def _scale(self, batches: list[Any], device: Any) -> None:
            counts = torch.zeros(len(self.data_collator.branches), dtype=torch.float64)
            for batch in batches:
                counts += tokens(batch, len(counts))
            if self.args.world_size > 1:  # gradients are averaged over the devices, so each counts for all
                counts = self.accelerator.gather(counts.to(device)[None]).sum(0).cpu() / self.args.world_size
            for batch in batches:
                scale(batch, counts)

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            return self.token_losses.total(model, inputs)

        def evaluate(self, eval_dataset: Any = None, *_: Any, **__: Any) -> dict[str, float]:
            """The training loss over validation records, each branch a mean over its own tokens."""
            records = sorted(self.eval_dataset.records[:EVALUATED], key=_length)
            size = self.args.per_device_eval_batch_size
            branches = len(self.data_collator.branches)
            sums, counts = torch.zeros(2, branches, dtype=torch.float64)
            was_training = self.model.training
            self.model.eval()
            with torch.no_grad():
                for at in range(0, len(records), size):
                    batch = self._prepare_inputs(self.data_collator(records[at : at + size]))
                    counts += tokens(batch, branches)
                    branch, weight = batch.pop("branch"), batch.pop("weight")
                    losses, keep = self.token_losses(self.model, batch)
                    sums.index_add_(0, branch[keep].cpu(), (losses * weight[keep]).cpu().double())
            self.model.train(was_training)
            metrics = {"eval_loss": (sums / counts.clamp(min=1)).sum().item()}
            self.log(metrics)
            self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
            return metrics

    return StepTrainer, TrainingArguments, Watch, PrinterCallback


def _length(record: Encoded) -> int:
    return max(len(row.source) for row in record) + max(len(row.target) for row in record)
