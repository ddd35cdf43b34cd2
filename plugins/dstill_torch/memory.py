"""Predicts the peak memory of a training step in bytes, by component.

In: a `ModelSpec` (counts from the configuration) and a `Recipe`. Out: `Memory`, the bytes above what the process used
before the model was loaded; its parts are those in use at the peak.

    7B decoder, batch 2 × 1,024 tokens, bf16:  full 115.6, lora 24.6, qlora 15.5 GiB

The peak is the largest of these moments of a step; the optimizer's update comes later and needs less:

    forward      weights, optimizer, activations, logits (and gradients, if they are accumulated)
    recompute    with gradient checkpointing: weights, optimizer, the input of each layer, one layer's activations twice
    backward     weights, optimizer, gradients, the tensors of one layer

Sequences and tokens are those of the dataset's largest batch (`ModelSpec.batch`). Without a dataset, they are
``per_device_train_batch_size`` sequences of ``max_length`` tokens; an encoder–decoder reads those and writes
``max_target_length`` tokens each. The activations that autograd saves are counted
(`dstill_torch.saved_bytes`). OVERHEAD, FRAGMENTATION and WORKING were fitted on the combinations named in
docs/training.md; the test compares predictions with measured peaks of other combinations.

Not covered: several devices, offloading, torch.compile, other attention kernels than torch's own.
"""

from __future__ import annotations

from dstill.api.modality import ActivationBytes, Batch, Memory, ModelSpec
from dstill.api.recipe import Recipe
from dstill_torch.lora_targets import chosen

__all__ = ["CONTEXT", "adapter_parameters", "full", "lora", "qlora"]

MIB = 2**20
OVERHEAD = 48 * MIB  # workspaces that libraries allocate on first use
CONTEXT = 512 * MIB  # of a CUDA process, before its first tensor
FRAGMENTATION = 0.02  # of everything else: memory that the allocator cannot reuse
WORKING_SHARE = 0.7  # of one layer's activations: how much of them and their gradients is in use at the end of backward
GRADIENT, OPTIMIZER = 4, 8  # bytes per trained parameter: fp32 gradient, Adam's two fp32 moments
# Bytes of a 4-bit weight with double quantization (Dettmers et al. 2023, QLoRA): half a byte, an 8-bit constant per 64
# weights, and an fp32 constant per 256 of those.
FOUR_BIT = 0.5 + 1 / 64 + 4 / (64 * 256)


def adapter_parameters(student: ModelSpec, recipe: Recipe) -> int:
    """Parameters of the LoRA adapters: r × (inputs + outputs) of every target layer (Hu et al. 2021)."""
    return sum(recipe.r * (inputs + outputs) * count for inputs, outputs, count in _targets(student, recipe))


def full(student: ModelSpec, recipe: Recipe) -> Memory:
    """The peak of full fine-tuning. Weights are fp32; with bf16, each step adds a copy in bf16."""
    width = _width(student, recipe)
    copy = width * student.parameters if width < 4 else 0
    constant = {"weights": 4 * student.parameters + copy}
    return _peak(student, recipe, constant, student.parameters, frozen=False)


def lora(student: ModelSpec, recipe: Recipe) -> Memory:
    """The peak of training adapters on a frozen base."""
    return _peak(student, recipe, {"weights": _width(student, recipe) * student.parameters}, frozen=True)


def qlora(student: ModelSpec, recipe: Recipe) -> Memory:
    """The peak with the base's linear layers in 4 bits, of which one at a time is unpacked."""
    width = _width(student, recipe)
    quantized = student.parameters - student.embedding
    layers = (*student.linears.values(), *student.unadapted.values())
    largest = max((inputs * outputs for inputs, outputs, _ in layers), default=0)
    constant = {
        "weights": width * student.embedding,
        "quantized_weights": int(FOUR_BIT * quantized),
        "unpacked_layer": width * largest,
    }
    return _peak(student, recipe, constant, frozen=True)


def _width(student: ModelSpec, recipe: Recipe) -> int:
    """Bytes of an activation, and of a frozen weight that is not in 4 bits."""
    if recipe.precision == "auto":
        return min(4, student.bytes_per_parameter)
    return 2 if recipe.precision == "bf16" else 4


def _targets(student: ModelSpec, recipe: Recipe) -> list[tuple[int, int, int]]:
    """Inputs, outputs and count of the linear layers that get an adapter."""
    names = chosen({name.rstrip("'") for name in student.linears}, recipe.target_modules)
    return [linear for name, linear in student.linears.items() if name.rstrip("'") in names]


def _batch(student: ModelSpec, recipe: Recipe) -> Batch:
    if student.batch is not None:
        return student.batch
    rows, length, target = recipe.per_device_train_batch_size, recipe.max_length, recipe.max_target_length
    if student.encoder_decoder:
        return Batch(source_shape=(rows, length), target_shape=(rows, target), loss_tokens=rows * target)
    return Batch(source_shape=(rows, length), loss_tokens=rows * min(length, target))


def _peak(student: ModelSpec, recipe: Recipe, constant: dict[str, int], trained: int = 0, *, frozen: bool) -> Memory:
    """The peak over the moments of a step.

    `constant`: bytes in use at every moment; `trained`: parameters that are trained beside adapters and new rows.
    """
    batch = _batch(student, recipe)
    if frozen:
        trained = adapter_parameters(student, recipe)
        constant["adapters"] = 4 * trained
        rows = student.vocabulary * student.hidden * (1 if student.tied else 2) if batch.new_tokens else 0
        # a copy of the embedding, and its gradient
        constant["token_rows"] = (_width(student, recipe) + GRADIENT) * rows
    constant["optimizer"] = OPTIMIZER * trained
    gradients = GRADIENT * trained
    activations, layer = _activations(student, recipe, batch, frozen=frozen)
    working = int(WORKING_SHARE * layer)
    logits = _logits(student, recipe, batch, frozen=frozen)
    accumulated = gradients if recipe.gradient_accumulation_steps > 1 else 0
    moments: list[dict[str, int]] = [
        {"gradients": accumulated, "activations": activations, "logits": logits, "working": 0},
        {"gradients": gradients, "activations": 0, "logits": 0, "working": working},
    ]
    if recipe.gradient_checkpointing:  # the last layer is recomputed while every layer's input is in memory
        moments.append({"gradients": accumulated, "activations": activations + layer, "logits": 0, "working": working})
    sums = [sum(moment.values()) for moment in moments]
    parts = {**constant, **moments[sums.index(max(sums))]}
    parts["overhead"] = OVERHEAD + int(FRAGMENTATION * sum(parts.values()))
    return Memory(parts=parts)


def _activations(student: ModelSpec, recipe: Recipe, batch: Batch, *, frozen: bool) -> tuple[int, int]:
    """Bytes of activations that a forward pass saves, and those of one layer."""
    width = _width(student, recipe)
    (source_rows, source), (target_rows, target) = batch.source_shape, batch.target_shape
    saved = _saved(student, width, frozen)
    reading = source_rows * (saved.source * source + saved.source_pairs * source**2)
    writing = target_rows * (
        saved.target * target
        + saved.target_pairs * target**2
        + saved.cross * source
        + saved.cross_pairs * source * target
    )
    tokens = (source_rows * source + target_rows * target) / (2 if student.encoder_decoder else 1)
    adapted = 0.0
    if frozen:  # an adapter saves its input, the input after dropout, and the output of its first matrix
        dropout = 4 if recipe.lora_dropout else 0
        adapted = tokens * sum(
            count * (inputs * (width + dropout) + recipe.r * width) for inputs, _, count in _targets(student, recipe)
        )
    size = reading + writing + adapted
    # half of an encoder–decoder's layers read and half write: take the larger
    layers = max(1, student.layers)  # a student without weights, like nearest, has none
    layer = (2 * max(reading, writing) if student.encoder_decoder else size) / layers
    if recipe.gradient_checkpointing:
        size = tokens * student.layers * student.hidden * width
    return int(size), int(layer)


def _saved(student: ModelSpec, width: int, frozen: bool) -> ActivationBytes:
    """The counted bytes; if they could not be counted, an estimate for decoders with a gated feed-forward layer."""
    counted = student.activation_bytes("frozen" if frozen else "full", width)
    return counted or ActivationBytes(source=student.layers * width * (10 * student.hidden + 4 * student.feed_forward))


def _logits(student: ModelSpec, recipe: Recipe, batch: Batch, *, frozen: bool) -> int:
    """The larger of the logits (fp32, with bf16 a second copy) and the logits' gradient with the head's own."""
    outputs = batch.loss_tokens * student.vocabulary
    width = _width(student, recipe)
    head = 0 if frozen else GRADIENT * student.vocabulary * student.hidden
    return max((4 if width == 4 else 4 + width) * outputs, width * outputs + head)
