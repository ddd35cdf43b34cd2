"""Turns the rows of `comparison.compare` into cells and sentences, for the terminal and the report.

sentence(row, "b", "a")   →   "test: b is better than a by 5.1 points (exact McNemar test: p = 0.03; right on …)."
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.api.records import Score
from dstill.io.units import percent

__all__ = ["cell", "difference", "p_is", "p_value", "points", "sentence"]

TESTS = {
    "mcnemar": "exact McNemar test",
    "permutation": "permutation test by template",
    "seeds": "t-test over the seeds",
}


def cell(shown: Mapping[str, Any]) -> str:
    """``81.7 [73.8, 87.6]``, or with several seeds ``81.7 ± 1.2 [73.8, 87.6]``."""
    score = Score.from_row(shown["accuracy"])
    assert score.value is not None
    spread = "" if shown["sd"] is None else f" ± {100 * shown['sd']:.1f}"
    interval = "" if score.low is None or score.high is None else f" [{percent(score.low)}, {percent(score.high)}]"
    return f"{percent(score.value)}{spread}{interval}"


def points(value: float | None) -> str:
    """A share in points: ``10.5``."""
    return "not known" if value is None else f"{100 * value:.1f}"


def difference(row: Mapping[str, Any]) -> str:
    """``+5.1 [+1.2, +9.0]``, in points."""
    value, low, high = (f"{100 * row[key]:+.1f}" for key in ("difference", "low", "high"))
    return f"{value} [{low}, {high}]"


def p_value(value: float) -> str:
    """Two significant digits: ``0.032``."""
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def p_is(value: float) -> str:
    """``p = 0.032``, or ``p < 0.0001``."""
    shown = p_value(value)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def sentence(row: Mapping[str, Any], system: str, against: str) -> str:
    """The result of one comparison and its basis."""
    test = TESTS[row["test"]]
    corrected = "" if row["p_holm"] == row["p"] else f", {p_value(row['p_holm'])} after Holm's correction"
    basis = f"{test}: {p_is(row['p'])}{corrected}; right on {row['gained']} more items and on {row['lost']} fewer"
    if row["distinguishable"]:
        word = "better" if row["difference"] > 0 else "worse"
        return f"{row['set']}: {system} is {word} than {against} by {points(abs(row['difference']))} points ({basis})."
    return f"{row['set']}: {system} and {against} are not distinguishable ({basis}). {_smallest(row)}"


def _smallest(row: Mapping[str, Any]) -> str:
    if row["detectable"] is None:
        return "No item tells them apart, so how large a difference would show is not known."
    basis = f"{row['items']:,} items of {row['clusters']:,} templates"
    return f"{basis} would show a difference of {points(row['detectable'])} points or more."
