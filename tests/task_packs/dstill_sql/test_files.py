"""Queries in files: where they are, where their problems are, and what is repaired."""

from __future__ import annotations

import ast
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.rides import ROWS, SCHEMA, inserted

import dstill_sql
from dstill.api import sense
from dstill.quality.linting.lint import Report, lint
from dstill_sql.files.codes import CODES
from dstill_sql.files.reading import answers, has_answers
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

TASKS = {dialect: Sql(Settings(dialect=dialect)) for dialect in DIALECTS}


def checked(text: str, dialect: Dialect = "duckdb", **context: Any) -> Report:
    return lint(TASKS[dialect], "a.sql", text, suffix=".sql", context=context)


def test_hint_for_a_file_of_queries_speaks_of_queries() -> None:
    (found,) = checked("DROP TABLE cities").problems
    assert (found.problem.message, found.problem.hint) == ("DROP is not a query: write a SELECT", "write one SELECT")


# --- files ------------------------------------------------------------------------------

FILE = """\
-- für alle
SELECT 'a;ü', "b;c" FROM cities; -- behind

/* ; */
  -- dstill: database=trips
WITH a AS (SELECT 1) SELECT * FROM a -- inside
  WHERE 1 = 1
;;
--dstill:database = shop
SELECT 1"""


def test_statements_name_their_database() -> None:
    found = [(FILE[one.start : one.end], one.context.get("db")) for one in answers(FILE, "duckdb")]
    assert found == [
        ("SELECT 'a;ü', \"b;c\" FROM cities", None),
        ("WITH a AS (SELECT 1) SELECT * FROM a -- inside\n  WHERE 1 = 1", "trips"),
        ("SELECT 1", "shop"),
    ]


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("CREATE TABLE a (b INT); (SELECT 1)", True),
        ("-- SELECT\nWITH a AS (SELECT 1) SELECT 2", True),
        ("CREATE TABLE a (b INT); INSERT INTO a SELECT 1", False),
        ("", False),
        ("SELECT 'open", True),
    ],
)
def test_folder_is_searched_for_queries(text: str, is_meant: bool) -> None:
    assert has_answers(text, "duckdb") == is_meant


# --- places -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("SELECT nme\nFROM drivers", "unknown_column", 1, 8),
        ("-- é\nSELECT 1;\nSELECT d.name,\n  d.nme FROM drivers d", "unknown_column", 4, 3),
        ("SELECT name FROM drivers JOIN cities ON home = cities.id", "ambiguous_column", 1, 8),
        ("SELECT id FROM\n drvers", "unknown_table", 2, 2),
        ("SELECT id\nFROM drivers,\n cities", "cross_join", 3, 2),
        ("SELECT 1,\n strange(id) FROM drivers", "function", 2, 2),
        ("SELECT 'é', id\nFROM main.drivers", "other_schema", 2, 6),
        ("SELECT * FROM read_csv('x')", "table_function", 1, 15),
        ("SELECT id FROM drivers\nWHERE", "syntax_error", 2, 1),
        ("SELECT id FROM drivers;\nSELECT 'open", "syntax_error", 1, 1),
        ("SELECT id FROM drivers;\n  DROP TABLE drivers", "syntax_error", 2, 3),
        ("WITH RECURSIVE\n a AS (SELECT 1 FROM a) SELECT * FROM a", "recursive", 2, 2),
    ],
)
def test_problems_have_lines_and_columns(text: str, code: str, line: int, column: int) -> None:
    found = {one.problem.code: (one.region.line, one.region.column) for one in checked(text, schema=SCHEMA).problems}
    assert found[code] == (line, column)


def test_messages_are_about_the_query() -> None:
    text = "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n"
    assert [one.rule for one in checked(text, schema=SCHEMA).problems] == ["guard/recursive"]
    (one,) = checked("SELECT id FROM drivers\nWHERE").problems
    assert one.problem.message == "not SQL: WHERE lacks a part"


# --- fixes ------------------------------------------------------------------------------

FIXED = [
    ("SELECT name FROM main.drivers ORDER BY id", "SELECT name FROM drivers ORDER BY id"),
    ("SELECT main.drivers.name FROM main . drivers", "SELECT main.drivers.name FROM drivers"),
    (
        'SELECT d.name FROM "main".drivers d JOIN main.cities c ON c.id = d.home',
        "SELECT d.name FROM drivers d JOIN cities c ON c.id = d.home",
    ),
    (
        "with recursive a as (select id from drivers), b as (select id from a) select count(*) from b",
        "with a as (select id from drivers), b as (select id from a) select count(*) from b",
    ),
    (
        "WITH RECURSIVE a AS (SELECT id FROM main.drivers) SELECT id FROM a",
        "WITH a AS (SELECT id FROM drivers) SELECT id FROM a",
    ),
]
TEXTS = [
    ('SELECT name FROM cities WHERE name = "Oslo"', "SELECT name FROM cities WHERE name = 'Oslo'"),
    (
        'SELECT name AS n FROM main.cities WHERE name IN ("Oslo", "it\'s") OR "n" = "a""b"',
        "SELECT name AS n FROM cities WHERE name IN ('Oslo', 'it''s') OR \"n\" = 'a\"b'",
    ),
]


@pytest.mark.parametrize(
    ("text", "repaired", "dialect"),
    [(*pair, dialect) for pair in FIXED for dialect in ("duckdb", "sqlite")] + [(*pair, "sqlite") for pair in TEXTS],
)
def test_fixed_query_has_the_same_rows(text: str, repaired: str, dialect: Dialect) -> None:
    file = f"-- first\n{text} -- kept\n;\nSELECT  1\n"
    assert checked(file, dialect, schema=SCHEMA).repaired == file.replace(text, repaired)
    assert checked(repaired, dialect, schema=SCHEMA).problems == ()
    assert rows(repaired, dialect) == rows(text, dialect) != []


def rows(query: str, dialect: Dialect) -> list[Any]:
    opened: Any = duckdb.connect() if dialect == "duckdb" else sqlite3.connect(":memory:")
    with closing(opened):
        for statement in SCHEMA.split(";")[:-1]:
            opened.execute(statement)
        for statement, values in inserted(ROWS):
            opened.execute(statement, values)
        return list(opened.execute(query).fetchall())


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("SELECT id FROM public.drivers", "duckdb"),
        ("SELECT id FROM x.main.drivers", "duckdb"),
        ("WITH drivers AS (SELECT 1 AS id) SELECT id FROM main.drivers", "duckdb"),
        ("WITH RECURSIVE a AS (SELECT 1 AS id UNION ALL SELECT id FROM a) SELECT id FROM a", "duckdb"),
        ("WITH RECURSIVE a AS (SELECT id FROM b), b AS (SELECT 1 AS id) SELECT id FROM a", "duckdb"),
        ('SELECT id FROM drivers WHERE name = "Oslo"', "duckdb"),
        ("SELECT id FROM drivers WHERE name = Oslo", "sqlite"),
        ('SELECT id FROM drivers d WHERE d."Oslo" = 1', "sqlite"),
        ("SELECT nme FROM drivers", "sqlite"),
    ],
)
def test_what_is_not_the_same_stays(text: str, dialect: Dialect) -> None:
    report = checked(text, dialect, schema=SCHEMA)
    assert report.problems
    assert report.repaired == text
    assert not any(one.fix for one in report.problems)


def test_schema_of_postgresql_is_public() -> None:
    assert checked("SELECT id FROM public.drivers", "postgres", schema=SCHEMA).repaired == "SELECT id FROM drivers"


TEXT = 'SELECT WITH RECURSIVE a AS ( ) FROM main. drivers ; "x" \' -- /* é $ , *'
WORDS = st.sampled_from([*TEXT.split(), "\n", "\ud800", "\0"])


@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=20), st.sampled_from(DIALECTS))
def test_any_file_can_be_checked_and_a_repair_is_final(text: str, dialect: Dialect) -> None:
    has_answers(text, dialect)
    report = checked(text, dialect)
    assert checked(report.repaired, dialect).repaired == report.repaired


# --- codes ------------------------------------------------------------------------------


def test_every_code_is_explained() -> None:
    language = Path(dstill_sql.__file__).parent / "language"
    of_guard = codes(language / "guard" / "__init__.py") | {"function", "construct", "type"}
    of_schema = codes(language / "database" / "schema_check.py")
    of_sense = [codes(file) for file in (Path(sense.__file__), *(language / "sense").glob("*.py"))]
    assert set(CODES) == {"syntax_error"} | of_guard | of_schema | set().union(*of_sense)


def codes(file: Path) -> set[str]:
    """The codes in the source: the first text of each call that makes a problem."""
    calls = [one for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, ast.Call)]
    made = [one.args[0] for one in calls if getattr(one.func, "id", "") in ("_problem", "warning", "twice")]
    return {one.value for one in made if isinstance(one, ast.Constant)}
