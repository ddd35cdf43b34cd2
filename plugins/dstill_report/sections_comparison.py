"""The report's sections that hold the student against other systems: baselines, the run before, large models.

sections(run)  →  Section(title="Comparison", svg="<svg …"), …; none if nothing was executed
                  Section(title="Instead of a large model", …); none if no model was prompted

The run before is the newest earlier one beside this one that was scored on the same questions, data and engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.records import Section, Table
from dstill.errors import DstillError, MissingExtra
from dstill.io.units import amount, percent
from dstill.runs.folder import data_file
from dstill.runs.manifest import MANIFEST
from dstill_report import plots

if TYPE_CHECKING:
    from dstill.runs.run import Run
    from dstill_evaluate.systems import Arm

__all__ = ["sections"]

COLUMNS = ("set", "against", "points", "gained", "lost", "p (Holm)", "")
MOST_RUNS = 20  # earlier runs
RUN = "run "  # before the name of another run; no system is called so


def sections(run: Run) -> Iterator[Section]:
    """Both sections, as far as there is something to compare. The first one needs the extra ``evaluate``."""
    yield from _costs(run)
    try:
        rows = _compared(run)
    except MissingExtra:  # a report can be made without scipy
        return
    if rows:
        yield from _comparison(rows)


def _comparison(rows: list[dict[str, Any]]) -> Iterator[Section]:
    from dstill_evaluate.wording import difference, p_value, points

    def remark(row: Mapping[str, Any]) -> str:
        return "" if row["distinguishable"] else f"not distinguishable: {points(row['detectable'])} points would show"

    table = tuple(
        (
            row["set"],
            row["system"],
            difference(row),
            f"{row['gained']:,}",
            f"{row['lost']:,}",
            p_value(row["p_holm"]),
            remark(row),
        )
        for row in rows
    )
    runs = [row["system"] for row in rows if row["system"].startswith(RUN)]
    before = f" The {runs[0]} is the one before this." if runs else ""
    named = {f"{row['set']}, against {row['system']}": row for row in rows}
    yield Section(
        title="Comparison",
        order=10,
        text="The student minus each other system, in points of accuracy on the same questions, with 95 % intervals. A "
        f"hollow point is not distinguishable from zero.{before}",
        svg=plots.differences(
            {name: (100 * row["difference"], 100 * row["low"], 100 * row["high"]) for name, row in named.items()},
            "The student minus other systems",
            "points of accuracy",
            hollow={name for name, row in named.items() if not row["distinguishable"]},
        ),
    )
    yield Section(
        title="Comparison in figures",
        order=74,
        folded=True,
        text="The interval is from a bootstrap over templates, p from McNemar's exact test after Holm's correction for "
        "all rows. `dstill experiment compare` compares runs in the same way.",
        table=Table(columns=COLUMNS, rows=table),
    )


def _compared(run: Run) -> list[dict[str, Any]]:
    """Each set and other system with the fields of `PairComparison.to_row`."""
    from dstill_evaluate.comparison import compare_pair, holm_corrected, judged_in_all
    from dstill_evaluate.systems import Arm, Side

    scores: Mapping[str, Any] = run.manifest["stages"].get("evaluate", {}).get("scores", {})
    if "student" not in scores:
        return []
    sides = {system: Side(label=system, run=run, system=system) for system in scores}
    student = sides.pop("student")
    before = _run_before(Arm(label=run.name, sides=(student,)))
    others = {**sides, **({f"{RUN}{before.label}": before.sides[0]} if before else {})}
    compared = []
    for split in scores["student"]:
        ours = student.of(split)
        for name, other in others.items():
            theirs = other.of(split)
            if ids := judged_in_all([[ours], [theirs]]):
                compared.append((split, name, compare_pair([ours], [theirs], ids)))
    corrected = holm_corrected([row for _, _, row in compared])
    return [
        {"set": split, "system": name, **row.to_row()}
        for (split, name, _), row in zip(compared, corrected, strict=True)
    ]


def _run_before(arm: Arm) -> Arm | None:
    """The student of the newest earlier run beside this one that can be compared with it."""
    from dstill.runs.run import Run
    from dstill_evaluate.systems import Arm, Side, common_splits, differences

    run = arm.sides[0].run
    for place in _earlier(run)[:MOST_RUNS]:
        with contextlib.suppress(DstillError):  # a damaged run, or one of a pack that is not installed
            side = Side(label=place.name, run=Run.open(place, plugins=run.plugins), system="student")
            before = Arm(label=place.name, sides=(side,))
            if not differences([arm, before], common_splits([arm, before])):
                return before
    return None


def _earlier(run: Run) -> list[Path]:
    """Earlier runs beside `run`, the newest first, whose engine and numbers of questions are the same."""
    from dstill.runs.folder import RunFolder

    folder, runs = run.folder.absolute(), []
    for place in folder.parent.iterdir():
        if place != folder and (place / MANIFEST).is_file():
            with contextlib.suppress(DstillError):
                manifest = RunFolder.read(place).manifest
                if manifest["created"] < run.manifest["created"] and _scored_alike(manifest, run.manifest):
                    runs.append((manifest["created"], place))
    return [place for _, place in sorted(runs, reverse=True)]


def _scored_alike(first: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether nothing in the manifests says that the two runs were scored on different things."""
    ours, theirs = (manifest["stages"].get("evaluate", {}) for manifest in (first, other))
    splits = set(ours.get("scores", {}).get("student", ())) & set(theirs.get("scores", {}).get("student", ()))
    counts, same = [[m["files"].get(data_file(split), {}).get("rows") for split in splits] for m in (first, other)]
    return bool(splits) and counts == same and ours["engine"] == theirs["engine"] and not ours.get("invalid")


def _costs(run: Run) -> Iterator[Section]:
    """The student beside the large models that were prompted with the same questions."""
    evaluated: Mapping[str, Any] = run.manifest["stages"].get("evaluate", {})
    costs, scores = evaluated.get("costs", {}), evaluated.get("scores", {})
    if len(costs) < 2:
        return
    split = next(iter(scores["student"]))
    yield Section(
        title="Instead of a large model",
        order=12,
        text=f"The student and large models on the same questions of {split}. The models saw the same description of "
        "the data, and worked examples from the training rows. Seconds are the mean time of an answer; the student "
        "writes in batches. Models cost their list price or the price that was set, the student its machine time "
        "(evaluate.machine_usd_per_hour). Replies from the reply store count as if they were bought.",
        table=Table(
            columns=("", "right", "silently wrong", "s per 1,000", "USD per 1,000"),
            rows=tuple(_cost_row(system, cost, scores[system][split]) for system, cost in costs.items()),
        ),
    )


def _cost_row(system: str, cost: Mapping[str, Any], scores: Mapping[str, Any]) -> tuple[str, ...]:
    rates = [scores.get(name, {}).get("value") for name in ("executable_accuracy", "silent_error_rate")]
    return (
        system,
        *("–" if rate is None else f"{percent(rate)} %" for rate in rates),
        amount(cost["seconds_per_1000"], "{:,.1f}"),
        amount(cost["usd_per_1000"], "{:,.4f}"),
    )
