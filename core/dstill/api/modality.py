"""Modalities: how much of a model is trained, and what memory that takes (in bytes)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Iterable, Mapping

from dstill.api.part import Part
from dstill.api.recipe import Device, Recipe
from dstill.io.units import size

__all__ = ["Batch", "Choice", "Kept", "Memory", "Modality", "Reason", "Shape", "reasons"]


@dataclass(frozen=True)
class Kept:
    """Bytes that autograd keeps of one sequence: S tokens read and, by an encoder–decoder, T written."""

    read: float  # for each of the S
    read_pairs: float = 0.0  # S²
    written: float = 0.0  # T
    written_pairs: float = 0.0  # T²
    across: float = 0.0  # S, in what writes
    across_pairs: float = 0.0  # S · T


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The largest batch of a dataset, as a student sees it in one forward pass."""

    read: tuple[int, int]  # sequences, and tokens of each with their padding
    written: tuple[int, int] = (0, 0)  # likewise, by an encoder–decoder
    learnt: int  # tokens with a label
    new_tokens: int = 0  # rows that the embedding gets anew


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A student as a planner sees it: counts from its configuration, no weights read."""

    architecture: str  # transformers' class name
    parameters: int
    embedding: int  # parameters outside the linear layers that 4-bit quantizes
    linears: Mapping[str, tuple[int, int, int]]  # module name → (inputs, outputs, how many), where an adapter can go
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    vocabulary: int
    encoder_decoder: bool
    bytes_per_parameter: int = 4  # of the weights as they will be loaded
    # ("full" or "frozen", bytes of an activation) → what is kept; None where it cannot be counted
    kept: Callable[[str, int], Kept | None] = field(default=lambda how, wide: None, compare=False, repr=False)
    batch: Batch | None = None  # where there is a dataset; None: by the recipe's limits
    tied: bool = True  # the head is the embedding
    unadapted: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)  # linear layers that no adapter goes on


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes by component: weights, gradients, optimizer, activations, logits …"""

    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.parts.values())


@dataclass(frozen=True, kw_only=True)
class Reason:
    """What was found about one modality."""

    modality: str
    fullness: float
    need: Memory
    unfit: str = ""  # why it cannot be used; empty: it fits


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The modality taken, with every reason."""

    modality: str
    reasons: tuple[Reason, ...]


class Modality(Part, ABC):
    """A way to fine-tune: which weights move, and in what form the others lie in memory."""

    fullness: ClassVar[float]  # 100: every weight moves; the automatic choice takes the fullest that fits
    ignores: ClassVar[frozenset[str]] = frozenset()  # keys of the recipe that change nothing here, as "lora_alpha"

    @abstractmethod
    def need(self, student: Shape, recipe: Recipe) -> Memory:
        """Peak bytes of one training step, above what the process held before."""

    def unfit(self, student: Shape, recipe: Recipe, device: Device) -> str | None:
        """Why it cannot be used on `device`, or None when it can."""
        need = self.need(student, recipe).total
        if need > device.free:
            return f"needs {size(need)}, {size(device.free)} free"
        return None

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        """Arguments for ``from_pretrained``: how the base's weights are to be loaded."""
        return {}

    @abstractmethod
    def prepare(self, model: Any, recipe: Recipe) -> Any:
        """The loaded `model` with just the intended weights trainable."""


def reasons(modalities: Iterable[Modality], student: Shape, recipe: Recipe, device: Device) -> tuple[Reason, ...]:
    """What each modality needs and whether it fits, the fullest first."""
    return tuple(
        Reason(
            modality=m.name,
            fullness=m.fullness,
            need=m.need(student, recipe),
            unfit=m.unfit(student, recipe, device) or "",
        )
        for m in sorted(modalities, key=lambda m: -m.fullness)
    )
