"""Whether a result shows what a question asks for, in any form: the second verdict on questions that people wrote.

    rows_shown(got, want, row)    # SQL: the gold's rows are there; more columns, another order and repeats are fine
    body_shows(got, want, row)    # Query DSL: `row["rows"]` can be read off hits, buckets, metrics or the total

`got` and `want` are the results of an answer and of the gold. `row` is the question's row in the file: its
``projection`` names what is asked for, in the order of the columns of ``rows``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

from dstill_querydsl.engines.bodies import aggregations_of, counts_hits

__all__ = ["body_shows", "rows_shown"]

Row = tuple[Hashable, ...]
_METRIC = re.compile(r"(avg|sum|min|max|count_distinct)\((.+)\)")
_WAYS = 2_000  # of choosing columns


def rows_shown(got: Any, want: Any, row: Mapping[str, Any]) -> bool:
    """Whether some columns of a SQL result are the gold's, as a set of rows."""
    wanted = {tuple(map(_plain, line)) for line in want["rows"]}
    table = [tuple(map(_plain, line)) for line in got["rows"]]
    columns = range(len(got["columns"]))
    orders = permutations(columns, len(want["columns"]))
    return any(
        {tuple(line[at] for at in order) for line in table} == wanted
        for order, _ in zip(orders, range(_WAYS), strict=False)
    )


def body_shows(got: Any, want: Any, row: Mapping[str, Any]) -> bool:
    """Whether the rows that the question asks for can be read off a response."""
    wanted = [tuple(map(_plain, line)) for line in row["rows"]]
    is_sorted = " order by " in row["sql"].casefold()
    return any(_agree(table, wanted, is_sorted) for table in _tables(got, row["projection"]))


def _agree(table: Sequence[Row], wanted: Sequence[Row], is_sorted: bool) -> bool:
    if is_sorted:
        return list(table) == list(wanted)
    return Counter(table) == Counter(wanted) or (
        len(wanted) > len(set(wanted)) and Counter(table) == Counter(set(wanted))
    )


def _tables(value: Mapping[str, Any], projection: Sequence[str]) -> Iterator[list[Row]]:
    """Each way to read the columns of `projection` off a response."""
    if projection == ["count"] and value["total"] is not None:
        yield [(_plain(value["total"]["value"]),)]
    if counts_hits(value["body"]):
        yield from _of_hits(value["hits"], projection)
    for names in _lines(aggregations_of(value["body"]), value["aggregations"] or {}):
        yield from _of_lines(names, projection)


def _of_hits(hits: Sequence[Mapping[str, Any]], projection: Sequence[str]) -> Iterator[list[Row]]:
    if projection == ["*"]:
        yield [tuple(map(_plain, (hit.get("source") or {}).values())) for hit in hits]
    elif projection == ["count"]:
        yield [(_plain(len(hits)),)]
    else:
        fields = [_METRIC.sub(r"\2", name) for name in projection]
        yield [tuple(_plain((hit.get("source") or {}).get(field)) for field in fields) for hit in hits]


Line = dict[str, Any]  # what a bucket shows, by the names of `projection`


def _lines(request: Mapping[str, Any], reply: Mapping[str, Any]) -> Iterator[list[Line]]:
    """The lines of each chain of aggregations; metrics beside each other are on one line."""
    metrics: Line = {}
    for name, aggregation in request.items():
        kind = next((key for key in aggregation if key not in ("aggs", "aggregations", "meta")), "")
        found = reply.get(name)
        if not isinstance(found, Mapping) or not isinstance(aggregation.get(kind), Mapping):
            continue
        field = str(aggregation[kind].get("field", "")).removesuffix(".keyword")
        inner = aggregations_of(aggregation)
        if "buckets" in found:
            buckets = found["buckets"]
            listed = buckets.items() if isinstance(buckets, Mapping) else [(None, bucket) for bucket in buckets]
            lines: list[Line] = []
            for key, bucket in listed:
                value = bucket.get("key_as_string", bucket.get("key", key)) if kind == "terms" else bucket.get("key")
                own = {field: bucket.get("key", key), f"{field} text": value, "count": bucket.get("doc_count")}
                below = list(_lines(inner, bucket))
                lines += [own | line for line in (below[0] if below else [{}])]
            yield lines
        elif "doc_count" in found:  # filter, missing, nested
            below = list(_lines(inner, found))
            yield from below or [[{"count": found["doc_count"]}]]
        elif kind in ("stats", "extended_stats"):
            metrics |= {f"{part}({field})": found.get(part) for part in ("avg", "sum", "min", "max")}
        elif kind == "top_hits":
            hits = found["hits"]["hits"]
            metrics |= dict((hits[0].get("_source") or {}) if hits else {})
        elif "value" in found:
            titles = {"cardinality": "count_distinct", "value_count": "count"}
            metrics[f"{titles.get(kind, kind)}({field})" if kind != "value_count" else "count"] = found["value"]
    if metrics:
        yield [metrics]


def _of_lines(lines: Sequence[Line], projection: Sequence[str]) -> Iterator[list[Row]]:
    names: Iterable[str] = projection
    yield [tuple(_plain(line.get(name)) for name in names) for line in lines]
    if len(projection) == 1 and projection[0].startswith("count_distinct("):
        yield [(_plain(len(lines)),)]  # as many buckets as different values
    # the largest value is asked for, and the groups or hits have it as a key
    fields = [_METRIC.sub(r"\2", name) for name in projection]
    if fields != list(names):
        yield [tuple(_plain(line.get(name)) for name in fields) for line in lines]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else tuple(map(_plain, value))
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 6)
    if isinstance(value, str):
        return value.strip()
    return value
