"""JSON Web Tokens, as those who know the key make them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

__all__ = ["KEY", "encoded", "signed"]

KEY = "a-key-of-the-tests-with-32-characters"
HEADER = {"alg": "HS256", "typ": "JWT"}


def signed(claims: dict[str, Any], *, key: str = KEY, **header: Any) -> str:
    """A token that ends in some hours, after any test, unless its claims say otherwise."""
    parts = [encoded({**HEADER, **header}), encoded({"exp": int(time.time()) + 9_000, **claims})]
    digest = hmac.new(key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(digest).decode().rstrip("=")])


def encoded(value: Any) -> str:
    """JSON in Base64 for URLs."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
