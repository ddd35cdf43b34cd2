"""Which checkpoint a training goes on from, if any.

checkpoints_of(job, model, tokenizer)  →  (Checkpoints(runs/mine/checkpoints), Path("…/checkpoint-400"))
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any, Callable, Mapping

from dstill.api.recipe import Recipe
from dstill.api.student import TrainingJob
from dstill.runtime import distributed
from dstill_finetune.checkpoints import Checkpoints, digest
from dstill_finetune.oom import halved

__all__ = ["as_begun", "checkpoints_of", "last_of", "rebatched"]

# What may be another at every start: it does not change what is learnt.
UNDECIDING = (
    "threads",
    "test_largest_batch",
    "report_to",
    "save_steps",
    "save_total_limit",
    "auto_find_batch_size",
    "auto_modality",
    "max_seconds",
)
BATCH = ("per_device_train_batch_size", "gradient_accumulation_steps")


def as_begun(job: TrainingJob) -> Recipe:
    """The recipe with its batch as an earlier start had to halve it: its checkpoints are of that one."""
    recipe = job.recipe
    if job.checkpoints is None or not recipe.auto_find_batch_size:
        return recipe
    began = Checkpoints(job.checkpoints).began
    while recipe.per_device_train_batch_size > 1 and not _is_of(recipe, began):
        recipe = halved(recipe)
    return recipe if _is_of(recipe, began) else job.recipe


def rebatched(job: TrainingJob) -> None:
    """The training whose checkpoints these are goes on with the job's batch, where an optimizer step is of one size.

    Where it is not, they are of another training, which `checkpoints_of` refuses.
    """
    if job.checkpoints is None:
        return
    checkpoints, now = Checkpoints(job.checkpoints), {name: getattr(job.recipe, name) for name in BATCH}
    if prod(checkpoints.began.get(name, 0) for name in BATCH) == prod(now.values()):
        checkpoints.change(now)


def _is_of(recipe: Recipe, began: Mapping[str, Any]) -> bool:
    return all(began.get(name) == getattr(recipe, name) for name in BATCH)


def checkpoints_of(
    job: TrainingJob, model: Any, tokenizer: Any, base: str = ""
) -> tuple[Checkpoints | None, Path | None]:
    """Where they are kept, and the one to go on from. Raises RunError where it is of another training.

    `base`: the fingerprint of the weights that an adapter is trained beside.
    """
    if job.checkpoints is None:
        return None, None
    checkpoints = Checkpoints(job.checkpoints, keep=job.recipe.save_total_limit)
    made_of = {**asdict(job.recipe), "modality": job.modality.name, "seed": job.seed, "data": digest(job.train)}
    # settings of a student, its base, or the rows that its tokenizer is learnt from may have changed
    made_of["parameters"] = sum(p.numel() for p in model.parameters())
    made_of["vocabulary"] = sha256(json.dumps(tokenizer.get_vocab(), sort_keys=True).encode()).hexdigest()
    if base:
        made_of["base"] = base
    for name in UNDECIDING:
        made_of.pop(name)
    made_of["processes"] = distributed.world_size()
    return checkpoints, distributed.broadcast(
        lambda: checkpoints.begin(made_of, resume_with_changes=job.resume_with_changes)
    )


def last_of(job: TrainingJob) -> Callable[[], str]:
    folder = job.checkpoints
    return lambda: "" if folder is None else Checkpoints(folder).last
