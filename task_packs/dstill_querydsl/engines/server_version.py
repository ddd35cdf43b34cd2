"""What a server says it is: its reply to ``GET /`` → `Capabilities`.

identify({"version": {"number": "9.2.0"}, "tagline": "You Know, for Search"}, client_major=9)
→ Capabilities(product="Elasticsearch", version="9.2.0", dialect="elasticsearch9", own=True, …)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

__all__ = ["Capabilities", "NotAnEngine", "identify"]

# The majors that dstill's tests run against; others may work, and are said to be untested.
TESTED = {"Elasticsearch": (8, 9), "OpenSearch": (2, 3)}
# Before it, replies to a search have another form.
OLDEST = {"Elasticsearch": 7, "OpenSearch": 1}
EMBEDDED = "osmem"  # the cluster name that the embedded server gives itself


class NotAnEngine(Exception):
    """The reply to ``GET /`` is not that of an engine that can be spoken to; says why."""


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What is known of an engine."""

    product: str  # Elasticsearch, OpenSearch, osmem-server
    version: str
    dialect: str  # whose rules hold: elasticsearch9, opensearch3 …
    embedded: bool = False
    tested: bool = True  # this major is among those that dstill is tested with
    own: bool = False  # an Elasticsearch of the client's major, which needs no other wire form

    @property
    def exact_relevance(self) -> bool:
        """Whether scores are those of Lucene, so that order by relevance can be compared elsewhere."""
        return not self.embedded

    def __str__(self) -> str:
        name = f"{self.product} {self.version}"
        return f"embedded {name}" if self.embedded else name if self.tested else f"{name} (untested)"


def identify(reply: Any, client_major: int, embedded_version: str = "") -> Capabilities:
    """Raises NotAnEngine."""
    version = reply.get("version") if isinstance(reply, Mapping) else None
    number = str(version.get("number", "")) if isinstance(version, Mapping) else ""
    major = re.match(r"(\d+)\.", number)
    if major is None or not isinstance(version, Mapping):
        raise NotAnEngine("answers, but is no Elasticsearch or OpenSearch")
    if version.get("distribution") == "opensearch":
        if reply.get("cluster_name") == EMBEDDED:
            dialect = f"opensearch{major[1]}"
            return Capabilities(product="osmem-server", version=embedded_version, dialect=dialect, embedded=True)
        return _of("OpenSearch", number, int(major[1]), client_major)
    if "for Search" not in str(reply.get("tagline", "")):
        raise NotAnEngine("answers, but is no Elasticsearch or OpenSearch")
    return _of("Elasticsearch", number, int(major[1]), client_major)


def _of(product: str, number: str, major: int, client_major: int) -> Capabilities:
    if major < OLDEST[product]:
        raise NotAnEngine(f"is {product} {number}, whose replies have another form than since {OLDEST[product]}")
    return Capabilities(
        product=product,
        version=number,
        dialect=f"{product.lower()}{major}",
        tested=major in TESTED[product],
        own=product == "Elasticsearch" and major == client_major,
    )
