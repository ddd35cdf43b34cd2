"""Which checked rows become the dataset: no question twice, and none in training that a test set asks.

    select(rows, task)   → the same rows in their order, some of them as rejections now

    conflicting      one question about the same data, and several answers: none of them can be trusted
    duplicate        one question, letters, spaces and signs apart, and one answer: the first stays
    near_duplicate   nearly the same words and the same answer
    contaminated     training or validation has it, or nearly, and so has a test set: the test set keeps it
    same_gold        training or validation has the answer of a template, or of data, that it must not have seen

Answers are equal in any spelling (`Task.canonical`). Questions that look alike and have other answers all stay:
they are what a student learns most from. So do those that are refused, as one refusal answers many questions. Of
two sets the one that is later in `SPLITS` keeps the row.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from typing import Callable, Hashable, Iterable, Iterator, Protocol, Sequence

from dstill.api.faults import about
from dstill.api.records import SPLITS, Problem, Record, Rejection
from dstill.pipeline.leakage import context_key

__all__ = ["FEW", "LEARNT_FROM", "nearest", "select", "words_of"]

NEAR = 90  # of 100: how much of its words a question shares with one that stands there already
FEW = 500  # questions of one answer up to which each is compared with every other
LEARNT_FROM = ("train", "validation")
UNSEEN_GOLDS = ("test_unseen_templates", "test_unseen_data")  # their answers are new, too
_TELLING = set("_.-%#@&*/\\")  # signs that make another question: 5 or 5%, C or C#, a or a/*
_Key = tuple[Hashable, ...]


class Answers(Protocol):
    """What a task says of answers: `dstill.api.task.Task`."""

    def canonical(self, answer: str) -> str: ...
    def is_refusal(self, answer: str) -> bool: ...


def select(rows: Sequence[Record | Rejection], task: Answers) -> list[Record | Rejection]:
    """Every row, in order; one that must not be in the dataset as a rejection that says why."""
    records = [_Row(row, task) for row in rows if isinstance(row, Record)]
    found: dict[str, Problem] = {}
    for step in (_conflicting, _repeated, _near, _same_gold):
        left = [row for row in records if row.record.id not in found]
        for row, problem in step(left):
            found.setdefault(row.record.id, problem)
    return [_rejected(row, found[row.id]) if row.id in found and isinstance(row, Record) else row for row in rows]


class _Row:
    """A record, and what it is compared by."""

    def __init__(self, record: Record, task: Answers) -> None:
        self.record = record
        self.words = words_of(record.question)
        self.data = context_key(record)
        with about(record.id):
            self.gold = (task.canonical(record.answer), self.data)
            self.refused = task.is_refusal(record.answer)


def words_of(question: str) -> str:
    """Lower case, one form of each character, signs that say nothing left out."""
    text = unicodedata.normalize("NFKC", question).casefold().replace("!=", "≠")
    return " ".join("".join(c if _tells(c) else " " for c in text).split()).strip(" .")


def _tells(c: str) -> bool:
    """Letters with their marks (vowels, in many scripts), digits, symbols as < ≥ $ €, and a few other signs."""
    category = unicodedata.category(c)
    return category[0] in "LMN" or category in ("Sm", "Sc", "So") or c in _TELLING


def nearest(words: str, others: Sequence[str], *, part: bool = True) -> int | None:
    """Which of `others` has nearly the same words (`words_of`); None: none has.

    `part`: in whatever order, and words that all stand in a longer question are nearly the same, too. Without it
    letters are compared as they stand, which is several times as quick.
    """
    from rapidfuzz import fuzz, process

    scorer = fuzz.token_set_ratio if part else fuzz.ratio
    near = process.extractOne(words, others, scorer=scorer, score_cutoff=NEAR)
    return None if near is None else int(near[2])


_Found = Iterator[tuple[_Row, Problem]]


def _conflicting(rows: Iterable[_Row]) -> _Found:
    for group in _groups(rows, lambda row: (row.words, row.data)):
        if len({row.gold for row in group}) > 1:
            for row in group:
                others = ", ".join(other.record.id for other in group[:4] if other is not row)
                yield row, _problem("conflicting", f"the same question has another answer in {others[:80]}")


def _repeated(rows: Iterable[_Row]) -> _Found:
    for group in _groups(rows, lambda row: (row.words, row.data)):
        first, *others = _held_out_first(group)
        for row in others:
            yield row, _twice(row, first, "duplicate", "the same question")


def _near(rows: Iterable[_Row]) -> _Found:
    for group in _groups((row for row in rows if not row.refused), lambda row: row.gold):
        kept = _Kept(all_of_them=len(group) <= FEW)
        for row in _held_out_first(group):
            others = kept.like(row)
            near = nearest(row.words, [other.words for other in others])
            if near is None:
                kept.add(row)
            else:
                yield row, _twice(row, others[near], "near_duplicate", "nearly the same question")


class _Kept:
    """The rows of one answer that stay. Of many, those are found quickly that share half of their words."""

    def __init__(self, *, all_of_them: bool) -> None:
        self._all_of_them = all_of_them
        self._rows: list[_Row] = []
        self._with: dict[str, list[int]] = defaultdict(list)

    def add(self, row: _Row) -> None:
        for part in _parts(row.words):
            self._with[part].append(len(self._rows))
        self._rows.append(row)

    def like(self, row: _Row) -> list[_Row]:
        if self._all_of_them:
            return self._rows
        parts = _parts(row.words)
        shared = Counter[int]()
        for part in parts:
            shared.update(self._with.get(part, ()))
        half = {at for at, n in shared.items() if 2 * n >= min(len(parts), len(_parts(self._rows[at].words)))}
        return [self._rows[at] for at in sorted(half)]


def _parts(words: str) -> set[str]:
    """Words; of a text that has hardly any spaces, as Chinese, threes of its letters too."""
    found = set(words.split())
    return found if len(found) > 3 else found | {words[at : at + 3] for at in range(max(1, len(words) - 2))}


def _same_gold(rows: Sequence[_Row]) -> _Found:
    unseen = {row.gold: row.record for row in rows if row.record.split in UNSEEN_GOLDS and not row.refused}
    for row in rows:
        if row.record.split in LEARNT_FROM and (held := unseen.get(row.gold)) is not None:
            yield row, _problem("same_gold", f"its answer is that of {held.id} in {held.split}")


def _groups(rows: Iterable[_Row], key: Callable[[_Row], _Key]) -> list[list[_Row]]:
    """Rows of one key, where there is more than one."""
    found: dict[_Key, list[_Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return [group for group in found.values() if len(group) > 1]


def _held_out_first(group: Iterable[_Row]) -> list[_Row]:
    return sorted(group, key=lambda row: -SPLITS.index(row.record.split))


def _twice(row: _Row, first: _Row, code: str, what: str) -> Problem:
    across = row.record.split in LEARNT_FROM and first.record.split not in LEARNT_FROM
    where = f" of {first.record.split}" if across else ""
    return _problem("contaminated" if across else code, f"{what} as {first.record.id}{where}")


def _problem(code: str, message: str) -> Problem:
    return Problem(layer="curation", code=code, message=message)


def _rejected(record: Record, problem: Problem) -> Rejection:
    return Rejection(id=record.id, question=record.question, problems=(problem,), text=record.answer)
