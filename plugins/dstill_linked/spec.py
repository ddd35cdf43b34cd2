"""Counts a linked model for the memory estimate, without making weights.

spec_of(Shape(features=…, tokens=…, …))   →  ModelSpec(parameters=2_351_496, …)
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dstill.api.modality import ActivationBytes, ModelSpec
from dstill_torch.lora_targets import counted, linear_layers
from dstill_torch.saved_bytes import ENCODER_DECODER, SavedBytes, polynomial

if TYPE_CHECKING:
    from dstill_linked.shape import Shape

__all__ = ["spec_of"]

FEATURES = 24  # of one position, about what questions and schemas have


def spec_of(shape: Shape) -> ModelSpec:
    """The counts of a model of this shape."""
    import torch

    from dstill_linked.model import LinkedModel

    with torch.device("meta"):
        model = LinkedModel(shape)
    parameters = sum(p.numel() for p in model.parameters())
    linears, others = linear_layers(model)
    return ModelSpec(
        architecture="LinkedModel",
        parameters=parameters,
        embedding=parameters,  # nothing of it is stored in 4 bits
        linears=counted(linears),
        unadapted=counted(others),
        layers=shape.encoder_layers + shape.decoder_layers,
        hidden=shape.width,
        feed_forward=shape.hidden,
        heads=shape.heads,
        vocabulary=shape.tokens,
        encoder_decoder=True,
        activation_bytes=lambda how, width: _activation_bytes(shape, how == "frozen", width),
    )


@cache
def _activation_bytes(shape: Shape, frozen: bool, width: int) -> ActivationBytes:
    """The bytes that autograd saves for one question, counted on fake tensors (`dstill_torch.saved_bytes`)."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    from dstill_linked.model import LinkedModel

    fake = FakeTensorMode()
    with fake:
        model = LinkedModel(shape).train()
        if frozen:
            model.requires_grad_(False)
            model.relations.weight.requires_grad_()  # gradients flow through every layer, as with adapters
    saved = SavedBytes(model, fake, bf16=width == 2)

    h = max(1, min(32, shape.longest // 3))  # the table of places bounds the targets that can be tried
    at = {}
    for source, target in ENCODER_DECODER:
        with saved.counted() as at[source, target]:
            sources = _sources(source * h)
            memory = model.encode(sources)
            saved.part = 1
            out = model.decode(model.start(memory, sources.mask), torch.zeros(1, target * h, dtype=torch.long))
        del out
    return ActivationBytes(*polynomial(at, h=h))


def _sources(positions: int) -> Any:
    import torch

    from dstill_linked.model import Sources

    return Sources(
        features=torch.zeros(FEATURES * positions, dtype=torch.long),
        weights=torch.ones(FEATURES * positions),
        offsets=torch.arange(positions) * FEATURES,
        relations=torch.zeros(1, positions, positions, dtype=torch.long),
        mask=torch.ones(1, positions, dtype=torch.bool),
    )
