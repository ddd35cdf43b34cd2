"""Counts how often a gate was used, in ``gate-uses.jsonl`` beside ``runs/``.

    use_of(records, training)         # 3: two other candidates have met this gate, or one that shares a question
    note_use(records, training, run)  # after the candidate's answers were judged

Every look at a gate's result is a chance to be accepted by luck, so each use is tested at a stricter level (`gate`).
Rejected candidates count too. Not covered: a file that somebody deletes, and other projects with the same questions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dstill.api.records import Record, Row
from dstill.errors import DataError
from dstill.inputs.dedup import words_of
from dstill.io.jsonl import append_row, read_rows
from dstill.io.strict_json import dumps

__all__ = ["FILE", "digest", "note_use", "use_of"]

FILE = Path("gate-uses.jsonl")


@dataclass(frozen=True, kw_only=True)
class Use(Row):
    """One candidate that met a gate."""

    gate: str  # `digest`
    training: str  # id of the candidate's training: judging it once more is no other use
    run: str  # the candidate
    when: str  # ISO 8601, UTC
    questions: tuple[str, ...] = ()  # `_questions` of the gate; an older use has none


def digest(records: Iterable[Record]) -> str:
    """SHA-256, in hex, of the questions and reference answers of a gate, in any order."""
    rows = sorted(dumps([record.split, record.question, record.answer, dict(record.context)]) for record in records)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def use_of(records: Sequence[Record], training: str) -> int:
    """The number of this use, from 1. Raises DataError if the file is damaged."""
    gate, questions = digest(records), _questions(records)
    met = (use for use in _uses() if use.gate == gate or not questions.isdisjoint(use.questions))
    return 1 + len({use.training for use in met} - {training})


def note_use(records: Sequence[Record], training: str, run: str) -> None:
    """Write down that a candidate met the gate; it is on disk when this returns."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    questions = tuple(sorted(_questions(records)))
    append_row(FILE, Use(gate=digest(records), training=training, run=run, when=now, questions=questions).to_row())


def _questions(records: Sequence[Record]) -> set[str]:
    """The first 48 bits of the SHA-256 of each question and its data, in hex."""
    texts = (dumps([words_of(record.question), dict(record.context)]) for record in records)
    return {hashlib.sha256(text.encode()).hexdigest()[:12] for text in texts}


def _uses() -> list[Use]:
    if not FILE.exists():
        return []
    try:
        return [Use.from_row(row) for _, row in read_rows(FILE, own=True)]
    except ValueError as error:
        raise DataError(f"{FILE} is damaged: {error}", where=str(FILE.absolute()), hint="remove that line") from None
