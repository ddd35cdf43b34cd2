r"""JSON on several lines, for people: what fits a line stays on one.

>>> print(pretty('{"size":0,"aggs":{"groups":{"terms":{"field":"host","size":10}}}}', 60))
{
  "size": 0,
  "aggs": {
    "groups": {"terms": {"field": "host", "size": 10}}
  }
}
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["pretty"]

INDENT = "  "


def pretty(text: str, width: int) -> str:
    """`text` on lines of at most `width` characters where that is possible. Other text stays as it is."""
    try:
        return "\n".join(_lines("", json.loads(text), "", "", width))
    except (ValueError, RecursionError):
        return text


def _lines(key: str, value: Any, comma: str, indent: str, width: int) -> Iterator[str]:
    line = f"{indent}{key}{json.dumps(value, ensure_ascii=False)}{comma}"
    if len(line) <= width or not isinstance(value, (dict, list)) or not value:
        yield line
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    named = value.items() if isinstance(value, dict) else ((None, one) for one in value)
    members = [("" if name is None else f"{json.dumps(name, ensure_ascii=False)}: ", one) for name, one in named]
    yield f"{indent}{key}{opening}"
    for number, (name, one) in enumerate(members, 1):
        yield from _lines(name, one, "," if number < len(members) else "", indent + INDENT, width)
    yield f"{indent}{closing}{comma}"
