"""The recipe's rule for ``modality = "auto"``: QLoRA on a card below 40 GB, whatever else fits.

    [train]
    auto_modality = "recipe"

If QLoRA does not fit, on a larger card, or with another ``auto_modality``, the hook returns None and the core chooses
the modality with the highest priority that fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dstill.api.modality import Choice, Modality, ModelSpec
    from dstill.api.recipe import Device, Recipe

__all__ = ["BOUNDARY", "select_modality"]

QLORA = "qlora"
BOUNDARY = 38 * 2**30  # bytes: a card sold as 40 GB reports about 39.4 GiB


def select_modality(
    modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device
) -> Choice | None:
    """QLoRA if the rule applies and it fits, else None."""
    from dstill.api.modality import Choice, reasons

    if recipe.auto_modality != "recipe" or device.total >= BOUNDARY:
        return None
    fits = reasons(modalities, student, recipe, device)
    qlora_fits = any(reason.modality == QLORA and not reason.unfit_reason for reason in fits)
    return Choice(modality=QLORA, reasons=fits) if qlora_fits else None
