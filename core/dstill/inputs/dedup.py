"""Which checked rows become the dataset: no question twice, and no training row that a test split has.

    select(rows, task)   → the same rows in their order, some of them as rejections now

    conflicting      one question about the same data with several answers: all are removed, but those with the answer
                     that came with the question
    duplicate        the same question (but for case, spaces and punctuation) and answer: the first stays
    near_duplicate   nearly the same words and the same answer
    contaminated     a row of training or validation whose question, or nearly, is in a test split, which keeps it
    same_gold        a row of training or validation with an answer of the unseen templates or unseen data

Answers are equal in any spelling (`Task.canonical`). Similar questions with different answers all stay: a student
learns most from them. Refused questions all stay too, as one refusal answers many questions. Of two splits, the one
that is later in `SPLITS` keeps the row.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, cast

from dstill.api.faults import about
from dstill.api.records import SPLITS, Example, Problem, Record, Rejection
from dstill.inputs.leakage import context_key
from dstill.io.spool import MEMORY_ITEMS, Positions
from dstill.io.strict_json import dumps
from dstill.runtime import spooled
from dstill.runtime.progress import Progress, silent

__all__ = ["LEARNING_SPLITS", "SMALL_GROUP", "nearest", "question_key", "select", "words_of"]

SIMILARITY = 90  # of 100: similarity of two questions from which on they are near duplicates
SMALL_GROUP = 500  # questions with one answer, up to which each is compared with every other
LEARNING_SPLITS = ("train", "validation")
UNSEEN_GOLDS = ("test_unseen_templates", "test_unseen_data")  # their answers must not be in training either
_MEANINGFUL = set("_.-%#@&*/\\")  # characters that change a question: 5 or 5%, C or C#, a or a/*


class Answers(Protocol):
    """The methods of `dstill.api.task.Task` that are needed here."""

    def canonical(self, answer: str) -> str:
        """One spelling for all spellings of an answer."""

    def is_refusal(self, answer: str) -> bool:
        """Whether the answer refuses the question."""


def select(
    rows: Iterable[Record | Rejection], task: Answers, progress: Progress = silent
) -> Sequence[Record | Rejection]:
    """Every row, in order; a rejection with the reason replaces a row that must not be in the dataset."""
    table = _Table(rows, task)
    what, steps = "looking for repeated questions", (_conflicting, _repeated, _near, _same_gold)
    for done, step in enumerate(steps):
        progress(what, done, len(steps))
        for at, problem in step(table):
            table.reject(at, problem)
    progress(what, len(steps), len(steps))
    return table.rows


class _Table:
    """The rows, and groups of the records that are left: those with the same words, and those with the same answer."""

    def __init__(self, rows: Iterable[Record | Rejection], task: Answers) -> None:
        self.rows = spooled.labels()
        self.has_unseen = False  # whether a split must have other answers than training
        self._task = task
        self._by_words, self._by_gold = Positions(), Positions()  # refused questions have no gold
        self._left = bytearray()  # 1: a record that no step has rejected
        self._known: dict[int, _Row] = {}  # the first ones, so that few rows are looked at once
        for at, row in enumerate(rows):
            self.rows.append(row)
            self._left.append(isinstance(row, Record))
            if isinstance(row, Record):
                self._add(_Row(at, row, task))

    def _add(self, row: _Row) -> None:
        self._by_words.add(dumps([row.words, row.data]), row.at)
        if not row.refused:
            self._by_gold.add(row.gold, row.at)
        self.has_unseen |= row.record.split in UNSEEN_GOLDS
        if len(self._known) < MEMORY_ITEMS:
            self._known[row.at] = row

    def _row(self, at: int) -> _Row:
        return self._known.get(at) or _Row(at, cast(Record, self.rows[at]), self._task)

    def _groups(self, keys: Positions) -> Iterator[list[_Row]]:
        for positions in keys.repeated():
            left = [at for at in positions if self._left[at]]
            if len(left) > 1:
                yield [self._row(at) for at in left]

    def same_words(self) -> Iterator[list[_Row]]:
        """Records with the same words about the same data."""
        return self._groups(self._by_words)

    def same_gold(self) -> Iterator[list[_Row]]:
        """Records with the same answer, but refusals, about the same data."""
        return self._groups(self._by_gold)

    def reject(self, at: int, problem: Problem) -> None:
        """Replace a record by its rejection."""
        self._left[at] = 0
        self.rows[at] = _rejected(cast(Record, self.rows[at]), problem)


class _Row:
    """A record with the keys to compare it by."""

    def __init__(self, at: int, record: Record, task: Answers) -> None:
        self.at, self.record = at, record
        self.words = words_of(record.question)
        self.data = context_key(record)
        with about(record.id):
            self.gold = dumps([task.canonical(record.answer), self.data])
            self.refused = task.is_refusal(record.answer)


def question_key(row: Example | Record) -> tuple[str, str]:
    """The words of a question and its context: rows with equal keys ask the same of the same data."""
    return words_of(row.question), context_key(row)


def words_of(question: str) -> str:
    """The text in lower case and Unicode normal form NFKC, without punctuation that has no meaning."""
    text = unicodedata.normalize("NFKC", question).casefold().replace("!=", "≠")
    return " ".join("".join(c if _has_meaning(c) else " " for c in text).split()).strip(" .")


def _has_meaning(c: str) -> bool:
    """Letters with their marks (vowels in many scripts), digits, symbols such as < ≥ $ €, and `_MEANINGFUL`."""
    category = unicodedata.category(c)
    return category[0] in "LMN" or category in ("Sm", "Sc", "So") or c in _MEANINGFUL


def nearest(words: str, others: Sequence[str], *, part: bool = True) -> int | None:
    """The position of the text in `others` with nearly the same words (`words_of`); None: there is none.

    `part`: words may be in any order, and a question may be part of a longer one (`rapidfuzz.fuzz.token_set_ratio`).
    Without it, characters are compared in order (`rapidfuzz.fuzz.ratio`), which is several times as fast.
    """
    from rapidfuzz import fuzz, process

    scorer = fuzz.token_set_ratio if part else fuzz.ratio
    hit = process.extractOne(words, others, scorer=scorer, score_cutoff=SIMILARITY)
    return None if hit is None else int(hit[2])


_Repeats = Iterator[tuple[int, Problem]]


def _conflicting(table: _Table) -> _Repeats:
    for group in table.same_words():
        golds = {row.gold for row in group if not row.record.teacher}
        if len({row.gold for row in group}) > 1:
            for row in group if len(golds) != 1 else [row for row in group if row.gold not in golds]:
                others = ", ".join(other.record.id for other in group[:4] if other is not row)
                yield row.at, _problem("conflicting", f"the same question has another answer in {others[:80]}")


def _repeated(table: _Table) -> _Repeats:
    for group in table.same_words():
        first, *others = _test_splits_first(group)
        for row in others:
            yield row.at, _repetition(row, first, "duplicate", "the same question")


def _near(table: _Table) -> _Repeats:
    for group in table.same_gold():
        earlier = _KeptRows(compare_all=len(group) <= SMALL_GROUP)
        for row in _test_splits_first(group):
            alike = earlier.candidates(row)
            near = nearest(row.words, [other.words for other in alike])
            if near is None:
                earlier.add(row)
            else:
                yield row.at, _repetition(row, alike[near], "near_duplicate", "nearly the same question")


class _KeptRows:
    """The rows of one answer that stay, to be found by their words."""

    def __init__(self, *, compare_all: bool) -> None:
        self._compare_all = compare_all
        self._rows: list[_Row] = []
        self._with: dict[str, list[int]] = defaultdict(list)

    def add(self, row: _Row) -> None:
        for part in _parts(row.words):
            self._with[part].append(len(self._rows))
        self._rows.append(row)

    def candidates(self, row: _Row) -> list[_Row]:
        """The rows to compare `row` with: all, or those that share half of the words."""
        if self._compare_all:
            return self._rows
        parts = _parts(row.words)
        shared = Counter[int]()
        for part in parts:
            shared.update(self._with.get(part, ()))
        half = {at for at, n in shared.items() if 2 * n >= min(len(parts), len(_parts(self._rows[at].words)))}
        return [self._rows[at] for at in sorted(half)]


def _parts(words: str) -> set[str]:
    """The words; for a text with hardly any spaces, such as Chinese, also its character trigrams."""
    parts = set(words.split())
    return parts if len(parts) > 3 else parts | {words[at : at + 3] for at in range(max(1, len(words) - 2))}


def _same_gold(table: _Table) -> _Repeats:
    for group in table.same_gold() if table.has_unseen else ():
        unseen = [row.record for row in group if row.record.split in UNSEEN_GOLDS]
        for row in group if unseen else ():
            if row.record.split in LEARNING_SPLITS:
                yield row.at, _problem("same_gold", f"its answer is that of {unseen[-1].id} in {unseen[-1].split}")


def _test_splits_first(group: Iterable[_Row]) -> list[_Row]:
    return sorted(group, key=lambda row: -SPLITS.index(row.record.split))


def _repetition(row: _Row, first: _Row, code: str, what: str) -> Problem:
    across = row.record.split in LEARNING_SPLITS and first.record.split not in LEARNING_SPLITS
    where = f" of {first.record.split}" if across else ""
    return _problem("contaminated" if across else code, f"{what} as {first.record.id}{where}")


def _problem(code: str, message: str) -> Problem:
    return Problem(layer="curation", code=code, message=message)


def _rejected(record: Record, problem: Problem) -> Rejection:
    return Rejection(id=record.id, question=record.question, problems=(problem,), text=record.answer)
