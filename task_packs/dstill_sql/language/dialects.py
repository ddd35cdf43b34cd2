"""The dialects of SQL that answers are written in."""

from __future__ import annotations

from typing import Literal

__all__ = ["DIALECTS", "Dialect"]

Dialect = Literal["duckdb", "sqlite", "postgres"]
DIALECTS: tuple[Dialect, ...] = ("duckdb", "sqlite", "postgres")
