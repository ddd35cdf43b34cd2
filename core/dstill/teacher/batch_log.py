"""The batches that a project has bought and not collected yet, in its reply store.

    with submitting(store):                               # one process at a time
        batch = begun(store, identity, {key: example_id})     # on disk, before it is submitted
        submitted(store, batch.digest, "batch_123")           # what the endpoint calls it
    unfinished(store)                                     # [OpenBatch(…)], also those of other runs
    ended(store, batch.digest, {key: error})              # collected; the errors become attempts

A batch of which no id is known was submitted or not: a process was killed in between. Its digest, which the
endpoint keeps beside it, tells. The digest is a hash over the keys and the number of the batch in this store.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from dstill.errors import DataError, DstillError, RunError
from dstill.io.plain_files import regular
from dstill.io.strict_json import dumps
from dstill.io.typed_json import convert
from dstill.teacher.cache import ReplyStore

__all__ = ["OpenBatch", "begun", "ended", "forgotten", "submitted", "submitting", "unfinished"]


@dataclass(frozen=True, kw_only=True)
class OpenBatch:
    digest: str
    id: str  # at the endpoint; empty: not known
    identity: Mapping[str, Any]  # of the teacher, the same for all of it
    items: Mapping[str, str]  # key → id of the example that it is bought for


@contextlib.contextmanager
def submitting(store: ReplyStore) -> Iterator[None]:
    """Hold the right to submit. Raises RunError where another process has it."""
    with open(store.path.with_name(f".{store.path.name}.batches.lock"), "a", opener=regular) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                "another process is just submitting batches of this project",
                where=str(store.path),
                hint="run it again in a minute",
            ) from None
        yield


def begun(store: ReplyStore, identity: Mapping[str, Any], items: Mapping[str, str]) -> OpenBatch:
    with store.transaction() as db:
        number = db.execute("SELECT ifnull(max(rowid), 0) + 1 FROM batches").fetchone()[0]
        digest = hashlib.sha256("\n".join([str(number), *sorted(items)]).encode()).hexdigest()
        row = (digest, "", 1, dumps(identity), dumps(items), time.time())
        db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", row)
    return OpenBatch(digest=digest, id="", identity=identity, items=items)


def submitted(store: ReplyStore, digest: str, id: str) -> None:
    with store.transaction() as db:
        db.execute("UPDATE batches SET id = ? WHERE digest = ?", (id, digest))


def ended(store: ReplyStore, digest: str, errors: Mapping[str, DstillError]) -> None:
    """It was collected: nothing of it is waited for any more."""
    now = time.time()
    with store.transaction() as db:
        rows = ((key, error.code, str(error), now) for key, error in errors.items())
        db.executemany("INSERT INTO attempts VALUES (?, ?, ?, ?)", rows)
        db.execute("UPDATE batches SET open = 0 WHERE digest = ?", (digest,))


def forgotten(store: ReplyStore, digest: str) -> None:
    """It was never submitted."""
    ended(store, digest, {})


def unfinished(store: ReplyStore) -> list[OpenBatch]:
    """Oldest first."""
    with store.transaction() as db:
        rows = db.execute("SELECT digest, id, identity, items FROM batches WHERE open ORDER BY rowid").fetchall()
    return [_batch(store, *row) for row in rows]


def _batch(store: ReplyStore, digest: Any, id: Any, identity: Any, items: Any) -> OpenBatch:
    try:
        row = {"digest": digest, "id": id, "identity": json.loads(identity), "items": json.loads(items)}
        batch: OpenBatch = convert(OpenBatch, row)
    except (ValueError, TypeError, RecursionError) as error:
        raise DataError(
            f"a batch in the reply store {store.path} is damaged: {error}",
            where=str(store.path),
            hint=f"save the replies: dstill runs salvage {store.path} saved.sqlite",
        ) from None
    return batch
