"""The package's own sections, by the hook that everybody's come in by.

    sections(run)  →  Section(title="Scores", order=10, table=Table(…)), …, in plain data

Each function takes the run and gives one section, or None where the run has nothing for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping

from dstill.cli.app import described
from dstill.records import SPLITS, Score, Section, Table
from dstill_evaluate.metrics import rank
from dstill_report import plots
from dstill_report.text import interval, percent, shown, size, words

if TYPE_CHECKING:
    from dstill.run import Run

__all__ = ["sections"]


def sections(run: Run) -> Iterator[Section]:
    stages: Mapping[str, Mapping[str, Any]] = run.manifest["stages"]
    evaluated, trained = stages.get("evaluate", {}), stages.get("train", {})
    made = (
        _scores(evaluated.get("scores", {}), _meanings(run)),
        _not_counted(evaluated.get("scores", {})),
        _categories(evaluated.get("categories", {})),
        _indices(evaluated.get("indices", {})),
        _engines(stages),
        _training(trained),
        _modality(trained),
        _dataset(run, stages.get("generate", {})),
        _rejections(run),
        _files(run.manifest),
    )
    yield from (section for section in made if section is not None)


def _meanings(run: Run) -> dict[str, str]:
    """What each metric that is installed measures: the first line of its docstring."""
    return {name: described(run.plugins.metric(name)) for name in run.plugins.names("metrics")}


def _scores(scores: Mapping[str, Any], meanings: Mapping[str, str]) -> Section | None:
    sets = [(system, split) for system in scores for split in scores[system]]
    metrics = sorted({metric for system, split in sets for metric in scores[system][split]}, key=rank)
    if not metrics:
        return None
    rows = []
    for metric in metrics:
        found = [scores[system][split].get(metric) for system, split in sets]
        rows.append((words(metric), *(_cell(score) for score in found)))
    explained = [f"{words(metric)}: {meanings[metric]}" for metric in metrics if meanings.get(metric)]
    intro = "Every rate with its 95 % Wilson interval and the number of answers that it is taken over."
    return Section(
        title="Scores",
        order=10,
        text="\n".join([intro, *explained]),
        table=Table(columns=("", *(f"{system}, {split}" for system, split in sets)), rows=tuple(rows)),
    )


def _cell(row: Mapping[str, Any] | None) -> str:
    """A rate, and in a second line its interval and n."""
    if row is None:
        return ""
    score = Score.from_row(row)
    if score.value is None:
        return shown(score)
    return f"{percent(score.value)}\n{interval(score)} n {score.n:,}"


def _not_counted(scores: Mapping[str, Any]) -> Section | None:
    rows = [
        (system, split, str(score["n"]), score["note"].rpartition("left out: ")[2])
        for system in scores
        for split, metrics in scores[system].items()
        for score in [metrics.get("executable_accuracy")]
        if score and "left out: " in score["note"]
    ]
    if not rows:
        return None
    return Section(
        title="Left out of accuracy",
        order=15,
        text="Answers whose gold tells nothing or fails, or that the engine could not run, "
        "are counted here and never held against a system.",
        table=Table(columns=("system", "set", "counted", "left out"), rows=tuple(rows)),
    )


def _categories(categories: Mapping[str, Any]) -> Section | None:
    return _parts(
        categories,
        Section(title="Categories", order=20, text="The student's answers by category of question, the weakest first."),
        ("category", "Executable accuracy by category, with 95 % intervals"),
    )


def _indices(indices: Mapping[str, Any]) -> Section | None:
    return _parts(
        indices,
        Section(title="Indices", order=22, text="The student's answers by the index asked about, the weakest first."),
        ("index", "Executable accuracy by index, with 95 % intervals"),
    )


def _parts(parts: Mapping[str, Any], section: Section, names: tuple[str, str]) -> Section | None:
    """`section` with a table and a plot of the first set's parts; `names`: of a part, and of the plot."""
    if not parts:
        return None
    accuracy = {c: Score.from_row(m["executable_accuracy"]) for c, m in parts.items() if "executable_accuracy" in m}
    columns = ("executable_accuracy", "exact_match", "silent_wrong")

    def weakness(part: str) -> tuple[bool, float, str]:
        value = accuracy[part].value if part in accuracy else None
        return (value is None, value or 0, part)

    rows = tuple(
        (part, *(_cell(parts[part].get(metric)) for metric in columns)) for part in sorted(parts, key=weakness)
    )
    return replace(
        section,
        table=Table(columns=(names[0], *(words(c) for c in columns)), rows=rows),
        svg=plots.intervals(accuracy, names[1]),
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
        text="The same answers, judged by more than one engine.",
        table=Table(columns=("engine", "set", "executable accuracy of the student"), rows=rows),
    )


def _training(trained: Mapping[str, Any]) -> Section | None:
    if not trained:
        return None
    history = trained.get("history", ())
    lines = {
        label: [(point["step"], point[key]) for point in history if key in point and "step" in point]
        for label, key in (("training", "loss"), ("validation", "eval_loss"))
    }
    facts = {
        "student": trained["student"],
        "objective": trained["objective"],
        "steps": f"{trained['steps']:,}",
        "time of these steps": f"{trained['student_seconds']:,.0f} s",
        "time of the whole stage": f"{trained['seconds']:,.0f} s",
        "peak memory": size(trained["peak_memory"]),
        "trained parameters": f"{trained['trained_parameters']:,} of {trained['all_parameters']:,}",
        **{f"last {label} loss": f"{points[-1][1]:.4f}" for label, points in lines.items() if points},
    }
    return Section(
        title="Training",
        order=30,
        table=Table(columns=("", ""), rows=tuple(facts.items())),
        svg=plots.curve(lines, "Loss over training steps", "loss"),
    )


def _modality(trained: Mapping[str, Any]) -> Section | None:
    reasons = trained.get("choice")
    if not reasons:
        return None
    chosen, device = trained["modality"], trained["device"]
    rows = tuple(
        (
            reason["modality"],
            size(reason["need"]),
            ", ".join(f"{name} {size(part)}" for name, part in reason["parts"].items()),
            "; ".join(filter(None, ["taken" if reason["modality"] == chosen else "", reason["unfit"] or "fits"])),
        )
        for reason in reasons
    )
    how = "The only one looked at: it was asked for." if len(reasons) == 1 else "Fullest first; the fullest that fits."
    return Section(
        title="Modality",
        order=40,
        text=f"{chosen}, on {device['name']} with {size(device['free'])} free of {size(device['total'])}. {how}",
        table=Table(columns=("modality", "need", "of which", "verdict"), rows=rows),
    )


def _dataset(run: Run, generated: Mapping[str, Any]) -> Section | None:
    counts = {split: Counter(record.category for record in run.records(split)) for split in SPLITS}
    splits = [split for split in SPLITS if counts[split]]
    if not splits:
        return None
    categories = sorted({category for split in splits for category in counts[split]})
    lines = [("all", [counts[split].total() for split in splits])]
    if categories != [""]:
        lines += [(category or "none", [counts[split][category] for split in splits]) for category in categories]
    text = "Rows by category and set."
    if generated:
        text = (
            f"{generated['questions']:,} questions put to the teacher '{generated['teacher']}': "
            f"{generated['accepted']:,} answers accepted, {generated['rejected']:,} rejected. {text}"
        )
    return Section(
        title="Dataset",
        order=50,
        text=text,
        table=Table(columns=("category", *splits), rows=tuple((name, *(f"{n:,}" for n in row)) for name, row in lines)),
    )


def _rejections(run: Run) -> Section | None:
    codes: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for rejection in run.rejections():
        problem = next((p for p in rejection.problems if p.is_error), None)
        if problem is not None:
            key = (problem.layer, problem.code)
            codes[key] += 1
            first.setdefault(key, (rejection.id, problem.message))
    if not codes:
        return None
    rows = tuple((layer, code, f"{n:,}", *first[layer, code]) for (layer, code), n in codes.most_common())
    return Section(
        title="Rejections",
        order=55,
        text="Replies that did not become rows of the dataset, by the first error found in each.",
        table=Table(columns=("layer", "code", "replies", "first", "as"), rows=rows),
    )


def _files(manifest: Mapping[str, Any]) -> Section:
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    rows: Iterable[tuple[str, str, str]] = (
        (name, f"{facts['rows']:,}", facts["sha256"][:16]) for name, facts in sorted(manifest["files"].items())
    )
    return Section(
        title="What it was made from",
        order=90,
        text=f"Seed {manifest['seed']}; {versions}.",
        table=Table(columns=("file", "rows", "sha256, its first 16 digits"), rows=tuple(rows)),
    )
