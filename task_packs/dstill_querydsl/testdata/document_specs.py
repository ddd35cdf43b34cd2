"""The content that single documents must have to match a gold, or to just miss it.

    SpecMaker(tree, layout, random).near_misses()   specs at each boundary, with a field missing, in a list,
                                            with the value in another field or nested object
    SpecMaker(tree, layout, random).hit()    a spec that meets every condition

A `DocumentSpec` fixes some fields. `Filler` gives values to the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.leaves import All, Key, Not, Tree, TreeLeaf, leaves

__all__ = ["INSIDE", "MISSING", "DocumentSpec", "SpecMaker"]


class _Sign:
    """A placeholder for a value that `Filler` chooses."""

    def __init__(self, name: str) -> None:
        self.name = name


MISSING = _Sign("missing")
INSIDE = _Sign("inside")  # anywhere between the bounds, different in each document
VALUE_LIMIT = 13  # boundary values of one field


@dataclass(frozen=True, kw_only=True)
class DocumentSpec:
    """The fixed fields of one document."""

    fixed: Mapping[Key, Any] = field(default_factory=dict)
    # fixed fields of more objects of a nested path, after the first
    others: Sequence[Mapping[Key, Any]] = ()
    near: bool = False  # a near miss, which differs from a hit in one detail
    bounds: Mapping[Key, tuple[float | None, float | None]] = field(default_factory=dict)  # of fields that are INSIDE


class SpecMaker:
    """Makes specs from the conditions of a gold."""

    def __init__(self, tree: Tree, layout: Layout, random: Random) -> None:
        self.tree, self.layout, self.random = tree, layout, random
        self.by_key: dict[Key, list[TreeLeaf]] = {}
        for leaf in leaves(tree):
            self.by_key.setdefault(leaf.key, []).append(leaf)

    # --- hits ---------------------------------------------------------------------------

    def hit(self) -> DocumentSpec:
        """A spec that meets every condition, and some of each list of alternatives."""
        wanted: dict[TreeLeaf, bool] = {}
        self._want(self.tree, True, wanted)
        return self._spec(wanted)

    def random_one(self) -> DocumentSpec:
        """A spec that meets each condition with a probability of 65 %."""
        return replace(self._spec({leaf: self.random.random() < 0.65 for leaf in leaves(self.tree)}), near=True)

    def _want(self, tree: Tree, met: bool, wanted: dict[TreeLeaf, bool]) -> None:
        if isinstance(tree, TreeLeaf):
            wanted[tree] = met
        elif isinstance(tree, Not):
            self._want(tree.part, not met, wanted)
        elif isinstance(tree, All):
            # to miss "all", one random part is enough
            chosen = {self.random.randrange(len(tree.parts))} if tree.parts and not met else set()
            for number, part in enumerate(tree.parts):
                self._want(part, met or number not in chosen, wanted)
        else:
            least = min(tree.least, len(tree.parts)) if met else 0
            chosen = set(self.random.sample(range(len(tree.parts)), max(least, int(met and bool(tree.parts)))))
            for number, part in enumerate(tree.parts):
                self._want(part, number in chosen, wanted)

    def _spec(self, wanted: Mapping[TreeLeaf, bool]) -> DocumentSpec:
        fixed: dict[Key, Any] = {}
        bounds: dict[Key, tuple[float | None, float | None]] = {}
        for key, group in self.by_key.items():
            pairs = [(leaf, wanted[leaf]) for leaf in group if leaf in wanted]
            fixed[key], bounds[key] = self._choose(pairs)
        return DocumentSpec(fixed=fixed, bounds=bounds)

    def _choose(self, pairs: Sequence[tuple[TreeLeaf, bool]]) -> tuple[Any, tuple[float | None, float | None]]:
        """A value for all conditions on one field, and the bounds if it is INSIDE."""
        ranges = [
            leaf.condition for leaf, met in pairs if met and (leaf.condition.low, leaf.condition.high) != (None, None)
        ]
        low = max((range_.low for range_ in ranges if range_.low is not None), default=None)
        high = min((range_.high for range_ in ranges if range_.high is not None), default=None)
        if ranges and len(ranges) == len(pairs) and (low is None or high is None or high - low > 1):
            return INSIDE, (low, high)
        candidates = [value for leaf, _ in pairs for value in leaf.condition.values]
        fits = [value for value in candidates if all(leaf.condition.test(value) == met for leaf, met in pairs)]
        if fits:
            # mostly the first, so that hits agree in these fields and differ in others
            return (fits[0] if self.random.random() < 0.6 else self.random.choice(fits)), (None, None)
        exists = any(met for _, met in pairs) and not candidates  # only `exists`: any value is right
        return (INSIDE if exists else MISSING), (None, None)

    # --- near misses --------------------------------------------------------------------

    def near_misses(self) -> Iterator[DocumentSpec]:
        """Specs of near misses."""
        for key, group in self.by_key.items():
            yield from self._boundaries(key, group)
        yield from self._elsewhere()
        yield from self._across()

    def _boundaries(self, key: Key, group: Sequence[TreeLeaf]) -> Iterator[DocumentSpec]:
        values = list(dict.fromkeys(map(_frozen, (value for leaf in group for value in leaf.condition.values))))
        for value in [*map(_thawed, values[:VALUE_LIMIT]), MISSING]:
            hit = self.hit()
            yield replace(hit, fixed={**hit.fixed, key: value}, near=True)
        misses = [v for v in map(_thawed, values) if not any(leaf.condition.test(v) for leaf in group)]
        hits = [v for v in map(_thawed, values) if any(leaf.condition.test(v) for leaf in group)]
        if misses and hits and not isinstance(hits[0], dict):
            hit = self.hit()
            yield replace(hit, fixed={**hit.fixed, key: [misses[0], hits[0]]}, near=True)
        for value in misses[:2]:  # and two errors at once
            other = next((other for other in self.by_key if other != key), None)
            if other is not None:
                hit = self.hit()
                yield replace(hit, fixed={**hit.fixed, key: value, other: MISSING}, near=True)

    def _elsewhere(self) -> Iterator[DocumentSpec]:
        """The value of a field in another field that could be confused with it."""
        for key in self.by_key:
            for name in self.layout.similar(key[1], most=4):
                home = (key[0], self.layout.source_field(name))
                if home not in self.by_key:
                    hit = self.hit()
                    value = hit.fixed.get(key, MISSING)
                    yield replace(
                        hit,
                        fixed={**hit.fixed, key: MISSING, home: value},
                        bounds={**hit.bounds, home: hit.bounds.get(key, (None, None))},
                        near=True,
                    )

    def _across(self) -> Iterator[DocumentSpec]:
        """Conditions on one nested object, each met by a different object."""
        for path in dict.fromkeys(nested for nested, _ in self.by_key if nested):
            keys = [key for key in self.by_key if key[0] == path]
            if len(keys) > 1:
                hit = self.hit()
                objects = [{key: hit.fixed[key] if key == own else MISSING for key in keys} for own in keys]
                yield replace(hit, fixed={**hit.fixed, **objects[0]}, others=objects[1:], near=True)


def _frozen(value: Any) -> Any:
    return tuple(sorted(value.items())) if isinstance(value, dict) else (type(value), value)


def _thawed(value: Any) -> Any:
    return value[1] if isinstance(value[0], type) else dict(value)
