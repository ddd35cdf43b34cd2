"""The use of each field in a gold besides conditions, which decides what values documents need.

roles({"aggs": {"a": {"date_histogram": {"field": "at", "calendar_interval": "day"}}}}, layout)
→ {"at": FieldUse(step=60480000.0)}, 0.7 days, so that some documents share a day and some do not
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.testdata import instants
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import read_pointer

__all__ = ["FieldUse", "roles"]

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_629_800}
_SECONDS |= {"quarter": 7_889_400, "year": 31_557_600}
_SHORT = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month", "q": "quarter", "y": "year"}
_GROUPING = (
    "terms",
    "rare_terms",
    "multi_terms",
    "cardinality",
    "composite",
    "diversified_sampler",
    "significant_terms",
    "value_count",
)
_HIGH = ("max", "top_metrics")
LARGEST_PAGE = 31  # groups. If a gold asks for more, 13 groups are enough


@dataclass(frozen=True, kw_only=True)
class FieldUse:
    """How a gold uses one field."""

    groups: int = 0  # number of values, each in several documents, with different counts
    rank: int = 0  # 1: near misses have the highest values, -1: the lowest, 0: any
    ordered: bool = False  # sorted by, so each document has a different value
    step: float = 0  # between neighbouring values, if there is an interval
    constants: tuple[Any, ...] = ()  # boundaries in aggregations


def roles(body: Mapping[str, Any], layout: Layout) -> dict[str, FieldUse]:
    """Field in documents → its role."""
    by_field: dict[str, FieldUse] = {}
    for use in uses(body):
        if use.kind == "sort":
            order = use.options.get("order", _plain_order(body, use.pointer))
            by_field[layout.source_field(use.name)] = FieldUse(ordered=True, rank=1 if order == "desc" else -1)
        elif use.kind == "collapse":
            by_field[layout.source_field(use.name)] = FieldUse(groups=5)
        elif use.kind == "aggregation":
            by_field.setdefault(layout.source_field(use.name), _for_aggregation(use.operator, use.options))
    return by_field


def _plain_order(body: Mapping[str, Any], pointer: str) -> str:
    """The order in a short sort key: ``{"took": "desc"}``."""
    value: Any = body
    for step in read_pointer(body, pointer):
        value = value[step]
    return value if value in ("asc", "desc") else "asc"


def _for_aggregation(operator: str, options: Mapping[str, Any]) -> FieldUse:
    if "ranges" in options:
        ranges = [option for option in options["ranges"] or () if isinstance(option, Mapping)]
        return FieldUse(
            constants=tuple(range_[key] for range_ in ranges for key in ("from", "to") if range_.get(key) is not None)
        )
    if step := _step(options):
        return FieldUse(step=step * 0.7)
    if operator in _GROUPING:
        size = options.get("size", 10)
        return FieldUse(groups=size + 3 if isinstance(size, int) and size <= LARGEST_PAGE else 13)
    return FieldUse(rank=-1 if operator == "min" else 1 if operator in _HIGH else 0)


def _step(options: Mapping[str, Any]) -> float:
    """The interval of a histogram, in milliseconds for dates. 0 if there is none."""
    interval = options.get("calendar_interval") or options.get("fixed_interval") or options.get("interval")
    if isinstance(interval, (int, float)):
        return float(interval)
    text = str(interval or "")
    if text in _SECONDS:
        return _SECONDS[text] * 1000.0
    if text[:-1].isdigit() and text[-1] in _SHORT:
        return int(text[:-1]) * _SECONDS[_SHORT[text[-1]]] * 1000.0
    return float(instants.DAY) if text else 0.0
