"""Identifies a server by its reply to ``GET /``.

identify({"version": {"number": "9.2.0"}, "tagline": "You Know, for Search"}, client_major=9)
→ Capabilities(product="Elasticsearch", version="9.2.0", dialect="elasticsearch9", own=True, …)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Capabilities", "NotAnEngine", "identify"]

# The major versions that dstill's tests run against. Others may work, and count as untested.
TESTED_VERSIONS = {"Elasticsearch": (8, 9), "OpenSearch": (2, 3)}
# Older versions return search results in another form.
OLDEST = {"Elasticsearch": 7, "OpenSearch": 1}
EMBEDDED = "osmem"  # the cluster name of the embedded server


class NotAnEngine(Exception):
    """The server is not a supported engine; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """The product and version of an engine, and what follows from them."""

    product: str  # Elasticsearch, OpenSearch, osmem-server
    version: str
    dialect: str  # elasticsearch9, opensearch3 …
    embedded: bool = False
    tested: bool = True  # dstill is tested with this major version
    own: bool = False  # an Elasticsearch of the client's major version, which understands its native form

    def __str__(self) -> str:
        name = f"{self.product} {self.version}"
        return f"embedded {name}" if self.embedded else name if self.tested else f"{name} (untested)"


def identify(reply: Any, client_major: int, embedded_version: str = "") -> Capabilities:
    """The capabilities of the engine with this reply. Raises NotAnEngine."""
    version = reply.get("version") if isinstance(reply, Mapping) else None
    number = str(version.get("number", "")) if isinstance(version, Mapping) else ""
    major = re.match(r"(\d+)\.", number)
    if major is None or not isinstance(version, Mapping):
        raise NotAnEngine("answers, but is not Elasticsearch or OpenSearch")
    if version.get("distribution") == "opensearch":
        if reply.get("cluster_name") == EMBEDDED:
            dialect = f"opensearch{major[1]}"
            return Capabilities(product="osmem-server", version=embedded_version, dialect=dialect, embedded=True)
        return _capabilities("OpenSearch", number, int(major[1]), client_major)
    if "for Search" not in str(reply.get("tagline", "")):
        raise NotAnEngine("answers, but is not Elasticsearch or OpenSearch")
    return _capabilities("Elasticsearch", number, int(major[1]), client_major)


def _capabilities(product: str, number: str, major: int, client_major: int) -> Capabilities:
    if major < OLDEST[product]:
        raise NotAnEngine(f"is {product} {number}; dstill supports {product} {OLDEST[product]} and later")
    return Capabilities(
        product=product,
        version=number,
        dialect=f"{product.lower()}{major}",
        tested=major in TESTED_VERSIONS[product],
        own=product == "Elasticsearch" and major == client_major,
    )
