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
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Protocol

from dstill.api.faults import about
from dstill.api.records import SPLITS, Problem, Record, Rejection
from dstill.pipeline.leakage import context_key

__all__ = ["FEW", "LEARNT_FROM", "nearest", "select", "words_of"]

NEAR = 90  # of 100: similarity of two questions from which on they are near duplicates
FEW = 500  # questions with one answer, up to which each is compared with every other
LEARNT_FROM = ("train", "validation")
UNSEEN_GOLDS = ("test_unseen_templates", "test_unseen_data")  # their answers must not be in training either
_MEANINGFUL = set("_.-%#@&*/\\")  # characters that change a question: 5 or 5%, C or C#, a or a/*
_Key = tuple[Hashable, ...]


class Answers(Protocol):
    """The methods of `dstill.api.task.Task` that are needed here."""

    def canonical(self, answer: str) -> str:
        """One spelling for all spellings of an answer."""

    def is_refusal(self, answer: str) -> bool:
        """Whether the answer refuses the question."""


def select(rows: Sequence[Record | Rejection], task: Answers) -> list[Record | Rejection]:
    """Every row, in order; a rejection with the reason replaces a row that must not be in the dataset."""
    records = [_Row(row, task) for row in rows if isinstance(row, Record)]
    found: dict[str, Problem] = {}
    for step in (_conflicting, _repeated, _near, _same_gold):
        left = [row for row in records if row.record.id not in found]
        for row, problem in step(left):
            found.setdefault(row.record.id, problem)
    return [_rejected(row, found[row.id]) if row.id in found and isinstance(row, Record) else row for row in rows]


class _Row:
    """A record with the keys to compare it by."""

    def __init__(self, record: Record, task: Answers) -> None:
        self.record = record
        self.words = words_of(record.question)
        self.data = context_key(record)
        with about(record.id):
            self.gold = (task.canonical(record.answer), self.data)
            self.refused = task.is_refusal(record.answer)


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
    found = process.extractOne(words, others, scorer=scorer, score_cutoff=NEAR)
    return None if found is None else int(found[2])


_Found = Iterator[tuple[_Row, Problem]]


def _conflicting(rows: Iterable[_Row]) -> _Found:
    for group in _groups(rows, lambda row: (row.words, row.data)):
        given = {row.gold for row in group if not row.record.teacher}
        if len({row.gold for row in group}) > 1:
            for row in group if len(given) != 1 else [row for row in group if row.gold not in given]:
                others = ", ".join(other.record.id for other in group[:4] if other is not row)
                yield row, _problem("conflicting", f"the same question has another answer in {others[:80]}")


def _repeated(rows: Iterable[_Row]) -> _Found:
    for group in _groups(rows, lambda row: (row.words, row.data)):
        first, *others = _test_splits_first(group)
        for row in others:
            yield row, _repetition(row, first, "duplicate", "the same question")


def _near(rows: Iterable[_Row]) -> _Found:
    for group in _groups((row for row in rows if not row.refused), lambda row: row.gold):
        kept = _Kept(compare_all=len(group) <= FEW)
        for row in _test_splits_first(group):
            others = kept.candidates(row)
            near = nearest(row.words, [other.words for other in others])
            if near is None:
                kept.add(row)
            else:
                yield row, _repetition(row, others[near], "near_duplicate", "nearly the same question")


class _Kept:
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
    found = set(words.split())
    return found if len(found) > 3 else found | {words[at : at + 3] for at in range(max(1, len(words) - 2))}


def _same_gold(rows: Sequence[_Row]) -> _Found:
    unseen = {row.gold: row.record for row in rows if row.record.split in UNSEEN_GOLDS and not row.refused}
    for row in rows:
        if row.record.split in LEARNT_FROM and (other := unseen.get(row.gold)) is not None:
            yield row, _problem("same_gold", f"its answer is that of {other.id} in {other.split}")


def _groups(rows: Iterable[_Row], key: Callable[[_Row], _Key]) -> list[list[_Row]]:
    """The groups of two or more rows with the same key."""
    found: dict[_Key, list[_Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return [group for group in found.values() if len(group) > 1]


def _test_splits_first(group: Iterable[_Row]) -> list[_Row]:
    return sorted(group, key=lambda row: -SPLITS.index(row.record.split))


def _repetition(row: _Row, first: _Row, code: str, what: str) -> Problem:
    across = row.record.split in LEARNT_FROM and first.record.split not in LEARNT_FROM
    where = f" of {first.record.split}" if across else ""
    return _problem("contaminated" if across else code, f"{what} as {first.record.id}{where}")


def _problem(code: str, message: str) -> Problem:
    return Problem(layer="curation", code=code, message=message)


def _rejected(record: Record, problem: Problem) -> Rejection:
    return Rejection(id=record.id, question=record.question, problems=(problem,), text=record.answer)
