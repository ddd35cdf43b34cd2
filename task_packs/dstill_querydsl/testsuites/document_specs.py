"""What single documents must hold for a gold: those that match, and those that just miss.

    Sketcher(tree, layout, random).near()   one for each value at each boundary, a field missing, in a list,
                                            its value in another field, a condition met by another object
    Sketcher(tree, layout, random).hit()    one that meets every condition

A `Sketch` fixes some fields; `fill` gives the others values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Iterator, Mapping, Sequence

from dstill_querydsl.testsuites.layout import Layout
from dstill_querydsl.testsuites.leaves import All, Key, Leaf, Not, Tree, leaves

__all__ = ["INSIDE", "MISSING", "Sketch", "Sketcher"]


class _Sign:
    """A value that only `fill` can choose."""

    def __init__(self, name: str) -> None:
        self.name = name


MISSING = _Sign("missing")
INSIDE = _Sign("inside")  # anywhere between the bounds, another place in each document
MANY = 13  # values of one field that are tried


@dataclass(frozen=True, kw_only=True)
class Sketch:
    fixed: Mapping[Key, Any] = field(default_factory=dict)
    # the same for further objects of a nested path, beside the first
    others: Sequence[Mapping[Key, Any]] = ()
    near: bool = False  # made to differ from a hit in one thing
    bounds: Mapping[Key, tuple[float | None, float | None]] = field(default_factory=dict)  # of what is INSIDE


class Sketcher:
    def __init__(self, tree: Tree, layout: Layout, random: Random) -> None:
        self.tree, self.layout, self.random = tree, layout, random
        self.by_key: dict[Key, list[Leaf]] = {}
        for leaf in leaves(tree):
            self.by_key.setdefault(leaf.key, []).append(leaf)

    # --- hits ---------------------------------------------------------------------------

    def hit(self) -> Sketch:
        """Meets every condition; of alternatives, some."""
        wanted: dict[Leaf, bool] = {}
        self._want(self.tree, True, wanted)
        return self._sketch(wanted)

    def random_one(self) -> Sketch:
        """Each condition met or not, by lot: two in three are."""
        return replace(self._sketch({leaf: self.random.random() < 0.65 for leaf in leaves(self.tree)}), near=True)

    def _want(self, tree: Tree, met: bool, wanted: dict[Leaf, bool]) -> None:
        if isinstance(tree, Leaf):
            wanted[tree] = met
        elif isinstance(tree, Not):
            self._want(tree.part, not met, wanted)
        elif isinstance(tree, All):
            # of "not all", one does; which one is drawn
            chosen = {self.random.randrange(len(tree.parts))} if tree.parts and not met else set()
            for number, part in enumerate(tree.parts):
                self._want(part, met or number not in chosen, wanted)
        else:
            least = min(tree.least, len(tree.parts)) if met else 0
            chosen = set(self.random.sample(range(len(tree.parts)), max(least, int(met and bool(tree.parts)))))
            for number, part in enumerate(tree.parts):
                self._want(part, number in chosen, wanted)

    def _sketch(self, wanted: Mapping[Leaf, bool]) -> Sketch:
        fixed: dict[Key, Any] = {}
        bounds: dict[Key, tuple[float | None, float | None]] = {}
        for key, found in self.by_key.items():
            asked = [(leaf, wanted[leaf]) for leaf in found if leaf in wanted]
            fixed[key], bounds[key] = self._choose(asked)
        return Sketch(fixed=fixed, bounds=bounds)

    def _choose(self, asked: Sequence[tuple[Leaf, bool]]) -> tuple[Any, tuple[float | None, float | None]]:
        """A value that does for every condition on one field."""
        ranges = [
            leaf.condition for leaf, met in asked if met and (leaf.condition.low, leaf.condition.high) != (None, None)
        ]
        low = max((one.low for one in ranges if one.low is not None), default=None)
        high = min((one.high for one in ranges if one.high is not None), default=None)
        if ranges and len(ranges) == len(asked) and (low is None or high is None or high - low > 1):
            return INSIDE, (low, high)
        candidates = [value for leaf, _ in asked for value in leaf.condition.values]
        fits = [value for value in candidates if all(leaf.condition.test(value) == met for leaf, met in asked)]
        if fits:
            # mostly the plainest, so that hits are alike in what was asked and differ elsewhere
            return (fits[0] if self.random.random() < 0.6 else self.random.choice(fits)), (None, None)
        there = any(met for _, met in asked) and not candidates  # `exists` alone: any value does
        return (INSIDE if there else MISSING), (None, None)

    # --- near misses --------------------------------------------------------------------

    def near(self) -> Iterator[Sketch]:
        for key, found in self.by_key.items():
            yield from self._boundaries(key, found)
        yield from self._elsewhere()
        yield from self._across()

    def _boundaries(self, key: Key, found: Sequence[Leaf]) -> Iterator[Sketch]:
        values = list(dict.fromkeys(map(_frozen, (value for leaf in found for value in leaf.condition.values))))
        for value in [*map(_thawed, values[:MANY]), MISSING]:
            hit = self.hit()
            yield replace(hit, fixed={**hit.fixed, key: value}, near=True)
        misses = [v for v in map(_thawed, values) if not any(leaf.condition.test(v) for leaf in found)]
        hits = [v for v in map(_thawed, values) if any(leaf.condition.test(v) for leaf in found)]
        if misses and hits and not isinstance(hits[0], dict):
            hit = self.hit()
            yield replace(hit, fixed={**hit.fixed, key: [misses[0], hits[0]]}, near=True)
        for value in misses[:2]:  # and two wrong at once
            other = next((one for one in self.by_key if one != key), None)
            if other is not None:
                hit = self.hit()
                yield replace(hit, fixed={**hit.fixed, key: value, other: MISSING}, near=True)

    def _elsewhere(self) -> Iterator[Sketch]:
        """A value of one field in another that might be taken for it."""
        for key in self.by_key:
            for name in self.layout.alike(key[1], most=4):
                home = (key[0], self.layout.home(name))
                if home not in self.by_key:
                    hit = self.hit()
                    value = hit.fixed.get(key, MISSING)
                    yield replace(
                        hit,
                        fixed={**hit.fixed, key: MISSING, home: value},
                        bounds={**hit.bounds, home: hit.bounds.get(key, (None, None))},
                        near=True,
                    )

    def _across(self) -> Iterator[Sketch]:
        """Conditions on one nested object, each met by another object."""
        for path in dict.fromkeys(nested for nested, _ in self.by_key if nested):
            keys = [key for key in self.by_key if key[0] == path]
            if len(keys) > 1:
                hit = self.hit()
                objects = [{key: hit.fixed[key] if key == kept else MISSING for key in keys} for kept in keys]
                yield replace(hit, fixed={**hit.fixed, **objects[0]}, others=objects[1:], near=True)


def _frozen(value: Any) -> Any:
    return tuple(sorted(value.items())) if isinstance(value, dict) else (type(value), value)


def _thawed(value: Any) -> Any:
    return value[1] if isinstance(value[0], type) else dict(value)
