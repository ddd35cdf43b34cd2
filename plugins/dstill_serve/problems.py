"""What goes wrong with a request, in OpenAI's error form.

    Wrong(404, "model_not_found", "no model 'gpt-5' here; this is 'weblogs'", param="model").body
    {"error": {"message": "no model …", "type": "invalid_request_error", "param": "model", "code": "model_not_found"}}

`of` makes one of any exception: a `DstillError` says itself what is wrong, everything else is a bug and tells its
kind alone.
"""

from __future__ import annotations

from typing import Any, Mapping

from dstill.cli.console import visible
from dstill.config import masked
from dstill.errors import DstillError, UsageError

__all__ = ["Wrong", "of"]

LONGEST_NAME = 80  # of a part of a request that is quoted
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Wrong(Exception):
    """An error with its HTTP status. What it quotes of a request is made visible, and secrets are taken out."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = masked(visible(message))
        self.param = param if param is None else masked(visible(param[:LONGEST_NAME]))
        self.retry_after = retry_after
        self.more = more or {}  # beside the error: what is there all the same

    @property
    def body(self) -> dict[str, Any]:
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": error, **self.more}

    @property
    def headers(self) -> dict[str, str]:
        found = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return {**found, "www-authenticate": "Bearer"} if self.status == 401 else found


def of(error: Exception) -> Wrong:
    """The answer to a request that ended with `error`."""
    if isinstance(error, Wrong):
        return error
    if isinstance(error, UsageError):
        return Wrong(400, error.code, "; ".join(line for line in (error.what, error.hint) if line), param=error.where)
    if isinstance(error, DstillError):
        return Wrong(500, error.code, "; ".join(line for line in (error.what, error.hint) if line))
    return Wrong(500, "bug", f"bug in dstill: {type(error).__name__}")
