"""The stage `train`: dataset → student.

    train(run, restart=False, allow_changed=False) → {"modality": "full", "steps": 3000, "history": […], …}

In several processes (`dstill.processes`) each does this, in step with the others: process 0 alone
decides, writes into the run and reports; the others leave nothing behind.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from dstill import drifting, hardware, processes, reviewing
from dstill.errors import DataError
from dstill.evaluating import scoring
from dstill.files import renewed
from dstill.folder import data_file
from dstill.making import choose_modality, modalities
from dstill.origin import commit, sha256, versions
from dstill.parts import Choice, Device, Modality, Reason, TrainingJob
from dstill.records import Pair, Record

if TYPE_CHECKING:
    from dstill.run import Run

__all__ = ["train"]

CHECKPOINTS = "checkpoints"  # of a training that is under way or was stopped
EVENTS = "events"  # TensorBoard's files, of the latest training

log = logging.getLogger("dstill")


def train(run: Run, *, restart: bool, allow_changed: bool, allow_unreviewed: bool) -> Mapping[str, Any]:
    """What `Run.train` promises."""
    recipe = run.settings.train
    with run.stage("train") as facts, processes.together():
        records, validation = run.records("train"), run.records("validation")
        review = reviewing.gate(run, allow=allow_unreviewed)
        if not records:
            hint = "a person rejected every row: generate others" if review["left_out"] else "`dstill generate` first"
            raise DataError("no training rows", where=str(run.folder / data_file("train")), hint=hint)
        pairs = _pairs(run, records)
        device = hardware.device()
        modality, choice = _modality(run, pairs, device)
        log.log(logging.INFO if review["enough"] else logging.WARNING, "%s", review["said"])
        log.info("modality %s on %s", choice.modality, device.name)
        bare = sum(not record.rationale for record in records)
        if bare and run.objective.explanation("") is not None:
            log.warning("%d of %d training rows have no rationale: their answers alone are learnt", bare, len(records))
        checkpoints = run.folder / CHECKPOINTS
        if restart and processes.leads():
            shutil.rmtree(checkpoints, ignore_errors=True)
        with scoring(run, validation) as score, _student(run) as folder:
            job = TrainingJob(
                train=pairs,
                validation=_pairs(run, validation),
                modality=modality,
                recipe=recipe,
                device=device,
                folder=folder,
                seed=run.settings.project.seed,
                card={"task": run.task.name, "objective": recipe.objective, "rows": len(records)},
                on_step=lambda step, steps, values: run.progress("training", step, steps, _detail(values)),
                checkpoints=checkpoints,
                allow_changed=allow_changed,
                score=score,
                events=run.folder / EVENTS,
            )
            fitted = run.student.fit(job)
            if processes.leads():
                drifting.keep(run, folder, records)
        if not processes.leads():
            return {}
        shutil.rmtree(checkpoints, ignore_errors=True)  # nobody goes on from here
        # the student on disk is of these settings from now on, also for `evaluate`
        run.keep_settings()
        facts.update(asdict(fitted))
        facts.update(
            id=secrets.token_hex(8),  # of this training: predictions name it
            student=recipe.student,
            objective=recipe.objective,
            review=review,
            modality=choice.modality,
            device=asdict(device),
            processes=processes.count(),
            choice=[_reason(reason) for reason in choice.reasons],
            student_seconds=fitted.seconds,
            seed=job.seed,
            versions=versions(),
            dataset=_digests(run),
            commit=commit(),
        )
    return facts


def _pairs(run: Run, records: Sequence[Record]) -> list[tuple[Pair, ...]]:
    return [tuple(run.objective.pairs(record, run.task)) for record in records]


def _modality(run: Run, pairs: Sequence[tuple[Pair, ...]], device: Device) -> tuple[Modality, Choice]:
    """One for all processes: free memory is not the same on each of their devices."""

    def choose() -> Choice:
        texts = (text for row in pairs for pair in row for text in (pair.source, pair.target))
        batch = run.student.largest_batch(pairs, run.settings.train)
        shape = replace(run.student.shape(texts), batch=batch)
        return choose_modality(run.plugins, run.config, shape, device)[1]

    choice = processes.of_first(choose)
    return modalities(run.plugins, run.config)[choice.modality], choice


@contextlib.contextmanager
def _student(run: Run) -> Iterator[Path]:
    """Where the student is made: in the run, or where it leaves nothing behind."""
    if processes.leads():
        with renewed(run.folder / "student"):
            yield run.folder / "student"
    else:
        with TemporaryDirectory() as nowhere:
            yield Path(nowhere)


def _digests(run: Run) -> dict[str, str]:
    """Split → SHA-256 of its file, as it is now."""
    files = {split: run.folder / data_file(split) for split in ("train", "validation")}
    return {split: sha256(file) for split, file in files.items() if file.exists()}


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
