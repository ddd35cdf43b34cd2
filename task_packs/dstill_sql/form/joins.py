"""FROM and JOIN … ON as they follow from the tables that a query uses, by the references of the schema.

    joins = Joins(schema)
    joins.tree({"drivers", "cities"})        the steps from drivers over trips to cities: the fewest joins
    joins.role("flights", "target_id")       the reference flights.target_id → airports

Several references between two tables, or one of a table to itself, are *roles*: ``flights.origin_id`` and
``flights.target_id`` lead to two different airports, so a column of such an airport is named with its way.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from dstill_sql.language.database.schema import Reference, SqlSchema

__all__ = ["Joins", "Step"]

_CACHE_SIZE = 4_096  # trees


@dataclass(frozen=True, kw_only=True)
class Step:
    """A table that is joined to one that is already there."""

    table: str
    to: str  # that is already there
    reference: Reference
    left: bool  # the rows of what is there stay, whether the table has one for them or not


class Joins:
    """The references of one schema as a graph of its tables."""

    def __init__(self, schema: SqlSchema, references: Iterable[Reference]) -> None:
        """`references`: those that queries may join by."""
        self.references = tuple(references)
        self._place = {table.name: place for place, table in enumerate(schema.tables)}
        self._number = {reference: place for place, reference in enumerate(self.references)}
        self._between: dict[frozenset[str], list[Reference]] = defaultdict(list)
        self._own: dict[tuple[str, str], list[Reference]] = defaultdict(list)  # by table and first column
        near: dict[str, dict[str, None]] = defaultdict(dict)
        for reference in self.references:
            self._between[frozenset((reference.table, reference.to))].append(reference)
            self._own[reference.table, reference.columns[0].casefold()].append(reference)
            if reference.table != reference.to:
                near[reference.table].setdefault(reference.to)
                near[reference.to].setdefault(reference.table)
        self._near = {table: sorted(others, key=self._place.__getitem__) for table, others in near.items()}
        self._component: dict[str, int] = {}
        for number, table in enumerate(self._place):
            for other in self._reached(table):
                self._component.setdefault(other, number)
        self._trees: dict[tuple[frozenset[str], frozenset[str]], tuple[Step, ...] | None] = {}

    def _reached(self, table: str) -> Iterator[str]:
        if table in self._component:
            return
        seen, waiting = {table}, [table]
        while waiting:
            near = waiting.pop()
            yield near
            new = [other for other in self._near.get(near, ()) if other not in seen]
            seen.update(new)
            waiting += new

    # --- roles --------------------------------------------------------------------------

    def is_role(self, reference: Reference) -> bool:
        """Whether the referenced table is reached in several ways, so that the way must be said."""
        return reference.table == reference.to or len(self._between[frozenset((reference.table, reference.to))]) > 1

    def role(self, table: str, column: str) -> Reference | None:
        """The role that a column leads to; None: it leads to none."""
        return next((row for row in self._own.get((table, column.casefold()), ()) if self.is_role(row)), None)

    def reference(self, table: str, column: str) -> Reference | None:
        """The reference of a column; None: it refers to nothing. A way goes on by any."""
        return next(iter(self._own.get((table, column.casefold()), ())), None)

    @cached_property
    def has_roles(self) -> bool:
        """Whether any column leads to a role."""
        return any(map(self.is_role, self.references))

    def place(self, table: str) -> int:
        """The place of a table in the schema."""
        return self._place[table]

    def number(self, reference: Reference) -> int:
        """The place of a reference in the schema."""
        return self._number[reference]

    def roles_of(self, table: str) -> Iterator[str]:
        """The columns of a table that lead to roles."""
        for (of, column), references in self._own.items():
            if of == table and any(map(self.is_role, references)):
                yield column

    def targets_of(self, table: str, column: str) -> Sequence[str]:
        """The tables that a column refers to."""
        return [reference.to for reference in self._own.get((table, column.casefold()), ())]

    # --- trees --------------------------------------------------------------------------

    def are_linked(self, table: str, other: str) -> bool:
        """Whether references lead from one table to another."""
        return self._component[table] == self._component[other]

    def tree(self, tables: Collection[str], left: Collection[str] = ()) -> tuple[Step, ...] | None:
        """The joins after the first of `tables`, in the order of the schema, that lead to all others; None: no way.

        Each next table is the nearest to those that are there. `left` come after the others.
        """
        key = frozenset(tables), frozenset(left)
        if key not in self._trees:
            if len(self._trees) > _CACHE_SIZE:
                self._trees.clear()
            self._trees[key] = self._grown(*key)
        return self._trees[key]

    def first(self, tables: Collection[str], left: Collection[str] = ()) -> str:
        """The table that FROM begins with."""
        return min(tables, key=lambda table: (table in left, self._place[table]))

    def _grown(self, tables: Collection[str], left: Collection[str]) -> tuple[Step, ...] | None:
        there = [self.first(tables, left)]
        steps: list[Step] = []
        for wanted, is_left in ((set(tables) - set(left), False), (set(left), True)):
            while missing := wanted - set(there):
                way = self._nearest(there, missing, is_left)
                if way is None:
                    return None
                steps += way
                there += [step.table for step in way]
        return tuple(steps)

    def _nearest(self, there: Sequence[str], wanted: Collection[str], left: bool) -> list[Step] | None:
        """The way from what is there to the nearest of the wanted tables."""
        came: dict[str, str] = dict.fromkeys(there, "")
        waiting = deque(sorted(there, key=self._place.__getitem__))
        while waiting:
            table = waiting.popleft()
            for other in self._near.get(table, ()):
                if other not in came:
                    came[other] = table
                    if other in wanted:
                        return self._way(came, other, left)
                    waiting.append(other)
        return None

    def _way(self, came: Mapping[str, str], table: str, left: bool) -> list[Step]:
        steps: list[Step] = []
        while before := came[table]:
            reference = self._between[frozenset((table, before))][0]
            steps.insert(0, Step(table=table, to=before, reference=reference, left=left))
            table = before
        return steps
