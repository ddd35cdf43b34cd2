"""The commands `evaluate` and `runs trace`."""

from __future__ import annotations

import json
from typing import Any

import click

from dstill.answering.prompted import is_prompted
from dstill.api.records import SPLITS
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    constrain_option,
    engine_url_option,
    json_option,
    load_data_option,
    pass_app,
    run_argument,
    set_option,
    setting,
)
from dstill.cli.scores import show_scores
from dstill.config import command_line
from dstill.errors import FailedItems, UsageError, did_you_mean
from dstill.io.system import peak_memory
from dstill.runs.run import Run

__all__ = ["evaluate", "show_evaluated", "summary", "trace"]


@click.command(
    cls=Command,
    section="Pipeline",
    examples=[
        "dstill evaluate runs/mine",
        "dstill evaluate runs/mine --baseline openai:gpt-5-mini --shots 8 --max-usd 2",
    ],
)
@run_argument
@setting(
    "--split",
    key="evaluate.splits",
    multiple=True,
    metavar="SPLIT",
    help=f"Split to score (repeatable): {', '.join(SPLITS)}.",
)
@click.option(
    "--baseline",
    "more",
    multiple=True,
    metavar="NAME",
    help="Also score this baseline (repeatable). TEACHER:MODEL, for example openai:gpt-5-mini: a large model, prompted "
    "with the same questions.",
)
@setting("--shots", key="evaluate.shots", type=Count(0, 50), help="Worked examples in each prompt of such a model.")
@setting(
    "--max-usd",
    key="evaluate.max_usd",
    type=float,
    metavar="USD",
    help="Maximum total cost of such models' replies, in USD, over all evaluations of the run. Default: no limit.",
)
@setting(
    "--max-total-tokens",
    key="evaluate.max_tokens",
    type=Count(1, 10**12),
    help="Maximum total tokens of their prompts and replies. Default: no limit.",
)
@setting(
    "--agreement",
    key="evaluate.agreement",
    type=Count(0, 100),
    metavar="K",
    help="Also draw K answers to each question: how many agree becomes a part of the confidence.",
)
@engine_url_option("Execute answers on this server")
@load_data_option("Copy the task's bundled data")
@constrain_option
@json_option
@set_option
@pass_app
def evaluate(app: App, run: str, more: tuple[str, ...], load_data: bool, as_json: bool) -> None:
    """Answer the test questions, execute the answers and score them."""
    if more:
        app.flags["evaluate.baselines"] = [*app.open(run).settings.evaluate.baselines, *more]
    if load_data:
        app.flags["engine.load_data"] = True
    opened = app.open(run)
    with progress() as report:
        opened.progress = report
        facts = opened.evaluate()
    show_evaluated(opened, facts, as_json=as_json)


def show_evaluated(opened: Run, facts: Any, *, as_json: bool) -> None:
    """Show the result of `Run.evaluate`. Raises FailedItems if it is invalid."""
    for text in facts.get("notes", ()):
        note(f"note: {text}")
    for split, n in opened.unscored().items():
        note(f"note: the {n:,} questions of {split} were not scored: evaluate.splits does not name it")
    if as_json:
        emit(summary(opened, facts))
    else:
        show_scores(opened, facts)
        say(f"next: {command_line(opened.plugins.files, 'report', opened.folder)}")
    if facts["invalid"]:
        raise FailedItems(
            f"this evaluation is invalid: {facts['invalid']}",
            where=str(opened.folder / "verdicts.jsonl"),
            hint=f"check the engine, then run: {command_line(opened.plugins.files, 'evaluate', opened.folder)}",
        )


def summary(run: Run, facts: Any, *, seconds: float | None = None) -> dict[str, Any]:
    """The numbers of an evaluation as one JSON object. A number that was not measured is null."""
    splits = run.settings.evaluate.splits
    scores = facts["scores"]
    main = scores["student"][splits[0]]

    def value(system: str, split: str, metric: str) -> Any:
        return scores.get(system, {}).get(split, {}).get(metric, {}).get("value")

    baselines = run.plugins.names("baselines")
    headline, metrics = run.plugins.headline(), run.plugins.names("metrics")
    accuracy = main.get(headline, {})
    unseen = [split for split in SPLITS if split.startswith("test_")]
    return {
        **{name: value("student", splits[0], name) for name in metrics if run.plugins.metric(name).summary},
        "ci95": [accuracy.get("low"), accuracy.get("high")],
        "n": accuracy.get("n"),
        "causes": {label: cause["count"] for label, cause in facts["causes"].items()},
        **{split.removeprefix("test_"): value("student", split, headline) for split in unseen},
        **{run.plugins.baseline(name).key or name: value(name, splits[0], headline) for name in baselines},
        **{system: value(system, splits[0], headline) for system in scores if is_prompted(system)},
        "latency": facts["latency"],
        "throughput": facts["throughput"],
        "costs": facts.get("costs", {}),
        "confidence": facts.get("confidence", {}),
        "cascade": facts.get("cascade", {}),
        "seconds": round(facts["seconds"] if seconds is None else seconds, 1),
        "peak_memory_bytes": max(facts["peak_memory"], peak_memory()),
        "engine": facts["engine"],
        "run": str(run.folder),
    }


@click.command(cls=Command, examples=["dstill runs trace runs/mine q-17"])
@run_argument
@click.argument("identity", metavar="ID")
@json_option
@pass_app
def trace(app: App, run: str, identity: str, as_json: bool) -> None:
    """Show what every file of a run says about one record.

    ID is the id of a question, as in RUN/dataset/data and in the failures of the report.
    """
    opened = app.open(run)
    rows, ids = {}, dict[str, None]()
    for path in sorted(opened.folder.rglob("*.jsonl")):
        file = str(path.relative_to(opened.folder))
        for row in opened.rows(file):
            ids[str(row.get("id", ""))] = None
            if row.get("id") == identity:
                rows[file] = row
    if not rows:
        hint = "ids are in dataset/data/*.jsonl and rejects.jsonl"
        example = next(iter(ids), "")
        near = did_you_mean(identity, ids) or (f" For example: '{example}'" if example else "")
        raise UsageError(
            f"no row with id '{identity}' in run '{opened.name}'",
            where=str(opened.folder),
            hint=f"{hint}.{near}" if near else hint,
        )
    if as_json:
        emit({"id": identity, "files": rows})
        return
    for file, row in rows.items():
        say(file, bold=True)
        for key, value in row.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            say(f"  {key}: {text}", lines=True)
