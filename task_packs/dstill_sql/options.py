"""Options that this pack adds to dstill's commands, such as `init --schema-name NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstill.api.option import Option, OptionValue
from dstill.io.input_files import MOST_BYTES, bytes_of, text_of

__all__ = ["OPTIONS"]


def _schema(text: str) -> OptionValue:
    statements = text_of(bytes_of(Path(text), "--schema", most=MOST_BYTES), f"--schema {text}")
    return OptionValue(context={"schema": statements})


def _of_row(value: Any) -> Mapping[str, Any]:
    return {"schema": value} if isinstance(value, str) else {}


OPTIONS = (
    Option(
        name="--schema-name",
        commands=("init", "ask", "adapt", "doctor"),
        help="The schema of a PostgreSQL server whose tables questions are about. Default: public.",
        read=lambda text: OptionValue(settings={"executor.postgresql.schema_name": text}),
    ),
    Option(
        name="--schema",
        commands=("check", "data check"),
        metavar="FILE",
        help="CREATE TABLE statements of your database. Without them, and without --data, the layer schema is skipped; "
        "form and guard are not.",
        read=_schema,
        column=_of_row,
    ),
    Option(
        name="--sql-dialect",
        commands=("check", "data check"),
        help="The dialect of the queries: duckdb, sqlite or postgres. Default: task.sql.dialect, which is duckdb "
        "unless set.",
        read=lambda text: OptionValue(settings={"task.sql.dialect": text}),
    ),
)
