"""Records in the reply store which batches a project submitted and has not collected yet.

    with lock(store):                                    # one process at a time
        batch = add(store, identity, {key: example_id})  # on disk before it is submitted
        set_id(store, batch.digest, "batch_123")         # the endpoint's id of the batch
    open_batches(store)                                  # [OpenBatch(…)], also those of other runs
    close(store, batch.digest, {key: error})             # collected; the errors become attempts

If a batch has no id, the process was killed before or after submitting it. `BatchTeacher.find_batch` finds out which,
by the digest that the endpoint stores with the batch: a hash of the keys and of the batch's number in this store.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill.errors import DataError, DstillError, RunError
from dstill.io import system
from dstill.io.plain_files import regular
from dstill.io.strict_json import dumps
from dstill.io.typed_json import convert
from dstill.teacher.cache import RESTORE, ReplyStore

__all__ = ["OpenBatch", "add", "close", "discard", "lock", "open_batches", "set_id"]


@dataclass(frozen=True, kw_only=True)
class OpenBatch:
    """A batch that was not collected yet."""

    digest: str
    id: str  # at the endpoint; empty: not known
    identity: Mapping[str, Any]  # `Teacher.identity`, the same for all requests
    items: Mapping[str, str]  # key of a request → id of its example


@contextlib.contextmanager
def lock(store: ReplyStore) -> Iterator[None]:
    """Only one process may submit batches at a time. Raises RunError if another one does."""
    with open(store.path.with_name(f".{store.path.name}.batches.lock"), "a", opener=regular) as file:
        if not system.try_lock(file):
            raise RunError(
                "another process is submitting batches of this project",
                where=str(store.path),
                hint="run it again in a minute",
            )
        yield


def add(store: ReplyStore, identity: Mapping[str, Any], items: Mapping[str, str]) -> OpenBatch:
    """Record a batch that is about to be submitted."""
    with store.transaction() as db:
        number = db.execute("SELECT ifnull(max(rowid), 0) + 1 FROM batches").fetchone()[0]
        digest = hashlib.sha256("\n".join([str(number), *sorted(items)]).encode()).hexdigest()
        row = (digest, "", 1, dumps(identity), dumps(items), time.time())
        db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", row)
    return OpenBatch(digest=digest, id="", identity=identity, items=items)


def set_id(store: ReplyStore, digest: str, id: str) -> None:
    """Record the endpoint's id of a submitted batch."""
    with store.transaction() as db:
        db.execute("UPDATE batches SET id = ? WHERE digest = ?", (id, digest))


def close(store: ReplyStore, digest: str, errors: Mapping[str, DstillError]) -> None:
    """Record that a batch was collected. `errors`: key of a request without an answer → why."""
    now = time.time()
    with store.transaction() as db:
        rows = ((key, error.code, str(error), now) for key, error in errors.items())
        db.executemany("INSERT INTO attempts VALUES (?, ?, ?, ?)", rows)
        db.execute("UPDATE batches SET open = 0 WHERE digest = ?", (digest,))


def discard(store: ReplyStore, digest: str) -> None:
    """Close a batch that was never submitted."""
    close(store, digest, {})


def open_batches(store: ReplyStore) -> list[OpenBatch]:
    """The batches that were not collected yet, oldest first. Raises DataError if one cannot be read."""
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
            hint=RESTORE,
        ) from None
    return batch
