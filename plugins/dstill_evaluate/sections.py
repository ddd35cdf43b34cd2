"""The report's section on the student against each baseline of its run, item by item.

sections(run)  →  Section(title="Against the baselines", table=Table(…)); none where nothing was executed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Mapping

from dstill.api.records import Section, Table, Verdict
from dstill.errors import MissingExtra

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]

COLUMNS = ("set", "against", "items", "points", "gained", "lost", "p (Holm)", "would show", "")


def sections(run: Run) -> Iterator[Section]:
    scores: Mapping[str, Any] = run.manifest["stages"].get("evaluate", {}).get("scores", {})
    try:
        rows = list(_rows(run, scores))
    except MissingExtra:  # the report does not need scipy; who has evaluated here has it
        return
    if rows:
        yield Section(
            title="Against the baselines",
            order=12,
            text="The student against each baseline on the items that count for both, in points of executable "
            "accuracy with a 95 % interval that draws whole templates. The p-value is of McNemar's exact test, "
            "after Holm's correction for all rows. The last figure is the smallest difference that so many items "
            "would show. `dstill experiment compare` puts runs side by side in this way.",
            table=Table(columns=COLUMNS, rows=tuple(rows)),
        )


def _rows(run: Run, scores: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    from dstill_evaluate.comparison import corrected, counted, held_against
    from dstill_evaluate.wording import difference, p_value, points

    verdicts = {system: run.verdicts(system) for system in scores}
    found = []
    for split in scores.get("student", {}):
        student = _of(verdicts["student"], split)
        for system in scores:
            ids = [] if system == "student" else counted([[student], [_of(verdicts[system], split)]])
            if ids:
                found.append((split, system, held_against([student], [_of(verdicts[system], split)], ids)))
    after = corrected([one for _, _, one in found])
    for (split, system, _), one in zip(found, after, strict=True):
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


def _of(verdicts: list[Verdict], split: str) -> dict[str, Verdict]:
    return {verdict.id: verdict for verdict in verdicts if verdict.split == split}
