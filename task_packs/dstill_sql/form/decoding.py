"""Tokens as the text of a query: the other way of `encoding`.

decode([7, "where", "eq", 9, 2], reading)      "SELECT name FROM drivers WHERE city = 'Oslo'"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

from dstill.linked import Reading
from dstill.linked.tokens import NotExpressible, Token
from dstill_sql.form.functions import (
    ADD,
    ATOM,
    COMPARE,
    CONJUNCTION,
    DISJUNCTION,
    FUNCTIONS,
    NEGATION,
    NUMERIC,
    SAME,
    Function,
)
from dstill_sql.form.items import Tables
from dstill_sql.form.periods import RELATIVE_PERIODS, bounds
from dstill_sql.form.tokens import COMPARISONS, CONDITIONS, COPIES, INNER, OUTPUTS, PATTERNS, RANKS, SETS
from dstill_sql.form.values import Reader, is_number, quoted_text, starts_value
from dstill_sql.form.writing import Column, Instance, Join, Part, Piece, Query, Select, Star, joined, render, wrapped
from dstill_sql.language import refusals
from dstill_sql.language.database.schema import Reference
from dstill_sql.language.database.terms import expanded

__all__ = ["CLAUSES", "REASON", "decode", "hint"]

REASON = "the database cannot answer this"
CLAUSES = ("with", "left", "where", "by", "group", "having", "order", "limit", "offset")
_DEEPEST = 40  # queries and expressions inside each other
_TEMPORAL_HINT = "date"


def decode(tokens: Sequence[Token], reading: Reading) -> str:
    """The query or refusal of tokens. Raises NotExpressible."""
    tables = reading.schema
    if not isinstance(tables, Tables):
        raise NotExpressible("the question has no database")
    decoder = _Decoder(tokens, reading, tables)
    if decoder.take("refuse"):
        missing = []
        while decoder.peek() is not None:
            missing.append(decoder.literal("text").unquoted)
        return refusals.write(missing, REASON)
    query = decoder.query(None)
    if decoder.peek() is not None:
        raise NotExpressible(f"{decoder.peek()!r} after the end")
    return expanded(render(query, tables.joins, tables.database.schema.dialect), tables.database.terms)


class _Decoder(Reader):
    def __init__(self, tokens: Sequence[Token], reading: Reading, tables: Tables) -> None:
        super().__init__(tokens, reading)
        self.tables = tables
        self.dialect = tables.database.schema.dialect
        self.depth = 0

    # --- queries ------------------------------------------------------------------------

    def query(self, parent: Select | None, *, within_exists: bool = False) -> Query:
        """A query, up to the end of the answer or to its bracket, which is left."""
        self._deeper()
        query = Query(selects=[self.select(parent, within_exists)])
        while token := self.take(*SETS):
            if token == "intersect" and set(query.sets) - {"INTERSECT"}:
                raise NotExpressible("INTERSECT after another set operation")
            query.sets.append(SETS[token])
            query.selects.append(self.select(parent, False))
        if query.sets:
            self._name_places(query)
        self.depth -= 1
        return query

    def inner(self, parent: Select | None, *, within_exists: bool = False) -> Query:
        """A query inside another, with its bracket."""
        query = self.query(parent, within_exists=within_exists)
        self.end()
        return query

    def end(self) -> None:
        """A bracket, or the end of the answer."""
        if self.peek() is not None and not self.take(")"):
            raise NotExpressible(f"expected ')', not {self.peek()!r}")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NotExpressible("the answer is nested too deeply")

    @staticmethod
    def _name_places(query: Query) -> None:
        """After set operations, ORDER BY names places."""
        last = query.selects[-1]
        outputs = [output.parts for output in last.outputs]
        for place, piece in enumerate(last.order):
            parts, after = (piece.parts[:-1], piece.parts[-1:]) if piece.kind == "ordered" else (piece.parts, ())
            if parts not in outputs:
                raise NotExpressible("after a set operation, the order is by a column of the result")
            last.order[place] = Piece(parts=(str(outputs.index(parts) + 1), *after))

    def select(self, parent: Select | None, within_exists: bool) -> Select:
        """One SELECT."""
        select = Select(parent=parent, within_exists=within_exists)
        select.distinct = bool(self.take("distinct"))
        if self.take("of"):
            select.derived = self.inner(None)
            select.derived.named = True
        elif self.take("from"):
            self._explicit(select)
        while not self._ends_outputs():
            select.outputs.append(self._output(select))
        if not select.outputs:
            raise NotExpressible("a query selects something")
        seen: set[str] = set()
        while clause := self.take(*CLAUSES):
            if clause in seen:
                raise NotExpressible(f"{clause!r} is there twice")
            seen.add(clause)
            self._clause(clause, select)
        return select

    def _ends_outputs(self) -> bool:
        token = self.peek()
        return token is None or (isinstance(token, str) and (token in CLAUSES or token in SETS or token == ")"))

    def _explicit(self, select: Select) -> None:
        select.joins.append(Join(instance=self._source()))
        while not self.take("select"):
            kind = self.take("join", "left_join")
            if not kind:
                raise NotExpressible("expected a join")
            join = Join(instance=self._source(), left=kind == "left_join")
            select.joins.append(join)
            join.on = self._all(select)
        if len({join.instance for join in select.joins}) < len(select.joins):
            raise NotExpressible("a table is joined twice under one name")

    def _source(self) -> Instance:
        copy = self.take(*COPIES)
        return Instance(table=self._table(), copy=COPIES.index(copy) + 2 if copy else 1)

    def _table(self) -> str:
        name = self._item(self.next())
        if name not in self.tables.tables:
            raise NotExpressible("expected a table")
        return self.tables.tables[name].name

    def _output(self, select: Select) -> Piece:
        token = self.peek()
        if token == "*":
            self.at += 1
            select.starred = True
            return Piece(parts=("*",))
        if isinstance(token, int) and self._is_table(token):
            instance = Instance(table=self._table())
            self._uses(select, instance)
            if select.within_exists:
                return Piece(parts=("1",), kind="integer")
            select.starred = True
            return Piece(parts=(Star(select, instance),))
        return self.expression(select)

    def _is_table(self, token: int) -> bool:
        return self._item(token) in self.tables.tables

    def _item(self, token: Token) -> str:
        """The name of an item; empty: the token points to none."""
        is_item = isinstance(token, int) and len(self.reading.words) <= token < len(self.reading)
        return self.reading.item(int(token)).name if is_item else ""

    def _uses(self, select: Select, instance: Instance) -> None:
        if select.joins or select.derived is not None:
            return
        if instance.way:
            select.roles.setdefault(instance.way)
        select.tables.setdefault(instance.way[0].table if instance.way else instance.table)

    def _clause(self, clause: str, select: Select) -> None:
        if clause == "where":
            select.where = self._all(select)
        elif clause == "having":
            select.having = self._all(select)
        elif clause == "order":
            select.order = self._ordered(select)
        elif clause in ("with", "left"):
            self._joined(clause, select)
        elif clause in ("by", "group"):
            expressions = self._expressions(select)
            select.extra, select.group = (expressions, None) if clause == "by" else (None, expressions)
        else:
            self._rows(clause, select)

    def _joined(self, clause: str, select: Select) -> None:
        for instance in self._instances():
            self._uses(select, instance)
            if clause == "left":
                select.left.add(instance)

    def _expressions(self, select: Select) -> list[Piece]:
        expressions = []
        while self._starts_expression():
            expressions.append(self.expression(select))
        return expressions

    def _rows(self, clause: str, select: Select) -> None:
        text = self.literal("integer").unquoted
        if not text.isdigit():
            raise NotExpressible(f"{clause} {text} cannot be a number of rows")
        if clause == "limit":
            select.limit = text
        else:
            select.offset = text

    def _instances(self) -> list[Instance]:
        instances = []
        while (token := self.peek()) == "via" or (isinstance(token, int) and self._is_table(token)):
            instances.append(self._role() if token == "via" else Instance(table=self._table()))
            if token == "via":
                self.end()  # else the next one might go on with it
        if not instances:
            raise NotExpressible("expected a table")
        return instances

    def _ordered(self, select: Select) -> list[Piece]:
        pieces = []
        while self._starts_expression():
            piece = self.expression(select)
            after = " DESC" if self.take("desc") else ""
            nulls = self.take("nulls_first", "nulls_last")
            after += f" {nulls.replace('_', ' ').upper()}" if nulls else ""
            if after:
                piece = Piece(
                    parts=(*piece.parts, after), kind="ordered", aggregates=piece.aggregates, columns=piece.columns
                )
            pieces.append(piece)
        if not pieces:
            raise NotExpressible("an order is by something")
        return pieces

    # --- conditions ---------------------------------------------------------------------

    def _starts_condition(self) -> bool:
        token = self.peek()
        if isinstance(token, int):
            return token >= len(self.reading.words)
        return token in CONDITIONS or token in ("via", "outer") or token in COPIES or token in INNER

    def _all(self, select: Select) -> Piece:
        """Conditions that all hold."""
        pieces = []
        while self._starts_condition():
            pieces.append(self.condition(select))
        if not pieces:
            raise NotExpressible("expected a condition")
        return joined(pieces, "AND", CONJUNCTION)

    def condition(self, select: Select, *, negated: bool = False) -> Piece:
        """One condition."""
        self._deeper()
        condition = self._condition(select, negated)
        self.depth -= 1
        return condition

    def _condition(self, select: Select, negated: bool) -> Piece:
        token = self.peek()
        if not isinstance(token, str) or token not in CONDITIONS:
            return self._negated(self.expression(select)) if negated else self.expression(select)
        self.at += 1
        if token == "not":
            if negated:
                raise NotExpressible("not not")
            return self.condition(select, negated=True)
        if token in ("and", "or"):
            both = self._list(select, token)
            return self._negated(both) if negated else both
        if token == "exists":
            return self._exists(select, negated)
        left = self.expression(select)
        if token in COMPARISONS:
            right = self._beside(left, select)
            condition = self._condition_of((left, right), (f" {COMPARISONS[token]} ",))
            return self._negated(condition) if negated else condition
        return self._about(token, left, select, negated)

    def _exists(self, select: Select, negated: bool) -> Piece:
        no = "NOT " if negated else ""
        query = self.inner(select, within_exists=True)
        return Piece(parts=(f"{no}EXISTS (", query, ")"), kind="condition", level=NEGATION if negated else ATOM)

    def _about(self, token: str, left: Piece, select: Select, negated: bool) -> Piece:
        """A condition other than a comparison."""
        no = "NOT " if negated else ""
        if token in PATTERNS:
            operator, before, after = PATTERNS[token]
            pattern = quoted_text(before + self.literal("text", left.known).unquoted + after)
            return self._condition_of((left,), (f" {no}{operator} {pattern}",))
        if token == "between":
            low, high = self._beside(left, select), self._beside(left, select)
            return self._condition_of((left, low, high), (f" {no}BETWEEN ", " AND "))
        if token == "during":
            return self._during(left, negated)
        if token == "in":
            return self._in(left, select, no)
        return self._is(token, left, negated)

    def _is(self, token: str, left: Piece, negated: bool) -> Piece:
        if token == "is":
            value = self.take("true", "false")
            if not value:
                raise NotExpressible("is true or false")
            return self._condition_of((left,), (f" IS {'NOT ' if negated else ''}{value.upper()}",))
        empty = (token == "null") is not negated
        return self._condition_of((left,), (" IS NULL" if empty else " IS NOT NULL",))

    def _list(self, select: Select, word: str) -> Piece:
        pieces = []
        while self.peek() is not None and not self.take(")"):
            pieces.append(self.condition(select))
        if len(pieces) < 2:
            raise NotExpressible(f"{word} is between two conditions")
        return joined(pieces, word.upper(), CONJUNCTION if word == "and" else DISJUNCTION)

    def _negated(self, piece: Piece) -> Piece:
        return Piece(
            parts=("NOT ", *wrapped(piece, COMPARE + 1)),
            kind="condition",
            level=NEGATION,
            aggregates=piece.aggregates,
            columns=piece.columns,
        )

    def _beside(self, left: Piece, select: Select) -> Piece:
        """The expression that another is compared with."""
        token = self.peek()
        if token is not None and starts_value(token, self.reading):
            return self._literal(left.kind, left.known)
        return self.expression(select)

    @staticmethod
    def _condition_of(pieces: Sequence[Piece], signs: Sequence[str]) -> Piece:
        parts: list[Part] = []
        for place, piece in enumerate(pieces):
            parts += wrapped(piece, COMPARE + 1)
            parts += signs[place : place + 1]
        return Piece(
            parts=tuple(parts),
            kind="condition",
            level=COMPARE,
            aggregates=any(piece.aggregates for piece in pieces),
            columns=frozenset().union(*(piece.columns for piece in pieces)),
        )

    def _during(self, left: Piece, negated: bool) -> Piece:
        first, after = self._period()
        sides = wrapped(left, COMPARE + 1)
        piece = Piece(
            parts=(*sides, " >= ", *wrapped(first, COMPARE + 1), " AND ", *sides, " < ", *wrapped(after, COMPARE + 1)),
            kind="condition",
            level=CONJUNCTION,
            aggregates=left.aggregates,
            columns=left.columns,
        )
        return self._negated(piece) if negated else piece

    def _period(self) -> tuple[Piece, Piece]:
        """The first day of a period, and the day after it."""
        if token := self.take(*RELATIVE_PERIODS):
            first, after = (self._filled(FUNCTIONS[name], ()) for name in RELATIVE_PERIODS[token])
            return first, after
        word = self.reading.words[self.word()]
        period = bounds(word.value)
        if period is None:
            raise NotExpressible(f"{word.text!r} is not a day, month or year")
        return Piece(parts=(f"'{period.first}'",)), Piece(parts=(f"'{period.next}'",))

    def _in(self, left: Piece, select: Select, no: str) -> Piece:
        if self.take("query"):
            parts: tuple[Part, ...] = (f" {no}IN (", self.inner(select), ")")
        else:
            pieces = []
            while self.peek() is not None and not self.take(")"):
                pieces.append(self.literal(left.kind, left.known).text)
            if not pieces:
                raise NotExpressible("in nothing")
            parts = (f" {no}IN ({', '.join(pieces)})",)
        sides = wrapped(left, COMPARE + 1)
        return Piece(
            parts=(*sides, *parts), kind="condition", level=COMPARE, aggregates=left.aggregates, columns=left.columns
        )

    # --- expressions --------------------------------------------------------------------

    def _starts_expression(self) -> bool:
        token = self.peek()
        if token is None or isinstance(token, int):
            return token is not None
        return (
            token in FUNCTIONS
            or token in OUTPUTS
            or token in INNER
            or token in COPIES
            or token in ("via", "outer", "case", "query", "filter", "window")
            or starts_value(token, self.reading)
        )

    def expression(self, select: Select, kind: str = "") -> Piece:
        """An expression. `kind`: what a value would be."""
        self._deeper()
        expression = self._expression(select, kind)
        self.depth -= 1
        return expression

    def _expression(self, select: Select, kind: str) -> Piece:
        token = self.peek()
        if token is None or starts_value(token, self.reading):
            return self._literal(kind)
        if isinstance(token, int) or token in ("via", "outer") or token in COPIES or token in INNER:
            return self._column(select, select)
        self.at += 1
        if token in OUTPUTS:
            return self._for_output(select, OUTPUTS.index(token))
        if token in FUNCTIONS:
            return self._function(FUNCTIONS[token], select)
        if token in CONDITIONS:
            self.at -= 1
            return replace(self.condition(select), kind="boolean")
        readers: dict[str, Callable[[Select], Piece]] = {
            "filter": self._filter,
            "case": self._case,
            "window": self._window,
            "query": self._scalar,
        }
        if token not in readers:
            raise NotExpressible(f"{token!r} cannot be an expression")
        return readers[token](select)

    def _literal(self, kind: str, known: tuple[str, ...] = ()) -> Piece:
        literal = self.literal(kind, known)
        level = ATOM if not literal.unquoted.startswith("-") or literal.kind != "number" else ADD
        of = literal.kind if literal.kind in ("number", "boolean") else kind or "text"
        return Piece(parts=(literal.text,), kind=of, level=level)

    def _for_output(self, select: Select, place: int) -> Piece:
        if place >= len(select.outputs):
            raise NotExpressible(f"there is no column {place + 1}")
        return select.outputs[place]

    def _column(self, of: Select, at: Select) -> Piece:
        """A column of `of`, or of a SELECT around it."""
        if self.take("outer"):
            if of.parent is None:
                raise NotExpressible("there is no query around this one")
            return self._column(of.parent, at)
        if place := self.take(*INNER):
            return self._for_derived(of, at, INNER.index(place))
        instance: Instance | None = None
        if self.peek() == "via":
            instance = self._role()
        elif copy := self.take(*COPIES):
            instance = Instance(table="", copy=COPIES.index(copy) + 2)
        token = self.next()
        name = self._item(token)
        if name not in self.tables.columns:
            raise NotExpressible("expected a column")
        table, column = self.tables.columns[name]
        if instance is None or instance.copy > 1:
            instance = Instance(table=table.name, copy=instance.copy if instance else 1)
        elif instance.table != table.name:
            raise NotExpressible(f"the way does not lead to {table.name}")
        self._uses(of, instance)
        item = self.reading.item(int(token))
        return self._placed(Column(of, instance, column.name, at), item.kind, item.values)

    def _role(self) -> Instance:
        """The table that one or several references lead to."""
        way: list[Reference] = []
        while self.take("via"):
            name = self._item(self.next())
            if name not in self.tables.columns:
                raise NotExpressible("expected a column that refers to a table")
            table, column = self.tables.columns[name]
            leads = self.tables.joins.reference if way else self.tables.joins.role
            role = leads(table.name, column.name)
            if role is None or (way and way[-1].to != table.name):
                raise NotExpressible(f"the column {name} does not lead on")
            way.append(role)
        return Instance(table=way[-1].to, way=tuple(way))

    def _for_derived(self, of: Select, at: Select, place: int) -> Piece:
        if of.derived is None or place >= len(of.derived.selects[0].outputs):
            raise NotExpressible(f"the query in FROM has no column {place + 1}")
        output = of.derived.selects[0].outputs[place]
        column = Column(of, Instance(table=""), f"c{place + 1}", at)
        return self._placed(column, output.kind, output.known)

    @staticmethod
    def _placed(column: Column, kind: str, known: tuple[str, ...]) -> Piece:
        inside: Select | None = column.at
        while inside is not column.of:
            if inside is None:
                raise NotExpressible("a column of a query that is not around this one")
            inside.outer.append(column)
            inside = inside.parent
        return Piece(parts=(column,), kind=kind, known=known, columns=frozenset((id(column.of),)))

    def _function(self, function: Function, select: Select) -> Piece:
        if function.aggregate:
            return self._aggregate(function, select)
        arguments: list[Piece] = []
        for takes in function.takes:
            kind = hint(takes)
            if arguments and function.gives == SAME:
                kind = arguments[0].kind
            arguments.append(self.expression(select, kind))
        return self._filled(function, arguments)

    def _filled(self, function: Function, arguments: Sequence[Piece]) -> Piece:
        text = function.text(self.dialect)
        if text is None:
            raise NotExpressible(f"{self.dialect} has no {function.token}")
        inner = (*function.inner, *[0] * len(arguments))
        number = ""
        if function.counted:
            number = self.literal("integer" if function.whole else "number").unquoted
            if not is_number(number) or (function.whole and not number.isdigit()):
                raise NotExpressible(f"{number!r} is not a number for {function.token}")
        parts: list[Part] = []
        for piece in _pieces(text):
            if piece in ("{0}", "{1}"):
                place = int(piece[1])
                parts += wrapped(arguments[place], inner[place])
            else:
                parts.append(piece.replace("{n}", number))
        kind = function.gives if function.gives != SAME else arguments[0].kind
        return Piece(
            parts=tuple(parts),
            kind=kind,
            level=function.level,
            known=arguments[0].known if function.gives == SAME and arguments else (),
            aggregates=function.aggregate or any(argument.aggregates for argument in arguments),
            columns=frozenset()
            if function.aggregate
            else frozenset().union(*(argument.columns for argument in arguments)),
        )

    def _aggregate(self, function: Function, select: Select) -> Piece:
        unique = bool(self.take("unique"))
        token = self.peek()
        if (
            function.token == "count"
            and not unique
            and (token == "*" or (isinstance(token, int) and self._is_table(token)))
        ):
            if token == "*":
                self.at += 1
            else:
                self._uses(select, Instance(table=self._table()))
            argument = Piece(parts=("*",))
        else:
            argument = self.expression(select, hint(function.takes[0]))
            if unique:
                argument = Piece(parts=("DISTINCT ", *argument.parts), kind=argument.kind, known=argument.known)
        return self._filled(function, [argument])

    def _filter(self, select: Select) -> Piece:
        aggregate = self.expression(select)
        where = self._all(select)
        self.end()
        if not aggregate.aggregates:
            raise NotExpressible("a filter is of an aggregate")
        parts = (*aggregate.parts, " FILTER (WHERE ", *where.parts, ")")
        return Piece(parts=parts, kind=aggregate.kind, aggregates=True)

    def _case(self, select: Select) -> Piece:
        parts: list[Part] = ["CASE"]
        pieces: list[Piece] = []
        while not self.take(")", "else"):
            if self.peek() is None:
                break
            when = self.condition(select)
            then = self.expression(select, pieces[1].kind if pieces else "")
            pieces += [when, then]
            parts += [" WHEN ", *when.parts, " THEN ", *then.parts]
        if self.tokens[self.at - 1] == "else":
            pieces.append(self.expression(select, pieces[1].kind if len(pieces) > 1 else ""))
            parts += [" ELSE ", *pieces[-1].parts]
            self.end()
        if len(pieces) < 2:
            raise NotExpressible("a case has a condition")
        return Piece(
            parts=(*parts, " END"),
            kind=pieces[1].kind,
            aggregates=any(piece.aggregates for piece in pieces),
            columns=frozenset().union(*(piece.columns for piece in pieces)),
        )

    def _window(self, select: Select) -> Piece:
        rank = self.take(*RANKS)
        function = Piece(parts=(RANKS[rank],), kind="integer") if rank else self.expression(select)
        parts: list[Part] = [*function.parts, " OVER ("]
        if self.take("part"):
            of = self._expressions(select)
            if not of:
                raise NotExpressible("a partition is by something")
            parts.append("PARTITION BY ")
            for place, piece in enumerate(of):
                parts += [*((", ",) if place else ()), *piece.parts]
        if self.take("order"):
            parts.append(" ORDER BY " if parts[-1] != " OVER (" else "ORDER BY ")
            for place, piece in enumerate(self._ordered(select)):
                parts += [*((", ",) if place else ()), *piece.parts]
        self.end()
        return Piece(parts=(*parts, ")"), kind=function.kind, windows=True)

    def _scalar(self, select: Select) -> Piece:
        query = self.inner(select)
        outputs = query.selects[0].outputs
        return Piece(parts=("(", query, ")"), kind=outputs[0].kind, columns=_outer_columns(query))


def _outer_columns(query: Query) -> frozenset[int]:
    return frozenset(id(column.of) for select in query.selects for column in select.outer)


def hint(takes: frozenset[str]) -> str:
    """The kind of a value that stands for an argument."""
    if takes <= NUMERIC:
        return "number"
    if "text" in takes:
        return "text" if len(takes) == 1 else ""
    return _TEMPORAL_HINT if "date" in takes or "timestamp" in takes else ""


@lru_cache(maxsize=1024)
def _pieces(text: str) -> Sequence[str]:
    return [piece for piece in re.split(r"(\{[01]\})", text) if piece]
