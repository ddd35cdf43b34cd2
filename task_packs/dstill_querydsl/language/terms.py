"""A glossary's terms in one index: other names, and conditions as computed fields.

    terms = terms_of(glossary, fields, "flights", limits, "elasticsearch9")
    terms.fields                     (Field(name="late", type="boolean", …),): students read it beside the others
    expanded({"query": {"term": {"late": {"value": True}}}}, terms)
    {"query": {"range": {"delay": {"gt": 15}}}}

Bodies have the condition in the place of its field, so engines never see that, and checks and guard read what runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill.api.glossary import Glossary, Term
from dstill.api.rows import reads_all
from dstill.errors import did_you_mean
from dstill_querydsl.language import schema
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.mapping.check import check
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.mapping.uses_queries import UsePlace

__all__ = ["Terms", "expanded", "probe", "terms_of"]

_HINT = "a condition is a clause of a query: condition = { range = { delay = { gt = 15 } } }"
_CLAUSES = ("term", "terms", "match")  # that a computed field may stand in


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of one index."""

    glossary: Glossary = field(default_factory=Glossary)  # those about what answers may read
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # field → its other names
    values: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)  # field → value → its other names
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # computed field → its clause

    @property
    def fields(self) -> tuple[Field, ...]:
        """The computed fields. They cannot be sorted or aggregated by."""
        return tuple(Field(name=name, type="boolean", options={"doc_values": False}) for name in self.definitions)

    def made_of(self, name: str) -> tuple[str, ...]:
        """The fields that a computed field is computed from."""
        return tuple(dict.fromkeys(use.name for use in uses({"query": self.definitions[name]})))


def terms_of(glossary: Glossary, fields: Fields, index: str, limits: Limits, dialect: str) -> Terms:
    """The terms about one index that `limits` let everybody read. Raises DataError that names the term."""
    called: dict[str, tuple[str, ...]] = {}
    values: dict[str, dict[str, list[str]]] = {}
    definitions: dict[str, Mapping[str, Any]] = {}
    for term in glossary.terms:
        if term.measure or term.join:
            given = "measures" if term.measure else "joins"
            raise term.error(f"search bodies have no {given}", "name a field: means = …")
        if term.means:
            if fields.get(term.means) is None:
                raise term.error(f"there is no field '{term.means}'.{did_you_mean(term.means, fields.names)}")
            if term.value:
                values.setdefault(term.means, {}).setdefault(term.value, []).extend(term.names)
                continue
            name = term.means
        else:
            name = term.identifier
            if fields.get(name) is not None:
                raise term.error(f"the index has a field '{name}'", "give the term another name")
            definitions[name] = _clause(term, fields, definitions, dialect)
        called[name] = (*called.get(name, ()), *term.names)
    terms = Terms(glossary=glossary, called=called, values=values, definitions=definitions)
    shown = [term for term in glossary.terms if _is_for_all(term, terms, index, limits)]
    return terms if len(shown) == len(glossary.terms) else terms_of(Glossary(shown), fields, index, limits, dialect)


def _is_for_all(term: Term, terms: Terms, index: str, limits: Limits) -> bool:
    """Whether every answer may read what a term means, and everybody may see its value."""
    if term.value and not reads_all(limits.rows, index):
        return False
    return all(map(limits.allows, [term.means] if term.means else terms.made_of(term.identifier)))


def expanded(body: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """A body with the conditions of computed fields in their place."""
    return _expanded(body, terms.definitions) if terms.definitions else body


def probe(term: Term, terms: Terms) -> str:
    """A body that uses the term: how many documents meet a condition, a few values of anything else."""
    clause: Mapping[str, Any]
    if term.means and not term.value:
        return json.dumps({"query": {"exists": {"field": term.means}}, "_source": [term.means], "size": 3})
    clause = {"term": {term.means: {"value": term.value}}} if term.means else terms.definitions[term.identifier]
    return json.dumps({"query": clause, "size": 0, "track_total_hits": True}, ensure_ascii=False)


def _clause(term: Term, fields: Fields, known: Mapping[str, Mapping[str, Any]], dialect: str) -> Mapping[str, Any]:
    """The clause of a condition, with those of earlier terms in the place of their names. Raises DataError."""
    if not isinstance(term.condition, Mapping):
        raise term.error("the condition is not a clause", _HINT)
    body = _expanded({"query": term.condition}, known)
    for problem in (*schema.check(body, dialect), *check(body, fields)):
        if problem.is_error:
            raise term.error(problem.message, problem.hint or _HINT)
    clause: Mapping[str, Any] = body["query"]
    return clause


def _expanded(body: dict[str, Any], definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found = {
        use.pointer: definitions[use.name]
        for use in uses(body)
        if use.kind == "query" and use.operator in _CLAUSES and use.name in definitions
    }
    replaced: dict[str, Any] = _replaced(body, UsePlace(""), found)
    return replaced if found else body


def _replaced(node: Any, place: UsePlace, found: Mapping[str, Mapping[str, Any]]) -> Any:
    """A part of a body with the clauses of `found`, which has the pointers of computed fields."""
    if isinstance(node, list):
        return [_replaced(item, place / step, found) for step, item in enumerate(node)]
    if not isinstance(node, Mapping):
        return node
    for operator, inside in node.items():
        for name, value in inside.items() if operator in _CLAUSES and isinstance(inside, Mapping) else ():
            if (clause := found.get((place / operator / name).pointer)) is not None:
                return _with_truths(clause, set(_truths(value)))
    return {key: _replaced(value, place / key, found) for key, value in node.items()}


def _with_truths(clause: Mapping[str, Any], truths: set[bool]) -> Mapping[str, Any]:
    """A clause that documents meet for which the truth of `clause` is one of `truths`."""
    if len(truths) != 1:
        return {"match_all": {}} if truths else {"match_none": {}}
    return clause if True in truths else {"bool": {"must_not": [clause]}}


def _truths(value: Any) -> Iterator[bool]:
    """The values that a clause asks of a computed field."""
    if isinstance(value, Mapping):
        value = value.get("value", value.get("query"))
    for item in value if isinstance(value, list) else [value]:
        yield item is True or item == "true"
