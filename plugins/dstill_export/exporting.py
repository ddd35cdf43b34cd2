"""``dstill export``: write a run's student in another form, hold it against the evaluated one, and keep it or nothing.

    export(run, form_of("merged"), Path("out")) → {"form": "merged", "parity": {"rate": 1.0, …}, "exported": {…}, …}

Whatever is written is in a folder with a name of its own beside the target until the gate has passed, and gets the
target's name at the end; a failure takes it away, what a kill leaves the next export to the same target does.
"""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

from dstill.api.protocols import DataProfile
from dstill.api.records import SCHEMA_VERSION, Example, Prediction
from dstill.api.student import Written
from dstill.errors import AnswerError, DiskError, RunError, UsageError
from dstill.io.files import atomic_folder, require_new, writing
from dstill.io.shell import command
from dstill.pipeline.steps import prediction_of
from dstill.runs.provenance import sha256, versions
from dstill.runtime import hardware
from dstill_export.card import Shown, card
from dstill_export.formats import Format, Source, bytes_of, describe, encoder_of
from dstill_export.licences import copy_terms, licence_of
from dstill_export.parity import Compared, compared, sample
from dstill_export.speed import Measured, measured

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["SAMPLE", "Differs", "export"]

SAMPLE = 64  # questions that both students answer
FACTS = "export.json"
STEPS = 4  # of progress


class Differs(AnswerError):
    """The exported student answers otherwise than the evaluated one; `items` are the questions where it does."""

    def __init__(self, items: Sequence[Compared], *, what: str, where: str, hint: str) -> None:
        super().__init__(what, where=where, hint=hint)
        self.items = items


def export(run: Run, form: Format, target: Path, *, count: int = SAMPLE, rate: float | None = None) -> dict[str, Any]:
    """The student of `run` as `form` in the new folder `target`. Returns what run.json and the model card say of it.

    `rate`: the share of `count` sampled questions that must be answered as the evaluated student did; None: the
    form's own. Raises Differs where it is less, UsageError, MissingExtra, DiskError, RunError, DataError; nothing is
    kept then.
    """
    from dstill_finetune.saving import share

    require_new(target)
    source = _source(run)
    form.require(source)
    _require_room(form.need(source), target)
    with run.stage(f"export to {form.name}") as facts, atomic_folder(target) as folder:
        examples = sample(run, count)
        sources = [run.objective.prompt(run.task.model_input(example)) for example in examples]
        run.progress("export", 0, STEPS, "measuring the student")
        before = measured(source.student.load(source.folder), sources)
        run.progress("export", 1, STEPS, f"writing {form.name}")
        form.write(source, folder)
        describe(source, folder)
        copy_terms(source.facts.base, folder)
        facts.update(_about(run, form, source, examples), student=_figures(before, bytes_of(source.folder)))
        run.progress("export", 2, STEPS, "asking what was written")
        writer = form.load(folder)
        after = measured(writer, sources)
        facts.update(exported=_figures(after, bytes_of(folder)), batch=after.size, sha256=_digests(folder))
        run.progress("export", 3, STEPS, "comparing answers")
        want = _wanted(run, examples, before.written)
        pairs = compared(run, examples, want, _predictions(examples, after.written))
        facts["parity"] = _gate(form, pairs, form.rate if rate is None else rate)
        whole = next((at for at, answer in enumerate(after.written) if not answer.truncated), 0)
        shown = _shown(run, form, source, folder, examples[whole], after.written[whole])
        (folder / "README.md").write_text(card(form, facts, shown), encoding="utf-8")
        (folder / FACTS).write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        share(folder)
        facts["folder"] = str(target.absolute())
        run.progress("export", STEPS, STEPS)
    return facts


# --- before -----------------------------------------------------------------------------


def _source(run: Run) -> Source:
    """The student, and whether all of it is there. Raises RunError, UsageError, DataError."""
    folder = run.folder / "student"
    if not folder.exists():
        raise RunError(f"run '{run.name}' has no student yet", where=str(folder), hint=command("train", run.folder))
    from dstill_finetune.student_metadata import Facts
    from dstill_finetune.students import Finetuned

    if not isinstance(run.student, Finetuned):
        raise UsageError(
            f"a student '{run.student.name}' has no weights that other programs read",
            where=str(folder),
            hint="tiny and hf can be exported",
        )
    facts = Facts.read(folder)
    base = folder / "base" if facts.base == "base" else Path(facts.base)
    if facts.adapter and (facts.base == "base" or base.is_absolute()) and not base.exists():
        raise UsageError(
            "the base of this adapter is not where it was: without it nothing can be merged, or asked",
            where=str(base),
            hint=f'put it back, or write its new place as "base" in {folder / "student.json"}',
        )
    return Source(student=run.student, folder=folder, facts=facts)


def _require_room(need: int, target: Path) -> None:
    with writing(target):
        free = shutil.disk_usage(target.absolute().parent).free
    if need > free:
        raise DiskError(
            f"no room for this export: it takes up to {need / 2**20:,.0f} MiB, {free / 2**20:,.0f} MiB are free",
            where=str(target.absolute().parent),
            hint="free some space, or name a folder on another disk",
        )


# --- the gate ---------------------------------------------------------------------------


def _wanted(run: Run, examples: Sequence[Example], now: Sequence[Written]) -> list[Prediction]:
    """What the student answered when it was evaluated; where it was not, or held to a grammar, what it answers now."""
    kept = run.answers()
    fresh = _predictions(examples, now)
    return [kept.get(example.id, answer) for example, answer in zip(examples, fresh, strict=True)]


def _predictions(examples: Sequence[Example], written: Sequence[Written]) -> list[Prediction]:
    return [prediction_of(example, one) for example, one in zip(examples, written, strict=True)]


def _gate(form: Format, pairs: Sequence[Compared], rate: float) -> dict[str, Any]:
    """How many answers are the same, and by what. Raises Differs where they are too few."""
    counted = Counter(pair.how for pair in pairs)
    same = len(pairs) - counted["no"]
    if same < rate * len(pairs) - 1e-9:
        raise Differs(
            [pair for pair in pairs if pair.how == "no"],
            what=f"as {form.name} the student gives the evaluated answer to {same} of {len(pairs)} questions "
            f"({same / len(pairs):.1%}), and {rate:.1%} are wanted: nothing is kept",
            where=f"--to {form.name}",
            hint=f"--parity {math.floor(1000 * same / len(pairs)) / 1000:g} would take it as it is",
        )
    return {
        "n": len(pairs),
        "same": same,
        "text": counted["text"],
        "result": counted["result"],
        "rate": same / len(pairs),
        "wanted": rate,
    }


# --- what is said of it -----------------------------------------------------------------


def _about(run: Run, form: Format, source: Source, examples: Sequence[Example]) -> dict[str, Any]:
    base, device = source.facts.base, hardware.device()
    named = "" if base == "base" else Path(base).name if Path(base).is_absolute() else base
    return {
        "schema_version": SCHEMA_VERSION,
        "form": form.name,
        "run": run.name,
        "task": run.task.name,
        "base": named,
        "licence": licence_of(base),
        "modality": source.facts.modality,
        "data": dict(DataProfile.of(run.task).licences(examples)),
        "device": device.name + (", the export on its CPU" if form.on_cpu and device.kind == "cuda" else ""),
        "versions": versions(run.plugins),
    }


def _figures(found: Measured, size: int) -> dict[str, Any]:
    return {"bytes": size, "one": found.one, "batch": found.batch}


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): sha256(file) for file in files}


def _shown(run: Run, form: Format, source: Source, folder: Path, example: Example, written: Written) -> Shown:
    """The code of the card, for one question of the sample."""
    from dstill_finetune.student_metadata import Facts

    facts, text = Facts.read(folder), run.objective.prompt(run.task.model_input(example))
    word = next((word for word in sorted(facts.tasks, key=len, reverse=True) if text.startswith(word)), "")
    prompt, task = text.removeprefix(word), facts.tasks.get(word, [])
    cut = encoder_of(source.folder).cuts_prompts
    return Shown(usage=form.usage(facts, prompt, task, cut=cut), answer=written.text)
