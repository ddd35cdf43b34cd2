"""Modalities: how much of a model is trained, and how much memory that takes, in bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dstill.api.part import Part
from dstill.api.recipe import Device, Recipe
from dstill.io.units import size

__all__ = ["ActivationBytes", "Batch", "Choice", "Memory", "Modality", "ModalityFit", "ModelSpec", "reasons"]


@dataclass(frozen=True)
class ActivationBytes:
    """Bytes that autograd saves for one sequence of S source tokens and, in an encoder–decoder, T target tokens.

    They add up to ``source·S + source_pairs·S² + target·T + target_pairs·T² + cross·S + cross_pairs·S·T``.
    """

    source: float  # bytes for each source token
    source_pairs: float = 0.0  # for each pair of source tokens: attention
    target: float = 0.0  # for each target token
    target_pairs: float = 0.0  # for each pair of target tokens: the decoder's self-attention
    cross: float = 0.0  # for each source token in the decoder: keys and values of cross-attention
    cross_pairs: float = 0.0  # for each source token and target token: cross-attention


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The shapes of the largest batch of a dataset in one forward pass."""

    source_shape: tuple[int, int]  # [batch, source tokens], padding included
    target_shape: tuple[int, int] = (0, 0)  # [batch, target tokens], in an encoder–decoder
    loss_tokens: int  # tokens with a label, in the whole batch
    new_tokens: int = 0  # rows that training adds to the embedding


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """The facts about a student that a memory estimate needs. It comes from the configuration: no weights are read."""

    architecture: str  # class name in transformers
    parameters: int  # number of all parameters
    embedding: int  # parameters that 4-bit quantization leaves alone, mostly the embedding
    linears: Mapping[str, tuple[int, int, int]]  # layers for adapters: module name → (inputs, outputs, how many)
    layers: int  # of encoder and decoder together
    hidden: int  # width of a layer
    feed_forward: int  # width inside the feed-forward block
    heads: int  # of attention; 0: it has none
    vocabulary: int  # tokens
    encoder_decoder: bool
    bytes_per_parameter: int = 4  # of the weights as they will be loaded
    # ("full" or "frozen", bytes per activation) → saved activations; None: they cannot be counted
    activation_bytes: Callable[[str, int], ActivationBytes | None] = field(
        default=lambda *_: None, compare=False, repr=False
    )
    batch: Batch | None = None  # the largest one; None: without a dataset, the recipe's limits count
    tied: bool = True  # the output layer shares the embedding's weights
    unadapted: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)  # linear layers that take no adapter


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Memory by component."""

    parts: Mapping[str, int]  # weights, gradients, optimizer, activations, logits … → bytes

    @property
    def total(self) -> int:
        """Bytes of all components."""
        return sum(self.parts.values())


@dataclass(frozen=True, kw_only=True)
class ModalityFit:
    """Whether one modality fits the device, and the memory that it needs."""

    modality: str  # its name
    priority: float  # `Modality.priority`
    memory_required: Memory
    unfit_reason: str = ""  # why it cannot be used; empty: it fits


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The modality that was chosen, and why."""

    modality: str  # its name
    reasons: tuple[ModalityFit, ...]  # of every modality that was considered


class Modality(Part, ABC):
    """A way to fine-tune: which weights are trained, and in which format the others are in memory."""

    priority: ClassVar[float]  # auto chooses the highest that fits; 100: every weight is trained
    ignores: ClassVar[frozenset[str]] = frozenset()  # keys of `Recipe` without effect here, such as "lora_alpha"

    @abstractmethod
    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        """Peak memory of one training step, above what the process used before."""

    def unfit_reason(self, student: ModelSpec, recipe: Recipe, device: Device) -> str | None:
        """Why it cannot be used on `device`; None: it can. Default: it needs more memory than is free."""
        need = self.memory_required(student, recipe).total
        if need > device.free:
            return f"needs {size(need)}, {size(device.free)} free"
        return None

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        """Arguments of ``from_pretrained`` that say how to load the base model's weights."""
        return {}

    @abstractmethod
    def prepare(self, model: Any, recipe: Recipe) -> Any:
        """The loaded `model` with only the intended weights trainable. May change and return `model` itself."""


def reasons(
    modalities: Iterable[Modality], student: ModelSpec, recipe: Recipe, device: Device
) -> tuple[ModalityFit, ...]:
    """How much memory each modality needs and whether it fits `device`, highest priority first."""
    return tuple(
        ModalityFit(
            modality=m.name,
            priority=m.priority,
            memory_required=m.memory_required(student, recipe),
            unfit_reason=m.unfit_reason(student, recipe, device) or "",
        )
        for m in sorted(modalities, key=lambda m: -m.priority)
    )
