"""Writes a run's scores in the format of the LM Evaluation Harness (lm-eval): results as JSON, samples as JSONL.

    write(run)
    →  [runs/a/exports/lm-eval/a/results_2026-03-01T10-00-00.000000.json,
        runs/a/exports/lm-eval/a/samples_sums_test_2026-03-01T10-00-00.000000.jsonl, …]

There is one folder per system (a model in lm-eval) and one task per split (``sums_test``). Metrics are named
``NAME,none`` and ``NAME_stderr,none``, the standard error of the mean. lm-eval's tables and `datasets.load_dataset`
can read the files; lm-eval does not have to be installed.
Not included: confidence intervals, and per-answer values of metrics that are not rates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.errors import needs
from dstill.io.strict_json import dumps
from dstill.runs.folder import file_part
from dstill_evaluate.metrics import METRICS
from dstill_report.scored import Item, ScoredSet, scored_sets

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["results", "sample", "write"]

FOLDER = "exports/lm-eval"
FILTER = "none"  # lm-eval's name for unfiltered answers
LOWER_IS_BETTER = ("silent_error_rate",)


def write(run: Run) -> list[Path]:
    """Write all files, replacing the folder as a whole. Raises RunError if the run lacks verdicts."""
    date = run.manifest["created"].partition("+")[0].replace(":", "-") + ".000000"
    sets = list(scored_sets(run))
    files: dict[str, str] = {}
    for system in dict.fromkeys(part.system for part in sets):
        model = run.name if system == "student" else f"{run.name}__{file_part(system)}"
        of_system = [part for part in sets if part.system == system]
        files[f"{model}/results_{date}.json"] = json.dumps(results(run, model, of_system), indent=1) + "\n"
        for part in of_system:
            rows = (dumps(sample(number, item)) + "\n" for number, item in enumerate(part.items))
            files[f"{model}/samples_{part.name}_{date}.jsonl"] = "".join(rows)
    return run.write_folder(FOLDER, files)


def results(run: Run, model: str, sets: Sequence[ScoredSet]) -> dict[str, Any]:
    """lm-eval's `EvalResults` of one system."""
    trained = run.stages.get("train", {})
    seed = run.manifest["seed"]
    return {
        "results": {part.name: _metrics(part) for part in sets},
        "group_subtasks": {part.name: [] for part in sets},
        "configs": {
            part.name: {"task": part.name, "test_split": part.split, "output_type": "generate_until"} for part in sets
        },
        "versions": {part.name: run.manifest["versions"].get("dstill", "") for part in sets},
        "n-shot": {part.name: 0 for part in sets},
        "higher_is_better": {part.name: {name: _higher(name) for name in part.scores} for part in sets},
        "n-samples": {part.name: {"original": len(part.items), "effective": len(part.items)} for part in sets},
        "config": {
            "model": "dstill",
            "model_args": {"run": run.name, "student": trained.get("student", "")},
            "random_seed": seed,
            "engine": sets[0].engine,
        },
        "date": datetime.fromisoformat(run.manifest["created"]).timestamp(),
        "model_source": "dstill",
        "model_name": model,
        "model_name_sanitized": model,
        "task_hashes": {part.name: _hash("".join(_hash(item.record.question) for item in part.items)) for part in sets},
    }


def _metrics(scored_set: ScoredSet) -> dict[str, Any]:
    row: dict[str, Any] = {"name": scored_set.name, "alias": scored_set.name, "sample_len": len(scored_set.items)}
    for name, score in scored_set.scores.items():
        row[f"{name},{FILTER}"] = score["value"]
        row[f"{name}_stderr,{FILTER}"] = _error([item.marks[name] for item in scored_set.items if name in item.marks])
    return row


def _error(marks: Sequence[bool]) -> float | str:
    """The standard error of the mean; "N/A" (lm-eval's spelling) for fewer than two answers."""
    if len(marks) < 2:
        return "N/A"
    with needs("a standard error", "evaluate"):
        from scipy import stats
    return float(stats.sem([float(mark) for mark in marks]))


def _higher(name: str) -> bool | None:
    """Whether higher is better; None for metrics of other plugins."""
    return name not in LOWER_IS_BETTER if name in [metric.name for metric in METRICS] else None


def sample(number: int, item: Item) -> dict[str, Any]:
    """lm-eval's `SampleResult` of one answer, with 0 or 1 for each metric that counts it."""
    record, text = item.record, item.prediction.text
    doc = {"id": record.id, "question": record.question, **item.facts}
    return {
        "doc_id": number,
        "doc": doc,
        "target": record.answer,
        "arguments": {"gen_args_0": {"arg_0": record.question, "arg_1": "{}"}},
        "resps": [[text]],
        "filtered_resps": [text],
        "filter": FILTER,
        "metrics": list(item.marks),
        "doc_hash": _hash(dumps(doc)),
        "prompt_hash": _hash(record.question),
        "target_hash": _hash(record.answer),
        **{name: float(mark) for name, mark in item.marks.items()},
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
