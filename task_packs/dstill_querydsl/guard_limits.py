"""How large and how costly a search body may be.

In: the section ``[task.querydsl.guard]``. Out: a frozen `Limits`; no value may go beyond its
ceiling, so that no configuration turns the guard off:

    Limits(size=200)            at most 200 hits
    Limits(size=1_000_000)      ConfigError: guard.size is at most 10,000
    Limits(fields=("*", "!user.email"))   everything but that field and what lies below it
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from dstill.errors import ConfigError

__all__ = ["CEILINGS", "Limits"]

CEILINGS = {
    "size": 10_000,
    "window": 10_000,  # the engines' own index.max_result_window
    "clauses": 1_024,
    "bool_depth": 20,
    "values": 65_536,  # index.max_terms_count
    "aggregation_depth": 10,
    "aggregations": 100,
    "buckets": 65_536,  # search.max_buckets
    "histogram_days": 36_600,
    "string_length": 10_000,
    "wildcards": 10,
    "top_hits": 100,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the guard lets through, beside its tables."""

    size: int = 1_000  # hits
    window: int = 10_000  # from + size
    clauses: int = 256  # queries in one body
    bool_depth: int = 8
    values: int = 1_000  # of one list, as in terms
    aggregation_depth: int = 4
    aggregations: int = 20  # in one body
    buckets: int = 10_000  # product of sizes, from the outermost aggregation to the innermost
    histogram_days: int = 366  # span that a date histogram is taken for where no range says it
    string_length: int = 1_000
    wildcards: int = 3  # in one pattern; never a leading one
    top_hits: int = 100
    query_string: bool = False
    fields: tuple[str, ...] = ("*",)  # globs; "!glob" denies, and deny wins

    def __post_init__(self) -> None:
        for field in fields(self):
            ceiling, value = CEILINGS.get(field.name), getattr(self, field.name)
            if ceiling is not None and not 0 <= value <= ceiling:
                raise ConfigError(f"guard.{field.name} = {value}", hint=f"it is 0 to {ceiling:,}")

    @property
    def restricts_fields(self) -> bool:
        return self.fields != ("*",)

    def allows(self, name: str) -> bool:
        """Whether a field may be used: allowed by a glob, and neither it nor a parent of it denied."""
        parts = name.split(".")
        above = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        if any(fnmatchcase(parent, glob) for parent in above for glob in self._denied()):
            return False
        allowed = [glob for glob in self.fields if not glob.startswith("!")] or ["*"]
        return any(fnmatchcase(name, glob) for glob in allowed)

    def allows_source(self, name: str) -> bool:
        """Whether ``_source`` may hold a name: also what lies below it comes along, and must not be denied."""
        return self.allows(name) and not any(_reaches_below(glob, name) for glob in self._denied())

    def _denied(self) -> list[str]:
        return [glob[1:] for glob in self.fields if glob.startswith("!")]


def _reaches_below(glob: str, name: str) -> bool:
    """Whether `glob` could match a field below `name`: a beginning of it matches ``name.``."""
    return any(fnmatchcase(f"{name}.", glob[:end]) for end in range(1, len(glob) + 1))
