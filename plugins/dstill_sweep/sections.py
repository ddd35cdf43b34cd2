"""The report's sections: what a sweep and an ablation came to, with their plots.

sections(run)  →  Section(title="Sweep", …), Section(title="Ablation", …); none where there was neither
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from dstill.api.records import Section, Table

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]


def sections(run: Run) -> Iterator[Section]:
    stages: Mapping[str, Mapping[str, Any]] = run.manifest["stages"]
    if facts := stages.get("sweep"):
        yield from _sweep(facts, stages.get("train", {}).get("modality", ""))
    if facts := stages.get("ablate"):
        yield _ablation(facts) if "modality" in facts else _of_before()


def _sweep(facts: Mapping[str, Any], modality: str) -> Iterator[Section]:
    """`modality`: of trials that do not choose one."""
    from dstill_report import plots
    from dstill_sweep.text import SWEEP, sweep_rows

    done = [row for row in facts["trials"] if not row["error"]]
    accuracy = [100 * row["accuracy"]["value"] for row in done]
    leads = [row["name"] in facts["front"] for row in done]
    modalities = [row["changes"].get("train.modality", modality) for row in done]
    yield Section(
        title="Sweep",
        order=60,
        text=f"{len(facts['trials'])} trials, scored on {facts['split']}; the front holds those that no other beats in "
        "accuracy, peak memory and time of training at once. What was chosen on a set is to be scored on another.",
        table=Table(columns=SWEEP, rows=tuple(sweep_rows(facts))),
        svg=plots.scatter(
            [(row["peak_memory"] / 2**20, value) for row, value in zip(done, accuracy, strict=True)],
            leads,
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
            leads,
            "Accuracy against time of training",
            "training, s",
            "accuracy, %",
            modalities,
        ),
    )
    ratios = _by_ratio(facts, modality)
    if any(len(points) > 1 for points in ratios.values()):
        yield Section(
            title="Sweep: alpha : rank",
            order=62,
            text="The mean over all trials of a modality with one ratio of lora_alpha to r.",
            svg=plots.curve(ratios, "Accuracy by alpha : rank", "accuracy, %", "alpha : rank"),
        )


def _by_ratio(facts: Mapping[str, Any], modality: str) -> dict[str, list[tuple[float, float]]]:
    """Modality → mean accuracy by ratio."""
    found: dict[str, dict[float, list[float]]] = {}
    for row in facts["trials"]:
        changes = row["changes"]
        if not row["error"] and "train.lora_alpha" in changes:
            of_modality = found.setdefault(changes.get("train.modality", modality) or "accuracy", {})
            ratio = changes["train.lora_alpha"] / changes.get("train.r", facts["rank"])
            of_modality.setdefault(ratio, []).append(100 * row["accuracy"]["value"])
    return {
        name: sorted((ratio, statistics.fmean(values)) for ratio, values in ratios.items())
        for name, ratios in found.items()
    }


def _of_before() -> Section:
    """Of an ablation that an earlier dstill made: it left no modality, and p-values without a correction."""
    return Section(
        title="Ablation: rationales",
        order=65,
        text="An earlier dstill made it: `dstill experiment ablate` makes it again.",
    )


def _ablation(facts: Mapping[str, Any]) -> Section:
    from dstill_report import plots
    from dstill_sweep.text import ARMS, arm_rows, held, verdict

    said = " ".join(f"DSS against {name}: {verdict(row)}." for name, row in facts["comparisons"].items())
    rows = {
        name: tuple(100 * row[key] for key in ("difference", "low", "high"))
        for name, row in facts["comparisons"].items()
    }
    return Section(
        title="Ablation: rationales",
        order=65,
        text=f"Distilling Step-by-Step against the label alone, on {facts['split']}; {held(facts)}. {said}",
        table=Table(columns=ARMS, rows=tuple(arm_rows(facts))),
        svg=plots.differences(
            {name: (row[0], row[1], row[2]) for name, row in rows.items()},
            "DSS minus the label alone, with 95 % intervals",
            "points of accuracy",
        ),
    )
