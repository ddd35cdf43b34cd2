"""Conditions in words, from the canonical form of a query.

    reader.conjuncts({"bool": {"filter": [{"term": {"state": {"value": "new"}}}], "must_not": [{"exists": …}]}}, "must")
    → [Conjunct(text="state is 'new'", …), Conjunct(text="owner has no value", …)]

Conditions that rank hits are marked where others do not. A query without words of its own is said as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.linked.spoken import listed
from dstill_querydsl.language.query_forms import FIELDED, PLACES, RANGE_ENDS
from dstill_querydsl.language.readback.bounds import dates, numbers
from dstill_querydsl.language.readback.naming import Names, as_json, parameters, scalar

__all__ = ["MALFORMED", "Conjunct", "Reader", "point", "ranking"]

MALFORMED = (AttributeError, TypeError, KeyError, IndexError, ValueError)  # of parts that only an engine would refuse

_MARK = " (ranked by this)"
_NEGATED = {
    "is": "is not",
    "mentions": "does not mention",
    "contains": "does not contain",
    "matches": "does not match",
    "starts": "does not start",
    "fits": "does not fit",
    "has a": "has no",
}
_PHRASED = {
    "match_phrase": "the phrase {}",
    "match_phrase_prefix": "a phrase that starts with {}",
    "match_bool_prefix": "any word of {}, the last one as a start",
}
_PATTERNS = {
    "prefix": "starts with {}",
    "wildcard": "fits the pattern {}",
    "regexp": "fits the regular expression {}",
    "fuzzy": "is spelled like {}",
}
_TEXTS = ("multi_match", "combined_fields", "simple_query_string", "query_string")


@dataclass(frozen=True, kw_only=True)
class Conjunct:
    """One of the conditions that must all hold, and the query that it is."""

    text: str
    query: Mapping[str, Any]


class Reader:
    """Reads queries on the fields of one index. `marked`: some conditions of the body rank, and others do not."""

    def __init__(self, names: Names, *, marked: bool = False) -> None:
        self.names = names
        self._marked = marked

    def conjuncts(self, query: Mapping[str, Any], *, scored: bool = False) -> list[Conjunct]:
        """The conditions of a query; a query for everything has none."""
        if "bool" not in query or not isinstance(query["bool"], dict):
            return [] if query == {"match_all": {}} else [Conjunct(text=self.clause(query, scored=scored), query=query)]
        parts = query["bool"]
        found = [
            Conjunct(text=self.clause(part, scored=scored and occur == "must"), query=part)
            for occur in ("filter", "must")
            for part in parts.get(occur, ())
        ]
        if "should" in parts:
            found.append(Conjunct(text=self._should(parts, scored), query={"bool": {"should": parts["should"]}}))
        for part in parts.get("must_not", ()):
            found.append(Conjunct(text=self.clause(part, negated=True), query=part))
        known = ("filter", "must", "should", "must_not", *(("minimum_should_match",) if "should" in parts else ()))
        if rest := parameters(parts, *known):
            found.append(Conjunct(text=f"all of it{rest}", query={}))
        return found

    def all_of(self, query: Mapping[str, Any], *, scored: bool = False, brackets: bool = True) -> str:
        """A whole query, in brackets if it has several conditions."""
        found = [part.text for part in self.conjuncts(query, scored=scored)]
        text = " and ".join(found) or "any document fits"
        return f"({text})" if brackets and len(found) > 1 else text

    def clause(self, query: Mapping[str, Any], *, negated: bool = False, scored: bool = False) -> str:
        """One query in words, or what must not hold."""
        try:
            ((kind, body),) = query.items()
            if kind == "nested":
                return self._nested(body, negated, scored)
            if inner := _only(kind, body):
                occur, part = inner
                return self.clause(part, negated=negated, scored=scored and occur == "must")
            if kind == "bool" or query == {"match_all": {}}:
                text = self.all_of(query, scored=scored)
                return f"not {text}" if negated else text
            return self._leaf(kind, body, negated) + (_MARK if scored and self._marked else "")
        except MALFORMED:
            return f"{'not ' * negated}{as_json(query)}"

    # --- queries with queries ------------------------------------------------------------

    def _should(self, parts: Mapping[str, Any], scored: bool) -> str:
        """Alternatives, with how many of them must hold."""
        each = [self.clause(part, scored=scored) for part in parts["should"]]
        default = 0 if parts.get("must") or parts.get("filter") else 1
        minimum = parts.get("minimum_should_match", default)
        if minimum == 0 and not isinstance(minimum, bool):
            return f"preferably ({' or '.join(each)})"
        if minimum == 1 and not isinstance(minimum, bool) and len(each) > 1:
            return f"({' or '.join(each)})"
        return f"at least {scalar(minimum).strip(chr(39))} of ({', '.join(each)})"

    def _nested(self, body: Mapping[str, Any], negated: bool, scored: bool) -> str:
        inner = self.all_of(body["query"], scored=scored, brackets=False)
        amount = "none" if negated else "one"
        return f"{amount} of its {self.names.field(body['path'])} has ({inner}){parameters(body, 'path', 'query')}"

    # --- leaves ---------------------------------------------------------------------------

    def _leaf(self, kind: str, body: Any, negated: bool) -> str:
        if kind == "constant_score":
            inner = self.all_of(body["filter"])
            return f"{inner} (all rank alike){parameters(body, 'filter')}"
        if kind == "dis_max":
            each = [self.clause(part, scored=True) for part in body["queries"]]
            return f"({' or '.join(each)}, ranked by the best){parameters(body, 'queries')}"
        words = self._words(kind, body, "nor" if negated else "or")
        if words is None:
            return f"{'not ' * negated}{kind} {as_json(body)}"
        subject, verb, rest = words
        return f"{subject} {_NEGATED[verb] if negated else verb} {rest}"

    def _words(self, kind: str, body: Any, last: str) -> tuple[str, str, str] | None:
        """Subject, verb and the rest; None: there are no words for such a query. `last`: what joins values."""
        if kind == "exists":
            return self.names.field(body["field"], words=True), "has a", "value" + parameters(body, "field")
        if kind == "ids":
            return "the id", "is", _any(body["values"], scalar, last) + parameters(body, "values")
        if kind == "geo_distance":
            return self._near(body)
        if kind == "geo_bounding_box":
            return self._in_box(body)
        if kind in _TEXTS:
            return self._on_several(kind, body)
        if kind not in FIELDED or kind in ("terms_set", "intervals", "span_term"):
            return None
        if kind == "terms":
            ((field, values),) = ((name, value) for name, value in body.items() if isinstance(value, list))
            rest = _any(values, lambda value: self.names.value(field, value), last) + parameters(body, field)
            return self._subject(field), self._equals(field), rest
        ((field, options),) = body.items()
        return self._on_field(kind, field, options)

    def _on_field(self, kind: str, field: str, options: Mapping[str, Any]) -> tuple[str, str, str] | None:
        if kind == "range":
            return self._range(field, options)
        if kind == "term":
            value = self.names.value(field, options["value"])
            return self._subject(field), self._equals(field), value + parameters(options, "value")
        if kind in _PATTERNS:
            text = scalar(options["value"])
            verb, _, rest = _PATTERNS[kind].format(text).partition(" ")
            return self.names.field(field), verb, rest + parameters(options, "value")
        text = scalar(options["query"])
        subject = self.names.field(field, words=True)
        if kind != "match":
            return subject, "mentions", _PHRASED[kind].format(text) + parameters(options, "query")
        if self.names.family(field) not in ("text", ""):
            return subject, "matches", text + parameters(options, "query")
        return (
            subject,
            "mentions",
            _any_word(options["query"], options.get("operator"))
            + parameters(options, "query", *(("operator",) if options.get("operator") == "and" else ())),
        )

    def _subject(self, field: str) -> str:
        """The field of a query for whole values; of a text, these are its words."""
        return self.names.field(field, words=self.names.family(field) == "text")

    def _equals(self, field: str) -> str:
        return "contains" if self.names.family(field) == "text" else "is"

    def _range(self, field: str, options: Mapping[str, Any]) -> tuple[str, str, str] | None:
        bounds = {end: options[end] for end in RANGE_ENDS if end in options}
        if not bounds or {"gt", "gte"} <= bounds.keys() or {"lt", "lte"} <= bounds.keys():
            return None
        if self.names.family(field) == "date":
            words = dates(bounds)
        else:
            words = numbers(bounds, lambda value: self.names.value(field, value))
        return self.names.field(field), "is", words + parameters(options, *bounds)

    def _near(self, body: Mapping[str, Any]) -> tuple[str, str, str] | None:
        ((field, place),) = ((name, value) for name, value in body.items() if name not in PLACES["geo_distance"])
        rest = parameters(body, field, "distance")
        return self.names.field(field), "is", f"within {body['distance']} of {point(place)}{rest}"

    def _in_box(self, body: Mapping[str, Any]) -> tuple[str, str, str] | None:
        ((field, box),) = ((name, value) for name, value in body.items() if name not in PLACES["geo_bounding_box"])
        if box.keys() != {"top_left", "bottom_right"}:
            return None
        corners = f"{point(box['top_left'])} to {point(box['bottom_right'])}"
        return self.names.field(field), "is", f"in the box from {corners}{parameters(body, field)}"

    def _on_several(self, kind: str, body: Mapping[str, Any]) -> tuple[str, str, str]:
        given = body.get("fields")
        fields = [self.names.field(name, words=True) for name in given] if isinstance(given, list) else []
        subject = listed(fields, "or") or "any field"
        rest = parameters(body, "query", *(("fields",) if fields else ()))
        if kind == "multi_match":
            return subject, "mentions", _any_word(body["query"], None) + rest
        return subject, "fits", f"the {kind} {scalar(body['query'])}{rest}"


def ranking(query: Mapping[str, Any], *, scored: bool = True) -> Iterator[bool]:
    """For each condition that must or may hold, whether it ranks the hits."""
    for kind, body in query.items():
        if kind == "bool" and isinstance(body, dict):
            for occur in ("filter", "must", "should"):
                for part in body.get(occur, ()):
                    yield from ranking(part, scored=scored and occur != "filter")
        elif kind == "nested" and isinstance(body, dict) and isinstance(body.get("query"), dict):
            yield from ranking(body["query"], scored=scored)
        elif kind != "match_all":
            yield scored


def _only(kind: str, body: Any) -> tuple[str, Mapping[str, Any]] | None:
    """The only clause of a bool, and where it is; None: there are more, or the clause must not hold."""
    if kind != "bool" or len(body) != 1:
        return None
    ((occur, parts),) = body.items()
    return (occur, parts[0]) if occur in ("filter", "must") and len(parts) == 1 else None


def point(place: Any) -> str:
    """``(52.5, 13.4)``: latitude and longitude; other forms of a place as JSON."""
    if isinstance(place, Mapping) and place.keys() == {"lat", "lon"}:
        return f"({place['lat']}, {place['lon']})"
    return as_json(place)


def _any(values: Sequence[Any], words: Callable[[Any], str], last: str) -> str:
    each = [words(value) for value in values]
    return listed(each, last) if len(each) > 1 else f"one of {''.join(each) or 'nothing'}"


def _any_word(text: Any, operator: Any) -> str:
    several = not isinstance(text, str) or len(text.split()) > 1
    return f"all words of {scalar(text)}" if operator == "and" else f"{'any word of ' * several}{scalar(text)}"
