"""Asks about rows: lists, counts, single figures, the first few.

ASKS["count"](subject, filters)      Asked(query=SELECT COUNT(*) FROM …, why="COUNT(*) counts the rows of …")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from dstill_sql.questions.ask_parts import Asked, counted, limited, metric, ordered, shown, superlative, wheres
from dstill_sql.questions.conditions import literal, sayable, value_said
from dstill_sql.questions.draw import Filter, Skip, Subject
from dstill_sql.questions.entities import Field
from dstill_sql.questions.scope import Scope
from dstill_sql.questions.words import joined, number_said, plural

__all__ = ["ASKS", "Ask"]

Ask = Callable[[Subject, Sequence[Filter]], Asked]
Filters = Sequence[Filter]
_NUMBERS = (2, 3, 3, 4, 5, 5, 5, 8, 10, 10, 20)


def list_(subject: Subject, filters: Filters) -> Asked:
    label = subject.entity.label
    why = f"{label.name} names the rows." if label else f"all columns of {subject.entity.name}."
    return Asked(query=subject.scope.select(shown(subject), where=wheres(filters)), why=why)


def details(subject: Subject, filters: Filters) -> Asked:
    why = f"all columns of {subject.entity.name}."
    return Asked(query=subject.scope.select(subject.scope.star(), where=wheres(filters)), why=why)


def _columns(subject: Subject, most: int) -> list[Field]:
    label = subject.entity.label
    free = [field for field in subject.entity.fields if field.name not in subject.draw.used and field is not label]
    first = [label] if label and subject.draw.chance(0.5) else []
    number = subject.draw.random.randrange(1, most + 1)
    if len(free) < number - len(first) or (not first and not free):
        raise Skip("too few columns")
    return [*first, *subject.draw.random.sample(free, number - len(first))]


def fields(subject: Subject, filters: Filters) -> Asked:
    chosen = _columns(subject, 3)
    what = [subject.column(field) for field in chosen]
    why = f"the columns {joined([field.name for field in chosen])}."
    slots = {"f": joined([field.noun for field in chosen])}
    return Asked(query=subject.scope.select(*what, where=wheres(filters)), why=why, slots=slots)


def lookup(subject: Subject, filters: Filters) -> Asked:
    """A column of one row, which is called by its name."""
    label = subject.entity.label
    if label is None or subject.row[label.place] is None or not sayable(value := subject.row[label.place]) or filters:
        raise Skip("no name")
    field = subject.field(
        among=[field for field in subject.entity.fields if field is not label and field.kind != "text"]
    )
    same = exp.EQ(this=subject.column(label), expression=literal(value))
    slots = {"f": field.noun, "v": value_said(subject, label, value, whole=True), "o": subject.entity.words.noun}
    return Asked(
        query=subject.scope.select(subject.column(field), where=[same]),
        why=f"{field.name} where {label.name} is it.",
        slots=slots,
    )


def parent_of(subject: Subject, filters: Filters) -> Asked:
    """The names of what the rows refer to."""
    if not filters:
        raise Skip("of all")
    links = [link for link in subject.entity.up if subject.draw.view.entities[link.parent].label is not None]
    link = subject.draw.pick(links)
    label = subject.draw.view.entities[link.parent].label
    assert label is not None
    column = subject.scope.column(label.column.name, subject.scope.join(link, subject.alias))
    query = subject.scope.select(column, where=wheres(filters)).distinct(copy=False)
    why = f"{link.child} refers to {link.parent}: join, each {label.name} once: DISTINCT."
    return Asked(query=query, why=why, slots={"os": plural(link.words.role)})


def with_parent(subject: Subject, filters: Filters) -> Asked:
    """A column, and the name of what the row refers to; rows that refer to nothing are there too."""
    view = subject.draw.view
    link = subject.draw.pick([link for link in subject.entity.up if view.entities[link.parent].label is not None])
    label = view.entities[link.parent].label
    assert label is not None
    field = subject.entity.label or subject.field("number", "date", "category")
    side = "LEFT" if link.nullable else ""
    column = subject.scope.column(label.column.name, subject.scope.join(link, subject.alias, side=side))
    query = subject.scope.select(subject.column(field), column, where=wheres(filters))
    why = f"{link.child} refers to {link.parent}: {side or 'inner'} join for {label.name}."
    return Asked(query=query, why=why, slots={"f": field.noun, "o": link.words.role})


def count(subject: Subject, filters: Filters) -> Asked:
    why = f"COUNT(*) counts the rows of {subject.entity.name}."
    return Asked(query=subject.scope.select(counted(), where=wheres(filters)), why=why)


def distinct(subject: Subject, filters: Filters) -> Asked:
    field = subject.field("category", "year")
    query = subject.scope.select(subject.column(field), where=wheres(filters)).distinct(copy=False)
    return Asked(
        query=query, why=f"each {field.name} once: DISTINCT.", slots={"f": field.noun, "fs": plural(field.noun)}
    )


def distinct_count(subject: Subject, filters: Filters) -> Asked:
    field = subject.field("category", "year", "label")
    what = exp.Count(this=exp.Distinct(expressions=[subject.column(field)]))
    return Asked(
        query=subject.scope.select(what, where=wheres(filters)),
        why=f"COUNT(DISTINCT {field.name}).",
        slots={"fs": plural(field.noun)},
    )


def metric_(subject: Subject, filters: Filters) -> Asked:
    figure = metric(subject)
    return Asked(
        query=subject.scope.select(figure.expression, where=wheres(filters)),
        why=figure.why,
        slots={"m": figure.words},
    )


def two_metrics(subject: Subject, filters: Filters) -> Asked:
    kinds = subject.draw.pick((("MIN", "MAX"), ("AVG", "MAX"), ("AVG", "SUM"), ("MAX", "AVG"), ("MIN", "AVG")))
    first = metric(subject, kinds[0])
    other = (
        metric(subject, kinds[1], among=[first.field]) if _again(subject, first.field) else metric(subject, kinds[1])
    )
    query = subject.scope.select(first.expression, other.expression, where=wheres(filters))
    return Asked(query=query, why=f"{first.why} {other.why}", slots={"m": first.words, "m2": other.words})


def _again(subject: Subject, field: Field) -> bool:
    """Whether the same field is used for the second metric; then it is free again."""
    if subject.draw.chance(0.6):
        subject.draw.used.discard(field.name)
        return True
    return False


def count_and_metric(subject: Subject, filters: Filters) -> Asked:
    figure = metric(subject, "AVG", "SUM", "MAX")
    query = subject.scope.select(counted(), figure.expression, where=wheres(filters))
    return Asked(query=query, why=f"COUNT(*), {figure.why}", slots={"m": figure.words})


def _top(subject: Subject, filters: Filters, *, high: bool, single: bool, also: bool = False) -> Asked:
    field = subject.field("number")
    n = 1 if single else subject.draw.pick(_NUMBERS)
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
    query = limited(subject.scope.select(*what, where=wheres(filters)).order_by(term, copy=False), n)
    direction = "descending" if high else "ascending"
    return Asked(query=query, why=f"ORDER BY {field.name} {direction}, LIMIT {n}.", slots=slots, single=single)


def _all_of(subject: Subject, filters: Filters, kind: type[exp.AggFunc]) -> Asked:
    field = subject.field("number", "year")
    inner = Scope(subject.entity, subject.draw.view.dialect)
    best = exp.Subquery(this=inner.select(kind(this=inner.column(field.column.name, inner.alias))))
    same = exp.EQ(this=subject.column(field), expression=best)
    query = subject.scope.select(shown(subject), where=[*wheres(filters), same])
    return Asked(query=query, why=f"{field.name} equals the one of all: a subquery.", slots={"f": field.noun})


def _sorted(subject: Subject, filters: Filters, *, desc: bool) -> Asked:
    field = subject.field("number", "year")
    term = ordered(subject.column(field), desc=desc, nullable=field.column.nullable, dialect=subject.draw.view.dialect)
    query = subject.scope.select(shown(subject), where=wheres(filters)).order_by(term, copy=False)
    return Asked(query=query, why=f"ORDER BY {field.name}.", slots={"f": field.noun})


def sorted_text(subject: Subject, filters: Filters) -> Asked:
    label = subject.entity.label
    if label is None or label.kind != "label":
        raise Skip("no name")
    term = ordered(subject.column(label), desc=False, nullable=label.column.nullable, dialect=subject.draw.view.dialect)
    query = subject.scope.select(shown(subject), where=wheres(filters)).order_by(term, copy=False)
    return Asked(query=query, why=f"ORDER BY {label.name}.", slots={"f": label.noun})


def _by_date(subject: Subject, filters: Filters, *, desc: bool, n: int | None = None) -> Asked:
    field = subject.field("date")
    term = ordered(subject.column(field), desc=desc, nullable=field.column.nullable, dialect=subject.draw.view.dialect)
    query = subject.scope.select(shown(subject), where=wheres(filters)).order_by(term, copy=False)
    slots = {"d": field.noun, "n": number_said(subject.draw.random, n) if n else ""}
    return Asked(query=limited(query, n) if n else query, why=f"ORDER BY {field.name}.", slots=slots, single=n == 1)


def _for_dates(subject: Subject, filters: Filters, *kinds: type[exp.AggFunc]) -> Asked:
    date = subject.field("date")
    what = [kind(this=subject.column(date)) for kind in kinds]
    names = " and ".join(kind.sql_name() for kind in kinds)
    return Asked(
        query=subject.scope.select(*what, where=wheres(filters)),
        why=f"{names} of {date.name}.",
        slots={"d": date.noun},
    )


def share(subject: Subject, filters: Filters) -> Asked:
    """The share of rows that the last condition holds for."""
    if not filters or filters[-1].before:
        raise Skip("no condition")
    *rest, last = filters
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
    """The words behind "that are"; empty: the condition has other words."""
    start = next((opening for opening in ("that are ", "which are ", "that were ") if text.startswith(opening)), "")
    return text.removeprefix(start) if start else ""


def total_of(subject: Subject, filters: Filters) -> Asked:
    """The sum of a number of pieces times a price."""
    field = subject.field(among=[f for f in subject.entity.of("number") if f.whole])
    priced = ("price", "cost", "fee", "wage", "rate", "amount")
    other = subject.field(
        among=[f for f in subject.entity.of("number") if f.noun.split()[-1] in priced and not f.whole]
    )
    what = exp.Sum(this=exp.Mul(this=subject.column(field), expression=subject.column(other)))
    query = subject.scope.select(what, where=wheres(filters))
    return Asked(query=query, why=f"SUM of {field.name} times {other.name}.", slots={"f": field.noun, "f2": other.noun})


def rank(subject: Subject, filters: Filters) -> Asked:
    if subject.entity.label is None:
        raise Skip("no name")
    field = subject.field(among=[field for field in subject.entity.of("number") if not field.column.nullable])
    term = ordered(subject.column(field), desc=True, nullable=False, dialect=subject.draw.view.dialect)
    place = exp.Window(this=exp.Rank(), order=exp.Order(expressions=[term]))
    query = subject.scope.select(shown(subject), place, where=wheres(filters))
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
    "top": lambda subject, filters: _top(subject, filters, high=True, single=False),
    "bottom": lambda subject, filters: _top(subject, filters, high=False, single=False),
    "top_one": lambda subject, filters: _top(subject, filters, high=True, single=True),
    "bottom_one": lambda subject, filters: _top(subject, filters, high=False, single=True),
    "top_fields": lambda subject, filters: _top(subject, filters, high=True, single=False, also=True),
    "all_highest": lambda subject, filters: _all_of(subject, filters, exp.Max),
    "all_lowest": lambda subject, filters: _all_of(subject, filters, exp.Min),
    "sorted_up": lambda subject, filters: _sorted(subject, filters, desc=False),
    "sorted_down": lambda subject, filters: _sorted(subject, filters, desc=True),
    "sorted_text": sorted_text,
    "newest_first": lambda subject, filters: _by_date(subject, filters, desc=True),
    "oldest_first": lambda subject, filters: _by_date(subject, filters, desc=False),
    "latest": lambda subject, filters: _by_date(subject, filters, desc=True, n=subject.draw.pick(_NUMBERS)),
    "latest_one": lambda subject, filters: _by_date(subject, filters, desc=True, n=1),
    "last_date": lambda subject, filters: _for_dates(subject, filters, exp.Max),
    "first_date": lambda subject, filters: _for_dates(subject, filters, exp.Min),
    "first_and_last": lambda subject, filters: _for_dates(subject, filters, exp.Min, exp.Max),
    "share": share,
    "total_of": total_of,
    "rank": rank,
}
