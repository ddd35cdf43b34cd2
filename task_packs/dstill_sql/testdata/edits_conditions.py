"""Changes of conditions: another operator or value, a condition lost or negated, OR for AND."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlglot import exp

from dstill_sql.testdata.edits import Change, Edit, Gold, as_kind, inside, put, remove

__all__ = ["KINDS"]

_SIGNS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="
}  # fmt: skip
_OTHER_COMPARISONS: Mapping[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.GT: (exp.GTE, exp.LT),
    exp.GTE: (exp.GT, exp.LTE),
    exp.LT: (exp.LTE, exp.GT),
    exp.LTE: (exp.LT, exp.GTE),
    exp.EQ: (exp.NEQ, exp.GTE),
    exp.NEQ: (exp.EQ,),
}
_CONDITIONS = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Like, exp.ILike, exp.Is, exp.Exists,
    exp.Not, exp.Or, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_NEGATABLE = (exp.In, exp.Like, exp.ILike, exp.Is, exp.Exists, exp.Between)
# Literals in these are no values of the data: places, patterns of dates, sizes.
_SETTINGS = (exp.Limit, exp.Offset, exp.Fetch, exp.Ordered, exp.Group, exp.DataTypeParam, exp.Anonymous, exp.Count)
_PATTERNS = (exp.Like, exp.ILike, exp.TimeToStr, exp.StrToTime, exp.StrToDate, exp.Escape)
_DAY = len("2024-05-01")


def _operators(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    within = node.find_ancestor(exp.Join, exp.Select)
    if isinstance(node, exp.EQ) and isinstance(within, exp.Join):
        return
    with_constant = any(isinstance(side, exp.Literal) for side in (node.this, node.expression))
    for other in _OTHER_COMPARISONS.get(type(node), ()):
        if isinstance(node, exp.EQ) and other is exp.GTE and not with_constant:
            continue  # often the same: rating = (SELECT MAX(rating) …)
        name = f"{_SIGNS[type(node)]} → {_SIGNS[other]} in {gold.text(node)}"
        yield Edit(name=name, node=node, change=as_kind(other, "this", "expression"))


# --- values -----------------------------------------------------------------------------


def _literals(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if not isinstance(node, (exp.Literal, exp.Boolean)) or _is_setting(node):
        return
    around = node.find_ancestor(exp.Predicate, exp.In, exp.Select)
    shown = gold.text(around) if isinstance(around, (exp.Predicate, exp.In)) else "SELECT"
    for other in _other_literals(node, gold):
        yield Edit(name=f"{gold.text(node)} → {gold.text(other)} in {shown}", node=node, change=put(other))


def _is_setting(node: exp.Expr) -> bool:
    parent = node.parent
    if isinstance(parent, exp.Select):  # EXISTS (SELECT 1 …)
        return isinstance(parent.parent, exp.Exists)
    return isinstance(parent, _SETTINGS) or (isinstance(parent, _PATTERNS) and node is not parent.this)


def _other_literals(node: exp.Expr, gold: Gold) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Boolean):
        yield exp.Boolean(this=not node.this)
    elif not node.is_string:
        yield from _numbers(node.name)
    else:
        yield from (exp.Literal.string(text) for text in _moments(node.name) or _texts(node, gold))


def _numbers(text: str) -> Iterator[exp.Expr]:
    try:
        number = float(text)
    except ValueError:
        return
    digits = len(text.partition(".")[2])
    for new in (number + 10**-digits, number - 10**-digits):
        if new >= 0:
            yield exp.Literal.number(round(new, digits) if digits else int(new))


def _moments(text: str) -> list[str]:
    """A date or time one step later and earlier; empty: the text is neither."""
    if len(text) < _DAY:
        return []
    try:
        moment = datetime.fromisoformat(text)
        if len(text) == _DAY:
            return [(moment.date() + timedelta(days=step)).isoformat() for step in (1, -1)]
        step = timedelta(seconds=1) if moment.second else timedelta(hours=1)
        return [moment.isoformat(sep=text[_DAY]) for moment in (moment + step, moment - step)]
    except (ValueError, OverflowError):
        return []


def _texts(node: exp.Expr, gold: Gold) -> Iterator[str]:
    """Another known value of the column, and the text in another case."""
    text = node.name
    around = node.find_ancestor(exp.Predicate, exp.In)
    if around is None:
        return
    place = gold.names.column(around.find(exp.Column))
    known = gold.values.get(place.name) if place else None
    other = next((value for value in (known.values if known else ()) if isinstance(value, str) and value != text), "")
    yield other or f"{text}x"
    cased = text.upper() if text.upper() != text else text.lower()
    if cased not in (text, other):
        yield cased


# --- conditions -------------------------------------------------------------------------


def _dropped(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if isinstance(node, exp.Filter):
        yield Edit(name=f"no {gold.text(node)}", node=node, change=inside)
    elif isinstance(node, (exp.Where, exp.Having)):
        if isinstance(node.this, exp.Connector) and not isinstance(node.parent, exp.Filter):
            yield Edit(name=f"no {node.key.upper()}", node=node, change=remove)
    elif _is_condition(node):
        yield Edit(name=f"no {gold.text(node)}", node=node, change=_without)


def _is_condition(node: exp.Expr) -> bool:
    """Whether a node is one of the conditions that AND and OR connect in WHERE or HAVING."""
    parent = node.parent
    if isinstance(parent, exp.Paren):
        return not isinstance(node, exp.Connector) and _is_condition(parent)
    if isinstance(parent, exp.Where) and isinstance(parent.parent, exp.Filter):
        return False
    connected = isinstance(parent, exp.Connector) and parent.find_ancestor(exp.Join, exp.Select, exp.Filter)
    return isinstance(node, (*_CONDITIONS, exp.Paren)) and (
        isinstance(parent, (exp.Where, exp.Having)) or isinstance(connected, exp.Select)
    )


def _without(node: exp.Expr) -> None:
    while isinstance(node.parent, exp.Paren):
        node = node.parent
    parent = node.parent
    if isinstance(parent, exp.Connector):
        parent.replace(parent.right if parent.left is node else parent.left)
    elif parent is not None:
        parent.pop()


def _negated(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if isinstance(node, exp.Not):
        yield Edit(name=f"no NOT in {gold.text(node)}", node=node, change=inside)
        return
    group = isinstance(node, exp.Paren) and isinstance(node.this, exp.Connector)
    if (group or isinstance(node, _NEGATABLE)) and not isinstance(node.parent, exp.Not):
        yield Edit(name=f"NOT {gold.text(node)}", node=node, change=lambda tree: exp.Not(this=tree.copy()))


def _connected(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if not isinstance(node, (exp.And, exp.Or)) or isinstance(node.parent, exp.Join):
        return
    other = exp.Or if isinstance(node, exp.And) else exp.And

    def change(expr: exp.Expr) -> exp.Expr:
        return exp.Paren(this=other(this=expr.this.copy(), expression=expr.expression.copy()))

    yield Edit(name=f"{other.key.upper()} in {gold.text(node)}", node=node, change=change)
    if isinstance(node, exp.And):
        for side in (node.left, node.right):
            if isinstance(side, exp.Paren) and isinstance(side.this, exp.Or):
                yield Edit(name=f"no brackets in {gold.text(node)}", node=side, change=inside)


def _ranges(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if isinstance(node, exp.Between):
        yield Edit(name=f"without its end: {gold.text(node)}", node=node, change=_bounds(exp.GTE, exp.LT))
        yield Edit(name=f"without its start: {gold.text(node)}", node=node, change=_bounds(exp.GT, exp.LTE))


def _bounds(after: type[exp.Binary], before: type[exp.Binary]) -> Change:
    def change(expr: exp.Expr) -> exp.Expr:
        low = after(this=expr.this.copy(), expression=expr.args["low"].copy())
        high = before(this=expr.this.copy(), expression=expr.args["high"].copy())
        return exp.Paren(this=exp.And(this=low, expression=high))

    return change


def _lists(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    parent = node.parent
    if (
        isinstance(parent, exp.In)
        and len(parent.expressions) > 1
        and any(expression is node for expression in parent.expressions)
    ):
        yield Edit(name=f"no {gold.text(node)} in {gold.text(parent)}", node=node, change=remove)


def _patterns(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if not isinstance(node, (exp.Like, exp.ILike)) or not isinstance(node.expression, exp.Literal):
        return
    pattern = node.expression.name
    starts, ends = pattern.lstrip("%"), pattern.rstrip("%")
    for other in sorted({starts, ends, f"%{starts}", f"{ends}%"} - {pattern}):
        name = f"'{pattern}' → '{other}' in {gold.text(node)}"
        yield Edit(name=name, node=node.expression, change=put(exp.Literal.string(other)))


KINDS = (_operators, _literals, _dropped, _negated, _connected, _ranges, _lists, _patterns)
