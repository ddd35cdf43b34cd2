"""The order of joins in canonical form.

Inner joins at the beginning of FROM, and LEFT JOINs that follow each other, may be in another order with the same
result, as far as the conditions allow: they are ordered by their tables and conditions, whatever these are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from sqlglot import exp

__all__ = ["order_joins"]


def _froms(select: exp.Select) -> list[exp.Expr]:
    """FROM and the joins; each has a source as its ``this``."""
    start = select.args.get("from_") or select.args.get("from")
    return [*([start] if start else []), *select.args.get("joins", ())]


def order_joins(select: exp.Select) -> None:
    """Order joins by the names of their tables: the first inner ones, and LEFT JOINs that follow each other."""
    _order_inner(select)
    joins = _froms(select)[1:]
    for is_left, run in groupby(joins, key=_is_left):
        if is_left:
            _order_left(list(run))


def _is_left(join: exp.Expr) -> bool:
    return join.args.get("side") == "LEFT" and not join.args.get("method") and join.args.get("on") is not None


def _order_left(joins: Sequence[exp.Expr]) -> None:
    """Each after those that its condition names."""
    sources = {join.this.alias_or_name.casefold(): join for join in joins}
    of = {
        name: {column.table.casefold() for column in join.args["on"].find_all(exp.Column)}
        for name, join in sources.items()
    }
    tables = {name: join.this for name, join in sources.items()}
    rank = _ranks(tables, [join.args["on"] for join in joins])
    if len(sources) < len(joins) or any("" in names for names in of.values()):
        return
    order: list[str] = []
    while len(order) < len(sources):
        free = [name for name in sources if name not in order and (of[name] & sources.keys()) <= {*order, name}]
        if not free:
            return
        order.append(min(sorted(free), key=rank.__getitem__))
    pairs = [(sources[name].this, sources[name].args["on"]) for name in order]
    for join, (source, on) in zip(joins, pairs, strict=True):
        join.set("this", source)
        join.set("on", on)


def _order_inner(select: exp.Select) -> None:
    """Each with the conditions that the tables before it allow."""
    start, *joins = _froms(select) or (None,)
    inner = list(_inner(joins))
    if start is None or not inner:
        return
    conditions = [part for join in inner for part in _parts(join.args["on"])]
    sources = {source.alias_or_name.casefold(): source for source in (start.this, *(join.this for join in inner))}
    of = [{column.table.casefold() for column in part.find_all(exp.Column)} for part in conditions]
    if len(sources) <= len(inner) or any(not names <= sources.keys() for names in of):
        return
    rank = _ranks(sources, conditions)
    order = _linked(rank, of)
    if len(order) < len(sources):
        return
    start.set("this", sources[order[0]])
    placed, left = {order[0]}, list(range(len(conditions)))
    for name, join in zip(order[1:], inner, strict=True):
        placed.add(name)
        here = [place for place in left if of[place] <= placed]
        left = [place for place in left if place not in here]
        join.set("this", sources[name])
        join.set("on", exp.and_(*(conditions[place].copy() for place in here), copy=False))


def _inner(joins: Sequence[exp.Expr]) -> Iterator[exp.Expr]:
    for join in joins:
        plain = not (join.args.get("side") or join.args.get("method")) and join.args.get("kind") in (None, "", "INNER")
        if not plain or join.args.get("on") is None:
            return
        yield join


def _parts(condition: exp.Expr) -> list[exp.Expr]:
    inner = condition.unnest()
    return list(inner.flatten()) if isinstance(inner, exp.And) else [inner]


Rank = tuple[str, ...]


def _ranks(sources: Mapping[str, exp.Expr], conditions: Sequence[exp.Expr]) -> dict[str, Rank]:
    """The rank of each source, whatever its alias: its table, then its conditions.

    Two of one table are told apart by what they are joined with, as in the refinement of colours of a graph (Weisfeiler
    and Leman 1968).
    """
    labels = {name: source.name for name, source in sources.items()}
    ranks: dict[str, Rank] = {}
    for _ in sources:
        ranks = {name: _rank(name, labels, conditions) for name in sources}
        places = {rank: place for place, rank in enumerate(sorted(set(ranks.values())))}
        refined = {name: f"{sources[name].name} {places[ranks[name]]}" for name in sources}
        if len(set(refined.values())) == len(set(labels.values())):
            break
        labels = refined
    return ranks


def _rank(name: str, labels: Mapping[str, str], conditions: Sequence[exp.Expr]) -> Rank:
    def unnamed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table.casefold() in labels:
            own = node.table.casefold() == name
            return exp.column(node.name, table="·" if own else labels[node.table.casefold()])
        return node

    mine = (part for part in conditions if any(column.table.casefold() == name for column in part.find_all(exp.Column)))
    return labels[name], *sorted(_text(part.transform(unnamed)) for part in mine)


def _text(condition: exp.Expr) -> str:
    """A condition, whichever side is written first."""
    sides = [str(side) for side in condition.unnest_operands()]
    if isinstance(condition, (exp.EQ, exp.NEQ)):
        sides.sort()
    if isinstance(condition, (exp.GT, exp.GTE)):
        sides.reverse()
    return " ".join((type(condition).__name__.replace("GT", "LT"), *sides))


def _linked(rank: Mapping[str, Rank], of: Sequence[set[str]]) -> list[str]:
    """The sources by rank, each after one that a condition links it to. Fewer than all if they are not linked."""
    order = [min(rank, key=rank.__getitem__)]
    while len(order) < len(rank):
        near = {name for names in of if not names.isdisjoint(order) for name in names if len({*names} - {*order}) == 1}
        if not (free := near - {*order}):
            break
        order.append(min(sorted(free), key=rank.__getitem__))
    return order
