"""Trains small linked students on sums (`support.sums_form`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.sums_form import SumsForm, SumsTask, examples

from dstill.api.modality import Modality
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Example, ModelInput, Pair, Record
from dstill.api.student import Generation, TrainingJob, TrainResult
from dstill_linked.student import LinkedConfig, LinkedStudent
from dstill_torch.modalities import Full
from dstill_torch.objectives import LabelOnly

__all__ = ["CPU", "RECIPE", "fit", "pairs", "sources", "student", "texts"]

CPU = Device(name="test CPU", kind="cpu", total=2**34, free=2**34)
SMALL = LinkedConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1, hidden=64, longest=16)
RECIPE = Recipe(
    learning_rate=3e-3,
    per_device_train_batch_size=8,
    max_steps=4,
    warmup_ratio=0.0,
    threads=1,
    test_largest_batch=False,
    lora_dropout=0.0,
    r=4,
    report_to="none",
)
_TASK = SumsTask()


def pairs(found: Sequence[Example], objective: Any = None) -> list[tuple[Pair, ...]]:
    return [
        tuple(
            (objective or LabelOnly()).pairs(
                Record(id=e.id, question=e.question, rationale=e.rationale or "", answer=e.answer or "",
                       context=e.context), _TASK
            )
        )
        for e in found
    ]  # fmt: skip


def student(base: str = "", config: LinkedConfig = SMALL) -> LinkedStudent:
    made = LinkedStudent(config)
    made.form, made.base = SumsForm(), base
    return made


def fit(
    folder: Path,
    modality: Modality | None = None,
    rows: Sequence[tuple[Pair, ...]] | None = None,
    *,
    of: LinkedStudent | None = None,
    validation: Sequence[tuple[Pair, ...]] = (),
    job: dict[str, Any] | None = None,
    **changes: Any,
) -> TrainResult:
    return (of or student()).fit(
        TrainingJob(
            train=pairs(examples(40)) if rows is None else rows,
            validation=validation,
            modality=modality or Full(),
            recipe=replace(RECIPE, **changes),
            folder=folder,
            seed=0,
            **{"device": CPU, **(job or {})},
        )
    )


def sources(found: Sequence[Example], prefix: str = "predict: ") -> list[ModelInput]:
    return [ModelInput(text=prefix + example.question, example=example) for example in found]


def texts(written: Iterable[Generation]) -> list[str]:
    return [one.text for one in written]
