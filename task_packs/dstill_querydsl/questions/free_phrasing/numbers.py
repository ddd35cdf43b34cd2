"""Numbers in freely phrased questions: bounds, ranges and amounts, with their field, their unit, or an adjective.

number(draw)      "with a price over 20", "> 30 eur", "under 5 km deep"
amount(draw)      "longer than half an hour", "with at least a dozen updates"
zero(draw)        "with zero updates", "with at least one update"
"""

from __future__ import annotations

import re

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.adjectives import ADJECTIVES, Adjective
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, WordedCondition, worded
from dstill_querydsl.questions.templates.conditions_numbers import limits
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.units import in_words, spell
from dstill_querydsl.questions.templates.words import mark

__all__ = ["adjective_of", "amount", "between", "equal", "number", "times", "zero"]

_BOUNDS = ("gt", "gte", "lt", "lte")


_MONEY = frozenset(
    stems("price cost amount fee salary revenue budget income fare tip wage rent turnover profit sales charge postage")
)
_SIGNS = ("$", "$", "€", "£")
_CURRENCIES = ("eur", "euro", "euros", "dollars", "usd", "bucks", "pounds", "gbp")


def _is_money(role: Role) -> bool:
    return not role.word.unit and not _MONEY.isdisjoint(stems(role.word.noun))


def _amount(value: int | float, role: Role, draw: AskedDraw, *, currency: bool = False) -> str:
    """A number with its unit: as it is, in words, or with a currency."""
    text = spell(value, role.word.unit, draw.random)
    if _is_money(role) and (currency or draw.chance(40)):
        if draw.chance(40 if not currency else 50):
            return f"{text} {draw.pick(*_CURRENCIES)}"
        return f"{draw.pick(*_SIGNS)}{text}"
    return in_words(text) if draw.chance(15) else text


def _tells_field(role: Role, draw: AskedDraw) -> bool:
    """Whether the unit or the currency is that of this number only."""
    numbers = draw.context.by_kind("number")
    if role.word.unit:
        return sum(other.word.unit == role.word.unit for other in numbers) == 1
    return _is_money(role) and sum(map(_is_money, numbers)) == 1


def number(draw: AskedDraw) -> WordedCondition:
    """A bound. Raises Skip."""
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
    adjective = adjective_of(role, draw)
    if (
        adjective
        and adjective.more[0] in _AFTER_AMOUNTS
        and role.word.unit
        and bound in ("gt", "lt")
        and draw.chance(40)
    ):
        shown = _amount(limit, role, draw)
        return worded("range", body, f"{bound}_adjective", role, v=shown, adjective=adjective.more[0])
    more = adjective.more[1:2] if adjective else _comparative(role.word.most)
    less = adjective.less[1:2] if adjective else _comparative(role.word.least)
    if bound == "gt" and more and draw.chance(45):
        return worded("range", body, "gt_more", role, v=_amount(limit, role, draw), more=more[0])
    if bound == "lt" and less and draw.chance(45):
        return worded("range", body, "lt_less", role, v=_amount(limit, role, draw), less=less[0])
    alone = _tells_field(role, draw) and draw.chance(45)
    shown = _amount(limit, role, draw, currency=alone)
    if alone and _is_money(role) and draw.chance(40):
        return worded("range", body, f"{bound}_money", role, v=shown)
    return worded("range", body, f"{bound}_unit" if alone else bound, role, v=shown)


_AFTER_AMOUNTS = ("deep", "high", "tall", "long", "wide", "thick", "old")  # 5 km deep


def _comparative(superlative: str) -> tuple[str, ...]:
    """Slower for slowest. Empty if that is not so easy."""
    return (f"{superlative[:-3]}er",) if re.fullmatch(r"[a-z]+est", superlative) else ()


def adjective_of(role: Role, draw: AskedDraw) -> Adjective | None:
    """An adjective that tells this number and no other."""
    adjectives = [adjective for adjective in ADJECTIVES if _measured_by(role, adjective)]
    if not adjectives:
        return None
    chosen: Adjective = draw.random.choice(adjectives)
    return chosen if sum(_measured_by(other, chosen) for other in draw.context.by_kind("number")) == 1 else None


def _measured_by(role: Role, adjective: Adjective) -> bool:
    return not set(stems(role.word.noun)).isdisjoint(adjective.nouns)


def between(draw: AskedDraw) -> WordedCondition:
    """A range. Raises Skip."""
    role, value = draw.known("number")
    low, above = limits(role, value)
    high = draw.pick(above, above + draw.pick(1, 2, 5) * (above - low))
    high = high if isinstance(high, int) else float(f"{high:.6g}")
    v, w = (_amount(bound, role, draw) for bound in (low, high))
    if draw.chance(40):
        v = v.split(" ")[0] if v.split(" ")[1:] == w.split(" ")[1:] else v  # 5 to 10 s
    return worded("between", {"range": {role.field: {"gte": low, "lte": high}}}, "between", role, v=v, w=w)


def equal(draw: AskedDraw) -> WordedCondition:
    """One number. Raises Skip."""
    role, value = draw.known("number")
    if len(str(value)) > (6 if role.code else 4):
        raise Skip("nobody says such a number")
    return worded("eq", {"term": {role.field: value}}, "eq", role, v=_amount(value, role, draw))


# said → seconds
_SPANS = {
    "a second": 1, "a minute": 60, "one minute": 60, "half a minute": 30, "a couple of minutes": 120,
    "a quarter of an hour": 900, "half an hour": 1_800, "an hour": 3_600, "one hour": 3_600, "1 hour": 3_600,
    "an hour and a half": 5_400, "a couple of hours": 7_200, "half a day": 43_200, "a day": 86_400, "one day": 86_400,
    "a couple of days": 172_800, "a week": 604_800, "one week": 604_800, "a fortnight": 1_209_600,
}  # fmt: skip
# unit → how many make a second. A fraction: how many seconds it has
_PER_SECOND = {"ms": 1_000.0, "s": 1.0, "second": 1.0, "m": 1 / 60, "minute": 1 / 60, "h": 1 / 3_600, "d": 1 / 86_400}
_COUNTS = {
    "a dozen": 12,
    "half a dozen": 6,
    "two dozen": 24,
    "a hundred": 100,
    "a thousand": 1_000,
}
_MOST = 10**7  # a larger number has too many digits to be spelled


def amount(draw: AskedDraw) -> WordedCondition:
    """A bound that is said without digits: half an hour, a dozen. Raises Skip."""
    roles = draw.context.by_kind("number")
    role = draw.among(
        [role for role in roles if role.word.unit in _PER_SECOND] or [role for role in roles if _counts(role)]
    )
    low, high = role.known.low, role.known.high
    times = _PER_SECOND.get(role.word.unit)
    fitting = {
        text: round(seconds * (times or 1))
        for text, seconds in (_SPANS if times else _COUNTS).items()
        if abs(seconds * (times or 1) % 1) < 1e-9 and 1 <= seconds * (times or 1) < _MOST
    }
    known = isinstance(low, (int, float)) and isinstance(high, (int, float))
    within = [text for text, value in fitting.items() if known and low <= value <= high]
    if not fitting:
        raise Skip(role.field)
    text = draw.random.choice(within or list(fitting))
    bound = draw.pick("gt", "gt", "gt", "gte", "lt", "lt", "lte")
    body = {"range": {role.field: {bound: fitting[text]}}}
    adjective = adjective_of(role, draw)
    if times and adjective and bound in ("gt", "lt") and draw.chance(50):
        forms = adjective.more if bound == "gt" else adjective.less
        if forms:
            key = "gt_more" if bound == "gt" else "lt_less"
            return worded("range", body, key, role, v=text, more=forms[1], less=forms[1])
    if times and _only_span(draw) and draw.chance(60):
        return worded("range", body, f"{bound}_span" if bound in ("gt", "lt") else f"{bound}_unit", role, v=text)
    return worded("range", body, bound, role, v=text)


def _only_span(draw: AskedDraw) -> bool:
    return sum(role.word.unit in _PER_SECOND for role in draw.context.by_kind("number")) == 1


def _counts(role: Role) -> bool:
    """Whether it is a number of things."""
    noun = role.word.noun
    says = role.word.nouns == noun or noun.startswith("number of ") or noun.endswith((" count", " counts"))
    return says and role.whole and role.measures and not role.word.unit and not _is_money(role) and not role.code


# stem of what is counted → what was done so many times
_DONE = dict(
    pair.strip().split(" ", 1)
    for pair in """
view viewed | download downloaded | click clicked | like liked | edit edited | update updated | attempt tried
retry retried | renewal renewed | reopening reopened | visit visited | share shared | play played | loan lent
booking booked | change changed | escalation escalated | sale sold | citation cited | repair repaired
restart restarted | deletion deleted | write written | read read | rental rented | extension extended
reminder reminded | complaint complained about | transfer transferred | correction corrected
""".replace("\n", "|").split("|")
    if pair.strip()
)
_BOUNDS_SAID = (("eq", 5), ("gt", 3), ("gte", 3), ("lt", 1), ("lte", 1), ("never", 3))


def times(draw: AskedDraw) -> WordedCondition:
    """How often something was done: renewed twice, viewed more than 100 times, never reopened. Raises Skip."""
    role = draw.among([role for role in draw.context.by_kind("number") if _counts(role) and _done(role)])
    how = draw.random.choices([name for name, _ in _BOUNDS_SAID], [weight for _, weight in _BOUNDS_SAID])[0]
    done = mark(_done(role))
    if how == "never":
        return worded("eq", {"term": {role.field: 0}}, "times_never").with_slots(p=done)
    high = role.known.high if isinstance(role.known.high, int) else 10
    n = draw.random.randrange(1, 7) if high < 50 or draw.chance(40) else draw.pick(10, 20, 50, 100, 500, 1000)
    text = (
        "twice" if n == 2 and draw.chance(60) else f"{in_words(str(n)) if draw.chance(50) else n} time{'s' * (n > 1)}"
    )
    body = {"term": {role.field: n}} if how == "eq" else {"range": {role.field: {how: n}}}
    return worded("eq" if how == "eq" else "range", body, f"times_{how}", t=text).with_slots(p=done)


def _done(role: Role) -> str:
    return next((_DONE[stem] for stem in stems(role.word.noun) if stem in _DONE), "")


def zero(draw: AskedDraw) -> WordedCondition:
    """None, one at least, or some of what is counted or paid. Raises Skip."""
    roles = draw.context.by_kind("number")
    role = draw.among([role for role in roles if _counts(role)] or [role for role in roles if _is_money(role)])
    if _counts(role) and draw.chance(35):
        return worded("range", {"range": {role.field: {"gte": 1}}}, "at_least_one", role)
    if draw.chance(45):
        return worded("range", {"range": {role.field: {"gt": 0}}}, "some", role)
    return worded("eq", {"term": {role.field: 0}}, "zero", role)
