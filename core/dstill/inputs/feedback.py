"""People's feedback on a student's answers: one row of a feedback file each, and the opinion of all.

    {"id": "9f…", "when": "2026-03-01T10:00:00+00:00", "model": "mine", "question": "how many requests failed",
     "answer": "{…}", "verdict": "wrong", "correction": "{…}", "data": "shop"}

    read(Path("feedback.jsonl"))     # the rows, oldest first
    opinions(task, feedback)         # one Opinion for each question: its gold, and the answers that are wrong

`dstill serve --feedback FILE` appends the rows, from several processes too; `dstill improve RUN --feedback FILE` makes
training rows of them. Nobody is believed against somebody else: if two people want different answers to one question,
or one calls wrong what another calls right, the question has no gold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dstill.api.faults import about
from dstill.api.records import Row
from dstill.api.task import Task
from dstill.errors import DataError
from dstill.inputs.dedup import words_of
from dstill.io.jsonl import append_row, read_rows
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["CORRECTION", "MAX_FILE", "RIGHT", "WRONG", "Feedback", "Opinion", "append", "opinions", "read"]

MAX_FILE = 64 * 2**20  # bytes: about 100,000 rows
RIGHT, WRONG = "right", "wrong"
CORRECTION = "corrected"  # `Opinion.source`


@dataclass(frozen=True, kw_only=True)
class Feedback(Row):
    """Somebody's verdict on one answer."""

    id: str
    when: str  # ISO 8601, UTC
    model: str  # the run that answered
    question: str
    answer: str  # as the student gave it; empty: it gave none
    verdict: Literal["right", "wrong"]
    correction: str | None = None  # of a wrong answer: the right one; None: not given
    data: str = ""  # the name of the data (`Task.data_key`); empty: the data of most questions of the run

    @property
    def gold(self) -> str | None:
        """The answer that this person holds to be right; None: not said."""
        return self.answer if self.verdict == RIGHT else self.correction


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """The verdict of all feedback on one question."""

    question: str
    data: str
    source: str  # CORRECTED or RIGHT: where the gold is from; WRONG: there is none
    gold: str | None  # None: not known, or people disagree
    wrong: frozenset[str] = frozenset()  # canonical texts of the answers that are wrong
    disputed: bool = False


def append(file: Path, feedback: Feedback) -> bool:
    """Append a row; False if `file` would have more than `MAX_FILE` bytes. Raises DiskError, UsageError, RunError."""
    return append_row(file, feedback.to_row(), most=MAX_FILE)


def read(file: Path) -> list[Feedback]:
    """The rows of a feedback file, oldest first. Raises DataError for a row of another form, and UsageError."""
    rows = []
    for number, row in read_rows(file, own=True):
        try:
            rows.append(Feedback.from_row(row))
        except ValueError as error:
            hint = "fix or remove that line; the other rows stay"
            raise DataError(f"line {number} is not feedback: {error}", where=f"{file}:{number}", hint=hint) from None
    return rows


def opinions(task: Task, feedback: Iterable[Feedback]) -> list[Opinion]:
    """One opinion for each question about one data, in the order of their first rows."""
    groups: dict[tuple[str, str], list[Feedback]] = {}
    for row in feedback:
        groups.setdefault((words_of(row.question), row.data), []).append(row)
    return [_opinion(task, rows) for rows in groups.values()]


def _opinion(task: Task, rows: Sequence[Feedback]) -> Opinion:
    first = rows[0]
    right = [_in_one_line(task, row.gold) for row in rows if row.gold]
    refused = [_in_one_line(task, row.answer) for row in rows if row.verdict == WRONG and row.answer]
    with about(first.id):
        golds = {task.canonical(answer): answer for answer in right}
        wrong = frozenset(map(task.canonical, refused))
    disputed = len(golds) > 1 or not wrong.isdisjoint(golds)
    gold = None if disputed else next(iter(golds.values()), None)
    corrected = any(row.correction for row in rows)
    source = WRONG if gold is None else CORRECTION if corrected else RIGHT
    return Opinion(question=first.question, data=first.data, source=source, gold=gold, wrong=wrong, disputed=disputed)


def _in_one_line(task: Task, answer: str) -> str:
    """A person's answer in the spelling of the dataset: JSON without the line breaks of an editor."""
    try:
        return dumps(loads(answer)) if task.json_answers else answer.strip()
    except NotStrict:  # the checks will say so
        return answer.strip()
