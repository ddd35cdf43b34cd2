"""Rows of a run that say how it answers questions of people, or of anybody else than the student's maker.

    peoples_rows(run, ["validation"])    # own questions with golds, what a person reviewed, a teacher's questions

Questions that a task makes for training are no measure of this: they have the words that the student learnt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dstill.api.records import Record
from dstill.quality.review import ACCEPT, EDIT, digest, latest
from dstill.runs.contents import RunContents
from dstill.runs.review_log import decisions

__all__ = ["ASKED_BY", "PEOPLE", "peoples_rows", "with_reference"]

ASKED_BY = "asked_by"  # in `Record.extra`: who asked, if not the student's maker
PEOPLE = "people"


def peoples_rows(run: RunContents, splits: Iterable[str]) -> list[Record]:
    """The rows of `splits` that others asked, each with `ASKED_BY`.

    Those with a gold of the user's own file of questions, those that a person accepted or edited in the review, and
    those that a teacher asked.
    """
    own, seen = bool(run.settings.generate.questions), _reviewed(run, splits)
    rows = []
    for record in (record for split in splits for record in run.records(split)):
        if record.extra.get(ASKED_BY):
            rows.append(record)
        elif record.id in seen or (own and with_reference(run, record)):
            rows.append(replace(record, extra={**record.extra, ASKED_BY: PEOPLE}))
    return rows


def with_reference(run: RunContents, record: Record) -> bool:
    """Whether no model wrote the answer of a row. A teacher that only looks replies up is none."""
    return not record.teacher or run.plugins.is_lookup(record.teacher)


def _reviewed(run: RunContents, splits: Iterable[str]) -> set[str]:
    """The ids of the rows that a person accepted or edited."""
    decided = latest(decisions(run))
    rows = (record for split in splits for record in run.records(split, raw=True) if record.id in decided)
    kept = {record.id: decided[record.id] for record in rows if decided[record.id].digest == digest(record)}
    return {id for id, decision in kept.items() if decision.decision in (ACCEPT, EDIT)}
