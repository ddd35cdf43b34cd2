"""Leaves of a tree that are printed as text, stars in odd places, and texts that grow where no output shows it."""

from __future__ import annotations

import itertools
import re

import pytest

from dstill.api.records import Problem
from dstill.errors import DataError
from dstill_sql.language import guard
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import NotOneQuery, read

DDL = """
CREATE TABLE t (a INT, b VARCHAR(20), secret VARCHAR(20), ts TIMESTAMP);
CREATE TABLE u (a INT, t INT);
CREATE TABLE v (a INT);
"""
SCHEMAS = {dialect: SqlSchema.read(DDL, dialect) for dialect in DIALECTS}
BOXES = SqlSchema.read("CREATE TABLE t (a INT, deep STRUCT(word VARCHAR)); CREATE TABLE u (a INT, t INT);", "duckdb")


def problems(
    text: str, dialect: Dialect, schema: SqlSchema | None = None, denied: tuple[str, ...] = ()
) -> list[Problem]:
    """What keeps a text from an engine."""
    try:
        query = read(text, dialect)
    except NotOneQuery as error:
        return [Problem(layer="form", code="not_one_query", message=str(error))]
    return list(guard.check(query, schema or SCHEMAS[dialect], Limits(denied=denied), dialect))


def passed(texts: object, dialect: Dialect, denied: tuple[str, ...] = ()) -> list[str]:
    assert isinstance(texts, (list, tuple))
    return [text for text in texts if not problems(text, dialect, denied=denied)]


# --- leaves -----------------------------------------------------------------------------

TAILS = (
    "year from ts), secret from t limit 2 --",
    "year from ts), pg_sleep(2) from t --",
    "year from ts), pg_read_file(1) from t --",
    "year from ts) from t; create temp table x as select 42 --",
    "1)), secret, sqlite_version() from t limit 2 --",
    "day), secret from t --",
    "day') + b, secret from t --",
    "x', secret from t --",
)
PLACES = (
    "SELECT EXTRACT({} FROM ts) FROM t",
    "SELECT DATE_PART({}, ts) FROM t",
    "SELECT DATE_TRUNC({}, ts) FROM t",
    "SELECT DATE_ADD(ts, 1, {}) FROM t",
    "SELECT DATE_DIFF({}, ts, ts) FROM t",
    "SELECT TIMESTAMP_TRUNC(ts, {}) FROM t",
    "SELECT TIMESTAMP_DIFF(ts, ts, {}) FROM t",
    "SELECT LAST_DAY(ts, {}) FROM t",
    "SELECT ts + INTERVAL '1' {} FROM t",
    "SELECT CAST(a AS DECIMAL({})) FROM t",
    "SELECT CAST(a AS DECIMAL(10, {})) FROM t",
    "SELECT CAST(b AS VARCHAR({})) FROM t",
    "SELECT CAST(ts AS TIMESTAMP({})) FROM t",
    "SELECT CAST(b AS {}) FROM t",
    "SELECT b::{} FROM t",
    "SELECT TRIM({} b FROM b) FROM t",
    "SELECT SUM(a) OVER (ORDER BY a ROWS BETWEEN {} AND CURRENT ROW) FROM t",
    "SELECT {}(a) FROM t",
    "SELECT a FROM t ORDER BY a {}",
)


def quoted(tail: str) -> tuple[str, ...]:
    double, single = tail.replace('"', '""'), tail.replace("'", "''")
    return f'"{double}"', f"'{single}'", f"E'{single}'"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("place", PLACES)
def test_leaf_is_never_printed_as_code(place: str, dialect: Dialect) -> None:
    """What passes, passes as a name or a text: nothing of the leaf is outside quotes in the printed form."""
    from dstill_sql.language.printing import printed, settled

    for tail, form in itertools.product(TAILS, range(3)):
        text = place.format(quoted(tail)[form])
        if not problems(text, dialect):
            sent = printed(settled(read(text, dialect), dialect), dialect).text
            bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "", sent)
            assert not re.search(r"secret|pg_|sqlite_|;|--", bare), (text, sent)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_leaves_that_were_printed_as_code(dialect: Dialect) -> None:
    assert (
        passed(
            [
                'SELECT EXTRACT("year from ts), secret from t limit 2 --" FROM ts) FROM t',
                "SELECT EXTRACT(E'year from ts), pg_sleep(2) from t --' FROM ts) FROM t",
                'SELECT CAST(a AS DECIMAL("1)), secret, sqlite_version() from t limit 2 --")) FROM t',
                'SELECT EXTRACT("year from ts) from t; create temp table x as select 42 --" FROM ts) FROM t',
                'SELECT LAST_DAY(ts, "day), secret from t --") FROM t',
                "SELECT LAST_DAY(ts, 'day), secret from t --') FROM t",
                'SELECT DATE_ADD(ts, 1, "day), secret from t --") FROM t',
                "SELECT DATE_ADD(ts, 1, 'day), secret from t --') FROM t",
                'SELECT CAST(a AS BIT("")) FROM t',
            ],
            dialect,
            denied=("t.secret",),
        )
        == []
    )


# --- schemas ----------------------------------------------------------------------------

TYPES = (
    'DECIMAL("10)); create table zzz as select 1 --")',
    "DECIMAL('10)); create table zzz as select 1 --')",
    'DECIMAL(10, "2)); create table zzz as select 1 --")',
    'VARCHAR("9)); drop table t --")',
    "VARCHAR(E'9)); drop table t --')",
    'BIT("")',
    "BIT(``)",
    '"int); drop table t --"',
    "STRUCT(a DECIMAL(\"1)); drop table t --\"))",
    "IN TINYINT",
    "ENUM('a', \"b)); drop table t --\")",
    "TIMESTAMP(\"3)); drop table t --\")",
    'DECIMAL("9") ARRAY',
)  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("type_", TYPES)
def test_type_of_a_schema_creates_one_table(type_: str, dialect: Dialect) -> None:
    """It is refused, or its statement has one table with these columns and no more."""
    import sqlglot

    from dstill_sql.language.engine_text import NotPrintable
    from dstill_sql.language.printing import created

    try:
        (table,) = SqlSchema.read(f"CREATE TABLE x (a {type_}, b INT);", dialect).tables
        text = created(table, dialect).text
    except (DataError, NotPrintable):
        return
    assert ";" not in text, text
    (create,) = sqlglot.parse(text, read=dialect)
    assert create is not None
    assert [column.name for column in create.this.expressions] == ["a", "b"], text


# --- stars and rows ---------------------------------------------------------------------

STARS = (
    "SELECT * FROM t",
    "SELECT * LIKE '%' FROM t",
    "SELECT * GLOB 'sec*' FROM t",
    "SELECT * ILIKE 'SEC%' FROM t",
    "SELECT * SIMILAR TO 'sec.*' FROM t",
    "SELECT (*) FROM t",
    "SELECT (t.*) FROM t",
    "SELECT a FROM t ORDER BY *",
    "SELECT a FROM t GROUP BY *",
    "SELECT COLUMNS(*) FROM t",
    "SELECT COLUMNS('sec.*') FROM t",
    "SELECT * EXCLUDE (a) FROM t",
    "SELECT * REPLACE (1 AS a) FROM t",
    "SELECT t.* LIKE 'sec%' FROM t",
    "SELECT MAX(*) FROM t",
    "SELECT COALESCE(*) FROM t",
    "SELECT COUNT(DISTINCT t.*) FROM t",
    "SELECT a FROM t WHERE EXISTS (SELECT * FROM t AS v WHERE v.a = t.a)",
    "FROM t",
    "SELECT a FROM (FROM t) AS q",
)
ROWS = (
    "SELECT main.t FROM t",
    "SELECT memory.t FROM t",
    "SELECT memory.main.t FROM t",
    "SELECT MAX(main.t) FROM t",
    "SELECT a FROM t ORDER BY main.t",
    "SELECT main.t FROM t JOIN v AS main ON main.a = t.a",
    "SELECT main.t FROM t JOIN (SELECT 1 AS a) AS main ON main.a = t.a",
    "WITH main AS (SELECT 1 AS a) SELECT main.t FROM t JOIN main ON main.a = t.a",
    "WITH u AS (SELECT 1 AS a) SELECT main.t FROM t JOIN u AS main ON main.a = t.a",
    "SELECT main.t FROM t WHERE EXISTS (SELECT 1 FROM u AS main WHERE main.a = t.a)",
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_star_reads_no_denied_column(dialect: Dialect) -> None:
    assert passed(STARS, dialect, denied=("t.secret",)) == []


def test_row_of_a_table_has_denied_columns() -> None:
    """DuckDB reads ``main.t`` as the whole row of the table ``t``, whatever else is called main."""
    assert passed(ROWS, "duckdb", denied=("t.secret",)) == []
    for text in (
        "SELECT u.t, v.a FROM u JOIN t AS v ON u.a = v.a",
        "WITH n AS (SELECT a, COUNT(*) AS n FROM u GROUP BY a) SELECT t.b, n.n FROM t JOIN n ON n.a = t.a",
        "SELECT n.n FROM (SELECT COUNT(*) AS n FROM u) AS n",
        "SELECT n.n FROM (SELECT COUNT(*) FROM u) AS n (n)",
    ):
        assert not problems(text, "duckdb", denied=("t.secret",)), text


def test_part_of_a_denied_column_is_not_read() -> None:
    for text in ("SELECT deep.word FROM t", "SELECT t.deep.word FROM t", "SELECT a FROM t ORDER BY deep.word"):
        assert [found.code for found in problems(text, "duckdb", BOXES, ("t.deep",))] == ["denied"], text
        assert not problems(text, "duckdb", BOXES), text


def test_postgresql_calls_no_function_by_the_name_of_a_column() -> None:
    """It reads ``t.to_json`` as ``to_json(t)``, which has all columns of the row."""
    for name in ("to_json", "row_to_json", "quote_literal", "pg_typeof", "any_function"):
        for text in (f"SELECT t.{name} FROM t", f"SELECT x.a FROM t AS x WHERE x.{name} IS NULL"):
            (problem,) = problems(text, "postgres")
            assert (problem.code, problem.message.endswith(f"has no column '{name}'")) == ("function", True)
    usual = "WITH w AS (SELECT COUNT(*) FROM t) SELECT w.count, x.b FROM w JOIN t AS x ON x.a = w.count"
    assert not problems(usual, "postgres")
    assert not problems("WITH t AS (SELECT COUNT(*) AS n FROM u) SELECT t.n FROM t", "postgres")
    assert not problems("SELECT x.z FROM t AS x (z) JOIN (SELECT 1 AS n) AS q ON q.n = x.z", "postgres")


def test_words_that_postgresql_reads_as_calls_are_no_names() -> None:
    for word in ("user", "USER", "current_role", "session_user", "current_catalog", "localtime"):
        assert problems(f"SELECT {word} FROM t", "postgres"), word
        assert not problems(f'SELECT "{word}" FROM t', "postgres"), word
        assert not problems(f"SELECT a AS {word} FROM t", "postgres"), word
    assert not problems("SELECT user FROM t", "sqlite")


# --- growth -----------------------------------------------------------------------------

LONG = "x" * 1_000
NESTED = "REPLACE(" * 8 + "b" + ", 'a', 'aaaaaaaaaa')" * 8
BARE = "REPLACE(" * 8 + "'a'" + ", 'a', 'aaaaaaaaaa')" * 8
GROWING = (
    f"SELECT a FROM t WHERE {NESTED} = 'x'",
    f"SELECT a FROM t WHERE {BARE} = 'x'",
    f"SELECT a FROM t ORDER BY {NESTED}",
    f"SELECT a FROM t ORDER BY {BARE}",
    f"SELECT COUNT(*) FROM t GROUP BY {NESTED}",
    f"SELECT COUNT(*) FROM t GROUP BY {BARE}",
    f"SELECT t.a FROM t JOIN u ON t.a = u.a AND {NESTED} = 'x'",
    f"SELECT t.a FROM t JOIN u ON t.a = u.a AND {BARE} = 'x'",
    f"SELECT a FROM t GROUP BY a HAVING MAX({NESTED}) = 'x'",
    f"SELECT a FROM t GROUP BY a HAVING {BARE} = 'x'",
    f"SELECT a FROM t WHERE a IN (SELECT a FROM t WHERE {NESTED} = 'x')",
    f"SELECT CONCAT_WS('{LONG}', {', '.join(['b'] * 60)}) FROM t",
    f"SELECT a FROM t WHERE CONCAT_WS('{LONG}', {', '.join(['b'] * 60)}) = 'x'",
    f"SELECT CONCAT_WS(b || b || b, {', '.join(['b'] * 90)}) FROM t",
    f"SELECT {BARE}",
    f"SELECT {BARE} FROM t",
    f"WITH w AS (SELECT CONCAT_WS('{LONG}', {', '.join(['b'] * 9)}) AS b FROM t)"
    f" SELECT CONCAT_WS(b, {', '.join(['b'] * 9)}) FROM w",
)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", GROWING, ids=range(len(GROWING)))
def test_text_that_grows_is_refused_wherever_it_is(text: str, dialect: Dialect) -> None:
    assert "too_large" in [problem.code for problem in problems(text, dialect)]
