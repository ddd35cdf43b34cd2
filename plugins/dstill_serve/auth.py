"""Controls who may send requests.

    Access(host="127.0.0.1", port=8000, token=None)       this machine only
    Access(host="0.0.0.0", port=8000, token=Secret(…))    every client that sends the token
    Access(…, token=None, claims_key=Secret(…))           every client with a token that the key signed (`claims`)

Without a token the server listens on loopback only, and rejects what a malicious page could make a browser send:
requests with a foreign Host (a name of another site that resolves to this machine, "DNS rebinding") or a foreign Origin
(cross-site requests). With a token, every request except those to `OPEN_PATHS` must send it. Browsers do not add it on
their own, so Host and Origin are not checked, and a proxy may be in front. The token is compared in constant time.

Not covered: without a token, other programs on this machine; attempts to guess the token, which has at least 16
characters for that reason.
"""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING, Protocol

from dstill.api.rows import Claims
from dstill.errors import ConfigError, UsageError
from dstill.io.secrets import Secret
from dstill.runtime.http import own_names
from dstill_serve.claims import claims_of
from dstill_serve.errors import RequestError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["MIN_KEY_LENGTH", "OPEN_PATHS", "Access", "Policy", "is_loopback", "token_of"]

OPEN_PATHS = (
    "/",
    "/page.css",
    "/page.js",
    "/answer.js",
    "/result.js",
    "/feedback.js",
    "/icon.svg",
    "/healthz",
    "/openapi.json",
)  # without a token, these reveal nothing of the run
MIN_TOKEN_LENGTH = 16  # characters
MIN_KEY_LENGTH = 32  # of RFC 7518


class Policy(Protocol):
    """The rights that the application asks for before it replies."""

    @property
    def requires_token(self) -> bool:
        """Whether requests have to send a token."""

    def authorized(self, request: Request) -> bool:
        """Whether `request` sends the token, or none is required."""

    def claims(self, request: Request) -> Claims | None:
        """What a token says of the caller of an allowed `request`; None: callers of this server have no claims."""

    def check(self, request: Request) -> RequestError | None:
        """The error to answer `request` with; None if it is allowed."""


class Access:
    """The policy of a server by itself. Raises UsageError for an address that is not loopback without a token."""

    def __init__(self, *, host: str, port: int, token: Secret | None, claims_key: Secret | None = None) -> None:
        if token is None and claims_key is None and not is_loopback(host):
            raise UsageError(
                f"other machines can reach {host}, but no token is set",
                where="--host",
                hint="omit --host to serve this machine only, or name the token's environment variable with "
                "--token-env",
            )
        self._token, self._claims_key = token, claims_key
        self._hosts = own_names(host, port)
        self.address = f"http://{self._hosts[0]}"

    @property
    def requires_token(self) -> bool:
        return self._token is not None or self._claims_key is not None

    def authorized(self, request: Request) -> bool:
        """Whether `request` sends the token, or one that the key signed, or none is required."""
        if not self.requires_token:
            return True
        sent = _bearer(request).encode()
        same = self._token is not None and secrets.compare_digest(sent, self._token.reveal().encode())
        return same or bool(self.claims(request))

    def claims(self, request: Request) -> Claims | None:
        """The claims of the token that the key signed, empty for another token; None: there is no key."""
        return None if self._claims_key is None else claims_of(_bearer(request), self._claims_key) or {}

    def check(self, request: Request) -> RequestError | None:
        """The error to answer `request` with; None if it is allowed."""
        if not self.requires_token:
            host, origin = request.headers.get("host", ""), request.headers.get("origin")
            if host not in self._hosts:
                return RequestError(403, "wrong_host", "the Host header is not the address of this server")
            if origin is not None and origin != f"http://{host}":
                return RequestError(403, "wrong_origin", "pages of other sites may not send requests")
        elif request.scope["path"] not in OPEN_PATHS and not self.authorized(request):
            sent = "authorization" in request.headers
            message = "wrong token" if sent else "a token is required, in the header Authorization: Bearer …"
            return RequestError(401, "invalid_api_key", message)
        return None


def _bearer(request: Request) -> str:
    """The token of a request; empty: it sends none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def is_loopback(host: str) -> bool:
    """Whether `host` is an IP address of this machine that other machines cannot reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_of(variable: str, command: str = "dstill serve", shortest: int = MIN_TOKEN_LENGTH) -> Secret | None:
    """The token in an environment variable; None for an empty name. Raises ConfigError if it is unset or too short."""
    if not variable:
        return None
    token = Secret.from_environment(variable, f"`{command}`")
    if len(token.reveal()) < shortest:
        raise ConfigError(
            f"the token in {variable} is too short",
            where=f"environment {variable}",
            hint=f"use at least {shortest} characters, for example from: openssl rand -hex 24",
        )
    return token
