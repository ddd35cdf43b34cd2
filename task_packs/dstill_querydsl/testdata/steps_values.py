"""Mutation steps for bounds and values: gt↔gte, one more or less, another value, no unit or rounding.

{"range": {"took": {"gte": 5}}} → {"gt": 5}, {"lte": 5}, {"gte": 6}, {"gte": 4}
{"term": {"level": "error"}}    → "Error" (another case), "errors"
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dstill_querydsl.testdata import instants
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import Edit, Path, drop, pointer, put, rename, walk

__all__ = ["bounds", "other_values", "values"]

_CLOSED = {"gt": "gte", "gte": "gt", "lt": "lte", "lte": "lt"}
_TURNED = {"gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte"}
_VALUED = ("term", "match", "match_phrase", "match_phrase_prefix", "prefix", "wildcard", "fuzzy", "match_bool_prefix")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_BACK = re.compile(r"(?P<sign>[+-])(?P<count>\d+)(?P<unit>[yMwdhHms])")


def bounds(body: Mapping[str, Any], layout: Layout) -> Iterator[Edit]:
    """All steps for bounds of ranges."""
    for path, node in _ranges(body):
        for bound in _CLOSED:
            if bound not in node:
                continue
            here = (*path, bound)
            if not _between_days(layout, str(path[-1]), node[bound]):
                yield f"{bound}→{_CLOSED[bound]} at {pointer(path)}", rename(body, here, _CLOSED[bound])
            if _TURNED[bound] not in node and _CLOSED[_TURNED[bound]] not in node:
                yield f"{bound}→{_TURNED[bound]} at {pointer(path)}", rename(body, here, _TURNED[bound])
            else:
                yield f"drop {bound} at {pointer(path)}", drop(body, here)


def _between_days(layout: Layout, name: str, value: Any) -> bool:
    """Whether no value can be exactly at the bound: a time of day, on a field with whole days."""
    field = layout.fields.get(name)
    days = field is not None and field.family == "date" and instants.whole_days(field.format)
    return days and str(value).startswith("now") and "/" not in str(value)


def _ranges(body: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The fields of range queries. Range aggregations have their field in an option."""
    for path, node in walk(body):
        if len(path) > 1 and path[-2] == "range" and isinstance(node, Mapping) and set(_CLOSED) & set(node):
            yield path, node


def values(body: Mapping[str, Any], layout: Layout) -> Iterator[Edit]:
    """All steps for values of conditions."""
    for path, node in _ranges(body):
        for bound in _CLOSED:
            if bound in node:
                yield from _others(body, (*path, bound), node[bound])
    for path, node in walk(body):
        if len(path) > 1 and path[-2] in _VALUED and isinstance(path[-1], str):
            yield from _for_field(body, path, node, layout)
        elif len(path) > 1 and path[-2] == "terms" and isinstance(node, list) and len(node) > 1:
            for number in (0, len(node) - 1):
                yield f"drop value at {pointer((*path, number))}", drop(body, (*path, number))
        elif path and path[-1] == "geo_distance" and isinstance(node, Mapping) and "distance" in node:
            yield from _distances(body, (*path, "distance"), node["distance"])
        elif len(path) > 1 and path[-2] == "multi_match" and path[-1] == "query":
            yield from _others(body, path, node, cased=False)


def _for_field(body: Mapping[str, Any], path: Path, node: Any, layout: Layout) -> Iterator[Edit]:
    """Other values in a clause of the form ``{operator: {FIELD: node}}``, short or long."""
    where = path if not isinstance(node, Mapping) else (*path, "value" if "value" in node else "query")
    value = node if not isinstance(node, Mapping) else node.get(str(where[-1]))
    if not isinstance(value, (Mapping, list)) and value is not None and path[-1] not in ("boost", "field"):
        cased = getattr(layout.fields.get(str(path[-1])), "family", "") != "text"  # analyzers ignore case
        yield from _others(body, where, value, cased=cased)


def _others(body: Mapping[str, Any], path: Path, value: Any, *, cased: bool = True) -> Iterator[Edit]:
    for other in other_values(value):
        if not cased and str(other).lower() == str(value).lower():
            continue
        yield f"{value!s:.40}→{other!s:.40} at {pointer(path)}", put(body, path, other)


def other_values(value: Any) -> list[Any]:
    """Values that could be written by mistake."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value + 1, value - 1] if value.is_integer() else [round(value * 1.1, 6), round(value * 0.9, 6)]
    if not isinstance(value, str) or not value:
        return []
    return _other_texts(value)


def _other_texts(text: str) -> list[Any]:
    if text.startswith("now") or "||" in text:
        return [*_other_math(text)]
    if match := _DAY.match(text):
        try:
            day = datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC)
        except ValueError:
            return []
        return [f"{day + timedelta(days=shift):%Y-%m-%d}{text[10:]}" for shift in (1, -1)]
    try:
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return [other for other in (text.swapcase(), f"{text}s") if other != text]
    if net.num_addresses == 1:
        return [str(net[0] + 1)]
    wider = net.supernet(prefixlen_diff=min(8, net.prefixlen))
    return [str(wider), str(net[0])]


def _other_math(text: str) -> Iterator[str]:
    steps = list(_BACK.finditer(text))
    for match in steps[-1:]:
        count = f"{match['sign']}{int(match['count']) + 1}{match['unit']}"
        yield text[: match.start()] + count + text[match.end() :]
        yield text[: match.start()] + text[match.end() :]
    if re.search(r"/[yMwdhHms]$", text):
        yield text[:-2]
    elif "||" not in text:
        yield f"{text}/d"


def _distances(body: Mapping[str, Any], path: Path, value: Any) -> Iterator[Edit]:
    match = re.fullmatch(r"([\d.]+)\s*(\w*)", str(value))
    if match is None:
        return
    for factor in (2, 0.5):
        yield f"distance ×{factor:g} at {pointer(path)}", put(body, path, f"{float(match[1]) * factor:g}{match[2]}")
    other = {"km": "mi", "mi": "km", "m": "km"}.get(match[2])
    if other:
        yield f"{match[2]}→{other} at {pointer(path)}", put(body, path, f"{match[1]}{other}")
