"""The stage `generate`: questions → teacher → checks → dataset.

    generate(run) → {"questions": 7000, "accepted": 6950, "splits": {"train": 6000, …}, "rejections": {…}}

What happens to a row is in `dstill.stages`; the files are written by the run.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from dstill import stages
from dstill.card import dataset_card
from dstill.errors import DataError, Interrupted
from dstill.files import write_text
from dstill.folder import data_file
from dstill.parts import Executor, Teacher
from dstill.records import SPLITS, Example, Record, Rejection
from dstill.rows import read_questions

if TYPE_CHECKING:
    from dstill.asking import Counts
    from dstill.run import Run
    from dstill.store import ReplyStore

__all__ = ["generate"]

STORE = "replies.sqlite"  # one a project: beside ``runs/``


def generate(run: Run) -> Mapping[str, Any]:
    """Questions → teacher → checks → dataset. Returns the counts. A rerun buys only what is missing."""
    settings = run.settings.generate
    teacher = run.plugins.teacher(settings.teacher)(run.config.part("teacher", settings.teacher))
    executor = run.executor() if settings.execute != "none" else None
    outcomes: Counter[str] = Counter()
    with run.stage("generate") as facts, contextlib.ExitStack() as opened:
        if executor is not None:  # an engine that is not there is told before a reply is bought
            opened.enter_context(executor.open(run.task, run.settings.engine))
        examples = _questions(run)
        data = {**run.task.facts(examples), **(executor.facts(examples) if executor is not None else {})}
        rows, counts = _taught(run, teacher.open(run.task), examples)
        if executor is not None:
            rows = _executed(run, rows, executor, outcomes)
        records = [row for row in rows if isinstance(row, Record)]
        rejections = [row for row in rows if isinstance(row, Rejection)]
        facts.update(
            _counts(examples, records, rejections),
            teacher=teacher.name,
            replies=asdict(counts),
            outcomes=dict(outcomes),
            **({"data": data} if data else {}),
        )
        run.write("rejects.jsonl", rejections)
        if not records:
            reasons = ", ".join(f"{code} {n}" for code, n in facts["rejections"].items()) or "no questions"
            raise DataError(
                f"0 usable rows of {len(examples)}; reasons: {reasons}",
                where=settings.questions or f"task '{run.task.name}'",
                hint=f"{run.folder / 'rejects.jsonl'} says what is wrong with each",
            )
        stages.check_splits(records)
        for split in SPLITS:
            of_split = [record for record in records if record.split == split]
            if of_split:
                run.write(data_file(split), of_split)
        write_text(run.folder / "dataset" / "README.md", dataset_card(run.name, run.task, facts))
    return facts


def _questions(run: Run) -> list[Example]:
    settings = run.settings.generate
    if settings.questions:
        found = read_questions(Path(settings.questions), json_answers=run.task.json_answers)
    else:
        found = [example for split in SPLITS for example in run.task.examples(split)]
    found = [stages.split_of(example, run.settings.project.seed) for example in found]
    return stages.first(found, settings.limit) if settings.limit else found


def _taught(run: Run, teacher: Teacher, examples: Sequence[Example]) -> tuple[list[Record | Rejection], Counts]:
    """What the teacher's replies came to. Ctrl-C raises Interrupted, which says how many are kept."""
    from dstill import interrupts
    from dstill.asking import Counts
    from dstill.store import ReplyStore

    counts = Counts()

    rows: list[Record | Rejection] = []
    with ReplyStore(Path(STORE)) as store:
        try:
            interrupts.run(_teach(run, teacher, examples, store, rows, counts))
        except KeyboardInterrupt:
            shots = run.settings.generate.shots
            kept = stages.saved(run.plugins, run.task, teacher, examples, store, shots=shots)
            resume = f"dstill generate --out {run.folder}"
            raise Interrupted(
                f"stopped; {kept}/{len(examples)} saved; resume with: {resume}", where=str(run.folder)
            ) from None
    return rows, counts


async def _teach(
    run: Run,
    teacher: Teacher,
    examples: Sequence[Example],
    store: ReplyStore,
    rows: list[Record | Rejection],
    counts: Counts,
) -> None:
    settings = run.settings.generate
    async for row in stages.teach(
        run.plugins,
        run.task,
        teacher,
        examples,
        store,
        shots=settings.shots,
        concurrency=settings.concurrency,
        counts=counts,
    ):
        rows.append(row)
        run.progress("asking the teacher", len(rows), len(examples))


def _executed(
    run: Run, rows: list[Record | Rejection], executor: Executor, outcomes: Counter[str]
) -> list[Record | Rejection]:
    """The rows, their answers run on the open `executor`: all of them, or those of the held-out sets."""
    held_out = {row.id for row in rows if isinstance(row, Record) and row.split not in ("train", "validation")}
    chosen = [row for row in rows if run.settings.generate.execute == "all" or row.id in held_out]
    ran = {}
    for row in stages.execute(chosen, executor, run.task, outcomes):
        ran[row.id] = row
        run.progress("running the answers", len(ran), len(chosen))
    return [ran.get(row.id, row) for row in rows]


def _counts(examples: Sequence[Example], records: Sequence[Record], rejections: Sequence[Rejection]) -> dict[str, Any]:
    codes = Counter(next(p.code for p in r.problems if p.is_error) for r in rejections)
    return {
        "questions": len(examples),
        "accepted": len(records),
        "rejected": len(rejections),
        "splits": {split: n for split in SPLITS if (n := sum(r.split == split for r in records))},
        "categories": dict(sorted(Counter(r.category for r in records if r.category).items())),
        "rejections": dict(codes.most_common()),
    }
