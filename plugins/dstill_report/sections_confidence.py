"""The report's sections on confidence: what a cut gives, how well it separates right from wrong, and the cascade.

sections(run)  →  Section(title="Confidence", order=13, table=Table(…), svg="<svg …>"), …
                  Section(title="Cascade with openai:gpt-5-mini", …) if that model was prompted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Section, Table
from dstill.cli.cascade import COLUMNS, cut_rows, tenth_rows
from dstill.cli.confidence import separation_columns, separation_rows
from dstill.confidence.selective import ScoredAnswer, risk_coverage
from dstill_report import plots

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

POINTS = 200  # of a curve


def sections(run: Run) -> Iterator[Section]:
    """The sections, if the last evaluation knows how sure the student is."""
    evaluated = run.stages.get("evaluate", {})
    facts: Mapping[str, Any] = evaluated.get("confidence", {"why": "not measured"})
    if facts["why"]:
        return
    yield Section(
        title="Confidence",
        order=13,
        text="The line: of the answers that are given if the surest come first, the share that is wrong. It describes "
        "these questions and promises nothing: that takes judgements of people (dstill calibrate).",
        svg=_curve(run.confidence(), list(facts["splits"])),
    )
    # a row for each figure, as narrow pages have no room for a column each
    splits, *figures = zip(separation_columns(facts), *separation_rows(facts), strict=True)
    yield Section(
        title="Confidence in figures",
        order=75,
        folded=True,
        text="AUROC: how often a right answer has a higher log-probability than a wrong one. AURC: the area under the "
        "risk–coverage curve. ≤ 5 %: the largest share of answers, the surest first, of which at most 5 % are wrong.",
        table=Table(columns=("", *splits[1:]), rows=tuple(figures)),
    )
    for system, splits_of in evaluated.get("cascade", {}).items():
        yield from _cascade(system, splits_of)


def _cascade(system: str, splits: Mapping[str, Any]) -> Iterator[Section]:
    """The student with one large model behind it."""
    yield Section(
        title=f"Cascade with {system}",
        order=14,
        text=f"The student answers above the cut, {system} the other questions and those where the checks refuse the "
        "student's answer, as with --fallback. The promise of a cut is about the student's answers only. The curve "
        "looks at the results of these very questions: it promises nothing.",
        table=_table(
            ["split", "", *COLUMNS], ([split, *row] for split, f in splits.items() for row in cut_rows(system, f))
        ),
        svg=plots.curve(
            {split: [_wrong(mix, figures["n"]) for mix in figures["shares"]] for split, figures in splits.items()},
            f"Wrong answers of the student and {system} together",
            "% of all questions that are wrong",
            "% of questions that the student answers",
        ),
    )
    yield Section(
        title=f"Cascade with {system}: shares",
        order=76,
        folded=True,
        text="What is right if this share of the questions at most, the surest first, is answered by the student. "
        "Seconds are the mean of a question: the student writes to each one first, in batches. Its machine costs "
        "evaluate.machine_usd_per_hour, or nothing if that is not set.",
        table=_table(["split", "", *COLUMNS], ([split, *row] for split, f in splits.items() for row in tenth_rows(f))),
    )


def _wrong(mix: Mapping[str, Any], n: int) -> tuple[float, float]:
    return 100 * mix["here"] / n, 100 * (1 - mix["accuracy"])


def _table(columns: list[str], rows: Iterator[list[str]]) -> Table:
    return Table(columns=tuple(columns), rows=tuple(tuple(row) for row in rows))


def _curve(answers: list[ScoredAnswer], splits: list[str]) -> str:
    """The share of wrong answers over the share that is given, in percent."""
    series = {}
    for split in splits:
        points = risk_coverage([answer for answer in answers if answer.split == split])
        drawn = [*points[:: max(1, len(points) // POINTS)], *points[-1:]]
        series[split] = [(100 * share, 100 * risk) for share, risk in drawn]
    title = "Risk–coverage curve: wrong answers among the surest"
    return plots.curve(series, title, "% of these that are wrong", "% of answers that are given")
