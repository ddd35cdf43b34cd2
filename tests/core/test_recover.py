"""Recovery of replies from a damaged store, for any damaged page."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dstill.api.records import Reply
from dstill.errors import RunError, UsageError
from dstill.teacher.cache import ReplyStore
from dstill.teacher.recover import salvage

ROWS, PAGE = 400, 4096


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "replies.sqlite"
    with ReplyStore(path, buyer="run 1") as store:
        store.put_many([(f"{n:064}", Reply(id=str(n), text=f"reply {n} " + "x" * 600), {}) for n in range(ROWS)])
    return path


def texts(path: Path) -> dict[str, str]:
    with ReplyStore(path) as store:
        return {reply.id: reply.text for reply in store.bought_by("run 1")}


def test_intact_store_is_recovered_completely(whole: Path, tmp_path: Path) -> None:
    before = whole.read_bytes()
    saved = salvage(whole, tmp_path / "saved.sqlite")
    assert (saved.replies, saved.unreadable) == (ROWS, 0)
    assert whole.read_bytes() == before
    assert texts(tmp_path / "saved.sqlite") == texts(whole)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_page_loses_only_its_rows(whole: Path, tmp_path: Path, seed: int) -> None:
    """Any page but the first, which says where the tables are: at most 20 rows lie on one, unless it is an index."""
    content = bytearray(whole.read_bytes())
    page = random.Random(seed).randrange(4, len(content) // PAGE)
    content[page * PAGE : (page + 1) * PAGE] = b"\xa5" * PAGE
    whole.write_bytes(content)
    wanted = {str(n): f"reply {n} " + "x" * 600 for n in range(ROWS)}
    saved = salvage(whole, tmp_path / "saved.sqlite")
    found = texts(tmp_path / "saved.sqlite")
    assert found.items() <= wanted.items()
    assert saved.replies == len(found) >= ROWS - 20
    assert saved.unreadable in (0, ROWS - len(found))  # not known where the last page is damaged
    with closing(sqlite3.connect(tmp_path / "saved.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_recovers_a_store_of_the_first_schema(tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(old)) as db, db:
        db.execute("CREATE TABLE replies (key TEXT PRIMARY KEY, identity TEXT, reply TEXT, at REAL)")
        db.execute('INSERT INTO replies VALUES (\'k\', \'{}\', \'{"id":"1","text":"x"}\', 1.0)')
        db.execute("INSERT INTO replies VALUES ('l', '{}', '{\"id\":\"2\",', 1.0)")
    saved = salvage(old, tmp_path / "saved.sqlite")
    assert (saved.replies, saved.unreadable) == (1, 1)
    with ReplyStore(tmp_path / "saved.sqlite") as store:
        assert store.get("k") == Reply(id="1", text="x")


def test_unrecoverable_store_is_an_error(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already exists"):
        salvage(whole, whole)
    with pytest.raises(UsageError, match="no file"):
        salvage(tmp_path / "no.sqlite", tmp_path / "saved.sqlite")
    (tmp_path / "text.sqlite").write_bytes(b"{}" * 4000)
    with pytest.raises(RunError, match=r"nothing of .* can be read as a reply store"):
        salvage(tmp_path / "text.sqlite", tmp_path / "saved.sqlite")
    with closing(sqlite3.connect(whole)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(RunError, match="its schema version is 99"):
        salvage(whole, tmp_path / "other.sqlite")


def test_foreign_store_is_read_as_data_only(whole: Path, tmp_path: Path) -> None:
    """Row numbers without end, a view that never ends, and a trigger."""
    with closing(sqlite3.connect(whole)) as db, db:
        db.execute("CREATE TRIGGER more AFTER INSERT ON replies BEGIN DELETE FROM replies; END")
        db.execute("DROP TABLE batches")
        db.execute(
            "CREATE VIEW batches AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id FROM n) SELECT * FROM n"
        )
        db.execute("UPDATE replies SET rowid = 4611686018427387904 WHERE rowid = 400")
    saved = salvage(whole, tmp_path / "saved.sqlite")
    assert (saved.replies, saved.unreadable) == (ROWS, 0)
    with closing(sqlite3.connect(tmp_path / "saved.sqlite")) as db:
        assert {kind for (kind,) in db.execute("SELECT type FROM sqlite_master")} == {"table", "index"}


def test_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="is not a regular file"):
        salvage(tmp_path / "fifo", tmp_path / "saved.sqlite")
