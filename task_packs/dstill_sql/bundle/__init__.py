"""The bundled databases."""

from __future__ import annotations

from dstill_sql.databases import Database
from dstill_sql.schema import Dialect

__all__ = ["NAMES", "database"]

NAMES: tuple[str, ...] = ()


def database(name: str, dialect: Dialect) -> Database:
    """The bundled database of that name, with its types in `dialect`. Raises KeyError."""
    raise KeyError(f"{name} in {dialect}")
