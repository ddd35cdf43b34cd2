"""`dstill export RUN --to FORM --out FOLDER`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dstill.cli.console import emit, note, progress, say, table, visible
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, Number, engine_url_option, json_option, pass_app, run_argument, set_option
from dstill.errors import Interrupted, did_you_mean
from dstill_export.formats import NAMES

__all__ = ["export"]

MOST_SHOWN = 3  # differing answers to print
MAX_TEXT = 400  # characters of a printed answer


class Form(click.Choice[str]):
    """One of `NAMES`; the error for any other value suggests a similar one."""

    def get_invalid_choice_message(self, value: str, ctx: click.Context | None) -> str:
        return f"{super().get_invalid_choice_message(value, ctx)}{did_you_mean(value, NAMES)}"


@click.command(
    cls=Command,
    section="Use",
    examples=[
        "dstill export runs/mine --to bundle --out mine-bundle",
        "dstill export runs/mine --to ctranslate2 --out student",
    ],
)
@run_argument
@click.option("--to", "form", required=True, type=Form(NAMES), help="Export format, see above.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder to write.")
@click.option("--limit", "sample", default=64, type=Count(1, 10**6), help="Maximum number of questions to compare on.")
@click.option(
    "--parity",
    type=Number(0, 1),
    metavar="RATE",
    help="Share of questions, from 0 to 1, that must get the same answer. Default: 1, but 0.9 for ctranslate2, "
    "gguf and int8, and for a bundle of a student that reads text.",
)
@engine_url_option("Execute answers whose text differs on this server")
@json_option
@set_option
@pass_app
def export(app: App, run: str, form: str, out: Path, sample: int, parity: float | None, as_json: bool) -> None:
    """Export the trained student, for production or for other programs.

    \b
    bundle       for `dstill predict` and `dstill serve` on a machine without torch
    merged       one folder of safetensors, for plain transformers; of a linked student, for dstill
    adapter      only the adapter, for peft with its base
    ctranslate2  8-bit weights, for CTranslate2 on a CPU
    gguf         a decoder for llama.cpp, Ollama and tools that use it
    int8         8-bit weights of a linked student, for dstill

    dstill then asks the original and the exported student the same questions: up to --limit, of the splits in
    evaluate.splits, or of validation for a bundle. Two answers count as the same if their texts or their results are
    equal. If fewer than --parity of the answers are the same, dstill deletes the export and exits with 9.

    `dstill data export` exports the dataset.
    """  # noqa: D301 - click needs the character \b itself
    from dstill_export.card import size_and_speed
    from dstill_export.exporting import ParityError
    from dstill_export.exporting import export as run_export
    from dstill_export.registry import format_of

    opened = app.open(run)
    try:
        with progress() as report:
            opened.progress = report
            facts = run_export(opened, format_of(form, opened.student), out, count=sample, min_parity=parity)
    except ParityError as error:
        _show_differences(error.differing)
        raise
    except Interrupted as error:
        error.hint = "the export was deleted: run the same command again"
        raise
    if as_json:
        emit({"export": str(out), **{name: facts[name] for name in facts if name != "folder"}})
        return
    columns = ["", "#size", "#tokens/s, one question", f"#tokens/s, {facts['batch']} at once", "#same answers"]
    same = ("", f"{facts['parity']['same']} of {facts['parity']['n']}")
    table(columns, [[*row, cell] for row, cell in zip(size_and_speed(facts), same, strict=True)])
    say(f"exported to {out}; its README.md says how to use it")


def _show_differences(comparisons: Any) -> None:
    for item in comparisons[:MOST_SHOWN]:
        note(f"{item.example.id}: {item.example.question}")
        note(f"  evaluated: {_short(item.evaluated)}")
        note(f"  exported:  {_short(item.exported)}")
        note(f"  {_short(item.reason)}")
    if len(comparisons) > MOST_SHOWN:
        note(f"and {len(comparisons) - MOST_SHOWN} more")


def _short(text: str) -> str:
    shown = visible(text) or "(empty)"
    return shown if len(shown) <= MAX_TEXT else f"{shown[:MAX_TEXT]}…"
