"""Shows what the student and a large model answer together, for the terminal and the report.

show_cascade(facts)     # `dstill evaluate`; docs/confidence.md explains the figures
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill.cli.console import say, sentence, table
from dstill.io.units import amount, percent

__all__ = ["COLUMNS", "cut_rows", "show_cascade", "tenth_rows"]

COLUMNS = ("answered here, %", "right, %", "s per question", "USD per 1,000")
Splits = Mapping[str, Mapping[str, Any]]  # split → `dstill.confidence.cascade.Cascade`


def show_cascade(facts: Mapping[str, Any]) -> None:
    """Show a table for each split and model: each alone, and together at the cuts of the promises."""
    for system, splits in facts.get("cascade", {}).items():
        for split, figures in splits.items():
            title = f"{split}: the student, and {system} below the cut (n = {figures['n']:,})"
            table(["", *(f"#{name}" for name in COLUMNS)], list(cut_rows(system, figures)), title=title)
        columns = [f"#{name}" for name in _share_columns(splits)]
        table(columns, list(_share_rows(splits)), title="right in %, if the surest were answered here")
        sentence("The last table looks at the results of these questions: it describes them and promises nothing.")
        say()


def cut_rows(system: str, figures: Mapping[str, Any]) -> Iterator[list[str]]:
    """The student alone, each cut that holds, and the model alone; cells as in `COLUMNS`."""
    yield ["the student alone", *_cells(figures["student"], figures["n"])]
    for cut in figures["cuts"]:
        yield [f"--max-wrong {cut['max_wrong']:g}", *_cells(cut, figures["n"])]
    yield [f"{system} alone", *_cells(figures["large"], figures["n"])]


def tenth_rows(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    """Each share of the surest questions; cells as in `COLUMNS`."""
    for mix in figures["shares"]:
        yield [f"the surest {100 * mix['share']:g} %", *_cells(mix, figures["n"])]


def _share_columns(splits: Splits) -> list[str]:
    """The heads of the table of shares."""
    return ["answered here, %", *splits]


def _share_rows(splits: Splits) -> Iterator[list[str]]:
    """The share of right answers in each split if at most this share of it, the surest first, is answered here."""
    wanted = sorted({mix["share"] for figures in splits.values() for mix in figures["shares"]})
    for share in wanted:
        cells = ({mix["share"]: mix for mix in figures["shares"]}.get(share) for figures in splits.values())
        yield [f"{100 * share:g}", *("–" if mix is None else percent(mix["accuracy"]) for mix in cells)]


def _cells(mix: Mapping[str, Any], n: int) -> list[str]:
    right = f"{percent(mix['accuracy'])} [{percent(mix['low'])}, {percent(mix['high'])}]"
    taken = [amount(mix["seconds"], "{:,.3f}"), amount(mix["usd_per_1000"], "{:,.4f}")]
    return [percent(mix["here"] / n), right, *taken]
