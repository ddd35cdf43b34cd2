"""Short forms for JSON Schemas (draft 2020-12) that describe what dstill sends to programs.

record({"ok": flag("it passes"), "why": text("empty: it does")})
{"type": "object", "properties": {"ok": {"type": "boolean", …}, …}, "required": ["ok", "why"]}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

__all__ = [
    "Schema",
    "any_value",
    "either_or_null",
    "flag",
    "integer",
    "list_of",
    "number",
    "record",
    "table_of",
    "text",
]

Schema = dict[str, Any]


def text(about: str = "", **more: Any) -> Schema:
    """A string."""
    return _typed("string", about, more)


def flag(about: str = "", **more: Any) -> Schema:
    """True or false."""
    return _typed("boolean", about, more)


def integer(about: str = "", **more: Any) -> Schema:
    """A whole number."""
    return _typed("integer", about, more)


def number(about: str = "", **more: Any) -> Schema:
    """A number."""
    return _typed("number", about, more)


def any_value(about: str) -> Schema:
    """Any JSON value."""
    return {"description": about}


def list_of(item: Mapping[str, Any], about: str = "", **more: Any) -> Schema:
    """An array."""
    return {**_typed("array", about, more), "items": dict(item)}


def table_of(value: Mapping[str, Any], about: str = "") -> Schema:
    """An object with any keys, whose values have one form."""
    return {**_typed("object", about, {}), "additionalProperties": dict(value)}


def record(
    properties: Mapping[str, Any], about: str = "", *, optional: Collection[str] = (), closed: bool = False
) -> Schema:
    """An object with these keys, all of them but the `optional` ones required. `closed`: it may have no others."""
    required = [name for name in properties if name not in optional]
    schema = {**_typed("object", about, {}), "properties": dict(properties), "required": required}
    return {**schema, "additionalProperties": False} if closed else schema


def either_or_null(schema: Mapping[str, Any]) -> Schema:
    """A schema for everything that `schema` allows, and null."""
    if "type" in schema and not {"const", "enum"} & schema.keys():
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [dict(schema), {"type": "null"}]}


def _typed(kind: str, about: str, more: Mapping[str, Any]) -> Schema:
    return {"type": kind, **({"description": about} if about else {}), **more}
