"""Options that this pack adds to dstill's commands, such as `data questions --schema FILE`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstill.api.option import Option, OptionValue
from dstill.io.input_files import MOST_BYTES, bytes_of, object_of, text_of

__all__ = ["OPTIONS"]

VALUES_FORM = 'give {"TABLE.COLUMN": ["every", "value"], "OTHER.COLUMN": {"examples": [...]}}'
_SECTION = "task.sql"


def _schema(text: str) -> OptionValue:
    statements = text_of(bytes_of(Path(text), "--schema", most=MOST_BYTES), f"--schema {text}")
    return OptionValue(context={"schema": statements})


def _own_database(text: str) -> OptionValue:
    """The schema. The database gets the name of the file."""
    name = Path(text).stem
    return OptionValue(
        settings={f"{_SECTION}.schema": text, f"{_SECTION}.db": name}, context={**_schema(text).context, "db": name}
    )


def _values(text: str) -> OptionValue:
    return OptionValue(
        settings={f"{_SECTION}.values": text}, context={"values": object_of(Path(text), "--values", VALUES_FORM)}
    )


def _dialect(text: str) -> OptionValue:
    return OptionValue(settings={f"{_SECTION}.dialect": text})


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
        commands=("data questions",),
        metavar="FILE",
        help="The CREATE TABLE statements of your own database.",
        read=_own_database,
    ),
    Option(
        name="--values",
        commands=("data questions",),
        metavar="FILE",
        help="Known values of its columns, as the values.json that `dstill init` writes. Needs --schema.",
        read=_values,
    ),
    Option(
        name="--schema",
        commands=("check", "data check"),
        metavar="FILE",
        help="CREATE TABLE statements of your database. Without them, and without --data, the layer schema is skipped; "
        "form and guard are not. A row may have a schema of its own.",
        read=_schema,
        column=_of_row,
    ),
    Option(
        name="--dialect",
        commands=("data questions", "data check"),
        help="The dialect of SQL: duckdb, sqlite or postgres. Default: task.sql.dialect, which is duckdb unless set.",
        read=_dialect,
    ),
    Option(
        name="--sql-dialect",  # files of several tasks are checked at once
        commands=("check",),
        help="The dialect of SQL: duckdb, sqlite or postgres. Default: task.sql.dialect, which is duckdb unless set.",
        read=_dialect,
    ),
)
