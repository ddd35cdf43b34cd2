"""Whether a person would take a response for the answer to the question, though it is not the reference's.

    accepts(got, want, "What is the name of the dearest product?")    # a hit, or the key of a bucket

`compare.same` says when results are equal. Beyond that, a response is accepted if what the reference shows can be read
off it: hits, keys, counts and metrics of buckets, parts of ``stats``, the total. It may show more. Of the reference

- hits show the fields that the question names, mostly without those of its conditions and of the sort;
- buckets show their keys, counts and metrics;
- a total may also be the number of buckets or of different values, and that of different values that of buckets.

Rows that repeat do not count. Their order does where the reference sorts. A response that selects fields, but not all
that the question names, shows something else than was asked for, even if its hits are the reference's.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.linked.names import is_asked, mentions, stems
from dstill_querydsl.engines.bodies import SIZE, aggregations_of, asks_fields, asks_page, counts_hits, sort_of
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.results.compare import same

__all__ = ["accepts"]

Value = Mapping[str, Any]
Row = tuple[Hashable, ...]
Line = dict[str, Any]  # what a bucket shows: {"city": "Oslo", "count": 3, "avg(size)": 7.5}
_COUNT, _DIFFERENT = "count", "count_distinct"
_TITLES = {"cardinality": _DIFFERENT, "value_count": _COUNT}
_PARTS = ("avg", "sum", "min", "max")


def accepts(got: Value, want: Value, question: str) -> bool | None:
    """Whether `got` answers the question as well as `want` does, the value of the gold.

    None: it does not, and `terms` without a size has left out buckets.
    """
    named = _named(want, question)
    if counts_hits(want["body"]) and _lacks(got, named):
        return False
    if same(got, want) or _shows(got, want, named):
        return True
    return None if _is_cut(got) else False


def _shows(got: Value, want: Value, named: Sequence[str]) -> bool:
    """Whether what the gold shows can be read off a response."""
    groups = aggregations_of(want["body"])
    if counts_hits(want["body"]):
        return not groups and any(_reads(got, asked) for asked in _asked_hits(want, named))
    if groups:
        return all(_reads(got, asked) for asked in _asked_groups(groups, want["aggregations"] or {}))
    return want["total"] is not None and _reads(got, _Asked(columns=[_COUNT], rows=[(want["total"]["value"],)]))


def _is_cut(got: Value) -> bool:
    groups, replies = aggregations_of(got["body"]), got["aggregations"] or {}
    by_default = [name for name, group in groups.items() if not {"size", "order"} & set(group.get("terms") or ["size"])]
    return any((replies.get(name) or {}).get("sum_other_doc_count") for name in by_default)


# --- what the reference shows -------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The rows that the reference shows, and what their columns are."""

    columns: Sequence[str]
    rows: Sequence[Row]
    ordered: bool = False
    ties: Sequence[Hashable] = ()  # rows with equal ones may change places
    total: int | None = None  # of the matching documents, which the answer has to find, too
    more: bool = False  # there are further rows that are not shown


def _asked_groups(groups: Mapping[str, Any], replies: Mapping[str, Any]) -> Iterator[_Asked]:
    """The lines of each chain of aggregations."""
    for lines in _lines(groups, replies):
        columns = [name for name in (lines or [{}])[0] if not name.endswith(_TEXT)]
        yield _Asked(columns=columns, rows=_rows(lines, columns), ordered=any(map(_is_ordered, groups.values())))


def _asked_hits(want: Value, named: Sequence[str]) -> Iterator[_Asked]:
    body = want["body"]
    sorts = [use.name.removesuffix(".keyword") for use in uses(body) if use.kind == "sort"]
    if not named:
        return
    page, matched = asks_page(body), (want["matched"] or {}).get("count")
    yield _Asked(
        columns=named,
        rows=_rows([hit.get("source") or {} for hit in want["hits"]], named),
        ordered=sort_of(body) is not None,
        ties=[str(hit.get("sort")) for hit in want["hits"]],
        total=None if page else matched,
        more=not page and matched != len(want["hits"]),
    )
    if named == sorts[:1] and len(want["hits"]) == 1 and page:
        row = _rows([want["hits"][0].get("source") or {}], named)
        yield from (_Asked(columns=[f"{part}({named[0]})"], rows=row) for part in ("min", "max"))


def _named(want: Value, question: str) -> list[str]:
    """The fields of the gold's hits that the question asks for.

    One of a condition or the sort is asked for if the question begins with it; one of the sort, also if it is named
    twice. Of "product name", it is not ``product`` that is named. A condition of yes or no is an adjective: "list the
    landlocked countries".
    """
    used = {use.name.removesuffix(".keyword"): use.kind for use in uses(want["body"])}
    sources = [hit.get("source") or {} for hit in want["hits"]]
    fields = dict.fromkeys(name for source in sources for name in source)
    times = {name: number for name in fields if (number := len(mentions(name, question)))}
    words = {name: f" {' '.join(stems(name))} " for name in times}
    whole = [name for name, own in words.items() if not any(own in other != own for other in words.values())]
    twice = {name for name in whole if used.get(name) == "sort" and times[name] > 1}
    yes_no = {name for source in sources for name, value in source.items() if isinstance(value, bool)}
    asked = {name for name in whole if name not in yes_no and is_asked(name, question)}
    return [name for name in whole if name not in used or name in twice or name in asked]


def _lacks(got: Value, named: Sequence[str]) -> bool:
    """Whether a response shows selected fields of hits, and not all that are named."""
    body, hits = got["body"], got["hits"]
    if not hits or not counts_hits(body) or not (asks_fields(body) or body.get("_source") is False):
        return False
    shown = {name.partition(".")[0] for hit in hits for part in ("source", "fields") for name in hit.get(part) or {}}
    return not shown.issuperset(named)


def _is_ordered(group: Mapping[str, Any]) -> bool:
    """Whether the order of buckets is asked for: it is set, or there are but a few."""
    options = group.get("terms")
    size = options.get("size") if isinstance(options, Mapping) else None
    few = isinstance(size, int) and size < SIZE
    return few or "order" in (options or ()) or any("bucket_sort" in inner for inner in aggregations_of(group).values())


# --- what an answer shows -----------------------------------------------------------------


def _reads(got: Value, asked: _Asked) -> bool:
    """Whether the rows can be read off a response."""
    if asked.total is not None and (got["total"] or {}).get("value") != asked.total:
        return False
    return any(_agree(table, asked) for table in _tables(got, asked.columns))


def _agree(table: Sequence[Row], asked: _Asked) -> bool:
    theirs, ours = list(dict.fromkeys(table)), list(dict.fromkeys(asked.rows))
    if asked.more:
        theirs = theirs[: len(ours)] if asked.ordered else [row for row in theirs if row in set(ours)]
    if not asked.ordered or Counter(theirs) != Counter(ours):
        return Counter(theirs) == Counter(ours)
    tie = dict(zip(reversed(asked.rows), reversed(asked.ties or list(range(len(asked.rows)))), strict=True))
    return [tie[row] for row in theirs] == [tie[row] for row in ours]


def _tables(got: Value, columns: Sequence[str]) -> Iterator[list[Row]]:
    """Each way to read columns off a response."""
    groups = aggregations_of(got["body"])
    if columns == [_COUNT] and not groups and got["total"] is not None:
        yield [(got["total"]["value"],)]
    if counts_hits(got["body"]):
        fields = [name.partition("(")[2].removesuffix(")") or name for name in columns]
        if _COUNT not in columns and (fields == list(columns) or len(got["hits"]) == 1):
            yield _rows([hit.get("source") or {} for hit in got["hits"]], fields)
    for lines in _lines(groups, got["aggregations"] or {}):
        yield _rows(lines, columns)
        yield _rows(lines, [f"{name}{_TEXT}" if f"{name}{_TEXT}" in (lines or [{}])[0] else name for name in columns])
        if len(columns) == 1 and columns[0].startswith((_COUNT, _DIFFERENT)):
            yield from _counted(lines, columns[0])


def _counted(lines: Sequence[Line], column: str) -> Iterator[list[Row]]:
    """The number of buckets, and of different values."""
    field = column.partition("(")[2].removesuffix(")")
    if lines and all(field in line or (not field and len(line) > 1) for line in lines):
        yield [(len(lines),)]
    if column == _COUNT and len(lines) == 1:
        for name, value in lines[0].items():
            if name.startswith(_DIFFERENT):
                yield [(value,)]


_TEXT = " as text"


def _lines(request: Mapping[str, Any], reply: Mapping[str, Any]) -> Iterator[list[Line]]:
    """The lines of each chain of aggregations; metrics beside each other are on one line."""
    metrics = _metrics(request, reply)
    for name, aggregation in request.items():
        kind, result, inner = _kind(aggregation), reply.get(name), aggregations_of(aggregation)
        if not isinstance(result, Mapping):
            continue
        if "buckets" in result:
            raw = result["buckets"]
            buckets = list(raw.items()) if isinstance(raw, Mapping) else [(b.get("key"), b) for b in raw]
            own = [_own(_field(aggregation[kind]), key, bucket) for key, bucket in buckets]
            below = [list(_lines(inner, bucket)) for _, bucket in buckets]
            for chain in range(max(1, *map(len, below), 0)):
                chains: list[list[Line]] = [lines[chain] if chain < len(lines) else [{}] for lines in below]
                yield [line | inside for line, there in zip(own, chains, strict=True) for inside in there]
        elif "doc_count" in result:  # filter, missing, nested
            yield from list(_lines(inner, result)) or [[{_COUNT: result["doc_count"]}]]
    if metrics:
        yield [metrics]


def _own(field: str, key: Any, bucket: Mapping[str, Any]) -> Line:
    """The line of a bucket without the aggregations in it."""
    text = {f"{field}{_TEXT}": bucket["key_as_string"]} if "key_as_string" in bucket else {}
    return {field: key, **text, _COUNT: bucket.get("doc_count")}


def _metrics(request: Mapping[str, Any], reply: Mapping[str, Any]) -> Line:
    """Metrics beside each other, by what they are."""
    metrics: Line = {}
    for name, aggregation in request.items():
        kind, result = _kind(aggregation), reply.get(name) or {}
        field = _field(aggregation.get(kind))
        if kind in ("stats", "extended_stats"):
            metrics |= {f"{part}({field})": result.get(part) for part in _PARTS}
        elif kind == "top_hits":
            hits = (result.get("hits") or {}).get("hits") or [{}]
            metrics |= hits[0].get("_source") or {}
        elif "value" in result:
            title = _TITLES.get(kind, kind)
            metrics[title if title == _COUNT else f"{title}({field})"] = result["value"]
    return metrics


def _kind(aggregation: Mapping[str, Any]) -> str:
    return next((key for key in aggregation if key not in ("aggs", "aggregations", "meta")), "")


def _field(options: Any) -> str:
    return str(options.get("field", "")).removesuffix(".keyword") if isinstance(options, Mapping) else ""


def _rows(lines: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[Row]:
    return [tuple(_plain(line.get(name)) for name in columns) for line in lines]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else tuple(map(_plain, value))
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(f"{value:.9g}")
    return value.strip() if isinstance(value, str) else value
