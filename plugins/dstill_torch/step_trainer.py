"""transformers' Trainer with dstill's loss, optimizer, checkpoints and evaluation."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import Trainer

from dstill.api.recipe import Recipe
from dstill.runtime import distributed
from dstill_torch.batches import BucketSampler
from dstill_torch.dataset import length
from dstill_torch.loss import TokenLosses, scale, tokens
from dstill_torch.muon import muon
from dstill_torch.saving import saving
from dstill_torch.watch import diverged

__all__ = ["StepTrainer", "learning_rate_factor"]

MAX_EVALUATED = 256  # validation records per evaluation


def learning_rate_factor(progress: float, warmup: float) -> float:
    """The share of the peak learning rate at `progress` (0 to 1): linear warm-up, then linear decay to zero."""
    if progress < warmup:
        return progress / warmup
    return max(0.0, (1.0 - progress) / (1.0 - warmup)) if warmup < 1 else 1.0


class StepTrainer(Trainer):  # type: ignore[misc]
    """Trains step by step with dstill's loss, batches and limits."""

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
        wanted = [{key: group[key] for key in ("initial_lr", "weight_decay")} for group in self.optimizer.param_groups]
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
