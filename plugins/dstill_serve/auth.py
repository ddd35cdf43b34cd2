"""Who may come in.

    Door(host="127.0.0.1", port=8000, token=None)       this machine, by its own name
    Door(host="0.0.0.0", port=8000, token=Secret(…))    whoever brings the token

Without a token the server is on loopback, and a browser is what has to be kept out: a page of another site that gives
its own name this machine's address is known by its Host, and one that asks across sites by its Origin. With a token
every request but those of `OPEN` has to bring it; it is compared in constant time, and no browser sends it unasked, so
that Host and Origin do not matter and a proxy may stand before. Not covered: other programs of this machine where there
is no token, and guessing, which a token of 16 characters or more is left to stand.
"""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING

from dstill.errors import ConfigError, UsageError
from dstill.io.secrets import Secret
from dstill.runtime.http import own_names
from dstill_serve.problems import Wrong

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["OPEN", "Door", "is_loopback", "token_of"]

OPEN = ("/", "/page.css", "/page.js", "/icon.svg", "/healthz")  # nothing of the run is in them without the token
SHORTEST = 16  # characters of a token


class Door:
    def __init__(self, *, host: str, port: int, token: Secret | None) -> None:
        """Raises UsageError where others could come in who should not."""
        if token is None and not is_loopback(host):
            raise UsageError(
                f"{host} can be reached by others, and there is no token",
                where="--host",
                hint="leave it out for this machine alone, or name the token's variable with --token-env",
            )
        self._token = token
        self._hosts = own_names(host, port)
        self.address = f"http://{self._hosts[0]}"

    @property
    def demands_token(self) -> bool:
        return self._token is not None

    def knows(self, request: Request) -> bool:
        """Whether a request brings what it has to."""
        if self._token is None:
            return True
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        same = secrets.compare_digest(given.strip().encode(), self._token.reveal().encode())
        return same and kind.lower() == "bearer"

    def refuses(self, request: Request) -> Wrong | None:
        """Why a request does not get in; None: it does."""
        if self._token is None:
            host, origin = request.headers.get("host", ""), request.headers.get("origin")
            if host not in self._hosts:
                return Wrong(403, "wrong_host", "this is not the address of this server")
            if origin is not None and origin != f"http://{host}":
                return Wrong(403, "wrong_origin", "pages of other sites may not ask here")
        elif request.scope["path"] not in OPEN and not self.knows(request):
            given = "authorization" in request.headers
            message = "this is not the token" if given else "bring the token: Authorization: Bearer …"
            return Wrong(401, "invalid_api_key", message)
        return None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_of(variable: str) -> Secret | None:
    """The token in an environment variable; None where none is named. Raises ConfigError."""
    if not variable:
        return None
    token = Secret.from_environment(variable, "`dstill serve`")
    if len(token.reveal()) < SHORTEST:
        raise ConfigError(
            f"the token in {variable} is too short to keep anybody out",
            where=f"environment {variable}",
            hint=f"take {SHORTEST} characters or more, as of: openssl rand -hex 24",
        )
    return token
