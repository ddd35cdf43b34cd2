"""Every function is what the engines take, and is found again in a query."""

from __future__ import annotations

import sqlite3

import duckdb
import pytest

from dstill_sql.form.functions import FUNCTIONS, NUMERIC, TEMPORAL, Function
from dstill_sql.form.patterns import Patterns
from dstill_sql.language.canonical import canonical
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.statements import read

TABLE = "CREATE TABLE t (a INT, b INT, x TEXT, y TEXT, d TIMESTAMP, e TIMESTAMP)"
# Of two tokens that a dialect writes alike, the first one is found.
TWICE = {("duckdb", "cast:varchar"), ("sqlite", "cast:float"), ("postgres", "cast:float")}


def arguments(function: Function) -> list[str]:
    pairs = ("ab" if takes & NUMERIC else "de" if takes & TEMPORAL else "xy" for takes in function.takes)
    return [pair[place] for place, pair in enumerate(pairs)]


def written(function: Function, dialect: Dialect) -> str:
    text = function.text(dialect) or ""
    for place, argument in enumerate(arguments(function)):
        text = text.replace(f"{{{place}}}", argument)
    return f"SELECT {text.replace('{n}', '3' if function.whole else '0.9')} FROM t"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_function_is_found_again(dialect: Dialect) -> None:
    patterns = Patterns.of(dialect)
    for function in FUNCTIONS.values():
        if function.text(dialect) is None or (dialect, function.token) in TWICE:
            continue
        match = patterns.match(canonical(read(written(function, dialect), dialect), dialect).selects[0].unnest())
        assert match is not None, function.token
        assert match.function is function
        assert [one.sql() for one in match.arguments] == arguments(function)
        assert match.number in (("3", "0.9") if function.counted else ("",))


def test_engines_take_every_function() -> None:
    connections = {"duckdb": duckdb.connect(), "sqlite": sqlite3.connect(":memory:")}
    for dialect, connection in connections.items():
        connection.execute(TABLE)
        for function in FUNCTIONS.values():
            if function.text(dialect) is not None:  # type: ignore[arg-type]
                text = written(function, dialect)  # type: ignore[arg-type]
                connection.execute(f"EXPLAIN {text}")
                connection.execute(f"EXPLAIN {read(text, dialect).sql(dialect)}")  # type: ignore[arg-type]
        connection.close()
