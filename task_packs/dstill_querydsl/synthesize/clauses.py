"""Conditions on whole values and on existence. `CLAUSES` has all conditions except dates.

    CLAUSES["user"](draw)   Clause(text="by user uma", body={"term": {"user.name": "uma"}}, …)

A maker takes its values from the drawn document, and raises `Skip` if the document has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dstill_querydsl.synthesize.draw import Clause, Draw, Maker, Skip
from dstill_querydsl.synthesize.measures import MEASURES
from dstill_querydsl.synthesize.texts import TEXTS
from dstill_querydsl.synthesize.values import COUNTRIES, OTHERS

__all__ = ["CLAUSES", "KEYWORDS"]

# kind → (field, wordings). The field is a keyword, or a number or address that `term` compares.
KEYWORDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "status": ("http.response.status_code", ("with status {}", "with status code {}", "that returned {}")),
    "method": ("http.request.method", ("with method {}", "using {}", "{} <")),
    "path": ("url.path.raw", ("to {}", "for the path {}", "with path {}")),
    "city": ("source.geo.city_name.keyword", ("from {}", "from the city {}")),
    "host": ("host.name", ("on host {}", "on {}", "served by {}")),
    "service": ("service.name", ("of the {} service", "handled by {}")),
    "user": ("user.name", ("by user {}", "of user {}", "made by {}")),
    "browser": ("user_agent.name", ("with browser {}", "sent by {}", "with {}")),
    "referrer": ("http.request.referrer", ("with referrer {}", "referred by {}")),
    "upstream": ("upstream.name", ("that went to upstream {}", "with upstream {}", "proxied to {}")),
    "ip": ("source.ip", ("from {}", "from address {}", "with ip {}")),
}
_TYPES = {"status": "integer", "ip": "ip"}
_NOTES = {
    "path": "url.path.raw is the keyword of url.path",
    "city": "source.geo.city_name.keyword is the keyword of the city",
    "upstream": "upstream is a plain object, upstream.name a keyword",
}
# sub-field → field in documents
_STORED = {"url.path.raw": "url.path", "source.geo.city_name.keyword": "source.geo.city_name"}


def _value(draw: Draw, kind: str) -> Any:
    field = KEYWORDS[kind][0]
    value = draw.value(_STORED.get(field, field))
    if value == 200 and draw.chance(75):
        raise Skip(field)  # most requests have it, but most questions are not about it
    return value


def _note(kind: str) -> str:
    return _NOTES.get(kind) or f"{KEYWORDS[kind][0]} is {_TYPES.get(kind, 'keyword')}"


def _said(template: str, value: Any, **more: Any) -> Clause:
    """A clause with the words of a template. They go before the noun if it ends with `` <``."""
    place = "before" if template.endswith(" <") else "after"
    return Clause(text=template.removesuffix(" <").format(value), place=place, **more)  # type: ignore[arg-type]


def _keyword(kind: str) -> Maker:
    field, ways = KEYWORDS[kind]

    def make(draw: Draw) -> Clause:
        value = _value(draw, kind)
        why = f"{_note(kind)}: term."
        return _said(draw.pick(*ways), value, body={"term": {field: value}}, why=why, terse=str(value))

    return make


def _either(kind: str) -> Maker:
    """Two values of one field: ``with status 502 or 504``."""
    field, ways = KEYWORDS[kind]

    def make(draw: Draw) -> Clause:
        mine, other = _value(draw, kind), _other(kind, draw)
        pair = draw.random.sample([mine, other], 2)
        text = draw.pick(*(way for way in ways if "<" not in way)).format("{} or {}")
        why = f"{_note(kind)}, one of two: terms."
        return Clause(text=text.format(*pair), body={"terms": {field: pair}}, why=why)

    return make


def _without(kind: str) -> Maker:
    """Not this value: ``but not by user uma``."""
    field, ways = KEYWORDS[kind]

    def make(draw: Draw) -> Clause:
        value = _other(kind, draw)
        way = draw.pick(*(way for way in ways if "<" not in way)).format(value)
        why = f"{_note(kind)}, excluded: term in must_not."
        text = draw.pick(f"but not {way}", f"except those {way}", f"excluding those {way}")
        return Clause(text=text, body={"term": {field: value}}, why=why, occur="must_not")

    return make


def _other(kind: str, draw: Draw) -> Any:
    """A value that this document does not have."""
    options = [value for value in OTHERS[kind] if value != _value(draw, kind)]
    return draw.random.choice(options)


def country(draw: Draw) -> Clause:
    code = draw.value("source.geo.country_iso_code")
    text = draw.pick("from {}", "coming from {}", "from country {}").format(COUNTRIES[code])
    why = f"{COUNTRIES[code]} is {code}; source.geo.country_iso_code is keyword: term."
    return Clause(text=text, body={"term": {"source.geo.country_iso_code": code}}, why=why, terse=code)


def cache(draw: Draw) -> Clause:
    value = draw.value("x-cache")
    text = draw.pick(f"with x-cache {value}", f"with cache status {value}", f"with cache status {value.lower()}")
    return Clause(text=text, body={"term": {"x-cache": value}}, why="x-cache is keyword, upper case: term.")


# kind → (field, wordings for documents with it, wordings for documents without it)
_PRESENCE: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "user": ("user.name", ("with a user name", "by a known user"), ("without a user name", "anonymous <")),
    "referrer": ("http.request.referrer", ("with a referrer", "that have a referrer"), ("without a referrer",)),
    "error": ("error.message", ("with an error message", "that logged an error"), ("without an error message",)),
    "cache": ("x-cache", ("with a cache status", "that have x-cache"), ("without a cache status", "lacking x-cache")),
    "upstream": ("upstream.name", ("with an upstream", "that reached an upstream"), ("without an upstream",)),
}


def _present(kind: str) -> Maker:
    field, ways, _ = _PRESENCE[kind]

    def make(draw: Draw) -> Clause:
        draw.value(field)
        return Clause(text=draw.pick(*ways), body={"exists": {"field": field}}, why=f"{field} is there: exists.")

    return make


def _absent(kind: str) -> Maker:
    field, _, ways = _PRESENCE[kind]

    def make(draw: Draw) -> Clause:
        try:
            draw.value(field)
        except Skip:
            why = f"{field} is missing: exists in must_not."
            clause = _said(draw.pick(*ways), "", body={"exists": {"field": field}}, why=why)
            return replace(clause, occur="must_not")
        raise Skip(field)

    return make


CLAUSES: Mapping[str, Maker] = {
    **{kind: _keyword(kind) for kind in KEYWORDS},
    **{f"either_{kind}": _either(kind) for kind in ("status", "host", "user", "path", "city")},
    **{f"not_{kind}": _without(kind) for kind in ("status", "host", "user", "path", "method")},
    **{f"has_{kind}": _present(kind) for kind in _PRESENCE},
    **{f"no_{kind}": _absent(kind) for kind in _PRESENCE},
    "country": country,
    "cache": cache,
    **MEASURES,
    **TEXTS,
}
