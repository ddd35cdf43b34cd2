"""What can still be read of a damaged reply store, copied into a new one. The damaged one is only read.

    salvage(Path("replies.sqlite"), Path("saved.sqlite"))     # Salvaged(replies=40960, unreadable=37)

In: a file of which SQLite says that it is malformed. Out: a new store with every row that can be read, each at
its place. A page that is damaged takes its own rows with it, not those behind it. Not covered: bytes that changed
inside a reply's text and left it valid JSON; SQLite keeps no checksum of them.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Sequence

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
SMALLEST = 40  # bytes of a row: so many rows a file may have at most
TOGETHER = 1000  # rows a transaction


@dataclass(frozen=True, kw_only=True)
class Salvaged:
    replies: int
    unreadable: int  # rows that are known to be there and cannot be read


def salvage(damaged: Path, new: Path) -> Salvaged:
    """Raises RunError where nothing can be read at all, UsageError where `new` is there already."""
    if new.exists():
        raise UsageError(f"{new} is there already", where=str(new.absolute()), hint="name a file that is not there yet")
    with tempfile.TemporaryDirectory() as folder:
        copy = _copied(damaged, Path(folder))
        with closing(connect(copy)) as db, ReplyStore(new) as store:
            columns = _columns(db, damaged)
            lost = sum(_copy_rows(db, store, table, names) for table, names in columns.items())
            return Salvaged(replies=len(store), unreadable=lost)


def _copied(damaged: Path, folder: Path) -> Path:
    """The file in `folder`, with what SQLite keeps beside it: opening it there changes nothing here."""
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
    """The columns of each table that is there, also of an older schema."""
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        made_by = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        found = {
            table: [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[1] in known]
            for table, known in TABLES.items()
            if str(made_by.get(table, "")).startswith("CREATE TABLE")  # no view, and no virtual table
        }
    except sqlite3.Error as error:
        found, version = {}, f"not readable ({error})"
    if not found.get("replies") or version > SCHEMA:
        raise RunError(
            f"nothing of {damaged} can be read as a reply store; its schema version is {version}",
            where=str(damaged.absolute()),
            hint="put a copy of it back, or move it away: what is not in it is bought again",
        )
    return {table: names for table, names in found.items() if names}


def _copy_rows(db: sqlite3.Connection, store: ReplyStore, table: str, names: Sequence[str]) -> int:
    """Copy every row of `table` that can be read. Returns how many cannot."""
    listed, marks = ", ".join(names), ", ".join("?" * len(names))
    lost = 0
    rows: list[tuple[Any, ...]] = []

    def keep() -> None:
        with store.transaction() as to:
            to.executemany(f"INSERT OR IGNORE INTO {table} ({listed}) VALUES ({marks})", rows)
        rows.clear()

    for row in _rows(db, table, listed):
        if row is None or (table == "replies" and not _is_reply(dict(zip(names, row, strict=True)))):
            lost += 1
        else:
            rows.append(row)
        if len(rows) >= TOGETHER:
            keep()
    keep()
    return lost


def _rows(db: sqlite3.Connection, table: str, listed: str) -> Iterator[tuple[Any, ...] | None]:
    """Rows in the order of their numbers, so that a damaged page hides none but its own; None: cannot be read."""
    most = _size(db) // SMALLEST  # failed reads: the file cannot hold more rows, whatever numbers it gives them
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
    """Whether the number of the last row can be read: each number before it that cannot be read is then a lost row."""
    try:
        db.execute(f"SELECT max(rowid) FROM {table}").fetchone()
    except sqlite3.Error:  # the last page is damaged itself
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
