"""The common part of students that train with `dstill_torch.training`: threads, precision, and running out of memory.

`TorchStudent.fit` calls `fit_once`, and again with half of the batch if memory runs out and the recipe allows it.
"""

from __future__ import annotations

import gc
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from dstill.api.student import Generator, Student, TrainingJob, TrainResult
from dstill.errors import UsageError
from dstill.io.logs import log
from dstill.runtime import distributed
from dstill_torch.oom import OutOfMemory, explain_oom, halved
from dstill_torch.peak_memory import PeakMemory
from dstill_torch.resuming import adopt_batch, newest_checkpoint, with_resumed_batch
from dstill_torch.saving import saving
from dstill_torch.settings import compiling, cpu_threads, quiet, resolved

__all__ = ["TorchStudent", "result_of", "score_of"]


class TorchStudent(Student):
    """A student that trains with `dstill_torch.training`."""

    bf16_on_cpu: ClassVar[bool] = False  # ``precision = "auto"`` is bf16 on a CPU that has instructions for it

    @abstractmethod
    def fit_once(self, job: TrainingJob, peak: PeakMemory) -> TrainResult:
        """Train, resuming from the newest checkpoint, and save the student in ``job.folder``.

        The recipe's precision is resolved. Raises what `Student.fit` raises, and torch's own errors for lack of memory.
        """

    def fit(self, job: TrainingJob) -> TrainResult:
        quiet()
        job = replace(job, recipe=resolved(job.recipe, job.device, bf16_on_cpu=self.bf16_on_cpu))
        if job.recipe.auto_find_batch_size and distributed.world_size() > 1:
            raise UsageError(
                f"automatic batch sizes work in one process only, and this training has {distributed.world_size()}",
                where="train.auto_find_batch_size = true",
                hint="set it to false, and train.per_device_train_batch_size to what fits",
            )
        job = replace(job, recipe=with_resumed_batch(job))
        with saving(job.folder):
            job.folder.mkdir(parents=True, exist_ok=True)
        _import_libraries(job)
        with cpu_threads(job.recipe.threads), PeakMemory(job.device.kind) as peak:
            while True:
                try:
                    with explain_oom(job.recipe, peak, newest_checkpoint(job)), compiling(job.recipe):
                        return self.fit_once(job, peak)
                except OutOfMemory as problem:
                    if not job.recipe.auto_find_batch_size or job.recipe.per_device_train_batch_size == 1:
                        raise
                    log.warning("%s", problem.what)
                job = replace(job, recipe=halved(job.recipe))
                last = newest_checkpoint(job)()
                then = f"resuming from {last}" if last else "starting again"
                log.warning("%s with a batch of %d", then, job.recipe.per_device_train_batch_size)
                adopt_batch(job)
                _free_memory(job)


def result_of(history: Any, model: Any, peak: PeakMemory, n_too_long: int) -> TrainResult:
    """The result of a training, for run.json."""
    return TrainResult(
        steps=history.steps,
        seconds=round(history.seconds, 3),
        history=tuple(history.rows),
        peak_memory=peak.bytes,
        trained_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        all_parameters=_count(model),
        best_step=history.best,
        tokens_seen=history.tokens,
        rows_per_second=round(history.rows_per_second, 3),
        n_too_long=n_too_long,
        probe=history.probe,
    )


def _import_libraries(job: TrainingJob) -> None:
    """Import what training needs first, so that it does not count as the training's memory."""
    import dstill_torch.training  # noqa: F401

    if job.modality.name != "full":
        import peft  # noqa: F401


def score_of(job: TrainingJob, model: Any, generator: Callable[[], Generator]) -> Callable[[], float] | None:
    """A function that measures the model's accuracy during training; None if early stopping does not need it."""
    if job.score is None or job.recipe.early_stopping != "accuracy":
        return None
    score = job.score

    def current_score() -> float:
        training = model.training
        try:
            return score(generator())
        finally:
            model.train(training)

    return current_score


def _free_memory(job: TrainingJob) -> None:
    """Free what a training that ran out of memory left behind."""
    gc.collect()
    if job.device.kind == "cuda":
        import torch

        torch.cuda.empty_cache()


def _count(model: Any) -> int:
    """The number of parameters; a byte of 4-bit weights counts as two."""
    return sum(p.numel() * (2 if type(p).__name__ == "Params4bit" else 1) for p in model.parameters())
