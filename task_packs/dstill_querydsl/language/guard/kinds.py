"""The vocabulary of the guard's tables.

A table maps each option to the kind of value that it accepts:

    "size": COUNT                              a whole number
    "terms": Fields(VALUES)                    field names, each with a list of plain values, never an object
    "nested": Options({"path": FIELD, …})      these keys only
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "AGGREGATIONS_", "BOX", "COUNT", "DOCUMENT_FIELDS", "DURATION", "FIELD", "FILTERS", "FUZZY", "HIGHLIGHT",
    "INTERVAL", "NAMES", "ORDER", "PATHS", "PATTERN", "POINT", "PREFIX", "QUERIES_", "QUERY", "QUERY_TEXT", "REGEXP",
    "REWRITE", "SHAPE", "SORT", "SOURCE", "SUFFIX", "TERM_FILTER", "TOTAL", "VALUE", "VALUES", "Capped", "Fields",
    "Kind", "ListOf", "MapOf", "Options", "values",
]  # fmt: skip

# --- kinds of values: `guard._Body` maps each to the method that checks it ---------------

VALUE = "value"  # a scalar
VALUES = "values"  # a scalar or a list of scalars
COUNT = "count"  # a whole number
DURATION = "duration"  # a time with a unit, such as 10s
FIELD = "field"  # the name of one field, no wildcard
NAMES = "names"  # field names, each with or without ^boost
QUERY = "query"
QUERIES_ = "queries"  # one query or a list of them
FILTERS = "filters"  # a list of queries, or named queries
AGGREGATIONS_ = "aggregations"
SORT = "sort"
SOURCE = "source"  # _source
QUERY_TEXT = "query_text"  # the text of a query_string
SUFFIX = "suffix"  # appended to field names
DOCUMENT_FIELDS = "document_fields"  # fields, docvalue_fields
HIGHLIGHT = "highlight"
POINT = "point"  # a geo point in any spelling
SHAPE = "shape"  # GeoJSON or WKT
PATTERN = "pattern"  # with * and ?
PREFIX = "prefix"  # the beginning of a term, not empty
REGEXP = "regexp"
FUZZY = "fuzzy"  # a term that may differ by some characters
REWRITE = "rewrite"  # how a pattern expands to terms
TOTAL = "total"  # true, false or a whole number
TERM_FILTER = "term_filter"  # include, exclude: a regular expression, a list, or a partition
PATHS = "paths"  # buckets_path: names of aggregations
ORDER = "order"  # of buckets
INTERVAL = "interval"  # one rule of an intervals query


@dataclass(frozen=True)
class Options:
    """An object with these keys only, all of `required` among them."""

    names: Mapping[str, Kind]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fields:
    """An object whose keys are field names, apart from a few options."""

    entry: Kind  # the value of a field
    long: Mapping[str, Kind] = field(default_factory=dict)  # the keys of its long form, an object
    options: Mapping[str, Kind] = field(default_factory=dict)  # options next to the fields


@dataclass(frozen=True)
class ListOf:
    """A list, or a single item."""

    item: Kind


@dataclass(frozen=True)
class MapOf:
    """An object with any keys."""

    item: Kind


@dataclass(frozen=True)
class Capped:
    """A number up to one of the `Limits`, or up to what engines accept."""

    limit: str | int  # the name of a limit, or a number
    what: str  # its name in messages
    whole: bool = True


Kind: TypeAlias = str | Capped | Options | Fields | ListOf | MapOf


def values(*names: str) -> dict[str, Kind]:
    """Options that each accept one scalar."""
    return dict.fromkeys(names, VALUE)


BOX: dict[str, Kind] = {
    **dict.fromkeys(("top_left", "bottom_right", "top_right", "bottom_left"), POINT),
    **values("top", "bottom", "left", "right", "wkt"),
}
