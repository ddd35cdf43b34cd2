"""Leaks from test splits to the splits before them, and questions that occur twice.

    leaks([…], task)                 → [Leak(split="test_unseen_templates", what="template", shared=38, …)]
    duplicates([…], task.canonical)  → Duplicates(same=[("1", "9")], conflicting=[("2", "4")])   # by their answers

Rows are examples or records. The task declares which data a row is about (`Task.data_key`); `data_keys` says when two
rows are about the same data.
"""

from __future__ import annotations

import json
import unicodedata
from array import array
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dstill.api.faults import about
from dstill.api.records import Example, Record
from dstill.api.task import Task
from dstill.errors import DataError
from dstill.io.spool import View, digest
from dstill.io.strict_json import dumps

__all__ = ["SEEN", "Duplicates", "Leak", "by_split", "context_key", "data_keys", "duplicates", "leaks", "refuse_leaks"]

Row = Example | Record
R = TypeVar("R", Example, Record, Row)
Keys = Callable[[Row], Iterable[Hashable]]  # what a row must not share with another

# The data of `test_unseen_data` must not be in these splits: each of them decides something. train: the weights,
# validation: when training stops and which trial of a sweep is best, test: which objective `experiment ablate` prefers.
SEEN = ("train", "validation", "test")
SHORT_TEXT = 3  # words: a text with more of them may be a schema


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Something that one split shares with another, although its name says that it does not."""

    split: str
    what: str  # question, template, gold, or the task's word for its data (`Task.data_noun`): table, database
    shared: int  # rows of the split
    of: int  # all rows of the split
    ids: tuple[str, ...]  # of the shared rows
    other: str = "train"  # the split that has it too
    other_id: str = ""  # its first row that shares it with the first of `ids`

    def __str__(self) -> str:
        verb = "share" if self.shared > 1 else "shares"
        article = "an" if self.what[0] in "aeiou" else "a"
        return f"{self.shared} of {self.of} items of {self.split} {verb} {article} {self.what} with {self.other}"


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Groups of ids of rows with the same question about the same data."""

    same: Sequence[tuple[str, ...]]  # with one answer
    conflicting: Sequence[tuple[str, ...]]  # with several answers


def leaks(rows: Sequence[Row], task: Task, *, golds: bool = False, questions: bool = True) -> list[Leak]:
    """Leaks between the splits. Raises DataError when a row does not name its data.

    `golds`: also report gold answers of unseen templates and unseen data that training has in any spelling, but not
    refusals: many questions have the same one.
    `questions`: report questions of test that training has. The curation removes them, so before it they are no leak.
    """
    splits = by_split(rows)
    _require_data_names(splits, task)
    new: list[tuple[str, str, Keys, Sequence[str]]] = [  # split, what must be new in it, and beside which splits
        ("test_unseen_templates", "template", lambda row: [row.template] if row.template else [], ("train",)),
        ("test_unseen_data", task.data_noun, lambda row: data_keys(task, row), SEEN),
    ]
    if questions:
        new.insert(0, ("test", "question", lambda row: [(row.question, context_key(row))], ("train",)))
    if golds:
        new += [
            (split, "gold", lambda row: _golds(row, task), ("train",))
            for split in ("test_unseen_templates", "test_unseen_data")
        ]
    leaked = []
    for split, what, keys, others in new:
        for other in others if split in splits else ():
            leak = _leak(split, splits[split], other, splits.get(other, ()), what, keys)
            leaked += [leak] if leak is not None else []
    return leaked


def by_split(rows: Sequence[R]) -> dict[str, Sequence[R]]:
    """The rows of each split that has any."""
    positions: dict[str, array[int]] = {}
    for at, row in enumerate(rows):
        positions.setdefault(row.split, array("Q")).append(at)
    return {split: View(rows.__getitem__, places) for split, places in positions.items()}


def _leak(split: str, items: Sequence[Row], other: str, rows: Sequence[Row], what: str, keys: Keys) -> Leak | None:
    wanted = {digest(repr(key)) for row in items for key in keys(row)} if rows else set()
    known: dict[Hashable, str] = {}  # key of `items` → the first of `rows` that has it
    for row in rows:
        for key in keys(row):
            if digest(repr(key)) in wanted:
                known.setdefault(key, row.id)
    if not known:
        return None
    shared = [(row.id, known[key]) for row in items if (key := next(filter(known.__contains__, keys(row)), None))]
    ids = tuple(id for id, _ in shared)
    return Leak(split=split, what=what, shared=len(ids), of=len(items), ids=ids, other=other, other_id=shared[0][1])


def refuse_leaks(rows: Sequence[Row], task: Task, *, questions: bool = True) -> None:
    """Raises DataError for the first of the `leaks`, and when a row does not name its data."""
    for leak in leaks(rows, task, questions=questions):
        hint = f"a score over them would not mean what its name says: split by template and {task.data_noun}"
        if leak.what == task.data_noun:
            hint += "; names that differ only in case and spaces are of the same data, and so are equal schemas"
        raise DataError(
            str(leak),
            where=f"the splits {leak.split} and {leak.other}: rows '{leak.ids[0]}' and '{leak.other_id}'",
            hint=hint,
        )


def data_keys(task: Task, row: Row) -> list[Hashable]:
    """The keys of the data of a row: two rows are about the same data if they share one of these.

    The name (`Task.data_key`), compared without case, outer and repeated spaces and Unicode forms; a list of one is its
    item. The description: `Task.schema_keys` of the context. If the task declares none, the whole context without the
    name is compared, but only if it has an object, a list or a text of more than three words: a number or a word, such
    as a version or a date, describes no data. A row without a description has only its name.
    Empty: the row does not say what it is about.

    Not covered: the same data under two names of which no row has the schema, and schemas that differ in one field.
    """
    name, description = _name(task, row), _description(task, row)
    return [*([("name", name)] if name else []), *([("description", description)] if description else [])]


def _name(task: Task, row: Row) -> str:
    """The name of the row's data in the spelling that is compared; empty: it has none."""
    value = row.context.get(task.data_key)
    names = [_spelling(text) for text in (value if isinstance(value, list) else [value])]
    names = sorted({name for name in names if name})
    return dumps(names) if len(names) > 1 else "".join(names)


def _spelling(value: Any) -> str:
    if value is None or value == {}:
        return ""
    text = value if isinstance(value, str) else dumps(value)
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _description(task: Task, row: Row) -> str:
    described = {key: value for key, value in row.context.items() if key != task.data_key}
    if task.schema_keys:
        described = {key: value for key, value in described.items() if key in task.schema_keys and value}
    elif not any(map(_may_describe, described.values())):
        return ""
    return json.dumps(described, sort_keys=True, default=str) if described else ""


def _may_describe(value: Any) -> bool:
    if isinstance(value, str):
        return len(value.split()) > SHORT_TEXT
    return isinstance(value, (Mapping, list, tuple)) and bool(value)


def _require_data_names(by_split: Mapping[str, Sequence[Row]], task: Task) -> None:
    """Raises DataError when a row does not name its data, so that a leak could not be seen.

    If test_unseen_data has rows, they and all rows of the splits in `SEEN` must name their data.
    """
    for split in ("test_unseen_data", *SEEN) if by_split.get("test_unseen_data") else ():
        for row in by_split.get(split, ()):
            if not _name(task, row):
                raise DataError(
                    f"row '{row.id}' of {split} does not say which {task.data_noun} it is about",
                    where=f"context of row '{row.id}'",
                    hint=f'put {{"{task.data_key}": "NAME"}} into the context of each row of test_unseen_data, '
                    f"{', '.join(SEEN[:-1])} and {SEEN[-1]}, or move the rows of test_unseen_data to another split",
                )


def duplicates(rows: Iterable[Row], canonical: Callable[[str], str]) -> Duplicates:
    """Questions that occur more than once, ignoring case and spaces."""
    by_question: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_question.setdefault((" ".join(row.question.lower().split()), context_key(row)), []).append(row)
    groups = [group for group in by_question.values() if len(group) > 1]
    answers = [{_gold(row, canonical) for row in group if row.answer} for group in groups]
    named = [tuple(row.id for row in group) for group in groups]
    return Duplicates(
        same=[ids for ids, golds in zip(named, answers, strict=True) if len(golds) < 2],
        conflicting=[ids for ids, golds in zip(named, answers, strict=True) if len(golds) > 1],
    )


def _golds(row: Row, task: Task) -> list[Hashable]:
    with about(row.id):
        refuses = not row.answer or task.is_refusal(row.answer)
    return [] if refuses else [(_gold(row, task.canonical), context_key(row))]


def _gold(row: Row, canonical: Callable[[str], str]) -> str:
    with about(row.id):
        return canonical(row.answer or "")


def context_key(row: Row) -> str:
    """The whole context of a row as text; questions with equal contexts are about the same data."""
    return json.dumps(row.context, sort_keys=True, default=str) if row.context else ""
