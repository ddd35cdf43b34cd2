"""The report's sections on a sweep and an ablation, with plots.

sections(run)  →  Section(title="Sweep", …), Section(title="Ablation: rationales", …)
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Section, Table

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]


def sections(run: Run) -> Iterator[Section]:
    """Yield the sections on the sweep and the ablation of `run`, if it has them."""
    stages = run.stages
    if facts := stages.get("sweep"):
        yield from _sweep(facts, stages.get("train", {}).get("modality", ""))
    if facts := stages.get("ablate"):
        yield _ablation(facts)


def _sweep(facts: Mapping[str, Any], modality: str) -> Iterator[Section]:
    """`modality` is that of trials that do not set one."""
    from dstill_report import plots
    from dstill_sweep.text import SWEEP, sweep_rows

    done = [row for row in facts["trials"] if not row["error"]]
    accuracy = [100 * row["accuracy"]["value"] for row in done]
    on_front = [row["name"] in facts["front"] for row in done]
    modalities = [row["changes"].get("train.modality", modality) for row in done]
    yield Section(
        title="Sweep",
        order=60,
        text=f"{len(facts['trials'])} trials, scored on {facts['split']}. A trial is on the Pareto front if no other "
        "one is at least as good in accuracy, peak memory and training time. Score the trial that you choose on "
        "another split.",
        table=Table(columns=SWEEP, rows=tuple(sweep_rows(facts))),
        svg=plots.scatter(
            [(row["peak_memory"] / 2**20, value) for row, value in zip(done, accuracy, strict=True)],
            on_front,
            "Accuracy against peak memory",
            "peak memory, MiB",
            "accuracy, %",
            modalities,
        ),
    )
    yield Section(
        title="Sweep: time",
        order=61,
        svg=plots.scatter(
            [(row["seconds"], value) for row, value in zip(done, accuracy, strict=True)],
            on_front,
            "Accuracy against training time",
            "training time, s",
            "accuracy, %",
            modalities,
        ),
    )
    ratios = _by_ratio(facts, modality)
    if any(len(points) > 1 for points in ratios.values()):
        yield Section(
            title="Sweep: alpha : rank",
            order=62,
            text="Mean accuracy over all trials of a modality with the same ratio of lora_alpha to r.",
            svg=plots.curve(ratios, "Accuracy by alpha : rank", "accuracy, %", "alpha : rank"),
        )


def _by_ratio(facts: Mapping[str, Any], modality: str) -> dict[str, list[tuple[float, float]]]:
    """Modality → (ratio of lora_alpha to r, mean accuracy in percent)."""
    accuracies: dict[str, dict[float, list[float]]] = {}
    for row in facts["trials"]:
        changes = row["changes"]
        if not row["error"] and "train.lora_alpha" in changes:
            of_modality = accuracies.setdefault(changes.get("train.modality", modality) or "accuracy", {})
            ratio = changes["train.lora_alpha"] / changes.get("train.r", facts["rank"])
            of_modality.setdefault(ratio, []).append(100 * row["accuracy"]["value"])
    return {
        name: sorted((ratio, statistics.fmean(values)) for ratio, values in ratios.items())
        for name, ratios in accuracies.items()
    }


def _ablation(facts: Mapping[str, Any]) -> Section:
    from dstill_report import plots
    from dstill_sweep.text import ARMS, arm_rows, common_settings, comparison_sentence

    comparisons = " ".join(
        f"DSS against {name}: {comparison_sentence(row)}." for name, row in facts["comparisons"].items()
    )
    rows = {
        name: tuple(100 * row[key] for key in ("difference", "low", "high"))
        for name, row in facts["comparisons"].items()
    }
    return Section(
        title="Ablation: rationales",
        order=65,
        text=f"Distilling Step-by-Step (DSS) against labels only, on {facts['split']}; {common_settings(facts)}. "
        f"{comparisons}",
        table=Table(columns=ARMS, rows=tuple(arm_rows(facts))),
        svg=plots.differences(
            {name: (row[0], row[1], row[2]) for name, row in rows.items()},
            "DSS minus label-only, with 95 % intervals",
            "accuracy, points",
        ),
    )
