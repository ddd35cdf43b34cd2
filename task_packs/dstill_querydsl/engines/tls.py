"""Whom to trust over TLS, by a fingerprint: → an `ssl.SSLContext` for the client.

    pinned("127.0.0.1", 9200, "A1:B2:…", timeout=5.0)
    # trusts what the certificate of that SHA-256 has signed, and nothing else

The certificate that is meant is looked for among those that the server sends; then it is the
only authority of the context that is returned, under which every connection is verified anew.
The official client's own way is not enough: it compares the fingerprint with certificates of a
chain whose signatures nobody has checked, so that a server with the authority's public
certificate beside its own would pass. Names are not compared, as the certificates that engines
make for themselves seldom hold the right one.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import sys
from typing import Any

from dstill.errors import ConfigError, ServiceError

__all__ = ["digest_of", "pinned"]

_DIGITS = 64  # of a SHA-256 in hex
_DER = 2  # the encoding, in the words of Python's own _ssl


def digest_of(fingerprint: str) -> str:
    """A fingerprint as hex digits only. Raises ConfigError where it is no SHA-256."""
    digest = fingerprint.replace(":", "").strip().lower()
    if len(digest) != _DIGITS or set(digest) - set("0123456789abcdef"):
        raise ConfigError(
            "the fingerprint is no SHA-256",
            where="engine.ca_fingerprint",
            hint="64 hex digits, as `openssl x509 -fingerprint -sha256 -noout -in http_ca.crt` prints them",
        )
    return digest


def pinned(host: str, port: int, fingerprint: str, timeout: float) -> ssl.SSLContext:
    """Raises ConfigError, ServiceError where the server is not there or sends no such certificate."""
    digest = digest_of(fingerprint)
    try:
        sent = _chain(host, port, timeout)
    except OSError as error:  # ssl's errors are such, too
        raise ServiceError(
            f"cannot reach an engine at https://{host}:{port}",
            where=str(error)[:200],
            hint="is it running there, and does it speak TLS?",
        ) from None
    meant = next((one for one in sent if hashlib.sha256(one).hexdigest() == digest), None)
    if meant is None:
        there = ", ".join(hashlib.sha256(one).hexdigest() for one in sent)
        raise ServiceError(
            f"cannot trust the engine at https://{host}:{port}: no certificate of its own has that fingerprint",
            where=f"engine.ca_fingerprint; it sent {there[:200]}",
            hint="take the fingerprint on the server itself, of its http_ca.crt",
        )
    context = ssl.create_default_context(cadata=meant)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the fingerprint may be of the server's own certificate
    return context


def _chain(host: str, port: int, timeout: float) -> list[bytes]:
    """The certificates that a server sends, its own first. Nothing is trusted, nothing said to it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        if sys.version_info >= (3, 13):
            return list(secured.get_unverified_chain())
        # The same, before it had a public name.
        inner: Any = secured
        return [one.public_bytes(_DER) for one in inner._sslobj.get_unverified_chain()]
