"""What is claimed, and what the figures say of it: held, not held, or inconclusive at this size.

    Claim(name="dss", statement="DSS beats label-only", seeds=3, parts=(
        Part(what="full, equal steps", estimate=0.04, low=0.01, high=0.07, above=0.0),))
    .verdict  →  "held"

A claim is about quantities, each said to lie in a region (`above` < quantity < `below`). With its 95 %
interval inside the region a part is held, with it outside not held, else it is inconclusive. A claim is
held when all its parts are, not held when one is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from dstill_evaluate.paired_tests import Paired

Verdict = Literal["held", "not held", "inconclusive at this size"]
HELD: Verdict = "held"
NOT_HELD: Verdict = "not held"
OPEN: Verdict = "inconclusive at this size"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One quantity of a claim, with its 95 % interval and the region that the claim puts it in."""

    what: str
    estimate: float
    low: float
    high: float
    above: float = -math.inf
    below: float = math.inf
    unit: str = "points"

    @property
    def verdict(self) -> Verdict:
        if self.above < self.low and self.high < self.below:
            return HELD
        if self.high < self.above or self.low > self.below:
            return NOT_HELD
        return OPEN

    def to_row(self) -> dict[str, Any]:
        row = {**asdict(self), "verdict": self.verdict}
        return {key: None if value in (math.inf, -math.inf) else value for key, value in row.items()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Part:
        sides = {"above": -math.inf, "below": math.inf}
        own = {key: value for key, value in row.items() if key != "verdict"}
        return cls(**{**own, **{key: side for key, side in sides.items() if own[key] is None}})


@dataclass(frozen=True, kw_only=True)
class Claim:
    name: str
    statement: str
    margin: str  # how far off still counts, in words
    seeds: int  # 0: nothing is drawn
    parts: tuple[Part, ...]

    @property
    def verdict(self) -> Verdict:
        said = {part.verdict for part in self.parts}
        if NOT_HELD in said:
            return NOT_HELD
        return HELD if said == {HELD} else OPEN

    def to_row(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "statement": self.statement,
            "verdict": self.verdict,
            "margin": self.margin,
            "seeds": self.seeds,
            "parts": [part.to_row() for part in self.parts],
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Claim:
        own = {key: value for key, value in row.items() if key != "verdict"}
        return cls(**{**own, "parts": tuple(map(Part.from_row, row["parts"]))})


def points(what: str, found: Paired, *, above: float = -math.inf, below: float = math.inf) -> Part:
    """A difference between two arms in points of accuracy (so is the region)."""
    return Part(
        what=what,
        estimate=100 * found.difference,
        low=100 * found.low,
        high=100 * found.high,
        above=above,
        below=below,
    )
