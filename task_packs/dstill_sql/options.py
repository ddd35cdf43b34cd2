"""The meaning of the values of this pack's options, which `dstill_sql.declarations` lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstill.api.option import OptionValue
from dstill.io.input_files import MOST_BYTES, bytes_of, object_of, text_of

__all__ = ["column", "dialect", "own_database", "schema", "schema_name", "values"]

VALUES_FORM = 'give {"TABLE.COLUMN": ["every", "value"], "OTHER.COLUMN": {"examples": [...]}}'
_SECTION = "task.sql"


def schema_name(text: str) -> OptionValue:
    """The schema of a PostgreSQL server."""
    return OptionValue(settings={"executor.postgresql.schema_name": text})


def schema(text: str) -> OptionValue:
    """The statements in the file `text`. Raises UsageError, DataError."""
    statements = text_of(bytes_of(Path(text), "--schema", most=MOST_BYTES), f"--schema {text}")
    return OptionValue(context={"schema": statements})


def own_database(text: str) -> OptionValue:
    """The schema in the file `text`, of a database with the name of the file. Raises UsageError, DataError."""
    name = Path(text).stem
    return OptionValue(
        settings={f"{_SECTION}.schema": text, f"{_SECTION}.db": name}, context={**schema(text).context, "db": name}
    )


def values(text: str) -> OptionValue:
    """The known values in the file `text`. Raises UsageError, DataError."""
    return OptionValue(
        settings={f"{_SECTION}.values": text}, context={"values": object_of(Path(text), "--values", VALUES_FORM)}
    )


def dialect(text: str) -> OptionValue:
    """The dialect of queries."""
    return OptionValue(settings={f"{_SECTION}.dialect": text})


def column(value: Any) -> Mapping[str, Any]:
    """The context that the schema of a row gives."""
    return {"schema": value} if isinstance(value, str) else {}
