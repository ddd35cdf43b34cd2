"""A foreign or damaged replies.sqlite: opened, read and written as data."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.foreign import Project, fewer

STORE = Path("replies.sqlite")
COMMANDS = (
    ("data", "curate", "runs/a"),
    ("generate", "--out", "runs/a"),
)
ENDLESS = "WITH RECURSIVE n(key) AS (SELECT 'x' UNION ALL SELECT key FROM n) SELECT key FROM n"
# One statement each, as a person with the sqlite3 shell would write them.
STATEMENTS = st.sampled_from(
    [
        f"CREATE VIEW seen AS {ENDLESS}",
        f"CREATE TRIGGER t AFTER INSERT ON replies BEGIN INSERT INTO attempts {ENDLESS.replace('key', 'a')}; END",
        "CREATE TRIGGER t BEFORE INSERT ON attempts BEGIN DELETE FROM replies; END",
        "CREATE TABLE more (a)",
        "CREATE VIRTUAL TABLE found USING fts5 (a)",
        "DROP TABLE replies",
        "DROP TABLE batches",
        "DROP INDEX replies_buyer",
        "ALTER TABLE replies RENAME TO others",
        "ALTER TABLE replies ADD COLUMN more",
        "ALTER TABLE attempts DROP COLUMN error",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 99",
        "PRAGMA user_version = -1",
        "PRAGMA application_id = 7",
        "PRAGMA journal_mode = DELETE",
        "UPDATE replies SET reply = NULL",
        "UPDATE replies SET reply = x'ff'",
        "UPDATE replies SET reply = '[]'",
        "UPDATE replies SET reply = 1e300",
        "UPDATE replies SET reply = zeroblob(70000000) WHERE rowid = 1",
        'UPDATE replies SET reply = \'{"id": 1, "text": null}\'',
        "UPDATE replies SET reply = printf('%.*c', 100000, '[')",
        "UPDATE replies SET key = rowid",
        "UPDATE replies SET buyer = x'00'",
        "UPDATE replies SET rowid = 4611686018427387904 WHERE rowid = 2",
        "INSERT INTO batches VALUES (x'00', 1, 1, '[', 'null', '')",
        "INSERT INTO batches VALUES ('a', 'b', 1, '{}', '{\"k\": 1}', 0)",
        "INSERT INTO attempts VALUES (x'ff', 1, x'ff', 'when')",
    ]
)


def try_statement(db: sqlite3.Connection, statement: str) -> None:
    with contextlib.suppress(sqlite3.Error):  # an earlier statement may have removed what this one is about
        db.execute(statement)


@given(statements=st.lists(STATEMENTS, min_size=1, max_size=3), command=st.sampled_from(COMMANDS))
@settings(max_examples=fewer(10))
def test_survives_foreign_store(project: Project, statements: list[str], command: tuple[object, ...]) -> None:
    with project.copy() as made:
        with closing(sqlite3.connect(STORE, isolation_level=None)) as db:
            db.set_progress_handler(lambda: 1, 100_000)  # a trigger that never ends also fires here
            for statement in statements:
                try_statement(db, statement)
        project.check_commands(made, command)


@given(data=st.data(), command=st.sampled_from(COMMANDS))
@settings(max_examples=fewer(10))
def test_survives_damaged_store(project: Project, data: st.DataObject, command: tuple[object, ...]) -> None:
    with project.copy() as made:
        with closing(sqlite3.connect(STORE)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(STORE.read_bytes())
        for _ in range(data.draw(st.integers(1, 8))):
            at = data.draw(st.integers(0, 200) | st.integers(0, len(content)))
            new = data.draw(st.binary(min_size=1, max_size=4))
            content[at : at + len(new)] = new
        STORE.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2, 100, 0]))])
        project.check_commands(made, command)
