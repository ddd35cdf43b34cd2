"""Is a search body safe to send? Check 4 of 4, layer ``guard``: an allow-list over the parsed tree.

In: any JSON object, and `Limits`. Out: problems; none means that every key at every depth is
on the list of `guard_tables` and every number within the limits:

    check({"query": {"script_score": {…}}})
    -> (Problem(code="script", message="refused: scripts are not allowed", pointer="/query/script_score"),)

A pure function, the same one for teacher, student, evaluation and serving. It knows no mapping:
a field alias leads wherever the mapping says. It comes beside a read-only key and the engine's
own limits, not instead of them.
"""

from __future__ import annotations

from typing import Any, Callable

from dstill.records import Problem
from dstill_querydsl import guard_tables as tables
from dstill_querydsl.guard_buckets import Ranges, bucket_problem
from dstill_querydsl.guard_limits import Limits
from dstill_querydsl.guard_tables import Fields, Kind, ListOf, MapOf, Options
from dstill_querydsl.strict import escape

__all__ = ["MAX_PROBLEMS", "Limits", "check"]

MAX_PROBLEMS = 20
_SCALARS = (str, int, float, bool, type(None))


def check(body: dict[str, Any], limits: Limits = Limits()) -> tuple[Problem, ...]:  # noqa: B008 (it is frozen)
    """Everything in `body` that is not on the list or beyond a limit, at most `MAX_PROBLEMS` of it."""
    walk = _Walk(limits, Ranges.of(body))
    walk.body(body)
    return tuple(walk.problems[:MAX_PROBLEMS])


class _Walk:
    def __init__(self, limits: Limits, ranges: Ranges) -> None:
        self.problems: list[Problem] = []
        self._limits = limits
        self._ranges = ranges
        self._clauses = 0
        self._aggregations = 0
        self._bool_depth = 0
        self._by_kind: dict[str, Callable[[Any, str], None]] = {
            tables.VALUE: self._value,
            tables.VALUES: self._values,
            tables.COUNT: self._count,
            tables.FIELD: self._field,
            tables.NAMES: self._names,
            tables.QUERY: self._query,
            tables.QUERIES_: self._queries,
            tables.FILTERS: self._filters,
            tables.AGGREGATIONS_: lambda value, at: self._level(value, at, 1, 1),
            tables.SORT: self._sort,
            tables.SOURCE: self._source,
            tables.DOCUMENT_FIELDS: self._document_fields,
            tables.HIGHLIGHT: self._highlight,
            tables.POINT: self._point,
            tables.SHAPE: self._shape,
            tables.PATTERN: self._pattern,
            tables.REGEXP: self._regexp,
            tables.TERM_FILTER: self._term_filter,
            tables.PATHS: self._paths,
            tables.ORDER: self._order,
            tables.INTERVAL: self._interval,
        }

    # --- reporting ----------------------------------------------------------------------

    def refuse(self, code: str, message: str, at: str, hint: str = "") -> None:
        self.problems.append(Problem(layer="guard", code=code, message=f"refused: {message}", pointer=at, hint=hint))

    def _not_listed(self, name: str, at: str, what: str = "key") -> None:
        code, why = tables.REASONS.get(name, ("not_allowed", f"{what} {name!r} is not on the list"))
        self.refuse(code, why, f"{at}/{escape(name)}", "leave it out")

    def _over(self, what: str, found: Any, limit: int, at: str) -> None:
        self.refuse("limit", f"{what} {_brief(found)} is beyond the limit of {limit:,}", at, f"at most {limit:,}")

    # --- the body -----------------------------------------------------------------------

    def body(self, body: dict[str, Any]) -> None:
        self._options(Options(tables.BODY), body, "")
        size, start = body.get("size", 10), body.get("from", 0)
        self._within("size", size, self._limits.size, "/size")
        if (n := _whole(size)) is not None and (m := _whole(start)) is not None and n + m > self._limits.window:
            self._over("from + size", n + m, self._limits.window, "/from" if "from" in body else "/size")
        if _whole(size) != 0:
            self._whole_source(body, "")

    def _whole_source(self, hits: dict[str, Any], at: str) -> None:
        """Without ``_source`` a hit brings every field, denied ones too."""
        if self._limits.restricts_fields and "_source" not in hits:
            hint = "name the fields in _source, or set it to false"
            self.refuse("field_denied", "some fields are not allowed, and hits bring all of them", at, hint)

    # --- structure ----------------------------------------------------------------------

    def _visit(self, kind: Kind, value: Any, at: str) -> None:
        if isinstance(kind, str):
            self._by_kind[kind](value, at)
        elif isinstance(kind, Options):
            self._options(kind, value, at)
        elif isinstance(kind, Fields):
            self._fields(kind, value, at)
        elif isinstance(kind, ListOf):
            for step, item in _items(value, at):
                self._visit(kind.item, item, step)
        elif isinstance(kind, MapOf) and self._is_object(value, at):
            for name, item in value.items():
                self._string(name, at)
                self._visit(kind.item, item, f"{at}/{escape(name)}")

    def _options(self, options: Options, value: Any, at: str) -> None:
        if not self._is_object(value, at):
            return
        for name, item in value.items():
            if name in options.names:
                self._visit(options.names[name], item, f"{at}/{escape(name)}")
            else:
                self._not_listed(name, at)
        for name in options.required:
            if not value.get(name):
                self.refuse("unnamed_fields", f"without {name!r} it reads every field", at, f"name {name}")

    def _fields(self, fields: Fields, value: Any, at: str) -> None:
        if not self._is_object(value, at):
            return
        for name, item in value.items():
            step = f"{at}/{escape(name)}"
            if name in fields.beside:
                self._visit(fields.beside[name], item, step)
                continue
            self._field(name, step)
            if isinstance(item, dict) and fields.long:
                self._options(Options(fields.long), item, step)
            elif isinstance(item, dict) and fields.entry == tables.VALUES:
                self.refuse("foreign_read", "reads another index/document", step, "give the values as a list")
            else:
                self._visit(fields.entry, item, step)

    def _is_object(self, value: Any, at: str) -> bool:
        if isinstance(value, dict):
            return True
        self.refuse("not_allowed", f"{_brief(value)} is no object", at)
        return False

    # --- queries ------------------------------------------------------------------------

    def _query(self, value: Any, at: str) -> None:
        if not self._is_object(value, at):
            return
        for name, options in value.items():
            self._clauses += 1
            if self._clauses == self._limits.clauses + 1:
                self._over("the number of queries", self._clauses, self._limits.clauses, at)
            kind = self._query_kind(name)
            if kind is None:
                self._not_listed(name, at, "query")
                continue
            self._bool_depth += name == "bool"
            if name == "bool" and self._bool_depth == self._limits.bool_depth + 1:
                self._over("bool in bool", self._bool_depth, self._limits.bool_depth, at)
            self._visit(kind, options, f"{at}/{name}")
            self._bool_depth -= name == "bool"

    def _query_kind(self, name: str) -> Kind | None:
        if name == "query_string" and self._limits.query_string:
            return tables.QUERY_STRING
        return tables.QUERIES.get(name)

    def _filters(self, value: Any, at: str) -> None:
        self._visit(MapOf(tables.QUERY) if isinstance(value, dict) else tables.QUERIES_, value, at)

    def _queries(self, value: Any, at: str) -> None:
        for step, item in _items(value, at):
            self._query(item, step)

    def _interval(self, value: Any, at: str) -> None:
        self._options(Options({**tables.INTERVALS, "boost": tables.VALUE, "_name": tables.VALUE}), value, at)

    # --- aggregations -------------------------------------------------------------------

    def _level(self, value: Any, at: str, depth: int, buckets: int) -> None:
        if not self._is_object(value, at):
            return
        if depth == self._limits.aggregation_depth + 1:
            self._over("aggregation depth", depth, self._limits.aggregation_depth, at)
        for name, definition in value.items():
            step = f"{at}/{escape(name)}"
            self._string(name, step)
            self._aggregations += 1
            if self._aggregations == self._limits.aggregations + 1:
                self._over("the number of aggregations", self._aggregations, self._limits.aggregations, step)
            if self._is_object(definition, step):
                self._aggregation(definition, step, depth, buckets)

    def _aggregation(self, definition: dict[str, Any], at: str, depth: int, buckets: int) -> None:
        below = buckets
        for name, options in definition.items():
            step = f"{at}/{escape(name)}"
            if name in ("aggs", "aggregations"):
                continue
            if name == "meta":
                self._visit(MapOf(tables.VALUES), options, step)
            elif name in tables.AGGREGATIONS:
                self._visit(tables.AGGREGATIONS[name], options, step)
                below = buckets * self._own_buckets(name, options, step, buckets)
                if name == "top_hits":
                    self._top_hits(options, step)
            else:
                self._not_listed(name, at, "aggregation")
        for name in ("aggs", "aggregations"):
            if name in definition:
                self._level(definition[name], f"{at}/{name}", depth + 1, below)

    def _own_buckets(self, name: str, options: Any, at: str, above: int) -> int:
        own, problem = bucket_problem(name, options, self._ranges, self._limits, above)
        if problem:
            self.refuse("limit", problem, at, f"at most {self._limits.buckets:,}: fewer, or a coarser interval")
        return own

    def _top_hits(self, options: Any, at: str) -> None:
        if isinstance(options, dict):
            self._within("size", options.get("size", 3), self._limits.top_hits, f"{at}/size")
            self._whole_source(options, at)

    # --- names of fields ----------------------------------------------------------------

    def _field(self, value: Any, at: str) -> None:
        if not isinstance(value, str):
            self.refuse("not_allowed", f"{_brief(value)} is no field's name", at)
            return
        self._string(value, at)
        if value == "_index":
            self.refuse("foreign_read", "reads another index/document", at, tables.METADATA_HINT)
        elif value.startswith("_"):
            self.refuse("metadata", f"{value!r} is a metadata field", at, tables.METADATA_HINT)
        elif "*" in value:
            self.refuse("field_wildcard", f"{value!r} names fields by a wildcard", at, "name each field")
        elif not self._limits.allows(value):
            self.refuse("field_denied", f"the field {value!r} is not allowed", at, "ask without that field")

    def _names(self, value: Any, at: str) -> None:
        self._long_list(value, at)
        for step, item in _items(value, at):
            self._field(item.split("^", 1)[0] if isinstance(item, str) else item, step)

    def _source(self, value: Any, at: str) -> None:
        if value is True and self._limits.restricts_fields:
            self._whole_source({}, at)
        elif isinstance(value, dict):
            self._source_filter(value, at)
        elif not isinstance(value, bool):
            self._source_names(value, at)

    def _source_filter(self, value: dict[str, Any], at: str) -> None:
        for name, item in value.items():
            step = f"{at}/{escape(name)}"
            if name in ("includes", "include"):
                self._source_names(item, step)
            elif name in ("excludes", "exclude", "exclude_vectors"):
                self._values(item, step)
            else:
                self._not_listed(name, at)
        if not value.get("includes", value.get("include")):
            self._whole_source({}, at)

    def _source_names(self, value: Any, at: str) -> None:
        self._values(value, at)
        for step, item in _items(value, at):
            if not self._limits.restricts_fields or not isinstance(item, str):
                continue
            if "*" in item or not self._limits.allows_source(item):
                message = f"{item!r} in _source is, or may hold, a field that is not allowed"
                self.refuse("field_denied", message, step, "name the allowed fields one by one")

    def _document_fields(self, value: Any, at: str) -> None:
        self._long_list(value, at)
        for step, item in _items(value, at):
            if isinstance(item, dict):
                names = {"field": tables.FIELD, "format": tables.VALUE, "include_unmapped": tables.VALUE}
                self._options(Options(names), item, step)
            else:
                self._field(item, step)

    def _highlight(self, value: Any, at: str) -> None:
        entries = Options(tables.HIGHLIGHTS)
        fields = ListOf(Fields(tables.VALUE, entries.names))
        self._options(Options({**tables.HIGHLIGHTS, "fields": fields}), value, at)

    def _sort(self, value: Any, at: str) -> None:
        for step, item in _items(value, at):
            if isinstance(item, dict):
                for name, options in item.items():
                    self._sort_by(name, options, f"{step}/{escape(name)}")
            elif item not in ("_score", "_doc"):
                self._field(item, step)

    def _sort_by(self, name: str, options: Any, at: str) -> None:
        nested: dict[str, Kind] = {}  # holds itself: ``nested`` may stand in ``nested``
        nested |= {"path": tables.FIELD, "filter": tables.QUERY, "max_children": tables.VALUE, "nested": Options(nested)}
        if name == "_geo_distance":
            beside = {**tables.GEO_SORT, "nested": Options(nested)}
            self._fields(Fields(tables.POINT, beside=beside), options, at)
            return
        if name == "_script":
            self._not_listed(name, at.rsplit("/", 1)[0])
        elif name not in ("_score", "_doc"):
            self._field(name, at)
        if isinstance(options, dict):
            if name != "_script":
                self._options(Options({**tables.SORT_OPTIONS, "nested": Options(nested)}), options, at)
        else:
            self._value(options, at)

    # --- values -------------------------------------------------------------------------

    def _value(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            for name in value:
                if name in tables.REASONS:
                    self._not_listed(name, at)
                    return
        if not isinstance(value, _SCALARS):
            self.refuse("not_allowed", f"{_brief(value)} stands where one value is allowed", at)
        elif isinstance(value, str):
            self._string(value, at)

    def _values(self, value: Any, at: str) -> None:
        self._long_list(value, at)
        for step, item in _items(value, at):
            self._value(item, step)

    def _string(self, value: str, at: str) -> None:
        if len(value) > self._limits.string_length:
            self._over("text of length", len(value), self._limits.string_length, at)

    def _long_list(self, value: Any, at: str) -> None:
        if isinstance(value, list) and len(value) > self._limits.values:
            self._over("the number of values", len(value), self._limits.values, at)

    def _count(self, value: Any, at: str) -> None:
        if _whole(value) is None:
            self.refuse("limit", f"{_brief(value)} is no whole number", at, "write a whole number from 0 up")

    def _within(self, what: str, value: Any, limit: int, at: str) -> None:
        if (number := _whole(value)) is not None and number > limit:
            self._over(what, number, limit, at)

    def _point(self, value: Any, at: str) -> None:
        names = dict.fromkeys(("lat", "lon", "geohash", "type"), tables.VALUE) | {"coordinates": tables.VALUES}
        for step, item in _items(value, at):
            if isinstance(item, dict):
                self._options(Options(names), item, step)
            elif isinstance(item, list):
                self._values(item, step)
            else:
                self._value(item, step)

    def _shape(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            listed = dict.fromkeys(("coordinates", "geometries"), tables.SHAPE)
            self._options(Options({**dict.fromkeys(("type", "orientation", "radius"), tables.VALUE), **listed}), value, at)
        elif isinstance(value, list):
            self._long_list(value, at)
            for step, item in _items(value, at):
                self._shape(item, step)
        else:
            self._value(value, at)

    def _pattern(self, value: Any, at: str) -> None:
        self._value(value, at)
        if isinstance(value, str):
            self._wildcards(value, value[:1] in ("*", "?"), value.count("*") + value.count("?"), at)

    def _regexp(self, value: Any, at: str) -> None:
        self._value(value, at)
        if isinstance(value, str):
            open_ended = sum(value.count(sign) for sign in ("*", "+", "{"))
            self._wildcards(value, value[:2] in (".*", ".+", ".?", ".{") or value[:1] == "@", open_ended, at)

    def _wildcards(self, value: str, leading: bool, count: int, at: str) -> None:
        if leading:
            hint = "start with what the value starts with"
            self.refuse("limit", f"{_brief(value)} starts with a wildcard, which reads every term", at, hint)
        elif count > self._limits.wildcards:
            self._over("the number of wildcards", count, self._limits.wildcards, at)

    def _term_filter(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            self._options(Options(dict.fromkeys(("partition", "num_partitions"), tables.VALUE)), value, at)
        elif isinstance(value, str):
            self._regexp(value, at)
        else:
            self._values(value, at)

    def _paths(self, value: Any, at: str) -> None:
        self._visit(MapOf(tables.VALUE) if isinstance(value, dict) else tables.VALUES, value, at)

    def _order(self, value: Any, at: str) -> None:
        """By names of aggregations, ``_key`` or ``_count``: no field is read."""
        for step, item in _items(value, at):
            if isinstance(item, dict):
                for name, direction in item.items():
                    kind: Kind = Options({"order": tables.VALUE}) if isinstance(direction, dict) else tables.VALUE
                    self._visit(kind, direction, f"{step}/{escape(name)}")
            else:
                self._value(item, step)


def _items(value: Any, at: str) -> list[tuple[str, Any]]:
    """The items of a list with their pointers; anything else is its own one item."""
    return [(f"{at}/{index}", item) for index, item in enumerate(value)] if isinstance(value, list) else [(at, value)]


def _whole(value: Any) -> int | None:
    """A whole number from 0 up, also written as text, as engines read it."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _brief(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"
