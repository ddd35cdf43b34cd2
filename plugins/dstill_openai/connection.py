"""The way to an endpoint: one client, requests that are tried again, errors of this package.

    async with Connection(url, key, at, max_retries=6, max_wait=600) as connection:
        body = await connection.sent(connection.client.batches.with_raw_response.retrieve, batch_id=id)
        reply = await connection.tried(ask, prompt)

`sent` makes one request of the SDK's, when there is no pause, and raises what `faults` makes of its errors;
`tried` calls a coroutine function again, with backoff or as long after as the endpoint said, while what it raises
is `Transient`.

The SDK's own retries are off: it gives up at once on a long Retry-After, tries again when a quota is used up, and
passes HTML and broken JSON on as they are.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Coroutine, ParamSpec, Self, TypeVar
from urllib.parse import urlsplit

from dstill.errors import ServicePause
from dstill.io.secrets import Secret
from dstill.io.urls import is_loopback
from dstill_openai.backoff import Gate, backoff
from dstill_openai.bounded import TooLong, bounded_client
from dstill_openai.errors import Endpoint, Transient, fault_of, oversized, too_slow

if TYPE_CHECKING:
    import openai
    from tenacity import RetryCallState

__all__ = ["Body", "Connection"]

OPENAI = "api.openai.com"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Body:
    """What came back with a status of success."""

    content: bytes
    kind: str  # content type
    seconds: float  # that it took


class Connection:
    """Lives as long as its connection pool: a context manager."""

    client: openai.AsyncOpenAI

    def __init__(self, url: str, key: Secret | None, at: Endpoint, *, max_retries: int, max_wait: float) -> None:
        self.url, self.at, self.gate = url, at, Gate(at.host)
        self._key, self._max_retries, self._max_wait = key, max_retries, max_wait

    async def __aenter__(self) -> Self:
        import openai

        self.client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=self._key.reveal() if self._key else "none",  # never the SDK's own choice from the environment
            timeout=self.at.timeout,
            max_retries=0,
            # A redirect would turn the question into a GET of somebody's login page. A key that may go in clear text,
            # since it stays on this machine or network, goes through no proxy of the environment.
            http_client=bounded_client(follow_redirects=False, trust_env=not self._direct()),
            default_headers=self._without_those_of_openai(),
        )
        if self._elsewhere():
            self.client.organization = self.client.project = None
        return self

    def _elsewhere(self) -> bool:
        return urlsplit(self.url).hostname != OPENAI

    def _without_those_of_openai(self) -> dict[str, Any]:
        """The SDK adds headers from the environment, which may hold secrets: to OpenAI's own address alone."""
        import openai

        lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines() if self._elsewhere() else []
        return {line.partition(":")[0].strip(): openai.Omit() for line in lines if ":" in line}

    def _direct(self) -> bool:
        parts = urlsplit(self.url)
        return is_loopback(parts.hostname or "") or (parts.scheme == "http" and self._key is not None)

    async def __aexit__(self, *error: object) -> None:
        await self.client.close()

    async def sent(
        self, request: Callable[..., Awaitable[Any]], *, within: float | None = None, **arguments: Any
    ) -> Body:
        """`request` is one of the SDK's ``with_raw_response``. `within`: seconds for all of it, not for each byte."""
        import asyncio  # here, as plugins load at every start of the command line

        import openai

        await self.gate.passed()
        started = time.monotonic()
        try:
            async with asyncio.timeout(within):
                response = await request(**arguments)
        except TimeoutError as error:
            raise too_slow(self.at) from error
        except TooLong as error:
            raise oversized(error, self.at) from error
        except openai.OpenAIError as error:
            raise fault_of(error, self.at) from error
        kind = response.headers.get("content-type", "")
        return Body(response.http_response.content, kind, round(time.monotonic() - started, 3))

    async def tried(self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **names: P.kwargs) -> T:
        """`work` is an ``async def``, not a lambda around one. Raises ServicePause for a pause that is too long."""
        import tenacity

        # One object a piece of work: it keeps the state of its tries.
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(self._worth_another_try),
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
                hint="run again after that to resume; teacher.openai.max_wait is the longest pause that is waited for",
            ) from error
        return result

    def _worth_another_try(self, error: BaseException) -> bool:
        """Also shuts the gate for everybody where the endpoint asked for a pause."""
        if not isinstance(error, Transient):
            return False
        if error.after is not None:
            if error.after > self._max_wait:
                return False
            self.gate.shut(error.after)
        return True


def _wait(state: RetryCallState) -> float:
    """Seconds until the next try; the gate holds it longer where the endpoint said so."""
    error = state.outcome.exception() if state.outcome else None
    told = isinstance(error, Transient) and error.after is not None
    return 0.0 if told else backoff(state.attempt_number)
