"""Runs one step on the longest batch before training, and compares its peak memory with the plan.

In: a Trainer that is ready to train. Out: ``{"predicted": bytes, "measured": bytes, "error": share}``, or the first
alone if the step took no memory that the process did not have already. If the measured peak exceeds the plan by more
than a margin, OutOfMemory is raised with advice.

The step does not change weights, optimizer, random numbers or the order of the data: it has its own optimizer with a
learning rate of zero, and restores the random state.

Not covered: a compiled model, which is compiled when training begins and allocates differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from accelerate.utils import convert_outputs_to_fp32

from dstill.api.recipe import Recipe
from dstill.io.units import size
from dstill_torch.attempt import Attempt
from dstill_torch.largest_batch import largest, largest_batch
from dstill_torch.muon import muon
from dstill_torch.oom import OutOfMemory, advice
from dstill_torch.step_trainer import StepTrainer

__all__ = ["run_probe"]

MARGIN = 0.15  # of the plan
LOOSE_MARGIN = 1.0  # if the allocator keeps freed memory (`dstill_torch.settings`), which no plan counts
SLACK = 256 * 2**20  # bytes: a smaller excess is from libraries, not from the student


def run_probe(trainer: StepTrainer, attempt: Attempt) -> Mapping[str, float]:
    """Run the step with a trainer that is ready to train.

    Raises:
        OutOfMemory: The step needs more memory than the plan of its batch, by more than a margin.
    """
    job, recipe, peak = attempt.job, attempt.job.recipe, attempt.peak
    batch = largest_batch(trainer.data_collator, trainer.train_dataset, recipe)
    predicted = job.modality.memory_required(replace(attempt.spec, batch=batch), recipe).total
    margin = LOOSE_MARGIN if attempt.keeps_freed_memory else MARGIN
    peak.lap()
    _step(trainer, recipe)
    measured = peak.latest
    if measured > predicted * (1 + margin) and measured > predicted + SLACK:
        raise OutOfMemory(
            f"the longest batch needs {size(measured)}, {measured / predicted - 1:.0%} more than planned",
            where=f"planned {size(predicted)}; nothing was trained yet",
            hint=f"try, in this order: {advice(recipe)}; or train.test_largest_batch = false if memory allows it",
        )
    if measured <= 0:  # the process had freed more memory than the step needs
        return {"predicted": predicted}
    return {"predicted": predicted, "measured": measured, "error": round(predicted / measured - 1, 4)}


def _step(trainer: StepTrainer, recipe: Recipe) -> None:
    model, device = trainer.model, trainer.args.device
    # accelerate wraps the model only when training begins: with bf16 in autocast, the output in fp32
    forward = convert_outputs_to_fp32(trainer.accelerator.autocast()(model.forward))
    parameters = [p for p in model.parameters() if p.requires_grad]
    records = largest(trainer.train_dataset.records, recipe.per_device_train_batch_size)
    training = model.training
    model.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        optimizer = _stepped_optimizer(model, parameters, recipe)
        for _ in range(min(2, recipe.gradient_accumulation_steps)):  # the second adds to the gradients of the first
            batch = trainer.data_collator(records)
            trainer._scale([batch], device)
            inputs = trainer._prepare_inputs(batch)
            trainer.compute_loss(forward, inputs).backward()
        # NaN gradients would change the weights even at a learning rate of zero
        if all(bool(torch.isfinite(p.grad).all()) for p in parameters if p.grad is not None):
            optimizer.step()
    for p in parameters:
        p.grad = None
    model.train(training)


def _stepped_optimizer(model: Any, parameters: list[Any], recipe: Recipe) -> Any:
    """The optimizer after one step, so that its moments are allocated, as from the second step of a training."""
    if recipe.optim == "muon":
        optimizer = muon(model, learning_rate=0.0, weight_decay=0.0)
    else:
        fused = recipe.optim == "adamw_torch_fused"
        optimizer = torch.optim.AdamW(parameters, lr=0.0, weight_decay=0.0, fused=fused)
    for p in parameters:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return optimizer
