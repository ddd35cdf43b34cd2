"""The report's sections on confidence: how it separates right from wrong, the promises, and the cascade.

sections(run)  →  Section(title="Confidence", order=13, table=Table(…), svg="<svg …>"), Section(title="Promises", …),
                  Section(title="Cascade with openai:gpt-5-mini", …) if that model was prompted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Section, Table
from dstill.cli.cascade import COLUMNS, cut_rows, tenth_rows
from dstill.cli.confidence import promise_columns, promise_rows, separation_columns, separation_rows, unpromised
from dstill.pipeline.selective import ScoredAnswer, risk_coverage
from dstill_report import plots

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

POINTS = 200  # of a curve


def sections(run: Run) -> Iterator[Section]:
    """The sections, if the last evaluation calibrated the confidence."""
    evaluated = run.stages.get("evaluate", {})
    found: Mapping[str, Any] = evaluated.get("confidence", {"why": "not measured"})
    if found["why"]:
        return
    validation, splits = found["validation"], found["splits"]
    yield Section(
        title="Confidence",
        order=13,
        text=f"The probability that an answer is right, from its log-probability; fitted on {validation['n']:,} "
        f"validation answers ({validation['wrong']:,} wrong). AUROC: how often a right answer has more than a wrong "
        "one. AURC: the area under the curve below. ECE: the mean distance of confidence and share of right answers. "
        "≤ 5 %: the largest share of answers, the surest first, of which at most 5 % are wrong.",
        table=_table(separation_columns(found), separation_rows(found)),
        svg=_curve(run.confidence(), list(splits)),
    )
    text = (
        "What `predict` and `serve` give with `--max-wrong`: only answers above a cut, chosen on validation rows so "
        "that at most this share of them is wrong on questions like those. Nothing is promised for other questions. "
        "The table has what is given in each split, and what of that is wrong, in percent."
    )
    yield Section(
        title="Promises",
        order=13,
        text="\n".join([text, *unpromised(found)]),
        table=_table(promise_columns(found), promise_rows(found)),
    )
    for system, splits_of in evaluated.get("cascade", {}).items():
        yield from _cascade(system, splits_of)


def _cascade(system: str, splits: Mapping[str, Any]) -> Iterator[Section]:
    """The student with one large model behind it."""
    rows = ([split, *row] for split, found in splits.items() for row in cut_rows(system, found))
    yield Section(
        title=f"Cascade with {system}",
        order=13,
        text=f"The student answers above the cut; {system} answers the other questions, and those where the checks "
        "refuse the student's answer, as with --fallback. The cuts were chosen on validation rows; what is promised "
        "is about the student's own answers only. Accuracy is that of the whole, with its 95 % Wilson interval. "
        "Seconds are the mean of a question: the student writes to each one first, in batches. The machine of the "
        "student costs evaluate.machine_usd_per_hour, or nothing if that is not set.",
        table=_table(["split", "", *COLUMNS], rows),
    )
    tenths = ([split, *row] for split, found in splits.items() for row in tenth_rows(found))
    yield Section(
        title=f"Cascade with {system}: shares",
        order=13,
        text="What is right if this share of the questions at most, the surest first, is answered by the student. It "
        "looks at the results of these very questions: it describes them and promises nothing.",
        table=_table(["split", "", *COLUMNS], tenths),
        svg=plots.curve(
            {split: [_wrong(mix, found["n"]) for mix in found["shares"]] for split, found in splits.items()},
            f"Wrong answers of the student and {system} together",
            "% of all questions that are wrong",
            "% of questions that the student answers",
        ),
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
        kept = [*points[:: max(1, len(points) // POINTS)], *points[-1:]]
        series[split] = [(100 * share, 100 * risk) for share, risk in kept]
    title = "Risk–coverage curve: wrong answers among the surest"
    return plots.curve(series, title, "% of these that are wrong", "% of answers that are given")
