"""The words in which the guard's tables are written.

An entry of a table says what an option may hold, as one of these kinds:

    "size": COUNT                              a whole number
    "terms": Fields(VALUES)                    fields' names, and under each a list of plain values, never an object
    "nested": Options({"path": FIELD, …})      these keys and no other
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Mapping, TypeAlias

__all__ = [
    "AGGREGATIONS_", "BOX", "COUNT", "DOCUMENT_FIELDS", "DURATION", "FIELD", "FILTERS", "FUZZY", "HIGHLIGHT",
    "INTERVAL", "NAMES", "ORDER", "PATHS", "PATTERN", "POINT", "PREFIX", "QUERIES_", "QUERY", "QUERY_TEXT", "REGEXP",
    "REWRITE", "SHAPE", "SORT", "SOURCE", "SUFFIX", "TERM_FILTER", "TOTAL", "VALUE", "VALUES", "Capped", "Fields",
    "Kind", "ListOf", "MapOf", "Options", "values",
]  # fmt: skip

# --- kinds of values: what the walk in `guard` does with each ----------------------------

VALUE = "value"  # a scalar
VALUES = "values"  # a scalar or a list of scalars
COUNT = "count"  # a whole number
DURATION = "duration"  # a time with its unit, as 10s
FIELD = "field"  # the name of one field, no wildcard
NAMES = "names"  # names of fields, each with ^boost or not
QUERY = "query"
QUERIES_ = "queries"  # one query or a list of them
FILTERS = "filters"  # a list of queries or named ones
AGGREGATIONS_ = "aggregations"
SORT = "sort"
SOURCE = "source"  # _source
QUERY_TEXT = "query_text"  # of a query_string
SUFFIX = "suffix"  # put behind the names of fields
DOCUMENT_FIELDS = "document_fields"  # fields, docvalue_fields
HIGHLIGHT = "highlight"
POINT = "point"  # a geo point in any spelling
SHAPE = "shape"  # GeoJSON or WKT
PATTERN = "pattern"  # with * and ?
PREFIX = "prefix"  # of a term, not empty
REGEXP = "regexp"
FUZZY = "fuzzy"  # a term that may differ by some characters
REWRITE = "rewrite"  # how a pattern becomes terms
TOTAL = "total"  # yes, no, or a whole number
TERM_FILTER = "term_filter"  # include, exclude: a regular expression, a list, or a partition
PATHS = "paths"  # buckets_path: names of aggregations
ORDER = "order"  # of buckets
INTERVAL = "interval"  # one rule of an intervals query


@dataclass(frozen=True)
class Options:
    """An object with these keys and no other; `required` ones must stand."""

    names: Mapping[str, Kind]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fields:
    """An object with fields' names for keys, beside a few options."""

    entry: Kind  # what stands under a field
    long: Mapping[str, Kind] = field(default_factory=dict)  # or an object of these
    beside: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True)
class ListOf:
    item: Kind


@dataclass(frozen=True)
class MapOf:
    """An object with free names for keys."""

    item: Kind


@dataclass(frozen=True)
class Capped:
    """A number up to one of the `Limits`, or up to what engines take."""

    limit: str | int
    what: str
    whole: bool = True


Kind: TypeAlias = str | Capped | Options | Fields | ListOf | MapOf


def values(*names: str) -> dict[str, Kind]:
    """Options that each hold one scalar."""
    return dict.fromkeys(names, VALUE)


BOX: dict[str, Kind] = {
    **dict.fromkeys(("top_left", "bottom_right", "top_right", "bottom_left"), POINT),
    **values("top", "bottom", "left", "right", "wkt"),
}
