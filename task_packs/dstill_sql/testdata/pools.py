"""The values that the columns of a test database may have, and which of them fulfil the conditions of the gold.

    pools = Pools(gold, hints, now, engine)
    pools.for_column(place)      Pool(good=[4.5, 5.0], bad=[4.0, 3.0, None], usual=[0.0, 0.5, …], asked=True)

Conditions are tried on the engine itself, so any function in them is understood. A value that the engine refuses, such
as a text where a cast expects a number, is left out. Of a column all of whose values are known, no other is used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.values import Known
from dstill_sql.language.database.name_resolution import Place
from dstill_sql.testdata.boundary_values import fits, near, usual
from dstill_sql.testdata.edits import Gold
from dstill_sql.testdata.hints import Hints
from dstill_sql.testdata.small_engine import SmallEngine

__all__ = ["Pool", "Pools"]

_KNOWN_VALUES = 8  # known values of a column that are used
_MOST = 60  # values of a column


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Values of one column."""

    good: Sequence[Any]  # fulfil as many conditions as one value can
    bad: Sequence[Any]  # do not, but are near; has None if that fails
    usual: Sequence[Any]  # all ordinary values
    asked: bool  # there are conditions
    closed: bool = False  # the column has these values alone
    edges: frozenset[Any] = frozenset()  # values at the constants of the query and just beside them

    @property
    def any(self) -> list[Any]:
        """All values but None."""
        return [value for value in dict.fromkeys([*self.good, *self.bad, *self.usual]) if value is not None]


class Pools:
    """The values of the columns of one schema, for one gold."""

    def __init__(self, gold: Gold, hints: Hints, now: str, engine: SmallEngine) -> None:
        self._gold, self._hints, self._now, self._engine = gold, hints, now, engine
        self._made: dict[str, Pool] = {}
        self._referring: dict[str, list[str]] = defaultdict(list)  # the columns that refer to one
        for reference in gold.schema.references:
            for name, to in zip(reference.columns, reference.to_columns, strict=True):
                self._referring[f"{reference.to}.{to}".casefold()].append(f"{reference.table}.{name}".casefold())

    def for_column(self, place: Place) -> Pool:
        """The values of a column."""
        if place.key not in self._made:
            self._made[place.key] = self._make(place)
        return self._made[place.key]

    def _make(self, place: Place) -> Pool:
        column = place.column
        # what refers to a column has its values
        conditions = [condition for key in self._keys(place) for condition in self._hints.conditions.get(key, ())]
        known = self._known(place)
        beside = list(self._beside(place))
        for other in self._hints.alike.get(place.key, ()):
            if other.column.family != column.family:
                continue
            beside += self._beside(other)
            known += self._known(other)
        ordinary = [v for v in known if fits(column, v)] or usual(column)
        closed = bool(known) and self._is_closed(place)
        if closed:
            exact = [v for v in self._hints.constants.get(place.key, ()) if _is_of(v, place)]
            beside = [v for v in beside if v in exact or v in known]
        values = list(dict.fromkeys([*beside, *ordinary]))[:_MOST]
        if not conditions:
            common = [*beside, *ordinary] if beside else ordinary
            common = common or [None]
            return Pool(good=common, bad=common, usual=common, asked=False, closed=closed, edges=frozenset(beside))
        texts = [f"NOT ({condition.text})" if condition.negated else condition.text for condition in conditions]
        marks = self._engine.marks(column.type, [*values, None], texts)
        best = max((mark for _, mark in marks), default=0)
        return Pool(
            good=[v for v, mark in marks if mark == best] or [None],
            bad=[v for v, mark in marks if mark < best] or values,
            usual=[v for v, _ in marks if v is not None and (v in ordinary or v in beside)] or [None],
            asked=True,
            closed=closed,
            edges=frozenset(beside),
        )

    def _keys(self, place: Place) -> list[str]:
        return [place.key, *self._referring[place.key]]

    def _is_closed(self, place: Place) -> bool:
        known = self._gold.values.get(place.name)
        return known is not None and known.complete

    def _beside(self, place: Place) -> list[Any]:
        constants = [constant for key in self._keys(place) for constant in self._hints.constants.get(key, ())]
        return [value for constant in constants for value in near(constant, place.column, self._now)]

    def _known(self, place: Place) -> list[Any]:
        known = self._gold.values.get(place.name)
        return [] if known is None else [value for value in _values(known) if _is_of(value, place)][:_KNOWN_VALUES]


def _values(known: Known) -> list[Any]:
    return [*known.values[:_KNOWN_VALUES], *(value for value in (known.low, known.high) if value is not None)]


def _is_of(value: Any, place: Place) -> bool:
    """Whether a known value has the form of the cells of its column."""
    family = place.column.family
    if family in ("integer", "number"):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, bool) if family == "boolean" else isinstance(value, str)
