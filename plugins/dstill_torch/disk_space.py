"""Checks before the first step that the disk has enough space for what training will write.

    require(model, recipe, student=run / "student", checkpoints=run / "checkpoints")    # may raise DiskError

Weights are counted as they are saved: all of them, or only an adapter's. A checkpoint adds AdamW's two moments, four
bytes each, for every trained parameter.

Not covered: tokenizer and model card, a few megabytes at most.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from dstill.api.recipe import Recipe
from dstill.errors import DiskError

__all__ = ["needed", "require"]

MOMENTS = 8  # bytes of AdamW's two fp32 moments per trained parameter


def needed(model: Any, recipe: Recipe, *, checkpoints: bool) -> int:
    """Bytes of the student and of all checkpoints that exist at once, including the one being written."""
    trained = [p for p in model.parameters() if p.requires_grad]
    saved = trained if hasattr(model, "peft_config") else list(model.parameters())
    weights: int = sum(p.numel() * p.element_size() for p in saved)
    if not checkpoints:
        return weights
    count = recipe.save_total_limit + 1 + (recipe.early_stopping != "none")
    moments: int = MOMENTS * sum(p.numel() for p in trained)
    return weights + count * (weights + moments)


def require(model: Any, recipe: Recipe, *, student: Path, checkpoints: Path | None) -> None:
    """Raises DiskError if the disk has less free space than `needed`, existing checkpoints included."""
    need = needed(model, recipe, checkpoints=checkpoints is not None)
    existing = sum(file.stat().st_size for file in checkpoints.rglob("*") if file.is_file()) if checkpoints else 0
    free = shutil.disk_usage(student).free
    if need - existing > free:
        raise DiskError(
            f"not enough disk space for this training: it writes up to {need / 2**20:,.0f} MiB, "
            f"{free / 2**20:,.0f} MiB are free",
            where=str(student.parent),
            hint="free some space, or keep fewer checkpoints: train.save_total_limit = 1",
        )
