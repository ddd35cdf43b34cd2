"""What an engine itself says about a text: a second opinion that shares no code with the guard.

lab = DuckDbLab()
lab.seen("SELECT name FROM emp")     Seen(tables={"emp"}, columns={"name"}, functions=set(), others=[])
lab.rows("SELECT name FROM emp")     [("name 1",), …], or raises EngineRefuses
lab.state()                          the content of all tables

SQLite tells its authorizer what a text does. DuckDB and PostgreSQL give the trees of their parsers; DuckDB also the
tables that it would look up.
"""

from __future__ import annotations

import json
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Timer
from typing import Any

from support.sql_texts import rows, statements

from dstill_sql.language.dialects import Dialect

__all__ = ["DuckDbLab", "EngineRefuses", "Lab", "PostgresLab", "Seen", "SqliteLab"]

_SECONDS = 1.0  # after which a text is stopped: this is not about time
_STEPS = 3_000_000  # of SQLite's virtual machine
_MOST = 2_000  # rows
# Functions that read more than their arguments, write, wait, or give what was never in a table.
_FORBIDDEN = re.compile(
    r"^(pg_|lo_|sqlite_|duckdb|inet_|txid|fts|rtree)|random|blob|getenv|setting|config|variable|read|write|load|query"
    r"|eval|nextval|currval|setval|sleep|dblink|version|user|file|http|changes|last_insert|json|xml|row_to|quote|repeat"
    r"|pad$|range|series|unnest|hex|typeof|advisory|notify|export|scan"
)
_FORBIDDEN_NODES = (
    "RangeFunction",
    "lockingClause",
    "intoClause",
    "ParamRef",
    "RangeTableFunc",
    "XmlExpr",
)  # of PostgreSQL


class EngineRefuses(Exception):
    """The engine does not run a text: it has no such function, for one."""


@dataclass(kw_only=True)
class Seen:
    """What an engine reads in a text."""

    tables: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)  # what no answer may do

    def call(self, name: str) -> None:
        self.functions.add(name.lower())
        if _FORBIDDEN.search(name.lower().removeprefix("pg_catalog.")):
            self.others.append(f"calls {name}")


class Lab(ABC):
    """A database with canaries."""

    dialect: Dialect

    @abstractmethod
    def seen(self, text: str) -> Seen:
        """What the engine reads in a text. Raises EngineRefuses."""

    @abstractmethod
    def rows(self, text: str) -> Sequence[Sequence[Any]]:
        """What a text gives. Raises EngineRefuses."""

    @abstractmethod
    def state(self) -> Any:
        """The content of all tables, and their names."""

    @abstractmethod
    def columns_of(self, statement: str) -> dict[str, list[str]]:
        """Table → columns that the statement creates in an empty database. Raises EngineRefuses."""


class SqliteLab(Lab):
    """SQLite, by its authorizer."""

    dialect: Dialect = "sqlite"

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        self.database.executescript(statements("sqlite"))
        for table, lines in rows("sqlite").items():
            self.database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(lines[0]))})", lines)
        self._seen = Seen()
        self._changes = self.database.total_changes

    def seen(self, text: str) -> Seen:
        self._seen = Seen()
        self.database.set_authorizer(self._note)
        try:
            self._run(text, 0)
        finally:
            self.database.set_authorizer(None)
        return self._seen

    def rows(self, text: str) -> Sequence[Sequence[Any]]:
        return self._run(text, _MOST)

    def _run(self, text: str, most: int) -> Sequence[Sequence[Any]]:
        self.database.set_progress_handler(lambda: 1, _STEPS)
        try:
            return self.database.execute(text).fetchmany(most)
        except sqlite3.Warning as error:  # several statements
            raise AssertionError(error) from None
        except (sqlite3.Error, OverflowError) as error:
            if "one statement" in str(error):
                raise AssertionError(error) from None
            raise EngineRefuses(str(error)) from None
        finally:
            self.database.set_progress_handler(None, 0)

    def _note(self, action: int, first: str | None, second: str | None, *_: Any) -> int:
        if action == sqlite3.SQLITE_READ:
            self._seen.tables.add(str(first).lower())
            self._seen.columns.add(str(second).lower())
        elif action == sqlite3.SQLITE_FUNCTION:
            self._seen.call(str(second))
        elif action != sqlite3.SQLITE_SELECT:
            self._seen.others.append(f"action {action} on {first}")
        return sqlite3.SQLITE_OK

    def state(self) -> Any:
        return self.database.total_changes - self._changes, self.database.execute(
            "SELECT name FROM sqlite_master UNION ALL SELECT name FROM sqlite_temp_master"
        ).fetchall()

    def columns_of(self, statement: str) -> dict[str, list[str]]:
        empty = sqlite3.connect(":memory:")
        try:
            empty.execute(statement)
        except sqlite3.Warning as error:
            raise AssertionError(error) from None
        except sqlite3.Error as error:
            if "one statement" in str(error):
                raise AssertionError(error) from None
            raise EngineRefuses(str(error)) from None
        names = [name for (name,) in empty.execute("SELECT name FROM sqlite_master WHERE type <> 'index'")]
        quoted = {name: name.replace("'", "''") for name in names}
        found = {
            name: empty.execute(f"SELECT name FROM pragma_table_xinfo('{quoted[name]}')").fetchall() for name in names
        }
        empty.close()
        return {name: [column for (column,) in columns] for name, columns in found.items()}


class DuckDbLab(Lab):
    """DuckDB, by the tree of its parser and the tables that it looks up."""

    dialect: Dialect = "duckdb"

    def __init__(self) -> None:
        self.database = self._opened()
        self.database.execute(statements("duckdb"))
        for table, lines in rows("duckdb").items():
            self.database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(lines[0]))})", lines)
        self._empty = self._opened()
        effects = self.database.execute(
            "SELECT lower(function_name) FROM duckdb_functions() GROUP BY 1"
            " HAVING bool_or(has_side_effects)"
            " OR bool_and(function_type NOT IN ('scalar', 'aggregate', 'window', 'macro'))"
        ).fetchall()
        self._effects = {name for (name,) in effects}

    def _opened(self) -> Any:
        import duckdb

        limits = {"threads": 1, "enable_external_access": False, "memory_limit": "300MB"}
        return duckdb.connect(":memory:", config={**limits, "max_temp_directory_size": "0MB"})

    def seen(self, text: str) -> Seen:
        import duckdb

        seen = Seen()
        try:
            kinds = [str(statement.type) for statement in self.database.extract_statements(text)]
            tree = json.loads(self.database.execute("SELECT json_serialize_sql(?)", [text]).fetchone()[0])
            seen.tables = {name.lower() for name in self.database.get_table_names(text)}
        except duckdb.Error as error:
            raise EngineRefuses(str(error)) from None
        if kinds != ["StatementType.SELECT"]:
            seen.others.append(f"is {kinds}")
        if tree.get("error"):
            raise EngineRefuses(tree["error_message"])
        for node in _nodes(tree["statements"]):
            self._note(node, seen)
        if "ORDER BY ALL" in text:  # its tree has a star for that
            seen.columns.discard("*")
        return seen

    def _note(self, node: Mapping[str, Any], seen: Seen) -> None:
        if name := node.get("function_name"):
            seen.call(name)
            if name.lower() in self._effects:
                seen.others.append(f"calls {name}, which has effects")
        if node.get("class") == "COLUMN_REF":
            seen.columns.update(part.lower() for part in node["column_names"])
        if node.get("class") == "STAR":
            seen.columns.add("*")
        if node.get("type") in ("TABLE_FUNCTION", "EXPRESSION_LIST", "PIVOT", "SHOW_REF", "RECURSIVE_CTE_NODE"):
            seen.others.append(node["type"])

    def rows(self, text: str) -> Sequence[Sequence[Any]]:
        import duckdb

        clock = Timer(_SECONDS, self.database.interrupt)
        clock.start()
        try:
            found: Sequence[Sequence[Any]] = self.database.execute(text).fetchmany(_MOST)
        except (duckdb.Error, RuntimeError, MemoryError, ValueError, OverflowError) as error:
            raise EngineRefuses(str(error)) from None
        finally:
            clock.cancel()
            clock.join()
        return found

    def state(self) -> Any:
        names = self.database.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
        return [(name, self.database.execute(f"FROM {name}").fetchall()) for (name,) in names]

    def columns_of(self, statement: str) -> dict[str, list[str]]:
        import duckdb

        self._empty.execute("BEGIN")
        try:
            assert len(self._empty.extract_statements(statement)) == 1, statement
            self._empty.execute(statement)
            found = self._empty.execute(
                "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
                " WHERE NOT internal GROUP BY 1"
            ).fetchall()
        except duckdb.Error as error:
            raise EngineRefuses(str(error)) from None
        finally:
            self._empty.execute("ROLLBACK")
        return dict(found)


class PostgresLab(Lab):
    """PostgreSQL: the tree of its parser alone, or with a server the rows, too."""

    dialect: Dialect = "postgres"

    def __init__(self, server: Any = None, owner: Any = None) -> None:
        self._server, self._owner = server, owner

    def seen(self, text: str) -> Seen:
        import pgparse

        seen = Seen()
        try:
            parsed = pgparse.parse(text)
        except pgparse.PGQueryError as error:
            raise EngineRefuses(str(error)) from None
        if [list(one["stmt"]) for one in parsed] != [["SelectStmt"]]:
            seen.others.append(f"is {len(parsed)} statements, or no SELECT")
        for node in _nodes(parsed):
            self._note(node, seen)
        inner = {node["CommonTableExpr"]["ctename"] for node in _nodes(parsed) if "CommonTableExpr" in node}
        seen.tables -= inner
        return seen

    def _note(self, node: Mapping[str, Any], seen: Seen) -> None:
        for name, part in node.items():
            if name == "RangeVar":
                seen.tables.add(part["relname"])
                seen.others += ["names a schema"] * bool(part.get("schemaname"))
            elif name == "ColumnRef":
                seen.columns.update(
                    word["String"].get("sval", "") if "String" in word else "*" for word in part["fields"]
                )
            elif name == "FuncCall":
                seen.call(".".join(word["String"]["sval"] for word in part["funcname"]))
            elif name in _FORBIDDEN_NODES or (name.endswith("Stmt") and name != "SelectStmt"):
                seen.others.append(name)
            elif name == "SQLValueFunction" and not re.search("DATE|TIMESTAMP", part["op"]):
                seen.others.append(part["op"])

    def volatile(self, text: str) -> list[str]:
        """The functions in a text that may have effects, as the server's catalog says."""
        try:
            names = {name.rpartition(".")[2] for name in self.seen(text).functions}
        except EngineRefuses:
            return []
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
        query = f"SELECT proname FROM pg_proc WHERE provolatile = 'v' AND proname IN ({listed})"
        return [name for (name,) in self._owner(query)] if names else []

    def rows(self, text: str) -> Sequence[Sequence[Any]]:
        if self._server is None:
            return []
        import psycopg

        from dstill_sql.engines.server import Away
        from dstill_sql.language.engine_text import Statement

        try:  # without a tree: PostgreSQL's parser is not asked first
            found: Sequence[Sequence[Any]] = self._server.fetch(Statement(text=text, dialect="postgres"), _MOST)[1]
        except (psycopg.Error, Away, MemoryError, UnicodeError) as error:
            raise EngineRefuses(str(error)) from None
        return found

    def state(self) -> Any:
        if self._owner is None:
            return None
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^pg_|^inf'"
        return [(name, self._owner(f"SELECT * FROM {name} ORDER BY 1")) for (name,) in self._owner(tables)]

    def columns_of(self, statement: str) -> dict[str, list[str]]:
        import pgparse

        try:
            parsed = pgparse.parse(statement)
        except pgparse.PGQueryError as error:
            raise EngineRefuses(str(error)) from None
        assert [list(one["stmt"]) for one in parsed] == [["CreateStmt"]], statement
        create = parsed[0]["stmt"]["CreateStmt"]
        elements = [one["ColumnDef"] for one in create["tableElts"] if "ColumnDef" in one]
        assert "schemaname" not in create["relation"]
        return {create["relation"]["relname"]: [element["colname"] for element in elements]}


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    parts = [tree]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            yield part
            parts += part.values()
        elif isinstance(part, list):
            parts += part
