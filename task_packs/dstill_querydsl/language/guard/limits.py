"""How large and how costly a search body may be.

In: the section ``[task.querydsl.guard]``. Out: a frozen `Limits`. Each limit has a maximum, so that no configuration
turns the guard off:

    Limits(size=200)            at most 200 hits
    Limits(size=1_000_000)      ConfigError: guard.size = 1000000; hint: use 0 to 10,000
    Limits(fields=("*", "!user.email"))   all fields except that one and the fields below it
    Limits(fields=("*", "!=labels"))      all fields except that one; fields below it are allowed
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from fnmatch import fnmatchcase
from glob import escape
from typing import Any

from dstill.api.rows import caller_setting, rows_setting
from dstill.api.setting import setting
from dstill.errors import ConfigError

__all__ = ["MAX_BUCKETS", "MAX_DEPTH", "MAX_PRECISION", "Limits"]

MAX_BUCKETS = 65_536  # search.max_buckets of the engines
MAX_PRECISION = 40_000  # the largest precision_threshold that engines use
MAX_DEPTH = 100  # nesting of objects and lists; strict JSON stops at 20


def _limit(default: int, maximum: int, help_: str) -> Any:
    return setting(default, help_, low=0, high=maximum)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of the guard: how large and how costly an answer may be."""

    size: int = _limit(1_000, 10_000, "Most hits of one answer (`size`).")
    window: int = _limit(10_000, 10_000, "Largest `from + size`. The engines have the same ceiling.")
    clauses: int = _limit(256, 1_024, "Most queries in one body.")
    bool_depth: int = _limit(8, 20, "Deepest nesting of bool queries.")
    values: int = _limit(1_000, 65_536, "Most values in one list, as in a terms query.")
    aggregation_depth: int = _limit(4, 10, "Deepest nesting of aggregations.")
    aggregations: int = _limit(20, 100, "Most aggregations in one body.")
    buckets: int = _limit(
        10_000, MAX_BUCKETS, "Largest product of bucket sizes, from the outermost aggregation inwards."
    )
    histogram_days: int = _limit(366, 36_600, "Days that a date histogram is assumed to span if no range limits it.")
    memory: int = _limit(
        128, 1_024, "Most memory of all aggregations in one body, in MB, by estimate. 128 suits a heap of 1 GB."
    )
    patterns: int = _limit(10_000, 100_000, "Largest sum of states and transitions of all patterns in one body.")
    string_length: int = _limit(1_000, 10_000, "Longest text, in characters.")
    wildcards: int = _limit(3, 10, "Most wildcards in one pattern. A leading wildcard is never allowed.")
    expansions: int = _limit(100, 1_000, "Most terms that a fuzzy or prefix query may expand to (`max_expansions`).")
    automaton_states: int = _limit(10_000, 10_000, "Most states of a regexp query (`max_determinized_states`).")
    compression: int = _limit(
        1_000, 10_000, "Largest `compression` of percentiles and boxplot: it decides the memory of each bucket."
    )
    fragments: int = _limit(100, 1_000, "Most fragments of one highlighted field.")
    timeout: int = _limit(60, 600, "Longest `timeout` that an answer may ask for, in seconds.")
    top_hits: int = _limit(100, 100, "Most hits of one top_hits aggregation.")
    query_string: bool = setting(False, "Allow query_string, whose text can name any field.")
    fields: tuple[str, ...] = setting(
        ("*",), "Globs of allowed fields. `!glob` denies a field; a denial wins over an allowance."
    )
    rows: Mapping[str, str] = rows_setting(
        'The documents of each index that a body reads: `{logs = "tenant = {caller.tenant} AND level = 3"}`. `"*"`: of '
        "other indices. An index without an entry is refused."
    )
    caller: Mapping[str, Any] = caller_setting()

    def __post_init__(self) -> None:
        for item in fields_of(self):
            maximum, value = item.metadata.get("high"), getattr(self, item.name)
            if maximum is not None and not 0 <= value <= maximum:
                raise ConfigError(f"guard.{item.name} = {value}", hint=f"use 0 to {maximum:,}")
        for glob in self.fields:
            if glob.startswith("-"):  # other tools deny with a dash; here it would allow a field of that name
                raise ConfigError(f"guard.fields has {glob!r}", hint=f"to deny a field, write '!{glob[1:]}'")

    @property
    def restricts_fields(self) -> bool:
        """Whether some fields may not be used."""
        return self.fields != ("*",)

    def allows(self, name: str) -> bool:
        """Whether a field may be used: a glob allows it, and none denies it or one of its parents."""
        if self.denies(name):
            return False
        allowed = [glob for glob in self.fields if not glob.startswith("!")] or ["*"]
        return any(fnmatchcase(name, glob) for glob in allowed)

    def denies(self, name: str) -> bool:
        """Whether a glob denies the field or one of its parents, or ``!=name`` denies exactly this field."""
        if f"={name}" in self._denied():
            return True
        parts = name.split(".")
        paths = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        return any(fnmatchcase(path, glob) for path in paths for glob in self._denied())

    def denying(self, names: Iterable[str]) -> Limits:
        """The same limits, which also deny these fields."""
        return replace(self, fields=(*self.fields, *(f"!{escape(name)}" for name in names)))

    def allows_source(self, name: str) -> bool:
        """Whether ``_source`` may name a field. It returns the fields below it too, so none of these may be denied."""
        return self.allows(name) and not self.denies_below(name)

    def denies_below(self, name: str) -> bool:
        """Whether a glob may deny a field below this one."""
        return any(_reaches_below(glob, name) for glob in self._denied())

    def _denied(self) -> list[str]:
        return [glob[1:] for glob in self.fields if glob.startswith("!")]


def _reaches_below(glob: str, name: str) -> bool:
    """Whether `glob` can match a field below `name`: some prefix of it matches ``name.``."""
    return any(fnmatchcase(f"{name}.", glob[:end]) for end in range(1, len(glob) + 1))
