"""The reply store: every reply of a project's teachers, in one SQLite file next to ``runs/``.

    store = ReplyStore(Path("replies.sqlite"))
    key = store.key(teacher.identity(prompt), prompt.messages)   # changes with every word of the request
    store.get(key)                                               # None: not asked yet
    store.put(key, reply)                                        # on disk when this returns

The store has raw replies, not what was parsed from them: so neither a better parser nor another run buys a reply again.
A failure is recorded as an attempt, never as a reply. Several processes may share the file; the first reply for a key
stays. Within a process, any thread may write, and one other thread may read at the same time.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self

from dstill.api.records import Message, Reply
from dstill.errors import DataError, DiskError, DstillError, RunError, UsageError
from dstill.io.files import full
from dstill.io.secrets import redact
from dstill.io.sqlite_files import Schema, connect, schema_of, unexpected
from dstill.io.strict_json import dumps

__all__ = ["RESTORE", "ReplyStore"]

SCHEMA = 1  # PRAGMA user_version; another one is refused
APPLICATION = 0x6473746C  # PRAGMA application_id: "dstl"
MIN_FREE = 1 << 20  # free bytes; below it, an I/O error means that the disk is full
BUSY_SECONDS = 30.0  # how long another process may hold the write lock
INTEGRITY_SECONDS = 3.0  # time for SQLite's own check of a damaged file
_MOVE_HINT = "move it away; dstill then creates a new one and buys its replies again"
RESTORE = f"restore a backup, or {_MOVE_HINT}"

_TABLES = """
CREATE TABLE replies (key TEXT PRIMARY KEY, identity TEXT NOT NULL, reply TEXT NOT NULL, at REAL NOT NULL,
    buyer TEXT NOT NULL DEFAULT '');
CREATE INDEX replies_buyer ON replies (buyer);
CREATE TABLE attempts (key TEXT NOT NULL, code TEXT NOT NULL, error TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX attempts_key ON attempts (key);
CREATE TABLE batches (digest TEXT PRIMARY KEY, id TEXT NOT NULL, open INTEGER NOT NULL, identity TEXT NOT NULL,
    items TEXT NOT NULL, at REAL NOT NULL);
"""


class ReplyStore:
    """The replies in the SQLite file `path`, which is created if it does not exist. Close it after use.

    Args:
        path: the file.
        buyer: the run that pays for new replies, for `bought_by`.

    Every method raises RunError, DataError, DiskError or UsageError if SQLite cannot read or write the file.
    """

    def __init__(self, path: Path, *, buyer: str = "") -> None:
        self.path, self.buyer = path, buyer
        self._lock = threading.Lock()  # one transaction of this process at a time
        with ExitStack() as undo, self._guard():
            self._writer = undo.enter_context(closing(self._connect()))
            self._prepare()
            # A second connection, so that reading never waits for a commit's fsync.
            self._reader = undo.enter_context(closing(self._connect()))
            self._open = undo.pop_all()

    # --- keys, replies, attempts --------------------------------------------------------

    @staticmethod
    def key(identity: Mapping[str, Any], messages: Sequence[Message], sample: int = 0) -> str:
        """A hash of everything that determines a reply. `identity`: a result of `Teacher.identity`."""
        words = {"identity": identity, "messages": [[m.role, m.content] for m in messages], "sample": sample}
        return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()

    def get(self, key: str) -> Reply | None:
        """The reply for `key`, or None. Its ``id`` is that of the example that it was first bought for."""
        with self._guard():
            row = self._reader.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._reply(row[0])

    def put(self, key: str, reply: Reply, identity: Mapping[str, Any] | None = None) -> Reply:
        """Store one reply in its own transaction. Returns the stored one, which is the first for `key`."""
        return self.put_many([(key, reply, identity or {})])[0]

    def put_many(self, items: Sequence[tuple[str, Reply, Mapping[str, Any]]]) -> list[Reply]:
        """As `put`, for many replies in one transaction."""
        now = time.time()
        with self.transaction() as db:
            rows = (
                (key, redact(dumps(identity)), redact(dumps(reply.to_row())), now, self.buyer)
                for key, reply, identity in items
            )
            db.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)", rows)
            find = "SELECT reply FROM replies WHERE key = ?"
            return [self._reply(db.execute(find, (key,)).fetchone()[0]) for key, _, _ in items]

    def bought_by(self, buyer: str) -> Iterator[Reply]:
        """Every reply that `buyer` paid for, even if other runs use it too."""
        with self._guard():
            for (row,) in self._reader.execute("SELECT reply FROM replies WHERE buyer = ?", (buyer,)):
                yield self._reply(row)

    def attempt(self, key: str, error: DstillError) -> None:
        """Record that asking for `key` failed."""
        self.attempt_many({key: error})

    def attempt_many(self, errors: Mapping[str, DstillError]) -> None:
        """As `attempt`, for many keys in one transaction."""
        now = time.time()
        with self.transaction() as db:
            rows = ((key, error.code, redact(str(error)), now) for key, error in errors.items())
            db.executemany("INSERT INTO attempts VALUES (?, ?, ?, ?)", rows)

    def attempts(self, key: str) -> list[str]:
        """The errors of all failed attempts for `key`, oldest first."""
        with self._guard():
            rows = self._reader.execute("SELECT error FROM attempts WHERE key = ? ORDER BY rowid", (key,))
            return [str(error) for (error,) in rows]

    def __len__(self) -> int:
        with self._guard():
            count: int = self._reader.execute("SELECT count(*) FROM replies").fetchone()[0]
        return count

    def close(self) -> None:
        """Close the connections to the file."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _reply(self, text: Any) -> Reply:
        try:
            return Reply.from_row(json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(
                f"a reply in the reply store {self.path} is damaged: {error}",
                where=str(self.path),
                hint=RESTORE,
            ) from None

    # --- SQLite -------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        db = connect(self.path, timeout=BUSY_SECONDS)
        try:
            db.execute("PRAGMA synchronous = FULL")
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self) -> None:
        """Create the tables of a new file. Refuse a file of another program or of a newer dstill."""
        db = self._writer
        self._refuse_foreign(db)
        _until_free(lambda: db.execute("PRAGMA journal_mode = WAL").fetchone())
        with self.transaction():
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                for statement in _TABLES.split(";"):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {SCHEMA}")

    def _refuse_foreign(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN")  # a consistent view: another process may be creating the tables
        try:
            pragmas = ("application_id", "user_version")
            application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas)
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            expected: dict[int, Schema] = {0: {}, SCHEMA: _expected()}
            flaw = unexpected(db, expected[version]) if version in expected else f"has version {version}"
        finally:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        if (tables or self.path.is_symlink()) and application != APPLICATION:
            raise RunError(f"{self.path} is an SQLite file of another program", where=str(self.path), hint=_MOVE_HINT)
        if version > SCHEMA:
            raise RunError(
                f"{self.path} has schema version {version}, this dstill knows {SCHEMA}",
                where=str(self.path),
                hint="pip install --upgrade dstill",
            )
        if flaw:
            raise DataError(
                f"the schema of the reply store {self.path} is not one that dstill wrote: {flaw}",
                where=str(self.path),
                hint=RESTORE,
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end of the block, rolled back if it raises."""
        with self._lock, self._guard():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Raise errors of SQLite as errors of dstill."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: sqlite3.Error) -> DstillError:
        where, code = str(self.path), _code(error)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return RunError(
                f"the reply store {self.path} is corrupt: {self._integrity(error)}",
                where=where,
                hint=RESTORE,
            )
        if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._free_bytes() < MIN_FREE):
            return full(self.path)
        if code == sqlite3.SQLITE_IOERR:
            return DiskError(f"cannot write {self.path}: {error}", where=where, hint=_MOVE_HINT)
        if code == sqlite3.SQLITE_BUSY:
            return RunError(f"{self.path} is locked by another process", where=where, hint="wait for it, or end it")
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            return UsageError(
                f"cannot write {self.path}: {error}",
                where=where,
                hint="check the permissions of the file and its folder",
            )
        return RunError(f"the reply store {self.path}: {error}", where=where, hint=_MOVE_HINT)

    def _free_bytes(self) -> int:
        """Free bytes on the disk: SQLite's I/O errors do not say whether it is full."""
        return shutil.disk_usage(self.path.absolute().parent).free

    def _integrity(self, error: sqlite3.Error) -> str:
        """The first line of SQLite's own check, or `error` if the check cannot run."""
        try:
            with closing(connect(self.path, timeout=1)) as db:
                deadline = time.monotonic() + INTEGRITY_SECONDS
                db.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
                state: str = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except (sqlite3.Error, RunError):
            state = str(error)
        return next((line for line in state.splitlines() if not line.startswith("***")), state)


@cache
def _expected() -> Schema:
    return schema_of(_TABLES.split(";"))


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary error code; 0 if the error comes from Python's module."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _until_free(action: Any) -> None:
    """Repeat `action` while the file is busy. SQLite does not wait here for another process that opens a new file."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
