r"""JSON on several lines, for people: what fits a line stays on one.

>>> print(pretty('{"size":0,"aggs":{"groups":{"terms":{"field":"host","size":10}}}}', 60))
{
  "size": 0,
  "aggs": {
    "groups": {"terms": {"field": "host", "size": 10}}
  }
}
>>> highlighted('{"size":1.50}', 60)
[('', '{'), ('key', '"size"'), ('', ': '), ('number', '1.50'), ('', '}')]
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["Part", "highlighted", "pretty", "pretty_lines"]

INDENT = "  "
Part = tuple[str, str]  # its kind (key, string, number, keyword, or empty), and its text


class _Number(str):
    """A number as it is written: Python would write some in another way."""

    __slots__ = ()


def pretty(text: str, width: int) -> str:
    """`text` on lines of at most `width` characters where that is possible. Other text stays as it is."""
    return "".join(part for _, part in highlighted(text, width))


def highlighted(text: str, width: int) -> list[Part]:
    """The parts of `text`, laid out as by `pretty`. Other text is one part."""
    try:
        value = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        lines = [list(line) for line in _lines([], value, "", "", width)]
    except (ValueError, RecursionError):
        return [("", text)]
    parts = lines[0]
    for line in lines[1:]:
        parts += [("", "\n"), *line]
    return parts


def pretty_lines(value: Any, width: int) -> Iterator[str]:
    """The lines of a JSON value, laid out as by `pretty`."""
    for line in _lines([], value, "", "", width):
        yield "".join(part for _, part in line)


def _lines(key: list[Part], value: Any, comma: str, indent: str, width: int) -> Iterator[list[Part]]:
    line = [("", indent), *key, *_flat(value), ("", comma)]
    if sum(len(text) for _, text in line) <= width or not isinstance(value, (dict, list)) or not value:
        yield [part for part in line if part[1]]
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    named = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    members = [([] if name is None else _key(name), item) for name, item in named]
    yield [part for part in [("", indent), *key, ("", opening)] if part[1]]
    for number, (name, item) in enumerate(members, 1):
        yield from _lines(name, item, "," if number < len(members) else "", indent + INDENT, width)
    yield [("", f"{indent}{closing}{comma}")]


def _key(name: str) -> list[Part]:
    return [("key", json.dumps(name, ensure_ascii=False)), ("", ": ")]


def _flat(value: Any) -> Iterator[Part]:
    """`value` on one line."""
    if isinstance(value, dict):
        yield "", "{"
        for number, (name, item) in enumerate(value.items()):
            yield from [("", ", ")] if number else []
            yield from _key(name)
            yield from _flat(item)
        yield "", "}"
    elif isinstance(value, list):
        yield "", "["
        for number, item in enumerate(value):
            yield from [("", ", ")] if number else []
            yield from _flat(item)
        yield "", "]"
    elif isinstance(value, _Number):
        yield "number", str(value)
    elif isinstance(value, str):
        yield "string", json.dumps(value, ensure_ascii=False)
    else:
        yield ("keyword" if value is None or isinstance(value, bool) else "number"), json.dumps(value)
