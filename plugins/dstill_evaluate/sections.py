"""The report's section that compares the student with each baseline of its run.

sections(run)  →  Section(title="Against the baselines", table=Table(…)); none if nothing was executed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Section, Table, Verdict
from dstill.errors import MissingExtra

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

COLUMNS = ("set", "against", "items", "points", "gained", "lost", "p (Holm)", "would show", "")


def sections(run: Run) -> Iterator[Section]:
    """One section, or none without verdicts to compare or without the extra ``evaluate``."""
    scores: Mapping[str, Any] = run.manifest["stages"].get("evaluate", {}).get("scores", {})
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
