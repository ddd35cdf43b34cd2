"""Asks about groups of rows, and about two sets of rows.

GROUPS["group_count"](subject, filters)      SELECT drivers.name, COUNT(*) FROM rides JOIN … GROUP BY …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from dstill_sql.questions.ask_parts import (
    Asked,
    Group,
    Metric,
    counted,
    group,
    limited,
    metric,
    ordered,
    superlative,
    wheres,
)
from dstill_sql.questions.asks import Ask
from dstill_sql.questions.conditions import CONDITIONS, literal, measured
from dstill_sql.questions.draw import Filter, Skip, Subject
from dstill_sql.questions.entities import Entity, Field
from dstill_sql.questions.scope import Scope
from dstill_sql.questions.spans import month_of, part_of
from dstill_sql.questions.words import number_said, plural

__all__ = ["GROUPS"]

Filters = Sequence[Filter]
_NUMBERS = (2, 3, 3, 3, 5, 5, 10)
_SETS = ("eq", "over", "under", "flag", "year", "years", "either", "month")  # conditions of two sets


def _grouped(subject: Subject, filters: Filters, by: Group, *what: exp.Expr) -> exp.Select:
    query = subject.scope.select(*what, where=wheres(filters))
    return query.group_by(*(column.copy() for column in by.by), copy=False)


def _by(subject: Subject, expression: exp.Expr, *, desc: bool, nullable: bool = False) -> exp.Ordered:
    return ordered(expression.copy(), desc=desc, nullable=nullable, dialect=subject.draw.view.dialect)


def group_count(subject: Subject, filters: Filters) -> Asked:
    by = group(subject)
    return Asked(query=_grouped(subject, filters, by, by.shown, counted()), why=f"{by.why} COUNT(*).", slots=by.slots)


def group_metric(subject: Subject, filters: Filters) -> Asked:
    figure, by = metric(subject), group(subject)
    query = _grouped(subject, filters, by, by.shown, figure.expression)
    return Asked(query=query, why=f"{by.why} {figure.why}", slots={**by.slots, "m": figure.words})


def group_two(subject: Subject, filters: Filters) -> Asked:
    figure, by = metric(subject, "AVG", "SUM", "MAX"), group(subject)
    query = _grouped(subject, filters, by, by.shown, counted(), figure.expression)
    return Asked(query=query, why=f"{by.why} COUNT(*), {figure.why}", slots={**by.slots, "m": figure.words})


def group_by_two(subject: Subject, filters: Filters) -> Asked:
    by, other = group(subject), group(subject)
    if by.noun == other.noun:
        raise Skip("twice the same")
    query = subject.scope.select(by.shown, other.shown, counted(), where=wheres(filters))
    query = query.group_by(*(column.copy() for column in (*by.by, *other.by)), copy=False)
    return Asked(query=query, why=f"{by.why} {other.why} COUNT(*).", slots={**by.slots, "g2": other.noun})


def group_ranked(subject: Subject, filters: Filters) -> Asked:
    by = group(subject)
    query = _grouped(subject, filters, by, by.shown, counted()).order_by(_by(subject, counted(), desc=True), copy=False)
    return Asked(query=query, why=f"{by.why} ORDER BY COUNT(*) descending.", slots=by.slots)


def group_metric_ranked(subject: Subject, filters: Filters) -> Asked:
    value, by = metric(subject), group(subject)
    term = _by(subject, value.expression, desc=True, nullable=value.field.column.nullable)
    query = _grouped(subject, filters, by, by.shown, value.expression).order_by(term, copy=False)
    return Asked(query=query, why=f"{by.why} {value.why} ORDER BY it descending.", slots={**by.slots, "m": value.words})


def _most(subject: Subject, filters: Filters, *, desc: bool = True, n: int = 1, counts: bool = False) -> Asked:
    by = group(subject)
    what = [by.shown, counted()] if counts else [by.shown]
    query = _grouped(subject, filters, by, *what).order_by(_by(subject, counted(), desc=desc), copy=False)
    why = f"{by.why} ORDER BY COUNT(*), LIMIT {n}."
    return Asked(query=limited(query, n), why=why, slots={**by.slots, "n": number_said(subject.draw.random, n)})


def _extreme(subject: Subject, filters: Filters, *, desc: bool) -> Asked:
    figure, by = metric(subject, "AVG", "SUM", "AVG"), group(subject)
    term = _by(subject, figure.expression, desc=desc, nullable=figure.field.column.nullable)
    query = limited(_grouped(subject, filters, by, by.shown).order_by(term, copy=False), 1)
    return Asked(query=query, why=f"{by.why} ORDER BY {figure.why} LIMIT 1.", slots={**by.slots, "m": figure.words})


def _having(subject: Subject, filters: Filters, kind: type[exp.Binary], *, counts: bool = False) -> Asked:
    by = group(subject)
    n = subject.draw.random.randrange(2, 8) if subject.draw.chance(0.6) else subject.draw.random.randrange(8, 40)
    what = [by.shown, counted()] if counts else [by.shown]
    query = _grouped(subject, filters, by, *what).having(kind(this=counted(), expression=literal(n)), copy=False)
    return Asked(
        query=query,
        why=f"{by.why} HAVING COUNT(*) with {n}.",
        slots={**by.slots, "n": number_said(subject.draw.random, n)},
    )


def having_metric(subject: Subject, filters: Filters) -> Asked:
    figure, by = metric(subject, "AVG", "SUM"), group(subject)
    value = subject.row[figure.field.place]
    if value is None or value <= 0:
        raise Skip("no such number")
    value = round(float(f"{value * subject.draw.random.uniform(0.6, 1.6):.2g}"), 2)
    bound = round(value) if figure.field.whole or value >= 20 else value
    over = exp.GT(this=figure.expression, expression=literal(bound))
    query = _grouped(subject, filters, by, by.shown).having(over, copy=False)
    slots = {**by.slots, "m": figure.words, "v": measured(subject.draw, figure.field, bound)}
    return Asked(query=query, why=f"{by.why} HAVING {figure.why}", slots=slots)


def many_have(subject: Subject, filters: Filters) -> Asked:
    """How many groups have more than some rows: a query of a query."""
    by = group(subject, own_only=True)
    n = subject.draw.random.randrange(2, 9)
    inner = _grouped(subject, filters, by, by.shown).having(exp.GT(this=counted(), expression=literal(n)), copy=False)
    query = exp.select(counted()).from_(
        exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("groups_found")))
    )
    return Asked(
        query=query,
        why=f"{by.why} HAVING COUNT(*) > {n}; COUNT(*) of these.",
        slots={**by.slots, "n": number_said(subject.draw.random, n)},
    )


def average_count(subject: Subject, filters: Filters) -> Asked:
    by = group(subject)
    rows = exp.alias_(counted(), "n")
    inner = _grouped(subject, filters, by, rows)
    query = exp.select(exp.Avg(this=exp.column("n"))).from_(
        exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("counts")))
    )
    return Asked(query=query, why=f"{by.why} COUNT(*); AVG of these.", slots=by.slots)


def _dated(subject: Subject, filters: Filters, unit: str, metric: Metric | None) -> Asked:
    field = subject.field("date")
    column, dialect = subject.column(field), subject.draw.view.dialect
    key = month_of(column, dialect) if unit == "month" else part_of(column, "YEAR", dialect)
    what = metric.expression if metric else counted()
    query = subject.scope.select(key, what, where=wheres(filters)).group_by(key.copy(), copy=False)
    slots = {"d": field.noun, **({"m": metric.words} if metric else {})}
    return Asked(
        query=query, why=f"group by the {unit} of {field.name}. {metric.why if metric else 'COUNT(*).'}", slots=slots
    )


def all_counts(subject: Subject, filters: Filters) -> Asked:
    """Counts of linked rows for all rows, zeros included: a LEFT JOIN."""
    entity, draw = subject.entity, subject.draw
    if entity.label is None or not entity.key:
        raise Skip("no name")
    link = draw.pick([link for link in entity.down if len(link.places) == 1])
    child = draw.view.entities[link.child]
    alias = subject.scope.join_child(link, subject.alias, side="LEFT")
    key = (*child.key, link.reference.columns[0])[0]
    what = exp.Count(this=subject.scope.column(key, alias))
    label = subject.column(entity.label)
    keys = [subject.scope.column(name, subject.alias) for name in entity.key if name != entity.label.column.name]
    by = [label] if entity.label.column.unique else [*keys, label]
    query = subject.scope.select(label, what, where=wheres(filters)).group_by(*(key_.copy() for key_ in by), copy=False)
    why = f"LEFT JOIN {link.child}, group by {entity.label.name}, COUNT({link.child}.{key})."
    return Asked(query=query, why=why, slots={"ws": child.words.plural})


def _best_of_each(subject: Subject, filters: Filters, kind: type[exp.AggFunc]) -> Asked:
    """The best row of each group: its number equals the best of the group."""
    if filters or subject.entity.label is None:
        raise Skip("not with conditions")
    by = subject.field("category")
    field = subject.field("number")
    outer = Scope(subject.entity, subject.draw.view.dialect, (subject.entity.name,))
    inner = Scope(subject.entity, subject.draw.view.dialect)
    same = exp.EQ(this=inner.column(by.column.name, inner.alias), expression=outer.column(by.column.name, outer.alias))
    best = inner.select(kind(this=inner.column(field.column.name, inner.alias)), where=[same])
    equal = exp.EQ(this=outer.column(field.column.name, outer.alias), expression=exp.Subquery(this=best))
    what = [outer.column(field.column.name, outer.alias) for field in (by, subject.entity.label)]
    slots = {"g": by.noun, "f": field.noun, "sup": superlative(subject.entity, field, high=kind is exp.Max)}
    return Asked(
        query=outer.select(*what, where=[equal]),
        why=f"{field.name} equals the best of its {by.name}: a subquery.",
        slots=slots,
        single=True,
    )


# --- two sets -----------------------------------------------------------------------------


def _sets(subject: Subject, filters: Filters, kind: type[exp.SetOperation]) -> Asked:
    """Values of a column among rows with one condition, and among those with another."""
    if filters:
        raise Skip("not with conditions")
    field = subject.field("category", "year")
    parts, texts, whys = [], [], []
    for row in (subject.row, subject.draw.pick(subject.draw.view.rows[subject.entity.name])):
        scope = Scope(subject.entity, subject.draw.view.dialect)
        part = Subject(draw=subject.draw, entity=subject.entity, scope=scope, alias=scope.alias, row=row)
        condition = CONDITIONS[subject.draw.pick(_SETS)](part)
        if condition.before:
            raise Skip("an adjective")
        texts.append(condition.text)
        whys.append(condition.why)
        parts.append(scope.select(part.column(field), where=[condition.sql]))
    query = kind(this=parts[0], expression=parts[1], distinct=True)
    slots = {"fs": plural(field.noun), "c": texts[0], "c2": texts[1]}
    return Asked(query=query, why=f"{' '.join(whys)} {kind.key.upper()} of {field.name}.", slots=slots)


def _common(subject: Subject, filters: Filters, kind: type[exp.SetOperation]) -> Asked:
    """Values that two tables have in columns of one name."""
    if filters:
        raise Skip("not with conditions")
    own = subject.field("category", "code", "label")
    other, field = subject.draw.pick(_same_columns(subject, own))
    scope = Scope(other, subject.draw.view.dialect)
    mine = subject.scope.select(subject.column(own))
    query = kind(this=mine, expression=scope.select(scope.column(field.column.name, scope.alias)), distinct=True)
    slots = {"fs": plural(own.noun), "os": other.words.plural}
    return Asked(query=query, why=f"{own.name} {kind.key.upper()} {field.name}.", slots=slots)


def _same_columns(subject: Subject, own: Field) -> list[tuple[Entity, Field]]:
    return [
        (entity, field)
        for entity in subject.draw.view.entities.values()
        if entity is not subject.entity
        for field in entity.of("category", "code", "label")
        if field.noun == own.noun and field.noun not in ("name", "title")
    ]


GROUPS: Mapping[str, Ask] = {
    "group_count": group_count,
    "group_metric": group_metric,
    "group_two": group_two,
    "group_by_two": group_by_two,
    "group_ranked": group_ranked,
    "group_metric_ranked": group_metric_ranked,
    "most_group": _most,
    "least_group": lambda subject, filters: _most(subject, filters, desc=False),
    "top_groups": lambda subject, filters: _most(subject, filters, n=subject.draw.pick(_NUMBERS)),
    "top_groups_counts": lambda subject, filters: _most(subject, filters, n=subject.draw.pick(_NUMBERS), counts=True),
    "highest_group": lambda subject, filters: _extreme(subject, filters, desc=True),
    "lowest_group": lambda subject, filters: _extreme(subject, filters, desc=False),
    "having_count": lambda subject, filters: _having(subject, filters, exp.GT),
    "having_least": lambda subject, filters: _having(subject, filters, exp.GTE),
    "having_counts": lambda subject, filters: _having(subject, filters, exp.GT, counts=True),
    "having_metric": having_metric,
    "many_have": many_have,
    "average_count": average_count,
    "per_year": lambda subject, filters: _dated(subject, filters, "year", None),
    "per_month": lambda subject, filters: _dated(subject, filters, "month", None),
    "metric_per_year": lambda subject, filters: _dated(subject, filters, "year", metric(subject)),
    "metric_per_month": lambda subject, filters: _dated(subject, filters, "month", metric(subject)),
    "all_counts": all_counts,
    "best_of_each": lambda subject, filters: _best_of_each(subject, filters, exp.Max),
    "worst_of_each": lambda subject, filters: _best_of_each(subject, filters, exp.Min),
    "both": lambda subject, filters: _sets(subject, filters, exp.Intersect),
    "either": lambda subject, filters: _sets(subject, filters, exp.Union),
    "but_not": lambda subject, filters: _sets(subject, filters, exp.Except),
    "common_values": lambda subject, filters: _common(subject, filters, exp.Intersect),
    "values_without": lambda subject, filters: _common(subject, filters, exp.Except),
}
