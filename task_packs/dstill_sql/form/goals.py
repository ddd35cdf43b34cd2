"""Goals of writing that all parts of a query share: values, brackets, and steps that need no token."""

from __future__ import annotations

from dataclasses import dataclass

from dstill.api.form import Token
from dstill_sql.form.allowed_values import Spec
from dstill_sql.form.functions import NUMERIC, TEMPORAL
from dstill_sql.form.states import Do, State

__all__ = ["Close", "Literal", "group_of", "set_kind"]


def group_of(kind: str) -> frozenset[str]:
    """The kinds that are compared with a kind."""
    return next((group for group in (NUMERIC, TEMPORAL) if kind in group), frozenset((kind,)))


def set_kind(kind: str) -> Do:
    """The step that notes the kind of the expression that was written."""
    return Do(step=lambda state: state.with_(kind=kind, position=-1))


@dataclass(frozen=True, kw_only=True)
class Close:
    """The bracket after an inner query; at the end of an answer it is omitted."""

    def take(self, state: State, token: Token) -> State | None:
        return state.pop() if token == ")" else None

    def skips(self, state: State) -> bool:
        return False

    def ends(self, state: State) -> bool:
        return True


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A literal, of which some tokens may be written."""

    spec: Spec
    written: tuple[Token, ...] = ()

    def take(self, state: State, token: Token) -> State | None:
        if not state.run.values(self.spec).extends(self.written, token):
            return None
        after = state.pop()
        if token == '"':
            return after
        kind = self.spec.kind or ("number" if self._is_number(state, token) else "text")
        return after.push(Literal(spec=self.spec, written=(*self.written, token))).with_(kind=kind, position=-1)

    def _is_number(self, state: State, token: Token) -> bool:
        is_whole = state.run.values(self.spec).whole((*self.written, token))
        return is_whole is not None and is_whole.kind == "number"

    def skips(self, state: State) -> bool:
        return bool(self.written) and not self._is_open() and self.ends(state)

    def ends(self, state: State) -> bool:
        return bool(self.written) and state.run.values(self.spec).whole(self.written) is not None

    def _is_open(self) -> bool:
        """Whether its end must be marked."""
        return str(self.written[-1])[0] in "'%"
