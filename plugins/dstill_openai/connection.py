"""The connection to an endpoint: one client with dstill's errors and retries.

    async with Connection(url, key, at, max_retries=6, max_wait=600) as connection:
        body = await connection.send(connection.client.batches.with_raw_response.retrieve, batch_id=id)
        reply = await connection.retry(ask, prompt)

`send` waits for the end of a pause, sends one request through the SDK and converts its errors (`dstill_openai.errors`).
`retry` repeats a coroutine function while it raises `Transient`, with backoff or after the time that the endpoint asked
for.

The SDK's own retries are disabled: it gives up on a long Retry-After, retries when a quota is used up, and does not
detect HTML and broken JSON.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

from dstill.errors import ServicePause
from dstill.io.secrets import Secret
from dstill.io.urls import is_loopback
from dstill_openai.backoff import Pause, backoff
from dstill_openai.bounded import TooLong, bounded_client
from dstill_openai.errors import Endpoint, Transient, from_sdk_error, oversized, timed_out

if TYPE_CHECKING:
    import openai
    from tenacity import RetryCallState

__all__ = ["Body", "Connection"]

OPENAI = "api.openai.com"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Body:
    """The body of a successful response."""

    content: bytes
    content_type: str
    seconds: float  # from the request to the end of the body


class Connection:
    """A context manager, which opens and closes the connection pool.

    `max_retries` limits the retries of a request; `max_wait` is the longest pause, in seconds, to wait for.
    """

    client: openai.AsyncOpenAI

    def __init__(self, url: str, key: Secret | None, at: Endpoint, *, max_retries: int, max_wait: float) -> None:
        self.url, self.at = url, at
        self._pause = Pause(at.host)
        self._key, self._max_retries, self._max_wait = key, max_retries, max_wait

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

    def _bypasses_proxy(self) -> bool:
        parts = urlsplit(self.url)
        return is_loopback(parts.hostname or "") or (parts.scheme == "http" and self._key is not None)

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

        await self._pause.wait()
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                response = await request(**arguments)
        except TimeoutError as error:
            raise timed_out(self.at) from error
        except TooLong as error:
            raise oversized(error, self.at) from error
        except openai.OpenAIError as error:
            raise from_sdk_error(error, self.at) from error
        content_type = response.headers.get("content-type", "")
        return Body(response.http_response.content, content_type, round(time.monotonic() - started, 3))

    async def retry(self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **names: P.kwargs) -> T:
        """Call `work`, an ``async def``, until it succeeds or the retries are used up.

        Raises ServicePause if the endpoint asks for a pause longer than `max_wait`.
        """
        import tenacity

        # One object per call: it keeps the state of the retries.
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(self._should_retry),
            stop=tenacity.stop_after_attempt(self._max_retries + 1),
            wait=_wait,
            reraise=True,
        )
        try:
            result: T = await retrying(work, *args, **names)
        except Transient as error:
            if error.after is None or error.after <= self._max_wait:
                raise
            raise ServicePause(
                f"{error.what}; it asks for a pause of {error.after:.0f} s",
                where=error.where,
                hint="run again after that to resume; dstill waits for at most teacher.openai.max_wait seconds",
            ) from error
        return result

    def _should_retry(self, error: BaseException) -> bool:
        """Also pauses all requests if the endpoint asked for a pause."""
        if not isinstance(error, Transient):
            return False
        if error.after is not None:
            if error.after > self._max_wait:
                return False
            self._pause.extend(error.after)
        return True


def _wait(state: RetryCallState) -> float:
    """Seconds until the next try; 0 if the endpoint asked for a pause, which `send` waits for."""
    error = state.outcome.exception() if state.outcome else None
    has_pause = isinstance(error, Transient) and error.after is not None
    return 0.0 if has_pause else backoff(state.attempt_number)
