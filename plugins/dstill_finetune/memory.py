"""The memory model: peak bytes of one training step, by component.

In: a `ModelSpec` (counts from the configuration) and a `Recipe`. Out: `Memory`, above what the process held
before the model was loaded; its parts are those that are there at the peak.

    7B decoder, batch 2 × 1,024 tokens, bf16:  full 115.6, lora 24.6, qlora 15.5 GiB

The peak is the largest of these moments of a step; the update comes after the last, with less:

    forward    weights, optimizer, activations, logits (and gradients, when they are accumulated)
    again      with checkpointing: weights, optimizer, what each layer began from, one layer's activations twice
    backward   weights, optimizer, gradients, the tensors of one layer

Sequences and tokens are those of the dataset's largest batch (`ModelSpec.batch`). Where there is none, they are
``per_device_train_batch_size`` sequences of ``max_length`` tokens; an encoder–decoder reads those and writes
``max_target_length`` tokens each. What autograd keeps of them is counted (`dstill_finetune.saved_activations`);
OVERHEAD, FRAGMENTS and WORKING were fitted on the combinations named in docs/training.md, which are others than those
that the test holds against measured peaks.

Not covered: several devices, offloading, torch.compile, other attention kernels than torch's own.
"""

from __future__ import annotations

from dstill.api.modality import ActivationBytes, Batch, Memory, ModelSpec
from dstill.api.recipe import Recipe
from dstill_finetune.lora_targets import chosen

__all__ = ["CONTEXT", "adapter_parameters", "full", "lora", "qlora"]

MIB = 2**20
OVERHEAD = 48 * MIB  # what libraries set aside when they first work
CONTEXT = 512 * MIB  # of a CUDA process, before its first tensor
FRAGMENTS = 0.02  # of all else: what an allocator cannot hand out again
WORKING = 0.7  # of one layer's activations: what is there of it, and of its gradients, at the end of a backward pass
GRADIENT, OPTIMIZER = 4, 8  # bytes a trained parameter: fp32 gradient, Adam's two fp32 moments
# A 4-bit weight: half a byte, an 8-bit constant for each 64, and for each 256 of those an fp32 one.
FOUR_BIT = 0.5 + 1 / 64 + 4 / (64 * 256)


def adapter_parameters(student: ModelSpec, recipe: Recipe) -> int:
    """Parameters of LoRA adapters: rank × (inputs + outputs) for every target."""
    return sum(recipe.r * (inputs + outputs) * count for inputs, outputs, count in _targets(student, recipe))


def full(student: ModelSpec, recipe: Recipe) -> Memory:
    """Weights stay in fp32; under bf16 each step works on a copy in bf16."""
    wide = _wide(student, recipe)
    copy = wide * student.parameters if wide < 4 else 0
    held = {"weights": 4 * student.parameters + copy}
    return _peak(student, recipe, held, student.parameters, frozen=False)


def lora(student: ModelSpec, recipe: Recipe) -> Memory:
    return _peak(student, recipe, {"weights": _wide(student, recipe) * student.parameters}, frozen=True)


def qlora(student: ModelSpec, recipe: Recipe) -> Memory:
    """The linear layers in 4 bits; embedding, head and norms as they were; one layer at a time is unpacked."""
    wide = _wide(student, recipe)
    quantized = student.parameters - student.embedding
    layers = (*student.linears.values(), *student.unadapted.values())
    largest = max((inputs * outputs for inputs, outputs, _ in layers), default=0)
    held = {
        "weights": wide * student.embedding,
        "quantized_weights": int(FOUR_BIT * quantized),
        "unpacked_layer": wide * largest,
    }
    return _peak(student, recipe, held, frozen=True)


def _wide(student: ModelSpec, recipe: Recipe) -> int:
    """Bytes of an activation, and of a weight that is frozen but not in 4 bits."""
    if recipe.precision == "auto":
        return min(4, student.bytes_per_parameter)
    return 2 if recipe.precision == "bf16" else 4


def _targets(student: ModelSpec, recipe: Recipe) -> list[tuple[int, int, int]]:
    """Inputs, outputs and number of the linear layers that get an adapter."""
    names = chosen({name.rstrip("'") for name in student.linears}, recipe.target_modules)
    return [linear for name, linear in student.linears.items() if name.rstrip("'") in names]


def _batch(student: ModelSpec, recipe: Recipe) -> Batch:
    if student.batch is not None:
        return student.batch
    rows, length, target = recipe.per_device_train_batch_size, recipe.max_length, recipe.max_target_length
    if student.encoder_decoder:
        return Batch(source_shape=(rows, length), target_shape=(rows, target), loss_tokens=rows * target)
    return Batch(source_shape=(rows, length), loss_tokens=rows * min(length, target))


def _peak(student: ModelSpec, recipe: Recipe, held: dict[str, int], moving: int = 0, *, frozen: bool) -> Memory:
    """`held`: by whatever moment; `moving`: trained parameters beside the adapters' and new rows'."""
    batch = _batch(student, recipe)
    if frozen:
        moving = adapter_parameters(student, recipe)
        held["adapters"] = 4 * moving
        rows = student.vocabulary * student.hidden * (1 if student.tied else 2) if batch.new_tokens else 0
        held["token_rows"] = (_wide(student, recipe) + GRADIENT) * rows  # a copy of the embedding, and its gradient
    held["optimizer"] = OPTIMIZER * moving
    gradients = GRADIENT * moving
    kept, layer = _activations(student, recipe, batch, frozen=frozen)
    working = int(WORKING * layer)
    logits = _logits(student, recipe, batch, frozen=frozen)
    accumulated = gradients if recipe.gradient_accumulation_steps > 1 else 0
    moments: list[dict[str, int]] = [
        {"gradients": accumulated, "activations": kept, "logits": logits, "working": 0},
        {"gradients": gradients, "activations": 0, "logits": 0, "working": working},
    ]
    if recipe.gradient_checkpointing:  # the last layer is computed again, with what every layer began from
        moments.append({"gradients": accumulated, "activations": kept + layer, "logits": 0, "working": working})
    sums = [sum(moment.values()) for moment in moments]
    parts = {**held, **moments[sums.index(max(sums))]}
    parts["overhead"] = OVERHEAD + int(FRAGMENTS * sum(parts.values()))
    return Memory(parts=parts)


def _activations(student: ModelSpec, recipe: Recipe, batch: Batch, *, frozen: bool) -> tuple[int, int]:
    """Bytes that a batch leaves behind on its way forward, and those that one layer computes."""
    wide = _wide(student, recipe)
    (readers, read), (writers, written) = batch.source_shape, batch.target_shape
    kept = _kept(student, wide, frozen)
    reading = readers * (kept.source * read + kept.source_pairs * read**2)
    writing = writers * (
        kept.target * written + kept.target_pairs * written**2 + kept.cross * read + kept.cross_pairs * read * written
    )
    tokens = (readers * read + writers * written) / (2 if student.encoder_decoder else 1)
    adapted = 0.0
    if frozen:  # an adapter keeps its input, the input after dropout, and what lies between its matrices
        dropout = 4 if recipe.lora_dropout else 0
        adapted = tokens * sum(
            count * (inputs * (wide + dropout) + recipe.r * wide) for inputs, _, count in _targets(student, recipe)
        )
    size = reading + writing + adapted
    # of an encoder–decoder half of the layers read and half write: the larger one
    layers = max(1, student.layers)  # a student without weights, as nearest, has none
    layer = (2 * max(reading, writing) if student.encoder_decoder else size) / layers
    if recipe.gradient_checkpointing:
        size = tokens * student.layers * student.hidden * wide
    return int(size), int(layer)


def _kept(student: ModelSpec, wide: int, frozen: bool) -> ActivationBytes:
    """As counted; else a rule of thumb for decoders with a gated feed-forward layer."""
    found = student.activation_bytes("frozen" if frozen else "full", wide)
    return found or ActivationBytes(source=student.layers * wide * (10 * student.hidden + 4 * student.feed_forward))


def _logits(student: ModelSpec, recipe: Recipe, batch: Batch, *, frozen: bool) -> int:
    """The head's output, in fp32 and under bf16 beside it, which becomes its own gradient; then the head's own."""
    outputs = batch.loss_tokens * student.vocabulary
    wide = _wide(student, recipe)
    head = 0 if frozen else GRADIENT * student.vocabulary * student.hidden
    return max((4 if wide == 4 else 4 + wide) * outputs, wide * outputs + head)
