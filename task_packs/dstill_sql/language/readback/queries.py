"""Queries in plain words, as phrases: the data, conditions, groups, what is shown, the order and the limit.

trips with their drivers where fare is more than 10, counted for each city, largest first, the first 3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from sqlglot import exp

from dstill.api.protocols import Phrase
from dstill.io.inert import visible
from dstill.linked.spoken import listed
from dstill_sql.language.database.name_resolution import sources
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.readback.conditions import Conditions, conjuncts
from dstill_sql.language.readback.expressions import said_args
from dstill_sql.language.readback.joins import Link, link

__all__ = ["Queries"]

_ENDS = ("order", "limit", "offset")
_SELECT = ("with_", "from_", "joins", "expressions", "distinct", "where", "group", "having", "qualify", "kind", *_ENDS)
_SETS = {exp.Union: "together with", exp.Intersect: "only those also in", exp.Except: "without those in"}
_WAYS = {  # family → words for the order of values: rising, falling
    "number": ("smallest first", "largest first"),
    "integer": ("smallest first", "largest first"),
    "date": ("oldest first", "newest first"),
    "timestamp": ("oldest first", "newest first"),
    "text": ("from A to Z", "from Z to A"),
    "boolean": ("no first", "yes first"),
}
_LOWEST = ("lowest first", "highest first")
_COUNTED = exp.Count(this=exp.Star(), big_int=True)


class Queries(Conditions):
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

    def in_order(self, order: exp.Expr) -> str:
        return ", then ".join(f"{self.value(term.this)}, {self._way(term, term.this)}" for term in order.expressions)

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

    def _data(self, select: exp.Select) -> Iterator[Phrase]:
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
        ending = {"LEFT": " or none", "RIGHT": " (also those without a match)", "FULL": " (each also without a match)"}
        if using:
            yield from self._source(join.this, f" {word} ", f" of the same {listed(using)}")
        elif join.method == "NATURAL":
            yield from self._source(join.this, f" {word} ", " of the same values in all columns of the same name")
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

    # --- conditions, groups and what is shown ---------------------------------------------

    def _where(self, select: exp.Select, clause: str = "where", start: str = " where ") -> Iterator[Phrase]:
        if (node := select.args.get(clause)) is not None:
            yield from self._conditions(conjuncts(node.this), start)

    def _conditions(self, parts: Sequence[exp.Expr], start: str) -> Iterator[Phrase]:
        """Conditions between which there is AND."""
        for n, part in enumerate(parts):
            text = self.part(part) if len(parts) > 1 else self.condition(part)
            yield self._phrase("condition", f"{' and ' if n else start}{text}")

    def _shown(self, select: exp.Select) -> Iterator[Phrase]:
        """GROUP BY and what is shown. "For each" city shows the city, too, as the first column."""
        keys, group, distinct = self._keys(select), select.args.get("group"), bool(select.args.get("distinct"))
        values = [output.unalias() for output in select.expressions]
        first = values[: len(keys)]
        each = bool(keys) and not distinct and len(first) == len(keys) and set(first) == set(keys)
        rest = range(len(keys) if each else 0, len(values))
        of_each = f" for each {listed([self.bare(key) for key in first])}" if each else ""
        is_count = [values[n] for n in rest] == [_COUNTED] and not self._output_name(select, rest[0])
        if is_count and not distinct and (each or group is None):
            yield self._phrase("shown", ", counted")
            if each:
                yield self._phrase("group", of_each)
            return
        if each:
            yield self._phrase("group", f",{of_each}{':' * bool(rest)}")
        elif group is not None:
            what = listed([self.bare(key) for key in keys]) if keys else "all that is shown of single rows"
            yield self._phrase("group", f", grouped by {what}")
        if shown := listed([self._output(select, n) for n in rest]):
            different = ("each different " + "combination of " * (len(values) > 1)) * distinct
            yield self._phrase("shown", f"{'' if each else ', showing'} {different}{shown}")

    def _output(self, select: exp.Select, place: int) -> str:
        """A column of the result, with the name by which a query around this one calls it."""
        value = select.expressions[place].unalias()
        text = "all columns" if isinstance(value, exp.Star) and not value.args.get("except_") else self.value(value)
        own = self._output_name(select, place)
        return f"{text} (called {own})" if own else text

    def _output_name(self, select: exp.Select, place: int) -> str:
        holder = select.parent
        while isinstance(holder, (exp.SetOperation, exp.Paren)):
            holder = holder.parent
        within = isinstance(holder, exp.Subquery) and isinstance(holder.parent, (exp.From, exp.Join))
        return self.names.output(select, place) if within or isinstance(holder, exp.CTE) else ""

    def _keys(self, select: exp.Select) -> list[exp.Expr]:
        """The expressions of GROUP BY, instead of places and aliases."""
        group = select.args.get("group")
        return [self._meant(term, select, self.names.outputs(select)) for term in group.expressions] if group else []

    def _meant(self, term: exp.Expr, select: exp.Expr, aliases: dict[str, exp.Expr]) -> exp.Expr:
        """What a place or an alias stands for; another term as it is."""
        if isinstance(term, exp.Literal) and term.is_int and 0 < int(term.name) <= len(select.expressions):
            return select.expressions[int(term.name) - 1].unalias()
        if isinstance(term, exp.Column) and not term.table:
            return aliases.get(term.name.casefold(), term)
        return term

    # --- order and limit ------------------------------------------------------------------

    def _ends(self, query: exp.Expr, select: exp.Expr) -> Iterator[Phrase]:
        """ORDER BY, LIMIT and OFFSET of a query whose columns are those of `select`."""
        if (order := query.args.get("order")) is not None:
            yield from self._order(order, query, select)
        limit, offset = (query.args.get(end) for end in ("limit", "offset"))
        left_out = f"leaving out the first {self.value(offset.expression)}" if offset is not None else ""
        if limit is not None:
            count = self.value(limit.expression)
            text = ", only the first" if count == "1" else f", the first {count}"
            yield self._phrase("limit", f"{text}{' after ' * bool(left_out)}{left_out}")
        elif left_out:
            yield self._phrase("limit", f", {left_out}")

    def _order(self, order: exp.Expr, query: exp.Expr, select: exp.Expr) -> Iterator[Phrase]:
        named = [output for output in select.expressions if query is not select or output.args.get("alias")]
        aliases = {output.alias_or_name.casefold(): output.unalias() for output in named}
        keys = set(self._keys(select)) if isinstance(select, exp.Select) else set()
        shown = [value for output in select.expressions if (value := output.unalias()) not in keys]
        for n, term in enumerate(order.expressions):
            meant = self._meant(term.this, select, aliases)
            alone = not n and [meant] == shown and query is select
            start = ", " if alone else f", {'then' if n else 'sorted by'} {self.value(meant)}, "
            yield self._phrase("order", f"{start}{self._way(term, meant)}")

    def _way(self, term: exp.Expr, meant: exp.Expr) -> str:
        """The direction of a term of ORDER BY, and where rows without a value are if it says so."""
        falls, first = bool(term.args.get("desc")), bool(term.args.get("nulls_first"))
        usual = {"sqlite": not falls, "postgres": falls, "duckdb": False}[self.dialect]
        nulls = "" if first is usual else f", those without a value {'first' if first else 'last'}"
        return f"{_WAYS.get(self.family(meant) or '', _LOWEST)[falls]}{nulls}"

    def _phrase(self, kind: str, text: str) -> Phrase:
        """A phrase with what was said since the last one."""
        items, values = tuple(self.items), tuple(self.values)
        self.items.clear()
        self.values.clear()
        return Phrase(text=visible(text, one_line=True), kind=kind, items=items, values=values)


def _is_plain(query: exp.Expr) -> bool:
    """Whether this is a SELECT from tables, without groups."""
    plain = isinstance(query, exp.Select) and said_args(query, "from_", "joins", "expressions", "where", *_ENDS)
    return plain and query.args.get("from_") is not None and not _is_odd(query)


def _is_any_row(query: exp.Expr) -> bool:
    """Whether this is EXISTS of rows, whatever they have."""
    return isinstance(query.parent, exp.Exists) and all(
        isinstance(output, (exp.Literal, exp.Star)) for output in query.expressions
    )


def _is_odd(select: exp.Select) -> bool:
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
