"""The report's sections on scores: all metrics, uncounted answers, and the student by category, data and engine.

sections(run)  →  Section(title="Scores", order=10, table=Table(…)), …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dstill.api.records import Score, Section, Table
from dstill.cli.options import described
from dstill_evaluate.metrics import rank
from dstill_report import plots
from dstill_report.text import interval, percent, shown, words

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

SHOWN = 2  # example failures per cause: the failure browser lists all


def sections(run: Run) -> Iterator[Section]:
    """Yield the sections on scores that `run` has content for."""
    stages = run.stages
    evaluated = stages.get("evaluate", {})
    found = (
        _scores(evaluated.get("scores", {}), _meanings(run)),
        _not_counted(evaluated.get("scores", {})),
        _categories(evaluated.get("categories", {})),
        _by_data(evaluated.get("by_data", {}), run.task.data_noun),
        _causes(evaluated.get("causes", {})),
        _engines(stages),
    )
    yield from (section for section in found if section is not None)


def _meanings(run: Run) -> dict[str, str]:
    """What each installed metric measures: the first line of its docstring."""
    return {name: described(run.plugins.metric(name)) for name in run.plugins.names("metrics")}


def _scores(scores: Mapping[str, Any], meanings: Mapping[str, str]) -> Section | None:
    columns = [(system, split) for system in scores for split in scores[system]]
    metrics = sorted({metric for system, split in columns for metric in scores[system][split]}, key=rank)
    if not metrics:
        return None
    rows = []
    for metric in metrics:
        found = [scores[system][split].get(metric) for system, split in columns]
        rows.append((words(metric), *(_cell(score) for score in found)))
    explained = [f"{words(metric)}: {meanings[metric]}" for metric in metrics if meanings.get(metric)]
    intro = "Every rate with its 95 % Wilson interval and the number of answers it is computed over (n)."
    return Section(
        title="Scores",
        order=10,
        text="\n".join([intro, *explained]),
        table=Table(columns=("", *(f"{system}, {split}" for system, split in columns)), rows=tuple(rows)),
    )


def _cell(row: Mapping[str, Any] | None) -> str:
    """A rate, with its interval and n on a second line."""
    if row is None:
        return ""
    score = Score.from_row(row)
    if score.value is None:
        return shown(score)
    return f"{percent(score.value)}\n{interval(score)} n {score.n:,}"


def _not_counted(scores: Mapping[str, Any]) -> Section | None:
    rows = [
        (system, split, str(score["n"]), reasons)
        for system in scores
        for split, metrics in scores[system].items()
        if (score := metrics.get("executable_accuracy")) and (reasons := _reasons(score))
    ]
    if not rows:
        return None
    return Section(
        title="Not counted in accuracy",
        order=15,
        text="Answers are not counted if the reference answer matches everything or nothing, or fails, or if the "
        "engine could not run them. They do not lower a system's score.",
        table=Table(columns=("system", "split", "counted", "not counted"), rows=tuple(rows)),
    )


def _reasons(score: Mapping[str, Any]) -> str:
    """As ``2 failing reference, 9 trivial reference``; earlier runs have them only in the note."""
    if "uncounted" not in score:
        return str(score["note"])
    return ", ".join(f"{n} {reason}" for reason, n in score["uncounted"].items())


def _categories(categories: Mapping[str, Any]) -> Section | None:
    return _parts(
        categories,
        Section(title="Categories", order=20, text="The student's scores by category of question, weakest first."),
        ("category", "Executable accuracy by category, with 95 % intervals"),
    )


def _by_data(parts: Mapping[str, Any], noun: str) -> Section | None:
    text = f"The student's scores by the {noun} that the question is about, weakest first."
    return _parts(
        parts,
        Section(title=f"By {noun}", order=22, text=text),
        (noun, f"Executable accuracy by {noun}, with 95 % intervals"),
    )


def _parts(parts: Mapping[str, Any], section: Section, names: tuple[str, str]) -> Section | None:
    """`section` with a table and a plot of scores by part of the first split.

    `names` are the header of the first column and the title of the plot.
    """
    if not parts:
        return None
    accuracy = {c: Score.from_row(m["executable_accuracy"]) for c, m in parts.items() if "executable_accuracy" in m}
    columns = ("executable_accuracy", "exact_match", "silent_error_rate")

    def weakness(part: str) -> tuple[bool, float, str]:
        value = accuracy[part].value if part in accuracy else None
        return (value is None, value or 0, part)

    rows = tuple(
        (part, *(_cell(parts[part].get(metric)) for metric in columns)) for part in sorted(parts, key=weakness)
    )
    return replace(
        section,
        table=Table(columns=(names[0], *(words(c) for c in columns)), rows=rows),
        svg=plots.intervals({part: accuracy[part] for part in sorted(accuracy, key=weakness)}, names[1]),
    )


def _causes(causes: Mapping[str, Mapping[str, Any]]) -> Section | None:
    """Failures by first cause, the most frequent first."""
    if not causes:
        return None
    shares = {
        label: Score(name=label, value=one["count"] / one["of"], n=one["of"], low=one["low"], high=one["high"])
        for label, one in causes.items()
    }
    rows = tuple(
        (label, f"{one['count']:,}", f"{shown(shares[label])}", ", ".join(one["examples"][:SHOWN]))
        for label, one in causes.items()
    )
    return Section(
        title="First causes",
        order=24,
        text=f"What went wrong first in each of {next(iter(causes.values()))['of']:,} failures, over all splits. "
        "The failures below can be filtered by first cause. `dstill generate --augment-cause CAUSE --from-run RUN` "
        "generates more training questions of the kinds that fail for that cause.",
        table=Table(columns=("first cause", "failures", "share", "examples"), rows=rows),
        svg=plots.intervals(shares, "Share of failures by first cause, with 95 % intervals"),
    )


def _engines(stages: Mapping[str, Any]) -> Section | None:
    others = {facts["engine"]: facts for name, facts in stages.items() if name.startswith("evaluate on ")}
    if not others:
        return None
    rows = tuple(
        (facts["engine"], split, _cell(metrics.get("executable_accuracy")))
        for facts in (stages["evaluate"], *others.values())
        for split, metrics in facts["scores"]["student"].items()
    )
    return Section(
        title="Engines",
        order=25,
        text="The student's answers, judged by more than one engine.",
        table=Table(columns=("engine", "split", "executable accuracy of the student"), rows=rows),
    )
