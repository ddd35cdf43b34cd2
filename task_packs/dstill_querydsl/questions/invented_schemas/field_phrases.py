"""The phrases of people for one kind of field: the table `concepts` of phrases.toml.

for_field(put, "over")   {"pred": ("cost more than {v}", …), "post": ("more expensive than {v}", …), "pre": ()}

`post` stands after the documents, `pre` before them, and `pred` is a verb in the plural.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from dstill_querydsl.questions.invented_schemas.schemas import Put
from dstill_querydsl.questions.invented_schemas.vocabulary import table

__all__ = ["Sayings", "choices", "extremes", "families_of", "for_field", "how", "sayings", "verbs_of_time"]

Sayings = Mapping[str, Sequence[str]]

_AMOUNTS = {
    "over": ("more than {v}", "over {v}", "more than {v}", "above {v}"),
    "at_least": ("at least {v}", "{v} or more", "no less than {v}", "a minimum of {v}", "at least {v}"),
    "under": ("less than {v}", "under {v}", "less than {v}", "below {v}"),
    "at_most": ("at most {v}", "up to {v}", "no more than {v}", "{v} or less", "a maximum of {v}"),
    "between": ("between {v} and {w}", "from {v} to {w}", "{v} to {w}", "somewhere between {v} and {w}"),
    "is": ("{v}", "exactly {v}", "{v}"),
}
_YEARS = {
    "over": ("after {v}", "later than {v}"),
    "at_least": ("in {v} or later", "since {v}", "from {v} on"),
    "under": ("before {v}", "earlier than {v}"),
    "at_most": ("in {v} or earlier", "up to {v}"),
    "between": ("between {v} and {w}", "from {v} to {w}"),
    "is": ("in {v}",),
}
_SINGULAR = {"are": "is", "were": "was", "have": "has", "do": "does", "don't": "doesn't"}
_NOT = {"are": "are not", "were": "were not"}
_BASES = ("come", "go", "have", "use", "belong", "run", "deal", "cover", "contain", "originate")


@cache
def choices(line: str, sign: str = "|") -> tuple[str, ...]:
    """The parts of a cell."""
    return tuple(part.strip() for part in re.split(rf"[{sign}\n]", line) if part.strip())


@cache
def _rows(name: str) -> Mapping[str, list[tuple[str, ...]]]:
    lines = (line.split("|") for line in table("phrases.toml")["concepts"][name].strip().splitlines())
    return {first.strip(): [choices(cell, ";") for cell in cells] for first, *cells in lines}


@cache
def _families() -> Mapping[str, tuple[str, ...]]:
    """First noun → families."""
    families: dict[str, tuple[str, ...]] = {}
    for line in table("phrases.toml")["concepts"]["members"].strip().splitlines():
        family, _, nouns = line.partition("|")
        for noun in nouns.split(","):
            families[noun.strip()] = (*families.get(noun.strip(), ()), family.strip())
    return families


def families_of(put: Put) -> tuple[str, ...]:
    """The families of a category."""
    return _families().get(put.concept.nouns[0], ())


def for_field(put: Put, key: str) -> Sayings:
    """Ways to say a condition of the kind `key`, if there are any."""
    return _for_field(put.concept.kind, put.concept.nouns, key, put.above)


@cache
def _for_field(kind: str, nouns: tuple[str, ...], key: str, above: str) -> Sayings:
    places = _SPEAKERS.get(kind, _nothing)(nouns, key)
    if not above:
        return places
    ways = [f"whose {above} {way}" for way in map(_in_singular, places.get("pred", ())) if way]
    return {"post": ways} if ways else {}


def sayings(put: Put) -> frozenset[str]:
    """Everything that is said of a number without its name."""
    return _sayings(put.concept.kind, put.concept.nouns, put.above)


@cache
def _sayings(kind: str, nouns: tuple[str, ...], above: str) -> frozenset[str]:
    rows = (_for_field(kind, nouns, key, above) for key in _AMOUNTS)
    return frozenset(way for row in rows for ways in row.values() for way in ways)


def _nothing(_nouns: Sequence[str], _key: str) -> Sayings:
    return {}


def _number(nouns: Sequence[str], key: str) -> Sayings:
    if key not in _AMOUNTS:
        return {}
    verbs, participles, more, less, *_ = _rows("numbers").get(nouns[0]) or _counted(nouns)
    pred = list(_with_amounts(verbs, key))
    post = list(_with_amounts(participles, key))
    compared = {"over": more, "under": less}.get(key, ())
    pred += [f"are {word} {{v}}" for word in compared]
    post += [f"{word} {{v}}" for word in compared] * 2
    return {"pred": pred, "post": post}


def _with_amounts(ways: Sequence[str], key: str) -> Iterator[str]:
    for way in ways:
        for amount in (_YEARS if "{y}" in way else _AMOUNTS)[key]:
            yield way.replace("{q}", amount).replace("{y}", amount)


def _counted(nouns: Sequence[str]) -> list[tuple[str, ...]]:
    """The row of what can be counted, such as the number of comments."""
    thing = next((noun.removeprefix("number of ") for noun in nouns if noun.startswith("number of ")), "")
    if not thing or " " in thing:
        return [(), (), (), (), (), (), ()]
    return [
        (f"have {{q}} {thing}",), (f"with {{q}} {thing}",), (), (), (f"with the most {thing}",),
        (f"with the fewest {thing}",), (f"how many {thing} do {{what}} have",),
    ]  # fmt: skip


def extremes(put: Put, order: str) -> Sequence[str]:
    """Words such as "cheapest" for the documents with the most or the least."""
    if put.concept.kind != "number" or put.above or put.within:
        return ()
    row = _rows("numbers").get(put.concept.nouns[0]) or _counted(put.concept.nouns)
    own = put.concept.most if order == "desc" else put.concept.least
    return tuple(dict.fromkeys([*row[4 if order == "desc" else 5], *([own] if own else [])]))


def how(put: Put) -> Sequence[str]:
    """Questions such as "how much do {what} cost"."""
    if put.concept.kind != "number" or put.above or put.within:
        return ()
    return (_rows("numbers").get(put.concept.nouns[0]) or _counted(put.concept.nouns))[6]


def _boolean(nouns: Sequence[str], key: str) -> Sayings:
    row = _rows("booleans").get(nouns[0])
    if row is None or key not in ("yes", "no"):
        return {}
    pred, pre = (row[0], row[2]) if key == "yes" else (row[1], row[3])
    return {"pred": pred, "post": [f"that {way}" for way in pred], "pre": pre}


def verbs_of_time(nouns: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Verbs and participles for a date, such as "were ordered" and "ordered"."""
    row = _rows("dates").get(nouns[0])
    return (row[0], row[1]) if row else ((), ())


def _date(nouns: Sequence[str], key: str) -> Sayings:
    verbs, participles = verbs_of_time(nouns)
    if key in ("when", "falls", "when_alone"):
        post = [f"{participle} {{when}}" for participle in participles] + [f"that {verb} {{when}}" for verb in verbs]
        return {"pred": [f"{verb} {{when}}" for verb in verbs], "post": post}
    done = [verb.removeprefix("were ") for verb in verbs if verb.startswith("were ") and nouns[0] not in _ALWAYS]
    if key == "has":
        pred = [f"{verb} {word}" for word in done for verb in ("were", "have been")]
    elif key == "lacks":
        pred = [f"{verb} {word}" for word in done for verb in ("were never", "have not been", "haven't been")]
        pred += [f"have not been {word} yet" for word in done]
    else:
        return {}
    return {"pred": pred, "post": [f"that {way}" for way in pred]}


_ALWAYS = ("creation date", "last update", "date of birth", "last login", "maintenance date")  # nothing is without


def _category(nouns: Sequence[str], key: str) -> Sayings:
    places: dict[str, list[str]] = {"pre": [], "post": [], "pred": []}
    if key not in ("is", "either", "not"):
        return {}
    for family in _families().get(nouns[0], ()):
        for place, ways in zip(("pre", "post", "pred"), _rows("families")[family], strict=True):
            places[place] += ways
    if key == "not":
        return {
            "pre": [f"non {text}" for text in places["pre"]],
            "post": [way for text in places["post"] for way in _without(text)],
            "pred": [way for text in places["pred"] for way in _negated(text)],
        }
    if key == "either":
        either = ("{v} or {w}", "either {v} or {w}", "{v} or {w}")
        return {
            place: [text.replace("{v}", way) for text in texts for way in either] for place, texts in places.items()
        }
    return places


def _without(post: str) -> Iterator[str]:
    if post.startswith(("that are ", "which are ")):
        yield post.replace(" are ", " are not ", 1)
        yield post.replace(" are ", " aren't ", 1)
    elif not post.startswith("that "):
        yield from (f"not {post}", f"except {post}", f"but not {post}", f"that are not {post}")


def _negated(pred: str) -> Iterator[str]:
    first, _, rest = pred.partition(" ")
    if first in _NOT:
        yield from (f"{_NOT[first]} {rest}", f"{first}n't {rest}")
    elif first in _BASES:
        yield from (f"do not {pred}", f"don't {pred}")


def _in_singular(pred: str) -> str:
    first, _, rest = pred.partition(" ")
    return f"{_SINGULAR[first]} {rest}" if first in _SINGULAR else ""


_SPEAKERS = {"number": _number, "boolean": _boolean, "date": _date, "category": _category}
