"""Goals of expressions and conditions.

Where an expression is decides what it may have (its *mode*):

- ``where``: columns, queries inside, and columns of the SELECT around this one
- ``plain``: columns alone, such as in an aggregate or in GROUP BY
- ``on``: columns of a FROM that is written out
- ``out``: a column of the result: columns, or aggregates
- ``having``: aggregates, and columns of the result that have some
- ``order``: as ``out``, and columns of the result
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dstill.api.form import Token
from dstill_sql.form.allowed_values import Spec
from dstill_sql.form.functions import ANY, COMPARABLE, FUNCTIONS, NUMERIC, ORDERED, SAME, TEMPORAL, TEXT, Function
from dstill_sql.form.goals import Close, Literal, group_of, set_kind
from dstill_sql.form.periods import RELATIVE_PERIODS, bounds
from dstill_sql.form.states import Do, Goal, State
from dstill_sql.form.tokens import COMPARISONS, CONDITIONS, INNER, OUTPUTS, PATTERNS, RANKS
from dstill_sql.language.database.schema import Reference

__all__ = ["Condition", "Conditions", "Expression"]

_NEST = 3  # functions inside each other
_MAX_DEPTH = 2  # brackets of conditions inside each other
_QUERIES = 2  # queries inside each other
_MOST = 6  # conditions in a row
_VALUES = 12  # of IN
_MOST_UNITS = {"year": 1_000}
_OPERATORS = ("add", "sub", "mul", "div")


@dataclass(frozen=True, kw_only=True)
class Expression:
    """An expression of one of the kinds `wants`."""

    wants: frozenset[str]
    mode: str
    literal: bool = False  # whether it may be a literal alone
    free: bool = False  # whether its kind does not tell how a literal is read
    moments: bool = False  # whether it may be a time that is relative to now
    pair: bool = False  # whether the next goal is its other side, of which only one may be a literal
    outer: bool = False  # whether it may be a column of the SELECT around
    nest: int = 0
    position: int = -1  # of the column that it is compared with
    only: frozenset[tuple[str, int]] | None = None  # tables of a FROM that is written out

    def skips(self, state: State) -> bool:
        return False

    def ends(self, state: State) -> bool:
        return False

    def take(self, state: State, token: Token) -> State | None:
        if isinstance(token, int):
            return self._literal(state, token) if token < state.run.words else self._column(state, token, 1)
        if token in ("via", "copy", "outer"):
            return self._way(state, token)
        if token in INNER:
            return self._inner(state, INNER.index(token))
        if token in OUTPUTS:
            return self._for_result(state, OUTPUTS.index(token))
        if token in FUNCTIONS:
            return self._function(state, FUNCTIONS[token])
        others = {"case": self._case, "filter": self._filter, "window": self._window, "query": self._query}
        return others[token](state) if token in others else self._literal(state, token)

    # --- columns ------------------------------------------------------------------------

    def accepts(self, state: State, kind: str) -> bool:
        """Whether a column of a kind may stand here."""
        if kind not in self.wants:
            return False
        scope = state.scope
        if self.mode == "out":
            return scope.leaf != "aggregate" and not (scope.grouped and (scope.inner or kind in ("other", "interval")))
        if self.mode == "order":
            return scope.leaf != "aggregate" and not (scope.grouped or scope.distinct or scope.sets)
        return self.mode != "having"

    def leafed(self, state: State) -> State:
        """After a column."""
        return state.scoped(leaf="plain") if self.mode in ("out", "order") and state.scope.leaf != "plain" else state

    def _column(self, state: State, token: int, copy: int) -> State | None:
        column = state.run.columns.get(token)
        if column is None or state.scope.derived is not None:
            return None
        table, _, kind = column
        if not self.accepts(state, kind):
            return None
        instance = table.name, copy
        if state.scope.written:
            if instance not in (state.scope.written if self.only is None else self.only):
                return None
        elif copy > 1 or table.name not in state.reach:
            return None
        after = self.leafed(state.pop())
        if not state.scope.written and table.name not in state.scope.tables:
            after = after.scoped(tables=state.scope.tables | {table.name})
        return after.with_(kind=kind, position=token, instance=instance)

    def _inner(self, state: State, place: int) -> State | None:
        kinds = state.scope.derived
        if kinds is None or place >= len(kinds) or not self.accepts(state, kinds[place]):
            return None
        return self.leafed(state.pop()).with_(kind=kinds[place], position=-1)

    def _way(self, state: State, token: str) -> State | None:
        scope = state.scope
        if token == "copy":
            copies = [copy for copy in (scope.written if self.only is None else self.only) if copy[1] > 1]
            fits = any(self.accepts(state, kind) for table, _ in copies for kind in state.run.kinds[table])
            return state.pop().push(_Copy(of=self)) if fits else None
        if token == "outer":
            return self._outer(state)
        if scope.written or scope.derived is not None or not _ways(state, self, ()):
            return None
        return state.pop().push(_Way(of=self))

    def _outer(self, state: State) -> State | None:
        outer, scope = state.outer, state.scope
        if not (self.outer and scope.refers and outer is not None) or scope.sets:
            return None
        if scope.refers == "out" and (outer.grouped or outer.leaf == "aggregate"):
            return None
        fits = any(kind in self.wants for table in outer.tables for kind in state.run.kinds.get(table, ()))
        return state.pop().push(_Outer(of=self)) if fits else None

    def _for_result(self, state: State, place: int) -> State | None:
        scope = state.scope
        if self.mode not in ("having", "order") or place >= len(scope.outputs):
            return None
        output = scope.outputs[place]
        if output.kind not in self.wants or output.star or (self.mode == "having" and not output.aggregates):
            return None
        after = state.pop().with_(kind=output.kind, position=-1)
        if self.mode == "having" or scope.grouped:
            return after
        return self.leafed(after) if scope.leaf != "aggregate" else None

    # --- literals -----------------------------------------------------------------------

    def _literal(self, state: State, token: Token) -> State | None:
        if not self.literal:
            return None
        spec = self._spec(state)
        if spec is None:
            return None
        after = Literal(spec=spec).take(self._after_literal(state).push(_NO_LITERAL), token)
        return after

    def _spec(self, state: State) -> Spec | None:
        if self.free:
            only = "number" if self.wants <= NUMERIC else "text" if self.wants <= TEXT else ""
            return Spec(kind="", only=only)
        if self.wants == {"integer"}:
            return Spec(kind="integer", whole=True, least=1)
        if self.wants <= NUMERIC:
            kind = "number"
        elif self.wants <= TEMPORAL:
            kind = "timestamp" if "timestamp" in self.wants and self._is_timestamp(state) else "date"
        elif len(self.wants) == 1:
            (kind,) = self.wants
        else:
            kind = ""
        if kind in ("other", "interval"):
            return None
        return spec_of(state, kind, self.position)

    def _is_timestamp(self, state: State) -> bool:
        column = state.run.columns.get(self.position)
        return column is None or column[2] == "timestamp"

    def _after_literal(self, state: State) -> State:
        """Without this goal; the other side of a pair is not a literal."""
        after = state.pop()
        if self.pair and after.goals is not None and isinstance(after.goals[0], Expression):
            return after.pop().push(replace(after.goals[0], literal=False, moments=False))
        return after

    # --- functions ----------------------------------------------------------------------

    def _function(self, state: State, function: Function) -> State | None:
        run = state.run
        if function.text(run.dialect) is None or run.dialect not in function.written:
            return None
        if function.aggregate:
            return self._aggregate(state, function)
        if not function.takes:
            return self._moment(state, function)
        same = function.gives == SAME
        if not same and function.gives not in self.wants:
            return None
        takes = [kinds & self.wants if same else kinds for kinds in function.takes]
        if self.nest >= _NEST or state.tight or not all(kinds and state.has(kinds) for kinds in takes):
            return None
        after = state.pop()
        inside = Expression(wants=takes[0], mode=self.mode, nest=self.nest + 1, only=self.only)
        goals: list[Expression | Do] = [inside]
        if len(takes) == 2:
            goals = self._two(function, takes, inside)
        return after.push(*goals, *_numbers(function), *([] if same else [set_kind(function.gives)]))

    @staticmethod
    def _two(function: Function, takes: list[frozenset[str]], inside: Expression) -> list[Expression | Do]:
        if function.token in ("coalesce", "nullif"):
            return [inside, Do(step=lambda state: state.push(_beside(inside, state)))]
        if takes[0] <= TEMPORAL:
            return [replace(inside, moments=True, pair=True), replace(inside, moments=True)]
        literal = function.token in (*_OPERATORS, "mod", "intdiv", "concat")
        first = replace(inside, literal=literal and function.token in (*_OPERATORS, "concat"), pair=literal)
        return [first, replace(inside, wants=takes[1], literal=literal)]

    def _moment(self, state: State, function: Function) -> State | None:
        if not (self.literal or self.moments) or function.gives not in self.wants:
            return None
        return self._after_literal(state).push(*_numbers(function), set_kind(function.gives))

    # --- aggregates ---------------------------------------------------------------------

    def aggregates(self, state: State) -> bool:
        """Whether an aggregate may stand here."""
        scope = state.scope
        if self.mode == "having":
            return True
        return self.mode in ("out", "order") and scope.leaf != "plain" and (scope.grouped or scope.may_group)

    def _aggregate(self, state: State, function: Function) -> State | None:
        if not self.aggregates(state):
            return None
        goals = _arguments(state, function, self.wants)
        if goals is None:
            return None
        after = state.pop()
        if self.mode != "having":
            after = after.scoped(leaf="aggregate", grouped=True)
        return after.push(*goals)

    def _filter(self, state: State) -> State | None:
        known = "integer" in self.wants or state.has(self.wants & ORDERED)
        if not (known and self.aggregates(state)) or state.tight or not state.reached_kinds:
            return None
        return state.pop().push(_Filtered(of=self))

    # --- others -------------------------------------------------------------------------

    def _case(self, state: State) -> State | None:
        wants = self.wants & (NUMERIC | TEXT)
        if (
            self.mode not in ("out", "plain")
            or not wants
            or self.nest >= _MAX_DEPTH
            or state.tight
            or not state.reached_kinds
        ):
            return None
        then = Expression(wants=wants, mode=self.mode, literal=True, free=True, nest=_NEST)
        return state.pop().push(
            Condition(mode=self.mode, nest=_MAX_DEPTH),
            then,
            Do(step=lambda after: after.push(_Case(of=then, kind=after.kind))),
        )

    def _window(self, state: State) -> State | None:
        scope = state.scope
        if self.mode != "out" or self.nest or scope.grouped or scope.leaf or scope.starred or state.tight:
            return None
        if scope.context not in ("top", "derived") or "integer" not in self.wants or not state.has(ORDERED):
            return None
        return state.pop().scoped(leaf="plain", windows=True).push(_Window(wants=self.wants))

    def _query(self, state: State) -> State | None:
        scope = state.scope
        wants = self.wants & ORDERED
        if not wants or not _may_open(state) or self.mode not in ("where", "out", "having"):
            return None
        plain = scope.leaf == "plain" or any(output.plain for output in scope.outputs)
        if self.mode == "out" and (scope.windows or scope.starred or scope.sets or (scope.grouped and plain)):
            return None
        if "integer" not in wants and not any(not wants.isdisjoint(kinds) for kinds in state.run.kinds.values()):
            return None
        after = state.pop()
        if self.mode == "out":
            after = after.scoped(inner=True)
        after = after.push(Close(), Do(step=lambda closed: closed.with_(kind=closed.result[0], position=-1)))
        refers = {"where": "where", "out": "out"}.get(self.mode, "")
        return state.run.opens(after, "scalar", wants=(wants,), refers=refers)


def spec_of(state: State, kind: str, position: int = -1) -> Spec:
    """The literals of a kind beside the column at a position."""
    choices: tuple[str, ...] = ()
    column = state.run.columns.get(position)
    if column is not None and kind == "enum":
        choices = _choices(column[1].type)
    return Spec(kind=kind, position=position if column is not None and column[2] == kind else -1, choices=choices)


def _choices(type_: str) -> tuple[str, ...]:
    """The values of ``ENUM('a', 'b')``."""
    inside = type_[type_.find("(") + 1 : type_.rfind(")")]
    return tuple(part.strip()[1:-1].replace("''", "'") for part in inside.split("', '") if part) if inside else ()


def _may_open(state: State) -> bool:
    """Whether a query may begin inside."""
    return not state.tight and state.depth < _QUERIES and state.selects < state.run.limits.selects


def _beside(of: Expression, state: State) -> Expression:
    """The expression that can follow the one that was written last."""
    return replace(of, wants=group_of(state.kind), literal=True, position=state.position)


def _numbers(function: Function) -> list[Literal]:
    """The number after the arguments of a function."""
    if not function.counted:
        return []
    if not function.whole:
        return [Literal(spec=Spec(kind="number", fraction=True))]
    if function.takes and "round" in function.token:
        return [Literal(spec=Spec(kind="integer", whole=True, most=9))]
    most = _MOST_UNITS.get(function.token.partition(":")[2], 9_999)
    return [Literal(spec=Spec(kind="integer", whole=True, least=1, most=most))]


def _arguments(
    state: State, function: Function, wants: frozenset[str]
) -> list[Expression | Literal | Do | _Counted] | None:
    """The goals of an aggregate's arguments; None: it cannot be of the kinds that are wanted."""
    if function.token == "count":
        return [_Counted(), set_kind("integer")] if "integer" in wants else None
    same = function.gives == SAME
    takes = function.takes[0] & wants if same else function.takes[0]
    if (not same and function.gives not in wants) or not takes or not state.has(takes):
        return None
    return [
        Expression(wants=takes, mode="plain", nest=1),
        *_numbers(function),
        *([] if same else [set_kind(function.gives)]),
    ]


# --- what goals lead to -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Goal:
    def skips(self, state: State) -> bool:
        return False

    def ends(self, state: State) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class _Nothing(_Goal):
    """The place of a literal."""

    def take(self, state: State, token: Token) -> State | None:
        return None


_NO_LITERAL = _Nothing()


@dataclass(frozen=True, kw_only=True)
class _Copy(_Goal):
    """A column of a table that FROM has twice."""

    of: Expression

    def take(self, state: State, token: Token) -> State | None:
        return self.of._column(state, token, 2) if isinstance(token, int) else None


@dataclass(frozen=True, kw_only=True)
class _Outer(_Goal):
    """A column of the SELECT around."""

    of: Expression

    def take(self, state: State, token: Token) -> State | None:
        column = state.run.columns.get(token) if isinstance(token, int) else None
        outer = state.outer
        if column is None or outer is None or column[0].name not in outer.tables or column[2] not in self.of.wants:
            return None
        if outer.written:
            return None
        after = state.pop().scoped(correlated=True)
        if state.scope.refers == "out":
            after = after.around(leaf="plain")
        return after.with_(kind=column[2], position=token)


def _ways(state: State, of: Expression, way: tuple[Reference, ...]) -> list[int]:
    """The columns that a way may go on with, so that it leads to a column that may be there."""
    run, scope = state.run, state.scope
    targets = []
    for place, role in (run.leads if way else run.roles).items():
        if way and way[-1].to != role.table:
            continue
        start = (way or (role,))[0].table
        if len(way) >= _QUERIES or start not in state.reach:
            continue
        if not any(of.accepts(state, kind) for kind in run.kinds.get(role.to, ())):
            continue
        tables, paths = scope.tables | {start}, scope.ways | {(*way, role)}
        needed = run.joins(replace(scope, tables=tables, ways=paths))
        fits = needed is not None and needed <= state.budget
        if fits and (not scope.sets or state.scoped(tables=tables, ways=paths).can_go_on):
            targets.append(place)
    return targets


@dataclass(frozen=True, kw_only=True)
class _Way(_Goal):
    """A column at the end of a way: after ``via``, or after a column that leads on."""

    of: Expression
    way: tuple[Reference, ...] = ()
    leads: bool = True  # whether a column that leads on comes

    def take(self, state: State, token: Token) -> State | None:
        if not self.leads:
            return self._end(state, token)
        if not isinstance(token, int) or token not in _ways(state, self.of, self.way):
            return None
        role = (state.run.leads if self.way else state.run.roles)[token]
        return state.pop().push(_Way(of=self.of, way=(*self.way, role), leads=False))

    def _end(self, state: State, token: Token) -> State | None:
        if token == "via":
            on = _ways(state, self.of, self.way)
            return state.pop().push(_Way(of=self.of, way=self.way)) if on else None
        column = state.run.columns.get(token) if isinstance(token, int) else None
        if column is None or column[0].name != self.way[-1].to or not self.of.accepts(state, column[2]):
            return None
        scope = state.scope
        after = self.of.leafed(state.pop())
        after = after.scoped(tables=scope.tables | {self.way[0].table}, ways=scope.ways | {self.way})
        return after.with_(kind=column[2], position=token)


@dataclass(frozen=True, kw_only=True)
class _Counted(_Goal):
    """The argument of COUNT: rows of a table, values of a column, or different values."""

    unique: bool = False

    def take(self, state: State, token: Token) -> State | None:
        scope = state.scope
        if token == "unique":
            if self.unique or not state.has(COMPARABLE):
                return None
            return state.pop().push(_Counted(unique=True))
        if token == "*":
            return state.pop() if (scope.derived is not None or scope.written) and not self.unique else None
        table = state.run.table_at.get(token) if isinstance(token, int) else None
        if table is not None and not self.unique and scope.derived is None:
            if table not in state.reach:
                return None
            return state.pop() if scope.written else state.pop().scoped(tables=scope.tables | {table})
        return Expression(wants=COMPARABLE if self.unique else ANY, mode="plain", nest=_NEST).take(state, token)


@dataclass(frozen=True, kw_only=True)
class _Filtered(_Goal):
    """The aggregate of a filter."""

    of: Expression

    def take(self, state: State, token: Token) -> State | None:
        if not isinstance(token, str) or token not in FUNCTIONS or not FUNCTIONS[token].aggregate:
            return None
        if state.run.dialect == "postgres" and FUNCTIONS[token].counted:
            return None
        where = Conditions(mode="plain", least=1, closes=True)
        after = state.pop().push(_NO_LITERAL, Do(step=lambda done: done.push(where, set_kind(done.kind))))
        return self.of._function(after, FUNCTIONS[token])


@dataclass(frozen=True, kw_only=True)
class _Case(_Goal):
    """The next condition of a CASE, its ELSE or its end."""

    of: Expression
    kind: str
    branches: int = 1

    def ends(self, state: State) -> bool:
        return True

    def take(self, state: State, token: Token) -> State | None:
        then = replace(self.of, wants=group_of(self.kind), free=False)
        if token == ")":
            return state.pop().with_(kind=self.kind, position=-1)
        if token == "else":
            return state.pop().push(then, Close(), set_kind(self.kind))
        if self.branches > _MAX_DEPTH or state.tight:
            return None
        more = replace(self, branches=self.branches + 1)
        condition = Condition(mode=self.of.mode, nest=_MAX_DEPTH)
        return condition.take(state.pop().push(condition, then, more), token)


@dataclass(frozen=True, kw_only=True)
class _Window(_Goal):
    """A function over a window: ROW_NUMBER and the like, or an aggregate."""

    wants: frozenset[str]

    def take(self, state: State, token: Token) -> State | None:
        if not isinstance(token, str):
            return None
        if token in RANKS:
            return state.pop().push(_Over(kind="integer", ordered=True))
        if token not in ("sum", "avg", "min", "max", "count"):
            return None
        goals = _arguments(state, FUNCTIONS[token], self.wants)
        if goals is None:
            return None
        return state.pop().push(*goals, Do(step=lambda after: after.push(_Over(kind=after.kind, ordered=False))))


@dataclass(frozen=True, kw_only=True)
class _Over(_Goal):
    """The parts of a window: a partition, an order, an end."""

    kind: str
    ordered: bool  # whether there must be an order
    stage: int = 0  # 1: in the partition, 2: after the first of the order

    def ends(self, state: State) -> bool:
        return not self.ordered or self.stage == 2

    def take(self, state: State, token: Token) -> State | None:
        by = Expression(wants=ORDERED, mode="plain", nest=_NEST)
        if token == ")":
            return state.pop().with_(kind=self.kind, position=-1) if self.ends(state) else None
        if token in ("part", "order") and not state.has(ORDERED):
            return None
        if token == "part" and not self.stage:
            return state.pop().push(by, replace(self, stage=1))
        if token == "order" and self.stage < 2:
            return state.pop().push(by, replace(self, stage=2))
        if token == "desc" and self.stage == 2:
            return state.pop().push(replace(self, stage=3, ordered=False))
        return None


@dataclass(frozen=True, kw_only=True)
class _Period(_Goal):
    """A day, a month or a year."""

    def take(self, state: State, token: Token) -> State | None:
        if isinstance(token, int):
            words = state.run.reading.words
            return state.pop() if token < len(words) and bounds(words[token].value) is not None else None
        pair = RELATIVE_PERIODS.get(token)
        known = pair is not None and all(FUNCTIONS[name].text(state.run.dialect) is not None for name in pair)
        return state.pop() if known else None


@dataclass(frozen=True, kw_only=True)
class _In(_Goal):
    """The list that has a column's value: values, or the result of a query."""

    of: Expression
    kind: str
    position: int
    count: int = 0

    def ends(self, state: State) -> bool:
        return self.count > 0

    def take(self, state: State, token: Token) -> State | None:
        if token == "query":
            return self._query(state)
        if token == ")":
            return state.pop() if self.count else None
        if self.count >= _VALUES or (self.count and state.tight):
            return None
        kind = "number" if self.kind in NUMERIC else self.kind
        value = Literal(spec=spec_of(state, kind, self.position))
        return value.take(state.pop().push(_NO_LITERAL, replace(self, count=self.count + 1)), token)

    def _query(self, state: State) -> State | None:
        wants = group_of(self.kind)
        if self.count or self.of.mode != "where" or not _may_open(state):
            return None
        if not any(not wants.isdisjoint(kinds) for kinds in state.run.kinds.values()):
            return None
        return state.run.opens(state.pop().push(Close()), "in", wants=(wants,), refers="where")


# --- conditions ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Conditions one after the other."""

    mode: str
    least: int
    closes: bool = False  # whether a bracket ends them
    count: int = 0
    nest: int = 0

    def skips(self, state: State) -> bool:
        return not self.closes and self.ends(state)

    def ends(self, state: State) -> bool:
        return self.count >= self.least

    def take(self, state: State, token: Token) -> State | None:
        if token == ")" and self.closes:
            return state.pop() if self.ends(state) else None
        if self.ends(state) and (state.tight or self.count >= _MOST):
            return None
        condition = Condition(mode=self.mode, nest=self.nest)
        more = replace(self, count=self.count + 1)
        return condition.take(state.pop().push(condition, more), token)


@dataclass(frozen=True, kw_only=True)
class Condition(_Goal):
    """One condition."""

    mode: str
    nest: int = 0
    negated: bool = False

    def take(self, state: State, token: Token) -> State | None:
        if not isinstance(token, str) or token not in CONDITIONS:
            if self.mode == "having" or token in OUTPUTS or token in FUNCTIONS or token in ("case", "query", "filter"):
                return None
            return Expression(wants=frozenset(("boolean",)), mode=self.mode, nest=_NEST).take(state, token)
        if token in ("and", "or", "not"):
            return self._joined(state, token)
        if token == "exists":
            return self._exists(state)
        wants = self._wants(token, state)
        if wants is None or not (state.has(wants) or (self.mode == "having" and "integer" in wants)):
            return None
        of = Expression(wants=wants, mode=self.mode, nest=1 if self.mode != "on" else _NEST)
        after = state.pop()
        if token == "eq" and self.mode == "where":
            after = after.scoped(equal=True)
        return after.push(of, *self._rest(token, of))

    def _joined(self, state: State, token: str) -> State | None:
        if token == "not":
            return None if self.negated else state.pop().push(replace(self, negated=True))
        if self.nest >= _MAX_DEPTH or state.tight or not (state.reached_kinds or self.mode == "having"):
            return None
        return state.pop().push(Conditions(mode=self.mode, least=2, closes=True, nest=self.nest + 1))

    def _exists(self, state: State) -> State | None:
        if self.mode != "where" or not _may_open(state) or not state.run.table_at:
            return None
        return state.run.opens(state.pop().push(Close()), "exists", refers="where")

    def _wants(self, token: str, state: State) -> frozenset[str] | None:
        """The kinds of what a condition is about; None: it cannot stand here."""
        if token in PATTERNS:
            insensitive = token.startswith("i") and state.run.dialect == "sqlite"
            return None if insensitive or self.mode in ("having", "on") else TEXT
        if token in ("in", "null", "filled", "is") and self.mode in ("having", "on"):
            return None
        if token == "is" and self.mode not in ("where", "plain"):
            return None
        if self.negated and token in ("null", "filled", "is", "between"):
            return ORDERED if token == "between" else None
        return {
            "eq": COMPARABLE,
            "ne": COMPARABLE,
            "in": COMPARABLE - {"boolean"},
            "during": TEMPORAL,
            "null": ANY,
            "filled": ANY,
            "is": frozenset(("boolean",)),
        }.get(token, ORDERED)

    def _rest(self, token: str, of: Expression) -> list[Goal]:
        side = replace(of, outer=self.mode == "where")
        if token in COMPARISONS:
            return [Do(step=lambda state: state.push(_beside(side, state)))]
        if token == "between":
            return [Do(step=lambda state: state.push(_beside(of, state), _beside(of, state)))]
        if token in PATTERNS:
            return [Do(step=lambda state: state.push(Literal(spec=spec_of(state, "text", state.position))))]
        if token == "during":
            return [_Period()]
        if token == "in":
            return [Do(step=lambda state: state.push(_In(of=of, kind=state.kind, position=state.position)))]
        if token == "is":
            return [Literal(spec=Spec(kind="boolean"))]
        return []
