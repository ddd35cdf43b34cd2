"""Map words of people to words of schemas.

shared("deliver", "delivery")   -> 0.7, since both begin alike
MEANT["slow"]                   "duration took time"
"""

from __future__ import annotations

import re

__all__ = ["CUES", "MEANINGS", "YEAR", "shared"]

YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# Patterns in a question that need a kind of field, whatever its name is.
CUES = (
    (re.compile(r"\b(km|miles|metres|meters|near|nearest|around|distance|within|box)\b", re.I), "geo_point"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b|\bsubnet|\bCIDR", re.I), "ip"),
)
# A word of people that schemas do not use → words of schemas.
MEANINGS = {
    **dict.fromkeys(
        ("slow", "fast", "took", "take", "long", "latency", "ms", "second", "minute"), "duration took time"
    ),
    **dict.fromkeys(
        ("size", "large", "big", "small", "heavy", "kb", "mb", "gb", "kilobyte", "megabyte"), "bytes size length"
    ),
    **dict.fromkeys(("error", "failed", "failure", "succeeded", "successful"), "status code level outcome error"),
    **dict.fromkeys(("address", "subnet", "network"), "ip address"),
    **dict.fromkeys(("where", "place", "country", "city", "coming"), "geo location country city"),
    **dict.fromkeys(("who", "person", "people", "account", "by"), "user name author"),
    **dict.fromkeys(("expensive", "cheap", "cost", "costs", "paid"), "price cost amount total"),
    **dict.fromkeys(("browser", "client"), "agent"),
    **dict.fromkeys(("machine", "server", "node"), "host"),
}


def shared(word: str, other: str) -> float:
    """A similarity up to 0.8: the share of the longer word that is a common prefix."""
    length = next((n for n, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), None)
    length = min(len(word), len(other)) if length is None else length
    return 0.8 * length / max(len(word), len(other))
