"""The comparison of `dstill experiment compare`, as plain data for the terminal and for pages.

found = compared(read_arms(["a", "b"], open_run))
found.warnings     ("note: settings of the task differ, …",)
found.table        a row for each set and system: n, accuracy, difference, p-value
found.sentences    ("test: b is better than a by 5.1 points (…)",)
found.items        {"test": {"b": {"gained": [{"id": …, "question": …, "answers": {"a": […], …}}], "lost": []}}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.records import Table
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.io.units import amount, percent
from dstill_evaluate.comparison import compare
from dstill_evaluate.systems import (
    Arm,
    common_splits,
    differences,
    differing_judges,
    differing_packs,
    differing_settings,
)
from dstill_evaluate.wording import cell, difference, p_value, points, sentence

__all__ = ["Compared", "compared"]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A comparison, in figures and in words."""

    engine: str
    comparison: Mapping[str, Any]  # the result of `dstill_evaluate.comparison.compare`
    warnings: tuple[str, ...]  # what may make it unfair
    table: Table
    excluded: str  # which items were left out; empty: none
    cost_rows: Mapping[str, Sequence[Mapping[str, Any]]]  # system → what the answers of each of its runs take
    costs: Table | None  # the same for people; None: there is no large model among the systems
    sentences: tuple[str, ...]  # one for each comparison
    items: Mapping[str, Any]  # gained and lost items, each with its question, its gold and the answers of both systems


def compared(arms: Sequence[Arm], wanted: Sequence[str] = ()) -> Compared:
    """Compare every other arm with the first on the splits `wanted`, by default on all that every run was scored on.

    Raises DataError if the runs were scored on different things, UsageError for a split that is not common, RunError
    if no answer was executed in every run.
    """
    splits = _chosen(common_splits(arms), wanted)
    _require_comparable(arms, splits)
    comparison, engine = compare(arms, splits), arms[0].sides[0].evaluated["engine"]
    excluded = ", ".join(f"{n:,} of {split}" for split, n in comparison["n_unjudged"].items() if n)
    return Compared(
        engine=engine,
        comparison=comparison,
        warnings=tuple(_warnings(arms)),
        table=_table(comparison, engine),
        excluded=f"Excluded for all systems, because they could not be judged in one of the runs: {excluded}."
        if excluded
        else "",
        cost_rows={arm.label: [side.cost for side in arm.sides if side.cost] for arm in arms},
        costs=_costs(arms, splits[0]),
        sentences=tuple(sentence(row, row["system"], comparison["against"]) for row in comparison["comparisons"]),
        items=_items(arms, comparison),
    )


def _chosen(splits: Sequence[str], wanted: Sequence[str]) -> list[str]:
    if not splits:
        raise DataError("no split was scored in all of these runs", where="compare", hint="dstill evaluate RUN")
    for split in wanted:
        if split not in splits:
            raise UsageError(
                f"not every run was scored on '{split}'.{did_you_mean(split, splits)}",
                where="--split",
                hint=f"all of them were scored on {', '.join(splits)}",
            )
    return [split for split in splits if not wanted or split in wanted]


def _require_comparable(arms: Sequence[Arm], splits: Sequence[str]) -> None:
    if different := differences(arms, splits):
        more = f"\nand {len(different) - 8} more" if len(different) > 8 else ""
        raise DataError(
            "these runs cannot be compared: what they were scored on differs",
            where="\n".join(different[:8]) + more,
            hint="evaluate both on one dataset and one engine",
        )


def _warnings(arms: Sequence[Arm]) -> Iterator[str]:
    if keys := differing_settings(arms):
        yield f"note: settings of the task differ, and some decide how answers are judged: {', '.join(keys)}"
    if judges := differing_judges(arms):
        yield f"warning: these runs were judged by different plugins: {'; '.join(judges)}"
    if packs := differing_packs(arms):
        yield f"warning: these runs were judged by different versions of a pack: {'; '.join(packs)}"
    for side in (side for arm in arms for side in arm.sides):
        if side.evaluated.get("invalid"):
            yield f"warning: the evaluation of {side.label} is invalid: {side.evaluated['invalid']}"


def _table(comparison: Mapping[str, Any], engine: str) -> Table:
    against, by_system = comparison["against"], {(row["set"], row["system"]): row for row in comparison["comparisons"]}
    rows = []
    for split in comparison["n_unjudged"]:
        for label, shown in comparison["arms"].items():
            row = by_system.get((split, label))
            cells = (difference(row), p_value(row["p_holm"]), points(row["detectable"])) if row else ("", "", "")
            rows.append((split, label, f"{shown[split]['accuracy']['n']:,}", cell(shown[split]), *cells))
    return Table(
        columns=("set", "system", "#n", "#accuracy", "#difference", "#p (Holm)", "#would show"),
        rows=tuple(rows),
        title=f"executable accuracy in %, run on {engine}; differences to {against} in points; 95 % intervals",
    )


def _costs(arms: Sequence[Arm], split: str) -> Table | None:
    """The cost of a thousand answers, if a large model is among the systems."""
    sides = [side for arm in arms for side in arm.sides if side.cost]
    if all(side.system == "student" for side in sides):
        return None
    rows = []
    for side in sides:
        silent = side.evaluated["scores"][side.system][split].get("silent_error_rate", {}).get("value")
        taken = amount(side.cost["seconds_per_1000"], "{:,.1f}"), amount(side.cost["usd_per_1000"], "{:,.4f}")
        rows.append((side.label, "–" if silent is None else percent(silent), *taken))
    return Table(
        columns=("system", "#silently wrong, %", "#s per 1,000", "#USD per 1,000"),
        rows=tuple(rows),
        title=f"{split}, and what a thousand answers take (the student's: in batches)",
    )


def _items(arms: Sequence[Arm], comparison: Mapping[str, Any]) -> dict[str, Any]:
    first = arms[0].sides[0]

    def item(id: str, system: str) -> dict[str, Any]:
        record, pair = first.records[id], [arm for arm in arms if arm.label in (arms[0].label, system)]
        answers = {arm.label: [side.predictions[id].text for side in arm.sides] for arm in pair}
        correct = {arm.label: [side.verdicts[id].correct for side in arm.sides] for arm in pair}
        return {"id": id, "question": record.question, "gold": record.answer, "answers": answers, "correct": correct}

    return {
        split: {
            system: {kind: [item(id, system) for id in ids] for kind, ids in kinds.items()}
            for system, kinds in of_split.items()
        }
        for split, of_split in comparison["items"].items()
    }
