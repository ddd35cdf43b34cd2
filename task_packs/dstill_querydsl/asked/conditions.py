"""The conditions of freely phrased questions, in forms for several places of a sentence.

    condition("value", draw)
    →  Condition(kind="term", body={"term": {"country": "Spain"}}, forms={"pre": "spain", "post": "from spain", …})

A value stands without its field if no other field is known to have it, and a date if it is of the first date field.
Known values are also said in other cases, with other separators, in the plural, and by a part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dstill.linked.known import folded, telling_words, value_said
from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import stems
from dstill_querydsl.asked.dates import date_condition
from dstill_querydsl.asked.wording import AskedDraw, Condition, worded
from dstill_querydsl.linked.adjectives import ADJECTIVES, Adjective
from dstill_querydsl.questions.conditions_numbers import limits
from dstill_querydsl.questions.conditions_places import point_near
from dstill_querydsl.questions.context import Skip, values_at
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.units import spell
from dstill_querydsl.questions.words import plural, sayable

__all__ = ["KINDS", "adjective_of", "condition", "said_value", "stands_alone"]

_PLAIN = re.compile(r"[\w /.,'-]{1,60}")
_TOKEN = re.compile(r"[^\W_]{3,30}")
_COMMON = frozenset(
    ("the", "and", "for", "with", "from", "that", "this", "not", "are", "was", "were", "has", "have", "had", "its")
)
_SHORTEST_ALONE = 3  # characters of a value that stands without its field


def condition(name: str, draw: AskedDraw) -> Condition:
    """A condition of one of `KINDS`. Raises Skip."""
    return _MAKERS[name](draw)


# --- values -----------------------------------------------------------------------------


def _shown(role: Role, draw: AskedDraw) -> tuple[str, ...]:
    known = draw.subject.profile.values.get(role.keyword) or draw.subject.profile.values.get(role.field)
    return tuple(one for one in known.values if isinstance(one, str)) if known else ()


def stands_alone(role: Role, value: Any, draw: AskedDraw) -> bool:
    """Whether the value tells its field."""
    said = folded(str(value))
    if len(said) < _SHORTEST_ALONE or said.isdigit() or said in STOP_WORDS:
        return False
    return draw.subject.having.get(said) == frozenset((role.field,))


def said_value(role: Role, value: Any, draw: AskedDraw) -> str:
    """The value as a question writes it. A value that is not known is written as it is."""
    text, shown = str(value), _shown(role, draw)
    if text not in shown or draw.chance(40):
        return text
    other = _form(text, shown, draw)
    return other if value_said(other, shown) == text else text


def _form(text: str, shown: Sequence[str], draw: AskedDraw) -> str:
    """A known value in another form, mostly in lower case."""
    chance = draw.random.random()
    if chance < 0.6:
        return text.lower()
    if chance < 0.67:
        return text.title() if text.islower() else text.upper()
    if chance < 0.78:
        return re.sub(r"[_-]+", " ", text).lower()
    if chance < 0.88:
        return plural(text.replace("_", " ").lower())
    telling = telling_words(tuple(shown))
    parts = [word for word in re.split(r"[\W_]+", text) if folded(word) in telling]
    return draw.random.choice(parts).lower() if parts else text.lower()


def _category(draw: AskedDraw) -> tuple[Role, Any, bool]:
    role, value = draw.known_category()
    return role, value, stands_alone(role, value, draw) and draw.chance(65)


def _value(draw: AskedDraw) -> Condition:
    role, value, alone = _category(draw)
    said = said_value(role, value, draw)
    made = worded("term", {"term": {role.keyword: value}}, "value" if alone else "value_named", role, v=said)
    if not alone and role.word.ways and draw.chance(30):
        return _with_own(made, role.word.ways)
    return made


def _with_own(made: Condition, ways: Sequence[str]) -> Condition:
    own = {"pre": [way[:-2] for way in ways if way.endswith(" <")], "post": [w for w in ways if not w.endswith(" <")]}
    return Condition(
        kind=made.kind, body=made.body, ways={**made.ways, **{k: v for k, v in own.items() if v}}, slots=made.slots
    )


def _either(draw: AskedDraw) -> Condition:
    role, value, alone = _category(draw)
    other = draw.other(role, value)
    alone = alone and stands_alone(role, other, draw)
    pair = draw.random.sample((value, other), 2)
    v, w = (said_value(role, one, draw) for one in pair)
    key = "either" if alone else "either_named"
    return worded("either", {"terms": {role.keyword: pair}}, key, role, v=v, w=w)


def _or(draw: AskedDraw) -> Condition:
    """Either of two conditions on two fields."""
    one, other = condition("value", draw), condition(draw.pick("value", "boolean", "number"), draw)
    if not (one.has("post") and other.has("post")):
        raise Skip("no words")
    both = [made.said("post", draw) for made in (one, other)]
    way = draw.pick("{} or {}", "either {} or {}", "{}, or {}", "{} or else {}", "that are one of the two: {} or {}")
    body = {"bool": {"should": [dict(one.body), dict(other.body)]}}
    ways = {"post": (way.format(*both),), "bare": (" or ".join(both),)}
    return Condition(kind="or_fields", body=body, ways=ways, slots={})


def _not(draw: AskedDraw) -> Condition:
    role, value, alone = _category(draw)
    other = draw.other(role, value)
    if not sayable(other):
        raise Skip(role.field)
    alone = alone and stands_alone(role, other, draw)
    said = said_value(role, other, draw)
    key = "not" if alone else "not_named"
    return worded("not", {"term": {role.keyword: other}}, key, role, "must_not", v=said)


def _boolean(draw: AskedDraw) -> Condition:
    role, value = draw.known("boolean")
    made = worded("boolean", {"term": {role.field: value}}, "yes" if value else "no", role)
    own = role.word.yes if value else role.word.no
    ways = dict(made.ways)
    if " " in role.word.noun or role.word.noun.endswith("flag"):  # it is no adjective
        ways["pre"] = ()
        ways["post"] = tuple(way for way in ways["post"] if re.match(r"with|where|that have set", way))
    if own and draw.chance(50):
        ways["post"] = (own,)
    return Condition(kind="boolean", body=made.body, ways=ways, slots=made.slots)


def _has(draw: AskedDraw) -> Condition:
    role = _sparse(draw, True)
    if draw.chance(15):
        other = _sparse(draw, True)
        body = {"bool": {"filter": [{"exists": {"field": one.field}} for one in (role, other)]}}
        return worded("has+has", body, "has_both", role, h=other.word.noun)
    return worded("has", {"exists": {"field": role.field}}, "has", role)


def _lacks(draw: AskedDraw) -> Condition:
    role = _sparse(draw, False)
    return worded("lacks", {"exists": {"field": role.field}}, "lacks", role, "must_not")


def _sparse(draw: AskedDraw, here: bool) -> Role:
    """A field that this document has or lacks; no flags, since "with" and "without" mean their values."""
    roles = draw.context.of_kind("category", "number", "date", "text", "ip", "geo")
    telling = [role for role in roles if role.field in draw.context.sparse and role.stored not in draw.used]
    role = draw.among(telling or roles)
    if bool(values_at(draw.source, role.stored.split("."))) is not here:
        raise Skip(role.field)
    return role


# --- numbers ----------------------------------------------------------------------------

_BOUNDS = ("gt", "gte", "lt", "lte")


def _number(draw: AskedDraw) -> Condition:
    role, value = draw.known("number")
    if role.code:
        raise Skip(role.field)
    known = role.known.low
    if isinstance(known, (int, float)) and known < 0 and draw.chance(50):
        bound = "lt" if value < 0 else "gt"
        return worded("range", {"range": {role.field: {bound: 0}}}, "negative" if value < 0 else "positive", role)
    low, high = limits(role, value)
    bound = draw.random.choice(_BOUNDS)
    limit = low if bound in ("gt", "gte") else high
    if bound == "gt" and low == value:
        raise Skip(role.field)
    body = {"range": {role.field: {bound: limit}}}
    shown = spell(limit, role.word.unit, draw.random)
    adjective = adjective_of(role, draw)
    more = adjective.more[1:2] if adjective else _comparative(role.word.most)
    less = adjective.less[1:2] if adjective else _comparative(role.word.least)
    if bound == "gt" and more and draw.chance(45):
        return worded("range", body, "gt_more", role, v=shown, more=more[0])
    if bound == "lt" and less and draw.chance(45):
        return worded("range", body, "lt_less", role, v=shown, less=less[0])
    alone = role.word.unit and sum(one.word.unit == role.word.unit for one in draw.context.of_kind("number")) == 1
    key = f"{bound}_unit" if alone and draw.chance(35) else bound
    return worded("range", body, key, role, v=shown)


def _comparative(superlative: str) -> tuple[str, ...]:
    """Slower for slowest. Empty if that is not so easy."""
    return (f"{superlative[:-3]}er",) if re.fullmatch(r"[a-z]+est", superlative) else ()


def adjective_of(role: Role, draw: AskedDraw) -> Adjective | None:
    """An adjective that tells this number and no other."""
    found = [one for one in ADJECTIVES if _measured_by(role, one)]
    if not found:
        return None
    chosen: Adjective = draw.random.choice(found)
    return chosen if sum(_measured_by(one, chosen) for one in draw.context.of_kind("number")) == 1 else None


def _measured_by(role: Role, adjective: Adjective) -> bool:
    return not set(stems(role.word.noun)).isdisjoint(adjective.nouns)


def _between(draw: AskedDraw) -> Condition:
    role, value = draw.known("number")
    low, above = limits(role, value)
    high = draw.pick(above, above + draw.pick(1, 2, 5) * (above - low))
    high = high if isinstance(high, int) else float(f"{high:.6g}")
    v, w = (spell(one, role.word.unit, draw.random) for one in (low, high))
    if draw.chance(40):
        v = v.split(" ")[0] if v.split(" ")[1:] == w.split(" ")[1:] else v  # 5 to 10 s
    return worded("between", {"range": {role.field: {"gte": low, "lte": high}}}, "between", role, v=v, w=w)


def _equal(draw: AskedDraw) -> Condition:
    role, value = draw.known("number")
    if len(str(value)) > 4:
        raise Skip("nobody says such a number")
    return worded("eq", {"term": {role.field: value}}, "eq", role, v=spell(value, role.word.unit, draw.random))


# --- texts and places -------------------------------------------------------------------


def _text_role(draw: AskedDraw) -> tuple[Role, str, bool]:
    roles = draw.context.of_kind("text")
    role = draw.among(roles)
    alone = not draw.subject.is_category(role) and len(roles) == 1  # else a word would be a whole value
    return role, draw.value(role), alone and draw.chance(60)


def _words(draw: AskedDraw) -> Condition:
    role, text, alone = _text_role(draw)
    found = list(dict.fromkeys(w for w in _TOKEN.findall(text[:2_000]) if w.lower() not in _COMMON))
    if not found:
        raise Skip(role.field)
    chosen = " ".join(draw.random.sample(found, min(len(found), draw.pick(1, 1, 1, 2))))
    chosen = chosen.lower() if draw.chance(40) else chosen
    query: Any = {"query": chosen, "operator": "and"} if " " in chosen else chosen
    return worded("words", {"match": {role.field: query}}, "words" if alone else "words_named", role, v=chosen)


def _phrase(draw: AskedDraw) -> Condition:
    role, text, alone = _text_role(draw)
    found = list(_TOKEN.finditer(text[:2_000]))
    if len(found) < 2:
        raise Skip(role.field)
    start = draw.random.randrange(len(found) - 1)
    quoted = text[found[start].start() : found[start + 1].end()]
    if not _PLAIN.fullmatch(quoted):
        raise Skip("nobody quotes that")
    quoted = quoted.lower() if draw.chance(30) else quoted
    return worded(
        "phrase", {"match_phrase": {role.field: quoted}}, "phrase" if alone else "phrase_named", role, v=quoted
    )


def _near(draw: AskedDraw) -> Condition:
    if len(draw.context.of_kind("geo")) != 1:
        raise Skip("which place?")
    role, value = draw.known("geo")
    point, distance = point_near(value), draw.pick(2, 5, 10, 20, 25, 50, 75, 100, 200, 250, 500)
    body = {"geo_distance": {"distance": f"{distance}km", role.field: point}}
    shown = draw.pick(f"{point['lat']}, {point['lon']}", f"{point['lat']},{point['lon']}")
    return worded("near", body, "near", role, d=distance, v=shown)


def _prefix(draw: AskedDraw) -> Condition:
    role, value = draw.known_category()
    text = str(value)
    if len(text) < 5:
        raise Skip(role.field)
    start = text[: draw.random.randrange(2, min(len(text), 7))].strip()
    return worded("prefix", {"prefix": {role.keyword: start}}, "prefix", role, v=start)


def _address(draw: AskedDraw) -> Condition:
    role, value = draw.known("ip")
    alone = len(draw.context.of_kind("ip")) == 1 and draw.chance(50)
    return worded("address", {"term": {role.field: value}}, "value" if alone else "value_named", role, v=value)


_MAKERS: Mapping[str, Callable[[AskedDraw], Condition]] = {
    "value": _value, "either": _either, "not": _not, "or": _or, "boolean": _boolean, "has": _has, "lacks": _lacks,
    "number": _number, "between": _between, "equal": _equal, "words": _words, "phrase": _phrase, "near": _near,
    "prefix": _prefix, "address": _address, "date": date_condition,
}  # fmt: skip
# kind → weight
KINDS: Mapping[str, float] = {
    "value": 30, "either": 5, "not": 6, "or": 2, "boolean": 7, "has": 4, "lacks": 5, "number": 16, "between": 3,
    "equal": 3, "words": 5, "phrase": 2.5, "near": 1.5, "prefix": 1, "address": 1, "date": 18,
}  # fmt: skip
