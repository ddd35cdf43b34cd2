"""`dstill export RUN --to FORM --out FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dstill.cli.console import emit, note, progress, say, table, visible
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, app, json_option, run_argument, set_option, setting
from dstill.errors import Interrupted, did_you_mean
from dstill_export.formats import NAMES

__all__ = ["export"]

SHOWN = 3  # differing answers that a person is shown
LONGEST = 400  # characters of each


class Form(click.Choice[str]):
    """One of `NAMES`; a name that is none of them may be near to one."""

    def get_invalid_choice_message(self, value: str, ctx: click.Context | None) -> str:
        return f"{super().get_invalid_choice_message(value, ctx)}{did_you_mean(value, NAMES)}"


@click.command(
    cls=Command,
    section="Use",
    examples=["dstill export runs/mine --to ctranslate2 --out student"],
    renamed={"--sample": "--limit"},
)
@run_argument
@click.option("--to", "form", required=True, type=Form(NAMES), help="Export format, see above.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder to write.")
@click.option("--limit", "sample", default=64, type=Count(1, 10**6), help="Number of questions to compare on.")
@click.option(
    "--parity",
    type=click.FloatRange(0, 1),
    metavar="RATE",
    help="Share of questions that must get the same answer. Default: 1; 0.9 for ctranslate2 and gguf.",
)
@setting("--engine-url", key="engine.url", metavar="URL", help="Execute answers that differ on this server.")
@json_option
@set_option
@app
def export(found: App, run: str, form: str, out: Path, sample: int, parity: float | None, as_json: bool) -> None:
    """Export the trained student for other programs.

    
    merged       one folder of safetensors, for plain transformers
    adapter      only the adapter, for peft with its base
    ctranslate2  8-bit weights, for CTranslate2 on a CPU
    gguf         for llama.cpp and tools that use it

    The export is read back and asked questions of the evaluated splits. If its answers differ from those of the
    evaluated student (neither the same text nor the same result), the export is deleted, and the command exits with
    9. To export the dataset, see `dstill data export`.
    """
    from dstill_export.card import figures
    from dstill_export.exporting import Differs
    from dstill_export.exporting import export as exported
    from dstill_export.forms import form_of

    opened = found.open(run)
    try:
        with progress() as report:
            opened.progress = report
            facts = exported(opened, form_of(form), out, count=sample, rate=parity)
    except Differs as problem:
        _tell(problem.items)
        raise
    except Interrupted as problem:
        problem.hint = "nothing is kept: run the same command again"
        raise
    if as_json:
        emit({"export": str(out), **{name: facts[name] for name in facts if name != "folder"}})
        return
    columns = ["", "#size", "#tokens/s, one question", f"#tokens/s, {facts['batch']} at once", "#same answers"]
    same = ("", f"{facts['parity']['same']} of {facts['parity']['n']}")
    table(columns, [[*row, told] for row, told in zip(figures(facts), same, strict=True)])
    say(f"exported to {out}; its README.md has code that uses it")


def _tell(items: Any) -> None:
    for item in items[:SHOWN]:
        note(f"{item.example.id}: {item.example.question}")
        note(f"  evaluated: {_short(item.want)}")
        note(f"  exported:  {_short(item.got)}")
        note(f"  {_short(item.reason)}")
    if len(items) > SHOWN:
        note(f"and {len(items) - SHOWN} more")


def _short(text: str) -> str:
    shown = visible(text) or "(nothing)"
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"
