"""Opens SQLite files that somebody else may have made, and checks that their schema is the expected one.

    with closing(connect(Path("replies.sqlite"))) as db:
        unexpected(db, schema_of(statements))      # "the trigger 'spy' is unexpected"; empty: as it should be

A schema can contain code: triggers, views, virtual tables, expressions in constraints. `connect` applies SQLite's
advice for untrusted files (https://www.sqlite.org/security.html). Call `unexpected` before any statement that reads or
writes a table, and refuse the file if it finds a difference.
"""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from dstill.errors import RunError

__all__ = ["connect", "schema_of", "unexpected"]

LONGEST = 64 * 2**20  # bytes of one text, so that a corrupt length does not exhaust memory
SIDE_FILES = ("-wal", "-shm", "-journal")  # endings of files that SQLite writes next to the database, following links

Schema = Mapping[tuple[str, str], str]  # (kind, name) → the statement that created it


def connect(path: Path, *, timeout: float = 5.0) -> sqlite3.Connection:
    """A connection in autocommit mode. Raises sqlite3.Error, and RunError for a link or a special file.

    `timeout`: seconds to wait for a lock of another process.
    """
    _refuse_links(path)
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        if sys.version_info >= (3, 12):
            db.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
            for forbidden in (sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW):
                db.setconfig(forbidden, False)
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
            db.execute(f"PRAGMA {setting}").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def schema_of(statements: Iterable[str]) -> Schema:
    """The schema of a new database after `statements`."""
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in statements:
            db.execute(statement)
        return _schema(db)


def unexpected(db: sqlite3.Connection, expected: Schema) -> str:
    """The first difference between the schema of `db` and `expected`, in words; empty: there is none."""
    schema = _schema(db)
    for kind, name in sorted(schema.keys() | expected.keys(), reverse=True):  # tables before what belongs to them
        if (kind, name) not in expected:
            return f"the {kind} '{name}' is unexpected"
        if (kind, name) not in schema:
            return f"the {kind} '{name}' is missing"
        if schema[kind, name] != expected[kind, name]:
            return f"the {kind} '{name}' was changed"
    return ""


def _schema(db: sqlite3.Connection) -> Schema:
    rows = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return {(str(kind), str(name)): " ".join(str(sql).split()) for kind, name, sql in rows}


def _refuse_links(path: Path) -> None:
    """Raise RunError for special files, and for links that SQLite would create a file through.

    The file itself may be a link to an existing database.
    """
    beside = [path.resolve().with_name(path.resolve().name + ending) for ending in SIDE_FILES]
    for file in (path, *beside):
        if file.is_symlink() and (file != path or not file.exists()):
            raise RunError(
                f"{file} is a symbolic link{'' if file.exists() else ' to nothing'}",
                where=str(file),
                hint="delete the link: SQLite would write the file that it names",
            )
        if file.exists() and not stat.S_ISREG(file.stat().st_mode):
            raise RunError(f"{file} is not a regular file", where=str(file), hint="move it away")
