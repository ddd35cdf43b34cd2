"""Runs one checked query on an open connection, and makes its result.

    run(read("SELECT name FROM drivers ORDER BY rating DESC LIMIT 3", "duckdb"), "duckdb", fetch)
    {"columns": ["name"], "rows": [["Ann"], …], "keys": [[4.9], …], "pool": []}

`fetch` gets the text of a query and gives the names of its columns and its rows. A query with ORDER BY or LIMIT runs in
another form: with what it sorts by as further columns, and with more rows than LIMIT, to see the ties
(`dstill_sql.results`). Where that would change what it means, as with DISTINCT, its own text runs and the sort keys are
those that its columns have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from dstill_sql.results import cell
from dstill_sql.schema import Dialect

__all__ = ["MOST_ROWS", "Fetch", "TooManyRows", "run"]

MOST_ROWS = 20_000  # of a result
_MORE = 1_000  # rows after the limit that are looked at for ties

Fetch = Callable[[str, int], tuple[Sequence[str], Sequence[Sequence[Any]]]]  # text, most rows → columns, rows


class TooManyRows(Exception):
    """The result has more rows than `MOST_ROWS`."""


def run(query: exp.Query, dialect: Dialect, fetch: Fetch) -> dict[str, Any]:
    """The result of a query. Raises TooManyRows, and what `fetch` raises."""
    order, limit = query.args.get("order"), _limit(query)
    if order is None and limit is None:
        columns, rows = _fetched(query, dialect, fetch, MOST_ROWS)
        return {"columns": columns, "rows": rows, "keys": None, "pool": []}
    shown, keyed, places = _keyed(query)
    if limit is not None:
        keyed.set("limit", exp.Limit(expression=exp.Literal.number(limit + _MORE)))
    columns, rows = _fetched(keyed, dialect, fetch, MOST_ROWS if limit is None else limit + _MORE)
    width = len(columns) - shown
    width = width if shown else len(columns)
    keys = None if order is None or places is None else [[row[place] for place in places] for row in rows]
    rows = [row[:width] for row in rows]
    columns = columns[:width]
    if limit is None or len(rows) <= limit:
        return {"columns": columns, "rows": rows, "keys": keys, "pool": []}
    pool = _pool(rows, keys, limit, ordered=order is not None)
    return {"columns": columns, "rows": rows[:limit], "keys": None if keys is None else keys[:limit], "pool": pool}


def _pool(rows: list[list[Any]], keys: list[list[Any]] | None, limit: int, *, ordered: bool) -> list[list[Any]]:
    if limit == 0:
        return []
    if keys is None:
        return [] if ordered else rows[limit:]
    return [row for row, key in zip(rows[limit:], keys[limit:], strict=True) if key == keys[limit - 1]]


def _keyed(query: exp.Query) -> tuple[int, exp.Query, list[int] | None]:
    """How many columns were added, the query with them, and the places of the sort keys; None: they are not known."""
    changed, order = query.copy(), query.args.get("order")
    if order is None:
        return 0, changed, None
    outputs = [one.unalias() for one in changed.selects]
    aliases = [one.alias_or_name.casefold() for one in changed.selects]
    can_add = isinstance(changed, exp.Select) and not changed.args.get("distinct") and not changed.is_star
    places: list[int | None] = []
    added: list[exp.Expr] = []
    for term in order.expressions:
        key = term.this
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(outputs):
            places.append(int(key.name) - 1)
        elif isinstance(key, exp.Column) and not key.table and key.name.casefold() in aliases:
            places.append(aliases.index(key.name.casefold()))
        elif key in outputs:
            places.append(outputs.index(key))
        elif can_add:
            places.append(len(outputs) + len(added))
            added.append(exp.alias_(key.copy(), f"sort_key_{len(added)}"))
        else:
            places.append(None)
    if changed.is_star and any(place is None for place in places):
        return 0, changed, None
    changed.set("expressions", [*changed.expressions, *added]) if added else None
    return len(added), changed, None if None in places else [place for place in places if place is not None]


def _limit(query: exp.Query) -> int | None:
    limit = query.args.get("limit")
    value = limit.expression if isinstance(limit, exp.Limit) else limit.args.get("count") if limit else None
    return int(value.name) if isinstance(value, exp.Literal) and value.is_int else None


def _fetched(query: exp.Query, dialect: Dialect, fetch: Fetch, most: int) -> tuple[list[str], list[list[Any]]]:
    columns, rows = fetch(query.sql(dialect, comments=False), most + 1)
    if len(rows) > MOST_ROWS:
        raise TooManyRows(f"the result has more than {MOST_ROWS:,} rows")
    return list(columns), [[cell(value) for value in row] for row in rows]
