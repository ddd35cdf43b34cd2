"""The section ``[task.sql.guard]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstill.api.rows import caller_setting, rows_setting
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
