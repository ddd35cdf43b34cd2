"""The report's sections on scores: all metrics, uncounted answers, and the student by category, data and engine.

sections(run)  →  Section(title="Categories", order=20, scores={"negation": {"right": Score(…), …}, …}), …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Score, Section, Table
from dstill.cli.options import described
from dstill_evaluate.metrics import rank
from dstill_report.text import words

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

RIGHT = "right"
COLUMN_METRICS = {RIGHT: "executable_accuracy", "silently wrong": "silent_error_rate"}  # column → metric


def sections(run: Run) -> Iterator[Section]:
    """Yield the sections on scores that `run` has content for."""
    stages, noun = run.stages, run.task.data_noun
    evaluated = stages.get("evaluate", {})
    yield from _scores(evaluated.get("scores", {}), _meanings(run))
    parts = (
        _not_counted(evaluated.get("scores", {})),
        _parts(evaluated.get("categories", {}), "Categories", "category of question", 20),
        _parts(evaluated.get("by_data", {}), f"By {noun}", f"the {noun} that the question is about", 22),
        _engines(stages),
    )
    yield from (section for section in parts if section is not None)


def _meanings(run: Run) -> dict[str, str]:
    """The meaning of each installed metric: the first line of its docstring."""
    return {name: described(run.plugins.metric(name)) for name in run.plugins.names("metrics")}


def _scores(scores: Mapping[str, Any], meanings: Mapping[str, str]) -> Iterator[Section]:
    """Every metric of each system."""
    for number, (system, of_system) in enumerate(scores.items()):
        metrics = sorted({metric for scores in of_system.values() for metric in scores}, key=rank)
        explained = [f"{words(metric)}: {meanings[metric]}" for metric in metrics if meanings.get(metric)]
        yield Section(
            title=f"All scores: {system}",
            order=70 + number,
            folded=True,
            text="" if number else "\n".join(explained),
            scores={
                words(metric): {split: Score.from_row(of[metric]) for split, of in of_system.items() if metric in of}
                for metric in metrics
            },
        )


def _not_counted(scores: Mapping[str, Any]) -> Section | None:
    rows = [
        (system, split, str(score["n"]), reasons)
        for system in scores
        for split, metrics in scores[system].items()
        if (score := metrics.get("executable_accuracy"))
        and (reasons := ", ".join(f"{n} {reason}" for reason, n in score.get("uncounted", {}).items()))
    ]
    if not rows:
        return None
    return Section(
        title="Not counted in accuracy",
        order=80,
        folded=True,
        text="Answers are not counted if the reference answer matches everything or nothing, or fails, or if the "
        "engine could not run them. They do not lower a system's score.",
        table=Table(columns=("system", "split", "counted", "not counted"), rows=tuple(rows)),
    )


def _parts(parts: Mapping[str, Any], title: str, what: str, order: int) -> Section | None:
    """The student's scores by part of the first split."""
    scores = {
        part: {name: Score.from_row(row[metric]) for name, metric in COLUMN_METRICS.items() if metric in row}
        for part, row in parts.items()
    }
    rated = {part: row for part, row in scores.items() if RIGHT in row and row[RIGHT].value is not None}
    if not rated:
        return None
    text = f"The student by {what}, weakest first."
    if missing := sorted(parts.keys() - rated.keys()):
        text += f" Without a question that counts: {', '.join(missing)}."
    weakest = sorted(rated, key=lambda part: (rated[part][RIGHT].value, part))
    return Section(title=title, order=order, text=text, scores={part: rated[part] for part in weakest})


def _engines(stages: Mapping[str, Any]) -> Section | None:
    others = {facts["engine"]: facts for name, facts in stages.items() if name.startswith("evaluate on ")}
    if not others:
        return None
    return Section(
        title="Engines",
        order=25,
        text="The student's answers, judged by more than one engine.",
        scores={
            facts["engine"]: {
                split: Score.from_row(metrics[COLUMN_METRICS[RIGHT]])
                for split, metrics in facts["scores"]["student"].items()
                if COLUMN_METRICS[RIGHT] in metrics
            }
            for facts in (stages["evaluate"], *others.values())
        },
    )
