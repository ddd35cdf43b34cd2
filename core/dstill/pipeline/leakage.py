"""What test splits share with the training split, and which questions occur twice.

    leaks([…], task)                 → [Leak(split="test_unseen_templates", what="template", shared=38, …)]
    duplicates([…], task.canonical)  → Duplicates(same=[("1", "9")], conflicting=[("2", "4")])   # by their answers

Rows are examples or records. The task declares which data a row is about (`Task.data_key`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.faults import about
from dstill.api.records import Example, Record
from dstill.api.task import Task, data_of
from dstill.errors import DataError

__all__ = ["Duplicates", "Leak", "context_key", "duplicates", "leaks", "require_data_names"]

Row = Example | Record


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What one split shares with training, although its name says that it does not."""

    split: str
    what: str  # question, template, gold, or the task's word for its data (`Task.data_noun`): table, database
    shared: int  # rows of the split
    of: int  # all rows of the split
    ids: tuple[str, ...]  # of the shared rows

    def __str__(self) -> str:
        verb = "share" if self.shared > 1 else "shares"
        article = "an" if self.what[0] in "aeiou" else "a"
        return f"{self.shared} of {self.of} items of {self.split} {verb} {article} {self.what} with train"


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Groups of ids of rows with the same question about the same data."""

    same: Sequence[tuple[str, ...]]  # with one answer
    conflicting: Sequence[tuple[str, ...]]  # with several answers


def leaks(rows: Iterable[Row], task: Task, *, golds: bool = False) -> list[Leak]:
    """What each split shares with training and must not. Raises DataError when a row does not name its data.

    `golds`: also report gold answers of unseen templates and unseen data that training has in any spelling.
    """
    rows = list(rows)
    require_data_names(rows, task)
    # What must be new in each split, as a function of a row; None or empty: the row has no such thing.
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
    """Raises DataError when a row does not name its data, so that a leak could not be seen.

    If test_unseen_data has rows, they and all rows of training must name their data.
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
    """Questions that occur more than once, ignoring case and spaces."""
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
    """The whole context of a row as text; questions with equal contexts are about the same data."""
    return json.dumps(row.context, sort_keys=True, default=str) if row.context else ""
