"""Controls who may use the review page: the one browser that opened its address first.

The address contains a token that works once; the browser gets a cookie in exchange. `Access.check` requires

- the Host of this server, so that a site whose name resolves to this machine is rejected ("DNS rebinding"),
- the cookie,
- for changes, the page's own Origin and a header that browsers do not let other sites send without permission.

Not covered: other programs of the same user, which can read the run's files anyway.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dstill.runtime.http import own_names

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["ONLY_THE_PAGE", "Access", "is_sent_by_page"]

ONLY_THE_PAGE = "only the page itself may make changes"
SENT_BY_PAGE = "x-dstill"  # a custom header: across sites, browsers ask with a preflight request first


def is_sent_by_page(request: Request, schemes: Sequence[str] = ("http",)) -> bool:
    """Whether a page of this server sent `request`: with its own Origin, and the header that other sites may not send.

    `schemes`: those of the page's address; behind a proxy it may be https.
    """
    own = [f"{scheme}://{request.headers.get('host', '')}" for scheme in schemes]
    return request.headers.get("origin") in own and request.headers.get(SENT_BY_PAGE) == "1"


class Access:
    """The access policy of one review page on `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.hosts = own_names("127.0.0.1", port)
        self.cookie = f"dstill_review_{port}"  # browsers share cookies between ports
        self._token = secrets.token_hex(24)
        self._session = secrets.token_hex(24)
        self._used = False
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """The URL to open, with the token."""
        return f"http://{self.hosts[0]}/?token={self._token}"

    def exchange(self, token: str) -> str:
        """The value of the cookie for a correct token, once; empty otherwise."""
        with self._lock:
            if self._used or not secrets.compare_digest(token.encode(), self._token.encode()):
                return ""
            self._used = True
            return self._session

    def has_cookie(self, request: Request) -> bool:
        """Whether `request` sends the cookie."""
        cookie = request.cookies.get(self.cookie, "")
        return secrets.compare_digest(cookie.encode(), self._session.encode())

    def check(self, request: Request) -> str:
        """Why `request` is rejected; empty if it is allowed."""
        host = request.headers.get("host", "")
        if host not in self.hosts:
            return "the Host header is not the address of this page"
        if request.method != "GET" and not is_sent_by_page(request):
            return ONLY_THE_PAGE
        if not self.has_cookie(request) and not (request.url.path == "/" and "token" in request.query_params):
            return "open the address that `dstill data review` printed; it works once, in one browser"
        return ""
