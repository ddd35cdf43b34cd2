"""Mutation steps for aggregations: another metric, interval, size or order, a missing level or bound.

{"avg": {"field": "took"}} → {"sum": …}, {"max": …};  {"calendar_interval": "day"} → "week", "hour"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.language.dates import CALENDAR_SHORT, CALENDAR_UNITS
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import Edit, Path, drop, pointer, put, rename, walk

__all__ = ["aggregations"]

_METRICS = {
    "avg": ("sum", "max", "min"),
    "sum": ("avg", "max", "value_count"),
    "min": ("max", "avg"),
    "max": ("min", "avg"),
    "value_count": ("cardinality", "sum"),
    "cardinality": ("value_count",),
    "median_absolute_deviation": ("avg",),
    "weighted_avg": (),
}
LARGE = 200  # above this size, one more or less is not a likely error


def aggregations(body: Mapping[str, Any], layout: Layout) -> Iterator[Edit]:
    """All steps for aggregations."""
    for path, agg in _each(body):
        for operator, options in agg.items():
            if operator in ("aggs", "aggregations", "meta") or not isinstance(options, Mapping):
                continue
            here = (*path, operator)
            yield from _metrics(body, here)
            yield from _intervals(body, here, options)
            yield from _sizes(body, here, options, layout)
            yield from _orders(body, here, options)
            for option in ("min_doc_count", "missing"):
                if option in options:
                    yield f"drop {option} at {pointer(here)}", drop(body, (*here, option))
            yield from _ranges(body, here, options)
        yield from _levels(body, path, agg)
    names = body.get("aggs") or body.get("aggregations") or {}
    if len(names) > 1:
        key = "aggs" if "aggs" in body else "aggregations"
        for name in names:
            yield f"drop aggregation {name}", drop(body, (key, name))


def _each(body: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path, node in walk(body):
        if len(path) > 1 and path[-2] in ("aggs", "aggregations") and isinstance(node, Mapping):
            yield path, node


def _metrics(body: Mapping[str, Any], path: Path) -> Iterator[Edit]:
    for other in _METRICS.get(str(path[-1]), ()):
        yield f"{path[-1]}→{other} at {pointer(path)}", rename(body, path, other)


def _intervals(body: Mapping[str, Any], path: Path, options: Mapping[str, Any]) -> Iterator[Edit]:
    calendar = options.get("calendar_interval")
    unit = CALENDAR_SHORT.get(str(calendar), str(calendar))
    if unit in CALENDAR_UNITS:
        place = CALENDAR_UNITS.index(unit)
        for other in (*CALENDAR_UNITS[place + 1 : place + 3], *CALENDAR_UNITS[max(place - 1, 0) : place]):
            yield f"{unit}→{other} at {pointer(path)}", put(body, (*path, "calendar_interval"), other)
    fixed = options.get("fixed_interval")
    if isinstance(fixed, str) and fixed[:-1].isdigit():
        yield (
            f"{fixed}→twice at {pointer(path)}",
            put(body, (*path, "fixed_interval"), f"{int(fixed[:-1]) * 2}{fixed[-1]}"),
        )
    interval = options.get("interval")
    if isinstance(interval, (int, float)) and not isinstance(interval, bool):
        for times in (2, 10):
            yield f"interval ×{times} at {pointer(path)}", put(body, (*path, "interval"), interval * times)


def _sizes(body: Mapping[str, Any], path: Path, options: Mapping[str, Any], layout: Layout) -> Iterator[Edit]:
    size, field = options.get("size"), layout.fields.get(str(options.get("field")))
    if field is not None and field.family == "boolean":
        return  # two buckets, whatever the size
    if isinstance(size, int) and not isinstance(size, bool):
        for other in (size + 1, size - 1) if size <= LARGE else ():
            if other > 0:
                yield f"size→{other} at {pointer(path)}", put(body, (*path, "size"), other)
        yield f"drop size at {pointer(path)}", drop(body, (*path, "size"))
    elif path[-1] == "terms":
        yield f"size→5 at {pointer(path)}", put(body, (*path, "size"), 5)


def _orders(body: Mapping[str, Any], path: Path, options: Mapping[str, Any]) -> Iterator[Edit]:
    order, where = options.get("order"), (*path, "order")
    if order is None and path[-1] == "terms":
        yield f"order by _key at {pointer(path)}", put(body, where, {"_key": "asc"})
    for key, direction in order.items() if isinstance(order, Mapping) else ():
        turned = "asc" if direction == "desc" else "desc"
        yield f"order {key}→{turned} at {pointer(path)}", put(body, (*where, key), turned)
        if key != "_count":
            yield f"order {key}→_count at {pointer(path)}", put(body, where, {"_count": direction})


def _ranges(body: Mapping[str, Any], path: Path, options: Mapping[str, Any]) -> Iterator[Edit]:
    listed = options.get("ranges")
    if not isinstance(listed, list):
        return
    for number, part in enumerate(listed):
        yield f"drop range at {pointer((*path, 'ranges', number))}", drop(body, (*path, "ranges", number))
        for bound in ("from", "to") if isinstance(part, Mapping) else ():
            value = part.get(bound)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                where = (*path, "ranges", number, bound)
                yield f"{bound} {value:g}→{value + 1:g} at {pointer(where)}", put(body, where, value + 1)


def _levels(body: Mapping[str, Any], path: Path, agg: Mapping[str, Any]) -> Iterator[Edit]:
    """Drop the aggregations inside, or keep only these."""
    for key in ("aggs", "aggregations"):
        inner = agg.get(key)
        if isinstance(inner, Mapping) and inner and "nested" not in agg:
            if not _ordered_by(agg, inner):
                yield f"drop what is inside {pointer(path)}", drop(body, (*path, key))
            if len(path) == 2 and "filter" not in agg and "reverse_nested" not in agg:
                yield f"drop the level at {pointer(path)}", put(body, path[:1], inner)


def _ordered_by(agg: Mapping[str, Any], inner: Mapping[str, Any]) -> bool:
    return any(
        name in str(options.get("order")) for options in agg.values() if isinstance(options, Mapping) for name in inner
    )
