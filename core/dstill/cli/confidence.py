"""Shows what an evaluation says about the student's confidence: a table for each split, and the promises.

show_confidence(run, facts)      # `dstill evaluate`; docs/confidence.md explains the figures
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dstill.cli.console import say, table
from dstill.io.shell import command
from dstill.io.units import percent
from dstill.runs.run import Run

__all__ = ["EXAMPLE", "promise_rows", "separation_rows", "show_confidence"]

EXAMPLE = 0.05  # the share of wrong answers of the command that is suggested


def show_confidence(run: Run, facts: Mapping[str, Any]) -> None:
    """Show how confidence separates right from wrong, and what a cut would do."""
    found = facts.get("confidence")
    if not found:
        return
    if found["why"]:
        say(f"The confidence is not known: {found['why']}.")
        return
    validation = found["validation"]
    title = f"confidence, from {validation['n']:,} validation answers ({validation['wrong']:,} wrong)"
    wrong = [f"#≤ {percent(most)} % wrong" for most, _ in next(iter(found["splits"].values()))["coverage"]]
    table(["split", "#n", "#AUROC", "#AURC", "#ECE", *wrong], list(separation_rows(found)), title=title)
    say("≤ 5 % wrong: the largest share of answers, the surest first, of which at most 5 % are wrong.")
    table(["--max-wrong", "promise", *(f"#{split}" for split in found["splits"])], list(promise_rows(found)))
    if any(promise["holds"] and promise["max_wrong"] == EXAMPLE for promise in found["promises"]):
        say(f"To answer only above the cut: {command('predict', run.folder, '--max-wrong', str(EXAMPLE))}")
    say()


def separation_rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """The rows of the first table: a split each."""
    for split, one in found["splits"].items():
        figures = [_figure(one["auroc"], 3), _figure(one["aurc"], 4), _figure(one["ece"], 3)]
        shares = [f"{percent(share)} %" for _, share in one["coverage"]]
        yield [split, f"{one['n']:,}", *figures, *shares]


def promise_rows(found: Mapping[str, Any]) -> Iterator[list[str]]:
    """The rows of the second table: a promise each, and in each split what is given and what of it is wrong."""
    for promise in found["promises"]:
        cells: Sequence[str] = ["–"] * len(promise["splits"])
        words = f"none: needs {promise['needed']:,} validation answers, all right"
        if promise["of"] >= promise["needed"]:
            words = "none: too many validation answers are wrong"
        if promise["holds"]:
            words = f"holds at {percent(promise['level'])} %"
            cells = [_given(one) for one in promise["splits"].values()]
        yield [f"{promise['max_wrong']:g}", words, *cells]


def _given(one: Mapping[str, int]) -> str:
    """``98.1 % given, 0.2 % wrong``."""
    if not one["n"] or not one["given"]:
        return "none given"
    return f"{percent(one['given'] / one['n'])} % given, {percent(one['wrong'] / one['given'])} % wrong"


def _figure(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"
