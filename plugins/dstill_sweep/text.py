"""Describes sweeps and ablations for the terminal and the report: rows of tables, and sentences.

All functions take the facts that the sweep or the ablation recorded in run.json.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from dstill.api.records import Score
from dstill.io.units import size
from dstill_evaluate.wording import difference, p_is, p_value, points
from dstill_report.text import interval, percent
from dstill_sweep.trials import short

__all__ = ["ARMS", "SWEEP", "arm_rows", "common_settings", "comparison_sentence", "sweep_rows"]

SWEEP = ("trial", "accuracy", "95 %", "n", "memory", "time", "trained", "")
ARMS = ("arm", "accuracy", "± sd", "seeds", "steps", "time")


def sweep_rows(facts: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The trials, most accurate first, failed ones last."""
    rows: list[tuple[str, ...]] = []
    for row in sorted(facts["trials"], key=_order):
        name = ", ".join(f"{key.rpartition('.')[2]} {short(value)}" for key, value in row["changes"].items())
        if row["error"]:
            rows.append((name or row["name"], "", "", "", "", "", "", f"failed: {row['error']}"))
            continue
        score = Score.from_row(row["accuracy"])
        front = "front" if row["name"] in facts["front"] else ""
        rows.append(
            (
                name or "settings of the run",
                percent(score.value or 0.0),
                interval(score),
                f"{score.n:,}",
                size(row["peak_memory"]),
                f"{row['seconds']:.0f} s",
                f"{row['trained_parameters']:,}",
                front,
            )
        )
    return rows


def _order(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    value = (row["accuracy"] or {}).get("value") or 0.0
    return (bool(row["error"]), -value, row["name"])


def arm_rows(facts: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The arms of an ablation, with mean and standard deviation of accuracy over the seeds."""
    rows: list[tuple[str, ...]] = []
    for name, results in facts["arms"].items():
        values = [row["accuracy"]["value"] for row in results]
        deviation = percent(statistics.stdev(values)) if len(values) > 1 else "one seed"
        seconds = statistics.fmean(row["seconds"] for row in results)
        rows.append(
            (
                name,
                percent(statistics.fmean(values)),
                deviation,
                str(len(values)),
                f"{results[0]['steps']:,}",
                f"{seconds:.0f} s",
            )
        )
    return rows


def common_settings(facts: Mapping[str, Any]) -> str:
    """Settings that the ablation fixes for all arms."""
    return f"all arms: modality {facts['modality']}, no early stopping, no time limit"


def comparison_sentence(row: Mapping[str, Any]) -> str:
    """The comparison of two arms: difference, p-value, and the smallest detectable difference."""
    corrected = "" if row["p_holm"] == row["p"] else f", {p_value(row['p_holm'])} after Holm's correction"
    seeds = "one seed" if row["seeds"] == 1 else f"{row['seeds']} seeds"
    basis = f"{p_is(row['p'])}{corrected}; {row['items']:,} items of {row['clusters']:,} templates, {seeds}"
    if row["detectable"] is None:  # all templates differ equally: the variance is zero
        smallest = "the smallest detectable difference is not known"
    else:
        smallest = f"the smallest detectable difference is {points(row['detectable'])} points"
    word = "better" if row["difference"] > 0 else "worse"
    result = word if row["distinguishable"] else "not distinguishable"
    return f"{difference(row)} points, {result} ({basis}); {smallest}"
