"""The clauses of a SELECT after its data, as phrases: conditions, groups, what is shown, the order and the limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dstill.api.protocols import Phrase
from dstill.io.inert import visible
from dstill.linked.spoken import listed
from dstill_sql.language.readback.conditions import Conditions, conjuncts
from dstill_sql.language.readback.naming import words

__all__ = ["Clauses"]

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


class Clauses(Conditions):
    """The clauses of the SELECTs of one query."""

    def _where(self, select: exp.Expr, clause: str = "where", start: str = " where ") -> Iterator[Phrase]:
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
        is_count = [values[n] for n in rest] == [_COUNTED] and not self._output_name(select, rest[0])
        if is_count and not distinct and (each or group is None):
            yield self._phrase("shown", ", counted")
            if each:
                yield self._phrase("group", f" for each {self._listed(first)}")
            return
        if each:
            yield self._phrase("group", f", for each {self._listed(first)}{':' * bool(rest)}")
        elif group is not None:
            what = self._listed(keys) if keys else "all that is shown of single rows"
            yield self._phrase("group", f", grouped by {what}")
        if shown := listed([self._output(select, n) for n in rest]):
            different = ("each different " + "combination of " * (len(values) > 1)) * distinct
            yield self._phrase("shown", f"{'' if each else ', showing'} {different}{shown}")

    def _listed(self, values: Sequence[exp.Expr]) -> str:
        return listed([self.bare(value) for value in values])

    def _output(self, select: exp.Select, place: int) -> str:
        """A column of the result, with the name by which a query around this one calls it."""
        value = select.expressions[place].unalias()
        text = "all columns" if isinstance(value, exp.Star) and not value.args.get("except_") else self.value(value)
        own = self._output_name(select, place)
        return f"{text} (called {words(own)})" if own else text

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
        if isinstance(term, exp.Literal) and not term.is_string:
            outputs = {str(place): output for place, output in enumerate(select.expressions, start=1)}
            return outputs[term.name].unalias() if term.name in outputs else term
        if isinstance(term, exp.Column) and not term.table:
            return aliases.get(term.name.casefold(), term)
        return term

    def in_order(self, order: exp.Expr) -> str:
        return ", then ".join(f"{self.value(term.this)}, {self._way(term, term.this)}" for term in order.expressions)

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
