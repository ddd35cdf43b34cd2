"""What is shown of hits, in which order and how many, from the canonical form of a body or of ``top_hits``.

hits({"sort": [{"price": {"order": "desc"}}], "size": 3, "_source": ["name"]}, names)
→ ", showing name", ", highest price first", ", the first 3"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dstill.api.protocols import Phrase
from dstill.linked.spoken import listed
from dstill_querydsl.language.query_forms import PLACES
from dstill_querydsl.language.readback.naming import Names, as_json, parameters, scalar
from dstill_querydsl.language.readback.query import MALFORMED, point

__all__ = ["KEYS", "first", "hits", "sorted_by"]

KEYS = ("_source", "fields", "sort", "size", "from", "collapse", "min_score")
_ENDS = {"number": ("lowest", "highest"), "date": ("earliest", "latest")}


def hits(body: Mapping[str, Any], names: Names, size: int) -> Iterator[Phrase]:
    """The phrases for a body whose default size is `size`."""
    for key, read in _READ.items():
        if key in body:
            try:
                text, named = read(body[key], names)
            except MALFORMED:
                text, named = f", {key} {as_json(body[key])}", ()
            yield Phrase(text=text, kind=_KINDS[key], items=tuple(dict.fromkeys(names.root(name) for name in named)))
    size = body.get("size", size)
    if "from" in body:
        yield Phrase(text=f", after the first {as_json(body['from'])}", kind="limit")
    if size != 0:
        yield Phrase(text=first(size, "next" if "from" in body else "first"), kind="limit")


def first(size: Any, word: str = "first") -> str:
    """``, the first 10``, ``, only the first``."""
    return f", only the {word}" if size == 1 else f", the {word} {as_json(size)}"


Read = tuple[str, tuple[str, ...]]  # the text, and the fields that it names


def _source(source: Any, names: Names) -> Read:
    if source is False:
        return ", without their fields", ()
    if isinstance(source, list):
        return f", showing {listed([_any_field(name, names) for name in source]) or 'nothing'}", tuple(source)
    listed_names = [name for value in source.values() for name in (value if isinstance(value, list) else [value])]
    return f", showing their fields{parameters(source)}", tuple(name for name in listed_names if isinstance(name, str))


def _fields(fields: Any, names: Names) -> Read:
    texts = [
        _any_field(field["field"], names) + (parameters(field, "field") or " ({})")
        if isinstance(field, dict)
        else _any_field(field, names)
        for field in fields
    ]
    return f", with the values of {listed(texts)}", tuple(f["field"] if isinstance(f, dict) else f for f in fields)


def _any_field(name: Any, names: Names) -> str:
    return names.field(name, words=True)


def _sort(sort: Any, names: Names) -> Read:
    keys = [(field, how) for key in sort for field, how in key.items()]
    named = [field for field, _ in keys if not field.startswith("_")]
    return f", {', then '.join(_key(field, how, names) for field, how in keys)}", tuple(named)


def _key(field: str, how: Mapping[str, Any], names: Names) -> str:
    descending = how.get("order") == "desc"
    rest = parameters(how, "order")
    if field == "_score":
        return f"{'best' if descending else 'worst'} matches first{rest}"
    if field == "_geo_distance":
        ((place, at),) = ((k, v) for k, v in how.items() if k not in {*PLACES["geo_distance"], "order", "mode"})
        rest = parameters(how, "order", place)
        return f"{'farthest from' if descending else 'nearest to'} {point(at)} by {names.field(place)} first{rest}"
    return sorted_by(names, field, descending) + rest


def sorted_by(names: Names, field: str, descending: bool) -> str:
    """``highest price first``, ``town from A to Z``."""
    spoken, family = names.field(field), names.family(field)
    if family in _ENDS:
        return f"{_ENDS[family][descending]} {spoken} first"
    letters = ("from A to Z", "from Z to A") if family in ("keyword", "text") else ("ascending", "descending")
    return f"{spoken} {letters[descending]}"


def _collapse(collapse: Any, names: Names) -> Read:
    field = collapse["field"]
    return f", only the first for each {names.field(field)}{parameters(collapse, 'field')}", (field,)


_READ: Mapping[str, Callable[[Any, Names], Read]] = {
    "_source": _source,
    "fields": _fields,
    "min_score": lambda score, _: (f", with a score of at least {scalar(score)}", ()),
    "sort": _sort,
    "collapse": _collapse,
}
_KINDS = {"_source": "shown", "fields": "shown", "min_score": "condition", "sort": "order", "collapse": "limit"}
