"""Conditions on linked rows, and phrases with all conditions of a row.

    condition(subject, "up.eq")       Filter(text="of drivers from Oslo", sql=drivers.city = 'Oslo', …)
    condition(subject, "none.over")   Filter(text="without rides over 20 km", sql=NOT EXISTS (…), …)

A path of steps ends in a condition on columns (`conditions`): ``up`` to what a row refers to, by a join; ``down`` to
rows that refer to it, by a subquery; ``none``: no such row; ``many``: more than a number of them; ``via``: through a
table that only links.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from dstill_sql.questions.conditions import CONDITIONS, literal, sayable
from dstill_sql.questions.draw import Filter, Skip, Subject
from dstill_sql.questions.entities import Entity, Link
from dstill_sql.questions.scope import Scope
from dstill_sql.questions.wordings import filled, wordings
from dstill_sql.questions.words import a, number_said, plural, spell

__all__ = ["condition", "conditions", "noun_phrase", "terse_phrase"]

_MOST = 6  # rows: "more than 6 orders"


def condition(subject: Subject, path: str) -> Filter:
    """The condition of a path. Raises Skip."""
    step, _, rest = path.partition(".")
    if step in _STEPS:
        return _STEPS[step](subject, rest)
    return CONDITIONS[path](subject)


def conditions(subject: Subject, paths: Sequence[str]) -> list[Filter]:
    """The conditions of some paths in the order in which a phrase says them."""
    ordered = [condition(subject, path) for path in paths]
    subject.draw.random.shuffle(ordered)
    return sorted(ordered, key=lambda part: (not part.before, part.nested))


def noun_phrase(subject: Subject, noun: str, filters: Sequence[Filter]) -> str:
    """The noun with the conditions."""
    before = [part.text for part in filters if part.before]
    after = [part.text for part in filters if not part.before]
    joint = subject.draw.pick((" and ", " ", " and ", ", ")) if len(after) > 1 else " "
    return " ".join([*before, noun, *([joint.join(after)] if after else [])])


def terse_phrase(subject: Subject, filters: Sequence[Filter]) -> str:
    """Keywords: ``orders open > 20``."""
    words = [part.terse or part.text for part in filters]
    words.insert(0 if subject.draw.chance(0.7) else len(words), subject.entity.words.plural)
    return " ".join(words)


def _way(subject: Subject, name: str, **slots: str) -> str:
    options = [way for way in wordings("relations", name) if not way.startswith("who ") or subject.entity.is_person]
    return filled(subject.draw.pick(options), **slots)


# --- up ---------------------------------------------------------------------------------


def _up(subject: Subject, rest: str) -> Filter:
    draw = subject.draw
    link = draw.pick([link for link in subject.entity.up if draw.view.parent_row(link, subject.row) is not None])
    row = draw.view.parent_row(link, subject.row)
    assert row is not None
    parent = Subject(
        draw=draw,
        entity=draw.view.entities[link.parent],
        scope=subject.scope,
        alias=subject.scope.join(link, subject.alias),
        row=row,
    )
    inner = condition(parent, rest)
    why = f"{link.child}.{', '.join(link.reference.columns)} refers to {link.parent}: join. {inner.why}"
    if (
        rest == "named"
        and link.words.role == parent.entity.words.noun
        and parent.entity.is_person
        and draw.chance(0.15)
    ):
        text = f"{inner.terse}'{'' if inner.terse.endswith('s') else 's'}"  # Ann Lee's rides
        return Filter(text=text, sql=inner.sql, why=why, before=True, terse=inner.terse)
    text = _up_text(subject, link, parent, inner, rest)
    return Filter(text=text, sql=inner.sql, why=why, terse=inner.terse, nested=True)


def _up_text(subject: Subject, link: Link, parent: Subject, inner: Filter, rest: str) -> str:
    role = link.words.role
    own = role != parent.entity.words.noun
    if rest in ("named", "code"):
        value = inner.terse
        if link.words.passive and not own:
            return _way(subject, "passive_named", passive=link.words.passive, v=value, r=role)
        return _way(subject, "up_named_role" if own else "up_named", v=value, r=role)
    noun = plural(role) if own else parent.entity.words.plural
    phrase = noun_phrase(parent, noun, [inner])
    if inner.before:
        spoken = noun_phrase(parent, role, [inner])
        return f"with {a(spoken)}" if own else _way(subject, "passive", passive=link.words.passive or "of", p=phrase)
    if own:
        return _way(subject, "up_role", r=role, c=inner.text)
    if link.words.passive and subject.draw.chance(0.6):
        name = "passive_by" if link.words.passive.endswith(" by") else "passive"
        return _way(subject, name, passive=link.words.passive, p=phrase)
    return _way(subject, "up", p=phrase, r=role, c=inner.text)


def _no_parent(subject: Subject, _rest: str) -> Filter:
    link = subject.draw.pick([link for link in subject.entity.up if link.nullable and len(link.places) == 1])
    column = subject.scope.column(link.reference.columns[0], subject.alias)
    sql: exp.Expr = exp.Is(this=column, expression=exp.Null())
    text = _way(subject, "no_parent", r=link.words.role)
    return Filter(
        text=text, sql=sql, why=f"{link.child}.{link.reference.columns[0]} IS NULL.", terse=f"no {link.words.role}"
    )


# --- down -------------------------------------------------------------------------------


def _single(links: Sequence[Link]) -> list[Link]:
    return [link for link in links if len(link.places) == 1]


def _children(subject: Subject, links: Sequence[Link], *, correlated: bool = False) -> tuple[Link, Subject]:
    """A link to rows that refer to this one, and one of them in a SELECT of its own."""
    draw = subject.draw
    link = draw.pick([link for link in _single(links) if draw.view.child_rows(link, subject.row)])
    entity = draw.view.entities[link.child]
    scope = Scope(entity, draw.view.dialect, subject.scope.names if correlated else ())
    row = draw.pick(draw.view.child_rows(link, subject.row))
    return link, Subject(draw=draw, entity=entity, scope=scope, alias=scope.alias, row=row)


def _in(subject: Subject, link: Link, query: exp.Query) -> exp.Expr:
    key = subject.scope.column(link.reference.to_columns[0], subject.alias)
    return exp.In(this=key, query=exp.Subquery(this=query))


def _down(subject: Subject, rest: str) -> Filter:
    link, child = _children(subject, subject.entity.down)
    inner = [condition(child, rest)] if rest else []
    column = child.scope.column(link.reference.columns[0], child.alias)
    where = [part.sql for part in inner]
    if link.nullable and not rest:
        where.append(exp.Not(this=exp.Is(this=column.copy(), expression=exp.Null())))
    sql = _in(subject, link, child.scope.select(column, where=where))
    phrase = noun_phrase(child, child.entity.words.plural, inner)
    if _is_role(subject, link):
        phrase += f" as {link.words.role}"
    name = "down" if rest else "down_any"
    if link.words.active and subject.draw.chance(0.45):
        text = _way(subject, "active", active=link.words.active, p=phrase)
    else:
        text = _way(
            subject,
            name,
            p=phrase,
            r=child.entity.words.noun + (f" as {link.words.role}" if _is_role(subject, link) else ""),
        )
    return Filter(text=text, sql=sql, why=_why(link, inner, "IN a subquery"), terse=f"with {phrase}", nested=True)


def _is_role(subject: Subject, link: Link) -> bool:
    """Whether the link has to be named: the other table refers to this one in several roles."""
    return len([other for other in subject.entity.down if other.child == link.child]) > 1


def _why(link: Link, inner: Sequence[Filter], how: str) -> str:
    told = f"{link.child}.{link.reference.columns[0]} refers to {link.parent}: {how}."
    return " ".join([told, *(part.why for part in inner)])


def _none(subject: Subject, rest: str) -> Filter:
    """No row of a table refers to this one. The condition is that of a row that refers to another."""
    draw = subject.draw
    link = draw.pick(_single(subject.entity.down))
    entity = draw.view.entities[link.child]
    scope = Scope(entity, draw.view.dialect, subject.scope.names)
    child = Subject(draw=draw, entity=entity, scope=scope, alias=scope.alias, row=draw.pick(draw.view.rows[link.child]))
    inner = [condition(child, rest)] if rest else []
    pairs = zip(link.reference.columns, link.reference.to_columns, strict=True)
    same = [
        exp.EQ(this=scope.column(x, scope.alias), expression=subject.scope.column(y, subject.alias)) for x, y in pairs
    ]
    query = scope.select(exp.Literal.number(1), where=[*same, *(part.sql for part in inner)])
    phrase = noun_phrase(child, child.entity.words.plural, inner)
    phrase += f" as {link.words.role}" if _is_role(subject, link) else ""
    return Filter(
        text=_way(subject, "none", p=phrase),
        sql=exp.Not(this=exp.Exists(this=query)),
        why=_why(link, inner, "NOT EXISTS"),
        terse=f"without {phrase}",
        nested=True,
    )


def _many(subject: Subject, rest: str) -> Filter:
    """More than a number of rows refer to this one."""
    link, child = _children(subject, subject.entity.down)
    inner = [condition(child, rest)] if rest else []
    count = len(subject.draw.view.child_rows(link, subject.row))
    if count < 2:
        raise Skip("only one")
    least = subject.draw.chance(0.3)
    number = subject.draw.random.randrange(2 if least else 1, min(count, _MOST) + (1 if least else 0))
    column = child.scope.column(link.reference.columns[0], child.alias)
    kind = exp.GTE if least else exp.GT
    query = child.scope.select(column, where=[part.sql for part in inner]).group_by(column.copy(), copy=False)
    query = query.having(kind(this=exp.Count(this=exp.Star()), expression=literal(number)), copy=False)
    noun = child.entity.words.noun if number == 1 and not least else child.entity.words.plural
    phrase = noun_phrase(child, noun, inner) + (f" as {link.words.role}" if _is_role(subject, link) else "")
    text = _way(subject, "many_least" if least else "many", p=phrase, n=number_said(subject.draw.random, number))
    why = _why(link, inner, "IN a subquery with HAVING")
    return Filter(
        text=text,
        sql=_in(subject, link, query),
        why=why,
        terse=f"{'>=' if least else '>'} {number} {phrase}",
        nested=True,
    )


# --- through a table that only links --------------------------------------------------------


def _junctions(subject: Subject) -> list[Link]:
    entities = subject.draw.view.entities
    return [link for link in _single(subject.entity.down) if entities[link.child].is_junction]


def _across(subject: Subject, junction: Subject, link: Link) -> Link:
    """The junction's other link, to a table that has one link to it."""
    others = [option for option in junction.entity.up if option != link and option.parent != subject.entity.name]
    target = subject.draw.pick(others)
    if len([link for link in junction.entity.up if link.parent == target.parent]) > 1:
        raise Skip("several roles")
    return target


def _via(subject: Subject, rest: str) -> Filter:
    link, junction = _children(subject, _junctions(subject))
    far = _across(subject, junction, link)
    row = subject.draw.view.parent_row(far, junction.row)
    if row is None:
        raise Skip("refers to nothing")
    other = _far(subject, junction, far, row)
    inner = condition(other, rest)
    column = junction.scope.column(link.reference.columns[0], junction.alias)
    sql = _in(subject, link, junction.scope.select(column, where=[inner.sql]))
    if rest == "named":
        text = _way(subject, "via_named", r=far.words.role, v=inner.terse)
    else:
        text = _way(subject, "via", p=noun_phrase(other, other.entity.words.plural, [inner]))
    why = f"{link.child} links {link.parent} and {far.parent}: IN a subquery with a join. {inner.why}"
    return Filter(text=text, sql=sql, why=why, terse=inner.terse, nested=True)


def _far(subject: Subject, junction: Subject, far: Link, row: Sequence[object]) -> Subject:
    return Subject(
        draw=subject.draw,
        entity=subject.draw.view.entities[far.parent],
        scope=junction.scope,
        alias=junction.scope.join(far, junction.alias),
        row=row,
    )


def _via_none(subject: Subject, rest: str) -> Filter:
    draw = subject.draw
    link = draw.pick(_junctions(subject))
    entity = draw.view.entities[link.child]
    scope = Scope(entity, draw.view.dialect, subject.scope.names)
    junction = Subject(
        draw=draw, entity=entity, scope=scope, alias=scope.alias, row=draw.pick(draw.view.rows[link.child])
    )
    far = _across(subject, junction, link)
    row = draw.view.parent_row(far, junction.row)
    if row is None:
        raise Skip("refers to nothing")
    other = _far(subject, junction, far, row)
    inner = condition(other, rest)
    same = exp.EQ(
        this=scope.column(link.reference.columns[0], scope.alias),
        expression=subject.scope.column(link.reference.to_columns[0], subject.alias),
    )
    query = scope.select(exp.Literal.number(1), where=[same, inner.sql])
    phrase = noun_phrase(other, other.entity.words.plural, [inner])
    if rest == "named":
        phrase = f"{far.words.role} {inner.terse}"
    why = f"{link.child} links {link.parent} and {far.parent}: NOT EXISTS. {inner.why}"
    return Filter(
        text=_way(subject, "via_none", p=phrase),
        sql=exp.Not(this=exp.Exists(this=query)),
        why=why,
        terse=f"without {inner.terse}",
        nested=True,
    )


def _via_both(subject: Subject, _rest: str) -> Filter:
    """Linked to both of two rows: two subqueries."""
    draw = subject.draw
    link, junction = _children(subject, _junctions(subject))
    far = _across(subject, junction, link)
    entity: Entity = draw.view.entities[far.parent]
    label = entity.label
    rows = [draw.view.parent_row(far, child_row) for child_row in draw.view.child_rows(link, subject.row)]
    values: list[str] = sorted(
        {row[label.place] for row in rows if row is not None and label and row[label.place] is not None}
    )
    if label is None or len(values) < 2 or not all(map(sayable, values)):
        raise Skip("not two")
    two = draw.random.sample(values, 2)
    draw.mentioned.update({value: value in label.known.values for value in two})
    parts = []
    for value in two:
        scope = Scope(junction.entity, draw.view.dialect)
        alias = scope.join(far, scope.alias)
        same = exp.EQ(this=scope.column(label.column.name, alias), expression=literal(value))
        parts.append(
            _in(subject, link, scope.select(scope.column(link.reference.columns[0], scope.alias), where=[same]))
        )
    text = _way(subject, "via_both", rs=plural(far.words.role), v=spell(two[0]), x=spell(two[1]))
    why = f"{link.child} links {link.parent} and {far.parent}: a subquery for each of the two. {label.name}: =."
    return Filter(text=text, sql=exp.and_(*parts), why=why, terse=" ".join(map(spell, two)), nested=True)


_STEPS: Mapping[str, Callable[[Subject, str], Filter]] = {
    "up": _up,
    "no_up": _no_parent,
    "down": _down,
    "none": _none,
    "many": _many,
    "via": _via,
    "via_none": _via_none,
    "via_both": _via_both,
}
