"""An HTTP client for which no endpoint can send more than it may: on the wire, and unpacked.

    client = openai.AsyncOpenAI(http_client=bounded_client())

Every body counts, also those of errors and of a batch's files. One that is too long ends in `TooLong` before the rest
of it is read or unpacked, whatever its headers say. Only gzip is asked for and unpacked, a piece at a time.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterator

if TYPE_CHECKING:
    import httpx2

__all__ = ["MAX_FILE", "MAX_REPLY", "TooLong", "bounded_client", "unpacked"]

MAX_REPLY = 20 * 2**20  # bytes: a million tokens in JSON, as `teacher.openai.max_tokens` allows, take about 8 MB
MAX_FILE = 512 * 2**20  # of a batch: the 50,000 replies that OpenAI allows in one, of 10 kB each
PIECE = 1 << 16
_FILE = re.compile(r"/files/[^/]+/content$")


class TooLong(Exception):
    """A body that is longer than it may be, or packed in a way that is not counted."""


def bounded_client(**options: Any) -> httpx2.AsyncClient:
    """The SDK's own client, with the limits; `options` are those of ``httpx2.AsyncClient``."""
    import httpx2
    import openai

    class Stream(httpx2.AsyncByteStream):
        def __init__(self, packed: Any, encoding: str, most: int) -> None:
            self._packed, self._encoding, self._most = packed, encoding, most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            received = held = 0
            unpack = None if self._encoding == "identity" else zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            try:
                async for part in self._packed:
                    received += len(part)
                    for piece in [part] if unpack is None else unpacked(unpack, part):
                        held += len(piece)
                        if max(held, received) > self._most:
                            raise TooLong(f"longer than {self._most:,} bytes")
                        yield piece
            except zlib.error as error:
                raise httpx2.DecodingError(str(error)) from error

        async def aclose(self) -> None:
            await self._packed.aclose()

    class Client(openai.DefaultAsyncHttpxClient):
        async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
            response = await super().send(request, stream=True, **options)
            try:
                encoding = response.headers.pop("content-encoding", "identity").strip().lower()
                if encoding not in ("identity", "gzip"):
                    raise TooLong(f"packed as '{encoding[:40]}', which was not asked for")
                most = MAX_FILE if _FILE.search(request.url.path) else MAX_REPLY
                response.stream = Stream(response.stream, encoding, most)
                if not stream:
                    await response.aread()
            except BaseException:
                await response.aclose()
                raise
            return response

    return Client(headers={"accept-encoding": "gzip"}, **options)


def unpacked(unpack: Any, part: bytes) -> Iterator[bytes]:
    """What `part` holds, at most `PIECE` bytes at a time; whoever stops asking unpacks no more."""
    while part:
        yield unpack.decompress(part, PIECE)
        part = unpack.unconsumed_tail
