"""Shows the result of an evaluation: a table of accuracy, a table of the other metrics, and then sentences.

    executable accuracy in %, run on calculator 2.1
     split             n  student            untrained        nearest
     test            533  89.5 [86.6, 91.8]  0 [0, 0.7]   26.8 [23.2, 30.7]

    The student is right on 477 of 533 (89.5 %) new questions from known templates (test); …

The output fits 80 columns. ``--json`` and the report have every interval, n and note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from dstill.cli.cascade import show_cascade
from dstill.cli.confidence import show_confidence
from dstill.cli.console import say, sentence, table, width
from dstill.cli.options import described
from dstill.io.shell import command
from dstill.io.units import amount, percent
from dstill.plugins import Plugins
from dstill.runs.run import Run

__all__ = ["SPLITS", "Words", "sentences", "show_scores"]

COMMONEST = 6  # causes in the table; the others share a line
SPLITS = {
    "train": "questions that it was trained on",
    "validation": "validation questions",
    "test": "new questions from known templates",
    "test_unseen_templates": "questions from templates that training never saw",
    "test_unseen_data": "questions about data that training never saw",
    "test_teacher": "questions that a large model wrote as people ask",
    "test_written": "questions that were written apart from all training",
}
Scores = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]  # system → split → metric → score


def show_scores(run: Run, facts: Mapping[str, Any]) -> None:
    """Show accuracy by split and system, the other metrics, what the test databases found, and sentences."""
    scores, splits, words = facts["scores"], run.settings.evaluate.splits, Words.of(run.plugins)
    _show_accuracy(scores, splits, words.headline, facts["engine"])
    say()
    _show_costs(facts, splits[0], words.headline)
    _show_others(run, scores["student"], splits, words.headline)
    show_confidence(facts)
    show_cascade(facts)
    for line in [*_weight(facts), *_notes(scores, splits, words.headline), *_test_suite_lines(facts["test_suite"])]:
        sentence(line)
    say()
    _show_causes(run, facts["causes"])
    for line in sentences(scores, splits, words):
        sentence(line)


def _show_causes(run: Run, causes: Mapping[str, Mapping[str, Any]]) -> None:
    """Show the most common causes of failures, and how to get more questions of those kinds."""
    if not causes:
        return
    total = next(iter(causes.values()))["of"]
    rows = [
        [
            label,
            str(row["count"]),
            _with_interval({**row, "value": row["count"] / row["of"]}),
            row["examples"][0],
        ]
        for label, row in list(causes.items())[:COMMONEST]
    ]
    title = f"causes of {total:,} failures" if total > 1 else "cause of the failure"
    table(["first error", "#failures", "#%", "for example"], rows, title=title)
    if len(causes) > COMMONEST:
        rest = list(causes.items())[COMMONEST:]
        sentence("Also " + ", ".join(f"{label} {row['count']}" for label, row in rest) + ".")
    say("To make more questions of the most common cause:")
    say(f"  {command('data', 'questions', '--augment-cause', next(iter(causes)), '--from-run', run.folder)}")
    say()


def _show_accuracy(scores: Scores, splits: Sequence[str], headline: str, engine: str) -> None:
    systems = scores.values()

    def rows(cell: Any) -> list[list[str]]:
        return [
            [split, _count(scores["student"][split].get(headline)), *(cell(of[split].get(headline)) for of in systems)]
            for split in splits
        ]

    columns = ["split", "#n", *scores]
    shown = rows(_with_interval)
    title = f"{headline.replace('_', ' ')} in %, run on {engine}"
    if _needs(columns, shown) > width():
        shown = rows(_percent)
    table(columns, shown, title=title)


def _show_costs(facts: Mapping[str, Any], split: str, headline: str) -> None:
    """Show what answers take, if a large model was prompted: quality, time and money side by side."""
    costs = facts.get("costs", {})
    if len(costs) < 2:
        return
    rows = []
    for system, cost in costs.items():
        of = facts["scores"][system][split]
        taken = [amount(cost["seconds_per_1000"], "{:,.1f}"), amount(cost["usd_per_1000"], "{:,.4f}")]
        rows.append([system, _percent(of.get(headline)), _percent(of.get("silent_error_rate")), *taken])
    columns = ["system", "#right, %", "#silently wrong, %", "#s per 1,000", "#USD per 1,000"]
    table(columns, rows, title=f"{split}, and what a thousand answers take (the student's: in batches)")
    say()


def _show_others(run: Run, student: Mapping[str, Mapping[str, Any]], splits: Sequence[str], headline: str) -> None:
    """Show the other metrics, a line each, with their meaning if the terminal is wide enough."""
    names = sorted({name for split in splits for name in student[split]} - {headline})
    if not names:
        return
    columns = ["the student, in %", *(f"#{split}" for split in splits)]
    rows = [[name, *(_percent(student[split].get(name)) for split in splits)] for name in names]
    meanings = [described(run.plugins.metric(name)).rstrip(".") for name in names]
    wide = [[*row, meaning] for row, meaning in zip(rows, meanings, strict=True)]
    if _needs([*columns, ""], wide) <= width():
        table([*columns, ""], wide)
    else:
        table(columns, rows)


def _needs(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The width of a table in columns: each cell has a space on both sides."""
    heads = [column.lstrip("#") for column in columns]
    return sum(max(len(row[i]) for row in (heads, *rows)) + 2 for i in range(len(heads)))


def _count(score: Mapping[str, Any] | None) -> str:
    return "" if score is None else f"{score['n']:,}"


def _percent(score: Mapping[str, Any] | None) -> str:
    return "–" if score is None or score["value"] is None else percent(score["value"])


def _with_interval(score: Mapping[str, Any] | None) -> str:
    if score is None or score["low"] is None:
        return _percent(score)
    return f"{_percent(score)} [{percent(score['low'])}, {percent(score['high'])}]"


def _notes(scores: Scores, splits: Sequence[str], headline: str) -> Iterator[str]:
    """Notes on the accuracy, as which answers it leaves out; the same note of several systems once."""
    for split in splits:
        notes: dict[str, list[str]] = {}
        for system, of in scores.items():
            if note := of[split].get(headline, {}).get("note"):
                notes.setdefault(note, []).append(system)
        for note, systems in notes.items():
            yield f"{split}, {'every system' if len(systems) == len(scores) else ', '.join(systems)}: {note}"


def _weight(facts: Mapping[str, Any]) -> Iterator[str]:
    """How long answers take and the size of the student, as far as they were measured."""
    latency, tokens, size = facts["latency"], facts["tokens"], facts["size"]
    if latency["p50"] is not None:
        yield (
            f"One question at a time, half of the answers take at most {_seconds(latency['p50'])} s, 95 % at most "
            f"{_seconds(latency['p95'])} s ({latency['n']} questions)."
        )
    if rate := facts["throughput"]["per_second"]:
        yield f"In batches, the student writes {rate:,.{0 if rate >= 10 else 1}f} answers per second."
    if tokens["p50"] is not None:
        yield f"Half of the answers have at most {tokens['p50']:.0f} tokens, 95 % at most {tokens['p95']:.0f}."
    if size["bytes"]:
        parameters = f", {size['parameters']:,} parameters" if size["parameters"] else ""
        yield f"The student takes {_room(size['bytes'])}{parameters}."


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.0f}"


def _room(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"


def _test_suite_lines(test_suite: Mapping[str, Any]) -> Iterator[str]:
    if same := test_suite["n_same_on_data"]:
        killed, counts = test_suite["n_killed"], "counts" if test_suite["n_killed"] == 1 else "count"
        told = f"{killed} of them returned another result on a test database, and {counts} as wrong"
        yield f"{_same_result(same)}. {told if killed else 'No test database tells them apart'}."
    for reason, n in test_suite["not_checked"].items():
        yield (
            f"{_same_result(n)}. {'It counts' if n == 1 else 'They count'} as right without a check on test databases "
            f"({reason})."
        )


def _same_result(n: int) -> str:
    differs = "1 answer differs" if n == 1 else f"{n} answers differ"
    return f"{differs} from the reference and returned the same result"


# --- sentences --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words for metrics and baselines."""

    headline: str  # the metric that an evaluation is about
    baselines: Mapping[str, str]  # name → its meaning
    metrics: Mapping[str, str] = field(default_factory=dict)  # name → the beginning of a sentence about its values

    @classmethod
    def of(cls, plugins: Plugins) -> Self:
        """The words that installed metrics and baselines give."""
        metrics = {name: plugins.metric(name).wording for name in plugins.names("metrics")}
        return cls(
            headline=plugins.headline(),
            baselines=plugins.meanings(),
            metrics={name: wording for name, wording in metrics.items() if wording},
        )


def sentences(scores: Scores, splits: Sequence[str], words: Words) -> Iterator[str]:
    """The scores as sentences: the first split, the other splits, then the metrics that have a wording."""
    student = scores["student"]
    ran = [split for split in splits if student[split].get(words.headline, {}).get("value") is not None]
    empty = [split for split in splits if not any(score["n"] for score in student[split].values())]
    if empty:
        yield f"There are no questions in {_list(empty)}."
    if missing := [split for split in splits if split not in ran and split not in empty]:
        yield f"How often the student is right on {_list(missing)} is not known: no answer was executed."
    if not ran:
        return
    first, *others = ran
    beside = [
        f"{words.baselines.get(system, system)} on {rate} %" for system, rate in _beside(scores, first, words).items()
    ]
    yield f"The student is right on {'; '.join([_right(student, first, words), *beside])}."
    if others:
        yield f"It is right on {'; on '.join(_further(scores, split, words) for split in others)}."
    for name, wording in words.metrics.items():
        if rates := [f"{_percent(student[split][name])} % of {split}" for split in ran if name in student[split]]:
            yield f"{wording}: {_list(rates)}."


def _further(scores: Scores, split: str, words: Words) -> str:
    beside = _beside(scores, split, words)
    best = max(beside, key=lambda system: scores[system][split][words.headline]["value"], default="")
    compared = f", {words.baselines.get(best, best)} on {beside[best]} %" if best else ""
    high = scores["student"][split][words.headline]["high"]
    most = ": most of its answers there are wrong" if high is not None and high < 0.5 else ""
    return f"{_right(scores['student'], split, words)}{compared}{most}"


def _beside(scores: Scores, split: str, words: Words) -> dict[str, str]:
    """The rates of the other systems."""
    headlines = {system: of[split].get(words.headline) for system, of in scores.items() if system != "student"}
    return {system: _percent(score) for system, score in headlines.items() if score and score["value"] is not None}


def _right(student: Mapping[str, Mapping[str, Any]], split: str, words: Words) -> str:
    """``477 of 533 (89.5 %) new questions from known templates (test)``."""
    score = student[split][words.headline]
    right = f"{round(score['value'] * score['n']):,} of {score['n']:,} ({_percent(score)} %)"
    return f"{right} {SPLITS.get(split, 'questions')} ({split})"


def _list(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
