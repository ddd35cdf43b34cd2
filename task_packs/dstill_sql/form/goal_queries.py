"""Goals of a SELECT: its FROM if that is written out, its columns, its clauses, set operations."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dstill.api.form import Token
from dstill_sql.form.allowed_values import Spec
from dstill_sql.form.functions import ANY, COMPARABLE, ORDERED
from dstill_sql.form.goal_expressions import Condition, Conditions, Expression
from dstill_sql.form.goals import Close, Literal, group_of, set_kind
from dstill_sql.form.states import Do, Output, Scope, State
from dstill_sql.form.tokens import COMPARISONS, OUTPUTS, SETS
from dstill_sql.language.database.schema import Reference

__all__ = ["Refusal", "Start", "opened"]

_MOST_OUTPUTS = 12
_MOST_TERMS = 4  # of ORDER BY and GROUP BY
_MOST_SOURCES = 5  # of a FROM that is written out
_WITH, _LEFT, _WHERE, _BY, _HAVING, _ORDER, _LIMIT, _OFFSET = range(1, 9)
_STAGES = {
    "with": _WITH,
    "left": _LEFT,
    "where": _WHERE,
    "by": _BY,
    "group": _BY,
    "having": _HAVING,
    "order": _ORDER,
    "limit": _LIMIT,
    "offset": _OFFSET,
}


def opened(state: State, context: str, *, wants: tuple[frozenset[str], ...] | None = None, refers: str = "") -> State:
    """With a query on top. Its result is in `State.result` when it is closed."""
    scope = Scope(context=context, wants=wants, refers=refers)
    inside = state.with_(scopes=(scope, state.scopes), selects=state.selects + 1, depth=state.depth + 1)
    return inside.push(_Begin(), Do(step=_closed))


def _closed(state: State) -> State:
    scope = state.scope
    assert state.scopes is not None
    return state.with_(
        scopes=state.scopes[1],
        joins=state.joins + (state.run.joins(scope) or 0),
        result=tuple(output.kind for output in scope.outputs),
        depth=state.depth - 1,
    )


def _may_end(state: State) -> bool:
    """Whether the innermost SELECT is whole."""
    scope = state.scope
    outputs = scope.outputs
    if not outputs or (scope.wants is not None and len(outputs) != len(scope.wants)):
        return False
    if not _has_source(scope):
        return False
    if scope.context == "scalar":
        one_row = scope.grouped and not scope.split and not any(output.plain for output in outputs)
        return one_row or scope.equal
    return True


def _has_source(scope: Scope) -> bool:
    return bool(scope.tables or scope.written) or scope.derived is not None


@dataclass(frozen=True, kw_only=True)
class _Goal:
    def skips(self, state: State) -> bool:
        return False

    def ends(self, state: State) -> bool:
        return self.skips(state)


@dataclass(frozen=True, kw_only=True)
class Start(_Goal):
    """The beginning of an answer: a query or a refusal."""

    def take(self, state: State, token: Token) -> State | None:
        if token == "refuse":
            return state.pop().push(Refusal())
        if not state.run.columns:
            return None  # there is nothing to ask for
        after = opened(state.pop(), "top")
        return _Begin().take(after, token)


@dataclass(frozen=True, kw_only=True)
class Refusal(_Goal):
    """The words of a refusal."""

    count: int = 0

    def skips(self, state: State) -> bool:
        return True

    def take(self, state: State, token: Token) -> State | None:
        if self.count >= _MOST_TERMS or not isinstance(token, int):
            return None
        word = Literal(spec=Spec(kind="text"))
        return word.take(state.pop().push(word, Refusal(count=self.count + 1)), token)


# --- FROM -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Begin(_Goal):
    """The beginning of a SELECT."""

    distinct: bool = False

    def take(self, state: State, token: Token) -> State | None:
        context = state.scope.context
        if token == "distinct" and not self.distinct and context in ("top", "derived", "in"):
            return state.pop().scoped(distinct=True).push(_Begin(distinct=True))
        if token == "of" and context == "top":
            return self._derived(state)
        if token == "from" and context in ("top", "derived") and state.run.table_at:
            return state.pop().push(_Source(), _More(), Columns(), _Clauses())
        columns = Columns()
        return columns.take(state.pop().push(columns, _Clauses()), token)

    def _derived(self, state: State) -> State | None:
        if state.selects >= state.run.limits.selects:
            return None
        after = state.pop().push(Close(), Do(step=lambda done: done.scoped(derived=done.result)), Columns(), _Clauses())
        return opened(after, "derived")


@dataclass(frozen=True, kw_only=True)
class _Source(_Goal):
    """A table of FROM."""

    copy: bool = False

    def take(self, state: State, token: Token) -> State | None:
        there = state.scope.written
        if token == "copy" and there and not self.copy:
            fits = any((table, 1) in there and (table, 2) not in there for table in state.run.table_at.values())
            return state.pop().push(_Source(copy=True)) if fits else None
        table = state.run.table_at.get(token) if isinstance(token, int) else None
        if table is None or ((table, 1) in there) is not self.copy or (self.copy and (table, 2) in there):
            return None
        if state.run.kinds.get(table, set()).isdisjoint(COMPARABLE) or len(there) > state.budget + len(there):
            return None
        if there and not _links(state, table):
            return None
        return state.pop().scoped(written=(*there, (table, 2 if self.copy else 1)))


def _links(state: State, table: str) -> bool:
    """Whether a table has a column that can be compared with one of those that are there."""
    there = {kind for other, _ in state.scope.written for kind in state.run.kinds[other]}
    return any(not group_of(kind).isdisjoint(there) for kind in state.run.kinds[table] if kind in COMPARABLE)


@dataclass(frozen=True, kw_only=True)
class _More(_Goal):
    """A join, or the end of FROM."""

    def take(self, state: State, token: Token) -> State | None:
        there = state.scope.written
        if token == "select":
            return state.pop() if len(there) > 1 else None
        full = len(there) >= _MOST_SOURCES or state.budget <= len(there) - 1
        if token not in ("join", "left_join") or full or state.tight:
            return None
        after = state.pop().push(_Source(), _On(), Conditions(mode="on", least=0), _More())
        return after if self._can_join(state) else None

    @staticmethod
    def _can_join(state: State) -> bool:
        there = state.scope.written
        return any(
            _links(state, table)
            for table in state.run.table_at.values()
            if (table, 2) not in there and not state.run.kinds.get(table, set()).isdisjoint(COMPARABLE)
        )


@dataclass(frozen=True, kw_only=True)
class _On(_Goal):
    """The first condition of a join: it compares a column of the new table with one that was there."""

    def take(self, state: State, token: Token) -> State | None:
        if not isinstance(token, str) or token not in COMPARISONS:
            return None
        *old, new = state.scope.written
        wants = (COMPARABLE if token in ("eq", "ne") else ORDERED) & _shared(state)
        if not wants:
            return None
        first = Expression(wants=wants, mode="on", nest=_MOST_OUTPUTS, only=frozenset(state.scope.written))

        def second(after: State) -> State:
            only = frozenset(old) if after.instance == new else frozenset((new,))
            return after.push(replace(first, wants=group_of(after.kind), only=only))

        return state.pop().push(first, Do(step=second))


def _shared(state: State) -> frozenset[str]:
    """The kinds of columns that the new table and those before it both have."""
    *old, (new, _) = state.scope.written
    there = {kind for table, _ in old for kind in state.run.kinds[table]}
    own = state.run.kinds[new]
    pairs = [(mine, other) for mine in own for other in there if other in group_of(mine)]
    both = frozenset(kind for pair in pairs for kind in pair)
    # Each of these kinds must be found on the other side, whichever comes first.
    return frozenset(kind for kind in both if _on_both(kind, own, there))


def _on_both(kind: str, own: set[str], there: set[str]) -> bool:
    group = group_of(kind)
    return not group.isdisjoint(own) and not group.isdisjoint(there)


# --- columns ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Columns(_Goal):
    """The columns of the result."""

    def skips(self, state: State) -> bool:
        scope = state.scope
        return bool(scope.outputs) and (scope.wants is None or len(scope.outputs) == len(scope.wants))

    def take(self, state: State, token: Token) -> State | None:
        scope = state.scope
        count = len(scope.outputs)
        full = _MOST_OUTPUTS if scope.wants is None else len(scope.wants)
        if count >= full or (count and state.tight):
            return None
        if scope.context == "exists":
            return self._row(state, token)
        if token == "*" or (isinstance(token, int) and token in state.run.table_at):
            return self._star(state, token)
        if token in scope.shown:
            return None
        wants = scope.wants[count] if scope.wants is not None else ANY
        if scope.distinct or scope.sets or scope.context == "derived":
            wants &= COMPARABLE
        column: Expression | Condition = Expression(wants=wants, mode="out")
        end = [Do(step=_column_ended)]
        if token in COMPARISONS and scope.context == "top" and not scope.sets:
            column, end = Condition(mode="out"), [set_kind("boolean"), *end]
        shown = scope.shown | ({token} if isinstance(token, int) else set())
        return column.take(state.scoped(leaf="", shown=shown).push(column, *end), token)

    @staticmethod
    def _row(state: State, token: Token) -> State | None:
        table = state.run.table_at.get(token) if isinstance(token, int) else None
        if table is None or state.scope.outputs or table not in state.reach:
            return None
        return state.scoped(tables=frozenset((table,)), outputs=(Output(kind="integer", star=True),))

    @staticmethod
    def _star(state: State, token: Token) -> State | None:
        scope, run = state.scope, state.run
        if scope.wants is not None or scope.context != "top" or scope.grouped or scope.windows or scope.inner:
            return None
        if run.tables.hides_columns:
            return None
        if token == "*":
            if scope.written == () and scope.derived is None:
                return None
            kinds = scope.derived or tuple("other" for _ in scope.written)
            return state.scoped(outputs=(*scope.outputs, *(Output(kind=kind, star=True) for kind in kinds)))
        table = run.table_at[int(token)]
        if table not in state.reach or scope.derived is not None:
            return None
        after = state if scope.written else state.scoped(tables=scope.tables | {table})
        return after.scoped(outputs=(*scope.outputs, Output(kind="other", star=True)))


def _column_ended(state: State) -> State:
    scope = state.scope
    output = Output(kind=state.kind, aggregates=scope.leaf == "aggregate", plain=scope.leaf == "plain")
    return state.scoped(outputs=(*scope.outputs, output), leaf="")


# --- clauses ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Clauses(_Goal):
    """The clauses that follow the columns."""

    def skips(self, state: State) -> bool:
        return _may_end(state)

    def take(self, state: State, token: Token) -> State | None:
        if token in SETS:
            return self._set(state, str(token))
        stage = _STAGES.get(token) if isinstance(token, str) else None
        if stage is None or stage <= state.scope.stage or (stage == _OFFSET and state.scope.stage != _LIMIT):
            return None
        if stage != _WITH and not _has_source(state.scope):
            return None
        if state.tight and _may_end(state):
            return None
        after = state.scoped(stage=stage)
        if stage in (_WITH, _LEFT):
            return self._tables(after, stage)
        if stage == _WHERE:
            where = Conditions(mode="where", least=1)
            return after.push(where) if state.reached_kinds else None
        if stage in (_BY, _HAVING):
            return self._group(after, str(token))
        return self._rows(after, stage)

    @staticmethod
    def _tables(state: State, stage: int) -> State | None:
        if state.scope.written or state.scope.derived is not None:
            return None
        goal = _Tables(left=stage == _LEFT)
        if goal.left and state.scope.ways:
            return state.push(goal)
        return state.push(goal) if any(goal.fits(state, table) for table in state.run.table_at.values()) else None

    @staticmethod
    def _group(state: State, token: str) -> State | None:
        scope = state.scope
        if not (scope.grouped or (scope.may_group and any(output.plain for output in scope.outputs))):
            return None
        if scope.inner and any(output.plain for output in scope.outputs):
            return None
        after = state.scoped(grouped=True)
        if token == "having":
            return after.push(Conditions(mode="having", least=1)) if state.has(ANY) or state.run.table_at else None
        if token == "group" and state.run.dialect != "sqlite":
            return None
        if not state.has(ORDERED):
            return None
        return after.scoped(split=True).push(_Terms(least=int(token == "group")))

    @staticmethod
    def _rows(state: State, stage: int) -> State | None:
        scope = state.scope
        if scope.context == "exists" or (scope.context == "in" and stage == _ORDER):
            return None
        if stage == _ORDER:
            named = any(_is_ordered(output) for output in scope.outputs)
            only_named = scope.distinct or scope.sets
            return state.push(_Order()) if named or (not only_named and state.has(ORDERED)) else None
        if scope.context == "scalar":
            return state.scoped(equal=True).push(_One()) if stage == _LIMIT else None
        least = 1 if stage == _LIMIT else 0
        return state.push(Literal(spec=Spec(kind="integer", whole=True, least=least, pages=stage == _OFFSET)))

    @staticmethod
    def _set(state: State, token: str) -> State | None:
        scope, run = state.scope, state.run
        if not _may_end(state) or scope.context not in ("top", "derived", "in") or scope.stage >= _ORDER or state.tight:
            return None
        kinds = [group_of(output.kind) for output in scope.outputs]
        if token == "intersect" and scope.sets not in ("", "intersect"):
            return None  # it would hold more tightly than what comes before it
        if scope.correlated or scope.starred or state.selects >= run.limits.selects:
            return None
        joins = run.joins(scope) or 0
        after = state.pop().push(Columns(), _Clauses())
        assert after.scopes is not None
        new = Scope(context=scope.context, wants=tuple(kinds), sets=token)
        after = after.with_(scopes=(new, after.scopes[1]), joins=state.joins + joins, selects=state.selects + 1)
        return after if all(kind <= COMPARABLE for kind in kinds) and _can_begin(after) else None


def _can_begin(state: State) -> bool:
    """Whether there is a table from which all columns that are wanted can be reached."""
    return any(state.scoped(tables=frozenset((table,))).can_go_on for table in state.run.shown)


def _is_ordered(output: Output) -> bool:
    return output.kind in COMPARABLE and not output.star


@dataclass(frozen=True, kw_only=True)
class _One(_Goal):
    """One row."""

    def take(self, state: State, token: Token) -> State | None:
        return state.pop() if token == "=1" else None


@dataclass(frozen=True, kw_only=True)
class _Tables(_Goal):
    """Tables that FROM has besides those of the columns, or that are joined with LEFT JOIN."""

    left: bool
    count: int = 0

    def skips(self, state: State) -> bool:
        return self.count > 0

    def fits(self, state: State, table: str) -> bool:
        """Whether a table may come."""
        scope, run = state.scope, state.run
        if table not in state.reach:
            return False
        if not self.left:
            return table not in scope.tables
        left, tables = scope.left | {table}, scope.tables | {table}
        if table in scope.left or left >= tables:
            return False
        needed = run.joins(replace(scope, tables=tables, left=left))
        return needed is not None and needed <= state.budget

    def take(self, state: State, token: Token) -> State | None:
        if token == "via" and self.left and state.scope.ways:
            return state.pop().push(_LeftWay(), replace(self, count=self.count + 1))
        table = state.run.table_at.get(token) if isinstance(token, int) else None
        if table is None or (self.count and state.tight) or not self.fits(state, table):
            return None
        scope = state.scope
        left = scope.left | {table} if self.left else scope.left
        after = state.pop().scoped(tables=scope.tables | {table}, left=left)
        return after.push(replace(self, count=self.count + 1))


@dataclass(frozen=True, kw_only=True)
class _LeftWay(_Goal):
    """The way to a table that is joined with LEFT JOIN."""

    way: tuple[Reference, ...] = ()
    leads: bool = True  # whether a column that leads on comes

    def ends(self, state: State) -> bool:
        return not self.leads and self.way in state.scope.ways

    def take(self, state: State, token: Token) -> State | None:
        if token == ")":
            return state.pop() if self.ends(state) else None
        if not self.leads:
            longer = any(len(way) > len(self.way) and way[: len(self.way)] == self.way for way in state.scope.ways)
            return state.pop().push(replace(self, leads=True)) if token == "via" and longer else None
        roles = state.run.leads if self.way else state.run.roles
        if not isinstance(token, int) or token not in roles:
            return None
        way = (*self.way, roles[token])
        known = any(path[: len(way)] == way for path in state.scope.ways)
        return state.pop().push(_LeftWay(way=way, leads=False)) if known else None


@dataclass(frozen=True, kw_only=True)
class _Terms(_Goal):
    """GROUP BY beyond the columns of the result."""

    least: int
    count: int = 0

    def skips(self, state: State) -> bool:
        return self.count >= self.least

    def take(self, state: State, token: Token) -> State | None:
        if self.count >= _MOST_TERMS or (self.skips(state) and state.tight) or not state.has(ORDERED):
            return None
        term = Expression(wants=ORDERED, mode="plain", nest=1)
        return term.take(state.pop().push(term, replace(self, count=self.count + 1)), token)


@dataclass(frozen=True, kw_only=True)
class _Order(_Goal):
    """ORDER BY."""

    count: int = 0

    def skips(self, state: State) -> bool:
        return self.count > 0

    def take(self, state: State, token: Token) -> State | None:
        if self.count >= _MOST_TERMS or (self.count and state.tight):
            return None
        scope = state.scope
        after = state.pop().scoped(leaf="").push(_Direction(), replace(self, count=self.count + 1))
        if token in OUTPUTS:
            place = OUTPUTS.index(str(token))
            return after if place < len(scope.outputs) and _is_ordered(scope.outputs[place]) else None
        if scope.distinct or scope.sets or not state.has(ORDERED):
            return None
        term = Expression(wants=ORDERED, mode="order")
        return term.take(after.push(term, Do(step=_term_ended)), token)


def _term_ended(state: State) -> State:
    return state.scoped(plain_order=True) if state.scope.leaf == "plain" else state


@dataclass(frozen=True, kw_only=True)
class _Direction(_Goal):
    """Descending, and where NULLs are."""

    descending: bool = False

    def skips(self, state: State) -> bool:
        return True

    def take(self, state: State, token: Token) -> State | None:
        if token == "desc" and not self.descending:
            return state.pop().push(_Direction(descending=True))
        return state.pop() if token in ("nulls_first", "nulls_last") else None
