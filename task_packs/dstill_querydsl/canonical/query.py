"""The canonical form of a query: `canonical.py` says what that is.

query({"term": {"user": "uma"}}, scored=False)
{"bool": {"filter": [{"term": {"user": {"value": "uma"}}}]}}
"""

from __future__ import annotations

import json
from typing import Any, Iterable

from dstill_querydsl.canonical.values import distance, equal, place, plain, without_defaults
from dstill_querydsl.language.query_forms import FIELDED, SELECTS_BY

__all__ = ["Json", "key", "listed", "query", "without_constant"]

Json = dict[str, Any]

_INNER = {("nested", "query"), ("constant_score", "filter"), ("boosting", "positive"), ("boosting", "negative")}
_FREE = {("ids", "values"), ("multi_match", "fields")}  # lists whose order tells nothing
_EVERYTHING: Json = {"match_all": {}}
_OCCURS = ("must", "filter", "should", "must_not")
_SAID = {"value", "query", "wildcard", "gt", "gte", "lt", "lte"}  # in these 1.0 is another text than 1


def key(value: Any) -> str:
    """What lists without an order are sorted by."""
    return json.dumps(value, sort_keys=True)


def without_constant(asked: Json) -> Json:
    """A whole query without what adds the same to each document's score: ``match_all`` beside others, a second range.

    Deeper down it counts: under one of several alternatives it puts that one before the others.
    """
    clauses = asked.get("bool", {})
    kept = _ranges([clause for clause in clauses.get("must", ()) if clause != _EVERYTHING])
    if len(kept) == len(clauses.get("must", ())):
        return asked
    if not kept and "filter" not in clauses and ({"should", "minimum_should_match"} & set(clauses)):
        kept = [_EVERYTHING]  # it makes the rest optional
    rest = {occur: of for occur, of in clauses.items() if occur != "must"}
    if set(rest) <= {"boost"} and len(kept) == 1:
        return kept[0] if not rest else {"bool": {**rest, "must": kept}}
    left = {**rest, **({"must": sorted(kept, key=key)} if kept else {})}
    return {"bool": left} if left else _EVERYTHING


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
    if name == "match_all" and not scored:
        return {}
    if name in SELECTS_BY and not scored and "min_score" not in body:
        return _clauses(body.get(SELECTS_BY[name], {"match_all": {}}), scored=False)
    if name == "dis_max" and not scored:
        return _bool({"should": body["queries"]}, scored=False)
    if name != "bool":
        return {"must" if scored else "filter": [_leaf(name, body, scored)]}
    return _bool(body, scored)


def _bool(body: Json, scored: bool) -> Json:
    parts = {occur: listed(body.get(occur, [])) for occur in _OCCURS}
    rest = {
        k: plain(v)
        for k, v in body.items()
        if k not in (*_OCCURS, "_name") and not (k == "boost" and (equal(v, 1) or not scored))
    }
    required = rest.pop("minimum_should_match", None)
    required = int(required) if isinstance(required, str) and required.strip().isdigit() else required
    found: dict[str, list[Json]] = {occur: [] for occur in _OCCURS}
    for occur in ("must", "filter"):
        for part in parts[occur]:
            _merge(found, occur, part, scored and occur == "must")
    for part in parts["must_not"]:
        _merge_not(found["must_not"], part)
    optional = bool(parts["must"] or parts["filter"])  # then no should clause need match
    if required == 0 and not optional:
        required = None  # one of them must match all the same
    if not parts["should"] and optional and required not in (None, 0):
        rest["minimum_should_match"] = required  # of no clause: nothing matches
        if not (found["must"] or found["filter"]):
            found["must"].append({"match_all": {}})
    if parts["should"]:
        found["should"] = [query(part, scored=scored) for part in parts["should"]]
        one_must = required == 1 or (required is None and not optional)
        if one_must and len(parts["should"]) == 1:
            _merge(found, "must", parts["should"][0], scored)
            found["should"] = []
        elif one_must and not scored and (either := _any_of(found["should"])):
            _merge(found, "must", either, scored)
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
        occur: _unordered(_ranges(clauses) if occur == "filter" else clauses, occur)
        for occur, clauses in found.items()
        if clauses
    }
    if (
        not scored
        and not rest
        and ordered.keys() == {"filter"}
        and [set(one) for one in ordered["filter"]] == [{"bool"}]
    ):
        inner: Json = ordered["filter"][0]["bool"]
        return inner  # a bool around one bool adds nothing
    return {**rest, **ordered}


def listed(value: Any) -> list[Json]:
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


def _any_of(clauses: list[Json]) -> Json | None:
    """``terms`` for clauses that each ask one field for a value or several; None where they are anything else."""
    fields, values = set[str](), list[Any]()
    for clause in clauses:
        leaves = clause.get("bool", {}).get("filter", [])
        leaf = leaves[0] if clause.get("bool", {}).keys() == {"filter"} and len(leaves) == 1 else {}
        name, body = next(iter(leaf.items()), ("", {}))
        field, asked = next(iter(body.items()), ("", None)) if len(body) == 1 else ("", None)
        if name == "terms" and isinstance(asked, list):
            values += asked
        elif name == "term" and isinstance(asked, dict) and asked.keys() == {"value"}:
            values.append(asked["value"])
        else:
            return None
        fields.add(field)
    return {"terms": {next(iter(fields)): values}} if len(fields) == 1 else None


def _leaf(name: str, body: Any, scored: bool) -> Json:
    """A query that is no bool, in its long form."""
    if name == "terms":
        return _terms(_options(name, body, scored), scored)
    if FIELDED.get(name) or name == "range":
        return {name: {field: _options(name, _long(name, value), scored) for field, value in body.items()}}
    return {
        name: {option: _part(name, option, value, scored) for option, value in _options(name, body, scored).items()}
    }


def _terms(body: Json, scored: bool) -> Json:
    """Values in any order count once; of one value it is a term, but for the score."""
    listed = {k: _distinct(v) if isinstance(v, list) else v for k, v in body.items()}
    field, values = next(iter(listed.items()), ("", None))
    if len(listed) == 1 and not scored and isinstance(values, list) and len(values) == 1:
        return {"term": {field: {"value": values[0]}}}
    return {"terms": listed}


def _distinct(values: list[Any]) -> list[Any]:
    ordered = sorted(values, key=key)
    return [value for number, value in enumerate(ordered) if number == 0 or key(value) != key(ordered[number - 1])]


def _part(name: str, option: str, value: Any, scored: bool) -> Any:
    """What stands under an option of a query that is not about one field by name."""
    if (name, option) in _INNER:
        return query(value, scored=scored and name != "constant_score")
    if (name, option) == ("dis_max", "queries"):
        return sorted((query(one, scored=scored) for one in listed(value)), key=key)
    if (name, option) in _FREE and isinstance(value, list):
        return sorted(value, key=key)
    if name == "geo_distance":
        return distance(value) if option == "distance" else place(value)
    return value


def _long(name: str, value: Any) -> Json:
    return value if isinstance(value, dict) else {FIELDED[name]: value}


def _options(name: str, options: Json, scored: bool) -> Json:
    kept = {k: v for k, v in without_defaults(name, options).items() if scored or k not in ("boost", "_name")}
    kept.pop("_name", None)
    kept = {k: v if k in _SAID or isinstance(v, (dict, list)) else plain(v) for k, v in kept.items()}
    if isinstance(kept.get("operator"), str):
        kept["operator"] = kept["operator"].lower()
    return kept


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
