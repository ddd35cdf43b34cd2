"""The data that a question is about: a bundled database, a file of the user, or a test database.

data_for(example, settings)      Rows(schema=Schema(…), rows={"drivers": [[1, "Ann"], …]}), or File(path=…)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill_sql.schema import Schema

__all__ = ["File", "Rows"]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Tables with their rows, whose cells are in the order of the columns. Dates are ISO texts."""

    schema: Schema
    rows: Mapping[str, Sequence[Sequence[Any]]]
    digest: str  # the same for the same content


@dataclass(frozen=True, kw_only=True)
class File:
    """A database file of the user, which is only read."""

    path: Path
