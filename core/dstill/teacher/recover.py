"""Copies what can still be read of a damaged reply store into a new one. The damaged one is not changed.

    salvage(Path("replies.sqlite"), Path("saved.sqlite"))     # Salvaged(replies=40960, unreadable=37)

In: a file that SQLite calls malformed. Out: a new store with every row that can be read, in the same order. A damaged
page loses its own rows, but not those after it. Not covered: changed bytes in a reply that is still valid JSON; SQLite
stores no checksums.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill.api.records import Reply
from dstill.errors import RunError, UsageError
from dstill.io.files import reading, writing
from dstill.io.sqlite_files import connect
from dstill.teacher.cache import SCHEMA, ReplyStore

__all__ = ["Salvaged", "salvage"]

TABLES = {
    "replies": ("key", "identity", "reply", "at", "buyer"),
    "batches": ("digest", "id", "open", "identity", "items", "at"),
    "attempts": ("key", "code", "error", "at"),
}
SMALLEST = 40  # bytes of the smallest row, which limits the number of rows in a file
COMMIT_SIZE = 1000  # rows in one transaction


@dataclass(frozen=True, kw_only=True)
class Salvaged:
    """The result of `salvage`."""

    replies: int  # in the new store
    unreadable: int  # rows that exist but cannot be read


def salvage(damaged: Path, new: Path) -> Salvaged:
    """Copy the readable rows of `damaged` into `new`.

    Raises RunError if nothing can be read, and UsageError if `new` exists.
    """
    if new.exists():
        raise UsageError(f"{new} already exists", where=str(new.absolute()), hint="name a new file")
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(damaged, Path(folder))
        with closing(connect(copy)) as db, ReplyStore(new) as store:
            columns = _columns(db, damaged)
            lost = sum(_copy_rows(db, store, table, names) for table, names in columns.items())
            return Salvaged(replies=len(store), unreadable=lost)


def _copied(damaged: Path, folder: Path) -> Path:
    """A copy of the file and its write-ahead log in `folder`, so that opening it does not change the original."""
    copy = folder / "damaged.sqlite"
    with reading(damaged):
        if not stat.S_ISREG(damaged.stat().st_mode):
            raise UsageError(f"{damaged} is not a regular file", where=str(damaged.absolute()), hint="name a file")
    for ending in ("", "-wal"):
        source = damaged.with_name(damaged.name + ending)
        if source.is_file():
            with writing(copy):
                shutil.copyfile(source, copy.with_name(copy.name + ending))
    return copy


def _columns(db: sqlite3.Connection, damaged: Path) -> dict[str, list[str]]:
    """The columns of each table in the file, whose schema may be damaged."""
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        made_by = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        found = {
            table: [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] in known]
            for table, known in TABLES.items()
            if str(made_by.get(table, "")).startswith("CREATE TABLE")  # not a view or a virtual table
        }
    except sqlite3.Error as error:
        found, version = {}, f"not readable ({error})"
    if not found.get("replies") or version > SCHEMA:
        raise RunError(
            f"nothing of {damaged} can be read as a reply store; its schema version is {version}",
            where=str(damaged.absolute()),
            hint="restore a backup, or move the file away: dstill then buys its replies again",
        )
    return {table: names for table, names in found.items() if names}


def _copy_rows(db: sqlite3.Connection, store: ReplyStore, table: str, names: Sequence[str]) -> int:
    """Copy every row of `table` that can be read, and return how many cannot."""
    listed, marks = ", ".join(names), ", ".join("?" * len(names))
    lost = 0
    rows: list[tuple[Any, ...]] = []

    def flush() -> None:
        with store.transaction() as to:
            to.executemany(f"INSERT OR IGNORE INTO {table} ({listed}) VALUES ({marks})", rows)
        rows.clear()

    for row in _rows(db, table, listed):
        if row is None or (table == "replies" and not _is_reply(dict(zip(names, row, strict=True)))):
            lost += 1
        else:
            rows.append(row)
        if len(rows) >= COMMIT_SIZE:
            flush()
    flush()
    return lost


def _rows(db: sqlite3.Connection, table: str, listed: str) -> Iterator[tuple[Any, ...] | None]:
    """The rows one by one in the order of their ids, so that a damaged page hides only its own; None: not readable."""
    most = _size(db) // SMALLEST  # most failed reads: the file cannot have more rows, whatever their ids are
    known = _is_known(db, table)
    number, failed = 0, 0
    while failed <= most:
        try:
            row = db.execute(
                f"SELECT rowid, {listed} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT 1", (number,)
            ).fetchone()
        except sqlite3.Error:
            failed, number = failed + 1, number + 1
            if known:
                yield None
            continue
        if row is None:
            return
        if row[0] > number:
            number = row[0]
            yield row[1:]
        else:  # pages that refer to each other
            failed, number = failed + 1, number + 1


def _is_known(db: sqlite3.Connection, table: str) -> bool:
    """Whether the id of the last row can be read. Then each unreadable id before it is a lost row."""
    try:
        db.execute(f"SELECT max(rowid) FROM {table}").fetchone()
    except sqlite3.Error:  # the last page is damaged, too
        return False
    return True


def _size(db: sqlite3.Connection) -> int:
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return int(pages * size)


def _is_reply(row: dict[str, Any]) -> bool:
    try:
        Reply.from_row(json.loads(row["reply"]))
    except (ValueError, TypeError, KeyError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(row["key"], str)
