"""Runs of format 1: translates the former names in run.json, rows and files to those of format 2.

    manifest({"schema_version": 1, "files": {"asked.jsonl": …}})
    →  {"schema_version": 2, "files": {"requests.jsonl": …}}
    row("verdicts.jsonl", {"schema_version": 1, "vacuous": False, …})  →  {"schema_version": 1, "trivial": False, …}

The format is `schema_version`, in run.json and in every row, so a run may have files of both formats. Files are
translated each time they are read; a stage that writes a file writes format 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.api.records import SCHEMA_VERSION

__all__ = ["FILES", "manifest", "row"]

# Old key → new key, a table for the value, or both. "*" is any other key. A table for a list applies to each item; a
# table for a text renames the text.
Table = Mapping[str, Any]

FILES = {"requests.jsonl": "asked.jsonl"}  # new name → old name

_METRICS: Table = {"silent_wrong": ("silent_error_rate", {"name": {"silent_wrong": "silent_error_rate"}})}
_SCORES: Table = {"*": {"*": _METRICS}}
_GENERATED: Table = {
    "asked_again": "retries",
    "mended": "fixed_on_retry",
    "cost": {"people": "annotators"},
}
_EVALUATED: Table = {
    "scores": _SCORES,
    "categories": {"*": _METRICS},
    "indices": {"*": _METRICS},
    "teacher": {"scores": {"*": _METRICS}},
    "corpora": ("test_suite", {"ran": "n_same_on_data", "told": "n_killed"}),
}
_STAGES: Table = {
    "generate": _GENERATED,
    "curate": _GENERATED,
    "train": {
        "left_out": "n_too_long",
        "student_seconds": "training_seconds",
        "device": {"here": "is_local"},
        "choice": {"fullness": "priority", "need": "memory_required", "unfit": "unfit_reason"},
        "review": {"left_out": "n_rejected", "changed_since": "modified", "enough": "sufficient", "said": "message"},
    },
    "evaluate": _EVALUATED,
    "ablate": {"comparisons": {"*": {"holm": "p_holm", "p_seeds": "p_value_across_seeds"}}},
}
_MANIFEST: Table = {"files": {**{old: new for new, old in FILES.items()}, "*": {"made_of": "provenance"}}}
_ROWS: Table = {
    "verdicts": {
        "corpora": "n_test_databases",
        "unchecked": "test_suite_skipped",
        "contrast": ("result_diff", {"corpus": "test_database"}),
        "vacuous": "trivial",
    },
}


def manifest(old: dict[str, Any]) -> dict[str, Any]:
    """A run.json of format 1 in format 2. Values of an unexpected form stay as they are."""
    new = _renamed(old, _MANIFEST)
    stages = new.get("stages")
    if isinstance(stages, dict):
        new["stages"] = {
            name: _renamed(facts, _STAGES.get(name.partition(" on ")[0], {})) for name, facts in stages.items()
        }
    return {**new, "schema_version": SCHEMA_VERSION}


def row(file: str, old: dict[str, Any]) -> dict[str, Any]:
    """A row of format 1 of `file` with the keys of format 2."""
    table = next((table for name, table in _ROWS.items() if file.startswith(name)), None)
    new: dict[str, Any] = _renamed(old, table) if table else old
    return new


def _renamed(value: Any, table: Table) -> Any:
    if isinstance(value, str):
        to = table.get(value)
        return to if isinstance(to, str) else value
    if isinstance(value, list):
        return [_renamed(item, table) for item in value]
    if not isinstance(value, dict):
        return value
    new = {}
    for key, inner in value.items():
        to = table.get(key, table.get("*", {}))
        name, below = to if isinstance(to, tuple) else (to, {}) if isinstance(to, str) else (key, to)
        new[name] = _renamed(inner, below) if below else inner
    return new
