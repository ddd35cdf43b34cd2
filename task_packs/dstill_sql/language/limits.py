"""The section ``[task.sql.guard]``."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a query may be."""

    nodes: int = field(default=1_000, metadata={"low": 10, "high": 100_000, "help": "Most parts of a query."})
    joins: int = field(default=8, metadata={"low": 0, "high": 100, "help": "Most joins of a query."})
    selects: int = field(default=12, metadata={"low": 1, "high": 100, "help": "Most SELECTs of a query."})
    values: int = field(default=1_000, metadata={"low": 1, "high": 100_000, "help": "Most values of an IN list."})
    cross_joins: bool = field(default=False, metadata={"help": "Allow joins that compare no tables: rows multiply."})
    denied: tuple[str, ...] = field(
        default=(), metadata={"help": "Tables, and columns as `table.column`, that no query may read."}
    )
