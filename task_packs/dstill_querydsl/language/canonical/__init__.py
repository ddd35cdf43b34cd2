"""Gives bodies with the same meaning the same spelling.

    canonical_text('{"query": {"term": {"user": {"value": "uma"}}}, "size": 0, "from": 0}')
    '{"query":{"bool":{"filter":[{"term":{"user":{"value":"uma"}}}]}},"size":0}'

Leaf queries get their long form. Clauses of a bool become sorted lists, and nested bools are flattened. `must` becomes
`filter` where scores do not matter, and alternatives on one field become terms. Defaults are dropped. Points,
distances and intervals get one spelling. Several ranges on one field are merged. Aggregations are numbered in sorted
order; filters and ranges lose their names.

Bodies with the same canonical form give the same results, except for scores where nothing is sorted by them. Not
covered: spellings that depend on the mapping ("503" for 503, 1.0 for 1), date math with the same result, and merged
ranges on a field with several values (each range may match another value).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dstill_querydsl.language import strict
from dstill_querydsl.language.canonical.aggs import aggregations, reads_score, uses_scores
from dstill_querydsl.language.canonical.query import Json, query, without_constant
from dstill_querydsl.language.canonical.values import equal, plain
from dstill_querydsl.language.results.refusal import is_refusal

__all__ = ["canonical", "canonical_text", "scores_count"]

_DEFAULTS: Mapping[str, Any] = {
    "size": 10,
    "from": 0,
    "_source": True,
    "track_total_hits": 10_000,
    "track_scores": False,
}

_SCORE_VALUES = {"min_score", "rescore"}  # with these the values of scores matter, not only their order


@lru_cache(maxsize=4_096)
def canonical_text(text: str) -> str:
    """`canonical` for the text of an answer. Text that is not strict JSON is only stripped. Never raises."""
    value = strict.read(text).value
    return text.strip() if value is None else json.dumps(canonical(value), separators=(",", ":"), sort_keys=True)


def canonical(value: Any) -> Any:
    """The canonical form of a parsed body or refusal. Any other value is returned unchanged."""
    if not isinstance(value, dict):
        return value
    if is_refusal(value):
        missing = value["refusal"].get("missing") or []
        if not isinstance(missing, list):  # the checks refuse this
            return value
        # without the reason, whose words are free
        return {"refusal": {"missing": sorted(str(name).lower() for name in missing)}}
    try:
        return _body({key: item if isinstance(item, (dict, list)) else plain(item) for key, item in value.items()})
    except (AttributeError, TypeError, KeyError, IndexError, ValueError):  # the checks refuse this
        return value


def _body(body: dict[str, Any]) -> dict[str, Any]:
    groups_given = [body.pop(key) for key in tuple(body) if key in ("aggs", "aggregations")]
    groups = groups_given[-1] if groups_given else {}  # if both are given, the engine uses the later one
    sort = _sort(body.pop("sort", []))
    scored = _scored(body, sort, groups)
    main = query(body.pop("query", {"match_all": {}}), scored=scored)
    if not _SCORE_VALUES & set(body):
        main = without_constant(main)
    post_filter = query(body.pop("post_filter", {"match_all": {}}), scored=False)
    result: dict[str, Any] = {k: v for k, v in body.items() if k not in _DEFAULTS or not equal(v, _DEFAULTS[k])}
    if "_source" in result:
        result["_source"] = _source(result["_source"])
    for key, part in (("query", main), ("post_filter", post_filter)):
        if part != {"match_all": {}}:
            result[key] = part
    if sort:
        result["sort"] = sort
    if groups:
        result["aggs"] = aggregations(groups)
    return result


def scores_count(body: Mapping[str, Any]) -> bool:
    """Whether scores can affect the result of a body in its canonical form."""
    return _scored(body, body.get("sort", []), body.get("aggs", {}))


def _scored(body: Mapping[str, Any], sort: list[Any], groups: Mapping[str, Any]) -> bool:
    """Whether scores can affect the result."""
    if (_SCORE_VALUES | {"collapse", "terminate_after"}) & set(body) or body.get("track_scores"):
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
