"""Errors of requests, in OpenAI's format.

RequestError(404, "model_not_found", "unknown model 'gpt-5'", param="model").body
{"error": {"message": "unknown …", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.cli.console import visible
from dstill.errors import DstillError, UsageError
from dstill.io.secrets import masked

__all__ = ["RequestError", "from_exception"]

MAX_PARAM = 80  # characters of a quoted parameter name
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class RequestError(Exception):
    """An error with its HTTP status. Control characters in quoted text are escaped and secrets are masked."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = masked(visible(message))
        self.param = param if param is None else masked(visible(param[:MAX_PARAM]))
        self.retry_after = retry_after  # seconds
        self.extra = extra or {}  # further keys of the body, next to "error"

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the reply."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": error, **self.extra}

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers of the reply."""
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return {**headers, "www-authenticate": "Bearer"} if self.status == 401 else headers


def from_exception(error: Exception) -> RequestError:
    """The reply to a request that raised `error`. An unexpected exception reveals only its class."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, DstillError):
        message = "; ".join(line for line in (error.what, error.hint) if line)
        if isinstance(error, UsageError):
            return RequestError(400, error.code, message, param=error.where)
        return RequestError(500, error.code, message)
    return RequestError(500, "bug", f"bug in dstill: {type(error).__name__}")
