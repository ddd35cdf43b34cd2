"""Where the writing of a query is: goals that are still to be reached, and what each open SELECT has so far.

A `State` never changes: several may go on from one. Its goals (`goals`) are a stack, the next one first. What the
states of one reading share, and remember, is in a `Run`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from dstill.api.form import Token
from dstill.linked import Reading
from dstill_sql.form.allowed_values import Literals, Spec
from dstill_sql.form.functions import ANY
from dstill_sql.form.items import Tables
from dstill_sql.language.database.schema import Column, Reference, Table
from dstill_sql.language.limits import Limits

__all__ = ["Do", "Goal", "Opens", "Output", "Run", "Scope", "State", "settled"]

_WEIGHT = {"#": 12, ".": 3}
_MOST_NODES = 0.5  # of the guard's limit, by this estimate, after which nothing optional is added
_LONG = 300  # tokens after which the same is true


class Goal(Protocol):
    """Something that is still to be written."""

    def take(self, state: State, token: Token) -> State | None:
        """The state after `token`, whose goals no longer have this one; None: the token does not belong to it."""

    def skips(self, state: State) -> bool:
        """Whether it may be omitted, so that a token may belong to the goals below."""

    def ends(self, state: State) -> bool:
        """Whether the answer may end here, as far as this goal is concerned."""


Goals: TypeAlias = "tuple[Goal, Goals] | None"
Scopes: TypeAlias = "tuple[Scope, Scopes] | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A column of a result."""

    kind: str
    aggregates: bool = False
    plain: bool = False  # it has columns outside of aggregates
    star: bool = False


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The parts of a SELECT so far."""

    context: str  # "top", "scalar", "in", "exists" or "derived"
    tables: frozenset[str] = frozenset()  # of its columns
    ways: frozenset[tuple[Reference, ...]] = frozenset()
    left: frozenset[str] = frozenset()
    written: tuple[tuple[str, int], ...] = ()  # tables of a FROM that is written out, with the number of the copy
    derived: tuple[str, ...] | None = None  # kinds of the columns of the query in FROM
    outputs: tuple[Output, ...] = ()
    shown: frozenset[Token] = frozenset()  # columns that are outputs as they are
    wants: tuple[frozenset[str], ...] | None = None  # kinds that the outputs must have; None: any number of any
    distinct: bool = False
    sets: str = ""  # the set operation before it
    leaf: str = ""  # of the expression that is written: "plain" or "aggregate"
    grouped: bool = False  # whether there is an aggregate or a GROUP BY
    windows: bool = False
    inner: bool = False  # whether a column has a query inside
    plain_order: bool = False
    equal: bool = False  # whether a condition or LIMIT 1 keeps it to few rows
    correlated: bool = False
    refers: str = ""  # where it is, if columns of the SELECT around it may be named: "where" or "out"
    split: bool = False  # whether there is a GROUP BY beyond the columns of the result
    stage: int = 0  # of its clauses

    @property
    def starred(self) -> bool:
        """Whether it has all columns of a table."""
        return any(output.star for output in self.outputs)

    @property
    def may_group(self) -> bool:
        """Whether it may have aggregates and GROUP BY."""
        plain = [output for output in self.outputs if output.plain]
        return (
            self.context != "exists"
            and not (self.starred or self.windows or self.plain_order or (self.inner and plain))
            and not any(output.kind in ("other", "interval") for output in plain)
        )


@dataclass(frozen=True, kw_only=True)
class Do:
    """A goal that is reached without a token."""

    step: Callable[[State], State]

    def take(self, state: State, token: Token) -> State | None:
        """Never called: steps are done before the next token."""
        raise AssertionError(token)

    def skips(self, state: State) -> bool:
        """As in `Goal`."""
        return False

    def ends(self, state: State) -> bool:
        """As in `Goal`."""
        return True


def settled(state: State) -> State:
    """After the steps on top of the goals."""
    while state.goals is not None and isinstance(state.goals[0], Do):
        state = state.goals[0].step(state.pop())
    return state


class Opens(Protocol):
    """Begins a query inside another."""

    def __call__(
        self, state: State, context: str, *, wants: tuple[frozenset[str], ...] | None = None, refers: str = ""
    ) -> State:
        """The state with the goals of the query on top, and the SELECT open."""


class Run:
    """The common facts of the states of one reading."""

    def __init__(self, reading: Reading, tables: Tables, limits: Limits, opens: Opens) -> None:
        """`opens`: begins a query inside another."""
        self.reading, self.tables, self.limits, self.opens = reading, tables, limits, opens
        self.dialect = tables.database.schema.dialect
        self.words = len(reading.words)
        self.columns: dict[int, tuple[Table, Column, str]] = {}  # position → table, column, kind
        self.table_at: dict[int, str] = {}  # position → name
        self.kinds: dict[str, set[str]] = defaultdict(set)  # table → kinds of its shown columns
        for number, item in enumerate(reading.items):
            place = reading.position(number)
            if item.name in tables.tables:
                self.table_at[place] = tables.tables[item.name].name
            else:
                table, column = tables.columns[item.name]
                self.columns[place] = table, column, item.kind
                self.kinds[table.name].add(item.kind)
        self.roles: dict[int, Reference] = {}  # position → what leads to a table that is reached in several ways
        self.leads: dict[int, Reference] = {}  # position → the same, of every column that refers to a table
        for place, (table, column, _) in self.columns.items() if tables.joins.has_roles else ():
            if (reference := tables.joins.reference(table.name, column.name)) is not None:
                self.leads[place] = reference
            if (reference := tables.joins.role(table.name, column.name)) is not None:
                self.roles[place] = reference
        self.shown = frozenset((*self.kinds, *self.table_at.values()))
        self._values: dict[Spec, Literals] = {}
        self._reach: dict[Any, frozenset[str]] = {}
        self._reached_kinds: dict[frozenset[str], frozenset[str]] = {}

    def values(self, spec: Spec) -> Literals:
        """The literals of a spec."""
        if spec not in self._values:
            self._values[spec] = Literals(self.reading, spec)
        return self._values[spec]

    def joins(self, scope: Scope, tables: frozenset[str] | None = None) -> int | None:
        """How many joins a SELECT needs; None: no references lead from one of its tables to another."""
        if scope.written:
            return len(scope.written) - 1
        named = scope.tables if tables is None else tables
        tree = self.tables.joins.tree(named, scope.left) if named else ()
        paths = {way[:length] for way in scope.ways for length in range(1, len(way) + 1)}
        return None if tree is None else len(tree) + len(paths)

    def reach(self, scope: Scope, budget: int) -> frozenset[str]:
        """The tables whose columns a SELECT may have. `budget`: of joins."""
        if scope.derived is not None:
            return frozenset()
        if scope.written:
            return frozenset(table for table, _ in scope.written)
        key = scope.tables, scope.left, scope.ways, budget
        if key not in self._reach:
            if len(self._reach) > 10_000:
                self._reach.clear()
            self._reach[key] = frozenset(self._reached(scope, budget))
        return self._reach[key]

    def _reached(self, scope: Scope, budget: int) -> Iterator[str]:
        for table in self.shown:
            if table in scope.tables or not scope.tables:
                yield table
            elif self.tables.joins.are_linked(next(iter(scope.tables)), table):
                needed = self.joins(scope, scope.tables | {table})
                if needed is not None and needed <= budget:
                    yield table

    def reached_kinds(self, reach: frozenset[str]) -> frozenset[str]:
        """The kinds of the columns of some tables."""
        if reach not in self._reached_kinds:
            self._reached_kinds[reach] = frozenset().union(*(self.kinds.get(table, ()) for table in reach))
        return self._reached_kinds[reach]


@dataclass(frozen=True, kw_only=True)
class State:
    """A place in an answer."""

    run: Run
    goals: Goals = None
    scopes: Scopes = None  # the innermost SELECT first
    kind: str = ""  # of the expression that was written last
    position: int = -1  # of the column that it is; -1: it is none
    instance: tuple[str, int] = ("", 0)  # that the column is of, in a FROM that is written out
    result: tuple[str, ...] = ()  # kinds of the columns of the query that was closed last
    length: int = 0
    weight: int = 0  # an estimate of the parts of the query
    selects: int = 0
    joins: int = 0  # of SELECTs that are closed
    depth: int = 0  # queries inside each other

    # --- goals --------------------------------------------------------------------------

    def with_(self, **changes: Any) -> State:
        """This state with other values. As `dataclasses.replace`, in a third of the time."""
        state = object.__new__(State)
        state.__dict__.update({name: value for name, value in self.__dict__.items() if name in _FIELDS}, **changes)
        return state

    def push(self, *goals: Goal) -> State:
        """With goals on top of the others, the first one on top."""
        stack = self.goals
        for goal in reversed(goals):
            stack = goal, stack
        return self.with_(goals=stack)

    def pop(self) -> State:
        """Without the goal on top."""
        assert self.goals is not None
        return self.with_(goals=self.goals[1])

    # --- the innermost SELECT -----------------------------------------------------------

    @property
    def scope(self) -> Scope:
        """The innermost SELECT."""
        assert self.scopes is not None
        return self.scopes[0]

    @property
    def outer(self) -> Scope | None:
        """The SELECT around it."""
        assert self.scopes is not None
        return self.scopes[1][0] if self.scopes[1] else None

    def scoped(self, **changes: Any) -> State:
        """With other values in the innermost SELECT."""
        assert self.scopes is not None
        return self.with_(scopes=(replace(self.scopes[0], **changes), self.scopes[1]))

    def around(self, **changes: Any) -> State:
        """With other values in the SELECT around the innermost one."""
        assert self.scopes is not None
        assert self.scopes[1] is not None
        own, (outer, rest) = self.scopes[0], self.scopes[1]
        return self.with_(scopes=(own, (replace(outer, **changes), rest)))

    @cached_property
    def tight(self) -> bool:
        """Whether the query is so large that nothing optional is added."""
        return self.weight > self.run.limits.nodes * _MOST_NODES or self.length > _LONG

    @cached_property
    def budget(self) -> int:
        """Joins that the innermost SELECT may have."""
        others, scopes = self.joins, self.scopes[1] if self.scopes else None
        while scopes is not None:
            others += self.run.joins(scopes[0]) or 0
            scopes = scopes[1]
        return self.run.limits.joins - others

    @cached_property
    def reach(self) -> frozenset[str]:
        """The tables whose columns the innermost SELECT may have."""
        return self.run.reach(self.scope, self.budget)

    @cached_property
    def reached_kinds(self) -> frozenset[str]:
        """The kinds of columns that it may have."""
        if self.scope.derived is not None:
            return frozenset(self.scope.derived) & ANY
        return self.run.reached_kinds(self.reach)

    def has(self, kinds: frozenset[str]) -> bool:
        """Whether it may have a column of one of these kinds."""
        return not kinds.isdisjoint(self.reached_kinds)

    @cached_property
    def skipped(self) -> State | None:
        """Without the goal on top, if that may be omitted."""
        return settled(self.pop()) if self.goals is not None and self.goals[0].skips(self) else None

    @property
    def can_go_on(self) -> bool:
        """Whether the innermost SELECT may have all columns that it still must have."""
        if self.scopes is None or not self.scope.sets or self.scope.wants is None:
            return True
        return all(self.has(wants) for wants in self.scope.wants[len(self.scope.outputs) :])

    def counted(self, token: Token) -> State:
        """After one more token."""
        weight = 5 if isinstance(token, int) else _WEIGHT.get(token[0], 3) if token[0] not in "'%" else 0
        return self.with_(length=self.length + 1, weight=self.weight + weight)


_FIELDS = frozenset(field.name for field in fields(State))  # what it computes is kept beside them
