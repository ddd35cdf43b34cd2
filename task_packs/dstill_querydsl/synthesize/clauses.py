"""Conditions on everything but time: `CLAUSES` maps a stable kind to its maker.

    CLAUSES["user"](draw)   Clause(text="by user uma", body={"term": {"user.name": "uma"}}, …)

A maker takes its values from the drawn document and raises `Skip` where that has none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping

from dstill_querydsl.synthesize.draw import Clause, Draw, Skip
from dstill_querydsl.synthesize.values import COUNTRIES, duration_words, round_down, round_up, size_words

__all__ = ["CLAUSES", "KEYWORDS", "Maker"]

Maker = Callable[[Draw], Clause]

# kind → (field, ways to say it). The field is a keyword, or a number or address that `term` compares.
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
# sub-fields are not in the documents
_STORED = {"url.path.raw": "url.path", "source.geo.city_name.keyword": "source.geo.city_name"}


def _value(draw: Draw, kind: str) -> Any:
    field = KEYWORDS[kind][0]
    value = draw.value(_STORED.get(field, field))
    if value == 200 and draw.chance(75):
        raise Skip(field)  # most requests end so, most questions are not about them
    return value


def _note(kind: str) -> str:
    return _NOTES.get(kind) or f"{KEYWORDS[kind][0]} is {_TYPES.get(kind, 'keyword')}"


def _said(draw: Draw, template: str, value: Any, **more: Any) -> Clause:
    """A clause whose words may stand before the noun: templates that end in `` <``."""
    place = "before" if template.endswith(" <") else "after"
    return Clause(text=template.removesuffix(" <").format(value), place=place, **more)  # type: ignore[arg-type]


def _keyword(kind: str) -> Maker:
    field, ways = KEYWORDS[kind]

    def make(draw: Draw) -> Clause:
        value = _value(draw, kind)
        why = f"{_note(kind)}: term."
        return _said(draw, draw.pick(*ways), value, body={"term": {field: value}}, why=why, terse=str(value))

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
    """A value that other documents have and this one has not."""
    from dstill_querydsl.synthesize.values import OTHERS

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


STATUS_CLASSES = {
    2: ("successful", "success", "2xx"),
    3: ("redirected", "a redirect", "3xx"),
    4: ("client error", "a client error", "4xx"),
    5: ("server error", "a server error", "5xx"),
}


def status_class(draw: Draw) -> Clause:
    hundreds = draw.value("http.response.status_code") // 100
    low, high = hundreds * 100, hundreds * 100 + 100
    _, noun, digits = STATUS_CLASSES[hundreds]
    text = draw.pick(f"that ended in {noun}", f"with a {digits} status", f"that returned {digits}")
    why = f"{digits} is {low} to {high - 1}; http.response.status_code is integer: range."
    return Clause(text=text, body=_range("http.response.status_code", gte=low, lt=high), why=why, terse=digits)


def _range(field: str, **bounds: Any) -> dict[str, Any]:
    return {"range": {field: bounds}}


def _measure(field: str, note: str, words: Mapping[str, tuple[str, ...]], spell: Callable[[Draw, int], str]) -> Maker:
    """A number above or below a round one near the document's own."""

    def make(draw: Draw) -> Clause:
        value = draw.value(field)
        bound = draw.pick("gt", "gte", "lt", "lte", "between")
        low, high = round_down(value), round_up(value)
        if low < 1_000 or low == value:
            raise Skip(field)
        if bound == "between":
            high = round_up(value * draw.random.choice((2, 3, 4)))
            text = draw.pick(*words["between"]).format(spell(draw, low), spell(draw, high))
            return Clause(text=text, body=_range(field, gte=low, lte=high), why=f"{note}, between: range gte lte.")
        limit = low if bound in ("gt", "gte") else high
        text = draw.pick(*words[bound]).format(spell(draw, limit))
        why = f"{note}, {_MEANING[bound]}: range {bound}."
        return Clause(text=text, body=_range(field, **{bound: limit}), why=why)

    return make


_MEANING = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most"}

duration = _measure(
    "event.duration",
    "event.duration is long in nanoseconds",
    {
        "gt": ("slower than {}", "that took more than {}", "over {}", "longer than {}"),
        "gte": ("that took at least {}", "of {} or more", "that took {} or longer"),
        "lt": ("faster than {}", "that took less than {}", "under {}"),
        "lte": ("that took at most {}", "of {} or less", "that took no more than {}"),
        "between": ("that took between {} and {}", "between {} and {}"),
    },
    duration_words,
)
size = _measure(
    "http.response.bytes",
    "http.response.bytes is long",
    {
        "gt": ("with a response larger than {}", "with more than {}", "bigger than {}"),
        "gte": ("with a response of at least {}", "with {} or more"),
        "lt": ("with a response smaller than {}", "with less than {}", "smaller than {}"),
        "lte": ("with a response of at most {}", "with {} or less"),
        "between": ("with a response between {} and {}", "with {} to {}"),
    },
    size_words,
)


def status_range(draw: Draw) -> Clause:
    """Wording traps on a small integer: over 500 is not at least 500."""
    value = draw.value("http.response.status_code")
    if value in (200, 504):
        raise Skip("the lowest or highest there is")
    way, bound, limit = draw.random.choice(
        (("above {}", "gt", value - 1), ("of {} or higher", "gte", value), ("of at least {}", "gte", value),
         ("below {}", "lt", value + 1), ("of at most {}", "lte", value))
    )  # fmt: skip
    why = f"http.response.status_code is integer, {_MEANING[bound]}: range {bound}."
    text = "with a status " + way.format(limit)
    return Clause(text=text, body=_range("http.response.status_code", **{bound: limit}), why=why)


def prefix(draw: Draw) -> Clause:
    section = "/" + draw.value("url.path").split("/")[1]
    value = draw.value("url.path")[: len(section) + 2] if draw.chance(20) else draw.pick(section, section + "/")
    text = draw.pick("under {}", "whose path starts with {}", "with a path beginning with {}").format(value)
    why = "url.path.raw is the keyword of url.path, its start: prefix."
    return Clause(text=text, body={"prefix": {"url.path.raw": value}}, why=why, terse=value + "*")


def network(draw: Draw) -> Clause:
    parts = draw.value("source.ip").split(".")
    bits = draw.random.choice((24, 25, 26, 27, 28))
    last = int(parts[3]) // 2 ** (32 - bits) * 2 ** (32 - bits)
    value = ".".join([*parts[:3], str(last)]) + f"/{bits}"
    text = draw.pick("from {}", "from the network {}", "from the subnet {}", "with an address in {}").format(value)
    return Clause(text=text, body={"term": {"source.ip": value}}, why="source.ip is ip, takes CIDR: term.", terse=value)


def words(draw: Draw) -> Clause:
    """Words of an error message, all of them, in any order."""
    said = draw.value("error.message").split(" in ")
    text = draw.random.choice((said[1], said[0].split()[0], f"{said[0].split()[-1]} {said[1]}"))
    if text in ("in", "by"):
        raise Skip("error.message")
    ways = ("whose error mentions {}", "with {} in the error message", "with an error about {}")
    body = {"match": {"error.message": {"query": text, "operator": "and"}}} if " " in text else _match(text)
    why = "error.message is text, all words: match" + (" with and." if " " in text else ".")
    return Clause(text=draw.pick(*ways).format(text), body=body, why=why)


def _match(text: str) -> dict[str, Any]:
    return {"match": {"error.message": text}}


def phrase(draw: Draw) -> Clause:
    said = draw.value("error.message")
    text = draw.random.choice((said, said.split(" in ")[0], " ".join(said.split()[-3:])))
    ways = ('whose error says "{}"', 'with the error "{}"', 'with the exact phrase "{}" in the error')
    why = "error.message is text, exact words in order: match_phrase."
    return Clause(text=draw.pick(*ways).format(text), body={"match_phrase": {"error.message": text}}, why=why)


def path_words(draw: Draw) -> Clause:
    word = draw.random.choice(draw.value("url.path").strip("/").split("/"))
    text = draw.pick("whose path contains the word {}", "with {} in the path", "whose path mentions {}").format(word)
    why = "url.path is text, a word of it: match."
    return Clause(text=text, body={"match": {"url.path": word}}, why=why)


def agent_words(draw: Draw) -> Clause:
    word = draw.random.choice([w for w in draw.value("user_agent.original").replace("/", " ").split() if w.isalpha()])
    text = draw.pick("whose user agent mentions {}", "with {} in the user agent").format(word)
    why = "user_agent.original is text, a word of it: match."
    return Clause(text=text, body={"match": {"user_agent.original": word}}, why=why)


# kind → (field, its documents have one, they have none)
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
            clause = _said(draw, draw.pick(*ways), "", body={"exists": {"field": field}}, why=why)
            return replace(clause, occur="must_not")
        raise Skip(field)

    return make


def slow(draw: Draw) -> Clause:
    if draw.value("event.duration") <= 1_000_000_000:
        raise Skip("fast")
    why = "slow means over 1 second; event.duration is long in nanoseconds: range gt."
    return Clause(text="slow", place="before", body=_range("event.duration", gt=1_000_000_000), why=why)


def large(draw: Draw) -> Clause:
    if draw.value("http.response.bytes") <= 1_000_000:
        raise Skip("small")
    why = "large means over 1 MB; http.response.bytes is long: range gt."
    return Clause(
        text=draw.pick("large", "big"), place="before", body=_range("http.response.bytes", gt=1_000_000), why=why
    )


def failed(draw: Draw) -> Clause:
    if draw.value("http.response.status_code") < 500:
        raise Skip("fine")
    why = "failed means a 5xx; http.response.status_code is integer: range."
    text = draw.pick("failed", "failing")
    return Clause(text=text, place="before", body=_range("http.response.status_code", gte=500, lt=600), why=why)


CLAUSES: Mapping[str, Maker] = {
    **{kind: _keyword(kind) for kind in KEYWORDS},
    **{f"either_{kind}": _either(kind) for kind in ("status", "host", "user", "path", "city")},
    **{f"not_{kind}": _without(kind) for kind in ("status", "host", "user", "path", "method")},
    **{f"has_{kind}": _present(kind) for kind in _PRESENCE},
    **{f"no_{kind}": _absent(kind) for kind in _PRESENCE},
    "country": country,
    "cache": cache,
    "status_class": status_class,
    "status_range": status_range,
    "duration": duration,
    "size": size,
    "prefix": prefix,
    "network": network,
    "words": words,
    "phrase": phrase,
    "path_words": path_words,
    "agent_words": agent_words,
    "slow": slow,
    "large": large,
    "failed": failed,
}
