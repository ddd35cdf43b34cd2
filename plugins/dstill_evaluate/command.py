"""`dstill experiment compare A B`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import click

from dstill.api.splits import SPLITS
from dstill.cli.console import emit, note, say, table, width
from dstill.cli.groups import Command
from dstill.cli.options import App, json_option, pass_app
from dstill.errors import UsageError
from dstill.io.shell import command

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
@pass_app
def compare(app: App, systems: tuple[str, ...], splits: tuple[str, ...], as_json: bool) -> None:
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
    from dstill_evaluate.compared import compared
    from dstill_evaluate.systems import read_arms

    if len(systems) < 2:
        raise UsageError(
            "one system alone cannot be compared",
            where="compare",
            hint="name another run, or a baseline of this one: "
            + command("experiment", "compare", f"{systems[0]}:nearest", systems[0]),
        )
    shown = compared(read_arms(systems, app.open), splits)
    for line in shown.warnings:
        note(line)
    if as_json:
        emit({"engine": shown.engine, **shown.comparison, "costs": shown.cost_rows, "items": shown.items})
        return
    for part in (shown.table, shown.costs):
        if part is not None:
            table(part.columns, part.rows, title=part.title)
            if part is shown.table and shown.excluded:
                _say_wrapped(shown.excluded)
            say()
    for sentence in shown.sentences:
        _say_wrapped(sentence)
    _show_items(shown.items)


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
