"""Renders the pages that are not those of another plugin: runs, comparison, login, waiting, and errors.

page(request, "runs.html.j2", runs=overviews(place))      a reply; the template escapes every text

All addresses in them are relative, so that a proxy may have them below a path of its own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.errors import DstillError
from dstill.runtime.http import POLICY

if TYPE_CHECKING:
    from jinja2 import Environment
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["FILES", "WEB", "error_page", "page", "root"]

WEB = Path(__file__).parent / "web"
FILES = {
    "/ui.css": ("ui.css", "text/css"),
    "/ui.js": ("ui.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/favicon.ico": ("icon.svg", "image/svg+xml"),  # what browsers ask for beside a report
}
NOT_FOUND = 404
HEADERS = {
    **POLICY,
    "content-security-policy": POLICY["content-security-policy"].replace("form-action 'none'", "form-action 'self'"),
    "referrer-policy": "same-origin",  # without a referrer, browsers send forms with the Origin "null"
}


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """The page that `template` makes of `values`."""
    from starlette.responses import HTMLResponse

    text = _environment().get_template(template).render(root=root(request), **values)
    return HTMLResponse(text, status, HEADERS)


def error_page(request: Request, error: DstillError, status: int = 409) -> Response:
    """A page that says what went wrong, where, and what to do about it."""
    title = "Not found" if status == NOT_FOUND else "This is not possible"
    return page(request, "error.html.j2", status, error=error, title=title)


def root(request: Request) -> str:
    """The relative address of the start page."""
    return "../" * (request.scope["path"].count("/") - 1) or "./"


@cache
def _environment() -> Environment:
    from markupsafe import Markup, escape

    from dstill_report.templating import environment_of

    environment = environment_of(WEB)
    # The value of a form's field, which nobody sees, so that the name comes back as it is.
    environment.filters["exactly"] = lambda text: Markup(escape(text))
    return environment
