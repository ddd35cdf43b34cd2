"""The run that learns a teacher's questions beside those from templates: `dstill adapt --teacher`.

    run = taught_run(parent, Path("runs/taught"), {"adapt.teacher": "openai", …})
    teach(run, resume="dstill adapt …")     # buys names and questions, and writes the rows; done once
    run.train(); run.evaluate()             # starts where the training of `parent` would

The teacher's questions join a sample of the training rows that the run has, in the proportion of ``adapt.share``. A
share of them is the split ``test_teacher``. None of those is like one that is learnt. Before, the teacher says by which
other names people call the values (`dstill.stages.generate.teacher_names`), so that questions may have these.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from dstill.api.records import SPLITS, Record, Rejection
from dstill.api.task import Task
from dstill.errors import DataError
from dstill.factory import make_teacher
from dstill.inputs.dedup import select
from dstill.io.logs import log
from dstill.io.pretty_json import pretty
from dstill.io.strict_json import dumps
from dstill.runs.folder import TEACH, data_file
from dstill.runs.peoples_rows import ASKED_BY
from dstill.runs.run import Run
from dstill.stages.generate.teacher_names import teacher_names
from dstill.stages.generate.teacher_rows import TeacherRows, teacher_rows

__all__ = ["SPLIT", "TEACH", "taught_run", "teach"]

SPLIT = "test_teacher"
ALIASES = "aliases.json"  # other names of values
QUESTIONS, REJECTS = "teacher-questions.jsonl", "teacher-rejects.jsonl"
LEAST = 0.1  # of the questions that were asked for; with fewer usable ones, something is wrong
WIDTH = 120  # characters of a line in `ALIASES`
CARD = "dataset/README.md"


def taught_run(parent: Run, folder: Path, flags: Mapping[str, Any]) -> Run:
    """A branch of `parent` at `folder`. `flags`: settings of the teacher and of ``[adapt]``."""
    adapt = parent.config.with_flags(flags).settings.adapt
    splits = [split for split in parent.settings.evaluate.splits if split != SPLIT]
    own: dict[str, Any] = {"evaluate.splits": [SPLIT, *splits]}
    if parent.settings.train.max_steps > 0:
        own["train.max_steps"] = adapt.max_steps
    return parent.branch(folder, flags={**flags, **own})


def teach(run: Run, *, resume: str) -> Mapping[str, Any]:
    """Let the teacher ``adapt.teacher`` write questions, and write the training rows of `run`. Returns the counts.

    If nobody has set other names of values, the teacher's names come first. `resume`: the command that continues.
    Raises DataError if hardly any question can be used.
    """
    adapt = run.settings.adapt
    teacher = make_teacher(run.plugins, run.config, adapt.teacher)
    takes_all = teacher.is_lookup and "adapt.teacher_questions" not in run.config.chosen
    with run.stage(TEACH) as facts:
        if _takes_names(run):
            facts["names"] = _name_values(run, resume)
        wanted = sys.maxsize if takes_all else adapt.teacher_questions
        written = teacher_rows(run.setup, teacher, wanted, run.purchase(TEACH, resume=resume))
        run.write(REJECTS, written.rejections)
        _require_enough(run, written)
        run.write(QUESTIONS, written.records)
        rows = _mixed(run, written.records)
        of_split = {split: [row for row in rows if row.split == split] for split in ("train", SPLIT)}
        for split in (SPLIT, "train"):  # if this is stopped before the second, it can be done again
            run.write(data_file(split), of_split[split])
        taught, learnt = sum(ASKED_BY in row.extra for row in of_split["train"]), len(of_split["train"])
        card = _card(teacher.name, taught, learnt, len(of_split[SPLIT]))
        run.write_file(CARD, (run.folder / CARD).read_text() + card)
        facts.update(
            teacher=teacher.name,
            train=taught,
            test=len(of_split[SPLIT]),
            mixed_with=learnt - taught,
            counts=written.counts.to_json(),
            summary=written.counts.line(),
            cost=written.cost.to_row() if written.cost is not None else {},
        )
    return facts


def _takes_names(run: Run) -> bool:
    """Whether the student of `run` reads other names of values, and nobody else has set a file of them."""
    file: str | None = getattr(run.task.config, "aliases", None)  # None: the task has no such setting
    is_own = file is not None and Path(file).absolute() == (run.folder / ALIASES).absolute()
    return run.student.reads_schema and (is_own or file == "")


def _name_values(run: Run, resume: str) -> str:
    """Let the teacher say how people call the values, from now on in the settings of `run`. Returns a line about it."""
    teacher = make_teacher(run.plugins, run.config, run.settings.adapt.teacher)
    found = teacher_names(run.setup, teacher, run.purchase(TEACH, resume=resume))
    if not found.names:
        if found.unread:
            log.warning("the teacher's reply with other names of values cannot be read: the student does without")
        return found.line() if found.dropped else ""
    file = run.write_file(ALIASES, pretty(dumps(found.names), WIDTH) + "\n")
    run.config = run.config.with_flags({f"task.{run.task.name}.aliases": str(file)})
    run.save_settings()
    return found.line(file)


def _require_enough(run: Run, written: TeacherRows) -> None:
    counts = written.counts
    if counts.kept >= max(1, LEAST * min(counts.requested, counts.came)):
        return
    shown = next((str(problem) for row in written.rejections[:1] for problem in row.problems if problem.is_error), "")
    raise DataError(
        f"hardly any question of the teacher can be used: {counts.line()}",
        where=str(run.folder / REJECTS),
        hint=f"the first one: {shown}" if shown else "try another model; it has to write one JSON object a line",
    )


def _mixed(run: Run, written: Sequence[Record]) -> list[Record]:
    """The rows of the training and of `SPLIT`: `written`, and a sample of the training rows that `run` has.

    A student that starts from random weights gets all of those.
    """
    task, adapt = run.task, run.settings.adapt
    learnt = [row for row in run.records("train") if ASKED_BY not in row.extra]
    others = [row for split in SPLITS if split not in ("train", SPLIT) for row in run.records(split)]
    random = Random(f"{run.settings.project.seed} {TEACH}")
    drawn = random.sample(sorted(written, key=lambda row: row.id), round(adapt.held_out * len(written)))
    held_out = {row.id for row in _unlike(drawn, [*learnt, *others], task)}
    marked = [
        replace(row, split=SPLIT if row.id in held_out else "train", extra={**row.extra, ASKED_BY: row.teacher})
        for row in written
    ]
    sample = learnt
    if run.student.base:
        wanted = round((len(written) - len(held_out)) * (1 - adapt.share) / adapt.share)
        sample = random.sample(learnt, min(wanted, len(learnt)))
    rows = select([*sample, *others, *marked], task)
    return [row for row in rows if isinstance(row, Record) and row.split in ("train", SPLIT)]


def _unlike(rows: Sequence[Record], others: Sequence[Record], task: Task) -> list[Record]:
    """Those of `rows` that are no repetition of one of `others`."""
    selected = select([replace(row, split="test") for row in others] + [replace(r, split="train") for r in rows], task)
    return [row for row, at in zip(rows, selected[len(others) :], strict=True) if not isinstance(at, Rejection)]


def _card(teacher: str, taught: int, learnt: int, test: int) -> str:
    return (
        f"\n## Questions of a teacher\n\nThe teacher `{teacher}` wrote {taught + test:,} questions with their answers. "
        f"{taught:,} are among the {learnt:,} training rows, {test:,} are the split `{SPLIT}`. The counts above "
        "are those of the run with the questions from templates.\n"
    )
