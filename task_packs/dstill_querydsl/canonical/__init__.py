"""One spelling for equal bodies.

    canonical_text('{"query": {"term": {"user": {"value": "uma"}}}, "size": 0, "from": 0}')
    '{"query":{"bool":{"filter":[{"term":{"user":{"value":"uma"}}}]}},"size":0}'

Long forms of leaves; bool clauses as sorted lists, nested ones flattened; `must` as
`filter` where no score is looked at, and terms for alternatives on one field; defaults
dropped; places, distances and intervals in one spelling; several ranges on one field
merged; aggregations named by their place in sorted order, filters and ranges by none.

Canonically equal bodies give equal results, scores aside where nothing is sorted by them.
Not covered: spellings that need the mapping ("503" for 503, 1.0 for 1), date math that comes to
the same time, and merged ranges on a field that holds several values (each may have met one).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Mapping

from dstill_querydsl.canonical.aggs import aggregations, reads_score, uses_scores
from dstill_querydsl.canonical.query import Json, query, without_constant
from dstill_querydsl.canonical.values import equal, plain
from dstill_querydsl.language import strict
from dstill_querydsl.results.refusal import is_refusal

__all__ = ["canonical", "canonical_text"]

_DEFAULTS: Mapping[str, Any] = {
    "size": 10,
    "from": 0,
    "_source": True,
    "track_total_hits": 10_000,
    "track_scores": False,
}

_LEVELS = {"min_score", "rescore"}  # under these the height of a score counts, not only the order


@lru_cache(maxsize=4_096)
def canonical_text(text: str) -> str:
    """`canonical` on an answer; what `strict` does not read comes back stripped. Never raises."""
    value = strict.read(text).value
    return text.strip() if value is None else json.dumps(canonical(value), separators=(",", ":"), sort_keys=True)


def canonical(value: Any) -> Any:
    """The canonical form of a parsed body or refusal; anything else comes back as it is."""
    if not isinstance(value, dict):
        return value
    if is_refusal(value):
        missing = value["refusal"].get("missing") or []
        if not isinstance(missing, list):  # a shape that no check lets pass
            return value
        # the words of a reason are free
        return {"refusal": {"missing": sorted(str(name).lower() for name in missing)}}
    try:
        return _body({key: item if isinstance(item, (dict, list)) else plain(item) for key, item in value.items()})
    except (AttributeError, TypeError, KeyError, IndexError, ValueError):  # a shape that no check would let pass
        return value


def _body(body: dict[str, Any]) -> dict[str, Any]:
    given = [body.pop(key) for key in tuple(body) if key in ("aggs", "aggregations")]
    groups = given[-1] if given else {}  # of two the engine takes the later one
    sort = _sort(body.pop("sort", []))
    scored = _scored(body, sort, groups)
    asked = query(body.pop("query", {"match_all": {}}), scored=scored)
    if not _LEVELS & set(body):
        asked = without_constant(asked)
    after = query(body.pop("post_filter", {"match_all": {}}), scored=False)
    result: dict[str, Any] = {k: v for k, v in body.items() if k not in _DEFAULTS or not equal(v, _DEFAULTS[k])}
    if "_source" in result:
        result["_source"] = _source(result["_source"])
    for key, part in (("query", asked), ("post_filter", after)):
        if part != {"match_all": {}}:
            result[key] = part
    if sort:
        result["sort"] = sort
    if groups:
        result["aggs"] = aggregations(groups)
    return result


def _scored(body: Mapping[str, Any], sort: list[Any], groups: Mapping[str, Any]) -> bool:
    """Whether scores can show in the result."""
    if (_LEVELS | {"collapse", "terminate_after"}) & set(body) or body.get("track_scores"):
        return True
    by_score = not sort or reads_score(sort)
    return (body.get("size") != 0 and by_score) or uses_scores(groups)


def _sort(sort: Any) -> list[Json]:
    keys = sort if isinstance(sort, list) else [sort]
    each = [{field: how} for key in keys for field, how in (key.items() if isinstance(key, dict) else ((key, {}),))]
    return [_sort_key(key) for key in each]


def _sort_key(key: Json) -> Json:
    ((field, how),) = key.items()
    options = {"order": how} if isinstance(how, str) else dict(how)
    if options.get("missing") == "_last":
        del options["missing"]
    options["order"] = str(options.get("order", "desc" if field == "_score" else "asc")).lower()
    return {field: options}


def _source(source: Any) -> Any:
    if isinstance(source, str):
        return [source]
    if isinstance(source, dict) and set(source) <= {"includes"}:
        source = source.get("includes", [])
    return sorted(source) if isinstance(source, list) else source
