"""What buckets are made for, in which order and how many, from the canonical form of their aggregation.

    group("date_histogram", {"field": "sent", "calendar_interval": "month"}, reader)    " for each month of sent"
    limit("terms", {"field": "town", "size": 5})                                        ", the first 5"

A parameter without words of its own is said by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dstill.linked.spoken import listed
from dstill_querydsl.language.readback.bounds import moment
from dstill_querydsl.language.readback.hits import first
from dstill_querydsl.language.readback.naming import Names, as_json, parameters, scalar
from dstill_querydsl.language.readback.query import Reader, point

__all__ = ["GROUPED", "SINGLE", "group", "limit"]

SINGLE = ("filter", "nested", "reverse_nested", "global", "missing")  # one bucket
_RANGES = ("range", "date_range", "ip_range", "geo_distance")
_INTERVALS = ("calendar_interval", "fixed_interval", "interval")
GROUPED = ("terms", "rare_terms", "date_histogram", "histogram", *_RANGES, "filters", "composite", "multi_terms")
_LIMITED = ("terms", "composite")
Options = Mapping[str, Any]
_SAID = ("order", "size", "min_doc_count")  # by `limit` and by what orders buckets


def group(kind: str, options: Options, reader: Reader) -> str:
    """`` for each town``, `` where state is 'new'``. Raises one of MALFORMED."""
    if kind in _READ:
        return _READ[kind](options, reader)
    if kind in _RANGES:
        return _ranges(kind, options, reader.names)
    return f" for each {_key(kind, {k: v for k, v in options.items() if k not in _SAID}, reader.names)}"


def _filter(options: Options, reader: Reader) -> str:
    return f" where {reader.all_of(options)}"


def _nested(options: Options, reader: Reader) -> str:
    return f" in their {reader.names.field(options['path'])}{parameters(options, 'path')}"


def _reverse(options: Options, reader: Reader) -> str:
    path = f" of {reader.names.field(options['path'])}" if "path" in options else ""
    return f" in the documents around them{path}{parameters(options, 'path')}"


def _everything(options: Options, _: Reader) -> str:
    return f" among everything, whatever the conditions{parameters(options)}"


def _missing(options: Options, reader: Reader) -> str:
    return f" among those without {reader.names.field(options['field'])}{parameters(options, 'field')}"


def _filters(options: Options, reader: Reader) -> str:
    filters = ", ".join(f"({reader.all_of(query, brackets=False)})" for query in options["filters"])
    rest = " and for the others" if options.get("other_bucket") is True else ""
    return f" for each of {filters}{rest}{parameters(options, 'filters', *(('other_bucket',) if rest else ()))}"


def _composite(options: Options, reader: Reader) -> str:
    keys = [
        _key(kind, how, reader.names) + ("" if name == how["field"] else f" (named {scalar(name)})")
        for entry in options["sources"]
        for name, source in entry.items()
        for kind, how in source.items()
    ]
    return f" for each combination of {listed(keys)}{parameters(options, 'sources', *_SAID)}"


def _several(options: Options, reader: Reader) -> str:
    keys = [reader.names.field(term["field"]) + parameters(term, "field") for term in options["terms"]]
    return f" for each {' with each '.join(keys)}{parameters(options, 'terms', *_SAID)}"


_READ: Mapping[str, Callable[[Options, Reader], str]] = {
    "filter": _filter,
    "nested": _nested,
    "reverse_nested": _reverse,
    "global": _everything,
    "missing": _missing,
    "filters": _filters,
    "composite": _composite,
    "multi_terms": _several,
}


def _key(kind: str, options: Options, names: Names) -> str:
    field = options["field"]
    spoken = names.field(field)
    if kind in ("terms", "rare_terms"):
        values = {name: options[name] for name in ("include", "exclude") if isinstance(options.get(name), list)}
        only = "".join(_only(name, each, field, names) for name, each in values.items())
        return f"{'rare ' * (kind == 'rare_terms')}{spoken}{only}{parameters(options, 'field', *values)}"
    interval = next((name for name in _INTERVALS if name in options), "")
    rest = parameters(options, "field", interval)
    if kind == "histogram":
        return f"step of {scalar(options[interval])} in {spoken}{rest}"
    if interval == "calendar_interval":
        return f"{options[interval]} of {spoken}{rest}"
    if interval == "fixed_interval":
        return f"{options[interval]} of {spoken}{rest}"
    return f"{kind} {as_json(options)}"


def _only(name: str, values: Sequence[Any], field: str, names: Names) -> str:
    each = listed([names.value(field, value) for value in values], "or")
    return f" (only {each})" if name == "include" else f" (except {each})"


def _ranges(kind: str, options: Mapping[str, Any], names: Names) -> str:
    def low(part: Mapping[str, Any]) -> float:
        return start if isinstance(start := part.get("from"), (int, float)) else float("-inf")

    parts = sorted(options["ranges"], key=low)
    field = names.field(options["field"])
    origin = f" to {point(options['origin'])}" if kind == "geo_distance" else ""
    rest = parameters(options, "field", "ranges", *(("origin",) if origin else ()))
    spoken = f"distance of {field}{origin}" if origin else f"{'address ' * (kind == 'ip_range')}{field}"
    return f" for each range of {spoken}: {listed([_range(kind, part) for part in parts])}{rest}"


def _range(kind: str, part: Mapping[str, Any]) -> str:
    words = moment if kind == "date_range" else scalar
    ends = (
        f"from {words(part['from'])}" if part.get("from") is not None else "",
        f"below {words(part['to'])}" if part.get("to") is not None else "",
    )
    known = [end for end in ("from", "to") if part.get(end) is not None]
    return (" to ".join(filter(None, ends)) or "all") + parameters(part, *known)


def limit(kind: str, options: Mapping[str, Any]) -> str:
    """``, the first 10``, ``, only those with at least 3 documents``."""
    texts = []
    if "min_doc_count" in options:
        texts.append(f", only those with at least {as_json(options['min_doc_count'])}")
    if "size" in options or kind in _LIMITED:
        texts.append(first(options.get("size", 10)))
    return "".join(texts)
