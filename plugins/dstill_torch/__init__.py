"""Training with torch, for students of any architecture, and ``dstill experiment plan``.

A student derives from `student.TorchStudent`, encodes its records as a `dataset.Dataset`, has batches (`batches`) and
token losses (`loss`) of its own, and trains with `training`. torch, transformers, peft and bitsandbytes are imported
when a student is first used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl
from dstill_torch.recipe_rule import select_modality

if TYPE_CHECKING:
    import click

    from dstill.api.modality import Modality
    from dstill.api.objective import Objective

__all__ = ["register_commands", "register_modalities", "register_objectives", "select_modality"]


@hookimpl
def register_objectives() -> Iterable[type[Objective]]:
    """The objectives ``dss``, ``label-only`` and ``rationale-first``."""
    from dstill_torch.objectives import DistillStepByStep, LabelOnly, RationaleFirst

    return [DistillStepByStep, LabelOnly, RationaleFirst]


@hookimpl
def register_modalities() -> Iterable[type[Modality]]:
    """The modalities ``full``, ``lora`` and ``qlora``."""
    from dstill_torch.modalities import Full, Lora, Qlora

    return [Full, Lora, Qlora]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill experiment plan``."""
    from dstill.cli.groups import LazyCommand

    summary = "Estimate the memory of each modality, and show which one fits."
    cli.add_command(LazyCommand("experiment plan", "dstill_torch.plan_command:plan", summary))
