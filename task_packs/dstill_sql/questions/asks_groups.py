"""Asks about groups of rows, and about two sets of rows.

GROUPS["group_count"](subject, conditions)      SELECT drivers.name, COUNT(*) FROM rides JOIN … GROUP BY …
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
from dstill_sql.questions.draw import Condition, Skip, Subject
from dstill_sql.questions.entities import Entity, Field
from dstill_sql.questions.scope import Scope
from dstill_sql.questions.spans import month_of, part_of
from dstill_sql.questions.words import number_said, plural

__all__ = ["GROUPS"]

Found = Sequence[Condition]
_NUMBERS = (2, 3, 3, 3, 5, 5, 10)
_SETS = ("eq", "over", "under", "flag", "year", "years", "either", "month")  # conditions of two sets


def _grouped(subject: Subject, found: Found, by: Group, *what: exp.Expr) -> exp.Select:
    query = subject.scope.select(*what, where=wheres(found))
    return query.group_by(*(one.copy() for one in by.by), copy=False)


def _by(subject: Subject, expression: exp.Expr, *, desc: bool, nullable: bool = False) -> exp.Ordered:
    return ordered(expression.copy(), desc=desc, nullable=nullable, dialect=subject.draw.view.dialect)


def group_count(subject: Subject, found: Found) -> Asked:
    by = group(subject)
    return Asked(query=_grouped(subject, found, by, by.shown, counted()), why=f"{by.why} COUNT(*).", slots=by.slots)


def group_metric(subject: Subject, found: Found) -> Asked:
    one, by = metric(subject), group(subject)
    query = _grouped(subject, found, by, by.shown, one.expression)
    return Asked(query=query, why=f"{by.why} {one.why}", slots={**by.slots, "m": one.words})


def group_two(subject: Subject, found: Found) -> Asked:
    one, by = metric(subject, "AVG", "SUM", "MAX"), group(subject)
    query = _grouped(subject, found, by, by.shown, counted(), one.expression)
    return Asked(query=query, why=f"{by.why} COUNT(*), {one.why}", slots={**by.slots, "m": one.words})


def group_by_two(subject: Subject, found: Found) -> Asked:
    by, other = group(subject), group(subject)
    if by.noun == other.noun:
        raise Skip("twice the same")
    query = subject.scope.select(by.shown, other.shown, counted(), where=wheres(found))
    query = query.group_by(*(one.copy() for one in (*by.by, *other.by)), copy=False)
    return Asked(query=query, why=f"{by.why} {other.why} COUNT(*).", slots={**by.slots, "g2": other.noun})


def group_ranked(subject: Subject, found: Found) -> Asked:
    by = group(subject)
    query = _grouped(subject, found, by, by.shown, counted()).order_by(_by(subject, counted(), desc=True), copy=False)
    return Asked(query=query, why=f"{by.why} ORDER BY COUNT(*) descending.", slots=by.slots)


def group_metric_ranked(subject: Subject, found: Found) -> Asked:
    one, by = metric(subject), group(subject)
    term = _by(subject, one.expression, desc=True, nullable=one.field.column.nullable)
    query = _grouped(subject, found, by, by.shown, one.expression).order_by(term, copy=False)
    return Asked(query=query, why=f"{by.why} {one.why} ORDER BY it descending.", slots={**by.slots, "m": one.words})


def _most(subject: Subject, found: Found, *, desc: bool = True, n: int = 1, counts: bool = False) -> Asked:
    by = group(subject)
    what = [by.shown, counted()] if counts else [by.shown]
    query = _grouped(subject, found, by, *what).order_by(_by(subject, counted(), desc=desc), copy=False)
    why = f"{by.why} ORDER BY COUNT(*), LIMIT {n}."
    return Asked(query=limited(query, n), why=why, slots={**by.slots, "n": number_said(subject.draw.random, n)})


def _extreme(subject: Subject, found: Found, *, desc: bool) -> Asked:
    one, by = metric(subject, "AVG", "SUM", "AVG"), group(subject)
    term = _by(subject, one.expression, desc=desc, nullable=one.field.column.nullable)
    query = limited(_grouped(subject, found, by, by.shown).order_by(term, copy=False), 1)
    return Asked(query=query, why=f"{by.why} ORDER BY {one.why} LIMIT 1.", slots={**by.slots, "m": one.words})


def _having(subject: Subject, found: Found, kind: type[exp.Binary], *, counts: bool = False) -> Asked:
    by = group(subject)
    n = subject.draw.random.randrange(2, 8) if subject.draw.chance(0.6) else subject.draw.random.randrange(8, 40)
    what = [by.shown, counted()] if counts else [by.shown]
    query = _grouped(subject, found, by, *what).having(kind(this=counted(), expression=literal(n)), copy=False)
    return Asked(
        query=query,
        why=f"{by.why} HAVING COUNT(*) with {n}.",
        slots={**by.slots, "n": number_said(subject.draw.random, n)},
    )


def having_metric(subject: Subject, found: Found) -> Asked:
    one, by = metric(subject, "AVG", "SUM"), group(subject)
    value = subject.row[one.field.place]
    if value is None or value <= 0:
        raise Skip("no such number")
    value = round(float(f"{value * subject.draw.random.uniform(0.6, 1.6):.2g}"), 2)
    bound = round(value) if one.field.whole or value >= 20 else value
    over = exp.GT(this=one.expression, expression=literal(bound))
    query = _grouped(subject, found, by, by.shown).having(over, copy=False)
    slots = {**by.slots, "m": one.words, "v": measured(subject.draw, one.field, bound)}
    return Asked(query=query, why=f"{by.why} HAVING {one.why}", slots=slots)


def many_have(subject: Subject, found: Found) -> Asked:
    """How many groups have more than some rows: a query of a query."""
    by = group(subject, own_only=True)
    n = subject.draw.random.randrange(2, 9)
    inner = _grouped(subject, found, by, by.shown).having(exp.GT(this=counted(), expression=literal(n)), copy=False)
    query = exp.select(counted()).from_(
        exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("groups_found")))
    )
    return Asked(
        query=query,
        why=f"{by.why} HAVING COUNT(*) > {n}; COUNT(*) of these.",
        slots={**by.slots, "n": number_said(subject.draw.random, n)},
    )


def average_count(subject: Subject, found: Found) -> Asked:
    by = group(subject)
    rows = exp.alias_(counted(), "n")
    inner = _grouped(subject, found, by, rows)
    query = exp.select(exp.Avg(this=exp.column("n"))).from_(
        exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("counts")))
    )
    return Asked(query=query, why=f"{by.why} COUNT(*); AVG of these.", slots=by.slots)


def _dated(subject: Subject, found: Found, unit: str, one: Metric | None) -> Asked:
    field = subject.field("date")
    column, dialect = subject.column(field), subject.draw.view.dialect
    key = month_of(column, dialect) if unit == "month" else part_of(column, "YEAR", dialect)
    what = one.expression if one else counted()
    query = subject.scope.select(key, what, where=wheres(found)).group_by(key.copy(), copy=False)
    slots = {"d": field.noun, **({"m": one.words} if one else {})}
    return Asked(
        query=query, why=f"group by the {unit} of {field.name}. {one.why if one else 'COUNT(*).'}", slots=slots
    )


def all_counts(subject: Subject, found: Found) -> Asked:
    """Counts of linked rows for all rows, zeros included: a LEFT JOIN."""
    entity, draw = subject.entity, subject.draw
    if entity.label is None or not entity.key:
        raise Skip("no name")
    link = draw.pick([one for one in entity.down if len(one.places) == 1])
    child = draw.view.entities[link.child]
    alias = subject.scope.join_child(link, subject.alias, side="LEFT")
    key = (*child.key, link.reference.columns[0])[0]
    what = exp.Count(this=subject.scope.column(key, alias))
    label = subject.column(entity.label)
    keys = [subject.scope.column(name, subject.alias) for name in entity.key if name != entity.label.column.name]
    by = [label] if entity.label.column.unique else [*keys, label]
    query = subject.scope.select(label, what, where=wheres(found)).group_by(*(one.copy() for one in by), copy=False)
    why = f"LEFT JOIN {link.child}, group by {entity.label.name}, COUNT({link.child}.{key})."
    return Asked(query=query, why=why, slots={"ws": child.words.plural})


def _best_of_each(subject: Subject, found: Found, kind: type[exp.AggFunc]) -> Asked:
    """The best row of each group: its number equals the best of the group."""
    if found or subject.entity.label is None:
        raise Skip("not with conditions")
    by = subject.field("category")
    one = subject.field("number")
    outer = Scope(subject.entity, subject.draw.view.dialect, (subject.entity.name,))
    inner = Scope(subject.entity, subject.draw.view.dialect)
    same = exp.EQ(this=inner.column(by.column.name, inner.alias), expression=outer.column(by.column.name, outer.alias))
    best = inner.select(kind(this=inner.column(one.column.name, inner.alias)), where=[same])
    equal = exp.EQ(this=outer.column(one.column.name, outer.alias), expression=exp.Subquery(this=best))
    what = [outer.column(field.column.name, outer.alias) for field in (by, subject.entity.label)]
    slots = {"g": by.noun, "f": one.noun, "sup": superlative(subject.entity, one, high=kind is exp.Max)}
    return Asked(
        query=outer.select(*what, where=[equal]),
        why=f"{one.name} equals the best of its {by.name}: a subquery.",
        slots=slots,
        single=True,
    )


# --- two sets -----------------------------------------------------------------------------


def _sets(subject: Subject, found: Found, kind: type[exp.SetOperation]) -> Asked:
    """Values of a column among rows with one condition, and among those with another."""
    if found:
        raise Skip("not with conditions")
    one = subject.field("category", "year")
    parts, texts, whys = [], [], []
    for row in (subject.row, subject.draw.pick(subject.draw.view.rows[subject.entity.name])):
        scope = Scope(subject.entity, subject.draw.view.dialect)
        part = Subject(draw=subject.draw, entity=subject.entity, scope=scope, alias=scope.alias, row=row)
        made = CONDITIONS[subject.draw.pick(_SETS)](part)
        if made.before:
            raise Skip("an adjective")
        texts.append(made.text)
        whys.append(made.why)
        parts.append(scope.select(part.column(one), where=[made.sql]))
    query = kind(this=parts[0], expression=parts[1], distinct=True)
    slots = {"fs": plural(one.noun), "c": texts[0], "c2": texts[1]}
    return Asked(query=query, why=f"{' '.join(whys)} {kind.key.upper()} of {one.name}.", slots=slots)


def _common(subject: Subject, found: Found, kind: type[exp.SetOperation]) -> Asked:
    """Values that two tables have in columns of one name."""
    if found:
        raise Skip("not with conditions")
    one = subject.field("category", "code", "label")
    other, field = subject.draw.pick(_same_columns(subject, one))
    scope = Scope(other, subject.draw.view.dialect)
    mine = subject.scope.select(subject.column(one))
    query = kind(this=mine, expression=scope.select(scope.column(field.column.name, scope.alias)), distinct=True)
    slots = {"fs": plural(one.noun), "os": other.words.plural}
    return Asked(query=query, why=f"{one.name} {kind.key.upper()} {field.name}.", slots=slots)


def _same_columns(subject: Subject, one: Field) -> list[tuple[Entity, Field]]:
    return [
        (entity, field)
        for entity in subject.draw.view.entities.values()
        if entity is not subject.entity
        for field in entity.of("category", "code", "label")
        if field.noun == one.noun and field.noun not in ("name", "title")
    ]


GROUPS: Mapping[str, Ask] = {
    "group_count": group_count,
    "group_metric": group_metric,
    "group_two": group_two,
    "group_by_two": group_by_two,
    "group_ranked": group_ranked,
    "group_metric_ranked": group_metric_ranked,
    "most_group": _most,
    "least_group": lambda subject, found: _most(subject, found, desc=False),
    "top_groups": lambda subject, found: _most(subject, found, n=subject.draw.pick(_NUMBERS)),
    "top_groups_counts": lambda subject, found: _most(subject, found, n=subject.draw.pick(_NUMBERS), counts=True),
    "highest_group": lambda subject, found: _extreme(subject, found, desc=True),
    "lowest_group": lambda subject, found: _extreme(subject, found, desc=False),
    "having_count": lambda subject, found: _having(subject, found, exp.GT),
    "having_least": lambda subject, found: _having(subject, found, exp.GTE),
    "having_counts": lambda subject, found: _having(subject, found, exp.GT, counts=True),
    "having_metric": having_metric,
    "many_have": many_have,
    "average_count": average_count,
    "per_year": lambda subject, found: _dated(subject, found, "year", None),
    "per_month": lambda subject, found: _dated(subject, found, "month", None),
    "metric_per_year": lambda subject, found: _dated(subject, found, "year", metric(subject)),
    "metric_per_month": lambda subject, found: _dated(subject, found, "month", metric(subject)),
    "all_counts": all_counts,
    "best_of_each": lambda subject, found: _best_of_each(subject, found, exp.Max),
    "worst_of_each": lambda subject, found: _best_of_each(subject, found, exp.Min),
    "both": lambda subject, found: _sets(subject, found, exp.Intersect),
    "either": lambda subject, found: _sets(subject, found, exp.Union),
    "but_not": lambda subject, found: _sets(subject, found, exp.Except),
    "common_values": lambda subject, found: _common(subject, found, exp.Intersect),
    "values_without": lambda subject, found: _common(subject, found, exp.Except),
}
