"""What an answer could try, in the three dialects: the guard or the reader refuses all of it."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.api.records import Problem
from dstill.errors import DataError
from dstill_sql import known_answers
from dstill_sql.engines.translating import Untranslatable, translated
from dstill_sql.language import guard
from dstill_sql.language.canonical import canonical_text
from dstill_sql.language.database import schema_check
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.limits import Limits
from dstill_sql.language.printing import created, printed, settled
from dstill_sql.language.statements import LONGEST, NotOneQuery, read

DDL = """
CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20), secret VARCHAR(20));
CREATE TABLE u (a INT, x DATE, secret VARCHAR(20));
CREATE TABLE hidden (a INT);
"""
SCHEMAS = {dialect: SqlSchema.read(DDL, dialect) for dialect in DIALECTS}


def problems(
    text: str, dialect: Dialect, limits: Limits | None = None, schemas: Mapping[Dialect, SqlSchema] = SCHEMAS
) -> list[Problem]:
    """What keeps a text from running, before an engine sees it."""
    try:
        query = read(text, dialect)
    except NotOneQuery as error:
        return [Problem(layer="form", code="not_one_query", message=str(error), pointer=error.pointer)]
    return list(guard.check(query, schemas.get(dialect), limits or Limits(), dialect))


HOSTILE = (  # and what `known_answers.hostile` has
    # names of WITH that an engine takes for those of other tables
    'WITH "PG_authid" AS (SELECT 1 AS a) SELECT a FROM pg_authid',
    'WITH "pg_Stats" AS (SELECT 1 AS a), x AS (SELECT a FROM pg_stats) SELECT a FROM x',
    'WITH "\u017fqlite_master" AS (SELECT 1 AS a) SELECT a FROM sqlite_master',
    'WITH w AS (SELECT 1 AS a) SELECT a FROM (WITH "W" AS (SELECT 2 AS a) SELECT a FROM w) AS x',
    'WITH w AS (SELECT 1 AS a) SELECT a FROM t WHERE EXISTS (SELECT 1 FROM "W")',
    # several statements, and comments that could hide one
    "SELECT a FROM t; SELECT b FROM t",
    "SELECT a FROM t WHERE b = 'x\\'; DROP TABLE t; --'",
    "SELECT /*+ SeqScan(t) */ a FROM t FOR UPDATE",
    ";",
    "",
    "--",
    # statements that are no query
    "INSERT INTO t VALUES (1, 'x', 'y')",
    "UPDATE t SET b = 'x'",
    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE",
    "CREATE TEMP VIEW z AS SELECT a FROM t",
    "CREATE FUNCTION f() RETURNS INT AS 'SELECT 1' LANGUAGE sql",
    "IMPORT DATABASE '/tmp/x'",
    "EXECUTE x",
    "PREPARE x AS SELECT 1",
    "COMMIT",
    "CHECKPOINT",
    "ANALYZE t",
    "DESCRIBE t",
    "SHOW TABLES",
    "LISTEN x",
    "NOTIFY x",
    "VALUES (1)",
    # queries that write or lock
    "WITH d AS (INSERT INTO t VALUES (9, 'x', 'y') RETURNING a) SELECT a FROM d",
    "SELECT a FROM t FOR SHARE SKIP LOCKED",
    # files, networks, settings, the engine itself
    "SELECT * FROM 'data.csv'",
    "SELECT content FROM read_blob('/etc/passwd')",
    "SELECT * FROM duckdb_secrets",
    "SELECT * FROM pragma_table_info('t')",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM pg_shadow",
    "SELECT * FROM other.public.t",
    "SELECT * FROM temp.t",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT pg_sleep(1000)",
    "SELECT pg_terminate_backend(1)",
    "SELECT nextval('s')",
    "SELECT fts3_tokenizer('x')",
    "SELECT version()",
    "SELECT current_user",
    "SELECT CAST('t' AS regclass)",
    # without end, or larger than memory
    "SELECT * FROM range(1000000000)",
    "SELECT a.a FROM t a, t b, t c",
    "SELECT a.a FROM t a CROSS JOIN t b",
    "SELECT a.a FROM t a JOIN t b ON TRUE",
    "SELECT a.a FROM t a JOIN t b ON 1 = 1",
    "SELECT a.a FROM t a JOIN t b ON a.a > 0",
    "SELECT a.a FROM t a JOIN t b ON a.a = a.b",
    "SELECT a.a FROM t a JOIN t b ON a.a = b.a OR TRUE",
    "SELECT a.a FROM t a JOIN t b ON NOT (a.a = b.a AND a.a > 0)",
    "SELECT a.a FROM t a JOIN t b ON a.a = b.a JOIN t c ON a.a = b.a",
    "SELECT a.a FROM t a JOIN t b ON" + " a.a > 0 AND" * 800 + " TRUE",
    "SELECT a.a FROM t a, t b WHERE a.a = b.a OR a.a > 0",
    "SELECT zeroblob(1000000000)",
    f"SELECT {'REPLACE(' * 9}b{', chr(97), b)' * 9} FROM t",
    f"SELECT {'REPLACE(' * 9}b" + ", 'a', 'aaaaaaaaaa')" * 9 + " FROM t",
    "SELECT a + a AS c1" + "".join(f", c{n} + c{n} AS c{n + 1}" for n in range(1, 40)) + " FROM t",
    "WITH w0 AS (SELECT b || b || b AS b FROM t)"
    + "".join(f", w{n} AS (SELECT b || b || b AS b FROM w{n - 1})" for n in range(1, 10))
    + " SELECT b FROM w9",
    f"SELECT {' || '.join(['b'] * 30)} FROM t",
    f"SELECT {'UPPER(b || ' * 30}b{')' * 30} FROM t",
    f"SELECT a FROM t WHERE {' || '.join(['b'] * 30)} = 'x'",
    f"SELECT a FROM t WHERE a IN ({', '.join(map(str, range(1500)))})",
    "SELECT t.a FROM t" + "".join(f" JOIN u u{n} ON u{n}.a = t.a" for n in range(9)),
    " UNION ALL ".join(["SELECT a FROM t"] * 13),
    "SELECT a FROM t WHERE " + " AND ".join(["a = 1"] * 900),
    # unusual forms
    "SELECT a FROM t TABLESAMPLE SYSTEM (10)",
    "SELECT a FROM t ORDER BY b FETCH FIRST 5 ROWS WITH TIES",
    "SELECT a FROM t FETCH FIRST 5 PERCENT ROWS ONLY",
    "SELECT a FROM t USING SAMPLE 5",
    "SELECT * FROM t PIVOT (COUNT(*) FOR b IN ('x'))",
    "PIVOT t ON b",
    "SELECT a FROM t, LATERAL (SELECT 1) AS l",
    "SELECT a FROM t WHERE a = $1",
    "SELECT a FROM t WHERE a = ?",
    "SELECT a FROM t WHERE a = :name",
    "SELECT a FROM t WHERE b = E'x'",
    "SELECT COLUMNS('.*') FROM t",
    "SELECT {'a': a} FROM t",
    "SELECT b COLLATE nocase FROM t",
    "SELECT a::no_such_type FROM t",
    # names out of scope
    "SELECT a FROM t WHERE a IN (SELECT b FROM pg_user) AND EXISTS (WITH pg_user AS (SELECT 1) SELECT 1 FROM pg_user)",
    "WITH pg_user AS (SELECT usename FROM pg_user) SELECT usename FROM pg_user",
    "WITH a1 AS (SELECT a FROM a2), a2 AS (SELECT 1 AS a) SELECT a FROM a1",
    # characters
    "SELECT a FROM t\0",
    "SELECT '\ud800' FROM t",
    "SELECT a FROM t" + " " * LONGEST,
    "SELECT " + "(" * 100 + "a" + ")" * 100 + " FROM t",
    "SELECT a" + ", a" * 4_000 + " FROM t",
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_hostile_text_is_refused(dialect: Dialect) -> None:
    texts = [*HOSTILE, *known_answers.hostile(SCHEMAS[dialect])]
    assert [text for text in texts if not problems(text, dialect)] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_catalogs_are_refused_even_if_the_schema_is_not_known(dialect: Dialect) -> None:
    assert not problems("SELECT COUNT(*) FROM anything", dialect, schemas={})
    for name in ("pg_shadow", "sqlite_master", "duckdb_secrets", '"a b"', "'x.csv'", '"/etc/passwd"', "a.b"):
        assert problems(f"SELECT COUNT(*) FROM {name}", dialect, schemas={}), name
        assert problems(f"SELECT a FROM anything WHERE a IN {name}", dialect, schemas={}), name


DENIED = (
    "SELECT secret FROM t",
    "SELECT SECRET FROM t",
    'SELECT "secret" FROM t',
    "SELECT a FROM t WHERE secret LIKE 'x%'",
    "SELECT a FROM t ORDER BY secret",
    "SELECT COUNT(*) FROM t GROUP BY secret",
    "SELECT x.secret FROM t AS x",
    "SELECT * FROM t",
    "SELECT x.* FROM t AS x",
    "SELECT COUNT(x.*) FROM t AS x",
    "SELECT * FROM (SELECT * FROM t) AS s",
    "SELECT t FROM t",
    "SELECT x FROM t AS x",
    "SELECT COUNT(DISTINCT x) FROM t AS x",
    "SELECT MAX(x) OVER () FROM t AS x",
    "SELECT 1 AS x, x FROM t AS x",
    "SELECT a FROM t AS x WHERE x IS NOT NULL",
    "SELECT z FROM t AS q (z, y, w)",
    "SELECT w FROM t AS q (z, y, w)",
    "SELECT t.a FROM t JOIN u USING (secret)",
    "SELECT t.a FROM t NATURAL JOIN u",
    "SELECT a FROM hidden",
    "SELECT a FROM t WHERE a IN (SELECT a FROM hidden)",
    "SELECT a FROM t WHERE a IN hidden",
    "SELECT (x).secret FROM t AS x",
    "SELECT r FROM (t) AS c(p, q, r)",
    "SELECT r FROM ((t) AS d) AS c(p, q, r)",
    "SELECT r FROM (t AS d) AS c(p, q, r)",
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_denied_columns_and_tables_are_not_read(dialect: Dialect) -> None:
    limits = Limits(denied=("t.secret", "hidden"))
    assert [text for text in DENIED if not problems(text, dialect, limits)] == []


@pytest.mark.parametrize("text", ["SELECT x.to_json FROM t AS x", "SELECT rowid FROM t", "SELECT a FROM t"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_denied_columns_need_a_schema(text: str, dialect: Dialect) -> None:
    """Without one, PostgreSQL's calls and SQLite's other names of a key could not be told from columns."""
    found = problems(text, dialect, Limits(denied=("t.secret",)), {})
    assert [problem.code for problem in found] == ["denied"]
    assert not problems("SELECT a FROM t", dialect, Limits(denied=("hidden",)), {})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_usual_queries_pass(dialect: Dialect) -> None:
    for text in (
        "SELECT a, b FROM t WHERE b LIKE 'x%' ORDER BY a DESC LIMIT 3",
        "SELECT t.b, COUNT(*) FROM t JOIN u ON u.a = t.a GROUP BY t.b HAVING COUNT(*) > 1",
        "SELECT t.b FROM t, u WHERE t.a = u.a AND (t.b = 'x' OR u.a > 1)",
        "SELECT x.a FROM t AS x JOIN t AS y ON x.a < y.a AND y.b = 'x' OR x.b = y.b AND x.a > 1",
        "SELECT t.b FROM t JOIN u ON NOT (t.a <> u.a OR u.a IS NULL)",
        "SELECT t.b FROM t JOIN u ON UPPER(t.b) = UPPER(CAST(u.a AS VARCHAR(9)))",
        "WITH w AS (SELECT a, COUNT(*) AS n FROM u GROUP BY a) SELECT t.b, w.n FROM t LEFT JOIN w ON w.a = t.a",
        "WITH w AS (SELECT a FROM u), v AS (SELECT a FROM w) SELECT a FROM t WHERE a IN (SELECT a FROM v)",
        "WITH Best AS (SELECT a FROM u) SELECT a FROM best WHERE a IN (SELECT a FROM BEST)",
        'WITH "Best" AS (SELECT a FROM u) SELECT a FROM "Best"',
        "SELECT b, ROW_NUMBER() OVER (PARTITION BY b ORDER BY a) AS r FROM t",
        "SELECT a FROM t UNION SELECT a FROM u EXCEPT SELECT 3",
        "SELECT CAST(a AS VARCHAR(10)), CASE WHEN a > 1 THEN 'x' ELSE 'y' END FROM t WHERE NOT b IS NULL",
        'SELECT b AS "select" FROM t',
        "SELECT b FROM t; -- the end",
        "SELECT b FROM t ORDER BY a OFFSET 2 ROWS FETCH NEXT 5 ROWS ONLY",
        "SELECT REPLACE(b, ' ', '_') || '-' || UPPER(b) FROM t",
        f"SELECT {'b || ' * 15}'end' FROM t",
        "SELECT a FROM u WHERE x < CURRENT_DATE OR x < CURRENT_TIMESTAMP",
        "SELECT EXTRACT(YEAR FROM x), AVG(a) FROM u WHERE x BETWEEN '2024-01-01' AND '2024-12-31' GROUP BY 1",
    ):
        assert not problems(text, dialect), text
        assert not problems(text, dialect, Limits(denied=("hidden", "u.secret"))), text


# --- joins whose tables are compared by other conditions than their own -----------------
RELATED = [
    "a JOIN b JOIN c ON a.x=b.x AND b.y=c.y",
    "a JOIN b JOIN c JOIN d ON a.x=b.x AND b.y=c.y AND c.z=d.z",
    "a JOIN b JOIN c ON a.x=c.x AND b.y=c.y",
    "a, b, c WHERE a.x=b.x AND b.y=c.y",
    "a, b, c WHERE a.x=c.x AND b.y=c.y",
    "a JOIN b ON id = b_id, c WHERE c.x = b.y",
    "a JOIN b USING (id), c WHERE c.x = a.y",
    "a JOIN b JOIN c USING (id) WHERE a.x=b.x",
    "a JOIN b RIGHT JOIN c ON a.x=b.x AND b.y=c.y",
    "a AS t1 INNER JOIN b AS t2 INNER JOIN c AS t3 ON T1.x = T2.x AND T2.y = T3.y",
    "a JOIN b JOIN c ON (a.x=b.x AND b.y=c.y) OR (a.x=b.z AND a.y=c.y)",
    "a, (SELECT MAX(x) AS m FROM b) AS s WHERE a.x = s.m",
]
CROSSED = [
    "a JOIN b JOIN c ON b.y=c.y",
    "a, b, c WHERE b.y=c.y",
    "a JOIN b LEFT JOIN c ON a.x=b.x AND b.y=c.y",
    "a JOIN b JOIN c ON a.x=c.x",
    "a JOIN b JOIN c ON a.x=b.x OR b.y=c.y",
    "a JOIN b FULL JOIN c ON a.x=b.x AND b.y=c.y",
    "a JOIN b JOIN c",
    "a JOIN b JOIN c USING (id)",
    "a, b",
    "a JOIN b ON a.x = 1",
    "a CROSS JOIN b",
    "a JOIN b JOIN c ON x = y AND y = z",
    "a JOIN b ON TRUE",
    "a JOIN b JOIN c USING(id) WHERE b.x=c.y",
    "a JOIN b JOIN c ON a.x=b.x AND b.y=1",
]


def codes(joined: str, dialect: Dialect) -> set[str]:
    return {one.code for one in guard.check(read(f"SELECT * FROM {joined}", dialect), None, Limits(), dialect)}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("joined", RELATED)
def test_tables_that_conditions_compare_are_joined(joined: str, dialect: Dialect) -> None:
    assert codes(joined, dialect) == set()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("joined", CROSSED)
def test_table_that_nothing_compares_multiplies_rows(joined: str, dialect: Dialect) -> None:
    assert codes(joined, dialect) == {"cross_join"}


# --- any text ---------------------------------------------------------------------------

WORDS = (
    "SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT ON USING NATURAL WITH AS UNION ALL EXCEPT DISTINCT",
    "AND OR NOT IN IS NULL LIKE BETWEEN EXISTS CASE WHEN THEN ELSE END CAST ( ) ( ) , . ; * + - / % || = <> < > ::",
    "t u a b x secret hidden 1 2.5 'x' '%' \"a\" COUNT SUM MAX OVER PARTITION INTERVAL DAY DATE TIMESTAMP QUALIFY",
    "INSERT DROP COPY PRAGMA RECURSIVE VALUES LATERAL UNNEST [ ] { } $1 ? @ # ~ ^ & | -- /* */ \\ e' $$",
)
WORD = st.sampled_from([word for line in WORDS for word in line.split()])
texts = st.one_of(
    st.text(max_size=60),
    st.lists(WORD, max_size=25).map(" ".join),
    st.lists(WORD, max_size=12).map(lambda words: f"SELECT a FROM t WHERE {' '.join(words)}"),
    st.lists(WORD, max_size=8).map(lambda words: f"SELECT {' '.join(words)} FROM t"),
)


@settings(max_examples=300)
@given(texts, st.sampled_from(DIALECTS))
def test_no_text_makes_a_check_raise(text: str, dialect: Dialect) -> None:
    canonical_text(text, dialect)
    for limits in (Limits(), Limits(denied=("t.secret", "hidden"))):
        found = problems(text, dialect, limits)
    if not found:
        query = read(text, dialect)
        list(schema_check.check(query, SCHEMAS[dialect]))
        for other in DIALECTS:
            try:
                translated(query, dialect, other, SCHEMAS[dialect])
            except Untranslatable:
                continue


LONG = (
    "SELECT a FROM t WHERE " + "NOT " * 3_000 + "a = 1",
    "SELECT " + "- " * 3_500 + "a FROM t",
    "SELECT " + "a+" * 1_900 + "a FROM t",
    "SELECT " + "CASE WHEN a=1 THEN " * 500 + "1" + " END" * 500 + " FROM t",
    "SELECT a" + "::int" * 1_300 + " FROM t",
    "SELECT a FROM t" + " UNION SELECT a FROM t" * 600,
    "SELECT a" + "[1]" * 500 + " FROM t",
    "SELECT " + "{'a':" * 800 + "1" + "}" * 800,
    "SELECT " + "INTERVAL " * 2_000 + "1 DAY",
    "SELECT " * 2_500,
    "SELECT a FROM t " + "/*" * 4_000,
    "SELECT '" + "''" * 9_000 + "' FROM t",
)


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_long_chains_are_refused_in_time(text: str) -> None:
    """Some would take a parser minutes."""
    started = time.process_time()
    assert problems(text, "duckdb") or "''" in text
    assert canonical_text(text, "duckdb")
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "told", "place"),
    [
        ("SELECT name FROM", "not SQL: Expected table name but got the end", "1:13"),
        ("SELECT a FROM t WHERE a =", "not SQL: EQ lacks a part", "1:25"),
        ("SELEC a", "an expression is not a query: write a SELECT", ""),
        ("LOAD httpfs", "LOAD is not a query: write a SELECT", ""),
    ],
)
def test_messages_do_not_name_classes_of_the_parser(text: str, told: str, place: str) -> None:
    assert [(problem.message, problem.pointer) for problem in problems(text, "duckdb")] == [(told, place)]


# --- leaves of a tree that are printed as text ----------------------------------------------
LEAVES_DDL = """
CREATE TABLE t (a INT, b VARCHAR(20), secret VARCHAR(20), ts TIMESTAMP);
CREATE TABLE u (a INT, t INT);
CREATE TABLE v (a INT);
"""
LEAVES = {dialect: SqlSchema.read(LEAVES_DDL, dialect) for dialect in DIALECTS}
BOXES = SqlSchema.read("CREATE TABLE t (a INT, deep STRUCT(word VARCHAR)); CREATE TABLE u (a INT, t INT);", "duckdb")


def of_leaves(text: str, dialect: Dialect, *denied: str) -> list[Problem]:
    return problems(text, dialect, Limits(denied=denied), LEAVES)


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
    for tail, form in itertools.product(TAILS, range(3)):
        text = place.format(quoted(tail)[form])
        if not of_leaves(text, dialect):
            sent = printed(settled(read(text, dialect), dialect), dialect).text
            bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "", sent)
            assert not re.search(r"secret|pg_|sqlite_|;|--", bare), (text, sent)


PRINTED_AS_CODE = (
    'SELECT EXTRACT("year from ts), secret from t limit 2 --" FROM ts) FROM t',
    "SELECT EXTRACT(E'year from ts), pg_sleep(2) from t --' FROM ts) FROM t",
    'SELECT CAST(a AS DECIMAL("1)), secret, sqlite_version() from t limit 2 --")) FROM t',
    'SELECT EXTRACT("year from ts) from t; create temp table x as select 42 --" FROM ts) FROM t',
    'SELECT LAST_DAY(ts, "day), secret from t --") FROM t',
    "SELECT LAST_DAY(ts, 'day), secret from t --') FROM t",
    'SELECT DATE_ADD(ts, 1, "day), secret from t --") FROM t',
    "SELECT DATE_ADD(ts, 1, 'day), secret from t --') FROM t",
    'SELECT CAST(a AS BIT("")) FROM t',
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_leaves_that_were_printed_as_code(dialect: Dialect) -> None:
    assert [text for text in PRINTED_AS_CODE if not of_leaves(text, dialect, "t.secret")] == []


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
    try:
        (table,) = SqlSchema.read(f"CREATE TABLE x (a {type_}, b INT);", dialect).tables
        text = created(table, dialect).text
    except (DataError, NotPrintable):
        return
    assert ";" not in text, text
    (create,) = sqlglot.parse(text, read=dialect)
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
    assert [text for text in STARS if not of_leaves(text, dialect, "t.secret")] == []


def test_row_of_a_table_has_denied_columns() -> None:
    """DuckDB reads ``main.t`` as the whole row of the table ``t``, whatever else is called main."""
    assert [text for text in ROWS if not of_leaves(text, "duckdb", "t.secret")] == []
    for text in (
        "SELECT u.t, v.a FROM u JOIN t AS v ON u.a = v.a",
        "WITH n AS (SELECT a, COUNT(*) AS n FROM u GROUP BY a) SELECT t.b, n.n FROM t JOIN n ON n.a = t.a",
        "SELECT n.n FROM (SELECT COUNT(*) AS n FROM u) AS n",
        "SELECT n.n FROM (SELECT COUNT(*) FROM u) AS n (n)",
    ):
        assert not of_leaves(text, "duckdb", "t.secret"), text


def test_part_of_a_denied_column_is_not_read() -> None:
    for text in ("SELECT deep.word FROM t", "SELECT t.deep.word FROM t", "SELECT a FROM t ORDER BY deep.word"):
        assert [found.code for found in problems(text, "duckdb", Limits(denied=("t.deep",)), {"duckdb": BOXES})] == [
            "denied"
        ], text
        assert not problems(text, "duckdb", None, {"duckdb": BOXES}), text


def test_postgresql_calls_no_function_by_the_name_of_a_column() -> None:
    """It reads ``t.to_json`` as ``to_json(t)``, which has all columns of the row."""
    for name in ("to_json", "row_to_json", "quote_literal", "pg_typeof", "any_function"):
        for text in (f"SELECT t.{name} FROM t", f"SELECT x.a FROM t AS x WHERE x.{name} IS NULL"):
            (problem,) = of_leaves(text, "postgres")
            assert (problem.code, problem.message.endswith(f"has no column '{name}'")) == ("function", True)
    usual = "WITH w AS (SELECT COUNT(*) FROM t) SELECT w.count, x.b FROM w JOIN t AS x ON x.a = w.count"
    assert not of_leaves(usual, "postgres")
    assert not of_leaves("WITH t AS (SELECT COUNT(*) AS n FROM u) SELECT t.n FROM t", "postgres")
    assert not of_leaves("SELECT x.z FROM t AS x (z) JOIN (SELECT 1 AS n) AS q ON q.n = x.z", "postgres")


def test_words_that_postgresql_reads_as_calls_are_no_names() -> None:
    for word in ("user", "USER", "current_role", "session_user", "current_catalog", "localtime"):
        assert of_leaves(f"SELECT {word} FROM t", "postgres"), word
        assert not of_leaves(f'SELECT "{word}" FROM t', "postgres"), word
        assert not of_leaves(f"SELECT a AS {word} FROM t", "postgres"), word
    assert not of_leaves("SELECT user FROM t", "sqlite")


# --- growth -----------------------------------------------------------------------------

LONG_TEXT = "x" * 1_000
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
    f"SELECT CONCAT_WS('{LONG_TEXT}', {', '.join(['b'] * 60)}) FROM t",
    f"SELECT a FROM t WHERE CONCAT_WS('{LONG_TEXT}', {', '.join(['b'] * 60)}) = 'x'",
    f"SELECT CONCAT_WS(b || b || b, {', '.join(['b'] * 90)}) FROM t",
    f"SELECT {BARE}",
    f"SELECT {BARE} FROM t",
    f"WITH w AS (SELECT CONCAT_WS('{LONG_TEXT}', {', '.join(['b'] * 9)}) AS b FROM t)"
    f" SELECT CONCAT_WS(b, {', '.join(['b'] * 9)}) FROM w",
)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", GROWING, ids=range(len(GROWING)))
def test_text_that_grows_is_refused_wherever_it_is(text: str, dialect: Dialect) -> None:
    assert "too_large" in [problem.code for problem in of_leaves(text, dialect)]
