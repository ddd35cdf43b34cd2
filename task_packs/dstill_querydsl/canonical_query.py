"""The canonical form of a query: `canonical.py` says what that is.

query({"term": {"user": "uma"}}, scored=False)
{"bool": {"filter": [{"term": {"user": {"value": "uma"}}}]}}
"""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping

__all__ = ["Json", "key", "query"]

Json = dict[str, Any]

# query → the name that its short form {"field": value} stands for
_SHORT = {
    "term": "value",
    "prefix": "value",
    "wildcard": "value",
    "regexp": "value",
    "fuzzy": "value",
    "match": "query",
    "match_phrase": "query",
    "match_phrase_prefix": "query",
    "match_bool_prefix": "query",
}
_LEAF_DEFAULTS: Mapping[str, Any] = {"boost": 1, "operator": "or", "case_insensitive": False}
_OCCURS = ("must", "filter", "should", "must_not")


def key(value: Any) -> str:
    """What lists without an order are sorted by."""
    return json.dumps(value, sort_keys=True)


def query(value: Json, *, scored: bool) -> Json:
    """A query where scores count (`scored`), or one that only selects."""
    clauses = _clauses(value, scored)
    if not clauses:
        return {"match_all": {}}
    if set(clauses) == {"must"} and len(clauses["must"]) == 1:
        only: Json = clauses["must"][0]  # a bool around one clause adds nothing
        return only
    return {"bool": clauses}


def _clauses(value: Json, scored: bool) -> Json:
    """Any query as the clauses of a bool; {} selects everything."""
    ((name, body),) = value.items()
    if name == "match_all" and set(body) <= {"boost"} and (not scored or body.get("boost", 1) == 1):
        return {}
    if name == "constant_score" and not scored:
        return _clauses(body["filter"], scored=False)
    if name != "bool":
        return {"must" if scored else "filter": [_leaf(name, body, scored)]}
    return _bool(body, scored)


def _bool(body: Json, scored: bool) -> Json:
    parts = {occur: _listed(body.get(occur, [])) for occur in _OCCURS}
    rest = {k: v for k, v in body.items() if k not in _OCCURS and not (k == "boost" and (v == 1 or not scored))}
    required = rest.pop("minimum_should_match", None)
    found: dict[str, list[Json]] = {occur: [] for occur in _OCCURS}
    for occur in ("must", "filter"):
        for part in parts[occur]:
            _merge(found, occur, part, scored and occur == "must")
    for part in parts["must_not"]:
        _merge_not(found["must_not"], part)
    optional = bool(parts["must"] or parts["filter"])  # then no should clause need match
    if parts["should"]:
        found["should"] = [query(part, scored=scored) for part in parts["should"]]
        one_must = str(required) == "1" or (required is None and not optional)
        if one_must and len(parts["should"]) == 1:
            _merge(found, "must", parts["should"][0], scored)
            found["should"] = []
        elif not scored and optional and required in (None, 0):
            found["should"] = []  # it could only have raised scores
        elif required is not None and required != (0 if optional else 1):
            rest["minimum_should_match"] = required
        elif required is None and not optional and (found["must"] or found["filter"]):
            rest["minimum_should_match"] = 1
        elif optional and not (found["must"] or found["filter"]):
            # what made it optional selected everything: without it one of them would have to match
            found["must"].append({"match_all": {}})
    if not scored:
        found["filter"] += found.pop("must")
    ordered = {
        occur: _unordered(_ranges(clauses) if occur in ("must", "filter") else clauses, occur)
        for occur, clauses in found.items()
        if clauses
    }
    return {**rest, **ordered}


def _listed(value: Any) -> list[Json]:
    return list(value) if isinstance(value, list) else [value]


def _merge(found: dict[str, list[Json]], occur: str, part: Json, scored: bool) -> None:
    """A clause that must match, taken apart where it is a plain bool itself."""
    inner = _clauses(part, scored)
    if set(inner) <= {"must", "filter", "must_not"}:
        for name, clauses in inner.items():
            found[name if name == "must_not" else "filter" if not scored else name] += clauses
    else:
        found[occur].append({"bool": inner})


def _merge_not(found: list[Json], part: Json) -> None:
    """must_not of "any of these" is must_not of each."""
    inner = _clauses(part, scored=False)
    if set(inner) == {"should"}:
        found += inner["should"]
    else:
        found.append(query(part, scored=False))


def _unordered(clauses: Iterable[Json], occur: str) -> list[Json]:
    """Sorted; a clause that only selects counts once."""
    ordered = sorted(clauses, key=key)
    if occur in ("must", "should"):
        return ordered  # twice the clause is twice the score
    return [clause for number, clause in enumerate(ordered) if number == 0 or clause != ordered[number - 1]]


def _leaf(name: str, body: Any, scored: bool) -> Json:
    """A query that is no bool, in its long form."""
    if name == "nested":
        return {name: {**body, "query": query(body["query"], scored=scored)}}
    if name == "constant_score":
        return {name: {**body, "filter": query(body["filter"], scored=False)}}
    if name in _SHORT or name == "range":
        return {name: {field: _options(name, value, scored) for field, value in body.items()}}
    if name == "terms":
        return {
            name: {
                k: sorted(v, key=key) if isinstance(v, list) else v
                for k, v in body.items()
                if not _default(k, v, scored)
            }
        }
    return {name: body}


def _options(name: str, value: Any, scored: bool) -> Json:
    options = value if isinstance(value, dict) else {_SHORT[name]: value}
    kept = {k: v for k, v in options.items() if not _default(k, v, scored)}
    if isinstance(kept.get("operator"), str):
        kept["operator"] = kept["operator"].lower()
    return kept


def _default(name: str, value: Any, scored: bool) -> bool:
    lowered = value.lower() if isinstance(value, str) and name == "operator" else value
    return (name in _LEAF_DEFAULTS and lowered == _LEAF_DEFAULTS[name]) or (name == "boost" and not scored)


def _ranges(clauses: list[Json]) -> list[Json]:
    """Ranges on one field as one, where they bound different ends and agree in the rest."""
    bounds = {"gt", "gte", "lt", "lte"}
    merged: dict[str, Json] = {}
    others: list[Json] = []
    for clause in sorted(clauses, key=key):
        if "range" not in clause or len(clause["range"]) != 1:
            others.append(clause)
            continue
        ((field, options),) = clause["range"].items()
        rest = key({k: v for k, v in options.items() if k not in bounds})
        there = merged.setdefault(f"{field} {rest}", {"range": {field: {}}})["range"][field]
        ends = {k[:2] for k in bounds & set(options)}
        if ends & {k[:2] for k in bounds & set(there)}:
            others.append(clause)
        else:
            there.update(options)
    return others + list(merged.values())
