"""OpenAI's Batch API: uploads a file of requests, creates a batch from it, and downloads the replies when it has ended.

    api = BatchApi(connection)
    id = await api.submit(digest, [request_line(key, request), …])   # POST /files, POST /batches
    await api.state(id)                                              # BatchState(ended=False, answered=412, total=…)
    async for key, answer in api.answers(id): …                      # a Reply or an error, in any order

The digest is stored in the batch's metadata, and `find` searches ``GET /batches`` for it. If the request to create a
batch fails on the way, the retry searches first, as the batch may exist. Files are kept in memory: up to 200 MB for the
upload, and the size of the replies for the download.
Not covered: batches of another project than the API key's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from dstill.api.records import Reply
from dstill.api.teacher import BatchState
from dstill.errors import ConfigError, DstillError
from dstill_openai.connection import Body, Connection
from dstill_openai.errors import BrokenReply, NotFound
from dstill_openai.responses import batch_error, read_line, read_object

__all__ = ["BatchApi", "request_line"]

Request = Callable[..., Awaitable[Any]]

PATH = "/v1/chat/completions"  # of the requests in a batch, on any endpoint
DIGEST_KEY = "dstill"  # in the metadata of a batch
FINAL_STATES = {"completed", "failed", "expired", "cancelled"}
PAGE = 100  # batches per page of a list


def request_line(key: str, request: Mapping[str, Any]) -> bytes:
    """One request as a line of the file to upload, without line break."""
    return json.dumps({"custom_id": key, "method": "POST", "url": PATH, "body": request}).encode()


class BatchApi:
    """Batches of one endpoint. Methods raise ServiceError, AuthError or ConfigError."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._at, self._retry = connection, connection.at, connection.retry

    async def submit(self, digest: str, lines: Sequence[bytes]) -> str:
        """Upload the requests and create a batch. Returns its id."""
        content = b"".join(line + b"\n" for line in lines)
        client, attempted = self._connection.client, False

        async def upload() -> str:
            create = client.files.with_raw_response.create
            return await self._id(create, file=(f"{digest[:16]}.jsonl", content), purpose="batch")

        async def create_batch() -> str:
            nonlocal attempted
            if attempted and (id := await self._find(digest)):
                return id
            attempted = True
            create = client.batches.with_raw_response.create
            options = {"endpoint": PATH, "completion_window": "24h", "metadata": {DIGEST_KEY: digest}}
            return await self._id(create, input_file_id=file, **options)

        file = await self._retry(upload)
        return await self._retry(create_batch)

    async def find(self, digest: str) -> str:
        """The id of the batch with this digest; empty if there is none."""
        return await self._retry(self._find, digest)

    async def _find(self, digest: str) -> str:
        """Search page by page, newest first."""
        after: dict[str, Any] = {}
        while True:
            page = await self._object(self._connection.client.batches.with_raw_response.list, limit=PAGE, **after)
            batches = [batch for batch in page.get("data") or () if isinstance(batch, dict)]
            for batch in batches:
                if (batch.get("metadata") or {}).get(DIGEST_KEY) == digest:
                    return str(batch["id"])
            if not page.get("has_more") or not batches:
                return ""
            after = {"after": str(batches[-1]["id"])}

    async def state(self, id: str) -> BatchState:
        """The state of a batch."""
        batch = await self._retry(self._batch, id)
        answered, failed, total = _counts(batch.get("request_counts"))
        status = str(batch.get("status"))
        return BatchState(
            ended=status in FINAL_STATES,
            answered=answered + failed,
            total=total,
            problem=batch_error(batch, self._at) if status in FINAL_STATES - {"completed"} else None,
        )

    async def answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        """Yield the key of each request with its reply or error."""
        batch = await self._retry(self._batch, id)
        for name in ("output_file_id", "error_file_id"):
            if file := batch.get(name):
                for key, answer in await self._retry(self._lines, str(file)):
                    yield key, answer

    # --- requests -----------------------------------------------------------------------

    async def _batch(self, id: str) -> dict[str, Any]:
        return await self._object(self._connection.client.batches.with_raw_response.retrieve, batch_id=id)

    async def _lines(self, file: str) -> list[tuple[str, Reply | DstillError]]:
        """The answers in a file. Raises BrokenReply for an incomplete last line, so that the download is retried."""
        body = await self._send(self._connection.client.files.with_raw_response.content, file_id=file)
        *complete, last = [text for text in body.content.split(b"\n") if text.strip()] or [b""]
        answers = [self._answer(text) for text in complete]
        if last:
            key, answer = self._answer(last)
            if isinstance(answer, BrokenReply) and not key:
                raise answer
            answers.append((key, answer))
        return answers

    def _answer(self, text: bytes) -> tuple[str, Reply | DstillError]:
        """The key and the answer in a line; an empty key and an error for a broken line."""
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
        created = await self._object(request, **arguments)
        if not isinstance(id := created.get("id"), str) or not id:
            raise BrokenReply(f"{self._at.host} sent no id")
        return id

    async def _object(self, request: Request, **arguments: Any) -> dict[str, Any]:
        body = await self._send(request, **arguments)
        return read_object(body.content, body.content_type, self._at)

    async def _send(self, request: Request, **arguments: Any) -> Body:
        try:
            return await self._connection.send(request, **arguments)
        except NotFound as error:
            raise ConfigError(
                f"{self._at.host} has no Batch API at this address, or not this batch",
                where="teacher.openai.base_url",
                hint="a batch belongs to the project of the key that submitted it; without --batch-api, "
                "requests are sent one by one",
            ) from error


def _counts(counts: Any) -> list[int]:
    """Numbers of completed, failed and all requests, for display only; 0 if one is missing."""
    by_name = counts if isinstance(counts, dict) else {}
    return [n if isinstance(n := by_name.get(name), int) else 0 for name in ("completed", "failed", "total")]
