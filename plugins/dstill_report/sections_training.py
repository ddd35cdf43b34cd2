"""The report's sections on how the student was trained: training, modality, dataset, rejections, review, files.

sections(run)  →  Section(title="Training", order=30, svg="<svg …"), …
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.metric import rate
from dstill.api.records import SPLITS, Section, Table
from dstill.io.units import size
from dstill.quality import review
from dstill.runs.review_log import decisions
from dstill_report import plots
from dstill_report.text import shown

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

DECISIONS = {
    review.ACCEPT: "accepted",
    review.REJECT: "rejected",
    review.EDIT: "edited",
    review.SKIP: "skipped",
}


def sections(run: Run) -> Iterator[Section]:
    """Yield the sections on training and data that `run` has content for."""
    stages = run.stages
    trained = stages.get("train", {})
    parts = (
        _training(trained),
        _modality(trained),
        _dataset(run, stages.get("generate", {})),
        _rejections(run),
        _review(run, trained),
        _files(run.manifest),
    )
    yield from (section for section in parts if section is not None)


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
        "time of the steps": f"{trained['training_seconds']:,.0f} s",
        "time of the whole stage": f"{trained['seconds']:,.0f} s",
        "peak memory": size(trained["peak_memory"]),
        "trained parameters": f"{trained['trained_parameters']:,} of {trained['all_parameters']:,}",
        **{f"last {label} loss": f"{points[-1][1]:.4f}" for label, points in lines.items() if points},
    }
    return Section(
        title="Training",
        order=30,
        folded=True,
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
            size(reason["memory_required"]),
            ", ".join(f"{name} {size(part)}" for name, part in reason["parts"].items() if part),
            "; ".join(
                filter(None, ["chosen" if reason["modality"] == chosen else "", reason["unfit_reason"] or "fits"])
            ),
        )
        for reason in reasons
    )
    how = (
        "It was set explicitly, so no other was considered."
        if len(reasons) == 1
        else "Modalities are tried in order of preference; the first one that fits is chosen."
    )
    return Section(
        title="Modality",
        order=40,
        folded=True,
        text=f"{chosen}, on {device['name']} with {size(device['free'])} of {size(device['total'])} free. {how}",
        table=Table(columns=("modality", "memory", "parts", "verdict"), rows=rows),
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
    text = "Rows by category and split."
    if generated:
        text = (
            f"{generated['questions']:,} questions for the teacher '{generated['teacher']}': "
            f"{generated['accepted']:,} answers accepted, {generated['rejected']:,} rejected. {text}"
        )
    return Section(
        title="Dataset",
        order=50,
        folded=True,
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
        folded=True,
        text="Teacher replies that did not become rows of the dataset, by the first error in each.",
        table=Table(columns=("layer", "code", "replies", "first example", "message"), rows=rows),
    )


def _review(run: Run, trained: Mapping[str, Any]) -> Section | None:
    """People's decisions about the current rows; decisions about rows that changed since are counted separately."""
    latest = review.latest(decisions(run))
    if not latest:
        return None
    records = [record for split in SPLITS for record in run.records(split, raw=True)]
    digests = {record.id: review.digest(record) for record in records if record.id in latest}
    current = [decision for decision in latest.values() if digests.get(decision.id) == decision.digest]
    counts = Counter(DECISIONS[decision.decision] for decision in current)
    judged = sum(counts[DECISIONS[name]] for name in review.JUDGEMENTS)
    rows = [(name, f"{counts[name]:,}") for name in DECISIONS.values() if counts[name]]
    rows.append(("acceptance rate", f"{shown(rate('accepted', counts[DECISIONS[review.ACCEPT]], judged))}"))
    if len(current) < len(latest):
        rows.append(("rows changed since the review", f"{len(latest) - len(current):,}"))
    message = trained.get("review", {}).get("message", "")
    return Section(
        title="Review",
        order=57,
        folded=True,
        text="People's decisions about rows of the dataset. Rejected rows are removed. Edited rows count as not "
        "accepted." + (f" When the student was trained, {message}." if message else ""),
        table=Table(columns=("", "rows"), rows=tuple(rows)),
    )


def _files(manifest: Mapping[str, Any]) -> Section:
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    rows: Iterable[tuple[str, str, str]] = (
        (name, f"{facts['rows']:,}", facts["sha256"][:16]) for name, facts in sorted(manifest["files"].items())
    )
    return Section(
        title="Data and versions",
        order=90,
        folded=True,
        text=f"Seed {manifest['seed']}; {versions}.",
        table=Table(columns=("file", "rows", "SHA-256 (first 16 digits)"), rows=tuple(rows)),
    )
