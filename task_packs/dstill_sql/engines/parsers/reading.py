"""The names in a query, as sqlglot reads it and as an engine's own parser reads it: both must be the same.

    difference(reading_of(statement), duckdb_reading(tree), "duckdb")
    ""                                       the engine reads what sqlglot reads
    "it reads the table 'secrets' 1 times"   else, the first thing that differs

`duckdb_reading` and `postgres_reading` get the trees of their parsers. SQLite shows no tree: while a statement is
prepared, its authorizer is told each table, column and function. `names.json` has what their trees may hold. Names are
folded, as the engines look them up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlglot import Dialect as Grammar
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dstill_sql.engines.parsers.names import NAMES
from dstill_sql.language.allowed import UNITS
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable, Statement

__all__ = ["Reading", "confirm", "difference", "named", "reading_of", "walk"]


@dataclass(kw_only=True)
class Reading:
    """The names in a query."""

    tables: Counter[str] = field(default_factory=Counter)  # also names of its WITH
    columns: set[str] = field(default_factory=set)  # also names of outputs; DuckDB drops those that GROUP BY repeats
    texts: set[str] = field(default_factory=set)  # literals
    functions: set[str] = field(default_factory=set)  # as the engine calls them, with operators
    selects: int = 0
    sorted_by_all: int = 0  # ORDER BY ALL
    others: list[str] = field(default_factory=list)  # what no query has that the guard allows


def confirm(statement: Statement, engine: Reading) -> None:
    """Raises NotPrintable if the engine reads another query than sqlglot does, or calls what no answer may call."""
    if told := difference(reading_of(statement), engine, statement.dialect):
        raise NotPrintable(f"the engine reads it in another way: {told}")


def reading_of(statement: Statement) -> Reading:
    """The reading of a printed query by sqlglot. Functions have other names there, so they do not count."""
    assert statement.tree is not None
    reading = Reading()
    tokens = Grammar.get_or_raise(statement.dialect).tokenize(statement.text)
    reading.texts.update(token.text for token in tokens if token.token_type is TokenType.STRING)
    parts: list[tuple[exp.Expr, int]] = [(statement.tree, 1)]
    while parts:
        node, times = parts.pop()
        _count(node, times, reading)
        for part in node.iter_expressions():
            # DuckDB repeats the operand of CASE x WHEN … for each WHEN
            repeated = isinstance(node, exp.Case) and part is node.this and statement.dialect == "duckdb"
            parts.append((part, times * len(node.args["ifs"]) if repeated else times))
    return reading


def named(tree: exp.Expr) -> dict[str, list[str]]:
    """The folded names that a query may read: tables that are not of its WITH, those of its WITH, columns or ``*``."""
    inner = {cte.alias_or_name.casefold() for cte in tree.find_all(exp.CTE)}
    columns = {name for column in tree.find_all(exp.Column) if (name := column.name.casefold())}
    columns |= {name.name.casefold() for join in tree.find_all(exp.Join) for name in join.args.get("using") or ()}
    natural = any(join.method == "NATURAL" for join in tree.find_all(exp.Join))
    stars = any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star))
    return {
        "tables": sorted({table.name.casefold() for table in tree.find_all(exp.Table)}),
        "inner": sorted(inner),
        "columns": ["*"] if stars or natural else sorted(columns),
    }


def difference(tree: Reading, engine: Reading, dialect: Dialect) -> str:
    """Names that the engine reads and the tree does not have, or the other way round. Empty: none."""
    if engine.others:
        return f"it reads {engine.others[0]}"
    if unknown := sorted(engine.functions - NAMES[dialect]["functions"]):
        return f"it calls {unknown[0]}"
    if tree.selects != engine.selects:
        return f"it reads {engine.selects} SELECTs"
    if tree.sorted_by_all != engine.sorted_by_all:
        return "it reads all columns"
    if tree.tables != engine.tables:
        name = next(iter((engine.tables - tree.tables) or (tree.tables - engine.tables)))
        return f"it reads the table '{name}' {engine.tables[name]} times"
    if names := sorted(tree.columns ^ engine.columns):
        return f"it {'reads' if names[0] in engine.columns else 'does not read'} the column '{names[0]}'"
    if texts := sorted(text for text in engine.texts - tree.texts if not _is_unit(text)):
        return f"it reads the text '{texts[0]}'"
    return ""


def walk(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a tree of JSON."""
    parts = [tree]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            yield cast(Mapping[str, Any], part)
            parts += part.values()


def _count(node: exp.Expr, times: int, reading: Reading) -> None:
    if isinstance(node, exp.Table):
        reading.tables[node.name.casefold()] += times
    elif isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
        reading.columns.add(node.name.casefold())
    elif isinstance(node, exp.Select):
        reading.selects += times
    elif isinstance(node, exp.Ordered) and isinstance(node.this, exp.Var):
        reading.sorted_by_all += times
    elif isinstance(node, exp.Join):
        reading.columns.update(name.name.casefold() for name in node.args.get("using") or ())


def _is_unit(text: str) -> bool:
    """Whether a text is a unit, which EXTRACT has as a word: YEAR, or YEARS."""
    return not {text.upper(), text.upper().removesuffix("S")}.isdisjoint(UNITS)
