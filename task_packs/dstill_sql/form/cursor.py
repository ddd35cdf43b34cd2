"""A place in a query that is being written, and the tokens that may come there.

    cursor = start(reading, limits)
    cursor.allows("count")                            True
    cursor.push("count").push(7).allows("where")      True, where position 7 is a table

What can be written passes the guard and is planned by the engine: columns of types that fit, tables that references
lead to, values that parse. An answer may end only if the whole query passes the checks. A cursor never changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property

from sqlglot.errors import SqlglotError

from dstill.api.form import Cursor, NotExpressible, Token
from dstill.linked import Reading
from dstill_sql.form import decoding
from dstill_sql.form.goal_queries import Refusal, Start, opened
from dstill_sql.form.items import Tables
from dstill_sql.form.states import Run, State, settled
from dstill_sql.form.tokens import tokens
from dstill_sql.language import layers
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import NotOneQuery

__all__ = ["QueryCursor", "start"]


def start(reading: Reading, tables: Tables, limits: Limits) -> QueryCursor:
    """Where an answer begins."""
    run = Run(reading, tables, limits, opened)
    return QueryCursor(State(run=run).push(Start()), ())


class QueryCursor(Cursor):
    """A place in a query."""

    def __init__(self, state: State, written: tuple[Token, ...]) -> None:
        self._state, self._written = state, written
        self._last: tuple[Token, State | None] | None = None  # a token, and the state after it

    def allowed(self) -> Collection[Token]:
        """As in `Cursor`."""
        fits = {token for token in self._candidates() if self._after(token) is not None}
        return fits | {""} if self._may_end else fits

    def _candidates(self) -> Iterator[Token]:
        yield from tokens()
        yield from range(len(self._state.run.reading))

    def push(self, token: Token) -> QueryCursor:
        """As in `Cursor`. Raises ValueError for a token that is not allowed."""
        after = self._after(token)
        if after is None:
            raise ValueError(f"{token!r} is not allowed here")
        return QueryCursor(after, (*self._written, token))

    def allows(self, token: Token) -> bool:
        return self._may_end if token == "" else self._after(token) is not None

    def _after(self, token: Token) -> State | None:
        """The state after `token`; None: it is not allowed. The last one is kept: `allows` comes before `push`."""
        if self._last is None or self._last[0] != token:
            self._last = token, _stepped(self._state, token)
        return self._last[1]

    @cached_property
    def _may_end(self) -> bool:
        if not self._written:
            return False
        state = self._state
        while state.goals is not None:
            if isinstance(state.goals[0], Refusal):
                return True
            if not state.goals[0].ends(state):
                return False
            state = settled(state.pop())
        return self._passes()

    def _passes(self) -> bool:
        """Whether the whole query passes the checks."""
        run = self._state.run
        schema = run.tables.database.schema
        try:
            query = decoding.decode(self._written, run.reading), schema, run.limits, schema.dialect
            return not layers.guarded(*query) and not layers.in_schema(*query)
        except (NotExpressible, NotOneQuery, SqlglotError):
            return False


def _stepped(state: State, token: Token) -> State | None:
    at: State | None = state
    while at is not None and at.goals is not None:
        if (after := at.goals[0].take(at, token)) is not None:
            next_ = settled(after)
            return next_.counted(token) if next_.can_go_on else None
        at = at.skipped
    return None
