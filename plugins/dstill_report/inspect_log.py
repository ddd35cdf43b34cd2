"""Writes a run's scores as Inspect logs, for the viewer and `read_eval_log` of `inspect_ai`.

    write(run)  →  [runs/a/exports/inspect/2026-03-01T10-00-00+00-00_sums-test_3f2a….json, …]

There is one log per system and split. Every question is a sample with its input, target and output, a score of C
(correct) or I (incorrect) for each metric, and the verdict as metadata. The files use version 2 of Inspect's JSON log
schema; `inspect_ai` (230 MB with its dependencies) does not have to be installed.
Not included: the mapping that was part of the prompt.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.io.strict_json import dumps
from dstill_report.scored import Item, ScoredSet, scored_sets

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["log", "write"]

FOLDER = "exports/inspect"
VERSION = 2  # of Inspect's log schema
MARKS = {True: "C", False: "I"}


def write(run: Run) -> list[Path]:
    """Write all logs, replacing the folder as a whole. Raises RunError if the run lacks verdicts."""
    logs = {_file_name(run, scored_set): dumps(log(run, scored_set)) + "\n" for scored_set in scored_sets(run)}
    return run.write_folder(FOLDER, logs)


def _file_name(run: Run, scored_set: ScoredSet) -> str:
    """Inspect's scheme: time, task and id, joined by underscores, with no other underscore in time and task."""
    return f"{run.manifest['created'].replace(':', '-')}_{_task(scored_set)}_{_id(run, scored_set)}.json"


def _task(scored_set: ScoredSet) -> str:
    return scored_set.name.replace("_", "-")


def _id(run: Run, scored_set: ScoredSet) -> str:
    """An id derived from run, system and split, so that writing the log again yields the same bytes."""
    text = f"{run.name} {run.manifest['created']} {scored_set.system} {scored_set.split}"
    return hashlib.sha256(text.encode()).hexdigest()[:22]


def log(run: Run, scored_set: ScoredSet) -> dict[str, Any]:
    """The log of one system on one split, in Inspect's schema."""
    identity, created = _id(run, scored_set), run.manifest["created"]
    model = f"dstill/{run.name}" + ("" if scored_set.system == "student" else f":{scored_set.system}")
    trained = run.stages.get("train", {})
    return {
        "version": VERSION,
        "status": "success",
        "eval": {
            "eval_id": identity,
            "run_id": identity,
            "task_id": identity,
            "created": created,
            "task": _task(scored_set),
            "dataset": {
                "name": scored_set.split,
                "samples": len(scored_set.items),
                "sample_ids": [item.record.id for item in scored_set.items],
                "shuffled": False,
            },
            "model": model,
            "model_args": {key: trained[key] for key in ("student", "modality", "objective") if key in trained},
            "config": {"epochs": 1},
            "packages": run.manifest["versions"],
            "metadata": {"engine": scored_set.engine, "seed": run.manifest["seed"]},
        },
        "plan": {"name": "dstill", "steps": []},
        "results": {
            "total_samples": len(scored_set.items),
            "completed_samples": len(scored_set.items),
            "scores": [_score(name, score, len(scored_set.items)) for name, score in scored_set.scores.items()],
        },
        "stats": {"started_at": created, "completed_at": created},
        "samples": [_sample(item, model) for item in scored_set.items],
    }


def _score(name: str, score: Any, samples: int) -> dict[str, Any]:
    """A metric over the split, with its 95 % interval as `low` and `high`."""
    values = {"accuracy": score["value"], "low": score["low"], "high": score["high"]}
    return {
        "name": name,
        "scorer": name,
        "scored_samples": score["n"],
        "unscored_samples": samples - score["n"],
        "metrics": {key: {"name": key, "value": value} for key, value in values.items() if value is not None},
        "metadata": {"note": score["note"]},
    }


def _sample(item: Item, model: str) -> dict[str, Any]:
    prediction = item.prediction
    stop = "max_tokens" if prediction.truncated else "stop"
    reply = {"role": "assistant", "content": prediction.text}
    output: dict[str, Any] = {"model": model, "choices": [{"message": reply, "stop_reason": stop}]}
    if prediction.tokens is not None:
        output["usage"] = {"output_tokens": prediction.tokens, "total_tokens": prediction.tokens}
    if prediction.seconds is not None:
        output["time"] = prediction.seconds
    return {
        "id": item.record.id,
        "epoch": 1,
        "input": item.record.question,
        "target": item.record.answer,
        "messages": [{"role": "user", "content": item.record.question}, reply],
        "output": output,
        "scores": {
            name: {"value": MARKS[mark], "answer": prediction.text, "explanation": item.facts["reason"]}
            for name, mark in item.marks.items()
        },
        "metadata": item.facts,
    }
