"""The first memory model: peak bytes of one training step, by component.

In: a `Shape` (counts from the configuration) and a `Recipe`. Out: `Memory`, above what
the process held before the model was loaded. A step is planned for
``per_device_train_batch_size`` sequences of ``max_length`` tokens; an encoder–decoder
reads those and writes ``max_target_length`` tokens each.

    7B decoder, batch 2 × 1,024 tokens, bf16:  full 132, lora 27, qlora 18 GiB

What autograd keeps a layer was measured by hooks on saved tensors, over Llama- and
T5-shaped models of several sizes (torch 2.15, transformers 5.24). Not covered: several
devices, offloading, other attention kernels than torch's own, two sequences a record (DSS
trains two: plan with twice the batch where both reach the limit).
"""

from __future__ import annotations

from dataclasses import dataclass

from dstill.parts import Memory, Recipe, Shape
from dstill_finetune.shapes import attention_names

__all__ = ["adapter_parameters", "full", "lora", "qlora"]

MIB = 2**20
OVERHEAD = 256 * MIB  # context, kernels, buffers of the libraries
FRAGMENTS = 0.04  # of all else: what an allocator cannot hand out again
GRADIENT, OPTIMIZER = 4, 8  # bytes a trained parameter: fp32 gradient, Adam's two fp32 moments
# A 4-bit weight: half a byte, an 8-bit constant for each 64, and for each 256 of those an fp32 one.
FOUR_BIT = 0.5 + 1 / 64 + 4 / (64 * 256)


@dataclass(frozen=True)
class _Kept:
    """Bytes that autograd keeps for a token in one layer."""

    hidden: float  # a unit of the hidden size
    feed_forward: float  # a unit of the feed-forward size
    scores: float = 0.0  # a head and token attended to: only where the kernel keeps its scores


def _kept(student: Shape, wide: int, frozen: bool) -> _Kept:
    """`wide`: bytes of an activation. A frozen linear layer need not keep its input."""
    if student.encoder_decoder:  # T5's learnt position bias rules out the kernels that keep no scores
        return _Kept(hidden=64 if wide == 4 else 51, feed_forward=(7 if frozen else 8) * wide, scores=18)
    if frozen:
        return _Kept(hidden=40 if wide == 4 else 32, feed_forward=3 * wide)
    return _Kept(hidden=40 if wide == 4 else 30, feed_forward=4 * wide)


def adapter_parameters(student: Shape, recipe: Recipe) -> int:
    """Parameters of LoRA adapters: rank × (inputs + outputs) for every target."""
    names = {name.rstrip("'") for name in student.linears}
    if recipe.target_modules == "attention":
        names &= set(attention_names(names))
    elif recipe.target_modules != "all-linear":
        names &= {name.strip() for name in recipe.target_modules.split(",")}
    return sum(
        recipe.r * (inputs + outputs) * count
        for name, (inputs, outputs, count) in student.linears.items()
        if name.rstrip("'") in names
    )


def full(student: Shape, recipe: Recipe) -> Memory:
    """Weights stay in fp32; under bf16 each step works on a copy in bf16."""
    wide = _wide(student, recipe)
    copy = wide * student.parameters if wide < 4 else 0
    return _summed(
        weights=4 * student.parameters + copy,
        gradients=GRADIENT * student.parameters,
        optimizer=OPTIMIZER * student.parameters,
        **_passing(student, recipe, frozen=False),
    )


def lora(student: Shape, recipe: Recipe) -> Memory:
    return _summed(
        weights=_wide(student, recipe) * student.parameters,
        **_adapters(student, recipe),
        **_passing(student, recipe, frozen=True),
    )


def qlora(student: Shape, recipe: Recipe) -> Memory:
    """The linear layers in 4 bits; embedding, head and norms as they were; one layer at a time is unpacked."""
    wide = _wide(student, recipe)
    quantized = student.parameters - student.embedding
    largest = max((inputs * outputs for inputs, outputs, _ in student.linears.values()), default=0)
    return _summed(
        weights=wide * student.embedding,
        quantized_weights=int(FOUR_BIT * quantized),
        unpacked_layer=wide * largest,
        **_adapters(student, recipe),
        **_passing(student, recipe, frozen=True),
    )


def _wide(student: Shape, recipe: Recipe) -> int:
    """Bytes of an activation, and of a weight that is frozen but not in 4 bits."""
    if recipe.precision == "auto":
        return min(4, student.bytes_per_parameter)
    return 2 if recipe.precision == "bf16" else 4


def _adapters(student: Shape, recipe: Recipe) -> dict[str, int]:
    count = adapter_parameters(student, recipe)
    return {"adapters": 4 * count, "gradients": GRADIENT * count, "optimizer": OPTIMIZER * count}


def _passing(student: Shape, recipe: Recipe, *, frozen: bool) -> dict[str, int]:
    """Activations and logits: what one batch leaves behind on its way."""
    wide, batch = _wide(student, recipe), recipe.per_device_train_batch_size
    read = batch * recipe.max_length
    written = batch * recipe.max_target_length if student.encoder_decoder else read
    kept = _kept(student, wide, frozen)
    a_token = student.hidden * kept.hidden + student.feed_forward * kept.feed_forward
    a_token += student.heads * kept.scores * recipe.max_length
    tokens = (read + written) / 2 if student.encoder_decoder else read  # half of the layers see each
    layer = tokens * a_token
    if recipe.gradient_checkpointing:
        activations = tokens * student.layers * student.hidden * wide + layer
    else:
        activations = layer * student.layers
    # the head's output, its fp32 copy, the log-softmax and its gradient
    logits = written * student.vocabulary * (14 if wide == 2 else 12)
    return {"activations": int(activations), "logits": logits}


def _summed(**parts: int) -> Memory:
    parts["overhead"] = OVERHEAD + int(FRAGMENTS * sum(parts.values()))
    return Memory(parts=parts)
