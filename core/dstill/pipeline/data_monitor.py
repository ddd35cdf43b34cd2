"""Data that may move under a run, and engines that may be gone: what then is said of the scores.

    with watched(executor, examples, facts, made_from=run.manifest["stages"]["generate"]["data"]):
        …                           # DataError before it begins, where questions may have no answer any more
    facts["data"]       # what the data was like
    facts["notes"]      # "while answers ran: 'logs' holds 6 documents, and held 5": how it differs from what it was

    lost(verdicts)      # "the engine could not be asked about 12 of 400 answers, more than 2 %"; else nothing

What the facts are is the executor's matter (`Executor.facts`, `Executor.changes`); here they are
compared at the right moments, and kept for run.json and the person.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Iterator, Mapping, Sequence

from dstill.api.executor import Executor
from dstill.api.records import Example, OutcomeKind, Verdict
from dstill.errors import DataError

__all__ = ["MOST_LOST", "engine_failures", "monitored"]

MOST_LOST = 0.02  # of the answers: above it the engine, not the student, decided the scores

log = logging.getLogger("dstill")


@contextlib.contextmanager
def monitored(
    executor: Executor | None, examples: Sequence[Example], facts: dict[str, Any], *, made_from: Mapping[str, Any]
) -> Iterator[None]:
    """Look at the data of `examples` before and after. Raises DataError where it is not what they were made from."""
    if executor is None:
        yield
        return
    before, notes = executor.facts(examples), list[str]()
    for change in executor.changes(made_from, before):
        if change.breaks:
            raise DataError(
                "the data is not what the questions were made from",
                where=change.message,
                hint="generate the dataset anew, or name the data that it was made from",
            )
        notes.append(f"since the dataset was made: {change.message}")
    if before:
        facts["data"] = {**facts.get("data", {}), **before}
    yield
    if before:
        moved = executor.changes(before, executor.facts(examples))
        notes += [f"while answers ran: {change.message}; scores are of data that moved" for change in moved]
        facts["notes"] = [*facts.get("notes", ()), *notes]
    for note in notes:
        log.warning("%s", note)


def engine_failures(verdicts: Sequence[Verdict]) -> str:
    """Why scores are not to be trusted: the engine was not there for too many answers or their golds."""
    away = OutcomeKind.UNAVAILABLE.value
    count = sum(v.outcome == away or v.gold_error.startswith(f"{away}:") for v in verdicts)
    if count <= MOST_LOST * len(verdicts):
        return ""
    return f"the engine could not be asked about {count} of {len(verdicts)} answers, more than {MOST_LOST:.0%}"
