"""Fine-tuning: the students `tiny` and `hf`, three objectives, three modalities and ``dstill experiment plan``.

torch, transformers, peft and bitsandbytes are imported when a student is first used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl
from dstill_finetune.recipe_rule import select_modality

if TYPE_CHECKING:
    import click

    from dstill.api.modality import Modality
    from dstill.api.objective import Objective
    from dstill.api.student import Student

__all__ = [
    "register_commands",
    "register_modalities",
    "register_objectives",
    "register_students",
    "select_modality",
]


@hookimpl
def register_students() -> Iterable[type[Student]]:
    """The students ``tiny`` and ``hf``."""
    from dstill_finetune.hf import Hf
    from dstill_finetune.tiny import Tiny

    return [Tiny, Hf]


@hookimpl
def register_objectives() -> Iterable[type[Objective]]:
    """The objectives ``dss``, ``label-only`` and ``rationale-first``."""
    from dstill_finetune.objectives import DistillStepByStep, LabelOnly, RationaleFirst

    return [DistillStepByStep, LabelOnly, RationaleFirst]


@hookimpl
def register_modalities() -> Iterable[type[Modality]]:
    """The modalities ``full``, ``lora`` and ``qlora``."""
    from dstill_finetune.modalities import Full, Lora, Qlora

    return [Full, Lora, Qlora]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill experiment plan``."""
    from dstill.cli.groups import LazyCommand

    summary = "Estimate the memory of each modality, and show which one fits."
    cli.add_command(LazyCommand("experiment plan", "dstill_finetune.plan_command:plan", summary))
