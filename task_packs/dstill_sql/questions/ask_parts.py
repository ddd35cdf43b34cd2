"""The common parts of the asks: the columns that show a row, groups, metrics and orders.

shown(subject)          drivers.name, or all columns of a table without a name
group(subject)          what rows are grouped by: a column of theirs, or the name of what they refer to
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.conditions import comparatives
from dstill_sql.questions.draw import Filter, Subject
from dstill_sql.questions.entities import Entity, Field
from dstill_sql.questions.wordings import filled, one_line
from dstill_sql.questions.words import plural

__all__ = [
    "Asked",
    "Group",
    "Metric",
    "counted",
    "group",
    "limited",
    "metric",
    "ordered",
    "shown",
    "superlative",
    "wheres",
]

_METRICS: Mapping[str, type[exp.AggFunc]] = {"AVG": exp.Avg, "SUM": exp.Sum, "MIN": exp.Min, "MAX": exp.Max}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A query, and what its wordings need besides the conditions."""

    query: exp.Query
    why: str
    slots: Mapping[str, str] = field(default_factory=dict)
    wording: str = ""  # the name of its wordings; empty: that of the ask
    single: bool = False  # one row is asked for: "which driver"


@dataclass(frozen=True, kw_only=True)
class Group:
    """The columns that rows are grouped by."""

    noun: str
    shown: exp.Expr
    by: tuple[exp.Expr, ...]
    why: str

    @property
    def slots(self) -> dict[str, str]:
        """Its words."""
        return {"g": self.noun, "gs": plural(self.noun)}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """An aggregate of a column."""

    words: str
    expression: exp.Expr
    field: Field
    why: str


def wheres(filters: Sequence[Filter]) -> list[exp.Expr]:
    """The SQL of the conditions."""
    return [term.sql for term in filters]


def counted() -> exp.Expr:
    """``COUNT(*)``."""
    return exp.Count(this=exp.Star())


def shown(subject: Subject) -> exp.Expr:
    """The expression that names a row: its label, or all its columns."""
    label = subject.entity.label
    return subject.scope.star() if label is None else subject.column(label)


def ordered(expression: exp.Expr, *, desc: bool, nullable: bool, dialect: Dialect) -> exp.Ordered:
    """A term of ORDER BY. NULLs come last, as nobody asks for them."""
    usual = {"postgres": desc, "sqlite": not desc}.get(dialect, False)
    return exp.Ordered(this=expression, desc=desc or None, nulls_first=False if nullable else usual)


def limited(query: exp.Select, n: int) -> exp.Select:
    """The query with a LIMIT."""
    return query.limit(n, copy=False)


def superlative(entity: Entity, field: Field, *, high: bool) -> str:
    """The word for rows with the most of the field, or the least; empty: there is none."""
    words = comparatives(entity, field)
    return words[2 if high else 3] if words else ""


def metric(subject: Subject, *names: str, among: Sequence[Field] | None = None) -> Metric:
    """An aggregate of a number that the question does not use yet. Raises Skip."""
    field = subject.field("number") if among is None else subject.field(among=among)
    name = subject.draw.pick(names or tuple(_METRICS))
    words = filled(subject.draw.pick(one_line("metrics", name)), f=field.noun)
    expression = _METRICS[name](this=subject.column(field))
    return Metric(words=words, expression=expression, field=field, why=f"{name} of {field.name}.")


def group(subject: Subject, *, own_only: bool = False) -> Group:
    """A column of the rows with few values, or what they refer to unless `own_only`. Raises Skip."""
    draw = subject.draw
    own = [field for field in subject.entity.of("category", "year") if field.name not in draw.used]
    links = [link for link in subject.entity.up if draw.view.entities[link.parent].label is not None]
    if links and not own_only and (not own or draw.chance(0.55)):
        link = draw.pick(links)
        alias = subject.scope.join(link, subject.alias)
        parent = draw.view.entities[link.parent]
        categories = [field for field in parent.of("category") if field.name not in draw.used]
        if categories and draw.chance(0.35):
            category = draw.pick(categories)
            draw.used.add(category.name)
            column = subject.scope.column(category.column.name, alias)
            return Group(
                noun=f"{link.words.role} {category.noun}",
                shown=column,
                by=(column,),
                why=f"group by {category.name} of what {link.child} refers to: join.",
            )
        label = parent.label
        assert label is not None
        draw.used.add(label.name)
        column = subject.scope.column(label.column.name, alias)
        keys = [subject.scope.column(name, alias) for name in parent.key if name != label.column.name]
        by = (column,) if label.column.unique else (*keys, column)
        why = f"{link.child} refers to {link.parent}: join, group by its key and {label.name}."
        return Group(noun=link.words.role, shown=column, by=by, why=why)
    category = subject.field(among=own)
    column = subject.column(category)
    return Group(noun=category.noun, shown=column, by=(column,), why=f"group by {category.name}.")
