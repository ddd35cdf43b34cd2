"""The claims of a caller: a JSON Web Token (RFC 7519), signed with HMAC SHA-256 by whoever knows the key.

    claims_of("eyJhbGciOiJIUzI1NiJ9.eyJ0ZW5hbnQiOiJhY21lIiwiZXhwIjoxN…", key)     {"tenant": "acme", "exp": 1765000000}
    claims_of("eyJhbGciOiJub25lIn0.eyJ0ZW5hbnQiOiJhY21lIn0.", key)               None

A token must say when it ends (``exp``). Claims that are lists or objects are left out.
"""

from __future__ import annotations

import base64
import hmac
import time
from typing import Any

from dstill.api.rows import Claims
from dstill.io.secrets import Secret
from dstill.io.strict_json import loads

__all__ = ["claims_of"]

_LONGEST = 8_000  # characters


def claims_of(token: str, key: Secret) -> Claims | None:
    """The claims of a valid token; None: it is not valid now."""
    signed, _, signature = token.rpartition(".")
    if len(token) > _LONGEST or signed.count(".") != 1:
        return None
    try:
        digest = hmac.digest(key.reveal().encode(), signed.encode(), "sha256")
        if not hmac.compare_digest(digest, _decoded(signature)):
            return None
        header, claims = (loads(_decoded(part).decode()) for part in signed.split("."))
    except ValueError:  # of Base64, UTF-8 and JSON
        return None
    if not isinstance(header, dict) or header.get("alg") != "HS256" or "crit" in header:
        return None
    return _scalars(claims) if isinstance(claims, dict) and _is_valid_now(claims) else None


def _is_valid_now(claims: dict[str, Any]) -> bool:
    times = [claims.get("nbf", 0), claims.get("exp")]
    if not all(isinstance(at, (int, float)) and not isinstance(at, bool) for at in times):
        return False
    start, end = times
    return bool(start <= time.time() < end)


def _scalars(claims: dict[str, Any]) -> Claims:
    return {name: value for name, value in claims.items() if isinstance(value, (str, int, float, bool))}


def _decoded(text: str) -> bytes:
    """Base64 for URLs, without its padding. Raises ValueError."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
