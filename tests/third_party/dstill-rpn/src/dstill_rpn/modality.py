"""The modality top: the last blocks of the decoder move, all else stays as it was.

Between lora and full in what it can change, and mostly in the memory that it takes: the
weights are all there in fp32, but gradients, optimizer states and activations only of
the blocks that move.

    dstill train RUN --modality top --set modality.top.blocks=2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dstill import hookimpl
from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.api.setting import setting
from dstill_torch.modalities import Full

__all__ = ["Top", "TopConfig", "register_modalities"]

# Parts of full fine-tuning's need that only what moves takes.
MOVING = ("gradients", "optimizer", "activations")


@dataclass(frozen=True, kw_only=True)
class TopConfig:
    blocks: int = setting(1, "how many blocks move, from the last", low=1, high=1000)
    headroom: float = setting(0.0, "share of the memory that automatic choice leaves free", low=0, high=0.9)


class Top(Modality):
    name = "top"
    priority = 80
    Config = TopConfig

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        share = self._share(student)
        parts = Full().memory_required(student, recipe).parts
        return Memory(parts={name: int(size * share) if name in MOVING else size for name, size in parts.items()})

    def _share(self, student: ModelSpec) -> float:
        """Of the weights that move, at most: a decoder's block with cross-attention is up to twice an encoder's."""
        blocks: int = min(self.config.blocks, student.layers)
        share = blocks / max(1, student.layers) * (4 / 3 if student.encoder_decoder else 1)
        return min(1.0, share * (1 - student.embedding / student.parameters))

    def load_options(self, recipe: Recipe, device: Device) -> Mapping[str, Any]:
        return Full().load_options(recipe, device)

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        import torch

        model.requires_grad_(False)
        lists = (m for m in model.get_decoder().modules() if isinstance(m, torch.nn.ModuleList))
        for block in next(lists)[-self.config.blocks :]:
            block.requires_grad_(True)
        return model


@hookimpl
def register_modalities() -> Iterable[type[Modality]]:
    yield Top
