"""Answers whose verdict is known for every schema, which `dstill pack check sql` tries.

    equal(schema)        pairs of one query in two spellings       different(schema)   a query, and one that is wrong
    hostile(schema)      what must never reach an engine           runaway(schema)     what an engine has to stop

Most are about the first reference of the schema: in shop, from ``products.category_id`` to ``categories.id``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dstill_sql.language.database.schema import SqlSchema, quoted

__all__ = ["HOSTILE", "different", "equal", "hostile", "runaway"]

_COPIES = 9  # of a table in a join without end
# No dialect may run these. `t`: a table, `a`: its first column.
HOSTILE: Mapping[str, tuple[str, ...]] = {
    "several statements, and comments that hide one": (
        "SELECT {a} FROM {t}; DROP TABLE {t}",
        "SELECT {a} FROM {t}; SELECT {a} FROM {t}",
        "SELECT {a} FROM {t} /* ; */ ; /* */ DELETE FROM {t}",
        "SELECT {a} FROM {t} -- \n; DELETE FROM {t}",
        "SELECT {a} FROM {t} WHERE {a} = 'x\\'; DROP TABLE {t}; --'",
        "/* SELECT {a} FROM {t} */ DROP TABLE {t}",
        "-- no answer: x\nDROP TABLE {t}",
    ),
    "statements that are no queries": (
        "INSERT INTO {t} ({a}) VALUES (1)",
        "UPDATE {t} SET {a} = 1",
        "DELETE FROM {t}",
        "MERGE INTO {t} USING {t} AS x ON {t}.{a} = x.{a} WHEN MATCHED THEN DELETE",
        "TRUNCATE {t}",
        "DROP TABLE {t}",
        "ALTER TABLE {t} ADD COLUMN c INT",
        "CREATE TABLE z AS SELECT {a} FROM {t}",
        "GRANT ALL ON {t} TO PUBLIC",
        "SET search_path = x",
        "SET enable_external_access = true",
        "RESET ALL",
        "PRAGMA writable_schema = 1",
        "PRAGMA database_list",
        "ATTACH 'x.db' AS x",
        "DETACH x",
        "COPY {t} TO '/tmp/x.csv'",
        "COPY {t} FROM PROGRAM 'id'",
        "EXPORT DATABASE '/tmp/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL pragma_version()",
        "DO $$ BEGIN END $$",
        "BEGIN",
        "VACUUM INTO '/tmp/x'",
        "EXPLAIN ANALYZE DELETE FROM {t}",
        "LOCK TABLE {t}",
    ),
    "queries that write or lock": (
        "SELECT {a} INTO z FROM {t}",
        "WITH d AS (DELETE FROM {t} RETURNING {a}) SELECT {a} FROM d",
        "SELECT {a} FROM {t} FOR UPDATE",
    ),
    "files, other servers, catalogs and settings": (
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_parquet('http://127.0.0.1/x')",
        "SELECT * FROM '/etc/passwd'",
        'SELECT * FROM "data.parquet"',
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sqlite_scan('x.db', 't')",
        "SELECT * FROM postgres_query('x', 'DROP TABLE t')",
        "SELECT * FROM dblink('x', 'SELECT 1') AS z(a INT)",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM pg_catalog.pg_authid",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM main.{t}",
        "SELECT pg_read_file('/etc/passwd') FROM {t}",
        "SELECT pg_catalog.pg_read_file('/etc/passwd') FROM {t}",
        "SELECT lo_import('/etc/passwd') FROM {t}",
        "SELECT readfile('/etc/passwd') FROM {t}",
        "SELECT writefile('/tmp/x', 'y') FROM {t}",
        "SELECT load_extension('x') FROM {t}",
        "SELECT getenv('HOME') FROM {t}",
        "SELECT current_setting('data_directory') FROM {t}",
        "SELECT set_config('search_path', 'x', false) FROM {t}",
        "SELECT query_to_xml('DROP TABLE t', true, true, '') FROM {t}",
        "SELECT {a} FROM {t} WHERE {a} = (SELECT pg_sleep(9) IS NULL)",
    ),
    "without end, or larger than memory": (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "WITH r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "SELECT * FROM generate_series(1, 1000000000)",
        "SELECT unnest(range(1000000000)) FROM {t}",
        "SELECT x.{a} FROM {t} AS x, {t} AS y, {t} AS z",
        "SELECT x.{a} FROM {t} AS x CROSS JOIN {t} AS y",
        "SELECT x.{a} FROM {t} AS x JOIN {t} AS y ON 1 = 1",
        "SELECT x.{a} FROM {t} AS x JOIN {t} AS y ON NOT x.{a} IS NULL",
        "SELECT x.{a} FROM {t} AS x JOIN {t} AS y ON x.{a} = y.{a} OR 1 = 1",
        "SELECT repeat('x', 1000000000) FROM {t}",
        "SELECT lpad('x', 1000000000, 'y') FROM {t}",
        "SELECT randomblob(1000000000) FROM {t}",
        "SELECT printf('%1000000000d', 1) FROM {t}",
        "SELECT " + "REPLACE(" * 9 + "CAST({a} AS TEXT)" + ", 'a', 'aaaaaaaaaa')" * 9 + " FROM {t}",
    ),
}


@dataclass(frozen=True, kw_only=True)
class _Names:
    """The names of a reference, as SQL has them."""

    child: str
    refers: str  # the column of the child
    parent: str
    key: str  # the column that it refers to

    @property
    def joined(self) -> str:
        return f"{self.parent} AS p JOIN {self.child} AS c ON c.{self.refers} = p.{self.key}"


def _names(schema: SqlSchema) -> Iterator[_Names]:
    """Those of the first reference with one column."""
    for reference in schema.references:
        if len(reference.columns) == 1:
            words = (reference.table, reference.columns[0], reference.to, reference.to_columns[0])
            child, refers, parent, key = (quoted(word, schema.dialect) for word in words)
            yield _Names(child=child, refers=refers, parent=parent, key=key)
            return


def equal(schema: SqlSchema) -> Iterator[tuple[str, str]]:
    """Pairs of equal answers."""
    for of in _names(schema):
        parent, key, child, refers = of.parent, of.key, of.child, of.refers
        yield f"SELECT {key} FROM {parent}", f"select {key}\n  from {parent} ;"
        yield f"SELECT {key} FROM {parent}", f"SELECT x.{key} FROM {parent} AS x"
        yield f"SELECT {key} AS a FROM {parent} ORDER BY 1", f"SELECT {key} FROM {parent} ORDER BY {key} ASC"
        yield (
            f"SELECT {key} FROM {parent} WHERE {key} IS NOT NULL AND NOT {key} IN ('1', '2')",
            f"SELECT {key} FROM {parent} WHERE {key} NOT IN ('2', '1') AND NOT {key} IS NULL",
        )
        yield (
            f"SELECT p.{key} FROM {of.joined}",
            f"SELECT y.{key} FROM {child} AS x INNER JOIN {parent} AS y ON y.{key} = x.{refers}",
        )


def different(schema: SqlSchema) -> Iterator[tuple[str, str]]:
    """Pairs of an answer and a wrong one."""
    for of in _names(schema):
        parent, key, child, refers = of.parent, of.key, of.child, of.refers
        keys = f"SELECT {key} FROM {parent}"
        yield f"{keys} ORDER BY {key}", f"{keys} ORDER BY {key} DESC"
        yield f"{keys} ORDER BY {key}", keys
        yield f"{keys} LIMIT 2", f"{keys} LIMIT 3"
        yield f"SELECT MIN({key}) FROM {parent}", f"SELECT MAX({key}) FROM {parent}"
        yield f"SELECT DISTINCT {refers} FROM {child}", f"SELECT {refers} FROM {child}"
        yield f"SELECT COUNT(DISTINCT {refers}) FROM {child}", f"SELECT COUNT({refers}) FROM {child}"
        yield f"SELECT COUNT(*) FROM {of.joined}", f"SELECT COUNT(DISTINCT p.{key}) FROM {of.joined}"
        yield f"SELECT p.{key} FROM {of.joined.replace('JOIN', 'LEFT JOIN')}", f"SELECT p.{key} FROM {of.joined}"
        linked = f"(SELECT {refers} FROM {child} WHERE NOT {refers} IS NULL)"
        yield f"{keys} WHERE {key} IN {linked}", f"{keys} WHERE NOT {key} IN {linked}"


def runaway(schema: SqlSchema) -> Iterator[str]:
    """Queries that the checks accept, and that no engine ends."""
    for of in _names(schema):
        joins = (
            f" JOIN {of.child} AS t{n} ON t{n}.{of.refers} <> t{n - 1}.{of.refers}"
            f" OR (t{n}.{of.refers} = t{n - 1}.{of.refers}) IS NULL"
            for n in range(1, _COPIES)
        )
        yield f"SELECT COUNT(*) FROM {of.child} AS t0{''.join(joins)}"


def hostile(schema: SqlSchema) -> Iterator[str]:
    """Answers that no dialect may run."""
    for table in schema.tables[:1]:
        t, a = (quoted(name, schema.dialect) for name in (table.name, table.columns[0].name))
        yield from (text.format(t=t, a=a) for texts in HOSTILE.values() for text in texts)
