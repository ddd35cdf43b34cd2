"""Runs one checked query on an open connection, and makes its result (see `language.results.compare`).

    run(read("SELECT name FROM drivers ORDER BY rating DESC LIMIT 3", "duckdb"), "duckdb", fetch)
    {"columns": ["name"], "rows": [["Ann"], …], "keys": [[4.9], …], "pool": [], "before": [], "ordered": True}

`fetch` gets a `Statement` and gives the names of its columns and its rows. A query with ORDER BY or LIMIT runs in
another form, to see which rows tie: with what it sorts by as further columns, without OFFSET, and with more rows than
LIMIT. DISTINCT and set operations cannot get further columns, so the query around them has those. Where a sort key is
no function of the columns of such a query, its own order counts, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import Statement
from dstill_sql.language.printing import printed, settled
from dstill_sql.language.results.compare import cell, tied

__all__ = ["MOST_ROWS", "Fetch", "TooManyRows", "run"]

MOST_ROWS = 20_000  # of a result
_TIE_ROWS = 1_000  # rows after the limit that are looked at for ties first

Fetch = Callable[[Statement, int], tuple[Sequence[str], Sequence[Sequence[Any]]]]  # most rows → columns, rows


class TooManyRows(Exception):
    """The result has more rows than `MOST_ROWS`."""


@dataclass(frozen=True, kw_only=True)
class _Page:
    """LIMIT and OFFSET."""

    limit: int
    offset: int = 0

    @property
    def end(self) -> int:
        return self.offset + self.limit


@dataclass(frozen=True, kw_only=True)
class _Keyed:
    """A query with its sort keys among its columns."""

    query: exp.Query
    added: int  # columns at the end that the query itself does not have
    places: tuple[int, ...] | None  # of the keys, from the end if negative; None: they are not known


def run(query: exp.Query, dialect: Dialect, fetch: Fetch) -> dict[str, Any]:
    """The result of a query. Raises TooManyRows, NotPrintable, and what `fetch` raises."""
    return Prepared(query, dialect).run(fetch)


class Prepared:
    """A query in the form in which it runs, to run it on several databases."""

    def __init__(self, query: exp.Query, dialect: Dialect) -> None:
        """Raises NotPrintable."""
        query = settled(query, dialect)
        self._ordered = query.args.get("order") is not None
        self._page = _page(query)
        self._keyed = _keyed(query, dialect) if self._ordered else _Keyed(query=query, added=0, places=())
        self._hands_on = not self._ordered and self._page is None and _hands_on_an_order(query)
        self._dialect = dialect
        self._statements: dict[int | None, Statement] = {}
        self._statement(None if self._page is None else self._page.end + _TIE_ROWS)

    def run(self, fetch: Fetch) -> dict[str, Any]:
        """The result on the database that `fetch` reads. Raises TooManyRows, and what `fetch` raises."""
        if self._page is not None:
            return self._run_page(self._page, fetch)
        columns, rows = _fetched(self._statement(), fetch)
        if not self._ordered:
            return {**_result(columns, rows), "ordered": self._hands_on}
        return _result(*_shown(columns, rows, self._keyed), keys=_keys(rows, self._keyed))

    def _run_page(self, page: _Page, fetch: Fetch) -> dict[str, Any]:
        for most in (page.end + _TIE_ROWS, MOST_ROWS):
            columns, rows = _fetched(self._statement(most), fetch)
            keys = _keys(rows, self._keyed) if self._ordered else [[]] * len(rows)
            # again with more rows if every row that was looked at ties with the last one
            if len(rows) < most or not page.limit or not tied(keys[page.end - 1], keys[-1]):
                break
        names, shown = _shown(columns, rows, self._keyed)
        return _paged(names, shown, keys, page, ordered=self._ordered)

    def _statement(self, most: int | None = None) -> Statement:
        """The query as it runs. `most`: its first rows from the start instead of its page."""
        if most not in self._statements:
            query = self._keyed.query
            if most is not None:
                query = query.copy()
                query.set("offset", None)
                query.set("limit", exp.Limit(expression=exp.Literal.number(most)))
            self._statements[most] = printed(query, self._dialect)
        return self._statements[most]


def _result(columns: list[str], rows: list[list[Any]], *, keys: list[list[Any]] | None = None) -> dict[str, Any]:
    return {"columns": columns, "rows": rows, "keys": keys, "pool": [], "before": [], "ordered": keys is not None}


def _paged(
    columns: list[str], rows: list[list[Any]], keys: Sequence[Sequence[Any]], page: _Page, *, ordered: bool
) -> dict[str, Any]:
    """The rows of the page, and those beside it that tie with its first or last row."""
    there, after, before = rows[page.offset : page.end], rows[page.end :], rows[: page.offset]
    result = _result(columns, there)
    if not there:
        return result | {"keys": [] if ordered else None, "ordered": ordered}
    if not ordered:  # LIMIT may take any rows
        return result | {"pool": [*after, *before]}
    first, last = keys[page.offset], keys[page.offset + len(there) - 1]
    return result | {
        "keys": [list(key) for key in keys[page.offset : page.end]],
        "pool": [row for row, key in zip(after, keys[page.end :], strict=True) if tied(key, last)],
        "before": [row for row, key in zip(before, keys, strict=False) if tied(key, first)],
        "ordered": True,
    }


def _shown(columns: list[str], rows: list[list[Any]], keyed: _Keyed) -> tuple[list[str], list[list[Any]]]:
    """The columns of the query itself."""
    width = len(columns) - keyed.added
    return columns[:width], [row[:width] for row in rows]


def _keys(rows: list[list[Any]], keyed: _Keyed) -> list[list[Any]]:
    if keyed.places is None:
        return [[place] for place in range(len(rows))]
    # ORDER BY ALL sorts by every column
    return [[row[place] for place in keyed.places] if keyed.places else row for row in rows]


# --- the query with its sort keys ---------------------------------------------------------


def _keyed(query: exp.Query, dialect: Dialect) -> _Keyed:
    order = query.args.get("order")
    changed = query.copy()
    if order is None or any(isinstance(term.this, exp.Var) for term in order.expressions):
        return _Keyed(query=changed, added=0, places=())
    outputs = [select.unalias() for select in changed.selects]
    names = ["" if isinstance(select, exp.Star) else select.alias_or_name.casefold() for select in changed.selects]
    places: list[int | None] = [
        _place(term.this, outputs, names, in_order=not changed.is_star) for term in order.expressions
    ]
    missing = [term.this for term, place in zip(order.expressions, places, strict=True) if place is None]
    if not missing:
        return _Keyed(query=changed, added=0, places=tuple(place for place in places if place is not None))
    if isinstance(changed, exp.Select) and not _is_distinct(changed):
        added = [_in_select(key, changed, dialect) for key in missing]
        changed.set("expressions", [*changed.expressions, *_named(added)])
    elif all(_reads(key, names) for key in missing):
        changed = _around(changed, [_for_output(key) for key in missing], order)
    else:
        return _Keyed(query=changed, added=0, places=None)
    rest = iter(range(-len(missing), 0))
    return _Keyed(
        query=changed, added=len(missing), places=tuple(next(rest) if place is None else place for place in places)
    )


def _place(key: exp.Expr, outputs: Sequence[exp.Expr], names: Sequence[str], *, in_order: bool) -> int | None:
    """Which output column a sort key is; None: none, or it is not known."""
    if isinstance(key, exp.Literal) and key.is_int:
        return int(key.name) - 1
    if not in_order:  # what * stands for is not known here
        return None
    if isinstance(key, exp.Column) and not key.table and key.name.casefold() in names:
        return names.index(key.name.casefold())
    return outputs.index(key) if key in outputs else None


def _is_distinct(select: exp.Select) -> bool:
    distinct = select.args.get("distinct")
    return distinct is not None and distinct.args.get("on") is None


def _in_select(key: exp.Expr, select: exp.Select, dialect: Dialect) -> exp.Expr:
    """A sort key as a column of the query. SQLite alone does not know the names of other columns there."""
    copied = exp.Paren(this=key.copy())
    if dialect != "sqlite":
        return copied
    for output in select.expressions:
        if not isinstance(output, exp.Alias) or any(
            column.name.casefold() == output.alias.casefold() for column in output.find_all(exp.Column)
        ):
            continue
        for column in list(copied.find_all(exp.Column)):
            if not column.table and column.name.casefold() == output.alias.casefold():
                column.replace(exp.Paren(this=output.this.copy()))
    return copied


def _reads(key: exp.Expr, names: Sequence[str]) -> bool:
    columns = list(key.find_all(exp.Column))
    return key.find(exp.Query) is None and all(names.count(column.name.casefold()) == 1 for column in columns)


def _for_output(key: exp.Expr) -> exp.Expr:
    copied = exp.Paren(this=key.copy())
    for column in list(copied.find_all(exp.Column)):
        column.replace(exp.column(column.this.copy()))
    return copied


def _around(query: exp.Query, keys: Sequence[exp.Expr], order: exp.Order) -> exp.Query:
    """``SELECT *, key FROM (query) AS q ORDER BY …``, with the LIMIT of the query."""
    inner = query.copy()
    taken = {name: inner.args.get(name) for name in ("limit", "offset")}
    for name in ("order", "limit", "offset"):
        inner.set(name, None)
    outer = exp.select(exp.Star(), *_named(keys)).from_(inner.subquery("q", copy=False), copy=False)
    terms = [term.copy() for term in order.expressions]
    for term in terms:
        for column in list(term.find_all(exp.Column)):
            column.replace(exp.column(column.this.copy()))
    outer.set("order", exp.Order(expressions=terms))
    for name, value in taken.items():
        outer.set(name, value)
    return outer


def _named(keys: Sequence[exp.Expr]) -> list[exp.Expr]:
    return [exp.alias_(key, f"sort_key_{place}") for place, key in enumerate(keys)]


def _hands_on_an_order(query: exp.Query) -> bool:
    """Whether a query without ORDER BY gives the rows of an inner one that has it, as every engine does in its order.

    ``WITH best AS (SELECT … ORDER BY rating LIMIT 3) SELECT name FROM best``
    """
    simple = isinstance(query, exp.Select) and not any(
        query.args.get(part) for part in ("joins", "group", "distinct", "having", "qualify")
    )
    start = (query.args.get("from_") or query.args.get("from")) if simple else None
    inner = start.this if start is not None else None
    if isinstance(inner, exp.Table):
        inner = next((cte for cte in query.ctes if cte.alias.casefold() == inner.name.casefold()), None)
    if not isinstance(inner, (exp.Subquery, exp.CTE)) or not isinstance(inner.this, exp.Query):
        return False
    if any(select.find(exp.AggFunc, exp.Window) for select in query.selects):
        return False
    return inner.this.args.get("order") is not None or _hands_on_an_order(inner.this)


# --- pages --------------------------------------------------------------------------------


def _page(query: exp.Query) -> _Page | None:
    """LIMIT and OFFSET if both are plain numbers, and not too large to look at what is around them."""
    limit, offset = query.args.get("limit"), query.args.get("offset")
    options = limit.args.get("limit_options") if limit is not None else None
    if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
        return None
    most = _number(limit.args.get("expression") or limit.args.get("count")) if limit is not None else None
    skipped = 0 if offset is None else _number(offset.expression)
    if most is None or skipped is None or most + skipped + _TIE_ROWS > MOST_ROWS:
        return None
    return _Page(limit=most, offset=skipped)


def _number(value: exp.Expr | None) -> int | None:
    return int(value.name) if isinstance(value, exp.Literal) and value.is_int else None


def _fetched(statement: Statement, fetch: Fetch) -> tuple[list[str], list[list[Any]]]:
    columns, rows = fetch(statement, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise TooManyRows(f"the result has more than {MOST_ROWS:,} rows")
    return list(columns), [[cell(value) for value in row] for row in rows]
