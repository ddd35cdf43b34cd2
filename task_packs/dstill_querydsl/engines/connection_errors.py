"""Turns a connection error of the client into a ServiceError that says what to do.

connection_error("https://127.0.0.1:9200", TlsError("… certificate has expired …"))
→ ServiceError("cannot trust the engine at https://127.0.0.1:9200", where="… certificate has expired …",
               hint="its certificate has expired: renew it")
"""

from __future__ import annotations

from typing import Any

from dstill.errors import ServiceError

__all__ = ["HINT", "connection_error"]

HINT = "is it running there? Pass its address as --engine-url http://HOST:PORT"
_OTHER_NAME = "its certificate is for another name: use that name in engine.url, or set executor.http.ca_fingerprint"
_CLOSED = "it closed the connection: if it uses TLS, set https:// and engine.ca_certs"
# Part of the client's message → what to do. The first match counts.
_HINTS = (
    ("certificate has expired", "its certificate has expired: renew it"),
    ("certificate is not yet valid", "its certificate is not valid yet: is the clock of this machine right?"),
    ("Hostname mismatch", _OTHER_NAME),
    ("IP address mismatch", _OTHER_NAME),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "set engine.ca_certs to the file of the CA that signed its certificate, or set executor.http.ca_fingerprint",
    ),
    ("WRONG_VERSION_NUMBER", "it does not use TLS: try http:// instead of https://"),
    ("ConnectionResetError", _CLOSED),
    ("RemoteDisconnected", _CLOSED),
)


def connection_error(url: str, error: Any) -> ServiceError:
    """The ServiceError for an `elastic_transport.TransportError`."""
    message = str(error.message)
    untrusted = "CERTIFICATE_VERIFY_FAILED" in message
    return ServiceError(
        f"cannot trust the engine at {url}" if untrusted else f"cannot reach an engine at {url}",
        where=message[:200],
        hint=next((hint for words, hint in _HINTS if words in message), HINT),
    )
