"""Checks addresses of services: which may be used, and where a key may be sent.

    >>> checked_url("https://api.openai.com/v1/", where="teacher.openai.base_url", key=True)
    'https://api.openai.com/v1'
    >>> checked_url("shop://db.example:5432/orders", where="engine.url", key=False, any_scheme=True)
    'shop://db.example:5432/orders'

In: an address from a setting or option. Out: the address without a trailing slash, or ConfigError with a reason that
never repeats a password. A key is sent unencrypted only to this machine or a private network. Host names must be plain
ASCII, so that every library reads the same host: a full-width dot, for example, is refused, because Unicode
normalization changes it. Not covered: a name that resolves to another host than it seems to.

Servers of other kinds have schemes of their own (`any_scheme`). Of these, an address without a host names a file:
``shop:///data/orders.db``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from dstill.errors import ConfigError

__all__ = ["checked_url", "file_of", "is_local", "is_loopback", "origin"]

_FORM = "write it as https://HOST:PORT/PATH, or with http:// on this machine"
_WEB = {"http": 80, "https": 443}  # scheme → its port
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?", re.ASCII)
_BRACKETED = re.compile(r"\[[0-9a-fA-F:.]+\](:[0-9]+)?")
_PRIVATE_NAMES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


def checked_url(url: str, *, where: str, key: bool, any_scheme: bool = False) -> str:
    """`url` without a trailing slash. Raises ConfigError.

    `key`: a key or password will be sent there. `any_scheme`: it may be an address of another kind than a web server's.
    """
    host, form = "", _FORM
    try:
        parts = urlsplit(url)
        if _is_host(parts.hostname or ""):
            host = parts.hostname or ""
        own = any_scheme and parts.scheme not in _WEB and "://" in url
        form = f"write it as {parts.scheme}://HOST:PORT/NAME" if own else _FORM
        if own and not parts.netloc:
            form = f"write it as {parts.scheme}:////WHOLE/PATH, with %20 for a space"
        if any_scheme and "://" not in url:
            form = _form_of_file(url)
        problem = next(_problems(url, parts, key=key, own=own, any_scheme=any_scheme), "")
    except ValueError as error:  # its text may repeat a password
        what = "IPv6 address" if "IPv6" in str(error) else "port"
        problem = f"it has an invalid {what}"
    if problem:
        shown = f" of {host}" if host and "@" not in url else ""
        raise ConfigError(f"refused address{shown}: {problem}", where=where, hint=form)
    return url.rstrip("/")


def _problems(url: str, parts: SplitResult, *, key: bool, own: bool, any_scheme: bool) -> Iterator[str]:
    """Reasons to refuse `url`. Later ones may rely on the earlier ones, so take only the first.

    `own`: its scheme is neither http nor https, and may be another one, as with `any_scheme`.
    """
    if not url.isprintable() or " " in url:
        yield "it holds a space or a control character"
    if "@" in url:
        yield "it holds a user or password; name an environment variable for the key instead"
    if any_scheme and "://" not in url and Path(url).is_file():
        yield "it is a file, and an address begins with the kind of engine"
    if any_scheme and parts.scheme not in _WEB and not own:
        yield "it does not begin with http://, https:// or the scheme of another engine, and ://"
    if parts.scheme not in _WEB and not own:
        yield f"{parts.scheme}: is not http or https" if parts.scheme else "it does not begin with http:// or https://"
    if parts.query or parts.fragment:
        yield "it holds a query or fragment"
    if own and not parts.netloc and parts.path.strip("/"):
        return  # a file
    yield from _host_problems(parts, key=key)


def _form_of_file(text: str) -> str:
    """How to write the address of a file, or what else `text`, which has no scheme, may stand for."""
    path = Path(text)
    if path.is_file():
        return f"write its kind before its whole path, for example sqlite:///{path.absolute()}"
    return f"{_FORM}; a file as sqlite:////WHOLE/PATH"


def _host_problems(parts: SplitResult, *, key: bool) -> Iterator[str]:
    if not parts.hostname:
        yield "it names no host"
    host = parts.hostname or ""
    if not _is_host(host):
        yield "its host is not a plain name or number; write an international name in its ASCII form (xn--…)"
    if {"[", "]"} & set(parts.netloc) and not _BRACKETED.fullmatch(parts.netloc):  # libraries read different hosts
        yield "it contains something next to an address in brackets"
    if parts.port == 0:  # `port` raises ValueError if it is not a port number
        yield "no server listens on port 0"
    if key and parts.scheme == "http" and not is_local(host):
        yield "it is http, so the key would cross a public network in clear text; use https"


def _is_host(host: str) -> bool:
    if _HOST.fullmatch(host):
        return True
    try:
        return "%" not in host and ipaddress.ip_address(host).version == 6  # a zone id is read differently by libraries
    except ValueError:
        return False


def origin(url: str) -> str:
    """Scheme, host and port of a checked address: the receiver of a secret that is sent there. A file: all of it."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or _WEB.get(parts.scheme)
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def file_of(url: str) -> str:
    """The absolute path that a checked address without a host names; empty: it names a server."""
    parts = urlsplit(url)
    return "" if parts.netloc else f"/{unquote(parts.path).strip('/')}"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return _address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_local(host: str) -> bool:
    """Whether `host` is this machine or, judged by its name or number, on a private network."""
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
    """The address `host`; an IPv4 address mapped to IPv6 becomes IPv4 again. Raises ValueError if it is a name."""
    address = ipaddress.ip_address(host)
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address
