"""The canonical form of aggregations, which are numbered in sorted order.

    aggregations({"by_user": {"terms": {"field": "user", "size": 10}}})
    {"a0": {"terms": {"field": "user"}}}

References to names (`order` of terms, `buckets_path` of a pipeline, `sort` of a bucket_sort) are renamed too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dstill_querydsl.language.canonical.query import Json, key, query
from dstill_querydsl.language.canonical.values import interval, place, plain, without_defaults

__all__ = ["aggregations", "reads_score", "uses_scores"]

_SCORED = ("top_hits", "sampler", "diversified_sampler")
_GROUPS = ("terms", "multi_terms", "histogram", "date_histogram")
_SUB = ("aggs", "aggregations")

_VALUES = ("missing", "after", "sources", "include", "exclude")  # values of a field: there 1.0 may differ from 1
_STEP = re.compile(r"([^.\[]*)(\[.*?\])?(.*)")  # one step of a path: name, bucket, metric

Names = dict[str, tuple[str, Any]]  # old name → (new name, names below); a bucket's old name is ['name']


def uses_scores(groups: Mapping[str, Any]) -> bool:
    """Whether an aggregation at any depth uses scores: by its kind, a sort or a script."""
    if reads_score(groups):
        return True
    for body in groups.values():
        if any(kind in body for kind in _SCORED):
            return True
        if any(uses_scores(body[sub]) for sub in _SUB if sub in body):
            return True
    return False


def reads_score(part: Any) -> bool:
    """Whether a sort or a script in `part` names ``_score``."""
    return re.search(r"\b_score\b", json.dumps(part)) is not None


def aggregations(groups: Mapping[str, Any]) -> Json:
    """The canonical form of the value of ``aggs``. Raises ValueError for a level with both ``aggs`` and its alias."""
    return _renamed(groups)[0]


def _renamed(groups: Mapping[str, Any]) -> tuple[Json, Names]:
    """Aggregations with new names, and the names. Pipelines come last, because they refer to others."""
    bodies: list[tuple[bool, str, str, Json, Names]] = []
    for name, value in groups.items():
        body, below = _aggregation(value)
        pipeline = "bucket_sort" in body or any(
            isinstance(part, dict) and "buckets_path" in part for part in body.values()
        )
        bodies.append((pipeline, "" if pipeline else key(body), name, body, below))
    bodies.sort(key=lambda item: item[:2])
    names: Names = {}
    result: Json = {}
    for number, (pipeline, _, old, body, below) in enumerate(bodies):
        names[old] = (f"a{number}", below)
        result[f"a{number}"] = _paths(body, names) if pipeline else body
    return result, names


def _aggregation(value: Mapping[str, Any]) -> tuple[Json, Names]:
    subs = [value[sub] for sub in _SUB if sub in value]
    if len(subs) > 1:
        raise ValueError("engines refuse both aggs and aggregations")
    inner, below = _renamed(subs[0]) if subs else ({}, {})
    body: Json = {}
    for kind, options in value.items():
        if kind in _SUB or kind == "meta":
            continue
        body[kind] = _options(kind, options, below)
    if inner:
        body["aggs"] = inner
    return body, below | _buckets(value.get("filters"))


def _buckets(options: Any) -> Names:
    """The names of filters, which are dropped, and their replacement in paths: the filter itself."""
    named = options.get("filters") if isinstance(options, dict) else None
    if not isinstance(named, dict):
        return {}
    return {
        f"[{quote}{name}{quote}]": (f"[{key(query(clause, scored=False))}]", {})
        for name, clause in named.items()
        for quote in "'\""
    }


def _options(kind: str, options: Any, below: Names) -> Any:
    if kind == "filter":
        return query(options, scored=False)
    if not isinstance(options, dict):
        return options
    spelled = {name: _value(kind, name, value if name in _VALUES else plain(value)) for name, value in options.items()}
    rest = without_defaults(f"agg.{kind}", spelled)
    if kind == "filters" and "filters" in rest:
        rest = _filters(rest)
    if "order" in rest and kind != "composite":
        rest["order"] = [{_path(by, below): way for by, way in part.items()} for part in rest["order"]]
    return rest


def _value(kind: str, name: str, value: Any) -> Any:
    """The canonical spelling of one option."""
    if name == "order" and kind in _GROUPS:
        parts = value if isinstance(value, list) else [value]
        return [{by: str(way).lower() for by, way in part.items()} for part in parts]
    if name == "ranges" and isinstance(value, list):  # the names of ranges do not matter
        return sorted(({k: v for k, v in part.items() if k != "key"} for part in value), key=key)
    if name == "calendar_interval":
        return interval(value)
    return place(value) if name == "origin" and kind == "geo_distance" else value


def _filters(options: Json) -> Json:
    """Filters without their names, and without the name of the bucket for other documents."""
    filters = options["filters"]
    listed = list(filters.values()) if isinstance(filters, Mapping) else list(filters)
    rest = {name: value for name, value in options.items() if name not in ("filters", "other_bucket_key", "keyed")}
    other = {"other_bucket": True} if "other_bucket_key" in options else {}
    return {**rest, **other, "filters": sorted((query(clause, scored=False) for clause in listed), key=key)}


def _paths(body: Json, names: Names) -> Json:
    """A pipeline with renamed references."""
    result: Json = {}
    for kind, options in body.items():
        if kind == "bucket_sort":
            result[kind] = _bucket_sort(options, names)
            continue
        paths = options.get("buckets_path") if isinstance(options, dict) else None
        if isinstance(paths, str):
            options = {**options, "buckets_path": _path(paths, names)}
        elif isinstance(paths, dict):
            options = {**options, "buckets_path": {name: _path(path, names) for name, path in paths.items()}}
        result[kind] = options
    return result


def _bucket_sort(options: Json, names: Names) -> Json:
    """A bucket_sort with its sort in the long form and with new names."""
    sort = options.get("sort", [])
    parts = [part if isinstance(part, dict) else {part: {}} for part in (sort if isinstance(sort, list) else [sort])]
    long = [(by, how if isinstance(how, dict) else {"order": how}) for part in parts for by, how in part.items()]
    keys = [{_path(by, names): {"order": str(how.get("order", "asc")).lower()}} for by, how in long]
    return {**options, **({"sort": keys} if keys else {})}


def _path(path: str, names: Names) -> str:
    """A path such as ``groups['a']>value.max`` with new names; unknown names are kept."""
    head, arrow, rest = path.partition(">")
    name, bucket, metric = _STEP.fullmatch(head).groups("")  # type: ignore[union-attr]  # it matches any text
    if name not in names:
        return path
    new, below = names[name]
    inside: str = below[bucket][0] if bucket in below else bucket
    return new + inside + metric + arrow + (_path(rest, below) if arrow else "")
