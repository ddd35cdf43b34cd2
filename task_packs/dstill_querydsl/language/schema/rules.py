"""Rules that JSON Schema cannot express: names that must exist elsewhere in the body, and keys that exclude each other.

In: a body that the schema accepts. Out: problems of layer ``schema``:

    a pipeline's ``buckets_path`` that leads to no aggregation
    an ``order`` by an aggregation that does not exist
    an ``after`` that lacks one of a composite's sources
    ``collapse`` with ``search_after`` on another field
    a ``sampler`` without aggregations below it, spans of several fields in one query
    a ``geo_bounding_box`` whose top is below its bottom
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dstill.api.records import Problem
from dstill.errors import did_you_mean
from dstill_querydsl.language.strict import escape

__all__ = ["check", "is_flat", "is_upside_down", "span_field"]

_STATS = {"min", "max", "avg", "sum", "count"}
_DEVIATIONS = {"std_deviation", "variance", "sum_of_squares", "std_deviation_bounds", "std_lower", "std_upper"}
_DEVIATIONS |= {f"{base}_{kind}" for base in ("std_deviation", "variance") for kind in ("population", "sampling")}
_RESULTS = {"stats": _STATS, "extended_stats": _STATS | _DEVIATIONS}
_MAX_REGEXP = 1_000
_ONE_FIELD = {"span_near", "span_or"}
_BUILT_IN = {"_count", "_key", "_term", "_time", "_bucket_count"}
_TYPED_KEYS = {"aggs", "aggregations", "meta"}
_SAMPLERS = {"sampler", "random_sampler"}  # they have no result without sub-aggregations

Aggregations = Mapping[str, Any]


def check(body: dict[str, Any]) -> Iterator[Problem]:
    """Apply every rule to the whole body."""
    yield from _collapse(body)
    for key in ("aggs", "aggregations"):
        yield from _level(body.get(key), f"/{key}")
    yield from _texts(body, "")


def _problem(code: str, message: str, pointer: str, hint: str = "", suggestion: str | None = None) -> Problem:
    return Problem(layer="schema", code=code, message=message, pointer=pointer, hint=hint, suggestion=suggestion)


def _collapse(body: dict[str, Any]) -> Iterator[Problem]:
    collapse = body.get("collapse")
    if not isinstance(collapse, dict) or "search_after" not in body:
        return
    if _sorted_by(body.get("sort")) != [collapse.get("field")]:
        message = "collapse allows search_after only when the single sort is on the collapsed field"
        yield _problem("exclusive", message, "/search_after", f"sort by {collapse.get('field')!r} alone")


def _sorted_by(sort: Any) -> list[str]:
    entries = sort if isinstance(sort, list) else [sort]
    out: list[str] = []
    for entry in entries:
        out += [entry] if isinstance(entry, str) else list(entry) if isinstance(entry, dict) else []
    return out


def _level(aggregations: Any, pointer: str) -> Iterator[Problem]:
    """One ``aggs`` object and everything below it."""
    if not isinstance(aggregations, dict):
        return
    for name, definition in aggregations.items():
        if not isinstance(definition, dict):
            continue
        here = f"{pointer}/{escape(name)}"
        for kind, options in definition.items():
            if kind not in _TYPED_KEYS and isinstance(options, dict):
                yield from _aggregation(kind, options, definition, aggregations, f"{here}/{kind}")
        for key in ("aggs", "aggregations"):
            yield from _level(definition.get(key), f"{here}/{key}")


def _aggregation(
    kind: str, options: dict[str, Any], definition: Aggregations, siblings: Aggregations, pointer: str
) -> Iterator[Problem]:
    if kind in _SAMPLERS and not _below(definition):
        yield _problem("missing", f"{kind} needs sub-aggregations", pointer, "put them under 'aggs' next to it")
    if kind == "bucket_sort":
        yield from _order(siblings, _sorted_by(options.get("sort", [])), f"{pointer}/sort")
    yield from _paths(siblings, options.get("buckets_path"), f"{pointer}/buckets_path")
    yield from _after(options, f"{pointer}/after")
    yield from _order(_below(definition), options.get("order"), f"{pointer}/order")


def _below(definition: Aggregations) -> Aggregations:
    below = definition.get("aggs", definition.get("aggregations"))
    return below if isinstance(below, dict) else {}


def _paths(siblings: Aggregations, paths: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(paths, str):
        yield from _path(siblings, paths, pointer)
    else:
        for name, path in _entries(paths):
            if isinstance(path, str):
                yield from _path(siblings, path, f"{pointer}/{escape(str(name))}")


def _entries(value: Any) -> Iterable[tuple[str | int, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()


def _path(level: Aggregations, path: str, pointer: str) -> Iterator[Problem]:
    """Follow a path such as ``a>b.value`` down from `level`."""
    for step in path.split(">"):
        name = _name(level, step)
        if name in _BUILT_IN:
            return
        if name not in level:
            message = f"the path {path!r} names an unknown aggregation {name!r}.{did_you_mean(name, level)}"
            yield _problem("unknown_path", message, pointer, "name an aggregation that exists at this level")
            return
        definition = level[name]
        if not isinstance(definition, dict):
            return
        yield from _value(definition, step[len(name) :], path, pointer)
        level = _below(definition)


def _name(level: Aggregations, step: str) -> str:
    """The name of the aggregation in one step. Names may contain dots: the longest existing name wins."""
    step = step.split("[", 1)[0]
    parts = step.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in level:
            return ".".join(parts[:length])
    return parts[0]


def _value(definition: Aggregations, rest: str, path: str, pointer: str) -> Iterator[Problem]:
    known = next((_RESULTS[kind] for kind in definition if kind in _RESULTS), None)
    value = rest.removeprefix(".")
    if known and rest.startswith(".") and value not in known:
        message = f"the path {path!r} ends in an unknown value {value!r}.{did_you_mean(value, known)}"
        yield _problem("unknown_path", message, pointer, "use one of " + ", ".join(sorted(known)[:8]))


def _order(below: Aggregations, order: Any, pointer: str) -> Iterator[Problem]:
    for entry in order if isinstance(order, list) else [order]:
        for path in entry if isinstance(entry, dict) else [entry] if isinstance(entry, str) else ():
            yield from _path(below, path, f"{pointer}/{escape(path)}")


def _after(options: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    """A composite's ``after`` has one value for each of its sources."""
    after, sources = options.get("after"), options.get("sources")
    if not isinstance(after, dict) or not isinstance(sources, (list, dict)):
        return
    listed = sources if isinstance(sources, list) else [sources]
    names = {name for source in listed if isinstance(source, dict) for name in source}
    for name in sorted(names - set(after)):
        yield _problem("missing", f"after has no value for the source {name!r}", pointer, f"add {name!r}")
    for name in sorted(set(after) - names):
        message = f"after has a value for {name!r}, which is not a source.{did_you_mean(name, names)}"
        yield _problem("unknown_option", message, pointer)


def _texts(value: Any, pointer: str) -> Iterator[Problem]:
    """Rules for full-text, span and vector queries, at any depth."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            here = f"{pointer}/{escape(key)}"
            if key == "multi_match" and isinstance(item, dict):
                yield from _bool_prefix(item, here)
            elif key == "query_string" and isinstance(item, dict) and isinstance(item.get("query"), str):
                yield from _query_string(item["query"], f"{here}/query")
            elif key == "geo_bounding_box" and isinstance(item, dict):
                yield from _box(item, here)
            elif key in _ONE_FIELD and isinstance(item, dict):
                yield from _one_field(key, item, here)
            elif key == "num_candidates" and _more(value.get("k"), item):
                yield _problem("out_of_range", f"num_candidates ({item}) is less than k ({value['k']})", here)
            yield from _texts(item, here)


def _more(value: Any, other: Any) -> bool:
    return isinstance(value, int) and isinstance(other, int) and value > other


def _one_field(kind: str, options: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    """All spans that one query combines are on one field."""
    clauses = options.get("clauses")
    fields = {field for clause in clauses if (field := span_field(clause))} if isinstance(clauses, list) else set()
    if len(fields) > 1:
        message = f"the clauses of {kind} must be on one field, found {' and '.join(map(repr, sorted(fields)))}"
        yield _problem("several", message, f"{pointer}/clauses", "use field_masking_span to add another field")


def span_field(clause: Any) -> str | None:
    """The field of a span_term, also of one inside other spans; or the field that masks one."""
    ((name, options),) = clause.items() if isinstance(clause, dict) and len(clause) == 1 else (("", None),)
    if not isinstance(options, dict):
        return None
    if name == "span_term":
        return next((field for field in options if field not in ("boost", "_name")), None)
    if name in ("span_field_masking", "field_masking_span"):
        return str(options.get("field"))
    inner = options.get("clauses")
    return span_field(inner[0]) if isinstance(inner, list) and inner else None


def _bool_prefix(options: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    if options.get("type") == "bool_prefix":
        for key in ("slop", "cutoff_frequency"):
            if key in options:
                yield _problem("exclusive", f"{key!r} is not allowed with type 'bool_prefix'", f"{pointer}/{key}")


def _box(options: Mapping[str, Any], pointer: str) -> Iterator[Problem]:
    for field, corners in options.items():
        if isinstance(corners, dict) and is_upside_down(corners):
            message = "the top of the box is below its bottom"
            yield _problem("out_of_range", message, f"{pointer}/{escape(field)}", "swap the two latitudes")


def is_upside_down(corners: Mapping[str, Any]) -> bool:
    """Whether the top of a box is below its bottom. Corners that are not there yet, or are no points, do not count."""
    top, bottom = _side(corners, "top"), _side(corners, "bottom")
    return top is not None and bottom is not None and top < bottom


def is_flat(corners: Mapping[str, Any]) -> bool:
    """Whether a box has no height or no width."""
    return any(
        (side := _side(corners, first)) is not None and side == _side(corners, second)
        for first, second in (("top", "bottom"), ("left", "right"))
    )


def _side(corners: Mapping[str, Any], side: str) -> float | None:
    """The latitude (top, bottom) or longitude (left, right) of a side, in degrees, given alone or by a corner."""
    for name, value in corners.items():
        if side in name.split("_") and (degrees := _degrees(value, side in ("top", "bottom"))) is not None:
            return degrees
    return None


def _degrees(point: Any, latitude: bool) -> float | None:
    """Of a point as an object, as [lon, lat], as "lat,lon", or of one coordinate alone."""
    if isinstance(point, Mapping):
        point = point.get("lat" if latitude else "lon")
    elif isinstance(point, list):
        point = point[latitude] if len(point) > 1 else None
    elif isinstance(point, str):
        lat, comma, lon = point.partition(",")
        point = lon if comma and not latitude else lat
    try:
        return None if point is None else float(point)
    except (TypeError, ValueError):
        return None


def _query_string(text: str, pointer: str) -> Iterator[Problem]:
    words = text.split()
    if words and words[-1] in ("AND", "OR", "NOT", "&&", "||", "!"):
        yield _problem("wrong_value", f"the query string ends in {words[-1]!r}", pointer, "add a term or remove it")
    if text.startswith("/") and len(text) > _MAX_REGEXP:
        message = f"the regular expression has {len(text):,} characters, the limit is {_MAX_REGEXP:,}"
        yield _problem("out_of_range", message, pointer)
