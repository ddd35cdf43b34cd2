"""The section ``[task.sql.guard]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dstill.api.rows import caller_setting, reads_all, rows_setting
from dstill.api.setting import setting

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a query."""

    nodes: int = setting(1_000, "Most parts of a query.", low=10, high=100_000)
    joins: int = setting(8, "Most joins of a query.", low=0, high=100)
    selects: int = setting(12, "Most SELECTs of a query.", low=1, high=100)
    values: int = setting(1_000, "Most values of an IN list.", low=1, high=100_000)
    cross_joins: bool = setting(False, "Allow joins that compare no tables: rows multiply.")
    denied: tuple[str, ...] = setting((), "Tables, and columns as `table.column`, that no query may read.")
    rows: Mapping[str, str] = rows_setting(
        'The rows of each table that a query reads: `{orders = "tenant = {caller.tenant}", countries = ""}`. `"*"`: of '
        "other tables. A table without an entry is refused."
    )
    caller: Mapping[str, Any] = caller_setting()

    @cached_property
    def denied_tables(self) -> frozenset[str]:
        """The tables that no query may read, folded."""
        return frozenset(name.casefold() for name in self.denied)  # a name may have a dot

    @cached_property
    def denied_columns(self) -> frozenset[str]:
        """The columns that no query may read, in any table, folded."""
        return frozenset(name.casefold().rpartition(".")[2] for name in self.denied if "." in name)

    def denies(self, table: str, column: str = "") -> bool:
        """Whether no query may read a table, or a column of it."""
        return table.casefold() in self.denied_tables or bool(column and column.casefold() in self.denied_columns)

    def shows_values(self, table: str, column: str = "") -> bool:
        """Whether known values of a column may be seen: every query may read it in each row."""
        return not self.denies(table, column) and reads_all(self.rows, table)
