"""PostgreSQL's own parser, which pgparse brings as a library: no server is asked.

postgres_reading("SELECT name FROM trips")       Reading(tables=Counter({"trips": 1}), …)
confirm_on_postgres(printed(query, "postgres"))  raises NotPrintable if it reads another query than sqlglot
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp

from dstill.errors import needs
from dstill_sql.engines.parsers.names import NAMES
from dstill_sql.engines.parsers.reading import Reading, confirm, walk
from dstill_sql.language.engine_text import NotPrintable, Statement

__all__ = ["confirm_on_postgres", "postgres_reading"]

_NAMES = NAMES["postgres"]
_CONSTRAINTS = {"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_NOTNULL"}
_UNUSUAL = ("lockingClause", "intoClause", "colDeflist")


@lru_cache(maxsize=4096)
def confirm_on_postgres(statement: Statement) -> None:
    """Read a statement with PostgreSQL's parser. Raises NotPrintable, MissingExtra.

    A query must be what sqlglot reads, and a CREATE TABLE that of its table alone. dstill's own texts are not read.
    """
    if isinstance(statement.tree, exp.Create):
        _confirm_table(statement.tree, _statements(statement.text))
    elif statement.tree is not None:
        confirm(statement, postgres_reading(statement.text))


def postgres_reading(text: str) -> Reading:
    """The reading of a text by PostgreSQL. Raises NotPrintable, MissingExtra."""
    reading = Reading()
    statements = _statements(text)
    if len(statements) != 1 or set(statements[0]["stmt"]) != {"SelectStmt"}:
        reading.others.append(f"{len(statements)} statements")
    for node in walk([statement["stmt"] for statement in statements]):
        for name, part in node.items():
            if (name[:1].isupper() and name not in _NAMES["nodes"]) or name in _UNUSUAL:  # other parts: small letters
                reading.others.append(name)
            elif name in _PARTS:
                _PARTS[name](part, reading)
    return reading


def _statements(text: str) -> list[Any]:
    with needs("the executor postgresql", "postgresql"):
        import pgparse
    try:
        statements: list[Any] = pgparse.parse(text)
    except pgparse.PGQueryError as error:
        raise NotPrintable(f"PostgreSQL cannot read it: {error}") from None
    return statements


def _confirm_table(tree: exp.Create, statements: Sequence[Mapping[str, Any]]) -> None:
    """Raises NotPrintable unless the statements are one CREATE TABLE with the columns of the tree and nothing else."""
    names = [tree.this.this.name, *(part.name for part in tree.this.expressions if isinstance(part, exp.ColumnDef))]
    create = statements[0]["stmt"].get("CreateStmt", {}) if len(statements) == 1 else {}
    elements = [element["ColumnDef"] for element in create.get("tableElts", ()) if "ColumnDef" in element]
    there = [create.get("relation", {}).get("relname"), *(element["colname"] for element in elements)]
    kinds = {node["Constraint"]["contype"] for node in walk(create) if "Constraint" in node}
    is_plain = set(create) <= {"relation", "tableElts", "oncommit"} and not create.get("relation", {}).get("schemaname")
    if there != names or not is_plain or not kinds <= _CONSTRAINTS:
        raise NotPrintable(f"PostgreSQL reads another statement than the table '{names[0]}'")


# --- parts of its tree ------------------------------------------------------------------


def _table(part: Mapping[str, Any], reading: Reading) -> None:
    if part.get("schemaname") or part.get("catalogname"):
        reading.others.append("a name with a schema")
    reading.tables[part["relname"].casefold()] += 1


def _column(part: Mapping[str, Any], reading: Reading) -> None:
    if "String" in part["fields"][-1]:  # else it is *
        reading.columns.add(list(_words(part["fields"]))[-1].casefold())


def _using(part: Sequence[Mapping[str, Any]], reading: Reading) -> None:
    reading.columns.update(word.casefold() for word in _words(part))


def _constant(part: Mapping[str, Any], reading: Reading) -> None:
    if isinstance(part.get("sval"), dict):
        reading.texts.add(part["sval"].get("sval", ""))


def _call(part: Mapping[str, Any], reading: Reading) -> None:
    reading.functions.add(_called(part["funcname"]))


def _operator(part: Mapping[str, Any], reading: Reading) -> None:
    reading.functions.add(_called(part["name"]))


def _type(part: Mapping[str, Any], reading: Reading) -> None:
    if (name := _called(part["names"])) not in _NAMES["types"]:
        reading.others.append(f"the type {name}")


def _clock(part: Mapping[str, Any], reading: Reading) -> None:
    if part["op"] not in _NAMES["clocks"]:
        reading.others.append(part["op"])


def _select(part: Mapping[str, Any], reading: Reading) -> None:
    reading.selects += bool(part.get("targetList"))  # a UNION has none: its sides have


_PARTS: Mapping[str, Callable[[Any, Reading], None]] = {
    "RangeVar": _table,
    "ColumnRef": _column,
    "usingClause": _using,
    "A_Const": _constant,
    "FuncCall": _call,
    "A_Expr": _operator,
    "TypeName": _type,
    "typeName": _type,
    "SQLValueFunction": _clock,
    "SelectStmt": _select,
    "larg": _select,
    "rarg": _select,
}


def _words(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for part in parts:
        if "String" in part:
            yield part["String"].get("sval", "")


def _called(name: Sequence[Mapping[str, Any]]) -> str:
    """The name of a function, an operator or a type, without the schema of the built-in ones."""
    return ".".join(_words(name)).lower().removeprefix("pg_catalog.")
