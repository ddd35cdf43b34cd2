"""`dstill experiment compare A B`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dstill.api.splits import SPLITS, split_name
from dstill.cli.console import emit, note, say, table, width
from dstill.cli.groups import Command
from dstill.cli.options import App, app, json_option
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.io.units import amount, percent

if TYPE_CHECKING:
    from dstill_evaluate.systems import Arm

__all__ = ["compare"]

MAX_ITEMS = 3  # gained and lost items that the terminal shows of each comparison; --json has all
MAX_LENGTH = 300  # characters of a question or an answer on the terminal
MAX_WIDTH = 100  # columns of a line of prose


@click.command(cls=Command, examples=["dstill experiment compare runs/first runs/second"])
@click.argument("systems", metavar="A B [C …]", nargs=-1, required=True)
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="SPLIT",
    help=f"Split to compare on (repeatable): {', '.join(SPLITS)}. Default: every split that all of the runs were "
    "scored on.",
)
@json_option
@app
def compare(found: App, systems: tuple[str, ...], splits: tuple[str, ...], as_json: bool) -> None:
    """Compare evaluated runs question by question.

    Compares each of the other runs with the first, on the same questions. A and B are runs: folders, or names of runs
    under ./runs. Join runs of different seeds with commas. RUN:BASELINE names a baseline that
    the run was evaluated with, such as nearest or untrained.

    
      dstill experiment compare a b                  # two students
      dstill experiment compare a1,a2,a3 b1,b2,b3    # several seeds of each, in the same order
      dstill experiment compare a:nearest a          # a baseline of a run, and its student

    Two systems are reported as different only if both the exact test (McNemar's, p below 5 % after Holm's correction)
    and the 95 % interval of the difference (bootstrap by question template) say so. Otherwise they are "not
    distinguishable". With several seeds, a permutation test and a t-test across seeds take the place of McNemar's.
    Runs with different questions, engines or data are refused.
    """
    from dstill_evaluate.comparison import compare as compare_arms
    from dstill_evaluate.systems import common_splits, read_arms

    if len(systems) < 2:
        raise UsageError(
            "one system alone cannot be compared",
            where="compare",
            hint="name another run, or a baseline of this one: "
            + command("experiment", "compare", f"{systems[0]}:nearest", systems[0]),
        )
    arms = read_arms(systems, found.open)
    chosen = _chosen(common_splits(arms), splits)
    _check_comparable(arms, chosen)
    comparison = compare_arms(arms, chosen)
    items, engine = _items(arms, comparison), arms[0].sides[0].evaluated["engine"]
    costs = {arm.label: [side.cost for side in arm.sides if side.cost] for arm in arms}
    if as_json:
        emit({"engine": engine, **comparison, "costs": costs, "items": items})
        return
    _show_table(comparison, engine)
    _show_costs(arms, chosen[0])
    _show_sentences(comparison)
    _show_items(items)


def _chosen(splits: Sequence[str], wanted: Sequence[str]) -> list[str]:
    if not splits:
        raise DataError("no split was scored in all of these runs", where="compare", hint="dstill evaluate RUN")
    wanted = [split_name(name, "--split") for name in wanted]
    for split in wanted:
        if split not in splits:
            raise UsageError(
                f"not every run was scored on '{split}'.{did_you_mean(split, splits)}",
                where="--split",
                hint=f"all of them were scored on {', '.join(splits)}",
            )
    return [split for split in splits if not wanted or split in wanted]


def _check_comparable(arms: Sequence[Arm], splits: Sequence[str]) -> None:
    """Warns of what may make the comparison unfair. Raises DataError if the runs were scored on different things."""
    from dstill_evaluate.systems import differences, differing_judges, differing_packs, differing_settings

    if different := differences(arms, splits):
        more = f"\nand {len(different) - 8} more" if len(different) > 8 else ""
        raise DataError(
            "these runs cannot be compared: what they were scored on differs",
            where="\n".join(different[:8]) + more,
            hint="evaluate both on one dataset and one engine",
        )
    if keys := differing_settings(arms):
        note(f"note: settings of the task differ, and some decide how answers are judged: {', '.join(keys)}")
    if judges := differing_judges(arms):
        note(f"warning: these runs were judged by different plugins: {'; '.join(judges)}")
    if packs := differing_packs(arms):
        note(f"warning: these runs were judged by different versions of a pack: {'; '.join(packs)}")
    for side in (side for arm in arms for side in arm.sides):
        if side.evaluated.get("invalid"):
            note(f"warning: the evaluation of {side.label} is invalid: {side.evaluated['invalid']}")


def _items(arms: Sequence[Arm], comparison: Mapping[str, Any]) -> dict[str, Any]:
    """The gained and lost items, each with its question, its gold and the answers of both systems."""
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


def _show_table(comparison: Mapping[str, Any], engine: str) -> None:
    from dstill_evaluate.wording import cell

    against, by_system = comparison["against"], {(row["set"], row["system"]): row for row in comparison["comparisons"]}
    rows = []
    for split in comparison["n_unjudged"]:
        for label, shown in comparison["arms"].items():
            row = by_system.get((split, label))
            cells = _cells(row) if row else ["", "", ""]
            rows.append([split, label, f"{shown[split]['accuracy']['n']:,}", cell(shown[split]), *cells])
    table(
        ["set", "system", "#n", "#accuracy", "#difference", "#p (Holm)", "#would show"],
        rows,
        title=f"executable accuracy in %, run on {engine}; differences to {against} in points; 95 % intervals",
    )
    excluded = ", ".join(f"{n:,} of {split}" for split, n in comparison["n_unjudged"].items() if n)
    if excluded:
        _say_wrapped(f"Excluded for all systems, because they could not be judged in one of the runs: {excluded}.")
    say()


def _show_costs(arms: Sequence[Arm], split: str) -> None:
    """What a thousand answers take, if a large model is among the systems."""
    sides = [side for arm in arms for side in arm.sides if side.cost]
    if all(side.system == "student" for side in sides):
        return
    rows = []
    for side in sides:
        silent = side.evaluated["scores"][side.system][split].get("silent_error_rate", {}).get("value")
        taken = [amount(side.cost["seconds_per_1000"], "{:,.1f}"), amount(side.cost["usd_per_1000"], "{:,.4f}")]
        rows.append([side.label, "–" if silent is None else percent(silent), *taken])
    columns = ["system", "#silently wrong, %", "#s per 1,000", "#USD per 1,000"]
    table(columns, rows, title=f"{split}, and what a thousand answers take (the student's: in batches)")
    say()


def _cells(row: Mapping[str, Any]) -> list[str]:
    from dstill_evaluate.wording import difference, p_value, points

    return [difference(row), p_value(row["p_holm"]), points(row["detectable"])]


def _show_sentences(comparison: Mapping[str, Any]) -> None:
    from dstill_evaluate.wording import sentence

    for row in comparison["comparisons"]:
        _say_wrapped(sentence(row, row["system"], comparison["against"]))


def _say_wrapped(text: str) -> None:
    say(textwrap.fill(text, min(width(), MAX_WIDTH), break_long_words=False, break_on_hyphens=False), lines=True)


def _show_items(items: Mapping[str, Any]) -> None:
    for split, of_split in items.items():
        for system, kinds in of_split.items():
            for kind, rows in kinds.items():
                if not rows:
                    continue
                count = f"{len(rows)}" if len(rows) <= MAX_ITEMS else f"{MAX_ITEMS} of {len(rows)}; --json has all"
                say(f"\n{kind} by {system} on {split} ({count}):", lines=True)
                for row in rows[:MAX_ITEMS]:
                    _show_item(row)


def _show_item(row: Mapping[str, Any]) -> None:
    _say_shortened(f"  {row['id']}: {row['question']}")
    for label, answers in row["answers"].items():
        for answer, correct in zip(answers, row["correct"][label], strict=True):
            _say_shortened(f"    {label} {'right' if correct else 'wrong'}: {answer or '(nothing)'}")


def _say_shortened(text: str) -> None:
    line = " ".join(text.split("\n"))
    say(line if len(line) <= MAX_LENGTH else f"{line[:MAX_LENGTH]}…")
