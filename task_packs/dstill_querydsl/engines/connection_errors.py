"""Why a server could not be spoken to: an error of the client → ServiceError with the next step.

unreached("https://127.0.0.1:9200", TlsError("… certificate has expired …"))
→ ServiceError("cannot trust the engine at https://127.0.0.1:9200", where="… certificate has expired …",
               hint="its certificate has ended: renew it")
"""

from __future__ import annotations

from typing import Any

from dstill.errors import ServiceError

__all__ = ["HINT", "unreached"]

HINT = "is it running there? For a server of yours: --engine-url http://HOST:PORT; without one: the embedded engine"
# What the client says → what to do. The first that fits.
_HINTS = (
    ("certificate has expired", "its certificate has ended: have it renewed"),
    ("certificate is not yet valid", "its certificate is not valid yet: is the clock of this machine right?"),
    ("Hostname mismatch", "its certificate is for another name: take that one in engine.url, or set ca_fingerprint"),
    ("IP address mismatch", "its certificate is for another name: take that one in engine.url, or set ca_fingerprint"),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "set engine.ca_certs to the file of the CA that signed its certificate, or engine.ca_fingerprint",
    ),
    ("WRONG_VERSION_NUMBER", "it speaks no TLS there: http:// instead of https://?"),
    ("ConnectionResetError", "it hung up without a word: where it speaks TLS, https:// and engine.ca_certs"),
    ("RemoteDisconnected", "it hung up without a word: where it speaks TLS, https:// and engine.ca_certs"),
)


def unreached(url: str, error: Any) -> ServiceError:
    """`error` is an `elastic_transport.TransportError`."""
    said = str(error.message)
    trust = "CERTIFICATE_VERIFY_FAILED" in said
    return ServiceError(
        f"cannot trust the engine at {url}" if trust else f"cannot reach an engine at {url}",
        where=said[:200],
        hint=next((hint for words, hint in _HINTS if words in said), HINT),
    )
