"""DuckDB's own parser, by its function ``json_serialize_sql``, which reads a text and runs nothing.

duckdb_reading('{"error":false,"statements":[{"node":{"type":"SELECT_NODE", …}}]}')      Reading(tables=…)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dstill_sql.engines.parsers.names import NAMES
from dstill_sql.engines.parsers.reading import Reading, walk
from dstill_sql.language.engine_text import NotPrintable

__all__ = ["duckdb_reading"]

_NAMES = NAMES["duckdb"]
_CLOCKS = ("current_date", "current_timestamp", "localtimestamp")  # which its parser takes for columns
_PATHS = ("catalog_name", "schema_name", "catalog", "schema")


def duckdb_reading(serialized: str) -> Reading:
    """The reading of a text by DuckDB. Raises NotPrintable."""
    reading = Reading()
    tree = json.loads(serialized)
    if tree.get("error"):
        raise NotPrintable(f"DuckDB cannot read it: {tree.get('error_message')}")
    statements = tree["statements"]
    if len(statements) != 1:
        reading.others.append(f"{len(statements)} statements")
    for node in walk(statements):
        _read(node, reading)
    return reading


def _read(node: Mapping[str, Any], reading: Reading) -> None:
    kind = str(node.get("class") or node.get("type") or "")
    if not _is_known(node, kind):
        reading.others.append(kind)
    if any(node.get(path) for path in _PATHS):
        reading.others.append("a name with a schema")
    if "function_name" in node:
        reading.functions.add(node["function_name"].lower())
    reading.columns.update(name.casefold() for name in node.get("using_columns") or ())
    if kind in _KINDS:
        _KINDS[kind](node, reading)


def _is_known(node: Mapping[str, Any], kind: str) -> bool:
    if "class" in node:
        return kind in _NAMES["nodes"]
    is_source = "sample" in node or kind.endswith("_NODE")  # rows, or a query
    return not is_source or (kind in _NAMES["sources"] and node.get("sample") is None)


def _column(node: Mapping[str, Any], reading: Reading) -> None:
    if (name := node["column_names"][-1].casefold()) not in _CLOCKS:
        reading.columns.add(name)


def _star(node: Mapping[str, Any], reading: Reading) -> None:
    if node.get("columns") or node.get("expr"):
        reading.others.append("COLUMNS")
    beside = [name for name in node.get("exclude_list") or () if isinstance(name, str)]
    qualified = [*(node.get("qualified_exclude_list") or ()), *(part["key"] for part in node.get("rename_list") or ())]
    reading.columns.update(name.casefold() for name in (*beside, *(part["column"] for part in qualified)))


def _order(node: Mapping[str, Any], reading: Reading) -> None:
    """ORDER BY ALL is a star of all columns, which is looked at no more."""
    for term in node["orders"]:
        if term["expression"].get("columns") and not term["expression"].get("expr"):
            term["expression"] = {}
            reading.sorted_by_all += 1


def _constant(node: Mapping[str, Any], reading: Reading) -> None:
    if node["literal"]["kind"] == "STRING":
        reading.texts.add(node["literal"]["text"])


def _type(node: Mapping[str, Any], reading: Reading) -> None:
    if node["type_name"].lower() not in _NAMES["types"]:
        reading.others.append(f"the type {node['type_name']}")


def _table(node: Mapping[str, Any], reading: Reading) -> None:
    reading.tables[node["table_name"].casefold()] += 1


def _select(_: Mapping[str, Any], reading: Reading) -> None:
    reading.selects += 1


_KINDS: Mapping[str, Callable[[Mapping[str, Any], Reading], None]] = {
    "COLUMN_REF": _column,
    "STAR": _star,
    "ORDER_MODIFIER": _order,
    "CONSTANT": _constant,
    "TYPE": _type,
    "BASE_TABLE": _table,
    "SELECT_NODE": _select,
}
