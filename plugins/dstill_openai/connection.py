"""The connection to an endpoint: one client with dstill's errors and retries.

    async with Connection(url, key, at, max_retries=6, max_wait=600) as connection:
        body = await connection.send(connection.client.batches.with_raw_response.retrieve, batch_id=id)
        reply = await connection.retry(ask, prompt)

`send` waits for the end of a pause, sends one request through the SDK and converts its errors (`dstill_openai.errors`).
`retry` is that of `dstill_openai.retries`.

The SDK's own retries are disabled: it gives up on a long Retry-After, retries when a quota is used up, and does not
detect HTML and broken JSON.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from dstill.io.secrets import Secret
from dstill.io.urls import is_loopback
from dstill_openai.bounded import TooLong, bounded_client
from dstill_openai.errors import Endpoint, from_sdk_error, oversized, timed_out
from dstill_openai.retries import Retries

if TYPE_CHECKING:
    import openai

__all__ = ["Body", "Connection", "Extras"]

OPENAI = "api.openai.com"


@dataclass(frozen=True)
class Body:
    """The body of a successful response."""

    content: bytes
    content_type: str
    seconds: float  # from the request to the end of the body


@dataclass(frozen=True, kw_only=True)
class Extras:
    """The headers that gateways want in each request besides the API's own headers."""

    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, Secret] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    key_header: str = ""  # the header of the key; empty: Authorization, with Bearer


class Connection:
    """A context manager, which opens and closes the connection pool.

    `max_retries` limits the retries of a request; `max_wait` is the longest pause, in seconds, to wait for.
    """

    client: openai.AsyncOpenAI

    def __init__(
        self,
        url: str,
        key: Secret | None,
        at: Endpoint,
        *,
        max_retries: int,
        max_wait: float,
        extras: Extras | None = None,
    ) -> None:
        self.url, self.at, self._extras = url, at, extras or Extras()
        self._retries = Retries(at, max_retries=max_retries, max_wait=max_wait)
        self.retry, self._key = self._retries.retry, key

    async def __aenter__(self) -> Self:
        import openai

        self.client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=self._key.reveal() if self._key else "none",  # keeps the SDK from reading the environment
            timeout=self.at.timeout,
            max_retries=0,
            # A redirect would turn the request into a GET of, for example, a login page. A key in clear text is allowed
            # only on this machine or network, so it must not pass through a proxy from the environment.
            http_client=bounded_client(follow_redirects=False, trust_env=not self._bypasses_proxy()),
            default_headers=self._omitted_headers(),
            default_query=dict(self._extras.query),
        )
        if not self._is_openai():
            self.client.organization = self.client.project = None
        return self

    def _is_openai(self) -> bool:
        return urlsplit(self.url).hostname == OPENAI

    def _omitted_headers(self) -> dict[str, Any]:
        """The SDK adds headers from the environment, which may be secret: send them only to OpenAI."""
        import openai

        lines = [] if self._is_openai() else os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()
        return {line.partition(":")[0].strip(): openai.Omit() for line in lines if ":" in line}

    def _extra_headers(self) -> dict[str, Any]:
        """Given with each request: the SDK allows only there that Authorization is omitted."""
        import openai

        extras = self._extras
        headers: dict[str, Any] = {**extras.headers}
        headers.update({name: secret.reveal() for name, secret in extras.secret_headers.items()})
        if extras.key_header and self._key is not None:
            headers.update({"Authorization": openai.Omit(), extras.key_header: self._key.reveal()})
        return headers

    def _bypasses_proxy(self) -> bool:
        parts = urlsplit(self.url)
        has_secret = self._key is not None or bool(self._extras.secret_headers)
        return is_loopback(parts.hostname or "") or (parts.scheme == "http" and has_secret)

    async def __aexit__(self, *error: object) -> None:
        await self.client.close()

    async def send(
        self, request: Callable[..., Awaitable[Any]], *, timeout: float | None = None, **arguments: Any
    ) -> Body:
        """Send one request, a method of the SDK's ``with_raw_response``.

        `timeout` limits the seconds for the whole response; the SDK's own timeout restarts with every byte. Raises the
        errors of `dstill_openai.errors`.
        """
        import asyncio  # imported late: plugins load at every start of the command line

        import openai

        await self._retries.wait()
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                response = await request(**arguments, extra_headers=self._extra_headers())
        except TimeoutError as error:
            raise timed_out(self.at) from error
        except TooLong as error:
            raise oversized(error, self.at) from error
        except openai.OpenAIError as error:
            raise from_sdk_error(error, self.at) from error
        content_type = response.headers.get("content-type", "")
        return Body(response.http_response.content, content_type, round(time.monotonic() - started, 3))
