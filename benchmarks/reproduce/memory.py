"""Memory: what LoRA saves by model size, planned and measured; and whether QLoRA fits 7B on a card of 24 GB.

    savings(SIZES, folder, times=2, say=print)  →  [Saving(model="Llama 512 × 10", full=Peaks(…), lora=Peaks(…)), …]

Measured are whole trainings of two steps, each in a process of its own (`support.planned`), on the CPU in
fp32 at 4 × (96 + 32) tokens, where weights and not activations decide. The card's plan is for the reference recipe:
two sequences of 1,024 tokens, bf16, no checkpointing.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reproduce.claims import Claim, Part
from support.planned import Case, measured

from dstill.api.recipe import Recipe
from dstill.io.files import write_text
from dstill.runtime import hardware

__all__ = [
    "MEMORY",
    "QUICK_SIZES",
    "SIZES",
    "TOKENS",
    "Peaks",
    "Saving",
    "card_claim",
    "card_need",
    "saving_claim",
    "savings",
]

SIZES = ((512, 10), (768, 11), (1024, 11))  # hidden × layers of a Llama
QUICK_SIZES = SIZES[:1]
BATCH, SOURCE, TARGET = 4, 96, 32
TOKENS = f"{BATCH} × ({SOURCE} + {TARGET}) tokens"
CARD = "24GB"
MEMORY = "lora-saves-memory"  # the claim that is measured here
SAVED = (0.60, 0.70)  # what the recipe says that LoRA saves
OFF = 0.15  # what a plan may be off


@dataclass(frozen=True, kw_only=True)
class Peaks:
    planned: int  # bytes
    measured: tuple[int, ...]  # of each time

    @property
    def mean(self) -> float:
        return statistics.fmean(self.measured)


@dataclass(frozen=True, kw_only=True)
class Saving:
    model: str
    full: Peaks
    lora: Peaks

    @property
    def planned(self) -> float:
        return 1 - self.lora.planned / self.full.planned

    @property
    def measured(self) -> tuple[float, ...]:
        return tuple(1 - lora / full for lora, full in zip(self.lora.measured, self.full.measured, strict=True))

    def to_row(self) -> dict[str, Any]:
        peaks = {
            name: {"planned": found.planned, "measured": list(found.measured)}
            for name, found in (("full", self.full), ("lora", self.lora))
        }
        return {"model": self.model, **peaks, "saved": {"planned": self.planned, "measured": list(self.measured)}}


def savings(sizes: Sequence[tuple[int, int]], folder: Path, *, times: int, say: Callable[[str], None]) -> list[Saving]:
    found = []
    for hidden, layers in sizes:
        peaks = {}
        for modality in ("full", "lora"):
            case = Case(
                kind="llama",
                hidden=hidden,
                layers=layers,
                modality=modality,
                batch=BATCH,
                source=SOURCE,
                target=TARGET,
            )
            rows = [_measure_once(folder / f"memory-{hidden}-{layers}-{modality}-{n}.json", case) for n in range(times)]
            peaks[modality] = Peaks(planned=rows[0]["predicted"], measured=tuple(row["measured"] for row in rows))
            say(f"memory of {case.name}: {peaks[modality].mean / 2**20:,.0f} MiB")
        found.append(Saving(model=f"Llama {hidden} × {layers}", **peaks))
    return found


def _measure_once(file: Path, case: Case) -> dict[str, Any]:
    """Measure the case, or read the earlier measurement."""
    if not file.exists():
        write_text(file, json.dumps(measured(case)))
    return dict(json.loads(file.read_text()))


def saving_claim(found: Sequence[Saving]) -> Claim:
    """Planned and measured, each size by itself; the interval of what is measured is the range of its times."""
    parts = []
    for saving in found:
        shares = saving.measured
        for how, values in (("planned", (saving.planned,)), ("measured", shares)):
            parts.append(
                Part(
                    what=f"{saving.model}, {how}",
                    estimate=100 * statistics.fmean(values),
                    low=100 * min(values),
                    high=100 * max(values),
                    above=100 * SAVED[0],
                    below=100 * SAVED[1],
                    unit="%",
                )
            )
    return Claim(
        name=MEMORY,
        statement="LoRA needs 60 to 70 % less memory than full fine-tuning, at every size",
        margin="none",
        seeds=0,
        parts=tuple(parts),
    )


def card_claim() -> Claim:
    """By the plan alone, at the reference recipe."""
    need = card_need(sequences=2)
    return Claim(
        name="qlora-7b-on-24-gb",
        statement="QLoRA trains a 7B decoder on a 24 GB card: two sequences of 1,024 tokens per step (one record of "
        "DSS or two of the label alone), bf16, no checkpointing",
        margin=f"the plan may be off by {OFF:.0%}",
        seeds=0,
        parts=(
            Part(
                what="planned (not measured: no card available)",
                estimate=need,
                low=need * (1 - OFF),
                high=need * (1 + OFF),
                below=hardware.planned_device(CARD).total / 2**30,
                unit="GiB",
            ),
        ),
    )


def card_need(*, sequences: int, checkpointing: bool = False) -> float:
    """GiB that QLoRA of a 7B decoder is planned to take, with so many sequences of 1,024 tokens a step."""
    from transformers import LlamaConfig

    from dstill_finetune.model_spec import shape_of
    from dstill_torch.modalities import Qlora

    recipe = Recipe(
        per_device_train_batch_size=sequences,
        max_length=1024,
        max_target_length=512,
        gradient_checkpointing=checkpointing,
    )
    on_card = recipe.on(hardware.planned_device(CARD))
    return Qlora().memory_required(shape_of(LlamaConfig()), on_card).total / 2**30  # the defaults are the 7B's
