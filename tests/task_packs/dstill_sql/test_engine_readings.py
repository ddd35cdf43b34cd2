"""The parsers of DuckDB and PostgreSQL read everyday queries as sqlglot does, and notice where they do not."""

from __future__ import annotations

import pytest

from dstill_sql.engines.parsers.duckdb import duckdb_reading
from dstill_sql.engines.parsers.postgres import postgres_reading
from dstill_sql.engines.parsers.reading import Reading, confirm
from dstill_sql.language.engine_text import NotPrintable, Statement
from dstill_sql.language.printing import printed, settled
from dstill_sql.language.statements import parsed, read


def of_duckdb(text: str) -> Reading:
    import duckdb

    with duckdb.connect() as database:
        found = database.execute("SELECT json_serialize_sql($1)", [text]).fetchone()
    return duckdb_reading(found[0])


EVERYDAY = (
    "SELECT name FROM emp ORDER BY ALL",
    "SELECT * FROM emp ORDER BY ALL DESC LIMIT 3",
    "SELECT name FROM (SELECT name FROM emp ORDER BY ALL LIMIT 2) AS q ORDER BY ALL",
    "SELECT dept_id, COUNT(*) FROM emp GROUP BY ALL",
    "SELECT * EXCLUDE (name) FROM emp",
    "SELECT * EXCLUDE (name, e.id) FROM emp AS e",
    "SELECT e.* EXCLUDE (name) FROM emp AS e",
    "SELECT * REPLACE (UPPER(name) AS name) FROM emp",
    "SELECT * RENAME (name AS who) FROM emp",
    "SELECT EXTRACT(MICROSECONDS FROM seen) FROM emp",
    "SELECT EXTRACT(millisecond FROM seen), EXTRACT(years FROM seen) FROM emp",
    "SELECT DATE_TRUNC('milliseconds', seen) + INTERVAL 3 MICROSECONDS FROM emp",
)


@pytest.mark.parametrize("text", EVERYDAY)
def test_duckdb_reads_what_sqlglot_reads(text: str) -> None:
    statement = printed(settled(read(text, "duckdb"), "duckdb"), "duckdb")
    confirm(statement, of_duckdb(statement.text))


@pytest.mark.parametrize(
    "text", ["SELECT EXTRACT(YEARS FROM seen) FROM emp", "SELECT EXTRACT(year FROM seen) FROM emp"]
)
def test_postgresql_reads_what_sqlglot_reads(text: str) -> None:
    statement = printed(settled(read(text, "postgres"), "postgres"), "postgres")
    confirm(statement, postgres_reading(statement.text))


@pytest.mark.parametrize(
    ("sent", "tree"),
    [
        ("SELECT name FROM emp ORDER BY ALL", "SELECT name FROM emp"),
        ("SELECT COLUMNS(*) FROM emp", "SELECT * FROM emp"),
        ("SELECT name FROM emp ORDER BY COLUMNS(*)", "SELECT name FROM emp ORDER BY name"),
        ("SELECT COLUMNS(*) FROM emp", "SELECT * FROM emp ORDER BY ALL, id"),
        ("SELECT * EXCLUDE (secret) FROM emp", "SELECT * EXCLUDE (name) FROM emp"),
        ("SELECT * RENAME (secret AS name) FROM emp", "SELECT * FROM emp"),
        ("SELECT COLUMNS(*) FROM emp", "SELECT * FROM emp ORDER BY ALL"),
    ],
)
def test_other_reading_of_duckdb_is_noticed(sent: str, tree: str) -> None:
    with pytest.raises(NotPrintable, match="reads it in another way"):
        confirm(Statement(text=sent, dialect="duckdb", tree=parsed(tree, "duckdb")), of_duckdb(sent))
