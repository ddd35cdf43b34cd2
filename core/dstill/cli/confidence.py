"""Shows what an evaluation says about the student's confidence: a table for each split, and the promises.

show_confidence(run, facts)      # `dstill evaluate`; docs/confidence.md explains the figures
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.cli.console import say, sentence, table
from dstill.confidence.promise import why_none
from dstill.io.shell import command
from dstill.io.units import percent

if TYPE_CHECKING:
    from dstill.runs.run import Run
    from dstill.stages.predict.predictor import Predictor

__all__ = [
    "EXAMPLE",
    "promise_columns",
    "promise_rows",
    "promises",
    "separation_columns",
    "separation_rows",
    "show_confidence",
    "unpromised",
]

EXAMPLE = 0.05  # the share of wrong answers of the command that is suggested


def show_confidence(run: Run, facts: Mapping[str, Any]) -> None:
    """Show how confidence separates right from wrong, and what a cut would do."""
    confidence = facts.get("confidence")
    if not confidence:
        return
    if confidence["why"]:
        sentence(f"The student's confidence is not known: {confidence['why']}.")
        return
    validation = confidence["validation"]
    title = f"confidence, from {validation['n']:,} validation answers ({validation['wrong']:,} wrong)"
    columns = [f"#{name}" if number else name for number, name in enumerate(separation_columns(confidence))]
    table(columns, list(separation_rows(confidence)), title=title)
    sentence("≤ 5 %: the largest share of answers, the surest first, of which at most 5 % are wrong.")
    columns = [f"#{name}" if number else name for number, name in enumerate(promise_columns(confidence))]
    table(columns, list(promise_rows(confidence)), title="with --max-wrong: given / wrong of these, in %")
    for line in unpromised(confidence):
        sentence(line)
    if any(promise["holds"] and promise["max_wrong"] == EXAMPLE for promise in confidence["promises"]):
        say("To answer only above the cut:")
        say(f"  {command('predict', run.folder, '--max-wrong', str(EXAMPLE))}")
    say()


def promises(answering: Predictor) -> Iterator[str]:
    """The promises about the answers, and who answers the other questions: a line each."""
    if answering.promise is not None:
        yield str(answering.promise)
    if (large := answering.fallback) is not None:
        yield f"{large.name} answers the other questions; nothing is promised of its answers"
        if not large.is_limited:
            yield f"nothing limits what {large.name} costs: --max-usd and --max-total-tokens do"


def separation_columns(confidence: Mapping[str, Any]) -> list[str]:
    """The heads of the first table."""
    coverage = next(iter(confidence["splits"].values()))["coverage"]
    return ["split", "AUROC", "AURC", "ECE", *(f"≤ {100 * most:g} %" for most, _ in coverage)]


def separation_rows(confidence: Mapping[str, Any]) -> Iterator[list[str]]:
    """The rows of the first table: a split each."""
    for split, measures in confidence["splits"].items():
        figures = [_figure(measures["auroc"], 3), _figure(measures["aurc"], 4), _figure(measures["ece"], 3)]
        yield [split, *figures, *(f"{percent(share)} %" if measures["n"] else "–" for _, share in measures["coverage"])]


def promise_columns(confidence: Mapping[str, Any]) -> list[str]:
    """The heads of the second table: a promise each."""
    return ["split", *(f"{promise['max_wrong']:g}" for promise in confidence["promises"])]


def promise_rows(confidence: Mapping[str, Any]) -> Iterator[list[str]]:
    """The rows of the second table: of each split, what is given and what of that is wrong."""
    for split in confidence["splits"]:
        yield [split, *(_given(promise, split) for promise in confidence["promises"])]


def unpromised(confidence: Mapping[str, Any]) -> Iterator[str]:
    """Why nothing is promised where no cut holds."""
    for promise in confidence["promises"]:
        if not promise["holds"]:
            why = why_none(promise["of"], promise["needed"])
            yield f"--max-wrong {promise['max_wrong']:g} has no cut on {promise['of']:,} validation answers: {why}."


def _given(promise: Mapping[str, Any], split: str) -> str:
    """``98.1 / 0.2``; a dash: nothing is promised."""
    counts = promise["splits"][split]
    if not promise["holds"] or not counts["n"]:
        return "–"
    wrong = percent(counts["wrong"] / counts["given"]) if counts["given"] else "–"
    return f"{percent(counts['given'] / counts['n'])} / {wrong}"


def _figure(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"
