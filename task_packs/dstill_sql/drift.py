"""Compares the columns of a database then and now, so that a student is not asked about what is gone.

    then = {"shop": {"columns": {"trips.id": "INT"}}}
    now = {"shop": {"columns": {"trips.id": "TEXT", "trips.at": "DATE"}}}
    list(unlearnt(then, now))     ["columns that the student learnt are changed: trips.id (INT, now TEXT)"]
    list(changes(then, now))      [Change(message="the columns of 'shop' differ: added trips.at; …", breaks=True)]

Facts are those of `dstill_sql.catalogs.facts_of`. New columns do not break earlier questions; removed ones do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill.api.engine import Change

__all__ = ["Drift", "changes", "compared", "unlearnt"]

NAMED = 5  # columns to name of each kind

Facts = Mapping[str, Mapping[str, Any]]  # database → facts


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The columns that differ; false if there are none."""

    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or self.changed)

    @property
    def breaks(self) -> bool:
        """Whether earlier questions may have no answer now."""
        return bool(self.gone or self.changed)

    def __str__(self) -> str:
        kinds = {"added": self.new, "removed": self.gone, "changed": self.changed}
        return "; ".join(f"{kind} {_named(names)}" for kind, names in kinds.items() if names)


def compared(before: Mapping[str, str], after: Mapping[str, str]) -> Drift:
    """What differs between two mappings of column → type. The case of names does not count."""
    old, new = ({name.casefold(): (name, type_) for name, type_ in one.items()} for one in (before, after))
    return Drift(
        gone=tuple(name for key, (name, _) in old.items() if key not in new),
        new=tuple(name for key, (name, _) in new.items() if key not in old),
        changed=tuple(
            f"{name} ({type_}, now {new[key][1]})"
            for key, (name, type_) in old.items()
            if key in new and new[key][1].casefold() != type_.casefold()
        ),
    )


def unlearnt(then: Facts, now: Facts) -> Iterator[str]:
    """Messages about columns that a student learnt and that are removed or changed now.

    If both are about a single database, they are compared even if its name changed.
    """
    pairs = {name: (then[name], now[name]) for name in then if name in now}
    if not pairs and len(then) == len(now) == 1:
        pairs = {name: (then[name], next(iter(now.values()))) for name in then}
    for name, (before, after) in pairs.items():
        found = compared(before["columns"], after["columns"])
        kinds = [("gone", found.gone), ("changed", found.changed)]
        if found.breaks:
            of = f" of '{name}'" if len(then) > 1 else ""
            differences = "; ".join(f"{kind}: {_named(names)}" for kind, names in kinds if names)
            yield f"columns{of} that the student learnt are {differences}"


def changes(then: Facts, now: Facts) -> Iterator[Change]:
    """The differences between two snapshots, for databases that are in both."""
    for name in sorted(then.keys() & now.keys()):
        if found := compared(then[name]["columns"], now[name]["columns"]):
            yield Change(message=f"the columns of '{name}' differ: {found}", breaks=found.breaks)


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
