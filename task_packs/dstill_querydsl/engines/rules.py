"""Rules for the clients of this package: valid index names, and which requests they may send.

check_name("logs-2025")            # fine
check_name("logs-*")               # UsageError; fine with pattern=True
reads("POST", "/logs-2025/_search") is True
reads("DELETE", "/logs-2025")       is False
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from dstill.errors import UsageError

__all__ = ["NAMES", "OWN_PREFIX", "check_name", "reads", "writes"]

OWN_PREFIX = "dstill-"  # the names of all indices that dstill creates on a server start with it

# Elasticsearch's rule for names, without names for several indices (comma, *, date math), remote clusters (colon) and
# hidden indices (leading dot).
_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,254}")
_PATTERN = re.compile(r"[a-z0-9][a-z0-9_.+*-]{0,254}")
NAMES = "/_resolve/index/*"  # the names of what the key may see
_READS = {
    "_search": ("POST",),
    "_count": ("POST",),
    "_validate/query": ("POST",),
    "_mapping": ("GET",),
    "_field_caps": ("POST",),
}


def check_name(name: str, *, pattern: bool = False, where: str = "executor.http.index") -> str:
    """Return `name` if it can name one index, alias or data stream; else raise UsageError."""
    if (_PATTERN if pattern else _NAME).fullmatch(name):
        return name
    hint = "name one index, alias or data stream, in lower case"
    if "*" in name and not pattern:
        hint += "; for a pattern such as logs-*, set executor.http.allow_pattern"
    raise UsageError(f"'{name[:80]}' is not a valid index name", where=where, hint=hint)


def reads(method: str, path: str) -> bool:
    """Whether the client that scores answers may send this request: only reads."""
    if path in ("/", NAMES):
        return method == "GET"
    name, rest = _parts(path)
    return method in _READS.get(rest, ()) and bool(_PATTERN.fullmatch(unquote(name)))


def writes(created: set[str]) -> Callable[[str, str], bool]:
    """The rule for the client that loads data: it may only reach indices in `created`.

    The loader adds each name to `created` just before it creates the index.
    """
    allowed = {"": ("PUT", "DELETE"), "_bulk": ("PUT", "POST"), "_refresh": ("POST",)}

    def permit(method: str, path: str) -> bool:
        name, rest = _parts(path)
        return name.startswith(OWN_PREFIX) and name in created and method in allowed.get(rest, ())

    return permit


def _parts(path: str) -> tuple[str, str]:
    """``/logs/_validate/query`` → ("logs", "_validate/query")."""
    name, _, rest = path.removeprefix("/").partition("/")
    return name, rest
