"""How large and how costly a search body may be.

In: the section ``[task.querydsl.guard]``. Out: a frozen `Limits`; no value may go beyond its
ceiling, so that no configuration turns the guard off:

    Limits(size=200)            at most 200 hits
    Limits(size=1_000_000)      ConfigError: guard.size = 1000000, it is 0 to 10,000
    Limits(fields=("*", "!user.email"))   everything but that field and what lies below it
    Limits(fields=("*", "!=labels"))      everything but that field; what lies below it is allowed
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from dataclasses import fields as fields_of
from fnmatch import fnmatchcase
from glob import escape
from typing import Iterable

from dstill.errors import ConfigError

__all__ = ["MAX_BUCKETS", "MAX_DEPTH", "MAX_PRECISION", "Limits"]

MAX_BUCKETS = 65_536  # search.max_buckets of the engines
MAX_PRECISION = 40_000  # precision_threshold that engines take
MAX_DEPTH = 100  # objects in objects; strict JSON stops at 20


def _limit(default: int, ceiling: int, help_: str) -> int:
    return field(default=default, metadata={"low": 0, "high": ceiling, "help": help_})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the guard lets through, beside its tables."""

    size: int = _limit(1_000, 10_000, "hits of one answer")
    window: int = _limit(10_000, 10_000, "from + size; engines have the same ceiling")
    clauses: int = _limit(256, 1_024, "queries in one body")
    bool_depth: int = _limit(8, 20, "bool inside bool")
    values: int = _limit(1_000, 65_536, "values in one list, as in terms")
    aggregation_depth: int = _limit(4, 10, "aggregation below aggregation")
    aggregations: int = _limit(20, 100, "aggregations in one body")
    buckets: int = _limit(10_000, MAX_BUCKETS, "product of bucket sizes, from the outermost aggregation inwards")
    histogram_days: int = _limit(366, 36_600, "span a date histogram is taken for where no range says it")
    memory: int = _limit(128, 1_024, "MB that all aggregations of one body may keep, by estimate; 128 for 1 GB of heap")
    patterns: int = _limit(10_000, 100_000, "size of all patterns of one body: states and transitions of automata")
    string_length: int = _limit(1_000, 10_000, "characters of one text")
    wildcards: int = _limit(3, 10, "wildcards in one pattern; a leading one is never allowed")
    expansions: int = _limit(100, 1_000, "max_expansions: terms that one fuzzy or prefix clause may become")
    automaton_states: int = _limit(10_000, 10_000, "max_determinized_states of a regexp")
    compression: int = _limit(1_000, 10_000, "of percentiles and boxplot: memory of each bucket")
    fragments: int = _limit(100, 1_000, "pieces of one highlighted field")
    timeout: int = _limit(60, 600, "seconds")
    top_hits: int = _limit(100, 100, "hits of one top_hits")
    query_string: bool = field(default=False, metadata={"help": "let query_string through: its text names any field"})
    fields: tuple[str, ...] = field(default=("*",), metadata={"help": "globs of fields; '!glob' denies, and deny wins"})

    def __post_init__(self) -> None:
        for item in fields_of(self):
            ceiling, value = item.metadata.get("high"), getattr(self, item.name)
            if ceiling is not None and not 0 <= value <= ceiling:
                raise ConfigError(f"guard.{item.name} = {value}", hint=f"it is 0 to {ceiling:,}")
        for glob in self.fields:
            if glob.startswith("-"):  # as other tools write it; here it would allow a field of that very name
                raise ConfigError(f"guard.fields has {glob!r}", hint=f"to deny a field write '!{glob[1:]}'")

    @property
    def restricts_fields(self) -> bool:
        return self.fields != ("*",)

    def allows(self, name: str) -> bool:
        """Whether a field may be used: allowed by a glob, and neither it nor a parent of it denied."""
        if self.denies(name):
            return False
        allowed = [glob for glob in self.fields if not glob.startswith("!")] or ["*"]
        return any(fnmatchcase(name, glob) for glob in allowed)

    def denies(self, name: str) -> bool:
        """Whether a glob denies the field or a parent of it, or ``=name`` the field alone."""
        if f"={name}" in self._denied():
            return True
        parts = name.split(".")
        above = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(fnmatchcase(parent, glob) for parent in above for glob in self._denied())

    def denying(self, names: Iterable[str]) -> Limits:
        """The same limits without these fields."""
        return replace(self, fields=(*self.fields, *(f"!{escape(name)}" for name in names)))

    def allows_source(self, name: str) -> bool:
        """Whether ``_source`` may hold a name: also what lies below it comes along, and must not be denied."""
        return self.allows(name) and not self.denies_below(name)

    def denies_below(self, name: str) -> bool:
        """Whether a glob could deny something that lies below the field."""
        return any(_reaches_below(glob, name) for glob in self._denied())

    def _denied(self) -> list[str]:
        return [glob[1:] for glob in self.fields if glob.startswith("!")]


def _reaches_below(glob: str, name: str) -> bool:
    """Whether `glob` could match a field below `name`: a beginning of it matches ``name.``."""
    return any(fnmatchcase(f"{name}.", glob[:end]) for end in range(1, len(glob) + 1))
