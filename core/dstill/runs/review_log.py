"""Reads the review decisions of a run and checks each row.

decisions(run)  →  [Decision(id="q-17", decision="reject", …), …], without those that were undone
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill.errors import DataError, RunError
from dstill.quality.review import EDIT, FILE, JUDGEMENTS, SKIP, UNDO, Decision, without_undone
from dstill.runs.folder import RunFolder

__all__ = ["decisions"]


def decisions(run: RunFolder) -> list[Decision]:
    """The decisions that were not undone, oldest first. Raises RunError when the file is damaged or too new."""
    return without_undone(_read(run))


def _read(run: RunFolder) -> Iterator[Decision]:
    try:
        for number, row in enumerate(run.rows(FILE), 1):
            if not _is_whole(row):
                raise _damaged(run, f"line {number} is not a decision", number)
            yield Decision.from_row(row)
    except DataError as error:
        raise _damaged(run, error.what, int(error.where.rpartition(":")[2] or 0)) from None


def _is_whole(row: Mapping[str, Any]) -> bool:
    texts = all(isinstance(row.get(name), str) for name in ("id", "decision", "who", "when", "digest"))
    written = row.get("answer"), row.get("rationale")
    return (
        texts
        and row["decision"] in (*JUDGEMENTS, SKIP, UNDO)
        and all(text is None or isinstance(text, str) for text in written)
        and (row["decision"] != EDIT or None not in written)
    )


def _damaged(run: RunFolder, what: str, line: int) -> RunError:
    return RunError(
        f"{FILE} is damaged: {what}",
        where=f"{run.folder / FILE}:{line}",
        hint="fix or remove that line; the other decisions stay",
    )
