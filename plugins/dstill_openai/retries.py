"""Repeats a request while its failure may be temporary.

    retries = Retries(at, max_retries=6, max_wait=600)
    reply = await retries.retry(ask, prompt)     # ask: async def; it calls `await retries.wait()` before it sends

The delay is random and grows (`dstill_openai.backoff`), unless the service says how long to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from dstill.errors import ServicePause
from dstill_openai.backoff import Pause, backoff
from dstill_openai.errors import Endpoint, Transient

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["Retries"]

P = ParamSpec("P")
T = TypeVar("T")


class Retries:
    """The retries of one service. `max_wait` is the longest pause, in seconds, to wait for."""

    def __init__(self, at: Endpoint, *, max_retries: int, max_wait: float) -> None:
        self._at, self._max_retries, self._max_wait = at, max_retries, max_wait
        self._pause = Pause(at.host)

    async def wait(self) -> None:
        """Return after the end of a pause that the service asked for."""
        await self._pause.wait()

    async def retry(self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **names: P.kwargs) -> T:
        """Call `work`, an ``async def``, until it succeeds or the retries are used up.

        Raises ServicePause if the service asks for a pause longer than `max_wait`.
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
                hint=f"run again after that to resume; dstill waits for at most {self._at.section}.max_wait seconds",
            ) from error
        return result

    def _should_retry(self, error: BaseException) -> bool:
        """Also pauses all requests if the service asked for a pause."""
        if not isinstance(error, Transient):
            return False
        if error.after is not None:
            if error.after > self._max_wait:
                return False
            self._pause.extend(error.after)
        return True


def _wait(state: RetryCallState) -> float:
    """Seconds until the next try; 0 if the service asked for a pause, which the request waits for."""
    error = state.outcome.exception() if state.outcome else None
    has_pause = isinstance(error, Transient) and error.after is not None
    return 0.0 if has_pause else backoff(state.attempt_number)
