"""The stage `curate`: replies that are there → checks → dataset. Nothing is asked, so nothing is bought.

    curate(run) → {"questions": 7000, "accepted": 6950, "splits": {"train": 6000, …}, "rejections": {…}}

`generate` ends with the same: `dataset` takes the rows that its teacher's replies came to. A better parser, other
checks or another engine make another dataset of the same replies; ``asked.jsonl`` says which they are.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from dstill import stages, teaching
from dstill.card import dataset_card
from dstill.errors import DataError
from dstill.files import write_text
from dstill.folder import data_file
from dstill.parts import Executor
from dstill.records import SPLITS, Example, Inquiry, Record, Rejection
from dstill.selecting import LEARNT_FROM, select
from dstill.shell import command

if TYPE_CHECKING:
    from dstill.run import Run

__all__ = ["ASKED", "EXPORT", "STORE", "curate", "dataset", "executing"]

STORE = "replies.sqlite"  # one a project: beside ``runs/``
ASKED = "asked.jsonl"  # which replies are the run's own
EXPORT = "export/"  # the dataset in other programs' forms (`dstill.exporting`)


def curate(run: Run) -> Mapping[str, Any]:
    """The dataset anew, of the replies that the run has. Returns the counts. Raises DataError."""
    from dstill.store import ReplyStore

    inquiries = list(run.load(Inquiry, ASKED))
    if not inquiries:
        raise DataError(
            "nothing to curate: no teacher was asked",
            where=str(run.folder / ASKED),
            hint=command("generate", "--out", run.folder),
        )
    if not Path(STORE).exists():  # opening it would make an empty one
        raise DataError(
            f"there is no {STORE} here, in which the run's replies are",
            where=str(Path(STORE).absolute()),
            hint="run it in the project's folder; a store that was moved goes back there",
        )
    teacher = run.settings.generate.teacher
    outcomes: Counter[str] = Counter()
    examples = [inquiry.example for inquiry in inquiries]
    with (
        run.stage("curate") as facts,
        executing(run, outcomes) as (execute, _),
        ReplyStore(Path(STORE)) as store,
    ):
        rows = teaching.rebuilt(run.plugins, run.task, teacher, inquiries, store, execute)
        about = {"teacher": teacher, "models": teaching.models(inquiries, store), "outcomes": dict(outcomes)}
        if cost := run.manifest["stages"].get("generate", {}).get("cost"):
            about["cost"] = cost  # of the replies, also of those that are not used
        facts.update(dataset(run, examples, rows, about))
        run.manifest["stages"].setdefault("generate", {}).update(facts)  # who reads of the dataset, reads there
    return facts


@contextlib.contextmanager
def executing(run: Run, outcomes: Counter[str]) -> Iterator[tuple[teaching.Execute, Executor | None]]:
    """What runs answers before they become records, and its engine, open; where none shall run, nothing happens.

    An engine that is not there is told before a reply is bought.
    """
    executor = run.executor() if run.settings.generate.execute != "none" else None
    if executor is None:
        yield iter, None
        return

    def execute(rows: Sequence[Record | Rejection]) -> Iterator[Record | Rejection]:
        every = run.settings.generate.execute == "all"
        chosen = [isinstance(row, Record) and (every or row.split not in LEARNT_FROM) for row in rows]
        wanted = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
        ran = stages.execute(wanted, executor, run.task, outcomes)
        done = 0
        for row, is_chosen in zip(rows, chosen, strict=True):
            yield next(ran) if is_chosen else row
            if is_chosen:  # a round may have none: then there is nothing to tell
                done += 1
                run.progress("running the answers", done, len(wanted))

    with executor.open(run.task, run.settings.engine):
        yield execute, executor


def dataset(
    run: Run, examples: Sequence[Example], rows: Sequence[Record | Rejection], about: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Write what passes, and what does not, with the dataset's card. Returns `about` with the counts."""
    rows = select(rows, run.task)
    records = [row for row in rows if isinstance(row, Record)]
    rejections = [row for row in rows if isinstance(row, Rejection)]
    facts = {**about, **_counts(examples, records, rejections)}
    run.write("rejects.jsonl", rejections)
    if not records:
        reasons = ", ".join(f"{code} {n}" for code, n in facts["rejections"].items()) or "no questions"
        raise DataError(
            f"0 usable rows of {len(examples)}; reasons: {reasons}",
            where=run.settings.generate.questions or f"task '{run.task.name}'",
            hint=f"{run.folder / 'rejects.jsonl'} says what is wrong with each",
        )
    stages.check_splits(records)
    for split in SPLITS:
        of_split = [record for record in records if record.split == split]
        if of_split:
            run.write(data_file(split), of_split)
        else:
            run.discard(data_file(split))
    write_text(run.folder / "dataset" / "README.md", dataset_card(run.name, run.task, facts, records))
    for file in [file for file in run.manifest["files"] if file.startswith(EXPORT)]:
        run.discard(file)  # of the rows that were
    return facts


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
