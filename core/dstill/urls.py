"""Addresses of services: what may be sent where.

    checked_url("https://api.openai.com/v1/", where="teacher.openai.base_url", key=True)
    'https://api.openai.com/v1'

In: an address from a setting or option. Out: the same without a trailing slash, or ConfigError with
the reason, in which no password is repeated. A key goes in clear text only to this machine or a
private network. Not covered: a name that resolves elsewhere than it seems to.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from dstill.errors import ConfigError

__all__ = ["checked_url", "is_local"]

_FORM = "write it as https://HOST:PORT/PATH, or with http:// on this machine"
_PRIVATE_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


def checked_url(url: str, *, where: str, key: bool) -> str:
    """`url` as it is used. `key`: a key or password is sent along. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        problem = _problem(url, parts, key)
        host = parts.hostname or ""
    except ValueError as error:  # a port that is no number, a broken IPv6 address
        problem, host = str(error).lower(), ""
    if problem:
        raise ConfigError(f"refused address{f' of {host}' if host else ''}: {problem}", where=where, hint=_FORM)
    return url.rstrip("/")


def _problem(url: str, parts: SplitResult, key: bool) -> str:
    if not url.isprintable() or " " in url:
        return "it holds a space or a control character"
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}: is not http or https" if parts.scheme else "it does not begin with http:// or https://"
    if parts.username is not None or parts.password is not None:
        return "it holds a user or password; name an environment variable for the key instead"
    if not parts.hostname:
        return "it names no host"
    if parts.query or parts.fragment:
        return "it holds a query or fragment"
    _ = parts.port  # raises ValueError when it is none
    if key and parts.scheme == "http" and not is_local(parts.hostname):
        return "it is http, and the key would cross a public network in clear text; use https"
    return ""


def is_local(host: str) -> bool:
    """Whether `host` is this machine or, by its name or number, on a private network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+))*", host, re.IGNORECASE):
            return False  # an IPv4 address in another spelling
        return "." not in host or host.lower().endswith(_PRIVATE_NAMES)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_private or address.is_loopback or address.is_link_local
