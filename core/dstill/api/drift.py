"""Compares things with names and types then and now: the columns of a database, the fields of a document.

    found = compared({"took": "long"}, {"took": "keyword", "at": "date"})
    str(found)        "added at; changed took (long, now keyword)"
    found.breaks      True

For packs whose `DataProfile.data_facts` have such names: data name → ``{"fields": {"took": "long"}}``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Drift", "Facts", "compared", "unlearnt"]

MOST_NAMES = 5  # names to show of each kind

Facts = Mapping[str, Mapping[str, Any]]  # data name → facts


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Differences between two states of the data; false if there are none."""

    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or self.changed)

    @property
    def breaks(self) -> bool:
        """Whether questions from before the change may have no answer now."""
        return bool(self.gone or self.changed)

    def __str__(self) -> str:
        return _listed({"added": self.new, "removed": self.gone, "changed": self.changed}, " ")


def compared(before: Mapping[str, str], after: Mapping[str, str], *, fold: Callable[[str], str] = str) -> Drift:
    """The differences between two dictionaries of name → type. Names and types are equal if they are after `fold`."""
    old, new = ({fold(name): (name, type_) for name, type_ in facts.items()} for facts in (before, after))
    return Drift(
        gone=tuple(name for key, (name, _) in old.items() if key not in new),
        new=tuple(name for key, (name, _) in new.items() if key not in old),
        changed=tuple(
            f"{name} ({type_}, now {new[key][1]})"
            for key, (name, type_) in old.items()
            if key in new and fold(new[key][1]) != fold(type_)
        ),
    )


def unlearnt(then: Facts, now: Facts, what: str, *, fold: Callable[[str], str] = str) -> Iterator[str]:
    """Messages about what a student learnt and is removed or changed now, for `DataProfile.drift`.

    `what` is the key of the names in the facts, and what they are called: ``fields``. If both are about a single data
    set, they are compared even if its name changed.
    """
    pairs = {name: (then[name], now[name]) for name in then if name in now}
    if not pairs and len(then) == len(now) == 1:
        pairs = {name: (then[name], next(iter(now.values()))) for name in then}
    for name, (before, after) in pairs.items():
        changes = compared(before[what], after[what], fold=fold)
        if changes.breaks:
            of = f" of '{name}'" if len(then) > 1 else ""
            differences = _listed({"gone": changes.gone, "changed": changes.changed}, ": ")
            yield f"{what}{of} that the student learnt are {differences}"


def _listed(kinds: Mapping[str, tuple[str, ...]], between: str) -> str:
    return "; ".join(f"{kind}{between}{_named(names)}" for kind, names in kinds.items() if names)


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
