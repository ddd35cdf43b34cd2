"""The common part of students that train with `dstill_torch.training`: threads, precision, and running out of memory.

What only training needs is imported when it begins: `dstill ask` loads students, too.

`TorchStudent.fit` calls `fit_once`, and again with half of the batch if memory runs out and the recipe allows it.
"""

from __future__ import annotations

import gc
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from dstill.api.modality import ModelSpec
from dstill.api.student import Student, TrainingJob, TrainResult
from dstill.errors import UsageError
from dstill.io.logs import log
from dstill.runtime import distributed

if TYPE_CHECKING:
    from dstill_torch.attempt import Attempt

__all__ = ["TorchStudent"]


class TorchStudent(Student):
    """A student that trains with `dstill_torch.training`."""

    bf16_on_cpu: ClassVar[bool] = False  # ``precision = "auto"`` is bf16 on a CPU that has instructions for it

    @abstractmethod
    def fit_once(self, attempt: Attempt) -> TrainResult:
        """Train with `dstill_torch.training`, and save the student in ``job.folder``.

        Raises what `Student.fit` raises, and torch's own errors for lack of memory.
        """

    def fit(self, job: TrainingJob) -> TrainResult:
        import torch

        from dstill_torch import reporting
        from dstill_torch.attempt import Attempt
        from dstill_torch.oom import OutOfMemory, explain_oom, halved
        from dstill_torch.peak_memory import PeakMemory
        from dstill_torch.resuming import adopt_batch, newest_checkpoint, with_resumed_batch
        from dstill_torch.saving import saving
        from dstill_torch.settings import compiling, cpu_threads, quiet, resolved

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
        services = reporting.required(job.recipe.report_to) if job.events and distributed.is_main() else []
        spec = job.spec or self.spec()
        with cpu_threads(job.recipe.threads), PeakMemory(job.device.kind) as peak:
            while True:
                try:
                    with explain_oom(job.recipe, peak, newest_checkpoint(job)), compiling(job.recipe):
                        torch.manual_seed(job.seed)  # for adapters, which a modality initializes at random
                        keeps = _keeps_freed_memory(job, spec)
                        attempt = Attempt(job=job, spec=spec, peak=peak, keeps_freed_memory=keeps, services=services)
                        return self.fit_once(attempt)
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


def _import_libraries(job: TrainingJob) -> None:
    """Import what training needs first, so that it does not count as the training's memory."""
    import dstill_torch.training  # noqa: F401

    if job.modality.name != "full":
        import peft  # noqa: F401


def _keeps_freed_memory(job: TrainingJob, spec: ModelSpec) -> bool:
    """Whether the allocator keeps what is freed. If memory is short, it does not."""
    if job.device.kind == "cuda":
        return False
    from dstill_torch.settings import return_freed_memory

    # by the recipe's limits: records for validation may be longer than those of the largest batch
    need = job.modality.memory_required(replace(spec, batch=None), job.recipe)
    return not return_freed_memory(need.total, job.device.free)


def _free_memory(job: TrainingJob) -> None:
    """Free what a training that ran out of memory left behind."""
    gc.collect()
    if job.device.kind == "cuda":
        import torch

        torch.cuda.empty_cache()
