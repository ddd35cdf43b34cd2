"""Creates an `ssl.SSLContext` for the client that trusts a certificate by its fingerprint.

    pinned("127.0.0.1", 9200, "A1:B2:…", timeout=5.0)
    # trusts only the certificate with this SHA-256 and certificates that it signed

The certificate is looked up among those that the server sends. It becomes the only authority of the context, which
verifies every connection. The fingerprint option of the official client is not enough: it compares certificates of a
chain whose signatures are not checked, so a server could send the authority's public certificate along with its own.
Host names are not checked, because the self-made certificates of engines rarely have the right one.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import sys
from typing import Any

from dstill.errors import ConfigError, ServiceError

__all__ = ["digest_of", "pinned"]

_DIGITS = 64  # hex digits of a SHA-256
_DER = 2  # the number of the DER encoding in Python's _ssl


def digest_of(fingerprint: str) -> str:
    """A fingerprint as 64 hex digits. Raises ConfigError if it is not a SHA-256."""
    digest = fingerprint.replace(":", "").strip().lower()
    if len(digest) != _DIGITS or set(digest) - set("0123456789abcdef"):
        raise ConfigError(
            "the fingerprint is not a SHA-256",
            where="executor.http.ca_fingerprint",
            hint="give 64 hex digits, as `openssl x509 -fingerprint -sha256 -noout -in http_ca.crt` prints them",
        )
    return digest


def pinned(host: str, port: int, fingerprint: str, timeout: float) -> ssl.SSLContext:
    """A context that trusts the certificate with this fingerprint.

    Raises ConfigError for an invalid fingerprint, ServiceError if the server cannot be reached or does not send the
    certificate. `timeout` is in seconds.
    """
    digest = digest_of(fingerprint)
    try:
        sent = _chain(host, port, timeout)
    except OSError as error:  # includes ssl's errors
        raise ServiceError(
            f"cannot reach an engine at https://{host}:{port}",
            where=str(error)[:200],
            hint="is it running there, and does it use TLS?",
        ) from None
    trusted = next((cert for cert in sent if hashlib.sha256(cert).hexdigest() == digest), None)
    if trusted is None:
        fingerprints = ", ".join(hashlib.sha256(cert).hexdigest() for cert in sent)
        raise ServiceError(
            f"cannot trust the engine at https://{host}:{port}: none of its certificates has this fingerprint",
            where=f"executor.http.ca_fingerprint; it sent {fingerprints[:200]}",
            hint="compute the fingerprint of http_ca.crt on the server itself",
        )
    context = ssl.create_default_context(cadata=trusted)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate may be the server's own
    return context


def _chain(host: str, port: int, timeout: float) -> list[bytes]:
    """The certificates that a server sends, its own first, in DER. Nothing is verified and no request is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        if sys.version_info >= (3, 13):
            return list(secured.get_unverified_chain())
        # The same method, before it was public.
        inner: Any = secured
        return [cert.public_bytes(_DER) for cert in inner._sslobj.get_unverified_chain()]
