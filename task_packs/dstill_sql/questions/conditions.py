"""Conditions on the columns of one row.

CONDITIONS["over"](subject)    Filter(text="with a fare over 20", sql=fare > 20, …)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from dstill_sql.questions.draw import Draw, Filter, Skip, Subject
from dstill_sql.questions.entities import Entity, Field
from dstill_sql.questions.scope import Scope
from dstill_sql.questions.spans import SPANS, parsed
from dstill_sql.questions.wordings import filled, one_line, wordings
from dstill_sql.questions.words import is_participle, number_said, spell

__all__ = ["CONDITIONS", "comparatives", "is_place", "literal", "measured", "sayable", "value_said", "within"]

_LONGEST = 45  # characters of a value in a question
_PLACES = ("city", "country", "town", "region", "state", "place", "district", "continent", "site")
_PART = 0.12  # share of values that a word of them stands for
_SHORTEST = 4  # letters of a word that texts are searched for


def literal(value: Any) -> exp.Expr:
    """The value as SQL has it."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, (int, float)):
        number = exp.Literal.number(spell(abs(value)))
        return exp.Neg(this=number) if value < 0 else number
    return exp.Literal.string(str(value))


def sayable(value: Any) -> bool:
    """Whether a question can quote the value."""
    return not isinstance(value, str) or (0 < len(value) <= _LONGEST and not set(value) & set("\"'`{}\\%_"))


def is_place(field: Field) -> bool:
    """Whether its values are places."""
    return field.noun.split(" ")[-1] in _PLACES


def comparatives(entity: Entity, field: Field) -> tuple[str, ...]:
    """More than, less than, the most and the least; empty: the field has no such words, or another has the same."""
    words = one_line("comparatives", field.noun)
    alike = [
        other for other in entity.of("number") if other is not field and one_line("comparatives", other.noun) == words
    ]
    return () if alike else words


def measured(draw: Draw, field: Field, value: Any) -> str:
    """A number with its unit, which may be missing."""
    number = number_said(draw.random, value)
    has_unit = field.words.unit not in ("", field.noun) and draw.chance(0.7)
    return f"{number} {field.words.unit}" if has_unit else number


def value_said(subject: Subject, field: Field, value: Any, *, whole: bool = False) -> str:
    """A value as the question has it: at times a word of it alone, if no other value has that word (unless `whole`)."""
    text = spell(value)
    draw = subject.draw
    known = value in field.known.values
    if known and not whole and isinstance(value, str) and len(value.split()) > 1 and draw.chance(_PART):
        word = value.split()[0 if draw.chance(0.7) else -1]
        if draw.view.has_word_once(field, word):
            text = word
    draw.mentioned[text] = known
    return text


def _way(subject: Subject, name: str, **slots: str) -> str:
    return filled(subject.draw.pick(wordings("conditions", name)), **slots)


def _made(subject: Subject, name: str, field: Field, sql: exp.Expr, why: str, **slots: str) -> Filter:
    """The condition in one of the wordings of `name`."""
    text = _way(subject, name, f=field.noun, **slots)
    terse = slots.get("terse", " ".join(slots[key] for key in ("v", "x") if key in slots))
    return Filter(
        text=text.removesuffix(" <"), sql=sql, why=f"{field.name}: {why}", before=text.endswith(" <"), terse=terse
    )


def _value(subject: Subject, *kinds: Any) -> tuple[Field, Any]:
    field, value = subject.known(*kinds)
    if not sayable(value):
        raise Skip("a value that is hard to say")
    return field, value


# --- values -----------------------------------------------------------------------------


def eq(subject: Subject) -> Filter:
    field, value = _value(subject, "category")
    sql = exp.EQ(this=subject.column(field), expression=literal(value))
    name = "place" if is_place(field) else "eq"
    if name == "eq" and subject.draw.chance(0.35) and value.islower() and len(value.split()) < 3:
        name = "adjective"
    return _made(subject, name, field, sql, f"= {value}.", v=value_said(subject, field, value))


def named(subject: Subject) -> Filter:
    field, value = _value(subject, "label")
    sql = exp.EQ(this=subject.column(field), expression=literal(value))
    return _made(subject, "named", field, sql, f"= {value}.", v=value_said(subject, field, value))


def code(subject: Subject) -> Filter:
    field, value = _value(subject, "code")
    sql = exp.EQ(this=subject.column(field), expression=literal(value))
    name = "code" if isinstance(value, str) else "exactly"
    return _made(subject, name, field, sql, f"= {value}.", v=value_said(subject, field, value))


def either(subject: Subject) -> Filter:
    field, value = _value(subject, "category")
    other = subject.other(field, value)
    if not sayable(other):
        raise Skip("a value that is hard to say")
    both = subject.draw.random.sample([value, other], 2)
    sql = exp.In(this=subject.column(field), expressions=[literal(item) for item in both])
    name = "either_place" if is_place(field) else "either"
    return _made(
        subject,
        name,
        field,
        sql,
        "one of two values: IN.",
        v=value_said(subject, field, both[0]),
        x=value_said(subject, field, both[1]),
    )


def not_(subject: Subject) -> Filter:
    field, value = _value(subject, "category")
    other = subject.other(field, value)
    if not sayable(other):
        raise Skip("a value that is hard to say")
    sql = exp.NEQ(this=subject.column(field), expression=literal(other))
    return _made(
        subject,
        "not_place" if is_place(field) else "not",
        field,
        sql,
        f"not {other}.",
        v=(text := value_said(subject, field, other)),
        terse=f"not {text}",
    )


def flag(subject: Subject) -> Filter:
    field, value = subject.known("boolean")
    sql: exp.Expr = subject.column(field)
    name = ("has" if field.words.has else "is") + ("" if value else "_not")
    base = _made(subject, name, field, sql if value else exp.Not(this=sql), "a boolean.", terse=field.noun)
    return base if value else Filter(text=base.text, sql=base.sql, why=base.why, terse=f"not {field.noun}")


# --- numbers ----------------------------------------------------------------------------


def _nice(number: float, whole: bool) -> float:
    """A number that people say: two digits, then zeros."""
    if number == 0:
        return 0
    size = 10 ** (math.floor(math.log10(abs(number))) - 1)
    nice: float = round(number / size) * size
    return round(nice) if whole or abs(nice) >= 20 else round(nice, 2)


def within(draw: Draw, value: float, field: Field, low: float, high: float, *, over: bool) -> float:
    """A nice number on the right side of a value, `low` to `high` times it. Raises Skip."""
    if value < 0:
        raise Skip("negative")
    number = _nice(value * draw.random.uniform(low, high), field.whole)
    if (over and not number < value) or (not over and not number > value):
        raise Skip("too near")
    return number


_NAMES = {exp.GT: "over", exp.LT: "under", exp.GTE: "least", exp.LTE: "most"}


def _compared(subject: Subject, kind: type[exp.Binary]) -> Filter:
    field, value = subject.known("number")
    draw = subject.draw
    over = kind in (exp.GT, exp.GTE)
    bound = within(draw, value, field, *((0.5, 0.97) if over else (1.03, 1.8)), over=over)
    sql = kind(this=subject.column(field), expression=literal(bound))
    name, slots = _NAMES[kind], {"v": measured(draw, field, bound)}
    if kind in (exp.GT, exp.LT) and (words := comparatives(subject.entity, field)) and draw.chance(0.35):
        name, slots = "more", {"more": words[0 if over else 1], **slots}
    terse = f"{'>' if over else '<'}{'=' if kind in (exp.GTE, exp.LTE) else ''} {spell(bound)}"
    return _made(subject, name, field, sql, f"{_NAMES[kind]} {spell(bound)}.", terse=f"{field.noun} {terse}", **slots)


def range_(subject: Subject) -> Filter:
    field, value = subject.known("number")
    low = within(subject.draw, value, field, 0.4, 0.95, over=True)
    high = within(subject.draw, value, field, 1.05, 2.2, over=False)
    sql = exp.Between(this=subject.column(field), low=literal(low), high=literal(high))
    return _made(
        subject,
        "between",
        field,
        sql,
        "a range: BETWEEN.",
        v=number_said(subject.draw.random, low),
        x=measured(subject.draw, field, high),
    )


def exactly(subject: Subject) -> Filter:
    field, value = subject.known("number")
    if not field.whole or abs(value) > 999:
        raise Skip("not a count")
    sql = exp.EQ(this=subject.column(field), expression=literal(value))
    return _made(
        subject,
        "exactly",
        field,
        sql,
        f"= {value}.",
        v=measured(subject.draw, field, value),
        terse=f"{field.noun} {value}",
    )


def _years(subject: Subject) -> Filter:
    field, value = subject.known("year")
    draw, column = subject.draw, subject.column(field)
    name = draw.pick(("year", "year_since", "year_before", "year_after", "year_between"))
    low, high = value - draw.random.randrange(1, 12), value + draw.random.randrange(1, 12)
    sql: exp.Expr
    slots = {"v": str(value)}
    if name == "year":
        sql = exp.EQ(this=column, expression=literal(value))
    elif name == "year_since":
        sql = exp.GTE(this=column, expression=literal(value))
    elif name == "year_before":
        sql, slots = exp.LT(this=column, expression=literal(high)), {"v": str(high)}
    elif name == "year_after":
        sql, slots = exp.GT(this=column, expression=literal(low)), {"v": str(low)}
    else:
        sql = exp.Between(this=column, low=literal(low), high=literal(high))
        slots = {"v": str(low), "x": str(high)}
    if is_participle(field.verb):
        text = _way(subject, f"{name}_done", f=field.verb, **slots)
        return Filter(text=text, sql=sql, why=f"{field.name}: a year.", terse=text)
    return _made(subject, name, field, sql, "a year.", **slots)


def _average(subject: Subject, kind: type[exp.Binary], name: str) -> Filter:
    field, _ = subject.known("number")
    inner = Scope(subject.entity, subject.draw.view.dialect)
    mean = inner.select(exp.Avg(this=inner.column(field.column.name, inner.alias)))
    sql = kind(this=subject.column(field), expression=exp.Subquery(this=mean))
    return _made(
        subject,
        name,
        field,
        sql,
        "compared with the average of all: a subquery.",
        terse=f"{field.noun} {name}".replace("_", " "),
    )


def higher_than(subject: Subject) -> Filter:
    """Two columns of a row that mean alike, compared."""
    field = subject.field("number", "date")
    alike = [option for option in subject.entity.of(field.kind) if option is not field and _alike(field, option)]
    other = subject.field(among=alike)
    sql = exp.GT(this=subject.column(field), expression=subject.column(other))
    name = "later_than" if field.kind == "date" else "higher_than"
    return _made(
        subject, name, field, sql, f"compared with {other.name}.", x=other.noun, terse=f"{field.noun} > {other.noun}"
    )


def _alike(field: Field, other: Field) -> bool:
    if field.kind == "date":
        return field.column.family == other.column.family
    return (
        bool(field.words.unit and field.words.unit == other.words.unit)
        or field.noun.split()[-1] == other.noun.split()[-1]
    )


# --- texts, NULLs and dates --------------------------------------------------------------


def _searched(subject: Subject, name: str, pattern: str, *kinds: Any) -> Filter:
    field, value = subject.known(*kinds)
    words = [word for word in value.split() if len(word) >= _SHORTEST and word.isalpha()]
    part = {"contains": subject.draw.pick(words) if words else "", "starts": value[:1], "ends": value[-3:]}[name]
    if name == "starts" and words and subject.draw.chance(0.5):
        part = value.split()[0]
    if not part.isalnum():
        raise Skip("nothing to search for")
    sensible = exp.Like if subject.draw.view.dialect == "sqlite" else exp.ILike
    sql = sensible(this=subject.column(field), expression=literal(pattern.format(part)))
    return _made(subject, name, field, sql, f"a pattern: {pattern.format(part)}.", v=part)


def null(subject: Subject) -> Filter:
    f = subject.field(among=[f for f in subject.entity.fields if f.column.nullable and f.kind != "boolean"])
    sql = exp.Is(this=subject.column(f), expression=exp.Null())
    return _made(subject, "null", f, sql, "IS NULL.", terse=f"without {f.noun}")


def not_null(subject: Subject) -> Filter:
    f = subject.field(among=[f for f in subject.entity.fields if f.column.nullable and f.kind != "boolean"])
    sql = exp.Not(this=exp.Is(this=subject.column(f), expression=exp.Null()))
    return _made(subject, "not_null", f, sql, "is not NULL.", terse=f"with {f.noun}")


def _date(subject: Subject, *spans: str) -> Filter:
    field, value = subject.known("date")
    try:
        time = parsed(value)
    except ValueError:
        raise Skip("no date") from None
    when, bounds = SPANS[subject.draw.pick(spans)](subject.draw, field, subject.column(field), time)
    alone = len(subject.entity.of("date")) == 1 and subject.draw.chance(0.5)
    name = "date_alone" if alone else "date"
    if field.verb:
        name = "date_done" if is_participle(field.verb) else "date_did"
    text = _way(subject, name, f=field.verb or field.noun, when=when)
    sql = exp.and_(*bounds)
    return Filter(text=text, sql=sql, why=f"{field.name}: {when}.", terse=when if alone else f"{field.noun} {when}")


CONDITIONS: Mapping[str, Callable[[Subject], Filter]] = {
    "eq": eq,
    "named": named,
    "code": code,
    "either": either,
    "not": not_,
    "flag": flag,
    "over": lambda subject: _compared(subject, exp.GT),
    "under": lambda subject: _compared(subject, exp.LT),
    "least": lambda subject: _compared(subject, exp.GTE),
    "most": lambda subject: _compared(subject, exp.LTE),
    "range": range_,
    "exactly": exactly,
    "years": _years,
    "above_average": lambda subject: _average(subject, exp.GT, "above_average"),
    "below_average": lambda subject: _average(subject, exp.LT, "below_average"),
    "columns": higher_than,
    "contains": lambda subject: _searched(subject, "contains", "%{}%", "text", "label"),
    "starts": lambda subject: _searched(subject, "starts", "{}%", "label", "category"),
    "ends": lambda subject: _searched(subject, "ends", "%{}", "label"),
    "null": null,
    "not_null": not_null,
    "day": lambda subject: _date(subject, "on", "since", "before", "after", "between"),
    "month": lambda subject: _date(subject, "month"),
    "year": lambda subject: _date(subject, "year", "year", "years"),
    "relative": lambda subject: _date(subject, "relative"),
}
