"""Finds the checkpoint that a training resumes from, if there is one.

checkpoints_of(job, model, tokenizer.get_vocab())  →  (Checkpoints(runs/mine/checkpoints), Path("…/checkpoint-400"))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from hashlib import sha256
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dstill.api.recipe import Recipe
from dstill.api.student import TrainingJob
from dstill.runtime import distributed
from dstill_torch.checkpoints import Checkpoints, digest
from dstill_torch.oom import halved

__all__ = ["adopt_batch", "checkpoints_of", "newest_checkpoint", "with_resumed_batch"]

# Settings that may change between starts, because they do not change what is learnt.
IRRELEVANT = (
    "threads",
    "test_largest_batch",
    "report_to",
    "report_student_mb",
    "save_steps",
    "save_total_limit",
    "auto_find_batch_size",
    "auto_modality",
    "max_seconds",
)
BATCH = ("per_device_train_batch_size", "gradient_accumulation_steps")


def with_resumed_batch(job: TrainingJob) -> Recipe:
    """The job's recipe, with the batch that an earlier start halved if there are checkpoints of it."""
    recipe = job.recipe
    if job.checkpoints is None or not recipe.auto_find_batch_size:
        return recipe
    began = Checkpoints(job.checkpoints).settings
    while recipe.per_device_train_batch_size > 1 and not _has_batch_of(recipe, began):
        recipe = halved(recipe)
    return recipe if _has_batch_of(recipe, began) else job.recipe


def adopt_batch(job: TrainingJob) -> None:
    """Let the job's checkpoints resume with its batch, if an optimizer step has the same number of records.

    Otherwise they belong to another training, and `checkpoints_of` refuses them.
    """
    if job.checkpoints is None:
        return
    checkpoints, now = Checkpoints(job.checkpoints), {name: getattr(job.recipe, name) for name in BATCH}
    if prod(checkpoints.settings.get(name, 0) for name in BATCH) == prod(now.values()):
        checkpoints.update_settings(now)


def _has_batch_of(recipe: Recipe, began: Mapping[str, Any]) -> bool:
    return all(began.get(name) == getattr(recipe, name) for name in BATCH)


def checkpoints_of(
    job: TrainingJob, model: Any, vocabulary: Any, base: str = "", more: Mapping[str, Any] = MappingProxyType({})
) -> tuple[Checkpoints | None, Path | None]:
    """The job's checkpoints, and the one to resume from.

    Args:
        job: The training.
        model: The prepared model.
        vocabulary: The student's, as JSON values.
        base: The fingerprint of the weights that an adapter is trained on; empty without one.
        more: What else the training depends on, as JSON values.

    Raises:
        RunError: The checkpoints are from a training with other settings.
    """
    if job.checkpoints is None:
        return None, None
    checkpoints = Checkpoints(job.checkpoints, keep=job.recipe.save_total_limit)
    settings = {**asdict(job.recipe), "modality": job.modality.name, "seed": job.seed, "data": digest(job.train)}
    # these differ if the student's settings, its base, or the records of its tokenizer changed
    settings["parameters"] = sum(p.numel() for p in model.parameters())
    settings["vocabulary"] = sha256(json.dumps(vocabulary, sort_keys=True).encode()).hexdigest()
    if base:
        settings["base"] = base
    settings.update(more)
    for name in IRRELEVANT:
        settings.pop(name)
    settings["processes"] = distributed.world_size()
    return checkpoints, distributed.broadcast(
        lambda: checkpoints.begin(settings, resume_with_changes=job.resume_with_changes)
    )


def newest_checkpoint(job: TrainingJob) -> Callable[[], str]:
    """A function that returns the name of the newest complete checkpoint, or ""."""
    folder = job.checkpoints
    return lambda: "" if folder is None else Checkpoints(folder).last
