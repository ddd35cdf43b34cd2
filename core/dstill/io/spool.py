"""Long sequences whose items are on disk instead of in memory, and where keys occur in them.

    rows = Spool(codec, found)               # a Sequence: rows[7], len(rows), for row in rows; also rows[7] = row
    at = Positions(row.id for row in rows)
    at.find("q-7")                           → [7]
    list(at.repeated())                      → [[3, 9]]: two rows have one id
    View(lambda row: row.id, rows)           # the ids, each made when it is read

Up to `MEMORY_ITEMS` items stay in memory as they are. More of them are JSON in a temporary SQLite file without a name,
which the operating system removes with the process, whatever ends it; ``SQLITE_TMPDIR`` says on which disk. A spool
and its positions are for one thread at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import reprlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, overload

from dstill.errors import DiskError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["MEMORY_ITEMS", "Codec", "Positions", "Spool", "View", "digest"]

MEMORY_ITEMS = 10_000  # items of a spool
BLOCK = 512  # items that are written or read at once
READ_AHEAD = 32  # items that are read at once where one follows the last one
PART_CACHE = 256  # parts that are remembered
REPR_ITEMS = 3  # items of a spool's repr

T = TypeVar("T")


class Codec(NamedTuple, Generic[T]):
    """How an item becomes JSON, and JSON an item."""

    encode: Callable[[T], tuple[Any, Any]]  # the item without its part, and the part: JSON values
    decode: Callable[[Any, Any], T]  # a part is often the same for many items, so it is kept once; None: no part


class Spool(Sequence[T]):
    """A sequence that grows at its end. Items can be replaced. Raises DiskError if the disk is full."""

    def __init__(self, codec: Codec[T], items: Iterable[T] = ()) -> None:
        self._codec = codec
        self._db: sqlite3.Connection | None = None
        self._stored = 0  # items on disk
        self._tail: list[T] = []  # the items after these
        self._numbers: dict[str, int] = {}  # of the last parts that were written, by their JSON
        self._parts: dict[int, Any] = {}  # the last parts that were read, by their numbers
        self._known: dict[int, tuple[Any, int]] = {}  # the last parts by identity
        self._near: dict[int, T] = {}  # the items on disk that were read last, as the next ones are often wanted next
        self.extend(items)

    def append(self, item: T) -> None:
        """Add an item."""
        self._tail.append(item)
        if len(self._tail) > (MEMORY_ITEMS if self._db is None else BLOCK):
            self._store_tail()

    def extend(self, items: Iterable[T]) -> None:
        """Add items."""
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return self._stored + len(self._tail)

    def __repr__(self) -> str:
        return f"<{len(self)} items: {reprlib.repr(self[:REPR_ITEMS])}>"

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self[n] for n in range(len(self))[at]]
        at = range(len(self))[at]
        if at >= self._stored:
            return self._tail[at - self._stored]
        if at not in self._near:
            follows = bool(self._near) and 0 < at - next(reversed(self._near)) <= READ_AHEAD
            self._near = dict(enumerate(self._read(at, READ_AHEAD if follows else 1), start=at))
        return self._near[at]

    def __setitem__(self, at: int, item: T) -> None:
        self._near.pop(at, None)
        if at >= self._stored:
            self._tail[at - self._stored] = item
            return
        with _guard():
            self._on_disk.execute("UPDATE rows SET value = ?, part = ? WHERE n = ?", (*self._encoded(item), at))

    def __iter__(self) -> Iterator[T]:
        at = 0
        while at < len(self):
            if at >= self._stored:
                yield self._tail[at - self._stored]
                at += 1
            else:
                for item in self._read(at, BLOCK):
                    yield item
                    at += 1

    # --- on disk ------------------------------------------------------------------------

    @property
    def _on_disk(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _temporary(
                self,
                "CREATE TABLE rows (n INTEGER PRIMARY KEY, value, part)",
                "CREATE TABLE parts (n INTEGER PRIMARY KEY, value)",
            )
        return self._db

    def _store_tail(self) -> None:
        with _guard():
            rows = ((n, *self._encoded(item)) for n, item in enumerate(self._tail, start=self._stored))
            self._on_disk.executemany("INSERT INTO rows VALUES (?, ?, ?)", list(rows))
        self._stored += len(self._tail)
        self._tail.clear()

    def _read(self, start: int, most: int) -> Iterator[T]:
        with _guard():
            find = "SELECT value, part FROM rows WHERE n >= ? ORDER BY n LIMIT ?"
            rows = self._on_disk.execute(find, (start, most)).fetchall()
        values = json.loads(f"[{','.join(value for value, _ in rows)}]")  # quicker than one after the other
        for value, (_, part) in zip(values, rows, strict=True):
            yield self._codec.decode(value, None if part is None else self._part(part))

    def _encoded(self, item: T) -> tuple[str, int | None]:
        value, part = self._codec.encode(item)
        return json.dumps(value, separators=(",", ":")), None if part is None else self._number(part)

    def _number(self, part: Any) -> int:
        """The number of `part`, which is written unless it, or an equal one, was written lately."""
        if (known := self._known.get(id(part))) is not None:
            return known[1]
        text = json.dumps(part, separators=(",", ":"))
        number = self._numbers.get(text)
        if number is None:
            number = self._on_disk.execute("INSERT INTO parts (value) VALUES (?)", (text,)).lastrowid or 0
            _remember(self._numbers, text, number)
        _remember(self._known, id(part), (part, number))  # with the part, so that no other gets its identity
        return number

    def _part(self, number: int) -> Any:
        if number not in self._parts:
            with _guard():
                (text,) = self._on_disk.execute("SELECT value FROM parts WHERE n = ?", (number,)).fetchone()
            _remember(self._parts, number, json.loads(text))
        return self._parts[number]


class Positions:
    """Where keys occur: `keys` are those of positions 0, 1, …; None: no key. Memory does not grow with them."""

    def __init__(self, keys: Iterable[str | None] = ()) -> None:
        self._db = _temporary(self, "CREATE TABLE keys (key, at)")
        self._new: list[tuple[bytes, int]] = []
        for at, key in enumerate(keys):
            if key is not None:
                self.add(key, at)

    def add(self, key: str, at: int) -> None:
        """Say that `key` occurs at a position."""
        self._new.append((digest(key), at))
        if len(self._new) >= BLOCK:
            self._store()

    def find(self, key: str) -> list[int]:
        """The positions of `key`, in ascending order."""
        self._sort()
        with _guard():
            rows = self._db.execute("SELECT at FROM keys WHERE key = ? ORDER BY at", (digest(key),)).fetchall()
        return [at for (at,) in rows]

    def repeated(self) -> Iterator[list[int]]:
        """The positions of each key that has several, in ascending order; the keys in no order."""
        self._sort()
        with _guard():
            rows = self._db.execute("SELECT key, at FROM keys ORDER BY key, at")
            for _, group in groupby(rows, itemgetter(0)):
                places = [at for _, at in group]
                if len(places) > 1:
                    yield places

    def _sort(self) -> None:
        """Sort the keys, which is quick if most of them are there by then."""
        self._store()
        with _guard():
            self._db.execute("CREATE INDEX IF NOT EXISTS sorted ON keys (key, at)")

    def _store(self) -> None:
        if self._new:
            with _guard():
                self._db.executemany("INSERT INTO keys VALUES (?, ?)", self._new)
            self._new.clear()


class View(Sequence[T]):
    """`function` of the items of one or more sequences of equal length, made whenever they are read."""

    def __init__(self, function: Callable[..., T], *of: Sequence[Any]) -> None:
        self._function, self._of = function, of

    def __len__(self) -> int:
        return len(self._of[0])

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self[n] for n in range(len(self))[at]]
        return self._function(*(rows[at] for rows in self._of))

    def __iter__(self) -> Iterator[T]:
        return map(self._function, *self._of)


def digest(text: str) -> bytes:
    """16 bytes that stand for a text: no two texts have the same ones."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _temporary(owner: object, *statements: str) -> sqlite3.Connection:
    """A database on disk without a name, which is closed with its owner."""
    import sqlite3  # every command imports this module

    with _guard():
        db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(owner, db.close)
        for statement in ("PRAGMA temp_store = FILE", "PRAGMA journal_mode = OFF", *statements, "BEGIN"):
            db.execute(statement)
    return db


@contextlib.contextmanager
def _guard() -> Iterator[None]:
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        hint = "free some space, or name a folder on another disk: export SQLITE_TMPDIR=…"
        raise DiskError(f"cannot keep rows on disk: {error}", where="a temporary file of SQLite", hint=hint) from error


def _remember(last: dict[Any, Any], key: Any, value: Any) -> None:
    last[key] = value
    if len(last) > PART_CACHE:
        del last[next(iter(last))]
