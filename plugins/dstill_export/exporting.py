"""Exports a student: writes it in another format and keeps the result if it answers like the evaluated student.

    export(run, format_of("merged"), Path("out")) → {"form": "merged", "parity": {"rate": 1.0, …}, "exported": {…}, …}

The export is written to a temporary folder next to the target, which is renamed once the parity check has passed. A
failure deletes it; after a kill, the next export to the same target does.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.answering.steps import prediction_of, prompts
from dstill.api.protocols import DataProfile
from dstill.api.records import SCHEMA_VERSION, Example, Prediction
from dstill.api.student import Generation
from dstill.errors import DiskError, DstillError, RunError, UsageError
from dstill.io.files import atomic_folder, require_absent, writing
from dstill.io.plain_files import sha256
from dstill.io.shell import command
from dstill.runs.provenance import versions
from dstill.runtime import hardware
from dstill_export.formats import Format, ParitySample, Source, folder_size
from dstill_export.licences import copy_licences, licence_of
from dstill_export.parity import Comparison, ParityError, compare, sample
from dstill_export.speed import Measurement, measure

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["SAMPLE", "ParityError", "export"]

SAMPLE = 64  # questions to compare on
STEPS = 4  # for the progress bar


def export(
    run: Run, form: Format, target: Path, *, count: int = SAMPLE, min_parity: float | None = None
) -> dict[str, Any]:
    """Write the student of `run` as `form` to the new folder `target`, and return the facts recorded in run.json.

    `count` questions are answered by both students. `min_parity` is the share of them that must be answered alike; by
    default that of the format. Raises ParityError if fewer are, and UsageError, MissingExtra, DiskError, RunError or
    DataError; `target` does not exist then.
    """
    from dstill_torch.saving import share

    require_absent(target)
    source = _source(run)
    form.check(source)
    _require_disk_space(form.disk_space(source), target)
    with run.stage(f"export to {form.name}") as facts, atomic_folder(target) as folder:
        examples = sample(run, count, form.splits(run))
        run.progress("export", 0, STEPS, "measuring the student")
        before = measure(source.student.load(source.folder), prompts(run.objective, run.task, examples))
        run.progress("export", 1, STEPS, f"writing {form.name}")
        form.write(source, folder)
        form.add_other_files(source, folder)
        copy_licences(_base(source), folder)
        facts.update(_origin(run, form, source, examples), student=_size_and_speed(before, folder_size(source.folder)))
        run.progress("export", 2, STEPS, "measuring the export")
        exported = form.load(folder)
        trial = form.prompts(run, examples)
        after = measure(exported, trial)
        facts.update(
            exported=_size_and_speed(after, folder_size(folder)), batch=after.batch_size, sha256=_digests(folder)
        )
        run.progress("export", 3, STEPS, "comparing answers")
        evaluated = _evaluated(run, examples, before.answers)
        comparisons = compare(run, examples, evaluated, _predictions(examples, after.answers))
        facts["parity"] = _check_parity(form, comparisons, form.min_parity if min_parity is None else min_parity)
        form.describe(source, folder, facts, ParitySample(examples=examples, prompts=trial, answers=after.answers))
        share(folder)
        facts["folder"] = str(target.absolute())
        run.progress("export", STEPS, STEPS)
    return facts


# --- the student ------------------------------------------------------------------------


def _source(run: Run) -> Source:
    """The student to export. Raises RunError, UsageError or DataError if it is missing or incomplete."""
    folder = run.folder / "student"
    if not folder.exists():
        raise RunError(f"run '{run.name}' has no student yet", where=str(folder), hint=command("train", run.folder))
    from dstill_export.linked import facts_of
    from dstill_finetune.student_metadata import Facts
    from dstill_finetune.students import Finetuned
    from dstill_linked.student import LinkedStudent

    if isinstance(run.student, LinkedStudent):
        return Source(run=run, student=run.student, folder=folder, facts=facts_of(folder))
    if not isinstance(run.student, Finetuned):
        raise UsageError(
            f"students of kind '{run.student.name}' have no weights to export",
            where=str(folder),
            hint="students of kind tiny, hf and linked can be exported",
        )
    facts = Facts.read(folder)
    base = folder / "base" if facts.base == "base" else Path(facts.base)
    if facts.adapter and (facts.base == "base" or base.is_absolute()) and not base.exists():
        raise UsageError(
            "the base model of this adapter is missing",
            where=str(base),
            hint=f'restore it, or set "base" in {folder / "student.json"} to its new path',
        )
    return Source(run=run, student=run.student, folder=folder, facts=facts)


def _require_disk_space(size: int, target: Path) -> None:
    with writing(target):
        free = shutil.disk_usage(target.absolute().parent).free
    if size > free:
        raise DiskError(
            f"not enough disk space: the export takes up to {size / 2**20:,.0f} MiB, {free / 2**20:,.0f} MiB are free",
            where=str(target.absolute().parent),
            hint="free some space, or use a folder on another disk",
        )


# --- parity -----------------------------------------------------------------------------


def _evaluated(run: Run, examples: Sequence[Example], now: Sequence[Generation]) -> list[Prediction]:
    """The evaluated answers. Where there are none, or they were constrained by a grammar, the student's answers now."""
    saved = run.answers()
    current = _predictions(examples, now)
    return [saved.get(example.id, answer) for example, answer in zip(examples, current, strict=True)]


def _predictions(examples: Sequence[Example], answers: Sequence[Generation]) -> list[Prediction]:
    return [prediction_of(example, answer) for example, answer in zip(examples, answers, strict=True)]


def _check_parity(form: Format, comparisons: Sequence[Comparison], min_parity: float) -> dict[str, Any]:
    """The facts about parity. Raises ParityError if too few answers are the same."""
    counts, n = Counter(comparison.same_by for comparison in comparisons), len(comparisons)
    same = n - counts["no"]
    if same < min_parity * n - 1e-9:
        raise ParityError(
            [comparison for comparison in comparisons if comparison.same_by == "no"],
            what=f"as {form.name}, the student gives the evaluated answer to {same} of {n} questions "
            f"({same / n:.1%}), but {min_parity:.1%} are required: the export was deleted",
            where=f"--to {form.name}",
            hint=f"--parity {math.floor(1000 * same / n) / 1000:g} would accept it",
        )
    return {
        "n": n,
        "same": same,
        "text": counts["text"],
        "result": counts["result"],
        "rate": same / n,
        "wanted": min_parity,
    }


# --- facts ------------------------------------------------------------------------------


def _origin(run: Run, form: Format, source: Source, examples: Sequence[Example]) -> dict[str, Any]:
    base, device = source.facts.base, hardware.device()
    base_name = "" if base == "base" else Path(base).name if Path(base).is_absolute() else base
    return {
        "schema_version": SCHEMA_VERSION,
        "form": form.name,
        "run": run.name,
        "training": run.stages.get("train", {}).get("id", ""),
        "task": run.task.name,
        "base": base_name,
        "runtime": form.runtime(source.facts),
        "licence": licence_of(_base(source)),
        "modality": source.facts.modality,
        "data": dict(DataProfile.of(run.task).licences(examples)),
        "device": device.name + (" (the export on its CPU)" if form.on_cpu and device.kind == "cuda" else ""),
        "versions": versions(run.plugins),
    }


def _base(source: Source) -> str:
    """The base's folder, file or hub id; empty: none, or it is not there any more."""
    from dstill_linked.bases import folder_of
    from dstill_linked.student import LinkedStudent

    base: str = source.facts.base
    if not isinstance(source.student, LinkedStudent) or not base:
        return base
    try:
        return str(folder_of(base, source.student.form))
    except DstillError:
        return ""


def _size_and_speed(speed: Measurement, size: int) -> dict[str, Any]:
    return {"bytes": size, "one": speed.single, "batch": speed.batch}


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256(file) for file in files}
