"""A search result as tables: one for the hits, and one for each aggregation with the numbers below its buckets.

    tables({"total": {"value": 367, "relation": "eq"}, "hits": [{"id": "w00017", "source": {…}}, …], …})
    → [Table(title="367 hits, the first 10", columns=("id", "host.name", …), rows=(("w00017", "web-03", …), …))]

The fields that the body names are the first columns. The last columns can be dropped on a narrow screen. With `whole`
the tables have every field, and cells as the engine gives them. Not covered: highlights, explanations, and what is
below an aggregation of hits or shapes, which ``--json`` shows.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from dstill.api.records import Table
from dstill.io.readable import Kind, exact, is_number, readable
from dstill_querydsl.engines.bodies import sort_of
from dstill_querydsl.language.mapping.drift import counted
from dstill_querydsl.language.results.titles import titled

__all__ = ["buckets", "hit_count", "key_of", "left_out", "number", "tables"]

ALIKE = 10  # hits whose fields become columns
FIELDS = 6  # columns with fields

Value = Mapping[str, Any]
Line = dict[str, Any]  # column → cell


class _Cell(NamedTuple):
    """A cell that was worked out, not stored."""

    value: Any
    kind: Kind = "figure"


def tables(value: Value, *, whole: bool = False) -> list[Table]:
    """The tables of `Outcome.value` of a search body. A table without columns is only a title."""
    result = [] if value["total"] is None and not value["hits"] else [_hits(value, whole)]
    total = value["total"] or {}
    exact = total.get("value") if total.get("relation") == "eq" else None
    body = value.get("body") or {}
    request = body.get("aggs") or body.get("aggregations")
    results = titled(value["aggregations"] or {}, request, exact)
    figures = [line for name, body in results.items() if _is_figure(body) for line in _figures(name, body)]
    if figures:
        texts = [{"figure": name, "value": cell} for name, cell in figures]
        result.append(_table("", texts, whole=whole))
    groups = {name: body for name, body in results.items() if not _is_figure(body)}
    for name, body in groups.items():
        lines = list(_lines(name, body))
        named = name if len(groups) > 1 or not lines else ""  # a single one has its name above its keys
        told = (named, "" if lines else "no buckets", left_out(body, inside=True))
        result.append(_table(", ".join(filter(None, told)), lines, whole=whole))
    return result


# --- hits -------------------------------------------------------------------------------


def _hits(value: Value, whole: bool) -> Table:
    total, hits = value["total"], value["hits"]
    title = "hits" if total is None else hit_count(total["value"], at_least=total["relation"] == "gte")
    if not hits:
        return Table(title=title, columns=(), rows=())
    fields, keys = _fields(value, whole), _sorted_by(value["body"])
    ranked = len({hit.get("score") for hit in hits}) > 1 and not any("sort" in hit for hit in hits)
    lines = [_hit(hit, fields, keys, ranked) for hit in hits]
    more = (total or {}).get("value", 0) > len(hits)
    title = f"{title}, the first {len(lines)}" if more else title
    return _table(title, lines, spare=max(0, len(fields) - 1), whole=whole)


def hit_count(count: int, *, at_least: bool) -> str:
    """``1 hit``, ``at least 10,000 hits``."""
    return f"{'at least ' if at_least else ''}{counted(count, 'hit')}"


def _hit(hit: Value, fields: Sequence[str], keys: Sequence[str], ranked: bool) -> Line:
    fields_of_hit = _fields_of(hit)
    sort = dict(zip(keys, hit.get("sort") or (), strict=False))
    line: Line = {"id": hit["id"], **{f"sort: {key}": cell for key, cell in sort.items() if key not in fields_of_hit}}
    if ranked:
        line["score"] = _Cell(hit.get("score"))
    return line | {name: _single(fields_of_hit.get(name)) for name in fields}


def _fields_of(hit: Value) -> dict[str, Any]:
    """The fields of a hit by full name: those that the body asks for, else those of the document."""
    fields = hit.get("fields")
    return dict(fields) if fields is not None else dict(_flat(hit.get("source") or {}))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, value


def _single(cell: Any) -> Any:
    return cell[0] if isinstance(cell, list) and len(cell) == 1 else cell


def _fields(value: Value, whole: bool) -> list[str]:
    """The columns: fields that the body names, then the others, in the order of the documents."""
    hits, named = value["hits"], set(_words(value["body"]))
    names = dict.fromkeys(name for hit in (hits if whole else hits[:ALIKE]) for name in _fields_of(hit))
    by_use = sorted(names, key=lambda name: not any(name == word or word.startswith(f"{name}.") for word in named))
    return by_use if whole else by_use[:FIELDS]


def _words(value: Any) -> Iterator[str]:
    """Every key and text of a body without boosts and orders. Fields are among them."""
    if isinstance(value, Mapping):
        yield from map(str, value)
        value = list(value.values())
    if isinstance(value, list):
        yield from itertools.chain.from_iterable(map(_words, value))
    elif isinstance(value, str):
        yield value.partition("^")[0].partition(":")[0]


def _sorted_by(body: Value) -> list[str]:
    keys = sort_of(body) or []
    return [next(iter(map(str, key)), "") if isinstance(key, Mapping) else str(key).partition(":")[0] for key in keys]


# --- aggregations -----------------------------------------------------------------------


def _is_figure(body: Value) -> bool:
    return "buckets" not in body and "doc_count" not in body


def _figures(name: str, body: Value) -> Iterator[tuple[str, Any]]:
    """``("mean", 1.5)``, or for an aggregation with several numbers, such as percentiles, ``("spread.95.0", 310)``."""
    if "value" in body:
        yield name, _Cell(body.get("value_as_string", body["value"]), "share" if "is_share" in body else "figure")
        return
    if "hits" in body:
        yield name, [hit.get("_id") for hit in body["hits"].get("hits", ())]
        return
    for key, cell in _flat(body):
        if not key.endswith("_as_string"):
            yield f"{name}.{key.removeprefix('values.')}", _Cell(dict(_flat(body)).get(f"{key}_as_string", cell))


def _lines(name: str, body: Value) -> Iterator[Line]:
    """A line for each innermost bucket: its keys, number of documents, and the numbers below."""
    for key, bucket in _buckets(name, body):
        inner = {k: v for k, v in bucket.items() if isinstance(v, Mapping) and k not in ("key", "bg_count")}
        line: Line = {**key, "documents": _Cell(bucket.get("doc_count"))}
        for below, node in inner.items():
            if _is_figure(node):
                line |= _beside(line, dict(_figures(below, node)), name)
        nested = [(below, node) for below, node in inner.items() if not _is_figure(node)]
        if not nested:
            yield line
        for below, node in nested:
            # each line repeats the buckets around it, so that it can be read, sorted and copied alone
            inside = list(_lines(below, node)) or [{}]
            yield from (_joined(line, one_line, below) for one_line in inside)


def _joined(line: Line, inside: Line, below: str) -> Line:
    titled = {(f"{below} documents" if title == "documents" else title): cell for title, cell in inside.items()}
    return line | _beside(line, titled, below)


def _beside(line: Line, more: Line, name: str) -> Line:
    """`more` with other titles where `line` has the same: aggregations at two levels may have one name."""
    return {(f"{name}.{title}" if title in line else title): cell for title, cell in more.items()}


def buckets(body: Value) -> list[Value] | None:
    """The buckets of an aggregation, each with its key. None if it has no buckets, such as a metric or `filter`."""
    raw = body.get("buckets")
    return [{"key": name, **bucket} for name, bucket in raw.items()] if isinstance(raw, Mapping) else raw


def key_of(bucket: Value) -> Any:
    """The key of a bucket, formatted if the engine formats it."""
    return bucket.get("key_as_string", bucket.get("key", ""))


def left_out(body: Value, *, inside: bool = False) -> str:
    """``57 documents in further groups``, if the engine returns the first groups only; else empty.

    `inside`: also of the aggregations below.
    """
    others = _others(body, inside)
    return f"{counted(others, 'document')} in further groups" if others else ""


def _others(body: Value, inside: bool) -> int:
    own = body.get("sum_other_doc_count")
    below = [node for bucket in buckets(body) or [body] for node in bucket.values()] if inside else ()
    return (own if isinstance(own, int) else 0) + sum(
        _others(node, True) for node in below if isinstance(node, Mapping)
    )


def number(body: Any) -> str:
    """An aggregation without buckets, as JSON: its number if it has no more than that."""
    value = body["value"] if isinstance(body, Mapping) and body.keys() == {"value"} else body
    return json.dumps(value, ensure_ascii=False)


def _buckets(name: str, body: Value) -> Iterable[tuple[Line, Value]]:
    groups = buckets(body)
    kind: Kind = next((one for one in get_args(Kind) if one == body.get("period")), "")
    return [({}, body)] if groups is None else [(_key(name, bucket, kind), bucket) for bucket in groups]


def _key(name: str, bucket: Value, kind: Kind) -> Line:
    key = key_of(bucket)
    if isinstance(key, Mapping):  # of a composite
        return {str(part): cell for part, cell in key.items()}
    return {name: " | ".join(map(str, key)) if isinstance(key, list) else _Cell(key, kind)}


# --- cells ------------------------------------------------------------------------------


def _table(title: str, lines: Sequence[Line], *, spare: int = 0, whole: bool) -> Table:
    names = list(dict.fromkeys(column for line in lines for column in line))
    columns = {name: [_typed(line.get(name)) for line in lines] for name in names}
    shown = [_shown([cell.value for cell in cells], cells, whole) for cells in columns.values()]
    return Table(
        title=title,
        columns=tuple(f"#{name}" if _is_numeric(cells) and not whole else name for name, cells in columns.items()),
        rows=tuple(zip(*shown, strict=True)),
        spare=spare,
    )


def _typed(cell: Any) -> _Cell:
    return cell if isinstance(cell, _Cell) else _Cell(cell, "")


def _is_numeric(cells: Sequence[_Cell]) -> bool:
    there = [cell.value for cell in cells if cell.value is not None]
    return bool(there) and all(map(is_number, there))


def _shown(values: Sequence[Any], cells: Sequence[_Cell], whole: bool) -> Sequence[str]:
    if whole:
        return [exact(value) for value in values]
    if len(kinds := {cell.kind for cell in cells if cell.value is not None}) > 1:
        return [text for cell in cells for text in readable([cell.value], cell.kind)]
    return readable(values, *kinds)
