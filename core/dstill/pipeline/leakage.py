"""What test sets share with the training set, and which questions stand there twice.

    leaks([…])       → [Leak(split="test_templates", what="template", shared=38, of=200, ids=("a-7", …))]
    duplicates([…])  → Duplicates(same=[("1", "9")], conflicting=[("2", "4")])   # one question, one answer or two

Rows are examples or records: anything with an id, question, answer, context, template and split.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Mapping, Sequence

from dstill.api.faults import about
from dstill.api.records import Example, Record

__all__ = ["Duplicates", "Leak", "data_of", "duplicates", "leaks"]

Row = Example | Record


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What one set shares with the training set, and its name says that it does not."""

    split: str
    what: str  # question, template, index, gold
    shared: int
    of: int
    ids: tuple[str, ...]  # of the rows

    def __str__(self) -> str:
        verb = "share" if self.shared > 1 else "shares"
        article = "an" if self.what == "index" else "a"
        return f"{self.shared} of {self.of} items of {self.split} {verb} {article} {self.what} with train"


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Ids of rows with one question about the same data."""

    same: Sequence[tuple[str, ...]]  # and one answer
    conflicting: Sequence[tuple[str, ...]]  # and several


# What must be new in each set, and how to tell it of a row; nothing: it cannot be told.
_NEW: Mapping[str, tuple[tuple[str, Callable[[Row], Any]], ...]] = {
    "validation": (),
    "test": (("question", lambda row: (row.question, data_of(row))),),
    "test_templates": (("template", lambda row: row.template),),
    "test_index": (("index", lambda row: str(row.context.get("index") or "")),),
}


def leaks(rows: Iterable[Row], canonical: Callable[[str], str] | None = None) -> list[Leak]:
    """Of each set. With `canonical` also golds of unseen templates and data that training has in any spelling."""
    by_split: dict[str, list[Row]] = {}
    for row in rows:
        by_split.setdefault(row.split, []).append(row)
    train = by_split.get("train", [])
    found = []
    for split, items in by_split.items():
        wanted = list(_NEW.get(split, ()))
        if canonical is not None and split in ("test_templates", "test_index"):
            wanted.append(("gold", lambda row: (_gold(row, canonical), data_of(row)) if row.answer else None))
        for what, of in wanted:
            known = {key for row in train if (key := of(row))}
            ids = tuple(row.id for row in items if of(row) in known)
            if ids:
                found.append(Leak(split=split, what=what, shared=len(ids), of=len(items), ids=ids))
    return found


def duplicates(rows: Iterable[Row], canonical: Callable[[str], str]) -> Duplicates:
    """Questions that stand there more than once, letters and spaces apart."""
    asked: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        asked.setdefault((" ".join(row.question.lower().split()), data_of(row)), []).append(row)
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


def data_of(row: Row) -> str:
    return json.dumps(row.context, sort_keys=True, default=str) if row.context else ""
