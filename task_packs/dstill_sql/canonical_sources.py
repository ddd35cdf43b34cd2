"""Tables of a query in canonical form: their names inside the query, and the order of inner joins.

Both change the tree in place. Columns are not looked up: one without its table may be of any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby

from sqlglot import exp

__all__ = ["froms", "name_tables", "order_joins"]


def froms(select: exp.Select) -> list[exp.Expr]:
    """FROM and the joins of a SELECT; each has a source as its ``this``."""
    start = select.args.get("from_") or select.args.get("from")
    return [*([start] if start else []), *select.args.get("joins", ())]


# --- names ------------------------------------------------------------------------------


def name_tables(query: exp.Expr) -> None:
    """Tables are called by their names; where one is read twice in a SELECT, ``t1``, ``t2`` in the order of FROM.

    So is one whose name a SELECT around it has too, if that table is referred to inside. The columns of a SELECT from
    one source do not name it.
    """
    owned = [(column, _owner(column)) for column in query.find_all(exp.Column) if column.table]
    renamed: dict[int, Mapping[str, str]] = {}
    for select in query.find_all(exp.Select):  # those around others first
        outer = {
            renamed[id(of)][column.table.casefold()].casefold()
            for column, of in owned
            if of is not None and of is not select and id(of) in renamed and _is_inside(column, select)
        }
        renamed[id(select)] = _new_names([one.this for one in froms(select)], outer)
    for column, of in owned:
        if of is not None:
            alone = len(froms(of)) == 1 and column.parent_select is of
            name = renamed[id(of)][column.table.casefold()]
            column.set("table", None if alone else exp.to_identifier(name))
    for select in query.find_all(exp.Select):
        for source in [one.this for one in froms(select)]:
            _rename(source, renamed[id(select)].get(source.alias_or_name.casefold(), ""))


def _owner(column: exp.Column) -> exp.Select | None:
    """The SELECT that the table of a column is of: the innermost around it that has one of that name."""
    select = column.parent_select
    while select is not None:
        if any(one.this.alias_or_name.casefold() == column.table.casefold() for one in froms(select)):
            return select
        select = select.parent_select
    return None


def _is_inside(column: exp.Column, select: exp.Select) -> bool:
    inner = column.parent_select
    while inner is not None and inner is not select:
        inner = inner.parent_select
    return inner is select


def _new_names(sources: Sequence[exp.Expr], outer: Collection[str]) -> dict[str, str]:
    counts = Counter(one.name.casefold() for one in sources if isinstance(one, exp.Table))
    found = {
        source.alias_or_name.casefold(): source.name
        if counts[source.name.casefold()] == 1 and source.name.casefold() not in outer
        else _numbered(place, outer)
        for place, source in enumerate(sources, start=1)
        if source.alias_or_name
    }
    unique = len({new.casefold() for new in found.values()}) == len(found)
    return found if unique else {source.alias_or_name.casefold(): source.alias_or_name for source in sources}


def _numbered(place: int, outer: Collection[str]) -> str:
    name = f"t{place}"
    while name in outer:
        name += "_"
    return name


def _rename(source: exp.Expr, new: str) -> None:
    if isinstance(source, exp.Table) and source.name.casefold() == new.casefold():
        source.set("alias", None)
    elif new:
        source.set("alias", exp.TableAlias(this=exp.to_identifier(new)))


# --- the order of joins -----------------------------------------------------------------


def order_joins(select: exp.Select) -> None:
    """Order joins by the names of their tables: the first inner ones, and LEFT JOINs that follow each other."""
    _order_inner(select)
    joins = froms(select)[1:]
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
    rank = {name: _rank(name, tables, [join.args["on"]], [{name}]) for name, join in sources.items()}
    if len(sources) < len(joins) or any("" in names for names in of.values()):
        return
    order: list[str] = []
    while len(order) < len(sources):
        free = [name for name in sources if name not in order and (of[name] & sources.keys()) <= {*order, name}]
        if not free:
            return
        order.append(min(sorted(free), key=rank.__getitem__))
    found = [(sources[name].this, sources[name].args["on"]) for name in order]
    for join, (source, on) in zip(joins, found, strict=True):
        join.set("this", source)
        join.set("on", on)


def _order_inner(select: exp.Select) -> None:
    """Each with the conditions that the tables before it allow."""
    start, *joins = froms(select) or (None,)
    inner = list(_inner(joins))
    if start is None or not inner:
        return
    conditions = [part for join in inner for part in _parts(join.args["on"])]
    sources = {source.alias_or_name.casefold(): source for source in (start.this, *(join.this for join in inner))}
    of = [{column.table.casefold() for column in part.find_all(exp.Column)} for part in conditions]
    if len(sources) <= len(inner) or any(not names <= sources.keys() for names in of):
        return
    rank = {name: _rank(name, sources, conditions, of) for name in sources}
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


def _rank(
    name: str, sources: Mapping[str, exp.Expr], conditions: Sequence[exp.Expr], of: Sequence[set[str]]
) -> tuple[str, ...]:
    """What orders a source, whatever it is called: its table, then its conditions."""

    def unnamed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table.casefold() in sources:
            own = node.table.casefold() == name
            return exp.column(node.name, table="·" if own else sources[node.table.casefold()].name)
        return node

    own = (sorted(str(side) for side in part.transform(unnamed).unnest_operands())
           for part, names in zip(conditions, of, strict=True) if name in names)  # fmt: skip
    return sources[name].name, *sorted(map(" ".join, own))


def _linked(rank: Mapping[str, tuple[str, ...]], of: Sequence[set[str]]) -> list[str]:
    """The sources by rank, each after one that a condition links it to. Fewer than all if they are not linked."""
    order = [min(rank, key=rank.__getitem__)]
    while len(order) < len(rank):
        near = {name for names in of if not names.isdisjoint(order) for name in names if len({*names} - {*order}) == 1}
        if not (free := near - {*order}):
            break
        order.append(min(sorted(free), key=rank.__getitem__))
    return order
