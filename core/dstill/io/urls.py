"""Addresses of services: which may be used, and what may be sent there.

    >>> checked_url("https://api.openai.com/v1/", where="teacher.openai.base_url", key=True)
    'https://api.openai.com/v1'

In: an address from a setting or option. Out: the same without a trailing slash, or ConfigError with
the reason, which repeats no password. A key goes in clear text only to this machine or a private
network. Host names are plain ASCII, so that every library reads the same host in them: one with a
full-width dot or another character that Unicode normalization changes is refused.
Not covered: a name that resolves elsewhere than it seems to.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from dstill.errors import ConfigError

__all__ = ["checked_url", "is_local", "is_loopback", "origin"]

_FORM = "write it as https://HOST:PORT/PATH, or with http:// on this machine"
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?", re.ASCII)
_BRACKETED = re.compile(r"\[[0-9a-fA-F:.]+\](:[0-9]+)?")
_PRIVATE_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


def checked_url(url: str, *, where: str, key: bool) -> str:
    """`url` as it is used. `key`: a key or password is sent along. Raises ConfigError."""
    host = ""
    try:
        parts = urlsplit(url)
        if _is_host(parts.hostname or ""):
            host = parts.hostname or ""
        problem = _problem(url, parts, key)
    except ValueError as error:  # whose text may repeat a password
        what = "IPv6 address" if "IPv6" in str(error) else "port"
        problem = f"it has an invalid {what}"
    if problem:
        shown = f" of {host}" if host and "@" not in url else ""
        raise ConfigError(f"refused address{shown}: {problem}", where=where, hint=_FORM)
    return url.rstrip("/")


def _problem(url: str, parts: SplitResult, key: bool) -> str:
    if not url.isprintable() or " " in url:
        return "it holds a space or a control character"
    if "@" in url:
        return "it holds a user or password; name an environment variable for the key instead"
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}: is not http or https" if parts.scheme else "it does not begin with http:// or https://"
    if not parts.hostname:
        return "it names no host"
    if not _is_host(parts.hostname):
        return "its host is not a plain name or number; write an international name in its ASCII form (xn--…)"
    if {"[", "]"} & set(parts.netloc) and not _BRACKETED.fullmatch(parts.netloc):  # libraries read different hosts
        return "it holds something beside an address in brackets"
    if parts.query or parts.fragment:
        return "it holds a query or fragment"
    if parts.port == 0:  # reading it raises ValueError where it is no port
        return "port 0 is none that a server listens on"
    if key and parts.scheme == "http" and not is_local(parts.hostname):
        return "it is http, and the key would cross a public network in clear text; use https"
    return ""


def _is_host(host: str) -> bool:
    if _HOST.fullmatch(host):
        return True
    try:
        return "%" not in host and ipaddress.ip_address(host).version == 6  # a zone id is read differently by libraries
    except ValueError:
        return False


def origin(url: str) -> str:
    """Scheme, host and port of an address that was checked: what a secret sent there is sent to."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return _address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_local(host: str) -> bool:
    """Whether `host` is this machine or, by its name or number, on a private network."""
    try:
        address = _address(host)
    except ValueError:
        if not _HOST.fullmatch(host.lower()):
            return False
        if re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+))*", host, re.IGNORECASE):
            return False  # an IPv4 address in another spelling
        return "." not in host or host.lower().endswith(_PRIVATE_NAMES)
    return address.is_private or address.is_loopback or address.is_link_local


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Of an IPv4 address written as IPv6 the former. Raises ValueError."""
    address = ipaddress.ip_address(host)
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address
