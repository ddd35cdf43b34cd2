"""One step on the longest batch before the first real one, held against the plan.

In: a Trainer that is ready to train. Out: ``{"predicted": bytes, "measured": bytes, "error": share}``. Where the
measured peak is above the plan by more than a margin, OutOfMemory is raised with the advice of a memory that ran out.

Weights, optimizer, random numbers and the order of the data stay as they were: the step is made with an optimizer
of its own at a learning rate of zero, and with a copy of the random state.

Not covered: a compiled model (it is compiled when training begins, and allocates otherwise).
"""

from __future__ import annotations

from typing import Any, Mapping

from dstill.api.recipe import Recipe
from dstill.io.units import size
from dstill_finetune.largest_batch import largest
from dstill_finetune.oom import OutOfMemory, advice
from dstill_finetune.peak_memory import PeakMemory

__all__ = ["LOOSE", "MARGIN", "SLACK", "probed"]

MARGIN = 0.15  # of the plan
LOOSE = 1.0  # where the allocator keeps what is freed (`dstill_finetune.torch_settings`): a plan counts what is live
SLACK = 256 * 2**20  # bytes: less than this is what libraries set aside, not the student


def probed(
    trainer: Any, recipe: Recipe, peak: PeakMemory, predicted: int, *, margin: float = MARGIN
) -> Mapping[str, float]:
    """Raises OutOfMemory. `peak` goes on measuring the whole training."""
    peak.lap()
    _step(trainer, recipe)
    measured = peak.latest
    if measured > predicted * (1 + margin) and measured > predicted + SLACK:
        raise OutOfMemory(
            f"the longest batch needs {size(measured)}, {measured / predicted - 1:.0%} more than planned",
            where=f"planned {size(predicted)}; nothing was trained yet",
            hint=f"try, in this order: {advice(recipe)}; or train.test_largest_batch = false, if there is room",
        )
    return {"predicted": predicted, "measured": measured, "error": round(predicted / measured - 1, 4)}


def _step(trainer: Any, recipe: Recipe) -> None:
    import torch
    from accelerate.utils import convert_outputs_to_fp32

    model, device = trainer.model, trainer.args.device
    # as accelerate prepares it when training begins, which is later: under bf16 in autocast, the output in fp32
    forward = convert_outputs_to_fp32(trainer.accelerator.autocast()(model.forward))
    parameters = [p for p in model.parameters() if p.requires_grad]
    records = largest(trainer.train_dataset.records, recipe.per_device_train_batch_size)
    training = model.training
    model.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        optimizer = _with_state(parameters, fused=recipe.optim == "adamw_torch_fused")
        for _ in range(min(2, recipe.gradient_accumulation_steps)):  # the second one finds gradients there
            batch = trainer.data_collator(records)
            trainer._scale([batch], device)
            inputs = trainer._prepare_inputs(batch)
            trainer.compute_loss(forward, inputs).backward()
        # A gradient that is no number would reach the weights even at a learning rate of zero.
        if all(bool(torch.isfinite(p.grad).all()) for p in parameters if p.grad is not None):
            optimizer.step()
    for p in parameters:
        p.grad = None
    model.train(training)


def _with_state(parameters: list[Any], *, fused: bool) -> Any:
    """AdamW that has made a step: its moments are there, as they are from the second step of a training on."""
    import torch

    optimizer = torch.optim.AdamW(parameters, lr=0.0, weight_decay=0.0, fused=fused)
    for p in parameters:
        p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return optimizer
