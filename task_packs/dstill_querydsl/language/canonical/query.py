"""The canonical form of a query, as described in `canonical`.

query({"term": {"user": "uma"}}, scored=False)
{"bool": {"filter": [{"term": {"user": {"value": "uma"}}}]}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dstill_querydsl.language.canonical.values import distance, equal, place, plain, without_defaults
from dstill_querydsl.language.query_forms import FIELDED, SELECTS_BY

__all__ = ["Json", "key", "listed", "query", "without_constant"]

Json = dict[str, Any]

_INNER = {("nested", "query"), ("constant_score", "filter"), ("boosting", "positive"), ("boosting", "negative")}
_UNORDERED = {("ids", "values"), ("multi_match", "fields")}  # lists whose order does not matter
_EVERYTHING: Json = {"match_all": {}}
_OCCURS = ("must", "filter", "should", "must_not")
_VALUES = {"value", "query", "wildcard", "gt", "gte", "lt", "lte"}  # values of a field: there 1.0 may differ from 1


def key(value: Any) -> str:
    """The sort key for lists whose order does not matter."""
    return json.dumps(value, sort_keys=True)


def without_constant(value: Json) -> Json:
    """A canonical query without clauses that add the same score to all hits: ``match_all``, a second range.

    Only at the top: below one of several alternatives, such a clause changes the order of hits.
    """
    clauses = value.get("bool", {})
    must = _ranges([clause for clause in clauses.get("must", ()) if clause != _EVERYTHING])
    if len(must) == len(clauses.get("must", ())):
        return value
    if not must and "filter" not in clauses and ({"should", "minimum_should_match"} & set(clauses)):
        must = [_EVERYTHING]  # it makes the should clauses optional
    rest = {occur: of for occur, of in clauses.items() if occur != "must"}
    if set(rest) <= {"boost"} and len(must) == 1:
        return must[0] if not rest else {"bool": {**rest, "must": must}}
    result = {**rest, **({"must": sorted(must, key=key)} if must else {})}
    return {"bool": result} if result else _EVERYTHING


def query(value: Json, *, scored: bool) -> Json:
    """The canonical form of a query. `scored`: whether its scores matter, or it only selects documents."""
    clauses = _clauses(value, scored)
    if not clauses:
        return {"match_all": {}}
    if set(clauses) == {"must"} and len(clauses["must"]) == 1:
        only: Json = clauses["must"][0]  # without the bool around a single clause
        return only
    return {"bool": clauses}


def _clauses(value: Json, scored: bool) -> Json:
    """Any query as the clauses of a bool; {} means all documents."""
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
    by_occur: dict[str, list[Json]] = {occur: [] for occur in _OCCURS}
    for occur in ("must", "filter"):
        for part in parts[occur]:
            _merge(by_occur, occur, part, scored and occur == "must")
    for part in parts["must_not"]:
        _merge_not(by_occur["must_not"], part)
    minimum = _should(by_occur, parts["should"], _minimum(rest), bool(parts["must"] or parts["filter"]), scored)
    if minimum is not None:
        rest["minimum_should_match"] = minimum
    if not scored:
        by_occur["filter"] += by_occur.pop("must")
    ordered = {
        occur: _unordered(_ranges(clauses) if occur == "filter" else clauses, occur)
        for occur, clauses in by_occur.items()
        if clauses
    }
    result = {**rest, **ordered}
    return result if scored else _unwrapped(result)


def _minimum(options: Json) -> Any:
    """Remove ``minimum_should_match`` from the options of a bool and return it."""
    minimum = options.pop("minimum_should_match", None)
    return int(minimum) if isinstance(minimum, str) and minimum.strip().isdigit() else minimum


def _should(by_occur: dict[str, list[Json]], parts: list[Json], minimum: Any, optional: bool, scored: bool) -> Any:
    """Add should clauses to `by_occur`, and return the ``minimum_should_match`` that they need; None is the default.

    `optional`: the bool has must or filter clauses, so that by default no should clause needs to match.
    """
    if minimum == 0 and not optional:
        minimum = None  # one of them must match all the same
    if not parts:
        impossible = optional and minimum not in (None, 0)  # more matches than clauses: the bool matches nothing
        if impossible and not (by_occur["must"] or by_occur["filter"]):
            by_occur["must"].append(dict(_EVERYTHING))
        return minimum if impossible else None
    clauses = [query(part, scored=scored) for part in parts]
    one_must = minimum == 1 or (minimum is None and not optional)
    if one_must and (only := parts[0] if len(parts) == 1 else None if scored else _any_of(clauses)):
        _merge(by_occur, "must", only, scored)
        return None
    if not scored and optional and minimum in (None, 0):
        return None  # they could only raise scores
    by_occur["should"] = clauses
    selects = bool(by_occur["must"] or by_occur["filter"])
    if minimum is not None and minimum != (0 if optional else 1):
        return minimum
    if minimum is None and not optional and selects:
        return 1
    if optional and not selects:  # the clauses that made these optional were dropped, as they select everything
        by_occur["must"].append(dict(_EVERYTHING))
    return None


def _unwrapped(clauses: Json) -> Json:
    """The inner bool, if these clauses are only a filter with a single bool."""
    filters = clauses["filter"] if clauses.keys() == {"filter"} else []
    inner: Json = filters[0]["bool"] if len(filters) == 1 and filters[0].keys() == {"bool"} else clauses
    return inner


def listed(value: Any) -> list[Json]:
    """A list as it is; any other value as the only item of a list."""
    return list(value) if isinstance(value, list) else [value]


def _merge(by_occur: dict[str, list[Json]], occur: str, part: Json, scored: bool) -> None:
    """Add a clause that must match; a plain bool is replaced by its clauses."""
    inner = _clauses(part, scored)
    if set(inner) <= {"must", "filter", "must_not"}:
        for name, clauses in inner.items():
            by_occur[name if name == "must_not" else "filter" if not scored else name] += clauses
    else:
        by_occur[occur].append({"bool": inner})


def _merge_not(negated: list[Json], part: Json) -> None:
    """Add a clause that must not match; alternatives become separate clauses."""
    inner = _clauses(part, scored=False)
    if set(inner) == {"should"}:
        negated += inner["should"]
    else:
        negated.append(query(part, scored=False))


def _unordered(clauses: Iterable[Json], occur: str) -> list[Json]:
    """The clauses in sorted order; repeated clauses are dropped where they do not affect scores."""
    ordered = sorted(clauses, key=key)
    if occur in ("must", "should"):
        return ordered  # a repeated clause adds to the score
    return [clause for number, clause in enumerate(ordered) if number == 0 or clause != ordered[number - 1]]


def _any_of(clauses: list[Json]) -> Json | None:
    """One ``terms`` for clauses that are all term or terms on the same field, else None."""
    fields, values = set[str](), list[Any]()
    for clause in clauses:
        leaves = clause.get("bool", {}).get("filter", [])
        leaf = leaves[0] if clause.get("bool", {}).keys() == {"filter"} and len(leaves) == 1 else {}
        name, body = next(iter(leaf.items()), ("", {}))
        field, value = next(iter(body.items()), ("", None)) if len(body) == 1 else ("", None)
        if name == "terms" and isinstance(value, list):
            values += value
        elif name == "term" and isinstance(value, dict) and value.keys() == {"value"}:
            values.append(value["value"])
        else:
            return None
        fields.add(field)
    return {"terms": {next(iter(fields)): values}} if len(fields) == 1 else None


def _leaf(name: str, body: Any, scored: bool) -> Json:
    """The long form of a query that is not a bool."""
    if name == "terms":
        return _terms(_options(name, body, scored), scored)
    if FIELDED.get(name) or name == "range":
        return {name: {field: _options(name, _long(name, value), scored) for field, value in body.items()}}
    return {
        name: {option: _part(name, option, value, scored) for option, value in _options(name, body, scored).items()}
    }


def _terms(body: Json, scored: bool) -> Json:
    """Sorted distinct values. A single value becomes a term where scores do not matter."""
    listed = {k: _distinct(v) if isinstance(v, list) else v for k, v in body.items()}
    field, values = next(iter(listed.items()), ("", None))
    if len(listed) == 1 and not scored and isinstance(values, list) and len(values) == 1:
        return {"term": {field: {"value": values[0]}}}
    return {"terms": listed}


def _distinct(values: list[Any]) -> list[Any]:
    ordered = sorted(values, key=key)
    return [value for number, value in enumerate(ordered) if number == 0 or key(value) != key(ordered[number - 1])]


def _part(name: str, option: str, value: Any, scored: bool) -> Any:
    """The value of an option of a query whose keys are not field names."""
    if (name, option) in _INNER:
        return query(value, scored=scored and name != "constant_score")
    if (name, option) == ("dis_max", "queries"):
        return sorted((query(clause, scored=scored) for clause in listed(value)), key=key)
    if (name, option) in _UNORDERED and isinstance(value, list):
        return sorted(value, key=key)
    if name == "geo_distance":
        return distance(value) if option == "distance" else place(value)
    return value


def _long(name: str, value: Any) -> Json:
    return value if isinstance(value, dict) else {FIELDED[name]: value}


def _options(name: str, options: Json, scored: bool) -> Json:
    rest = {k: v for k, v in without_defaults(name, options).items() if scored or k not in ("boost", "_name")}
    rest.pop("_name", None)
    rest = {k: v if k in _VALUES or isinstance(v, (dict, list)) else plain(v) for k, v in rest.items()}
    if isinstance(rest.get("operator"), str):
        rest["operator"] = rest["operator"].lower()
    return rest


def _ranges(clauses: list[Json]) -> list[Json]:
    """Merge ranges on one field that set different bounds and have the same other options."""
    bounds = {"gt", "gte", "lt", "lte"}
    merged: dict[str, Json] = {}
    others: list[Json] = []
    for clause in sorted(clauses, key=key):
        if "range" not in clause or len(clause["range"]) != 1:
            others.append(clause)
            continue
        ((field, options),) = clause["range"].items()
        rest = key({k: v for k, v in options.items() if k not in bounds})
        earlier = merged.setdefault(f"{field} {rest}", {"range": {field: {}}})["range"][field]
        ends = {k[:2] for k in bounds & set(options)}
        if ends & {k[:2] for k in bounds & set(earlier)}:
            others.append(clause)
        else:
            earlier.update(options)
    return others + list(merged.values())
