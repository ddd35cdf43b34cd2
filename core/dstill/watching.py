"""Data that may move under a run: what it was like when the dataset was made, before a stage and after it.

    with watched(executor, examples, facts, made_from=run.manifest["stages"]["generate"]["data"]):
        …                           # DataError before it begins, where questions may have no answer any more
    facts["data"], facts["moved"]   # what the data was like; how it differed when the stage ended

What the facts are is the executor's matter (`Executor.facts`, `Executor.changes`); here they are
compared at the right moments, kept for run.json and told.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any, Iterator, Mapping, Sequence

from dstill.errors import DataError
from dstill.parts import Executor
from dstill.records import Example

__all__ = ["watched"]

log = logging.getLogger("dstill")


@contextlib.contextmanager
def watched(
    executor: Executor | None, examples: Sequence[Example], facts: dict[str, Any], *, made_from: Mapping[str, Any]
) -> Iterator[None]:
    """Look at the data of `examples` before and after. Raises DataError where it is not what they were made from."""
    if executor is None:
        yield
        return
    before = executor.facts(examples)
    for change in executor.changes(made_from, before):
        if change.breaks:
            raise DataError(
                "the data is not what the questions were made from",
                where=change.message,
                hint="generate the dataset anew, or name the data that it was made from",
            )
        log.warning("since the dataset was made: %s", change.message)
    if before:
        facts["data"] = before
    yield
    if before:
        moved = [change.message for change in executor.changes(before, executor.facts(examples))]
        facts["moved"] = moved
        for message in moved:
            log.warning("while answers ran: %s; scores are of data that moved", message)
