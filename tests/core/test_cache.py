"""The reply store: one reply per key, transactions, and refused files."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import Message, Reply, Usage
from dstill.errors import DataError, DiskError, RunError, ServiceError, UsageError
from dstill.io.sqlite_files import connect
from dstill.teacher.cache import RESTORE, SCHEMA, ReplyStore

REPLY = Reply(
    id="1", text="half \ud83d and \u2028", model="m", usage=Usage(prompt_tokens=3, completion_tokens=2), seconds=0.5
)
ASKED = (Message(role="system", content="be short"), Message(role="user", content="why?"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replies.sqlite"


def test_reply_survives_reopening(path: Path) -> None:
    with ReplyStore(path) as store:
        assert store.get("k") is None
        assert store.put("k", REPLY, {"teacher": "toy"}) == REPLY
        assert store.get("k") == REPLY
    with ReplyStore(path) as store:
        assert store.get("k") == REPLY
        assert len(store) == 1


def test_first_reply_to_a_key_wins(path: Path) -> None:
    with ReplyStore(path) as store:
        store.put("k", REPLY)
        assert store.put("k", Reply(id="2", text="later")) == REPLY
        assert store.get("k") == REPLY


def test_put_many_is_atomic(path: Path) -> None:
    unfit = Reply(id="3", text="x", seconds=float("nan"))  # no JSON
    with ReplyStore(path) as store:
        with pytest.raises(ValueError, match="JSON"):
            store.put_many([("a", REPLY, {}), ("b", unfit, {})])
        assert len(store) == 0
        assert store.put_many([("a", REPLY, {}), ("b", REPLY, {})]) == [REPLY, REPLY]
        assert len(store) == 2


def test_failures_are_recorded_as_attempts(path: Path) -> None:
    with ReplyStore(path) as store:
        store.attempt("k", ServiceError("no route", where="host"))
        store.attempt("k", DataError("refused"))
        assert store.get("k") is None
        assert store.attempts("k") == ["no route\nhost", "refused"]
        assert len(store) == 0


def test_committed_reply_is_on_disk(path: Path) -> None:
    with ReplyStore(path) as store, closing(sqlite3.connect(path)) as other:
        assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.put("k", REPLY)
        assert other.execute("SELECT count(*) FROM replies").fetchone() == (1,)


identities = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3)
conversations = st.lists(
    st.builds(Message, role=st.sampled_from(["system", "user"]), content=st.text(max_size=4)), max_size=3
)


requests = st.tuples(identities, conversations, st.integers(0, 1))


@given(requests, requests)
def test_keys_are_equal_iff_requests_are(one: Any, two: Any) -> None:
    assert (ReplyStore.key(*one) == ReplyStore.key(*two)) == (one == two)


def test_order_of_parameters_does_not_change_the_key() -> None:
    assert ReplyStore.key({"a": 1, "b": 2}, ASKED) == ReplyStore.key({"b": 2, "a": 1}, ASKED)
    assert ReplyStore.key({"a": 1}, ASKED) != ReplyStore.key({"a": 1}, ASKED, sample=1)
    assert ReplyStore.key({}, ASKED) != ReplyStore.key({}, ASKED[::-1])


# --- refused files ----------------------------------------------------------------------


def test_newer_schema_is_refused_with_its_version(path: Path) -> None:
    ReplyStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(RunError, match=rf"schema version {SCHEMA + 1}, this dstill knows {SCHEMA}") as caught:
        ReplyStore(path)
    assert "upgrade" in caught.value.hint


def test_reply_belongs_to_the_run_that_paid(path: Path) -> None:
    with ReplyStore(path, buyer="a") as store:
        store.put("k1", REPLY)
    with ReplyStore(path, buyer="b") as store:
        assert store.put("k1", Reply(id="9", text="later")) == REPLY
        store.put("k2", REPLY)
        assert (len(list(store.bought_by("a"))), len(list(store.bought_by("b")))) == (1, 1)


def test_database_of_another_program_is_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    with pytest.raises(RunError, match="an SQLite file of another program"):
        ReplyStore(path)
    assert path.read_bytes() == before


def test_corrupt_store_reports_the_integrity_check(path: Path) -> None:
    with ReplyStore(path) as store:
        store.put_many([(f"{n:064}", Reply(id=str(n), text="x" * 900), {}) for n in range(300)])
    content = bytearray(path.read_bytes())
    page = 4096
    for start in range(2 * page, len(content), 3 * page):
        content[start : start + page] = b"\xa5" * page
    path.write_bytes(content)
    with ReplyStore(path) as store, pytest.raises(RunError, match="is corrupt: ") as caught:
        [store.get(f"{n:064}") for n in range(300)]
    assert "malformed" in caught.value.what or "page" in caught.value.what.lower()


def test_non_database_file_is_an_error(path: Path) -> None:
    path.write_bytes(b"{}" * 4000)
    with pytest.raises(RunError, match="is corrupt: file is not a database"):
        ReplyStore(path)


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*unable to open"):
        ReplyStore(tmp_path / "no" / "replies.sqlite")


def test_full_disk_keeps_earlier_replies(path: Path) -> None:
    with ReplyStore(path) as store:
        store.put("k", REPLY)
        store._writer.execute("PRAGMA max_page_count = 8")  # SQLite's own word for a full disk
        with pytest.raises(DiskError, match="disk full writing"):
            store.put_many([(f"{n}", Reply(id="1", text="x" * 9000), {}) for n in range(20)])
        store._writer.execute("PRAGMA max_page_count = 1000000")
        assert len(store) == 1
        store.put("later", REPLY)
    with ReplyStore(path) as store:
        assert store.get("k") == store.get("later") == REPLY


def test_locked_store_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill.teacher.cache.BUSY_SECONDS", 0.1)
    with ReplyStore(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RunError, match="is locked by another process"):
            store.put("k", REPLY)
        other.execute("ROLLBACK")
        store.put("k", REPLY)


def test_closed_store_is_an_error(path: Path) -> None:
    store = ReplyStore(path)
    store.close()
    with pytest.raises(RunError, match="closed database"):
        store.get("k")


# --- several processes ------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
from dstill.api.records import Reply
from dstill.teacher.cache import ReplyStore
with ReplyStore(Path(sys.argv[1])) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for n in range(30):
        store.put(f"shared-{n}", Reply(id=sys.argv[2], text=sys.argv[2]))
        store.put(f"{sys.argv[2]}-{n}", Reply(id="1", text="own"))
"""


def test_several_processes_share_one_file(path: Path) -> None:
    with ExitStack() as ended:
        workers = [
            ended.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, str(path), name], stdin=PIPE, stdout=PIPE, text=True, bufsize=1
                )
            )
            for name in "abc"
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "open\n"
        for worker in workers:  # few rounds, because disks may be slow, so the workers must start together
            assert worker.stdin is not None
            worker.stdin.write("\n")
        assert [worker.wait(180) for worker in workers] == [0, 0, 0]
    with ReplyStore(path) as store:
        assert len(store) == 120
        for n in range(30):
            reply = store.get(f"shared-{n}")
            assert reply is not None
            assert reply.text in "abc"


# --- hostile files ----------------------------------------------------------------------


def create_and_change(path: Path, *statements: str) -> None:
    with ReplyStore(path) as store:
        store.put("k", REPLY)
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


@pytest.mark.parametrize(
    ("statement", "flaw"),
    [
        (
            "CREATE TRIGGER fill AFTER INSERT ON replies BEGIN DELETE FROM replies; END",
            "the trigger 'fill' is unexpected",
        ),
        ("CREATE VIEW spy AS SELECT 1", "the view 'spy' is unexpected"),
        ("CREATE TABLE more (a)", "the table 'more' is unexpected"),
        ("CREATE VIRTUAL TABLE found USING fts5 (a)", "the table 'found_idx' is unexpected"),
        ("CREATE INDEX slow ON replies (length(reply))", "the index 'slow' is unexpected"),
        ("DROP TABLE attempts", "the table 'attempts' is missing"),
        ("DROP TABLE batches", "is missing"),
        ("ALTER TABLE replies ADD COLUMN more TEXT", "the table 'replies' was changed"),
        ("ALTER TABLE replies RENAME COLUMN reply TO other", "the table 'replies' was changed"),
        ("PRAGMA user_version = 0", "is unexpected"),
        ("PRAGMA user_version = -7", "has version -7"),
    ],
)
def test_foreign_schema_is_refused(path: Path, statement: str, flaw: str) -> None:
    create_and_change(path, statement)
    with pytest.raises(DataError, match=r"the schema of the reply store .* is not one that dstill wrote") as caught:
        ReplyStore(path)
    assert flaw in caught.value.what
    assert caught.value.hint == RESTORE


@pytest.mark.parametrize("value", ["'{'", "'[]'", "'{\"id\": 1}'", "7", "NULL", "x'ff'", f"'{'[' * 100_000}'"])
def test_damaged_reply_is_refused(path: Path, value: str) -> None:
    create_and_change(
        path, f"INSERT OR REPLACE INTO replies SELECT key, identity, ifnull({value}, 'null'), at, 'a' FROM replies"
    )
    with ReplyStore(path) as store:
        with pytest.raises(DataError, match=r"a reply in the reply store .* is damaged"):
            store.get("k")
        with pytest.raises(DataError, match="is damaged"):
            list(store.bought_by("a"))


def test_oversized_blob_is_refused(path: Path) -> None:
    create_and_change(path, "UPDATE replies SET reply = zeroblob(70000000)")
    with ReplyStore(path) as store, pytest.raises(RunError, match="too big"):
        store.get("k")


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_sqlite_side_files_must_not_be_links(path: Path, tmp_path: Path, ending: str) -> None:
    create_and_change(path)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.with_name(path.name + ending).symlink_to(victim)
    with pytest.raises(RunError, match=f"replies.sqlite{ending} is a symbolic link"):
        ReplyStore(path)
    assert victim.read_text() == "precious"


def test_store_may_be_a_link_only_to_another_store(path: Path, tmp_path: Path) -> None:
    create_and_change(path)
    link = tmp_path / "link.sqlite"
    link.symlink_to(path)
    with ReplyStore(link) as store:
        assert store.get("k") == REPLY
    for name, content in (("missing", None), ("empty", b"")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        link.unlink()
        link.symlink_to(tmp_path / name)
        with pytest.raises(RunError):
            ReplyStore(link)
    assert not (tmp_path / "missing").exists()
    assert (tmp_path / "empty").read_bytes() == b""


def test_fifo_is_refused(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(RunError, match="is not a regular file"):
        ReplyStore(path)


def test_hostile_schema_runs_neither_functions_nor_triggers(path: Path) -> None:
    """If a hostile schema gets past `unexpected`, SQLite itself runs nothing of it."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a, b DEFAULT (spy()))")
        db.execute("CREATE TABLE u (a)")
        db.execute("CREATE TRIGGER fill AFTER INSERT ON u BEGIN DELETE FROM u; END")
        db.commit()
    with closing(connect(path)) as db:
        db.create_function("spy", 0, lambda: "called")
        with pytest.raises(sqlite3.OperationalError, match="unsafe use of spy"):
            db.execute("INSERT INTO t (a) VALUES (1)")
        db.execute("INSERT INTO u VALUES (1)")
        if sys.version_info >= (3, 12):  # before, Python cannot turn triggers off
            assert db.execute("SELECT count(*) FROM u").fetchone() == (1,)
