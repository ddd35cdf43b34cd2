"""The Batch API: a file of requests goes up, a batch is made of it, and its output comes down when it has ended.

    api = BatchApi(connection)
    id = await api.submit(digest, [line(key, request), …])     # POST /files, POST /batches
    await api.look(id)                                         # BatchState(ended=False, answered=412, total=1000)
    async for key, answer in api.answers(id): …                # a Reply or an error, in any order

The digest stands in the batch's metadata, and `find` looks for it in ``GET /batches``. A request to make a batch
that broke off is followed by such a look, as it may have come through. Whole files are held in memory: some 200 MB
up, and as much as the replies down. Not covered: batches of another project than the key's.
"""

from __future__ import annotations

import json
from typing import Any, AsyncIterator, Awaitable, Callable, Mapping, Sequence

from dstill.api.records import Reply
from dstill.api.teacher import BatchState
from dstill.errors import ConfigError, DstillError
from dstill_openai.connection import Body, Connection
from dstill_openai.errors import BrokenReply, NotFound
from dstill_openai.responses import batch_fault, read_line, read_object

__all__ = ["BatchApi", "line"]

Request = Callable[..., Awaitable[Any]]

PATH = "/v1/chat/completions"  # whatever the address of the endpoint: the requests go there within it
MARK = "dstill"  # key of the metadata
ENDED = {"completed", "failed", "expired", "cancelled"}
PAGE = 100  # batches of one list


def line(key: str, request: Mapping[str, Any]) -> bytes:
    """One request in the form of the file that is uploaded, without its line break."""
    return json.dumps({"custom_id": key, "method": "POST", "url": PATH, "body": request}).encode()


class BatchApi:
    def __init__(self, connection: Connection) -> None:
        self._connection, self._at, self._tried = connection, connection.at, connection.tried

    async def submit(self, digest: str, lines: Sequence[bytes]) -> str:
        content = b"".join(line + b"\n" for line in lines)
        client, broke_off = self._connection.client, False

        async def upload() -> str:
            create = client.files.with_raw_response.create
            return await self._id(create, file=(f"{digest[:16]}.jsonl", content), purpose="batch")

        async def make() -> str:
            nonlocal broke_off
            if broke_off and (id := await self._find(digest)):
                return id
            broke_off = True
            create = client.batches.with_raw_response.create
            asked = {"endpoint": PATH, "completion_window": "24h", "metadata": {MARK: digest}}
            return await self._id(create, input_file_id=file, **asked)

        file = await self._tried(upload)
        return await self._tried(make)

    async def find(self, digest: str) -> str:
        return await self._tried(self._find, digest)

    async def _find(self, digest: str) -> str:
        """Page by page, the newest first."""
        after: dict[str, Any] = {}
        while True:
            page = await self._object(self._connection.client.batches.with_raw_response.list, limit=PAGE, **after)
            found = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            for batch in found:
                if (batch.get("metadata") or {}).get(MARK) == digest:
                    return str(batch["id"])
            if not page.get("has_more") or not found:
                return ""
            after = {"after": str(found[-1]["id"])}

    async def look(self, id: str) -> BatchState:
        batch = await self._tried(self._batch, id)
        answered, failed, total = _counted(batch.get("request_counts"))
        status = str(batch.get("status"))
        return BatchState(
            ended=status in ENDED,
            answered=answered + failed,
            total=total,
            problem=batch_fault(batch, self._at) if status in ENDED - {"completed"} else None,
        )

    async def answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        batch = await self._tried(self._batch, id)
        for name in ("output_file_id", "error_file_id"):
            if file := batch.get(name):
                for key, answer in await self._tried(self._lines, str(file)):
                    yield key, answer

    # --- requests -----------------------------------------------------------------------

    async def _batch(self, id: str) -> dict[str, Any]:
        return await self._object(self._connection.client.batches.with_raw_response.retrieve, batch_id=id)

    async def _lines(self, file: str) -> list[tuple[str, Reply | DstillError]]:
        """A file's answers. Half a last line raises BrokenReply: the file is fetched again."""
        body = await self._sent(self._connection.client.files.with_raw_response.content, file_id=file)
        *whole, last = [text for text in body.content.split(b"\n") if text.strip()] or [b""]
        found = [self._answer(text) for text in whole]
        if last:
            key, answer = self._answer(last)
            if isinstance(answer, BrokenReply) and not key:
                raise answer
            found.append((key, answer))
        return found

    def _answer(self, text: bytes) -> tuple[str, Reply | DstillError]:
        """The request that a line answers, and its answer; of what is no such line no request: it is left out."""
        try:
            row = json.loads(text)
            key = row["custom_id"]
        except (ValueError, RecursionError, TypeError, KeyError):
            return "", BrokenReply(f"{self._at.host} sent a batch's file that is cut off or broken")
        try:
            return str(key), read_line(row, "", self._at)
        except DstillError as error:
            return str(key), error

    async def _id(self, request: Request, **arguments: Any) -> str:
        made = await self._object(request, **arguments)
        if not isinstance(id := made.get("id"), str) or not id:
            raise BrokenReply(f"{self._at.host} sent no id")
        return id

    async def _object(self, request: Request, **arguments: Any) -> dict[str, Any]:
        body = await self._sent(request, **arguments)
        return read_object(body.content, body.kind, self._at)

    async def _sent(self, request: Request, **arguments: Any) -> Body:
        try:
            return await self._connection.sent(request, **arguments)
        except NotFound as error:
            raise ConfigError(
                f"{self._at.host} has no batches at this address, or not this one",
                where="teacher.openai.base_url",
                hint="a batch belongs to the project whose key submitted it; without --batch-api, "
                "rows are sent one by one",
            ) from error


def _counted(counts: Any) -> list[int]:
    """Answered, failed and all of a batch's requests, for a person to see; what is no number is none."""
    told = counts if isinstance(counts, dict) else {}
    return [n if isinstance(n := told.get(name), int) else 0 for name in ("completed", "failed", "total")]
