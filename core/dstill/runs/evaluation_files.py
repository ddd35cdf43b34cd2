"""The inputs that an evaluation reads from a run, and the files that it writes there.

inputs = inputs_of(run, records, seen)
found = evaluate(run.setup, inputs, Source(store=KeptAnswers(run), load=run.generator), executor)
save(run, found, engine="")

predictions.jsonl  timings.jsonl  verdicts.jsonl  confidence.jsonl
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dstill.answering.efficiency import Timing
from dstill.api.records import Prediction, Record, Rejection, TeacherRequest
from dstill.confidence import evaluated as confidence
from dstill.confidence.evaluated import Confidence
from dstill.factory import kind_and_base, student_spec
from dstill.io.logs import log
from dstill.quality import review as reviewing
from dstill.runs import stage_facts
from dstill.runs.contents import PLUGIN, RunContents, without_plugins
from dstill.runs.dataset_files import TEACHER_ANSWERS
from dstill.runs.folder import REQUESTS, UNFINISHED, system_file
from dstill.runs.provenance import owners
from dstill.runs.review_log import decisions
from dstill.runtime import spooled
from dstill.stages.evaluate import Evaluated, Inputs
from dstill.stages.evaluate.systems import STUDENT
from dstill.stages.evaluate.teacher import TeacherRows

__all__ = ["KeptAnswers", "inputs_of", "review_notes", "save"]

ANSWERS, TIMINGS = "predictions", "timings.jsonl"


class KeptAnswers:
    """The answers that a run keeps (`dstill.stages.evaluate.answering.AnswerStore`)."""

    def __init__(self, run: RunContents) -> None:
        self._run = run

    def get(self, system: str) -> Mapping[str, Prediction]:
        """Those in the file that has all of them."""
        return self._read(system_file(ANSWERS, system), self._made_by(system))

    def unfinished(self, system: str) -> Mapping[str, Prediction]:
        """Those in the file that grows block by block; it is deleted if there are none."""
        file = system_file(f"{UNFINISHED}{ANSWERS}", system)
        if not (rows := self._read(file, self._made_by(system))):
            self._run.discard(file)
        return rows

    def append(self, system: str, block: Sequence[Prediction]) -> None:
        """They are on disk when this returns."""
        file = system_file(f"{UNFINISHED}{ANSWERS}", system)
        self._run.extend(file, block)
        self._note(file, self._made_by(system))

    def put(self, system: str, predictions: Sequence[Prediction]) -> None:
        """Write the file that has all of them, and delete the other one."""
        file = system_file(ANSWERS, system)
        self._run.write(file, predictions)
        self._note(file, self._made_by(system))
        self._run.discard(system_file(f"{UNFINISHED}{ANSWERS}", system))

    def timings(self) -> list[Timing] | None:
        """Those of this student with these settings."""
        is_current = self._run.provenance_of(TIMINGS) == self._made_of(STUDENT)
        return list(self._run.load(Timing, TIMINGS)) if is_current else None

    def put_timings(self, timings: Sequence[Timing]) -> None:
        """Write them."""
        self._run.write(TIMINGS, timings)
        self._note(TIMINGS, self._made_of(STUDENT))

    def _read(self, file: str, wanted: list[str]) -> dict[str, Prediction]:
        """The predictions in `file` by id; empty when their provenance is not `wanted`. Says so if a plugin changed."""
        of_file = self._run.provenance_of(file)
        if of_file == wanted:
            return {p.id: p for p in self._run.load(Prediction, file)}
        if without_plugins(of_file) == without_plugins(wanted):
            changed = [entry.removeprefix(PLUGIN).split()[0] for entry in wanted if entry not in of_file]
            log.warning("the answers in %s are made again: plugin %s changed", file, ", ".join(changed))
        return {}

    def _note(self, file: str, provenance: list[str]) -> None:
        self._run.manifest["files"][file]["provenance"] = provenance

    def _made_of(self, system: str) -> list[str]:
        """The facts that decide the predictions of `system` besides plugins."""
        wanted, is_student = self._run.settings.evaluate, system == STUDENT
        draws = wanted.agreement if is_student else 0
        return self._run.made_of(constrained=is_student and wanted.constrain, draws=draws)

    def _made_by(self, system: str) -> list[str]:
        """The same, and the plugins behind it with version and digest."""
        plugins, settings = self._run.plugins, self._run.settings
        kind, _ = kind_and_base(plugins, student_spec(plugins, settings))
        parts = [("tasks", self._run.task.name), ("objectives", settings.train.objective), ("students", kind)]
        parts += [("baselines", system)] if system != STUDENT else []
        behind = [
            f"{PLUGIN}{owner['name']} {owner.get('version', '')} {owner.get('sha256', '')[:16]}"
            for owner in owners(plugins, parts)
        ]
        return [*self._made_of(system), *behind]


def inputs_of(
    run: RunContents, scored: Sequence[Record], seen: Mapping[str, Sequence[Record]], *, is_first: bool
) -> Inputs:
    """The inputs of the evaluation of the rows `scored`. `seen`: the rows of train and validation, by split."""
    return Inputs(
        examples=spooled.examples(record.example for record in scored),
        calibration=run.calibration(),
        training=seen["train"],
        teacher=TeacherRows(
            name=run.stages.get("generate", {}).get("teacher", ""),
            asked=(request.example for request in run.load(TeacherRequest, REQUESTS)),
            answers=run.load(Prediction, TEACHER_ANSWERS),
            rejections=run.load(Rejection, "rejects.jsonl"),
        ),
        data=stage_facts.data_of(run.stages),
        student=run.folder / "student",
        parameters=run.stages.get("train", {}).get("all_parameters"),
        purchase=run.purchase("evaluate"),
        is_first=is_first,
    )


def save(run: RunContents, evaluated: Evaluated, engine: str) -> None:
    """Write what `evaluated` has for files. `engine`: the label of a second engine; empty: the first one."""
    for system, prompted in evaluated.prompted.items():
        run.write(system_file("predictions", system), prompted.predictions)
    for system, verdicts in evaluated.judged.verdicts.items():
        run.write(system_file("verdicts", system, engine), verdicts)
    if not evaluated.teacher.why:
        run.write(system_file("verdicts", "teacher", engine), evaluated.teacher.verdicts)
    if evaluated.confidence is not None:
        _save_confidence(run, evaluated.confidence)


def _save_confidence(run: RunContents, rows: Confidence) -> None:
    if rows.why:
        run.discard(confidence.FILE)
    else:
        run.write(confidence.FILE, rows.rows)


def review_notes(run: RunContents) -> list[str]:
    """A note on the changes by a person's review in the splits that are scored; empty: none."""
    rows = [record for split in run.settings.evaluate.splits for record in run.records(split, raw=True)]
    after = reviewing.applied(rows, decisions(run))
    counts = {
        "not scored, because a reviewer rejected the reference answer": after.rejected,
        "scored against a reference answer that a reviewer wrote": after.edited,
    }
    note = ", ".join(f"{n} of {len(rows)} questions {what}" for what, n in counts.items() if n)
    return [note] if note else []
