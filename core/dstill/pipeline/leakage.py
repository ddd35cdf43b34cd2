"""What test sets share with the training set, and which questions stand there twice.

    leaks([…], task)                 → [Leak(split="test_unseen_templates", what="template", shared=38, …)]
    duplicates([…], task.canonical)  → Duplicates(same=[("1", "9")], conflicting=[("2", "4")])   # answers

Rows are examples or records: anything with an id, question, answer, context, template and split. Which data a row is
about is what its task declares (`Task.data_key`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Sequence

from dstill.api.faults import about
from dstill.api.records import Example, Record
from dstill.api.task import Task, data_of
from dstill.errors import DataError

__all__ = ["Duplicates", "Leak", "context_key", "duplicates", "leaks", "require_data_names"]

Row = Example | Record


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What one set shares with the training set, and its name says that it does not."""

    split: str
    what: str  # question, template, gold, or what the task calls its data: table, database
    shared: int
    of: int
    ids: tuple[str, ...]  # of the rows

    def __str__(self) -> str:
        verb = "share" if self.shared > 1 else "shares"
        article = "an" if self.what[0] in "aeiou" else "a"
        return f"{self.shared} of {self.of} items of {self.split} {verb} {article} {self.what} with train"


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Ids of rows with one question about the same data."""

    same: Sequence[tuple[str, ...]]  # and one answer
    conflicting: Sequence[tuple[str, ...]]  # and several


def leaks(rows: Iterable[Row], task: Task, *, golds: bool = False) -> list[Leak]:
    """What each split shares with training and must not. Raises DataError where a row does not name its data.

    `golds`: also the golds of unseen templates and data that training has in any spelling.
    """
    rows = list(rows)
    require_data_names(rows, task)
    # What must be new in each split, and how to tell it of a row; None or empty: the row has no such thing.
    new: dict[str, list[tuple[str, Callable[[Row], Any]]]] = {
        "test": [("question", lambda row: (row.question, context_key(row)))],
        "test_unseen_templates": [("template", lambda row: row.template)],
        "test_unseen_data": [(task.data_noun, lambda row: data_of(task, row))],
    }
    by_split: dict[str, list[Row]] = {}
    for row in rows:
        by_split.setdefault(row.split, []).append(row)
    train = by_split.get("train", [])
    found = []
    for split, items in by_split.items():
        wanted = new.get(split, [])
        if golds and split in ("test_unseen_templates", "test_unseen_data"):
            wanted.append(("gold", lambda row: (_gold(row, task.canonical), context_key(row)) if row.answer else None))
        for what, of in wanted:
            known = {key for row in train if (key := of(row))}
            ids = tuple(row.id for row in items if of(row) in known)
            if ids:
                found.append(Leak(split=split, what=what, shared=len(ids), of=len(items), ids=ids))
    return found


def require_data_names(rows: Iterable[Row], task: Task) -> None:
    """Raises DataError where a row that must tell which data it is about does not: nobody could see a leak then.

    Rows of test_unseen_data must, and where there are any those of training, too.
    """
    named = {split: [row for row in rows if row.split == split] for split in ("test_unseen_data", "train")}
    for split, items in named.items() if named["test_unseen_data"] else ():
        for row in items:
            if not data_of(task, row):
                raise DataError(
                    f"row '{row.id}' of {split} does not say which {task.data_noun} it is about",
                    where=f"context of row '{row.id}'",
                    hint=f'put {{"{task.data_key}": "NAME"}} into the context of each row of test_unseen_data and '
                    "train, or move the rows of test_unseen_data to another split",
                )


def duplicates(rows: Iterable[Row], canonical: Callable[[str], str]) -> Duplicates:
    """Questions that stand there more than once, letters and spaces apart."""
    asked: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        asked.setdefault((" ".join(row.question.lower().split()), context_key(row)), []).append(row)
    groups = [found for found in asked.values() if len(found) > 1]
    answers = [{_gold(row, canonical) for row in found if row.answer} for found in groups]
    named = [tuple(row.id for row in found) for found in groups]
    return Duplicates(
        same=[ids for ids, golds in zip(named, answers, strict=True) if len(golds) < 2],
        conflicting=[ids for ids, golds in zip(named, answers, strict=True) if len(golds) > 1],
    )


def _gold(row: Row, canonical: Callable[[str], str]) -> str:
    with about(row.id):
        return canonical(row.answer or "")


def context_key(row: Row) -> str:
    """A row's whole context as text: questions with equal ones are about the same data."""
    return json.dumps(row.context, sort_keys=True, default=str) if row.context else ""
