"""Which checkpoint a training goes on from, if any.

checkpoints_of(job, "")  →  (Checkpoints(runs/mine/checkpoints), Path("…/checkpoint-400"))
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Callable

from dstill import processes
from dstill.parts import TrainingJob
from dstill_finetune.checkpoints import Checkpoints, digest

__all__ = ["checkpoints_of", "last_of"]

# What may be another at every start: it does not change what is learnt.
UNDECIDING = (
    "threads",
    "probe",
    "report_to",
    "save_steps",
    "save_total_limit",
    "auto_find_batch_size",
    "policy",
    "max_seconds",
)


def checkpoints_of(job: TrainingJob, base: str) -> tuple[Checkpoints | None, Path | None]:
    """Where they are kept, and the one to go on from. Raises RunError where it is of another training.

    `base`: the fingerprint of the weights that an adapter is trained beside.
    """
    if job.checkpoints is None:
        return None, None
    checkpoints = Checkpoints(job.checkpoints, keep=job.recipe.save_total_limit)
    made_of = {**asdict(job.recipe), "modality": job.modality.name, "seed": job.seed, "data": digest(job.train)}
    if base:
        made_of["base"] = base
    for name in UNDECIDING:
        made_of.pop(name)
    made_of["processes"] = processes.count()
    return checkpoints, processes.of_first(lambda: checkpoints.begin(made_of, allow_changed=job.allow_changed))


def last_of(job: TrainingJob) -> Callable[[], str]:
    folder = job.checkpoints
    return lambda: "" if folder is None else Checkpoints(folder).last
