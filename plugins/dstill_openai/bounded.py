"""An HTTP client that limits the size of response bodies, both compressed and decompressed.

    client = openai.AsyncOpenAI(http_client=bounded_client())

The limit holds for every body, including errors and batch files, whatever the headers say. Reading a body that is too
long raises `TooLong` before the rest is received or decompressed. The client accepts only gzip, and decompresses it
piece by piece.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx2

__all__ = ["MAX_FILE", "MAX_REPLY", "TooLong", "bounded_client", "decompressed"]

MAX_REPLY = 20 * 2**20  # bytes: the largest reply (`teacher.openai.max_tokens`, a million) takes about 8 MB as JSON
MAX_FILE = 512 * 2**20  # bytes of a batch file: 50,000 replies (OpenAI's limit) of 10 kB each
PIECE = 1 << 16  # bytes that are decompressed at a time
_FILE = re.compile(r"/files/[^/]+/content$")


class TooLong(Exception):
    """A body that exceeds the limit, or has an encoding that was not requested."""


def bounded_client(**options: Any) -> httpx2.AsyncClient:  # noqa: C901 - two small subclasses of a late import
    """The SDK's client with limits. `options` are those of ``httpx2.AsyncClient``."""
    import httpx2
    import openai

    class Stream(httpx2.AsyncByteStream):
        def __init__(self, body: Any, encoding: str, limit: int) -> None:
            self._body, self._encoding, self._limit = body, encoding, limit

        async def __aiter__(self) -> AsyncIterator[bytes]:
            received = yielded = 0
            gzip = None if self._encoding == "identity" else zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            try:
                async for part in self._body:
                    received += len(part)
                    for piece in [part] if gzip is None else decompressed(gzip, part):
                        yielded += len(piece)
                        if max(yielded, received) > self._limit:
                            raise TooLong(f"longer than {self._limit:,} bytes")
                        yield piece
            except zlib.error as error:
                raise httpx2.DecodingError(str(error)) from error

        async def aclose(self) -> None:
            await self._body.aclose()

    class Client(openai.DefaultAsyncHttpxClient):
        async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
            response = await super().send(request, stream=True, **options)
            try:
                encoding = response.headers.pop("content-encoding", "identity").strip().lower()
                if encoding not in ("identity", "gzip"):
                    raise TooLong(f"encoded as '{encoding[:40]}', which was not requested")
                limit = MAX_FILE if _FILE.search(request.url.path) else MAX_REPLY
                response.stream = Stream(response.stream, encoding, limit)
                if not stream:
                    await response.aread()
            except BaseException:
                await response.aclose()
                raise
            return response

    return Client(headers={"accept-encoding": "gzip"}, **options)


def decompressed(decompressor: Any, part: bytes) -> Iterator[bytes]:
    """Decompress `part` lazily, at most `PIECE` bytes at a time."""
    while part:
        yield decompressor.decompress(part, PIECE)
        part = decompressor.unconsumed_tail
