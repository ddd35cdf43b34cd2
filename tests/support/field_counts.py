"""How many documents have a value of each field: by the documents themselves, and by an engine that indexed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.language.fields import Fields

AT_ONCE = 200  # fields counted by one search


def counts_in_documents(index: Index) -> dict[str, int]:
    """Field → the number of documents with a value of it, sub-fields included."""
    counts: Counter[str] = Counter()
    for _, source in index.documents():
        counts.update({path for path, value in leaves(source) if value is not None})
    fields = [one for one in Fields.of(index.mapping) if one.family not in ("object", "nested")]
    return {one.name: counts[one.name.rpartition(".")[0] if one.sub else one.name] for one in fields}


def counts_in_engine(engine: HttpEngine, name: str, index: Index) -> dict[str, int]:
    """The same, by an `exists` query for each field, many in one search."""
    queries: dict[str, Any] = {}
    for one in Fields.of(index.mapping):
        if one.family in ("object", "nested"):
            continue
        queries[one.name] = {"exists": {"field": one.name}}
        for path in reversed(one.nested):
            queries[one.name] = {"nested": {"path": path, "query": queries[one.name]}}
    found, fields = {}, list(queries)
    for begin in range(0, len(fields), AT_ONCE):
        some = {field: queries[field] for field in fields[begin : begin + AT_ONCE]}
        outcome = engine.search(name, {"size": 0, "aggs": {"fields": {"filters": {"filters": some}}}})
        buckets = outcome.raw["aggregations"]["fields"]["buckets"]
        found.update({field: buckets[field]["doc_count"] for field in some})
    return found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The full name and value of every field of a document; of a list, those of its items. A point is one value."""
    if isinstance(value, Mapping) and set(value) != {"lat", "lon"}:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value
