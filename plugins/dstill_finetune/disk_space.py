"""Whether the disk has room for what a training will write: said before the first step, not hours later.

    require(model, recipe, student=run / "student", checkpoints=run / "checkpoints")    # DiskError, or nothing

Weights are counted as they are saved: all of them, or those of an adapter; a checkpoint holds two moments of
four bytes for each number that moves beside them. Not counted: tokenizer and card, a few megabytes at most.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from dstill.api.recipe import Recipe
from dstill.errors import DiskError

__all__ = ["needed", "require"]

MOMENTS = 8  # bytes of AdamW's two numbers for each that moves


def needed(model: Any, recipe: Recipe, *, checkpoints: bool) -> int:
    """Bytes of the student and of the checkpoints that are there at once, the one being written among them."""
    moving = [p for p in model.parameters() if p.requires_grad]
    saved = moving if hasattr(model, "peft_config") else list(model.parameters())
    weights: int = sum(p.numel() * p.element_size() for p in saved)
    if not checkpoints:
        return weights
    kept = recipe.save_total_limit + 1 + (recipe.early_stopping != "none")
    moments: int = MOMENTS * sum(p.numel() for p in moving)
    return weights + kept * (weights + moments)


def require(model: Any, recipe: Recipe, *, student: Path, checkpoints: Path | None) -> None:
    """Raises DiskError where there is less room than `needed`."""
    need = needed(model, recipe, checkpoints=checkpoints is not None)
    there = sum(file.stat().st_size for file in checkpoints.rglob("*") if file.is_file()) if checkpoints else 0
    free = shutil.disk_usage(student).free
    if need - there > free:
        raise DiskError(
            f"no room for this training: it writes up to {need / 2**20:,.0f} MiB, {free / 2**20:,.0f} MiB are free",
            where=str(student.parent),
            hint="free some space, or keep fewer checkpoints: train.save_total_limit = 1",
        )
