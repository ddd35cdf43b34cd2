"""Dataset → student, as functions; which files they write is the caller's matter.

    plan = planned(setup, records, validation)      # rows as pairs, the device, the modality with its reasons
    facts = trained(setup, plan, files, …)          # {"modality": "full", "steps": 3000, "history": […], …}

In several processes (`dstill.runtime.distributed`) each does this, in step with the others: process 0 alone decides and
reports.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from dstill.api.modality import Choice, Modality, Reason
from dstill.api.recipe import Device
from dstill.api.records import Pair, Record
from dstill.api.student import TrainingJob, Writer
from dstill.factory import Setup, choose_modality, modalities
from dstill.runtime import distributed, hardware

__all__ = ["TrainingFiles", "TrainingPlan", "planned", "trained"]

log = logging.getLogger("dstill")


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """What is trained on, where and how."""

    train: Sequence[tuple[Pair, ...]]
    validation: Sequence[tuple[Pair, ...]]
    device: Device
    modality: Modality
    choice: Choice


@dataclass(frozen=True, kw_only=True)
class TrainingFiles:
    """The folders that a training writes into."""

    student: Path
    checkpoints: Path  # of a training that is under way or was stopped
    events: Path  # TensorBoard's files, of the latest training


def planned(setup: Setup, records: Sequence[Record], validation: Sequence[Record]) -> TrainingPlan:
    """The rows as pairs, and a modality for this device. Raises UsageError where none fits."""
    pairs, device = _pairs(setup, records), hardware.device()
    modality, choice = _modality(setup, pairs, device)
    log.info("modality %s on %s", choice.modality, device.name)
    bare = sum(not record.rationale for record in records)
    if bare and setup.objective.explanation("") is not None:
        log.warning("%d of %d training rows have no rationale: their answers alone are learnt", bare, len(records))
    return TrainingPlan(
        train=pairs, validation=_pairs(setup, validation), device=device, modality=modality, choice=choice
    )


def trained(
    setup: Setup,
    plan: TrainingPlan,
    files: TrainingFiles,
    *,
    allow_changed: bool,
    score: Callable[[Writer], float] | None,
) -> dict[str, Any]:
    """Fit the student. Returns what the training came to, for run.json. Raises DataError, TrainingError, RunError.

    It goes on from a checkpoint in `files`; one whose settings or data have changed only with `allow_changed`.
    `score`: what early stopping goes by.
    """
    recipe = setup.settings.train
    job = TrainingJob(
        train=plan.train,
        validation=plan.validation,
        modality=plan.modality,
        recipe=recipe,
        device=plan.device,
        folder=files.student,
        seed=setup.settings.project.seed,
        card={"task": setup.task.name, "objective": recipe.objective, "rows": len(plan.train)},
        on_step=lambda step, steps, values: setup.progress("training", step, steps, _detail(values)),
        checkpoints=files.checkpoints,
        allow_changed=allow_changed,
        score=score,
        events=files.events,
    )
    fitted = setup.student.fit(job)
    return {
        **asdict(fitted),
        "id": secrets.token_hex(8),  # of this training: predictions name it
        "student": recipe.student or setup.student.name,
        "objective": recipe.objective,
        "modality": plan.choice.modality,
        "device": asdict(plan.device),
        "processes": distributed.count(),
        "choice": [_reason(reason) for reason in plan.choice.reasons],
        "student_seconds": fitted.seconds,
        "seed": job.seed,
    }


def _pairs(setup: Setup, records: Sequence[Record]) -> list[tuple[Pair, ...]]:
    return [tuple(setup.objective.pairs(record, setup.task)) for record in records]


def _modality(setup: Setup, pairs: Sequence[tuple[Pair, ...]], device: Device) -> tuple[Modality, Choice]:
    """One for all processes: free memory is not the same on each of their devices."""

    def choose() -> Choice:
        texts = (text for row in pairs for pair in row for text in (pair.source, pair.target))
        batch = setup.student.largest_batch(pairs, setup.settings.train)
        shape = replace(setup.student.shape(texts), batch=batch)
        return choose_modality(setup.plugins, setup.config, shape, device)[1]

    choice = distributed.of_first(choose)
    return modalities(setup.plugins, setup.config)[choice.modality], choice


def _detail(values: Mapping[str, float]) -> str:
    """What is said of a step beside its number."""
    found = [f"{values['rows_per_second']:.3g} rows/s"] if "rows_per_second" in values else []
    return ", ".join([*found, f"loss {values['loss']:.4f}"] if "loss" in values else found)


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "modality": reason.modality,
        "fullness": reason.fullness,
        "need": reason.need.total,
        "parts": dict(reason.need.parts),
        "unfit": reason.unfit,
    }
