"""What the tables and columns of a query are called in plain words, without its aliases.

A table is called by its name, and by a number too where it is read twice at once. A column is called by its name, and
by its table where another one that can be meant there has the same. What a subquery computes is called by the name that
the query gives it, or by its place if that is no word: "value 2".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sqlglot import exp

from dstill.linked.names import words_in
from dstill.linked.spoken import spoken_names
from dstill_sql.language.database.name_resolution import Place, Scopes, sources
from dstill_sql.language.database.schema import SqlSchema

__all__ = ["Names", "words"]

_NO_WORD = re.compile(r"[A-Za-z]{1,2}\d*")  # names such as t, t1 and a0


@lru_cache(maxsize=1024)
def _spoken(names: tuple[str, ...]) -> dict[str, str]:
    return spoken_names(names)


def words(name: str) -> str:
    """A name in plain words; as it is, if it has none."""
    return " ".join(words_in(name)).lower() or name


class Names:
    """The names of one query."""

    def __init__(self, query: exp.Query, schema: SqlSchema) -> None:
        self.scopes = Scopes(query, schema)
        self._tables = _spoken(tuple(table.name for table in schema.tables))
        self._sources: dict[int, exp.Expr | None] = {}  # of columns, by their ids
        self._pools: dict[int, dict[str, str]] = {}  # of SELECTs, by their ids
        self._outputs: dict[int, dict[str, exp.Expr]] = {}  # of SELECTs, by their ids
        self._outer: dict[int, list[exp.Expr]] = {}  # sources of outer SELECTs that a SELECT uses
        self.own = {id(select): sources(select) for select in query.find_all(exp.Select)}
        for column in query.find_all(exp.Column):
            self._note(column)
        self._labels = dict(self._label_all())

    def label(self, source: exp.Expr) -> str:
        """A table or subquery of FROM or JOIN in words."""
        return self._labels.get(id(source)) or words(source.alias_or_name)

    def written(self, source: exp.Expr) -> str:
        """A table or subquery as SQL has it: by its own name, unless that is there twice."""
        label = self.label(source)
        return source.name if isinstance(source, exp.Table) and label == self._plain_label(source) else label

    def source(self, column: exp.Column) -> exp.Expr | None:
        """The source that a column is of; None: not known."""
        return self._sources.get(id(column))

    def place(self, column: exp.Column) -> Place | None:
        """The column of the schema that a column stands for; None: another."""
        return self.scopes.column(column)

    def column(self, column: exp.Column) -> str:
        """A column in words."""
        source, select = self.source(column), column.parent_select
        if source is None or select is None:
            return words(column.name if not column.table else f"{column.table} {column.name}")
        name = self._called(source, column.name)
        return self._pool(select).get(f"{self.label(source)}.{name}") or words(f"{self.label(source)} {name}")

    def meaning(self, column: exp.Column) -> exp.Expr | None:
        """The expression of a column of a subquery; None: it is a column of a table, or not known."""
        return self.scopes.meaning(column)

    def aliased(self, column: exp.Column) -> exp.Expr | None:
        """The expression that a column is the alias of, in its own SELECT; None: it is not an alias."""
        select = column.parent_select
        if column.table or not isinstance(select, exp.Select):
            return None
        clause = column.find_ancestor(exp.Having, exp.Ordered, exp.Group, exp.Select)
        if clause is select and self.source(column) is not None:
            return None
        return self.outputs(select).get(column.name.casefold())

    def outputs(self, select: exp.Select) -> dict[str, exp.Expr]:
        """Alias → the expression that it is of, unless that has a column of the same name."""
        if id(select) not in self._outputs:
            named = {output.alias.casefold(): output.this for output in select.expressions if output.args.get("alias")}
            self._outputs[id(select)] = {
                alias: meant
                for alias, meant in named.items()
                if not any(inner.name.casefold() == alias and not inner.table for inner in meant.find_all(exp.Column))
            }
        return self._outputs[id(select)]

    def last_words(self, column: exp.Column) -> str:
        """A column in words that say nothing of its table, which stands before it."""
        source = self.source(column)
        name = column.name if source is None else self._called(source, column.name)
        names = self._names(source) if source is not None else []
        return _spoken(tuple(names)).get(name) or words(name)

    def output(self, select: exp.Select, place: int) -> str:
        """What the column at a place, from 0, of a subquery is called; empty: as the column that it stands for."""
        output = select.expressions[place]
        inner = output.unalias()
        if isinstance(inner, exp.Star) or not output.alias_or_name:
            return ""
        given = output.alias_or_name
        if isinstance(inner, exp.Column) and (given.casefold() == inner.name.casefold() or _NO_WORD.fullmatch(given)):
            return ""
        return f"value {place + 1}" if _NO_WORD.fullmatch(given) else given

    def _note(self, column: exp.Column) -> None:
        """Note the source of a column, and whether it is of a SELECT around it."""
        source, select = self.scopes.source(column), column.parent_select
        self._sources[id(column)] = source
        if source is not None and select is not None and not any(own is source for own in self.own[id(select)]):
            outer = self._outer.setdefault(id(select), [])
            if not any(other is source for other in outer):
                outer.append(source)

    def _label_all(self) -> Iterator[tuple[int, str]]:
        """Source → its label. Tables are numbered that are twice in a SELECT, or in one and one around it."""
        every = [source for own in self.own.values() for source in own]
        plain = {id(source): self._plain_label(source) for source in every}
        counts = Counter(plain.values())
        twice = {label for own in self.own.values() for label, n in Counter(plain[id(s)] for s in own).items() if n > 1}
        if self._outer:
            twice |= {label for label, count in counts.items() if count > 1}
        numbers: Counter[str] = Counter()
        for source in every:
            label = plain[id(source)]
            numbers[label] += 1
            yield id(source), f"{label} {numbers[label]}" if label in twice else label

    def _plain_label(self, source: exp.Expr) -> str:
        if (table := self.scopes.table(source)) is not None:
            return self._tables[table.name]
        name = source.name if isinstance(source, exp.Table) else source.alias_or_name
        return "result" if not name or _NO_WORD.fullmatch(name) else words(name)

    def _pool(self, select: exp.Expr) -> dict[str, str]:
        """``label.name`` → words, of all columns that can be meant in a SELECT."""
        if id(select) not in self._pools:
            can_be = [*self.own.get(id(select), ()), *self._outer.get(id(select), ())]
            names = (f"{self.label(source)}.{name}" for source in can_be for name in self._names(source))
            self._pools[id(select)] = _spoken(tuple(dict.fromkeys(names)))
        return self._pools[id(select)]

    def _names(self, source: exp.Expr) -> Sequence[str]:
        """The names of the columns of a source, as they are called; empty: not known."""
        if (table := self.scopes.table(source)) is not None:
            return [column.name for column in table.columns]
        inner = self._inner(source)
        if inner is None:
            return ()
        return [self._output_name(inner, place) for place in range(len(inner.expressions))]

    def _called(self, source: exp.Expr, name: str) -> str:
        """The name of a column of a source, as it is called."""
        if (table := self.scopes.table(source)) is not None:
            column = table.column(name)
            return name if column is None else column.name
        inner = self._inner(source)
        for place, output in enumerate(inner.expressions if inner is not None else ()):
            if inner is not None and output.alias_or_name.casefold() == name.casefold():
                return self._output_name(inner, place)
        return name

    def _output_name(self, select: exp.Select, place: int) -> str:
        if own := self.output(select, place):
            return own
        inner = select.expressions[place].unalias()
        if not isinstance(inner, exp.Column):
            return str(inner.alias_or_name)
        source = self.source(inner)
        return inner.name if source is None else self._called(source, inner.name)

    def _inner(self, source: exp.Expr) -> exp.Select | None:
        """The SELECT whose columns a source has; of a set operation, the first."""
        query = self.scopes.query(source)
        while isinstance(query, (exp.SetOperation, exp.Subquery)):
            query = query.this
        return query if isinstance(query, exp.Select) else None
