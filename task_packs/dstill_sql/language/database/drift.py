"""Compares the columns of a database then and now, so that a student is not asked about what is gone.

    then = {"shop": {"columns": {"trips.id": "INT"}}}
    now = {"shop": {"columns": {"trips.id": "TEXT", "trips.at": "DATE"}}}
    list(unlearnt(then, now))     ["columns that the student learnt are changed: trips.id (INT, now TEXT)"]
    list(changes(then, now))      [Change(message="the columns of 'shop' differ: added trips.at; …", breaks=True)]

Facts are those of `engines.catalogs.facts_of`. New columns do not break earlier questions; removed ones do. The case of
names and types does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from dstill.api import drift
from dstill.api.drift import Drift, Facts
from dstill.api.engine import Change

__all__ = ["changes", "compared", "unlearnt"]


def compared(before: Mapping[str, str], after: Mapping[str, str]) -> Drift:
    """The differences of two mappings of column → type."""
    return drift.compared(before, after, fold=str.casefold)


unlearnt = partial(drift.unlearnt, what="columns", fold=str.casefold)


def changes(then: Facts, now: Facts) -> Iterator[Change]:
    """The differences between two snapshots, for databases that are in both."""
    for name in sorted(then.keys() & now.keys()):
        if changed := compared(then[name]["columns"], now[name]["columns"]):
            yield Change(message=f"the columns of '{name}' differ: {changed}", breaks=changed.breaks)
