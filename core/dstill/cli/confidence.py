"""Shows how sure a student is: a table for each split of an evaluation, and the promises of a calibration.

show_confidence(facts)                         # `dstill evaluate`; docs/confidence.md explains the figures
show_promises(folder, calibration, promises)   # `dstill calibrate`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.cli.console import say, sentence, table
from dstill.confidence.calibration import Calibration
from dstill.confidence.promise import Promise, why_none
from dstill.io.shell import command
from dstill.io.units import percent

if TYPE_CHECKING:
    from dstill.stages.predict.predictor import Predictor

__all__ = [
    "SHARES",
    "promises",
    "separation_columns",
    "separation_rows",
    "show_confidence",
    "show_promises",
]

SHARES = (0.05, 0.1, 0.2, 0.3)  # of wrong answers, that a calibration is shown for


def show_confidence(facts: Mapping[str, Any]) -> None:
    """Show how log-probabilities separate right from wrong."""
    confidence = facts.get("confidence")
    if not confidence:
        return
    if confidence["why"]:
        sentence(f"How sure the student is, is not known: {confidence['why']}.")
        return
    columns = [f"#{name}" if number else name for number, name in enumerate(separation_columns(confidence))]
    table(columns, list(separation_rows(confidence)), title="how log-probabilities tell right answers from wrong ones")
    sentence("≤ 5 %: the largest share of answers, the surest first, of which at most 5 % are wrong.")
    say()


def show_promises(run: Path, calibration: Calibration, promises: Sequence[Promise]) -> None:
    """Show what a calibration promises, and what it cannot."""
    judged, wrong = len(calibration.right), calibration.right.count(False)
    say(f"calibrated on {judged:,} judged answers to questions of people ({wrong:,} wrong)")
    rows = [(f"{p.max_wrong:g}", percent(p.n / judged), percent(p.wrong / p.n)) for p in promises if p.holds]
    if rows:
        table(("--max-wrong", "#given, %", "#wrong of these, %"), rows, title="on the judged answers")
    for promise in promises:
        if not promise.holds:
            sentence(f"--max-wrong {promise.max_wrong:g} promises nothing: {why_none(judged, promise.needed)}.")
    kept = next((promise for promise in promises if promise.holds), None)
    if kept is None:
        say(f"judge more answers: {command('calibrate', run)}")
    else:
        say(f"next: {command('predict', run, '--max-wrong', f'{kept.max_wrong:g}')}")


def promises(answering: Predictor) -> Iterator[str]:
    """The promises about the answers, and who answers the other questions: a line each."""
    if answering.promise is not None:
        yield str(answering.promise)
    if (large := answering.fallback) is not None:
        yield f"{large.name} answers the other questions; nothing is promised of its answers"
        if not large.is_limited:
            yield f"nothing limits what {large.name} costs: --max-usd and --max-total-tokens do"


def separation_columns(confidence: Mapping[str, Any]) -> list[str]:
    """The heads of the table."""
    coverage = next(iter(confidence["splits"].values()))["coverage"]
    return ["split", "AUROC", "AURC", *(f"≤ {100 * most:g} %" for most, _ in coverage)]


def separation_rows(confidence: Mapping[str, Any]) -> Iterator[list[str]]:
    """The rows of the table: a split each."""
    for split, measures in confidence["splits"].items():
        figures = [_figure(measures["auroc"], 3), _figure(measures["aurc"], 4)]
        yield [split, *figures, *(f"{percent(share)} %" if measures["n"] else "–" for _, share in measures["coverage"])]


def _figure(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:.{places}f}"
