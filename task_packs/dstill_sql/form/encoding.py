"""A query as tokens that point to the question and its schema: the other way of `decoding`.

encode("SELECT name FROM drivers WHERE city = 'Oslo'", reading)     [7, "where", "eq", 9, 2]

The query is put into canonical form first, with the table of every column, so that spellings with the same meaning have
the same tokens. FROM is left out where it follows from the columns. Conditions are in the order of the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dstill.linked import Reading
from dstill.linked.tokens import NotExpressible, Token
from dstill_sql.form.decoding import hint
from dstill_sql.form.functions import NUMERIC, SAME
from dstill_sql.form.items import Tables
from dstill_sql.form.patterns import Match, Patterns, bare
from dstill_sql.form.periods import RELATIVE_PERIODS
from dstill_sql.form.scopes import Scope
from dstill_sql.form.tokens import COPIES, INNER, OUTPUTS, PATTERNS, RANKS
from dstill_sql.form.values import Writer
from dstill_sql.form.writing import Instance
from dstill_sql.language import refusals

__all__ = ["encode", "encode_refusal"]

_LAST_PLACE = 1_000  # the place of a condition that names no word of the question
_COMPARISON_TOKENS: dict[type[exp.Expr], str] = {
    exp.EQ: "eq",
    exp.NEQ: "ne",
    exp.LT: "lt",
    exp.LTE: "le",
    exp.GT: "gt",
    exp.GTE: "ge",
}
_MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
_RANKED = {exp.RowNumber: "row_number", exp.Rank: "rank", exp.DenseRank: "dense_rank"}
_SET_OF = {(exp.Union, True): "union", (exp.Union, False): "union_all", (exp.Intersect, True): "intersect",
           (exp.Except, True): "except"}  # fmt: skip
_CLAUSES = {"expressions", "from_", "from", "joins", "where", "group", "having", "order", "limit", "offset", "distinct"}
_LIKE: dict[type[exp.Expr], str] = {exp.Like: "LIKE", exp.ILike: "ILIKE"}


def encode(query: exp.Query, reading: Reading) -> list[Token]:
    """The tokens of a query in canonical form. Raises NotExpressible."""
    tables = reading.schema
    if not isinstance(tables, Tables):
        raise NotExpressible("the question has no database")
    return _without_end(_Encoder(reading, tables).query(query, None))


def encode_refusal(refusal: refusals.Refusal, reading: Reading) -> list[Token]:
    """The tokens of a refusal: the words that are missing, in the order of the question."""
    writer = Writer(reading)
    parts = [writer.text(_as_asked(word, reading.question), "text") for word in refusal.missing]
    parts.sort(key=lambda part: part[0] if isinstance(part[0], int) else _LAST_PLACE)
    return ["refuse", *(token for part in parts for token in part)]


def _as_asked(word: str, question: str) -> str:
    """A word with the case that the question has."""
    match = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", question, re.IGNORECASE)
    return match.group() if match else word


def _without_end(tokens: list[Token]) -> list[Token]:
    """Brackets and marks at the end follow."""
    while tokens and tokens[-1] in (")", '"'):
        tokens.pop()
    return tokens


class _NoWay(NotExpressible):
    """All columns of a table that a way leads to."""


@dataclass(frozen=True, kw_only=True)
class _Written:
    """An expression as tokens."""

    tokens: list[Token]
    kind: str = ""  # as in `decoding.Piece`
    known: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Part:
    """The knowledge of an encoder about the SELECT that it writes."""

    scope: Scope
    outputs: dict[str, int] = field(default_factory=dict)  # text → place, where it may be named so
    kinds: list[_Written] = field(default_factory=list)
    derived: list[_Written] = field(default_factory=list)  # the columns of the query in FROM
    parent: _Part | None = None
    refers: bool = False  # whether columns of the result may be named by their places


class _Encoder:
    def __init__(self, reading: Reading, tables: Tables) -> None:
        self.reading, self.tables = reading, tables
        self.dialect = tables.database.schema.dialect
        self.writer = Writer(reading)
        self.patterns = Patterns.of(self.dialect)
        self.positions = {item.name: reading.position(number) for number, item in enumerate(reading.items)}
        self.items = {(table.name, column.name.casefold()): name for name, (table, column) in tables.columns.items()}
        self.of_tables = {table.name: name for name, table in tables.tables.items()}

    # --- queries ------------------------------------------------------------------------

    def query(self, query: exp.Expr, parent: _Part | None, *, within_exists: bool = False) -> list[Token]:
        """A query without a bracket at its end."""
        return self._query(query, parent, within_exists)[0]

    def _query(
        self, query: exp.Expr, parent: _Part | None, within_exists: bool = False
    ) -> tuple[list[Token], list[_Written]]:
        inner = query.unnest() if isinstance(query, (exp.Subquery, exp.Paren)) else query
        if isinstance(inner, exp.Select):
            return self._select(inner, parent, within_exists)
        if not isinstance(inner, exp.SetOperation) or inner.args.get("with_") or inner.args.get("by_name"):
            raise NotExpressible(f"{inner.key.upper()} as a query")
        token = _SET_OF.get((type(inner), bool(inner.args.get("distinct"))))
        right = inner.expression
        if token is None or not isinstance(right, exp.Select) or _has_end(right) or _has_end(inner.this):
            raise NotExpressible(f"this {inner.key.upper()}")
        first, kinds = self._query(inner.this, parent)
        second, _ = self._select(right, parent, False)
        end = self._end_of_set(inner, len(kinds))
        return [*first, token, *second, *end], kinds

    def _end_of_set(self, query: exp.SetOperation, width: int) -> list[Token]:
        tokens: list[Token] = []
        for term in query.args["order"].expressions if query.args.get("order") else ():
            place = term.this
            if not (
                isinstance(place, exp.Literal) and place.is_int and 0 < int(place.name) <= min(width, len(OUTPUTS))
            ):
                raise NotExpressible(f"the order {term.sql(self.dialect)[:60]}")
            tokens += [OUTPUTS[int(place.name) - 1], *self._direction(term)]
        return [*(["order", *tokens] if tokens else []), *self._rows(query)]

    def _select(
        self, select: exp.Select, parent: _Part | None, within_exists: bool
    ) -> tuple[list[Token], list[_Written]]:
        unusual = [name for name, value in select.args.items() if value and name not in _CLAUSES]
        distinct = select.args.get("distinct")
        if unusual or (distinct and distinct.args.get("on")):
            raise NotExpressible(f"{(unusual or ['distinct on'])[0].upper().strip('_')} in a query")
        scope = Scope.of(select, self.tables, parent.scope if parent else None)
        part = _Part(scope=scope, parent=parent)
        start: list[Token] = ["distinct"] if distinct else []
        if scope.derived is not None:
            inner, part.derived = self._query(scope.derived, None)
            start += ["of", *inner, ")"]
        elif scope.explicit:
            start += self._explicit(part)
        try:
            outputs = self._outputs(part, within_exists)
        except _NoWay:
            return self._again(select, parent, within_exists)
        body = self._body(part)
        if scope.derived is None and not scope.explicit:
            named = scope.missing()
            if named is None:
                return self._again(select, parent, within_exists)
            left = scope.left()
            only = [instance for instance in named if instance not in left]
            body = [*self._sources("with", only), *self._sources("left", left), *body]
        return [*start, *outputs, *body], part.kinds

    def _again(
        self, select: exp.Select, parent: _Part | None, within_exists: bool
    ) -> tuple[list[Token], list[_Written]]:
        """The SELECT with its FROM written out."""
        scope = Scope.of(select, self.tables, parent.scope if parent else None)
        scope.write_out()
        part = _Part(scope=scope, parent=parent)
        start: list[Token] = ["distinct"] if select.args.get("distinct") else []
        start += self._explicit(part)
        return [*start, *self._outputs(part, within_exists), *self._body(part)], part.kinds

    def _explicit(self, part: _Part) -> list[Token]:
        tokens: list[Token] = ["from"]
        for place, source in enumerate(part.scope.sources):
            if place:
                tokens.append("left_join" if source.left else "join")
            instance = part.scope.instances[source.name]
            if instance.copy > len(COPIES) + 1:
                raise NotExpressible(f"{source.table} is joined {instance.copy} times")
            tokens += [*([COPIES[instance.copy - 2]] if instance.copy > 1 else []), self._table(source.table)]
            if source.on is not None:
                tokens += self._all(source.on, part)
        return [*tokens, "select"]

    def _sources(self, token: str, instances: Sequence[Instance]) -> list[Token]:
        tokens: list[Token] = []
        for instance in instances:
            tokens += [*self._way(instance), ")"] if instance.way else [self._table(instance.table)]
        return [token, *tokens] if tokens else []

    def _table(self, name: str) -> int:
        item = self.of_tables.get(name, "")
        if item not in self.positions:
            raise NotExpressible(f"the table '{name}' is not among those that the student reads")
        return self.positions[item]

    def _outputs(self, part: _Part, within_exists: bool) -> list[Token]:
        tokens: list[Token] = []
        for place, output in enumerate(part.scope.select.expressions):
            inner = output.unalias()
            if isinstance(inner, exp.Star) or (isinstance(inner, exp.Column) and isinstance(inner.this, exp.Star)):
                written = _Written(tokens=self._star(inner, part, within_exists))
            elif within_exists and isinstance(inner, exp.Literal) and inner.name == "1":
                written = _Written(tokens=self._exists(part))
            else:
                written = self.expression(inner, part)
                if place < len(OUTPUTS):
                    part.outputs.setdefault(inner.sql(self.dialect), place)
            part.kinds.append(written)
            tokens += written.tokens
        return tokens

    def _star(self, star: exp.Expr, part: _Part, within_exists: bool) -> list[Token]:
        if star.args.get("except_") or star.args.get("replace") or star.args.get("rename"):
            raise NotExpressible("a star with exceptions")
        instances = part.scope.instances
        if star.args.get("table") and len(instances) > 1:
            instance = instances.get(star.args["table"].name.casefold())
        elif len(instances) == 1 and not within_exists:
            instance = next(iter(instances.values()))
        else:
            return ["*"]
        if instance is None or instance.way or instance.copy > 1:
            raise _NoWay(f"all columns by {star.sql()[:60]}")
        if not instance.table or self.of_tables.get(instance.table) not in self.positions:
            return ["*"]
        part.scope.used[instance] = None
        return [self._table(instance.table)]

    def _exists(self, part: _Part) -> list[Token]:
        """``SELECT 1`` of EXISTS: the table whose rows there are."""
        instance = part.scope.child_table()
        if instance is None or self.of_tables.get(instance.table) not in self.positions:
            return ["=1"]
        part.scope.used[instance] = None
        return [self._table(instance.table)]

    def _body(self, part: _Part) -> list[Token]:
        select = part.scope.select
        tokens: list[Token] = []
        if where := select.args.get("where"):
            tokens += ["where", *self._all(where.this, part)]
        part.refers = True
        tokens += self._group(part)
        if having := select.args.get("having"):
            tokens += ["having", *self._all(having.this, part)]
        for place, term in enumerate(select.args["order"].expressions if select.args.get("order") else ()):
            tokens += [*(() if place else ("order",)), *self.expression(term.this, part).tokens]
            tokens += self._direction(term)
        return [*tokens, *self._rows(select)]

    def _direction(self, term: exp.Expr) -> list[Token]:
        text = term.sql(self.dialect).upper()
        nulls = [token for token in ("nulls_first", "nulls_last") if text.endswith(token.replace("_", " ").upper())]
        return [*(["desc"] if term.args.get("desc") else []), *nulls]

    def _rows(self, query: exp.Query) -> list[Token]:
        tokens: list[Token] = []
        for name in ("limit", "offset"):
            if (clause := query.args.get(name)) is not None:
                value = clause.expression
                if not (isinstance(value, exp.Literal) and value.is_int):
                    raise NotExpressible(f"the {clause.sql(self.dialect)[:60]}")
                tokens += [name, *self.writer.number(value.name)]
        return tokens

    def _group(self, part: _Part) -> list[Token]:
        select = part.scope.select
        group = select.args.get("group")
        if group is not None and any(value for name, value in group.args.items() if name != "expressions"):
            raise NotExpressible(f"the {group.sql(self.dialect)[:60]}")
        there = {expression.unnest().sql(self.dialect): expression for expression in group.expressions} if group else {}
        order = select.args.get("order")
        parts = (*select.expressions, *(order.expressions if order else ()))
        aggregated = bool(select.args.get("having")) or any(map(_aggregates, parts))
        follows = [
            expression.unalias().sql(self.dialect)
            for expression in select.expressions
            if not _aggregates(expression)
            and not expression.find(exp.Window)
            and _has_own_columns(expression, part.scope)
        ]
        if not there:
            if aggregated and follows:
                raise NotExpressible("columns without GROUP BY beside an aggregate")
            return []
        if set(there) >= set(follows):
            extra = [piece for text, piece in there.items() if text not in follows]
            return ["by", *self._listed(extra, part)] if extra or not aggregated else []
        return ["group", *self._listed(list(there.values()), part)]

    def _listed(self, parts: Sequence[exp.Expr], part: _Part) -> list[Token]:
        return [token for node in parts for token in self.expression(node, part).tokens]

    # --- conditions ---------------------------------------------------------------------

    def _all(self, condition: exp.Expr, part: _Part) -> list[Token]:
        """Conditions that all hold, in the order of the question."""
        inner = condition.unnest()
        parts = list(inner.flatten()) if isinstance(inner, exp.And) else [inner]
        return [token for tokens in self._ordered(self._conjunction(parts, part)) for token in tokens]

    def _ordered(self, conditions: list[list[Token]]) -> list[list[Token]]:
        return sorted(conditions, key=self._first_word)

    def _first_word(self, tokens: Sequence[Token]) -> int:
        """Where in the question a condition begins: at its first value, else at a word that is linked to its column."""
        words = len(self.reading.words)
        pointers = [token for token in tokens if isinstance(token, int)]
        items = {token - words for token in pointers if token >= words}
        of_columns = [word for word, item in self.reading.links if item in items]
        return min([token for token in pointers if token < words] or of_columns or [_LAST_PLACE])

    def _conjunction(self, parts: Sequence[exp.Expr], part: _Part) -> list[list[Token]]:
        """Conditions as tokens; two that are the bounds of a range are one."""
        left = [node.unnest() for node in parts]
        lists: list[list[Token]] = []
        for low in [node for node in left if isinstance(node, exp.GTE)]:
            for high in left:
                if (
                    type(high) in (exp.LTE, exp.LT)
                    and high.this == low.this
                    and (tokens := self._range(low, high, part))
                ):
                    left = [node for node in left if node is not low and node is not high]
                    lists.append(tokens)
                    break
        return [*lists, *(self.condition(node, part) for node in left)]

    def _range(self, low: exp.Expr, high: exp.Expr, part: _Part) -> list[Token]:
        """The tokens of two bounds; empty: they are two conditions."""
        bounds = low.expression, high.expression
        texts = all(isinstance(bound, exp.Literal) and bound.is_string for bound in bounds)
        if isinstance(high, exp.LT):
            when = self.writer.period(bounds[0].name, bounds[1].name) if texts else []
            when = when or self._relative_period(*bounds)
            return ["during", *self.expression(low.this, part).tokens, *when] if when else []
        of = self.expression(low.this, part)
        sides = [token for bound in bounds for token in self._beside(bound, of, part)]
        return ["between", *of.tokens, *sides]

    def _relative_period(self, first: exp.Expr, after: exp.Expr) -> list[Token]:
        """A day, month or year that is relative to now; empty: the bounds are none."""
        matches = [self.patterns.match(bare(bound)) for bound in (first, after)]
        named = tuple(match.function.token if match else "" for match in matches)
        return next(([token] for token, pair in RELATIVE_PERIODS.items() if pair == named), [])

    def condition(self, node: exp.Expr, part: _Part) -> list[Token]:
        """One condition. Raises NotExpressible."""
        inner = node.unnest()
        if isinstance(inner, (exp.And, exp.Or)):
            return self._bracketed(inner, part)
        if isinstance(inner, exp.Not):
            return self._not(inner.this.unnest(), part)
        if (token := _COMPARISON_TOKENS.get(type(inner))) is not None:
            return self._comparison(token, inner, part)
        if type(inner) in _LIKE:
            return self._like(inner, part)
        if isinstance(inner, exp.In):
            return self._in(inner, part)
        if isinstance(inner, exp.Is):
            return self._is(inner, part)
        if isinstance(inner, exp.Exists):
            return ["exists", *self.query(inner.this, part, within_exists=True), ")"]
        if isinstance(inner, exp.Column):
            return self.expression(inner, part).tokens
        raise NotExpressible(f"the condition {inner.sql(self.dialect)[:60]}")

    def _bracketed(self, node: exp.Expr, part: _Part) -> list[Token]:
        parts = [node.unnest() for node in node.flatten()]
        if isinstance(node, exp.Or):
            conditions = [self.condition(node, part) for node in parts]
        else:
            conditions = self._conjunction(parts, part)
        if len(conditions) == 1:
            return conditions[0]
        tokens = [token for tokens in self._ordered(conditions) for token in tokens]
        return ["or" if isinstance(node, exp.Or) else "and", *tokens, ")"]

    def _not(self, inner: exp.Expr, part: _Part) -> list[Token]:
        if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null) and not inner.args.get("negate"):
            return ["filled", *self.expression(inner.this, part).tokens]
        if isinstance(inner, exp.Not):
            raise NotExpressible("NOT NOT")
        return ["not", *self.condition(inner, part)]

    def _is(self, node: exp.Expr, part: _Part) -> list[Token]:
        of, no = self.expression(node.this, part).tokens, bool(node.args.get("negate"))
        if isinstance(node.expression, exp.Null):
            return ["filled" if no else "null", *of]
        if isinstance(node.expression, exp.Boolean):
            return [*(["not"] if no else []), "is", *of, "true" if node.expression.this else "false"]
        raise NotExpressible(f"the condition {node.sql(self.dialect)[:60]}")

    def _comparison(self, token: str, node: exp.Expr, part: _Part) -> list[Token]:
        left, right = bare(node.this), bare(node.expression)
        if self._weight(left, part) > self._weight(right, part):
            left, right, token = right, left, _MIRRORED[token]
        of = self.expression(left, part)
        return [token, *of.tokens, *self._beside(right, of, part)]

    @staticmethod
    def _weight(node: exp.Expr, part: _Part) -> int:
        """The rank of a side of a comparison: a column of a table, of one at the end of a way, …, a literal."""
        if isinstance(node, exp.Column):
            owner = part.scope.owner(node)
            if owner is None or owner[0] is not part.scope:
                return 2
            instance = part.scope.instances[owner[1]]
            return 1 if instance.way or instance.copy > 1 else 0
        if isinstance(node, (exp.Literal, exp.Boolean, exp.Null, exp.Neg)):
            return 5
        return 4 if isinstance(node, exp.Subquery) else 3

    def _beside(self, node: exp.Expr, of: _Written, part: _Part) -> list[Token]:
        """The expression that another is compared with."""
        return self._value(bare(node), of.kind, of.known) or self.expression(node, part).tokens

    def _like(self, node: exp.Expr, part: _Part) -> list[Token]:
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise NotExpressible(f"the pattern {pattern.sql(self.dialect)[:60]}")
        of, text = self.expression(node.this, part), pattern.name
        no: list[Token] = ["not"] if node.args.get("negate") else []
        for token, (operator, before, after) in PATTERNS.items():
            inner = text[len(before) : len(text) - len(after)]
            fits = operator == _LIKE[type(node)] and before + inner + after == text
            if fits and (inner or not before + after):
                inner = _as_asked(inner, self.reading.question) if self._is_folded(node) and inner else inner
                return [*no, token, *of.tokens, *self.writer.text(inner, "text", of.known)]
        raise NotExpressible(f"the pattern {text!r}")

    def _is_folded(self, node: exp.Expr) -> bool:
        """Whether the case of a pattern does not count."""
        return isinstance(node, exp.ILike) or self.dialect == "sqlite"

    def _in(self, node: exp.Expr, part: _Part) -> list[Token]:
        of = self.expression(node.this, part)
        if (query := node.args.get("query")) is not None:
            return ["in", *of.tokens, "query", *self.query(query, part), ")"]
        values = [self._value(bare(expression), of.kind, of.known) for expression in node.expressions]
        if not values or not all(values) or node.args.get("unnest"):
            raise NotExpressible(f"the condition {node.sql(self.dialect)[:60]}")
        return ["in", *of.tokens, *(token for tokens in self._ordered(values) for token in tokens), ")"]

    # --- expressions --------------------------------------------------------------------

    def _value(self, node: exp.Expr, kind: str, known: tuple[str, ...] = ()) -> list[Token]:
        """The tokens of a literal; empty: it is none."""
        if isinstance(node, exp.Boolean):
            return ["true" if node.this else "false"]
        if isinstance(node, exp.Null):
            return ["null_"]
        sign = ""
        if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
            sign, node = "-", node.this
        if not isinstance(node, exp.Literal):
            return []
        if node.is_string:
            return self.writer.text(node.name, kind, known)
        mark: list[Token] = ["number"] if kind and kind not in NUMERIC else []
        return [*mark, *self.writer.number(sign + node.name)]

    def expression(self, node: exp.Expr, part: _Part, kind: str = "") -> _Written:
        """An expression. `kind`: what a literal would be. Raises NotExpressible."""
        inner = bare(node)
        if part.refers and (place := part.outputs.get(inner.sql(self.dialect))) is not None:
            of = part.kinds[place]
            return _Written(tokens=[OUTPUTS[place]], kind=of.kind, known=of.known)
        if value := self._value(inner, kind):
            return _Written(tokens=value, kind="number" if not _is_text(inner) else kind or "text")
        if isinstance(inner, exp.Column):
            return self._column(inner, part)
        if isinstance(inner, exp.Subquery):
            tokens, kinds = self._query(inner, part)
            return _Written(tokens=["query", *tokens, ")"], kind=kinds[0].kind)
        if isinstance(inner, (exp.Filter, exp.Case, exp.Window)):
            refers, part.refers = part.refers, False  # inside, columns of the result are columns of tables again
            writers = {exp.Filter: self._filter, exp.Case: self._case, exp.Window: self._window}
            written = writers[type(inner)](inner, part)
            part.refers = refers
            return written
        if isinstance(inner, exp.Count) and isinstance(inner.this, exp.Star):
            return _Written(tokens=["count", *self._counted(part)], kind="integer")
        if isinstance(inner, (exp.Predicate, exp.Connector, exp.Not)):
            return _Written(tokens=self.condition(inner, part), kind="boolean")
        return self._function(inner, part)

    def _counted(self, part: _Part) -> list[Token]:
        """The rows that COUNT(*) counts."""
        instance = part.scope.child_table() if part.scope.derived is None else None
        if instance is None or self.of_tables.get(instance.table) not in self.positions:
            return ["*"]
        part.scope.used[instance] = None
        return [self._table(instance.table)]

    def _function(self, node: exp.Expr, part: _Part) -> _Written:
        unique = isinstance(node, exp.AggFunc) and isinstance(node.this, exp.Distinct)
        if unique:
            inner = node.this.expressions
            if len(inner) != 1:
                raise NotExpressible(f"{node.sql(self.dialect)[:60]}")
            node = node.copy()
            node.set("this", inner[0].copy())
        match = self.patterns.match(node)
        if match is None or (unique and not match.function.aggregate):
            raise NotExpressible(f"the expression {node.sql(self.dialect)[:60]}")
        if not match.function.takes:
            return self._time(match)
        return self._called(match, part, unique)

    def _time(self, match: Match) -> _Written:
        number = self.writer.number(match.number) if match.function.counted else []
        return _Written(tokens=[match.function.token, *number], kind=match.function.gives)

    def _called(self, match: Match, part: _Part, unique: bool) -> _Written:
        function = match.function
        arguments: list[_Written] = []
        refers, part.refers = part.refers, part.refers and not function.aggregate
        for node, takes in zip(match.arguments, function.takes, strict=True):
            kind = hint(takes)
            if arguments and function.gives == SAME:
                kind = arguments[0].kind
            arguments.append(self.expression(node, part, kind))
        part.refers = refers
        number = self.writer.number(match.number) if function.counted else []
        same = function.gives == SAME
        return _Written(
            tokens=[
                function.token,
                *(["unique"] if unique else []),
                *(token for argument in arguments for token in argument.tokens),
                *number,
            ],
            kind=arguments[0].kind if same else function.gives,
            known=arguments[0].known if same else (),
        )

    def _filter(self, node: exp.Expr, part: _Part) -> _Written:
        of = self.expression(node.this, part)
        return _Written(tokens=["filter", *of.tokens, *self._all(node.expression.this, part), ")"], kind=of.kind)

    def _case(self, node: exp.Expr, part: _Part) -> _Written:
        if node.this is not None:
            raise NotExpressible("CASE of a value")
        tokens: list[Token] = ["case"]
        kind = ""
        for branch in node.args["ifs"]:
            then = self.expression(branch.args["true"], part, kind)
            kind = kind or then.kind
            tokens += [*self.condition(branch.this, part), *then.tokens]
        if (default := node.args.get("default")) is not None:
            tokens += ["else", *self.expression(default, part, kind).tokens]
        return _Written(tokens=[*tokens, ")"], kind=kind)

    def _window(self, node: exp.Expr, part: _Part) -> _Written:
        if node.args.get("spec") or node.args.get("alias"):
            raise NotExpressible("a window with a frame")
        rank = _RANKED.get(type(node.this))
        function = _Written(tokens=[rank], kind="integer") if rank in RANKS else self.expression(node.this, part)
        tokens: list[Token] = ["window", *function.tokens]
        if by := node.args.get("partition_by"):
            tokens += ["part", *self._listed(by, part)]
        for place, term in enumerate(node.args["order"].expressions if node.args.get("order") else ()):
            tokens += [*(() if place else ("order",)), *self.expression(term.this, part).tokens]
            tokens += self._direction(term)
        return _Written(tokens=[*tokens, ")"], kind=function.kind)

    def _column(self, column: exp.Column, part: _Part) -> _Written:
        source = part.scope.owner(column)
        if source is None:
            raise NotExpressible(f"the column '{column.sql()[:60]}' is of no table of the query")
        scope, name = source
        tokens: list[Token] = []
        owner: _Part | None = part
        while owner is not None and owner.scope is not scope:
            tokens.append("outer")
            owner = owner.parent
        assert owner is not None
        instance = scope.instances[name]
        if scope.derived is not None:
            names = [select.alias_or_name.casefold() for select in scope.derived.selects]
            place = names.index(column.name.casefold())
            if place >= len(INNER):
                raise NotExpressible("a query in FROM with many columns")
            of = owner.derived[place]
            return _Written(tokens=[*tokens, INNER[place]], kind=of.kind, known=of.known)
        scope.used[instance] = None
        item = self.items.get((instance.table, column.name.casefold()), "")
        if item not in self.positions:
            raise NotExpressible(
                f"the column '{instance.table}.{column.name}' is not among those that the student reads"
            )
        position = self.positions[item]
        if instance.way:
            tokens += self._way(instance)
        elif instance.copy > 1:
            tokens.append(COPIES[instance.copy - 2])
        shown = self.reading.item(position)
        return _Written(tokens=[*tokens, position], kind=shown.kind, known=shown.values)

    def _way(self, instance: Instance) -> list[Token]:
        tokens: list[Token] = []
        for reference in instance.way:
            item = self.items.get((reference.table, reference.columns[0].casefold()), "")
            if item not in self.positions:
                raise NotExpressible(
                    f"the column '{reference.table}.{reference.columns[0]}' is not among those that the student reads"
                )
            tokens += ["via", self.positions[item]]
        return tokens


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _has_end(query: exp.Expr) -> bool:
    return any(query.args.get(name) for name in ("order", "limit", "offset"))


def _aggregates(node: exp.Expr) -> bool:
    """Whether a part has an aggregate of its own SELECT."""
    if isinstance(node, (exp.Subquery, exp.Window, exp.Exists)) or (
        isinstance(node, exp.In) and node.args.get("query")
    ):
        return isinstance(node, exp.In) and _aggregates(node.this)
    if isinstance(node, (exp.AggFunc, exp.WithinGroup)):
        return True
    return any(_aggregates(child) for child in node.iter_expressions())


def _has_own_columns(node: exp.Expr, scope: Scope) -> bool:
    own = (column for column in node.find_all(exp.Column) if not isinstance(column.this, exp.Star))
    return any((owner := scope.owner(column)) is not None and owner[0] is scope for column in own)
