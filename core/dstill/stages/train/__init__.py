"""Dataset → student, as functions; the caller chooses the folders.

    plan = planned(setup, records, validation)      # rows as pairs, the device, the modality with its reasons
    result = trained(setup, plan, files, …)         # Trained(fitted=TrainResult(steps=3000, …), choice=…, …)

In several processes (`dstill.runtime.distributed`) each calls these functions, in step with the others. Process 0 alone
decides and reports.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dstill.answering import steps
from dstill.api.modality import Choice, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Pair, Record
from dstill.api.student import Generator, TrainingJob, TrainResult
from dstill.config import Config, assignment
from dstill.errors import DataError
from dstill.factory import Setup, choose_modality, modalities, student_spec
from dstill.io.logs import log
from dstill.runtime import distributed, hardware
from dstill.runtime.progress import Steps
from dstill.stages.train.presets import AppliedPreset, with_preset

__all__ = ["Trained", "TrainingFiles", "TrainingPlan", "planned", "trained"]

PLAN_LABEL = "planning the training: libraries, memory"
PREPARATION_LABEL = "preparing the training: encoding the questions, trying one step"


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """The rows to train on, how, the device, and the modality."""

    train: Sequence[tuple[Pair, ...]]
    validation: Sequence[tuple[Pair, ...]]
    device: Device
    spec: ModelSpec  # of the student
    modality: Modality
    choice: Choice
    recipe: Recipe  # with the settings of the preset
    preset: AppliedPreset | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingFiles:
    """The folders that a training writes to."""

    student: Path
    checkpoints: Path  # of a training that is running or was stopped
    events: Path  # TensorBoard files of the latest training


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The result of `trained`."""

    fitted: TrainResult
    id: str  # of this training; its predictions name it
    student: str
    objective: str
    choice: Choice
    device: Device
    processes: int
    seed: int
    preset: AppliedPreset | None = None


def planned(setup: Setup, records: Sequence[Record], validation: Sequence[Record]) -> TrainingPlan:
    """The rows as pairs, and a modality for this device.

    Raises UsageError when no modality fits, and DataError when the objective leaves out all `records`.
    """
    objective, student = setup.objective, setup.student  # these raise for a misspelt name
    if (name := setup.settings.train.modality) != "auto":
        setup.plugins.modality(name)
    setup.progress(PLAN_LABEL, 0, 1)
    pairs, device = steps.pairs(objective, setup.task, records), hardware.device()
    _check_left_out(setup.settings.train.objective, len(records) - len(pairs), len(records))
    config, _ = with_preset(setup.config, student)
    spec = _spec(setup, config.settings.train, pairs)
    modality, choice = _modality(setup, config, spec, device)
    config, preset = with_preset(setup.config, setup.student, choice.modality)
    log.info("modality %s on %s", choice.modality, device.name)
    if preset is not None:
        log.info("%s", preset, extra={"shown": True})
    _note_hidden_schema(setup)
    bare = sum(not record.rationale for record in records)
    if bare and setup.objective.explanation("") is not None:
        log.warning("%d of %d training rows have no rationale: their answers alone are learnt", bare, len(records))
    held_out = steps.pairs(setup.objective, setup.task, validation)
    setup.progress(PLAN_LABEL, 1, 1)
    return TrainingPlan(
        train=pairs,
        validation=held_out,
        device=device,
        spec=spec,
        modality=modality,
        choice=choice,
        recipe=config.settings.train,
        preset=preset,
    )


def _note_hidden_schema(setup: Setup) -> None:
    """Say so if the student could read the schema with the question, and nobody decided that it does not."""
    values, wanted = setup.config.flat(), setup.task.schema_settings if setup.student.reads_prompts else {}
    missing = {key: value for key, value in wanted.items() if values.get(key) != value}
    if missing and setup.config.chosen.isdisjoint(missing):
        options = " ".join(f"--set {assignment(key, value)}" for key, value in missing.items())
        text = "the student reads the question alone; it reads the schema too with: %s"
        log.info(text, options, extra={"shown": True})


def _check_left_out(objective: str, left_out: int, rows: int) -> None:
    """Warn about training rows of which the objective makes nothing. Raises DataError if these are all."""
    if left_out == rows:
        hint = "it may need a rationale in each; dss and label-only do not"
        raise DataError(f"objective '{objective}' leaves out all training rows", where="train.objective", hint=hint)
    if left_out:
        log.warning("objective '%s' leaves out %d of %d training rows", objective, left_out, rows)


def trained(
    setup: Setup,
    plan: TrainingPlan,
    files: TrainingFiles,
    *,
    resume_with_changes: bool,
    score: Callable[[Generator], float] | None,
) -> Trained:
    """Fit the student. Raises DataError, TrainingError, RunError.

    Training resumes from a checkpoint in `files`; if settings or data have changed, only with `resume_with_changes`.
    `score`: the accuracy of a student during training, for early stopping; None: early stopping does not use it.
    """
    recipe = plan.recipe

    setup.progress(PREPARATION_LABEL, 0, 1)
    job = TrainingJob(
        train=plan.train,
        validation=plan.validation,
        modality=plan.modality,
        recipe=recipe,
        device=plan.device,
        spec=plan.spec,
        folder=files.student,
        seed=setup.settings.project.seed,
        card={"task": setup.task.name, "objective": recipe.objective, "rows": len(plan.train)},
        on_step=Steps(setup.progress, PREPARATION_LABEL),
        checkpoints=files.checkpoints,
        resume_with_changes=resume_with_changes,
        score=score,
        events=files.events,
    )
    return Trained(
        fitted=setup.student.fit(job),
        id=secrets.token_hex(8),
        student=student_spec(setup.plugins, setup.settings),
        objective=recipe.objective,
        choice=plan.choice,
        preset=plan.preset,
        device=plan.device,
        processes=distributed.world_size(),
        seed=job.seed,
    )


def _spec(setup: Setup, recipe: Recipe, pairs: Sequence[tuple[Pair, ...]]) -> ModelSpec:
    """The counts of the student; in the process that chooses the modality, with the largest batch."""
    batch = setup.student.largest_batch(pairs, recipe) if distributed.is_main() else None
    return replace(setup.student.spec(text for row in pairs for p in row for text in (p.source, p.target)), batch=batch)


def _modality(setup: Setup, config: Config, spec: ModelSpec, device: Device) -> tuple[Modality, Choice]:
    """One modality for all processes, although free memory differs between their devices."""

    def choose() -> Choice:
        _, choice = choose_modality(setup.plugins, config, spec, device)
        if setup.settings.train.modality != "auto" and (unfit := choice.reasons[0].unfit_reason):
            log.warning("using modality %s as configured, although it %s", choice.modality, unfit)
        return choice

    choice = distributed.broadcast(choose)
    return modalities(setup.plugins, setup.config)[choice.modality], choice
