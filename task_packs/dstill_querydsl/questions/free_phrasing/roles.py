"""Conditions that tell a field by a role or a verb: "to Oslo" and "from Oslo", "delivered in May".

role_value(draw)       a value of two sister fields, and which of them is meant; without a word for that, the first
dated_by_verb(draw)    a date condition with the verb of its field
"""

from __future__ import annotations

from dataclasses import replace

from dstill_querydsl.questions.free_phrasing.conditions import condition, said_value
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, WordedCondition, options
from dstill_querydsl.questions.invented_schemas.field_phrases import verbs_of_time
from dstill_querydsl.questions.templates.context import Skip, values_at
from dstill_querydsl.questions.templates.words import mark

__all__ = ["KINDS", "dated_by_verb", "role_condition", "role_value"]

# kind → weight; `asked` draws these beside those of `conditions`
KINDS = {"role": 9.0, "verb": 5.0}
_PLAIN_PERCENT = 35  # percent of values of the first that are said without its role
_BOTH_PERCENT = 25  # percent of conditions on both


def role_condition(name: str, draw: AskedDraw) -> WordedCondition:
    """A condition of one of `KINDS`. Raises Skip."""
    return (role_value if name == "role" else dated_by_verb)(draw)


def role_value(draw: AskedDraw) -> WordedCondition:
    """A value of one of two sister fields, or of both. Raises Skip."""
    fields = list(draw.subject.sisters)
    roles = [role for role in draw.context.by_kind("category") if role.field in fields]
    if len(roles) != len(fields) or not fields:
        raise Skip("no sisters")
    if not draw.used.isdisjoint(role.stored for role in roles):
        raise Skip("asked for already")
    words, terms = {}, {}
    for role in roles:
        if values := values_at(draw.source, role.stored.split(".")):
            value = values[0]
            terms[role.field] = {"term": {role.field: value}}
            words[role.field] = mark(said_value(role, value, draw))
    if len({word.lower() for word in words.values()}) == len(fields) and draw.chance(_BOTH_PERCENT):
        order = draw.random.sample(fields, 2)
        draw.used |= {role.stored for role in roles}
        text = " ".join(_filled(draw, name, words[name]) for name in order)
        body = {"bool": {"filter": [terms[name] for name in order]}}
        return WordedCondition(kind="term+term", body=body, ways={"post": (text,), "bare": (text,)}, slots={})
    name = draw.random.choice(fields)
    if name not in words:
        raise Skip(name)
    draw.used.add(name)
    first = name == fields[0]
    if first and _is_known(draw, words[name], fields) and draw.chance(_PLAIN_PERCENT):
        ways = {place: options("conditions.value", place, "|") for place in ("pre", "post", "front", "bare")}
    else:
        ways = dict.fromkeys(("post", "bare"), draw.subject.sisters[name])
    return WordedCondition(kind="term", body=terms[name], ways=ways, slots={"v": words[name]})


def _filled(draw: AskedDraw, name: str, text: str) -> str:
    return draw.random.choice(draw.subject.sisters[name]).replace("{v}", text)


def _is_known(draw: AskedDraw, text: str, fields: list[str]) -> bool:
    """Whether only the two fields are known to have the value."""
    return draw.subject.having.get(text[1:-1].lower()) == frozenset(fields)


def dated_by_verb(draw: AskedDraw) -> WordedCondition:
    """A date condition as its field's verb says it: "shipped in May". Raises Skip."""
    clause = condition("date", draw)
    usual = draw.subject.date_nouns.get(clause.slots.get("f", "")[1:-1])
    _, participles = verbs_of_time((usual,)) if usual else ((), ())
    if not participles:
        raise Skip("no verb")
    ways = tuple(f"{participle} {{when}}" for participle in participles)
    return replace(clause, ways={"post": ways, "bare": ways})
