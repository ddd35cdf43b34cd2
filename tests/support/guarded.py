"""Bodies made from the guard's own tables, and every place in them where a query or an aggregation may be.

made = GeneratedBody(random.Random(7))
made.body        {"query": {"boosting": {"positive": {"term": {"f": 1}}, …}}, "aggs": …}
made.slots       [("query", {"positive": …}, "positive"), …]: kind, container, key
"""

from __future__ import annotations

import random
from typing import Any

from dstill_querydsl.language.guard import kinds as kinds
from dstill_querydsl.language.guard.aggregations import AGGREGATIONS
from dstill_querydsl.language.guard.kinds import Capped, Fields, Kind, ListOf, MapOf, Options
from dstill_querydsl.language.guard.queries import INTERVALS, QUERIES
from dstill_querydsl.language.guard.tables import BODY, HIGHLIGHTS

_PLAIN: dict[str, Any] = {
    kinds.VALUE: 1,
    kinds.VALUES: ["x", 2],
    kinds.COUNT: 3,
    kinds.DURATION: "1s",
    kinds.FIELD: "f",
    kinds.NAMES: ["f^2", "g"],
    kinds.SUFFIX: "",
    kinds.SOURCE: ["f"],
    kinds.DOCUMENT_FIELDS: ["f", {"field": "g", "format": "x"}],
    kinds.POINT: {"lat": 1, "lon": 2},
    kinds.SHAPE: {"type": "point", "coordinates": [1, 2]},
    kinds.PATTERN: "a*",
    kinds.PREFIX: "a",
    kinds.REGEXP: "a.*",
    kinds.FUZZY: "a",
    kinds.TERM_FILTER: ["a"],
    kinds.PATHS: "b",
    kinds.ORDER: {"_key": "asc"},
    kinds.REWRITE: "constant_score",
    kinds.TOTAL: True,
}
_DEEPEST = 6


class GeneratedBody:
    """One body and its slots."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.slots: list[tuple[str, Any, Any]] = []
        self.body: dict[str, Any] = self._options(Options(BODY), 0)

    def _value(self, kind: Kind, depth: int) -> Any:
        if isinstance(kind, Capped):
            return 1
        if isinstance(kind, Options):
            return self._options(kind, depth)
        if isinstance(kind, Fields):
            return {"f": self._options(Options(kind.long), depth) if kind.long else self._value(kind.entry, depth)}
        if isinstance(kind, ListOf):
            return [self._value(kind.item, depth)]
        if isinstance(kind, MapOf):
            return self._filled({}, {"x": kind.item}, depth)
        return self._word(kind, depth)

    def _word(self, kind: str, depth: int) -> Any:
        if kind in _PLAIN:
            return _PLAIN[kind]
        if kind == kinds.QUERY:
            return self._one(QUERIES, depth, plain="match_all")
        if kind == kinds.QUERIES_:
            found: list[Any] = [self._value(kinds.QUERY, depth)]
            self.slots.append(("query", found, 0))
            return found
        if kind == kinds.FILTERS:
            return self._filled({}, {"x": kinds.QUERY}, depth)
        if kind == kinds.AGGREGATIONS_:
            inner = self._one(AGGREGATIONS, depth, plain="global")
            if depth < 2:
                inner["aggs"] = self._value(kinds.AGGREGATIONS_, depth + 1)
            level = {"a": inner}
            self.slots.append(("aggregation", level, "a"))
            return level
        if kind == kinds.SORT:
            sort: list[Any] = [
                {"f": {"order": "asc", "nested": self._filled({"path": "p"}, {"filter": kinds.QUERY}, depth)}}
            ]
            self.slots.append(("sort", sort, 0))
            return sort
        if kind == kinds.HIGHLIGHT:
            return {"fields": {"f": self._options(Options(HIGHLIGHTS), depth)}}
        assert kind == kinds.INTERVAL, kind
        return self._one(INTERVALS, depth, plain="match")

    def _one(self, table: Any, depth: int, plain: str) -> dict[str, Any]:
        name = plain if depth >= _DEEPEST else self.rng.choice(sorted(table))
        if depth >= _DEEPEST and plain == "match":
            return {"match": {"query": "x"}}
        found: dict[str, Any] = {}
        return self._filled(found, {name: table[name]}, depth)

    def _options(self, options: Options, depth: int) -> dict[str, Any]:
        names = [name for name in options.names if name in options.required or self.rng.random() < 0.4]
        return self._filled({}, {name: options.names[name] for name in names}, depth)

    def _filled(self, found: dict[str, Any], names: dict[str, Kind], depth: int) -> dict[str, Any]:
        for name, kind in names.items():
            found[name] = self._value(kind, depth + 1)
            if kind == kinds.QUERY:
                self.slots.append(("query", found, name))
        return found
