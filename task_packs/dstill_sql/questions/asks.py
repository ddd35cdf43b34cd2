"""Asks about rows: lists, counts, single figures, the first few.

ASKS["count"](subject, conditions)      Asked(query=SELECT COUNT(*) FROM …, why="COUNT(*) counts the rows of …")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from dstill_sql.questions.ask_parts import Asked, counted, limited, metric, ordered, shown, superlative, wheres
from dstill_sql.questions.conditions import literal, sayable, value_said
from dstill_sql.questions.draw import Condition, Skip, Subject
from dstill_sql.questions.entities import Field
from dstill_sql.questions.scope import Scope
from dstill_sql.questions.words import joined, number_said, plural

__all__ = ["ASKS", "Ask"]

Ask = Callable[[Subject, Sequence[Condition]], Asked]
Found = Sequence[Condition]
_NUMBERS = (2, 3, 3, 4, 5, 5, 5, 8, 10, 10, 20)


def list_(subject: Subject, found: Found) -> Asked:
    label = subject.entity.label
    why = f"{label.name} names the rows." if label else f"all columns of {subject.entity.name}."
    return Asked(query=subject.scope.select(shown(subject), where=wheres(found)), why=why)


def details(subject: Subject, found: Found) -> Asked:
    why = f"all columns of {subject.entity.name}."
    return Asked(query=subject.scope.select(subject.scope.star(), where=wheres(found)), why=why)


def _columns(subject: Subject, most: int) -> list[Field]:
    label = subject.entity.label
    free = [field for field in subject.entity.fields if field.name not in subject.draw.used and field is not label]
    first = [label] if label and subject.draw.chance(0.5) else []
    number = subject.draw.random.randrange(1, most + 1)
    if len(free) < number - len(first) or (not first and not free):
        raise Skip("too few columns")
    return [*first, *subject.draw.random.sample(free, number - len(first))]


def fields(subject: Subject, found: Found) -> Asked:
    chosen = _columns(subject, 3)
    what = [subject.column(one) for one in chosen]
    why = f"the columns {joined([one.name for one in chosen])}."
    slots = {"f": joined([one.noun for one in chosen])}
    return Asked(query=subject.scope.select(*what, where=wheres(found)), why=why, slots=slots)


def lookup(subject: Subject, found: Found) -> Asked:
    """A column of one row, which is called by its name."""
    label = subject.entity.label
    if label is None or subject.row[label.place] is None or not sayable(value := subject.row[label.place]) or found:
        raise Skip("no name")
    one = subject.field(among=[field for field in subject.entity.fields if field is not label and field.kind != "text"])
    same = exp.EQ(this=subject.column(label), expression=literal(value))
    slots = {"f": one.noun, "v": value_said(subject, label, value, whole=True), "o": subject.entity.words.noun}
    return Asked(
        query=subject.scope.select(subject.column(one), where=[same]),
        why=f"{one.name} where {label.name} is it.",
        slots=slots,
    )


def parent_of(subject: Subject, found: Found) -> Asked:
    """The names of what the rows refer to."""
    if not found:
        raise Skip("of all")
    links = [one for one in subject.entity.up if subject.draw.view.entities[one.parent].label is not None]
    link = subject.draw.pick(links)
    label = subject.draw.view.entities[link.parent].label
    assert label is not None
    column = subject.scope.column(label.column.name, subject.scope.join(link, subject.alias))
    query = subject.scope.select(column, where=wheres(found)).distinct(copy=False)
    why = f"{link.child} refers to {link.parent}: join, each {label.name} once: DISTINCT."
    return Asked(query=query, why=why, slots={"os": plural(link.words.role)})


def with_parent(subject: Subject, found: Found) -> Asked:
    """A column, and the name of what the row refers to; rows that refer to nothing are there too."""
    view = subject.draw.view
    link = subject.draw.pick([one for one in subject.entity.up if view.entities[one.parent].label is not None])
    label = view.entities[link.parent].label
    assert label is not None
    one = subject.entity.label or subject.field("number", "date", "category")
    side = "LEFT" if link.nullable else ""
    column = subject.scope.column(label.column.name, subject.scope.join(link, subject.alias, side=side))
    query = subject.scope.select(subject.column(one), column, where=wheres(found))
    why = f"{link.child} refers to {link.parent}: {side or 'inner'} join for {label.name}."
    return Asked(query=query, why=why, slots={"f": one.noun, "o": link.words.role})


def count(subject: Subject, found: Found) -> Asked:
    why = f"COUNT(*) counts the rows of {subject.entity.name}."
    return Asked(query=subject.scope.select(counted(), where=wheres(found)), why=why)


def distinct(subject: Subject, found: Found) -> Asked:
    one = subject.field("category", "year")
    query = subject.scope.select(subject.column(one), where=wheres(found)).distinct(copy=False)
    return Asked(query=query, why=f"each {one.name} once: DISTINCT.", slots={"f": one.noun, "fs": plural(one.noun)})


def distinct_count(subject: Subject, found: Found) -> Asked:
    one = subject.field("category", "year", "label")
    what = exp.Count(this=exp.Distinct(expressions=[subject.column(one)]))
    return Asked(
        query=subject.scope.select(what, where=wheres(found)),
        why=f"COUNT(DISTINCT {one.name}).",
        slots={"fs": plural(one.noun)},
    )


def metric_(subject: Subject, found: Found) -> Asked:
    one = metric(subject)
    return Asked(query=subject.scope.select(one.expression, where=wheres(found)), why=one.why, slots={"m": one.words})


def two_metrics(subject: Subject, found: Found) -> Asked:
    kinds = subject.draw.pick((("MIN", "MAX"), ("AVG", "MAX"), ("AVG", "SUM"), ("MAX", "AVG"), ("MIN", "AVG")))
    one = metric(subject, kinds[0])
    other = metric(subject, kinds[1], among=[one.field]) if _again(subject, one.field) else metric(subject, kinds[1])
    query = subject.scope.select(one.expression, other.expression, where=wheres(found))
    return Asked(query=query, why=f"{one.why} {other.why}", slots={"m": one.words, "m2": other.words})


def _again(subject: Subject, field: Field) -> bool:
    """Whether the same field is used for the second metric; then it is free again."""
    if subject.draw.chance(0.6):
        subject.draw.used.discard(field.name)
        return True
    return False


def count_and_metric(subject: Subject, found: Found) -> Asked:
    one = metric(subject, "AVG", "SUM", "MAX")
    query = subject.scope.select(counted(), one.expression, where=wheres(found))
    return Asked(query=query, why=f"COUNT(*), {one.why}", slots={"m": one.words})


def _top(subject: Subject, found: Found, *, high: bool, one: bool, also: bool = False) -> Asked:
    field = subject.field("number")
    n = 1 if one else subject.draw.pick(_NUMBERS)
    what = [shown(subject)]
    slots = {
        "f": field.noun,
        "n": number_said(subject.draw.random, n),
        "sup": superlative(subject.entity, field, high=high),
    }
    if also:
        label = subject.entity.label or subject.field("category", "date")
        what = [subject.column(label), subject.column(field)]
        slots["f2"] = label.noun
    term = ordered(subject.column(field), desc=high, nullable=field.column.nullable, dialect=subject.draw.view.dialect)
    query = limited(subject.scope.select(*what, where=wheres(found)).order_by(term, copy=False), n)
    direction = "descending" if high else "ascending"
    return Asked(query=query, why=f"ORDER BY {field.name} {direction}, LIMIT {n}.", slots=slots, single=one)


def _all_of(subject: Subject, found: Found, kind: type[exp.AggFunc]) -> Asked:
    field = subject.field("number", "year")
    inner = Scope(subject.entity, subject.draw.view.dialect)
    best = exp.Subquery(this=inner.select(kind(this=inner.column(field.column.name, inner.alias))))
    same = exp.EQ(this=subject.column(field), expression=best)
    query = subject.scope.select(shown(subject), where=[*wheres(found), same])
    return Asked(query=query, why=f"{field.name} equals the one of all: a subquery.", slots={"f": field.noun})


def _sorted(subject: Subject, found: Found, *, desc: bool) -> Asked:
    field = subject.field("number", "year")
    term = ordered(subject.column(field), desc=desc, nullable=field.column.nullable, dialect=subject.draw.view.dialect)
    query = subject.scope.select(shown(subject), where=wheres(found)).order_by(term, copy=False)
    return Asked(query=query, why=f"ORDER BY {field.name}.", slots={"f": field.noun})


def sorted_text(subject: Subject, found: Found) -> Asked:
    label = subject.entity.label
    if label is None or label.kind != "label":
        raise Skip("no name")
    term = ordered(subject.column(label), desc=False, nullable=label.column.nullable, dialect=subject.draw.view.dialect)
    query = subject.scope.select(shown(subject), where=wheres(found)).order_by(term, copy=False)
    return Asked(query=query, why=f"ORDER BY {label.name}.", slots={"f": label.noun})


def _by_date(subject: Subject, found: Found, *, desc: bool, n: int | None = None) -> Asked:
    field = subject.field("date")
    term = ordered(subject.column(field), desc=desc, nullable=field.column.nullable, dialect=subject.draw.view.dialect)
    query = subject.scope.select(shown(subject), where=wheres(found)).order_by(term, copy=False)
    slots = {"d": field.noun, "n": number_said(subject.draw.random, n) if n else ""}
    return Asked(query=limited(query, n) if n else query, why=f"ORDER BY {field.name}.", slots=slots, single=n == 1)


def _of_dates(subject: Subject, found: Found, *kinds: type[exp.AggFunc]) -> Asked:
    field = subject.field("date")
    what = [kind(this=subject.column(field)) for kind in kinds]
    names = " and ".join(kind.sql_name() for kind in kinds)
    return Asked(
        query=subject.scope.select(*what, where=wheres(found)), why=f"{names} of {field.name}.", slots={"d": field.noun}
    )


def share(subject: Subject, found: Found) -> Asked:
    """The share of rows that the last condition holds for."""
    if not found or found[-1].before:
        raise Skip("no condition")
    *rest, last = found
    part = exp.Filter(this=counted(), expression=exp.Where(this=last.sql.copy()))
    hundred = exp.Mul(this=exp.Literal.number("100.0"), expression=part)
    typed = subject.draw.view.dialect != "duckdb"  # whole numbers are divided without a fraction
    what = exp.Div(this=hundred, expression=counted(), typed=typed, safe=False)
    why = "COUNT(*) with FILTER, divided by COUNT(*)."
    return Asked(
        query=subject.scope.select(what, where=wheres(rest)),
        why=why,
        slots={"c": last.text, "v": _after_are(last.text)},
    )


def _after_are(text: str) -> str:
    """What comes behind "that are"; empty: the condition is said otherwise."""
    start = next((one for one in ("that are ", "which are ", "that were ") if text.startswith(one)), "")
    return text.removeprefix(start) if start else ""


def total_of(subject: Subject, found: Found) -> Asked:
    """The sum of a number of pieces times a price."""
    one = subject.field(among=[one for one in subject.entity.of("number") if one.whole])
    priced = ("price", "cost", "fee", "wage", "rate", "amount")
    other = subject.field(
        among=[one for one in subject.entity.of("number") if one.noun.split()[-1] in priced and not one.whole]
    )
    what = exp.Sum(this=exp.Mul(this=subject.column(one), expression=subject.column(other)))
    query = subject.scope.select(what, where=wheres(found))
    return Asked(query=query, why=f"SUM of {one.name} times {other.name}.", slots={"f": one.noun, "f2": other.noun})


def rank(subject: Subject, found: Found) -> Asked:
    if subject.entity.label is None:
        raise Skip("no name")
    field = subject.field(among=[one for one in subject.entity.of("number") if not one.column.nullable])
    term = ordered(subject.column(field), desc=True, nullable=False, dialect=subject.draw.view.dialect)
    place = exp.Window(this=exp.Rank(), order=exp.Order(expressions=[term]))
    query = subject.scope.select(shown(subject), place, where=wheres(found))
    return Asked(query=query, why=f"RANK() over {field.name} descending.", slots={"f": field.noun})


ASKS: Mapping[str, Ask] = {
    "list": list_,
    "details": details,
    "fields": fields,
    "lookup": lookup,
    "parent_of": parent_of,
    "with_parent": with_parent,
    "count": count,
    "distinct": distinct,
    "distinct_count": distinct_count,
    "metric": metric_,
    "two_metrics": two_metrics,
    "count_and_metric": count_and_metric,
    "top": lambda subject, found: _top(subject, found, high=True, one=False),
    "bottom": lambda subject, found: _top(subject, found, high=False, one=False),
    "top_one": lambda subject, found: _top(subject, found, high=True, one=True),
    "bottom_one": lambda subject, found: _top(subject, found, high=False, one=True),
    "top_fields": lambda subject, found: _top(subject, found, high=True, one=False, also=True),
    "all_highest": lambda subject, found: _all_of(subject, found, exp.Max),
    "all_lowest": lambda subject, found: _all_of(subject, found, exp.Min),
    "sorted_up": lambda subject, found: _sorted(subject, found, desc=False),
    "sorted_down": lambda subject, found: _sorted(subject, found, desc=True),
    "sorted_text": sorted_text,
    "newest_first": lambda subject, found: _by_date(subject, found, desc=True),
    "oldest_first": lambda subject, found: _by_date(subject, found, desc=False),
    "latest": lambda subject, found: _by_date(subject, found, desc=True, n=subject.draw.pick(_NUMBERS)),
    "latest_one": lambda subject, found: _by_date(subject, found, desc=True, n=1),
    "last_date": lambda subject, found: _of_dates(subject, found, exp.Max),
    "first_date": lambda subject, found: _of_dates(subject, found, exp.Min),
    "first_and_last": lambda subject, found: _of_dates(subject, found, exp.Min, exp.Max),
    "share": share,
    "total_of": total_of,
    "rank": rank,
}
