"""Checks that a search body is safe to send: layer ``guard``, an allow-list over the parsed tree.

In: any JSON object, and `Limits`. Out: problems; none means that every key at every depth is on the allow-list
(`guard.tables`, `guard.queries`, `guard.aggregations`) and every number is within the limits:

    check({"query": {"script_score": {…}}})
    -> (Problem(code="script", message="refused: scripts are not allowed", pointer="/query/script_score"),)

A pure function, the same for teacher, student, evaluation and serving. It sees field names only:
`guard.mapping.limits_on` also denies the aliases, copies and sub-fields that expose the values of a denied field.
Without a mapping, these pass. Use the guard together with a read-only key and the engine's own limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dstill.api.records import Problem, Severity
from dstill_querydsl.language.guard import kinds as kinds
from dstill_querydsl.language.guard.aggregations import AGGREGATIONS
from dstill_querydsl.language.guard.cost import UnknownRange, excesses
from dstill_querydsl.language.guard.cost import unknown_ranges as _unknown_ranges
from dstill_querydsl.language.guard.kinds import Kind, MapOf, Options
from dstill_querydsl.language.guard.limits import MAX_BUCKETS, MAX_DEPTH, Limits
from dstill_querydsl.language.guard.queries import INTERVALS, QUERIES, QUERY_STRING
from dstill_querydsl.language.guard.ranges import Bounds, Ranges
from dstill_querydsl.language.guard.reads import Reads
from dstill_querydsl.language.guard.tables import BODY
from dstill_querydsl.language.guard.values import FUZZY_TEXTS
from dstill_querydsl.language.guard.walk import items, whole
from dstill_querydsl.language.strict import escape

__all__ = ["MAX_PROBLEMS", "Limits", "ValueGuard", "check", "notes", "unknown_ranges"]

MAX_PROBLEMS = 20
_DEFAULT = Limits()


def check(
    body: dict[str, Any],
    limits: Limits = _DEFAULT,
    values: Bounds | None = None,
    dialect: str = "",
    live: Bounds | None = None,
) -> tuple[Problem, ...]:
    """Everything in `body` that is not on the allow-list or exceeds a limit, at most `MAX_PROBLEMS` problems.

    `values`: the lowest and highest value of fields where known (`guard.ranges.values_of`). `dialect`: of the engine
    that the body is for; without one, no engine is assumed to stop a histogram that fills too many gaps. `live`:
    values that the engine named just now.
    """
    if _depth(body) > MAX_DEPTH:  # strict JSON is never that deep, but bodies can come from elsewhere
        message = f"refused: the body is nested deeper than {MAX_DEPTH} levels"
        return (Problem(layer="guard", code="limit", message=message, hint="write a flatter body"),)
    walk = _Body(limits)
    walk.body(body, Ranges.of(body, values, dialect, live))
    return tuple(walk.problems[:MAX_PROBLEMS])


def unknown_ranges(
    body: dict[str, Any], limits: Limits = _DEFAULT, values: Bounds | None = None
) -> tuple[UnknownRange, ...]:
    """The histograms of a body whose number of buckets depends on the documents. `check` allows the depth of `body`."""
    return tuple(_unknown_ranges(body, Ranges.of(body, values), limits)) if _depth(body) <= MAX_DEPTH else ()


class ValueGuard:
    """Checks values apart from their body: what it refuses, `check` refuses in every body."""

    def __init__(self, limits: Limits = _DEFAULT) -> None:
        self._walk = _Body(limits)

    def refuses(self, kind: Kind, value: Any) -> bool:
        """Whether `value` is refused at places of this kind."""
        self._walk.restart()
        self._walk.visit(kind, value, "")
        return bool(self._walk.problems)


def notes(
    body: dict[str, Any], limits: Limits = _DEFAULT, values: Bounds | None = None, dialect: str = ""
) -> tuple[Problem, ...]:
    """Warnings: ``size`` and ``from`` written as strings, and histograms that the engine may have to stop."""
    return (*_coerced(body), *_stopped(body, limits, values, dialect))


def _coerced(body: dict[str, Any]) -> Iterator[Problem]:
    for name in ("size", "from"):
        if isinstance(body.get(name), str) and whole(body[name]) is not None:
            yield Problem(
                layer="guard",
                code="coerced",
                message=f"{name} {body[name]!r} is a string, which engines read as the number {int(body[name])}",
                pointer=f"/{name}",
                hint="write a number",
                suggestion=str(int(body[name])),
                severity=Severity.WARNING,
            )


def _stopped(body: dict[str, Any], limits: Limits, values: Bounds | None, dialect: str) -> Iterator[Problem]:
    if not Ranges.of(body, values, dialect).gaps_stop:  # `check` refuses them
        return
    for unknown in (gap for gap in unknown_ranges(body, limits, values) if not gap.assumed):
        message = f"the range of {unknown.field!r} is unknown: the engine refuses more than {MAX_BUCKETS:,} buckets"
        yield Problem(
            layer="guard",
            code="unknown_range",
            message=message,
            pointer=unknown.at,
            hint="set min_doc_count to 1, or add hard_bounds",
            severity=Severity.WARNING,
        )


def _depth(body: Any) -> int:
    """How deep objects and lists are nested, up to `MAX_DEPTH` + 1. Not recursive, so no body overflows the stack."""
    level, depth = [body], 0
    while level and depth <= MAX_DEPTH:
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        depth += 1
    return depth


class _Body(Reads):
    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._clauses = 0
        self._aggregations = 0
        self._bool_depth = 0
        self._kinds: dict[str, Callable[[Any, str], None]] = {
            kinds.VALUE: self.value,
            kinds.VALUES: self.values,
            kinds.COUNT: self.count,
            kinds.DURATION: self.duration,
            kinds.FIELD: self.field,
            kinds.NAMES: self.names,
            kinds.QUERY: self._query,
            kinds.QUERIES_: self._queries,
            kinds.FILTERS: self._filters,
            kinds.AGGREGATIONS_: lambda value, at: self._level(value, at, 1),
            kinds.SORT: self.sort,
            kinds.SUFFIX: self.suffix,
            kinds.TOTAL: self.total,
            kinds.REWRITE: self.rewrite,
            kinds.QUERY_TEXT: self.query_text,
            kinds.SOURCE: self.source,
            kinds.DOCUMENT_FIELDS: self.document_fields,
            kinds.HIGHLIGHT: self.highlight,
            kinds.POINT: self.point,
            kinds.SHAPE: self.shape,
            kinds.PATTERN: self.pattern,
            kinds.PREFIX: self.prefix,
            kinds.REGEXP: self.regexp,
            kinds.FUZZY: self.fuzzy,
            kinds.TERM_FILTER: self.term_filter,
            kinds.PATHS: self.paths,
            kinds.ORDER: self.order,
            kinds.INTERVAL: self._interval,
        }

    def restart(self) -> None:
        """Forget everything that was visited."""
        self.problems.clear()
        self._automata = self._clauses = self._aggregations = self._bool_depth = 0

    def by_kind(self, kind: str, value: Any, at: str) -> None:
        self._kinds[kind](value, at)

    # --- the body -----------------------------------------------------------------------

    def body(self, body: dict[str, Any], ranges: Ranges) -> None:
        self.options(Options(BODY), body, "")
        for message, at, hint in excesses(body, ranges, self.limits):
            self.refuse("limit", message, at, hint)
        size, start = body.get("size", 10), body.get("from", 0)
        self.within("size", size, self.limits.size, "/size")
        window = (whole(size) or 0) + (whole(start) or 0)
        if "from" in body and window > self.limits.window:
            self.exceeds("from + size", window, self.limits.window, "/from")
        if whole(size) != 0:
            self.whole_source(body, "")

    # --- queries ------------------------------------------------------------------------

    def _query(self, value: Any, at: str) -> None:
        if not self.is_object(value, at):
            return
        for name, options in value.items():
            self._clauses += 1
            if self._clauses == self.limits.clauses + 1:
                self.exceeds("the number of queries", self._clauses, self.limits.clauses, at)
            kind = self._query_kind(name)
            if kind is None:
                self.not_allowed(name, at, "query")
                continue
            self._bool_depth += name == "bool"
            if name == "bool" and self._bool_depth == self.limits.bool_depth + 1:
                self.exceeds("the nesting of bool", self._bool_depth, self.limits.bool_depth, at)
            self.visit(kind, options, f"{at}/{name}")
            if name in FUZZY_TEXTS:
                self.fuzzy_text(name, options, f"{at}/{name}")
            self._bool_depth -= name == "bool"

    def _query_kind(self, name: str) -> Kind | None:
        if name == "query_string" and self.limits.query_string:
            return QUERY_STRING
        return QUERIES.get(name)

    def _filters(self, value: Any, at: str) -> None:
        self.visit(MapOf(kinds.QUERY) if isinstance(value, dict) else kinds.QUERIES_, value, at)

    def _queries(self, value: Any, at: str) -> None:
        for step, item in items(value, at):
            self._query(item, step)

    def _interval(self, value: Any, at: str) -> None:
        self.options(Options({**INTERVALS, "boost": kinds.VALUE, "_name": kinds.VALUE}), value, at)

    # --- aggregations -------------------------------------------------------------------

    def _level(self, value: Any, at: str, depth: int) -> None:
        if not self.is_object(value, at):
            return
        if depth == self.limits.aggregation_depth + 1:
            self.exceeds("the nesting of aggregations", depth, self.limits.aggregation_depth, at)
        for name, definition in value.items():
            step = f"{at}/{escape(name)}"
            self.string(name, step)
            self._aggregations += 1
            if self._aggregations == self.limits.aggregations + 1:
                self.exceeds("the number of aggregations", self._aggregations, self.limits.aggregations, step)
            if self.is_object(definition, step):
                self._aggregation(definition, step, depth)

    def _aggregation(self, definition: dict[str, Any], at: str, depth: int) -> None:
        for name, options in definition.items():
            step = f"{at}/{escape(name)}"
            if name in ("aggs", "aggregations"):
                self._level(options, step, depth + 1)
            elif name == "meta":
                self.visit(MapOf(kinds.VALUES), options, step)
            elif name in AGGREGATIONS:
                self.visit(AGGREGATIONS[name], options, step)
                if name == "top_hits":
                    self._top_hits(options, step)
            else:
                self.not_allowed(name, at, "aggregation")

    def _top_hits(self, options: Any, at: str) -> None:
        if isinstance(options, dict):
            size, start = options.get("size", 3), options.get("from", 0)
            self.within("size", size, self.limits.top_hits, f"{at}/size")
            if "from" in options:
                self.within("from + size", (whole(size) or 0) + (whole(start) or 0), self.limits.window, f"{at}/from")
            self.whole_source(options, at)
