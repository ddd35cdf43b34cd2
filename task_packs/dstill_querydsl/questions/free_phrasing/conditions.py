"""The conditions of freely phrased questions, in forms for several places of a sentence.

    condition("value", draw)
    →  WordedCondition(kind="term", body={"term": {"country": "Spain"}}, ways={"pre": …, "post": …}, …)

A value stands without its field if no other field is known to have it, and a date if it is of the first date field.
Known values are also said in other cases, with other separators, in the plural, and by a part. Words of texts, and
values that are not known, are also words that no document has: who asks for such a word still asks for the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from dstill.linked.known import folded, same_value, telling_words, value_said
from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing import dates, numbers
from dstill_querydsl.questions.free_phrasing.participles import NEGATED, is_value, participle_of
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, WordedCondition, table, worded
from dstill_querydsl.questions.invented_schemas.vocabulary import vocabulary
from dstill_querydsl.questions.templates.conditions_places import point_near
from dstill_querydsl.questions.templates.context import Skip, usable, values_at
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import plural, sayable

__all__ = ["KINDS", "condition", "said_value", "stands_alone"]

_PLAIN = re.compile(r"[\w /.,'-]{1,60}")
_TOKEN = re.compile(r"[^\W_]{3,30}")
_COMMON = frozenset(
    ("the", "and", "for", "with", "from", "that", "this", "not", "are", "was", "were", "has", "have", "had", "its")
)
_SHORTEST_ALONE = 3  # characters of a value that stands without its field
_TRIES = 6  # for a word that the index does not have
OPEN_PERCENT = 45  # percent of the words of texts that are any words


def condition(name: str, draw: AskedDraw) -> WordedCondition:
    """A condition of one of `KINDS`. Raises Skip."""
    return _MAKERS[name](draw)


# --- values -----------------------------------------------------------------------------


def _shown(role: Role, draw: AskedDraw) -> tuple[str, ...]:
    known = draw.subject.profile.values.get(role.keyword) or draw.subject.profile.values.get(role.field)
    return tuple(value for value in known.values if isinstance(value, str)) if known else ()


def stands_alone(role: Role, value: Any, draw: AskedDraw) -> bool:
    """Whether the value tells its field."""
    text = folded(str(value))
    if len(text) < _SHORTEST_ALONE or text.isdigit() or text in STOP_WORDS:
        return False
    return draw.subject.having.get(text) == frozenset((role.field,))


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
    if chance < 0.91:
        return re.sub(r"[\W_]+", "", text).lower()
    telling = telling_words(tuple(shown))
    parts = [word for word in re.split(r"[\W_]+", text) if folded(word) in telling]
    if not parts:
        return text.lower()
    part = draw.random.choice(parts).lower()
    return part[: draw.random.randrange(4, len(part))] if len(part) > 5 and draw.chance(30) else part


def _category(draw: AskedDraw) -> tuple[Role, Any, bool]:
    role, value = draw.known_category()
    return role, value, stands_alone(role, value, draw) and draw.chance(65)


def _value(draw: AskedDraw) -> WordedCondition:
    role, value, alone = _category(draw)
    text = said_value(role, value, draw)
    clause = worded("term", {"term": {role.keyword: value}}, "value" if alone else "value_named", role, v=text)
    if not alone and role.word.ways and draw.chance(30):
        return _with_own(clause, role.word.ways)
    return clause


def _with_own(clause: WordedCondition, ways: Sequence[str]) -> WordedCondition:
    pre, post = [way[:-2] for way in ways if way.endswith(" <")], [way for way in ways if not way.endswith(" <")]
    return clause.with_ways(**{place: own for place, own in (("pre", pre), ("post", post)) if own})


def _unknown(draw: AskedDraw) -> WordedCondition:
    """A value that is not among the shown ones: a name, a word or a code."""
    role = draw.take("category")
    shown = _shown(role, draw)
    text = _code(draw) if draw.chance(55) else _any_word(draw)
    text = draw.pick(text, text.title(), text.upper()) if text.islower() else text
    if same_value(text, shown) or value_said(text, shown):
        raise Skip(role.field)
    if draw.chance(15):
        return worded("not", {"term": {role.field: text}}, "not_named", role, "must_not", v=text)
    return worded("term", {"term": {role.field: text}}, "value_named", role, v=text)


def _key(draw: AskedDraw) -> WordedCondition:
    """A document by its number or id."""
    role = draw.subject.key
    if role is None or role.stored in draw.used:
        raise Skip("no key")
    draw.used.add(role.stored)
    random = draw.random
    text = str(random.randrange(10 ** random.randrange(2, 7), 10**7))[: random.randrange(3, 8)]
    value: Any = int(text)
    if role.kind == "category":
        value = text = _code(draw) if draw.chance(70) else text
    return worded("term", {"term": {role.keyword: value}}, "key", role, v=text)


def _code(draw: AskedDraw) -> str:
    """An invented code, such as A-1234 or SUMMER24."""
    random = draw.random
    digits = str(random.randrange(10 ** random.randrange(1, 6), 10**6))[: random.randrange(1, 6)]
    letters = "".join(random.choice("ABCDEFGHKLMNPRSTUVWXZ") for _ in range(random.randrange(1, 4)))
    word = random.choice(_open_words()).upper() if draw.chance(30) else letters
    code = f"{word}{draw.pick('-', '', '', '_')}{digits}"
    return code.lower() if draw.chance(20) else code


@cache
def _open_words() -> tuple[str, ...]:
    """Words that texts can have: those of mentions.toml and the words and values of all domains."""
    words, mentions = vocabulary(), table("mentions.toml")
    more = [
        word for concept in words.concepts["category"] for value in concept.values for word in _TOKEN.findall(value)
    ]
    more += [
        word for domain in words.domains for noun in (domain.noun, *domain.objects) for word in _TOKEN.findall(noun)
    ]
    more += [word for fragment in words.fragments for word in _TOKEN.findall(fragment)]
    own = [word for key in mentions for word in mentions[key].split()]
    return tuple(sorted({word.lower() for word in more if word.isalpha()} - STOP_WORDS - _COMMON)) + tuple(own) * 3


def _any_word(draw: AskedDraw) -> str:
    """A word that no field and no known value has."""
    for _ in range(_TRIES):
        word = draw.random.choice(_open_words())
        roots = stems(word)
        if draw.context.vocabulary.isdisjoint(roots) and not any(root in draw.subject.having for root in roots):
            return str(word)
    raise Skip("it has them all")


def _either(draw: AskedDraw) -> WordedCondition:
    role, value, alone = _category(draw)
    other = draw.other(role, value)
    alone = alone and stands_alone(role, other, draw)
    pair = draw.random.sample((value, other), 2)
    v, w = (said_value(role, value, draw) for value in pair)
    key = "either" if alone else "either_named"
    return worded("either", {"terms": {role.keyword: pair}}, key, role, v=v, w=w)


def _or(draw: AskedDraw) -> WordedCondition:
    """Either of two conditions on two fields."""
    first, second = condition("value", draw), condition(draw.pick("value", "boolean", "number"), draw)
    if not (first.has("post") and second.has("post")):
        raise Skip("no words")
    both = [clause.phrase("post", draw) for clause in (first, second)]
    way = draw.pick("{} or {}", "either {} or {}", "{}, or {}", "{} or else {}", "that are one of the two: {} or {}")
    body = {"bool": {"should": [dict(first.body), dict(second.body)]}}
    ways = {"post": (way.format(*both),), "bare": (" or ".join(both),)}
    return WordedCondition(kind="or_fields", body=body, ways=ways, slots={})


def _not(draw: AskedDraw) -> WordedCondition:
    role, value, alone = _category(draw)
    other = draw.other(role, value)
    if not sayable(other):
        raise Skip(role.field)
    alone = alone and stands_alone(role, other, draw)
    text = said_value(role, other, draw)
    key = "not" if alone else "not_named"
    return worded("not", {"term": {role.keyword: other}}, key, role, "must_not", v=text)


def _neither(draw: AskedDraw) -> WordedCondition:
    """Neither of two values."""
    role, value, alone = _category(draw)
    first, second = draw.other(role, value), draw.other(role, value)
    if first == second or not (sayable(first) and sayable(second)):
        raise Skip(role.field)
    alone = alone and stands_alone(role, first, draw) and stands_alone(role, second, draw)
    v, w = (said_value(role, chosen, draw) for chosen in (first, second))
    key = "neither" if alone else "neither_named"
    return worded("neither", {"terms": {role.keyword: [first, second]}}, key, role, "must_not", v=v, w=w)


def _boolean(draw: AskedDraw) -> WordedCondition:
    role, value = draw.known("boolean")
    clause = worded("boolean", {"term": {role.field: value}}, "yes" if value else "no", role)
    noun = role.word.noun
    if (negated := NEGATED.get(noun)) and not value and not is_value(negated, draw) and draw.chance(50):
        return worded("boolean", clause.body, "quality", u=negated)
    if noun in NEGATED and draw.chance(35):
        return worded("boolean", clause.body, "done" if value else "undone", role, u=noun)
    own = role.word.yes if value else role.word.no
    ways = dict(clause.ways)
    if " " in noun or noun.endswith("flag"):  # it is no adjective
        ways["pre"] = ()
        ways["post"] = tuple(way for way in ways["post"] if re.match(r"with|where|that have set", way))
    if own and draw.chance(50):
        ways["post"] = (own,)
    return clause.with_ways(**ways)


def _has(draw: AskedDraw) -> WordedCondition:
    role = _sparse(draw, True)
    body = {"exists": {"field": role.field}}
    if role.kind == "date" and (done := participle_of(role, draw)) and done.happens and draw.chance(60):
        return worded("has", body, "done", role, u=done.word)
    if draw.chance(15):
        other = _sparse(draw, True)
        both = {"bool": {"filter": [{"exists": {"field": either.field}} for either in (role, other)]}}
        return worded("has+has", both, "has_both", role, h=other.word.noun)
    return worded("has", body, "has", role)


def _lacks(draw: AskedDraw) -> WordedCondition:
    role = _sparse(draw, False)
    body = {"exists": {"field": role.field}}
    if role.kind == "date" and (done := participle_of(role, draw)) and done.happens and draw.chance(60):
        if done.negated and draw.chance(40):
            return worded("lacks", body, "quality", role, "must_not", u=done.negated)
        return worded("lacks", body, "undone", role, "must_not", u=done.word)
    if (rated := _WITHOUT.get(role.word.noun)) and not is_value(rated, draw) and draw.chance(40):
        return worded("lacks", body, "quality", role, "must_not", u=rated)
    if role.kind == "text" and draw.chance(30):
        return worded("lacks", body, "lacks_text", role, "must_not")
    clause = worded("lacks", body, "lacks", role, "must_not")
    return clause if role.word.noun.isalpha() and draw.chance(40) else clause.with_ways(pre=())  # rating-less


# stem of a noun → what those without it are
_WITHOUT = {
    "rating": "unrated", "score": "unscored", "assignee": "unassigned", "label": "unlabelled", "title": "untitled",
    "name": "unnamed", "price": "unpriced", "grade": "ungraded", "supervisor": "unsupervised", "tag": "untagged",
    "category": "uncategorised", "owner": "ownerless", "sponsor": "unsponsored", "translation": "untranslated",
}  # fmt: skip


def _sparse(draw: AskedDraw, here: bool) -> Role:
    """A field that this document has or lacks; no flags, since "with" and "without" mean their values."""
    roles = draw.context.by_kind("category", "number", "date", "text", "ip", "geo")
    telling = [role for role in roles if role.field in draw.context.sparse and role.stored not in draw.used]
    role = draw.among(telling or roles)
    if bool(values_at(draw.source, role.stored.split("."))) is not here:
        raise Skip(role.field)
    return role


# --- texts and places -------------------------------------------------------------------


def _text_role(draw: AskedDraw) -> tuple[Role, str, bool]:
    roles = draw.context.by_kind("text")
    role = draw.among(roles)
    alone = not draw.subject.is_category(role) and len(roles) == 1  # else a word would be a whole value
    return role, draw.value(role), alone and draw.chance(60)


def _words(draw: AskedDraw) -> WordedCondition:
    role, text, alone = _text_role(draw)
    if draw.chance(OPEN_PERCENT):
        chosen = _any_word(draw)
        chosen = f"{chosen} {_any_word(draw)}" if draw.chance(12) else plural(chosen) if draw.chance(10) else chosen
    else:
        tokens = list(dict.fromkeys(w for w in _TOKEN.findall(text[:2_000]) if w.lower() not in _COMMON))
        if not tokens:
            raise Skip(role.field)
        chosen = " ".join(draw.random.sample(tokens, min(len(tokens), draw.pick(1, 1, 1, 2))))
        chosen = chosen.lower() if draw.chance(40) else chosen
    query: Any = {"query": chosen, "operator": "and"} if " " in chosen else chosen
    clause = worded("words", {"match": {role.field: query}}, "words" if alone else "words_named", role, v=chosen)
    return clause.with_ways(pre=()) if " " in chosen else clause


def _phrase(draw: AskedDraw) -> WordedCondition:
    role, text, alone = _text_role(draw)
    tokens = list(_TOKEN.finditer(text[:2_000]))
    if len(tokens) < 2:
        raise Skip(role.field)
    start = draw.random.randrange(len(tokens) - 1)
    quoted = text[tokens[start].start() : tokens[start + 1].end()]
    if not _PLAIN.fullmatch(quoted):
        raise Skip("nobody quotes that")
    quoted = quoted.lower() if draw.chance(30) else quoted
    return worded(
        "phrase", {"match_phrase": {role.field: quoted}}, "phrase" if alone else "phrase_named", role, v=quoted
    )


def _near(draw: AskedDraw) -> WordedCondition:
    if len(draw.context.by_kind("geo")) != 1:
        raise Skip("which place?")
    role, value = draw.known("geo")
    point, distance = point_near(value), draw.pick(2, 5, 10, 20, 25, 50, 75, 100, 200, 250, 500)
    body = {"geo_distance": {"distance": f"{distance}km", role.field: point}}
    shown = draw.pick(f"{point['lat']}, {point['lon']}", f"{point['lat']},{point['lon']}")
    return worded("near", body, "near", role, d=distance, v=shown)


def _prefix(draw: AskedDraw) -> WordedCondition:
    role, value = draw.known_category()
    text = str(value)
    if len(text) < 5:
        raise Skip(role.field)
    start = text[: draw.random.randrange(2, min(len(text), 7))].strip()
    return worded("prefix", {"prefix": {role.keyword: start}}, "prefix", role, v=start)


def _address(draw: AskedDraw) -> WordedCondition:
    role, value = draw.known("ip")
    alone = len(draw.context.by_kind("ip")) == 1 and draw.chance(50)
    return worded("address", {"term": {role.field: value}}, "value" if alone else "value_named", role, v=value)


# --- lists of objects -------------------------------------------------------------------


def _inner(draw: AskedDraw) -> WordedCondition:
    """A value in one of the objects of a list, and now and then a number in the same object."""
    nested = draw.context.nested
    if not nested:
        raise Skip("no lists")
    path = draw.random.choice(list(nested))
    role = draw.among([role for role in nested[path] if role.kind == "category"])
    sources = [draw.source] if draw.chance(50) else draw.context.sources
    values = [value for source in sources for value in values_at(source, role.stored.split(".")) if usable(role, value)]
    if not values:
        raise Skip(path)
    value = draw.random.choice(values)
    text = said_value(role, value, draw)
    alone = stands_alone(role, value, draw) and draw.chance(75)
    filters: list[Any] = [{"term": {role.keyword: value}}]
    slots: dict[str, Any] = {"v": text}
    key = "inner" if alone else "inner_named"
    amounts = [amount for amount in nested[path] if amount.kind == "number" and amount.measures]
    if amounts and draw.chance(35):
        number = draw.among(amounts)
        limit, bound = draw.pick(2, 3, 4, 5, 10, 20, 50), draw.pick("gte", "gt", "lt")
        filters.append({"range": {number.field: {bound: limit}}})
        counted = alone and not _COUNTED.isdisjoint(stems(number.word.noun))
        key = f"inner_{bound}{'_counted' if counted else ''}"
        slots |= {"n": str(limit), "g": number.word.noun, "many": plural(text)}
        if not alone:
            slots["v"] = f"{role.word.noun} {text}"
    body = {"nested": {"path": path, "query": {"bool": {"filter": filters}}}}
    return worded("inner", body, key, role, **slots)


_COUNTED = frozenset(stems("quantity pieces count items number copies amount"))  # "3 or more pears"


_MAKERS: Mapping[str, Callable[[AskedDraw], WordedCondition]] = {
    "value": _value, "unknown": _unknown, "either": _either, "not": _not, "neither": _neither, "or": _or,
    "boolean": _boolean, "has": _has, "lacks": _lacks, "number": numbers.number, "amount": numbers.amount,
    "key": _key, "times": numbers.times, "zero": numbers.zero, "between": numbers.between, "equal": numbers.equal,
    "words": _words, "phrase": _phrase, "near": _near, "prefix": _prefix, "address": _address, "inner": _inner,
    "date": dates.date,
}  # fmt: skip
# kind → weight
KINDS: Mapping[str, float] = {
    "value": 28, "unknown": 4, "either": 5, "not": 5, "neither": 1.5, "or": 2, "boolean": 9, "has": 4, "lacks": 14,
    "number": 15, "amount": 2.5, "key": 2, "times": 2.5, "zero": 2, "between": 3, "equal": 4.5, "words": 7,
    "phrase": 2.5, "near": 1.5, "prefix": 1, "address": 1, "inner": 3, "date": 22,
}  # fmt: skip
