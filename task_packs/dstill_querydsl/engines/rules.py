"""Names and paths: what the clients of this package may ask of a server.

check_name("logs-2025")            # fine
check_name("logs-*")               # UsageError; fine with pattern=True
reads("POST", "/logs-2025/_search") is True
reads("DELETE", "/logs-2025")       is False
"""

from __future__ import annotations

import re
from typing import Callable
from urllib.parse import unquote

from dstill.errors import UsageError

__all__ = ["OWN_PREFIX", "check_name", "reads", "writes"]

OWN_PREFIX = "dstill-"  # of every index that dstill creates on a server

# Elasticsearch's own rule for names, less what stands for several (comma, *, date math)
# or for something else (a remote cluster's colon, a hidden index' dot).
_NAME = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,254}")
_PATTERN = re.compile(r"[a-z0-9][a-z0-9_.+*-]{0,254}")
_READS = {
    "_search": ("POST",),
    "_count": ("POST",),
    "_validate/query": ("POST",),
    "_mapping": ("GET",),
    "_field_caps": ("POST",),
}


def check_name(name: str, *, pattern: bool = False, where: str = "executor.http.index") -> str:
    """`name` again where it names one index, alias or data stream. Raises UsageError."""
    if (_PATTERN if pattern else _NAME).fullmatch(name):
        return name
    hint = "one index, alias or data stream, in lower case"
    if "*" in name and not pattern:
        hint += "; for a pattern as logs-* set executor.http.allow_pattern"
    raise UsageError(f"'{name[:80]}' is no index name that can be used", where=where, hint=hint)


def reads(method: str, path: str) -> bool:
    """Whether the scoring client may make this request: it only ever reads."""
    if path == "/":
        return method == "GET"
    name, rest = _parts(path)
    return method in _READS.get(rest, ()) and bool(_PATTERN.fullmatch(unquote(name)))


def writes(created: set[str]) -> Callable[[str, str], bool]:
    """A rule for the client that loads data: whole indices of its own, and nothing else.

    `created` is filled by the loader, name by name, just before it creates each.
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
