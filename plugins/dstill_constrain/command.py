"""``dstill pack grammar``: the grammar that a run's student is constrained to.

$ dstill pack grammar RUN --json
{"kind":"ebnf","bytes":82049,"longest":27143,"seconds":0.31,"text":"root ::= answer…"}
"""

from __future__ import annotations

import json
import time

import click

from dstill.api.records import SPLITS, Example
from dstill.cli.console import emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import App, json_option, pass_app, run_argument
from dstill.errors import DataError, UsageError
from dstill.runs.run import Run
from dstill_constrain.compiler import Compiler, longest
from dstill_constrain.vocabulary import BYTES

__all__ = ["grammar"]


@click.command(cls=Command, examples=["dstill pack grammar runs/mine"])
@run_argument
@json_option
@pass_app
def grammar(app: App, run: str, as_json: bool) -> None:
    """Print the grammar that --constrain uses, and how many bytes its longest answer has."""
    opened = app.open(run)
    started = time.perf_counter()
    rules = opened.objective.grammar(opened.task, _first_example(opened))
    if rules is None:
        raise UsageError(
            f"task '{opened.task.name}' has no grammar for the answers of this run",
            where=f"run {opened.name}",
            hint="the task may lack what its questions are about (a mapping), or its pack has no grammar",
        )
    Compiler(BYTES).start(rules)
    seconds, most = time.perf_counter() - started, longest(rules)
    text = rules.ebnf if rules.ebnf is not None else json.dumps(rules.json_schema, ensure_ascii=False, indent=2)
    if as_json:
        kind = "ebnf" if rules.ebnf is not None else "json_schema"
        emit({"kind": kind, "bytes": len(text.encode()), "longest": most, "seconds": round(seconds, 3), "text": text})
        return
    say(text, lines=True)
    note(f"compiled in {seconds:.2f} s; the longest answer has {f'{most:,} bytes' if most else 'no limit'}")


def _first_example(run: Run) -> Example:
    for split in SPLITS:
        for record in run.records(split):
            return record.example
    raise DataError("the run has no questions yet", where=str(run.folder / "dataset"), hint="`dstill generate` first")
