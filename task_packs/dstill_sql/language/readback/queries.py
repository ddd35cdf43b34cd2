"""Queries in plain words, as phrases: the data, conditions, groups, what is shown, the order and the limit.

trips with their drivers where fare is more than 10, counted for each city, largest first, the first 3
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from sqlglot import exp

from dstill.api.protocols import Phrase
from dstill.linked.spoken import listed
from dstill_sql.language.database.name_resolution import sources
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.readback.clauses import Clauses
from dstill_sql.language.readback.expressions import said_args
from dstill_sql.language.readback.joins import Link, link

__all__ = ["Queries"]

_ENDS = ("order", "limit", "offset")
_SELECT = ("with_", "from_", "joins", "expressions", "distinct", "where", "group", "having", "qualify", "kind", *_ENDS)
_SETS: Mapping[type[exp.Expr], str] = {
    exp.Union: "together with",
    exp.Intersect: "only those also in",
    exp.Except: "without those in",
}


class Queries(Clauses):
    """The queries of one answer."""

    def __init__(self, query: exp.Query, schema: SqlSchema, dialect: Dialect) -> None:
        super().__init__(query, schema, dialect)
        self._schema = schema

    def phrases(self, query: exp.Expr) -> Iterator[Phrase]:
        """A query in words."""
        if isinstance(query, exp.Subquery) and said_args(query, "this", "alias"):
            yield from self.phrases(query.this)
        elif type(query) in _SETS and said_args(query, "with_", "this", "expression", "distinct", *_ENDS):
            yield from self._named(query)
            yield from self._set(query)
        elif isinstance(query, exp.Select) and said_args(query, *_SELECT) and not _is_odd(query):
            yield from self._named(query)
            yield from self._data(query)
            yield from self._where(query)
            yield from self._shown(query)
            yield from self._where(query, "having", ", only those where ")
            yield from self._where(query, "qualify", ", then only those where ")
            yield from self._ends(query, query)
        else:
            yield self._phrase("data", self.sql(query))

    def subquery(self, query: exp.Expr) -> str:
        return f"({self._within(self._inline(query.unnest()))})"

    def exists(self, query: exp.Expr, *, negated: bool) -> str:
        inner, by = query.unnest(), self._link_around(query.unnest())
        if by is None or not by.declared:
            return f"there is {'none' if negated else 'at least one'} of {self.subquery(query)}"
        text = self._within(chain(self._source(sources(inner)[0], ""), self._conditions(by.rest, " where ")))
        return f"they have {'no' if negated else 'at least one of'} {f'({text})' if by.rest else text}"

    def _within(self, phrases: Iterator[Phrase]) -> str:
        """The text of phrases within another phrase, which gets their items and values."""
        outer = self.items, self.values
        self.items, self.values = {}, {}
        inner = list(phrases)
        self.items, self.values = outer
        for phrase in inner:
            self.items.update(dict.fromkeys(phrase.items))
            self.values.update(dict.fromkeys(phrase.values))
        return "".join(phrase.text for phrase in inner)

    def _inline(self, query: exp.Expr) -> Iterator[Phrase]:
        """A query within an expression: what is shown comes first if it is one column, and is not said in EXISTS."""
        outputs = query.expressions
        if not _is_plain(query) or (not _is_any_row(query) and (len(outputs) > 1 or query.is_star)):
            yield from self.phrases(query)
            return
        if not _is_any_row(query):
            yield self._phrase("shown", f"{self.value(outputs[0].unalias())} of ")
        yield from self._data(query)
        yield from self._where(query)
        yield from self._ends(query, query)

    def _link_around(self, query: exp.Expr) -> Link | None:
        """How the condition of EXISTS links its only table with those of the SELECT around it; None: otherwise."""
        clauses = ("joins", *_ENDS)
        if not _is_plain(query) or not _is_any_row(query) or any(query.args.get(clause) for clause in clauses):
            return None
        where, outer = query.args.get("where"), query.parent_select
        before = self.names.own.get(id(outer), [])
        return link(sources(query)[0], where.this if where else None, before, self.names, self._schema)

    # --- data ---------------------------------------------------------------------------

    def _named(self, query: exp.Expr) -> Iterator[Phrase]:
        """The queries of WITH."""
        for cte in query.args["with_"].expressions if query.args.get("with_") is not None else ():
            yield self._phrase("data", f"{self.names.label(exp.to_table(cte.alias))} is (")
            yield from self.phrases(cte.this)
            yield self._phrase("", "); ")

    def _set(self, query: exp.Expr) -> Iterator[Phrase]:
        repeats = not query.args.get("distinct")
        word = "followed by" if repeats and isinstance(query, exp.Union) else _SETS[type(query)]
        yield self._phrase("", "(")
        yield from self.phrases(query.this)
        yield self._phrase("", f") {word}{' (with repeats)' * (repeats and word != 'followed by')} (")
        yield from self.phrases(query.expression)
        yield self._phrase("", ")")
        first: exp.Expr = query
        while isinstance(first, (exp.SetOperation, exp.Subquery)):
            first = first.this
        yield from self._ends(query, first)

    def _data(self, select: exp.Expr) -> Iterator[Phrase]:
        every = sources(select)
        if not every:
            yield self._phrase("data", "no table")
            return
        start = select.args.get("from_")
        joins = list(select.args.get("joins") or ())
        yield from self._source(every[0], "")
        for n, join in enumerate(joins, start=1 if start is not None else 0):
            by = link(join.this, join.args.get("on"), every[:n], self.names, self._schema)
            yield from self._join(join, by, first=n == 1)

    def _source(self, source: exp.Expr, before: str, after: str = "") -> Iterator[Phrase]:
        table = self.names.scopes.table(source)
        if table is not None:
            self.items[table.name] = None
        if isinstance(source, exp.Subquery):
            label = self.names.label(source) if len(self.names.own[id(source.parent_select)]) > 1 else ""
            yield self._phrase("data", f"{before}{label}{' ' * bool(label)}(")
            yield from self.phrases(source.this)
            yield self._phrase("data", f"){after}")
        else:
            yield self._phrase("data", f"{before}{self.names.label(source)}{after}")

    def _join(self, join: exp.Join, by: Link, *, first: bool) -> Iterator[Phrase]:
        side, using = join.args.get("side") or "", [words.name for words in join.args.get("using") or ()]
        word = "with" if first else "and"
        ending = {"LEFT": ", or none", "RIGHT": " (also those without a match)", "FULL": " (each also without a match)"}
        if using:
            yield from self._source(join.this, f" {word} ", f" of the same {listed(using)}")
        elif join.method == "NATURAL":
            yield from self._source(join.this, f" {word} ", " of the same values in every column that both have")
        elif join.args.get("on") in (None, exp.true()):
            yield from self._source(join.this, f" {word} every one of ")
        else:
            pairs = [f"whose {self.names.last_words(a)} is {self.value(b)}" for a, b in by.pairs]
            self.items.update(dict.fromkeys(place.name for a, _ in by.pairs if (place := self.names.place(a))))
            whose = "" if by.declared or not pairs else f" {' and '.join(pairs)}"
            yield from self._source(join.this, f" {word} their " if by.declared else f" {word} ", whose)
            yield from self._conditions(by.rest, " for which ")
        if side:
            yield self._phrase("data", ending[side])


def _is_plain(query: exp.Expr) -> bool:
    """Whether this is a SELECT from tables, without groups."""
    plain = isinstance(query, exp.Select) and said_args(query, "from_", "joins", "expressions", "where", *_ENDS)
    return plain and query.args.get("from_") is not None and not _is_odd(query)


def _is_any_row(query: exp.Expr) -> bool:
    """Whether this is EXISTS of rows, whatever they have."""
    return isinstance(query.parent, exp.Exists) and all(
        isinstance(output, (exp.Literal, exp.Star)) for output in query.expressions
    )


def _is_odd(select: exp.Expr) -> bool:
    """Whether a clause has a part that no words are for."""
    known: Sequence[tuple[str, tuple[str, ...]]] = (
        ("distinct", ("expressions",)), ("group", ("expressions", "all")), ("limit", ("expression",)),
        ("offset", ("expression",)), ("order", ("expressions",)), ("where", ("this",)), ("having", ("this",)),
        ("qualify", ("this",)), ("with_", ("expressions",)),
    )  # fmt: skip
    if any(not said_args(select.args[name], *names) for name, names in known if select.args.get(name) is not None):
        return True
    joins = select.args.get("joins") or ()
    if any(not said_args(join, "this", "on", "side", "kind", "method", "using") for join in joins):
        return True
    named = (source.args.get("alias") for source in sources(select))
    return any(alias is not None and alias.args.get("columns") for alias in named) or any(
        not said_args(source, "this", "alias") for source in sources(select)
    )
