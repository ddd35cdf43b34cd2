"""Controls who may use the pages of `dstill ui`.

    Access(host="127.0.0.1", port=8000, token=None)       this machine only
    Access(host="0.0.0.0", port=8000, token=Secret(…))    who knows the token

Without a token, the rules are those of `dstill_serve.auth`: loopback, the Host of this server, no foreign Origin. With
one, a browser gets a cookie on the login page, in exchange for the token, and programs send the token itself. The
cookie is HttpOnly and SameSite=Strict: no script reads it, and browsers do not add it to requests of other sites.

Changes need the Origin of the page; so does every POST with the cookie. Only questions to a student, which change
nothing, are taken without an Origin on loopback.

Not covered: without a token, other programs on this machine; attempts to guess the token; who a reviewer really is, as
everybody who knows the token can give any name.
"""

from __future__ import annotations

import re
import secrets
import threading
from typing import TYPE_CHECKING

from dstill.io.inert import visible
from dstill.io.secrets import Secret
from dstill_serve import auth
from dstill_serve.errors import RequestError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["OPEN_PATHS", "Access", "Behind"]

OPEN_PATHS = ("/login", "/ui.css", "/ui.js", "/icon.svg", "/favicon.ico")  # without a token: nothing of a run
LONGEST_NAME = 60  # characters of a reviewer's name
MOST_SESSIONS = 1_000  # the oldest ends when one more begins
READING = ("GET", "HEAD")
_QUESTION = re.compile(r"/(runs/[^/]+/play|data/[^/]+)/v1/(query|check|chat/completions)")


class Access:
    """The access policy. Raises UsageError for an address that is not loopback without a token.

    `reviewer`: the name of who reviews, for everybody; empty: each person gives one at the login.
    """

    def __init__(self, *, host: str, port: int, token: Secret | None, reviewer: str = "") -> None:
        self._server = auth.Access(host=host, port=port, token=token)
        self._token = token
        self._configured = reviewer
        self._sessions: dict[str, str] = {}  # cookie → reviewer, the oldest first
        self._lock = threading.Lock()
        self.cookie = f"dstill_ui_{port}"  # browsers share cookies between ports
        self.address = self._server.address

    @property
    def requires_token(self) -> bool:
        """Whether people have to log in."""
        return self._token is not None

    @property
    def asks_for_name(self) -> bool:
        """Whether the login page asks who reviews."""
        return self.requires_token and not self._configured

    def login(self, token: str, name: str) -> str:
        """The value of the cookie for the right token; empty otherwise. `name`: of the reviewer."""
        if self._token is None or not secrets.compare_digest(token.strip().encode(), self._token.reveal().encode()):
            return ""
        cookie = secrets.token_hex(24)
        with self._lock:
            self._sessions[cookie] = self._configured or _short(name)
            if len(self._sessions) > MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return cookie

    def logout(self, request: Request) -> None:
        """End the session of `request`."""
        with self._lock:
            self._sessions.pop(request.cookies.get(self.cookie, ""), None)

    def has_session(self, request: Request) -> bool:
        """Whether `request` sends a cookie of `login`."""
        return request.cookies.get(self.cookie, "") in self._sessions

    def reviewer(self, request: Request) -> str:
        """Who decides in a review that `request` opens; empty: who the settings of the run name."""
        return self._sessions.get(request.cookies.get(self.cookie, ""), self._configured)

    def check(self, request: Request) -> RequestError | None:
        """The error to answer `request` with; None if it is allowed."""
        if error := self._server.check(request) if self._token is None else self._unknown(request):
            return error
        if request.method in READING or self._sends_token(request):
            return None
        origin = request.headers.get("origin")
        if origin is None and self._token is None and _QUESTION.fullmatch(request.scope["path"]):
            return None
        host = request.headers.get("host", "")
        if origin not in (f"http://{host}", f"https://{host}"):  # a proxy in front may speak https
            return RequestError(403, "wrong_origin", "only a page of this server may do that")
        return None

    def _unknown(self, request: Request) -> RequestError | None:
        if request.scope["path"] in OPEN_PATHS or self._sends_token(request) or self.has_session(request):
            return None
        sent = "authorization" in request.headers
        message = "wrong token" if sent else "log in, or send the token in the header Authorization: Bearer …"
        return RequestError(401, "invalid_api_key", message)

    def _sends_token(self, request: Request) -> bool:
        return self._token is not None and self._server.authorized(request)


class Behind:
    """The policy of a student's server that is reached only through `Access`, which has checked every request."""

    def __init__(self, *, requires_token: bool) -> None:
        self.requires_token = requires_token

    def authorized(self, request: Request) -> bool:
        """True: see `Access`."""
        return True

    def claims(self, request: Request) -> None:
        """None: the pages are for people who may see all that the configuration shows."""
        return None

    def check(self, request: Request) -> RequestError | None:
        """None: see `Access`."""
        return None


def _short(name: str) -> str:
    return visible(" ".join(name.split()), one_line=True)[:LONGEST_NAME]
