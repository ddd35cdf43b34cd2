"""The report's section that compares the student with each baseline of its run.

sections(run)  →  Section(title="Against the baselines", table=Table(…)); none if nothing was executed
                  Section(title="Instead of a large model", …); none if no model was prompted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Section, Table, Verdict
from dstill.errors import MissingExtra
from dstill.io.units import amount, percent

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

COLUMNS = ("set", "against", "items", "points", "gained", "lost", "p (Holm)", "would show", "")


def sections(run: Run) -> Iterator[Section]:
    """Both sections, as far as there is something to compare. The first one needs the extra ``evaluate``."""
    yield from _costs(run)
    scores = run.stages.get("evaluate", {}).get("scores", {})
    try:
        rows = list(_rows(run, scores))
    except MissingExtra:  # a report can be made without scipy
        return
    if rows:
        yield Section(
            title="Against the baselines",
            order=12,
            text="The student minus each baseline on the items that were judged for both, in points of executable "
            "accuracy with a 95 % interval from a bootstrap over templates. The p-value is McNemar's exact test after "
            "Holm's correction for all rows. The last figure is the smallest difference that this many items would "
            "show. `dstill experiment compare` compares runs in the same way.",
            table=Table(columns=COLUMNS, rows=tuple(rows)),
        )


def _costs(run: Run) -> Iterator[Section]:
    """The student beside the large models that were prompted with the same questions."""
    evaluated = run.stages.get("evaluate", {})
    costs, scores = evaluated.get("costs", {}), evaluated.get("scores", {})
    if len(costs) < 2:
        return
    split = next(iter(scores["student"]))
    yield Section(
        title="Instead of a large model",
        order=11,
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


def _rows(run: Run, scores: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    from dstill_evaluate.comparison import compare_pair, holm_corrected, judged_in_all
    from dstill_evaluate.wording import difference, p_value, points

    verdicts = {system: run.verdicts(system) for system in scores}
    compared = []
    for split in scores.get("student", {}):
        student = _by_id(verdicts["student"], split)
        for system in scores:
            baseline = _by_id(verdicts[system], split)
            ids = [] if system == "student" else judged_in_all([[student], [baseline]])
            if ids:
                compared.append((split, system, compare_pair([student], [baseline], ids)))
    corrected = holm_corrected([one for _, _, one in compared])
    for (split, system, _), one in zip(compared, corrected, strict=True):
        row = one.to_row()
        yield (
            split,
            system,
            f"{row['items']:,}",
            difference(row),
            f"{row['gained']:,}",
            f"{row['lost']:,}",
            p_value(row["p_holm"]),
            points(row["detectable"]),
            "" if one.distinguishable else "not distinguishable",
        )


def _by_id(verdicts: list[Verdict], split: str) -> dict[str, Verdict]:
    return {verdict.id: verdict for verdict in verdicts if verdict.split == split}
