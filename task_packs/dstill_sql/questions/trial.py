"""Golds are tried on the rows: what is empty, proves nothing or depends on chance makes no question.

with GoldTrial("duckdb") as trial:
    trial.refusal(view, query)        "" or why the gold is not good: "empty", "arbitrary", …
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlglot import exp

from dstill.api.records import OutcomeKind
from dstill_sql.engines.clock import frozen
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.engines.embedded import Embedded
from dstill_sql.engines.sqlite import Sqlite, SqliteSettings
from dstill_sql.language.database.database import Rows
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.results import compare
from dstill_sql.questions.entities import View

__all__ = ["GoldTrial"]

_MOST = 2_000  # rows of a result
_LISTED_SHARE = 0.9  # share of a table's rows: nearly all of them prove nothing


class GoldTrial:
    """Runs golds. A context manager, which closes its engine. PostgreSQL's golds run in DuckDB."""

    def __init__(self, dialect: Dialect) -> None:
        self._engine: Embedded = Sqlite(SqliteSettings()) if dialect == "sqlite" else DuckDb(DuckDbSettings())
        self._rows: dict[int, Rows] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()

    def refusal(self, view: View, query: exp.Query) -> str:
        """Why the gold makes no question; empty: it makes one."""
        outcome = self._engine.run_on(frozen(query, view.now.isoformat(), self._engine.dialect), self._data(view))
        if outcome.kind is not OutcomeKind.OK:
            return f"invalid: {outcome.reason[:60]}"
        value = outcome.value
        if compare.is_empty(value) or compare.is_trivial(value):
            return "empty"
        if compare.is_nondeterministic(value):
            return "arbitrary"
        rows = value["rows"]
        if len(rows) > _MOST:
            return "too many rows"
        if query.args.get("limit") and any(cell is None for row in rows for cell in row[:1]):
            return "NULL comes first"
        return "nearly all rows match" if _is_vacuous(query, view, len(rows)) else ""

    def _data(self, view: View) -> Rows:
        if id(view) not in self._rows:
            data = view.database.data
            assert isinstance(data, Rows)
            self._rows[id(view)] = Rows(
                schema=data.schema.in_dialect(self._engine.dialect), read=data.read, digest=data.digest
            )
        return self._rows[id(view)]


def _is_vacuous(query: exp.Query, view: View, rows: int) -> bool:
    """Whether nearly all rows of a table meet the conditions of a list."""
    if not isinstance(query, exp.Select) or not query.args.get("where") or query.args.get("group"):
        return False
    if query.args.get("limit") or query.find(exp.AggFunc) or query.args.get("distinct"):
        return False
    source = query.find(exp.From)
    return rows > 3 and source is not None and rows > _LISTED_SHARE * len(view.rows.get(source.this.name, ()))
