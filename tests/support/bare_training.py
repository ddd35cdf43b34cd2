"""Trains a model of transformers without a student around it.

bare_training(model, collator, data, validation, recipe, device, on_step=lambda step, steps, values: None)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dstill.api.recipe import Device, Recipe
from dstill.api.student import TrainingJob, TrainResult
from dstill_finetune.generation import ModelGenerator
from dstill_finetune.loss import TransformersLosses
from dstill_finetune.model_spec import shape_of
from dstill_torch.attempt import Attempt
from dstill_torch.batches import BatchMaker
from dstill_torch.dataset import Dataset
from dstill_torch.modalities import Full
from dstill_torch.peak_memory import PeakMemory
from dstill_torch.training import Training, train

__all__ = ["bare_training"]


def bare_training(
    model: Any,
    collator: BatchMaker,
    data: Dataset,
    validation: Dataset,
    recipe: Recipe,
    device: Device,
    *,
    on_step: Callable[[int, int, Mapping[str, float]], None],
) -> TrainResult:
    with TemporaryDirectory() as folder, PeakMemory(device.kind) as peak:
        job = TrainingJob(
            train=(),
            validation=(),
            modality=Full(),
            recipe=replace(recipe, test_largest_batch=False),
            device=device,
            folder=Path(folder),
            seed=0,
            on_step=on_step,
        )
        attempt = Attempt(job=job, spec=shape_of(model.config), peak=peak, keeps_freed_memory=True, services=())
        return train(
            Training(
                attempt=attempt,
                model=model,
                collator=collator,
                data=data,
                validation=validation,
                losses=TransformersLosses,
                generator=lambda: ModelGenerator(model, None),  # type: ignore[arg-type]
            )
        )
