"""The outcome of every trial, item by item, in one small file: enough for each figure of the page, without the runs.

    log = TrialLog(Path("trials.jsonl"))
    log[key]                             →  TrialOutcome(result=…, verdicts={"test": {id: verdict, …}}); KeyError
    log.add(key, "weblogs-to-movies", result, {"test": {id: verdict, …}})

    {"items": "9c1e…", "ids": ["q-1", "q-2", "q-3"], "templates": ["status", "count", "count"]}
    {"key": "5f0c…", "parent": "weblogs-to-movies", "result": {…}, "items": {"test": "9c1e…"},
     "answers": {"test": "10-"}}

1: right; 0: wrong; -: an item that is not counted. Items are named by a digest of their ids and templates, because ids
are the same in every version of a dataset: a trial's answers belong to the items of its own version. The file is
published with the page, so that anybody can recompute the figures, and a reproduction can resume from it on another
machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reproduce.size import DEFAULTS, RECIPE

from dstill.api.records import Level, Verdict
from dstill.io.jsonl import append_row, read_rows
from dstill.runs.run import Run
from dstill_evaluate.metrics import why_uncounted
from dstill_sweep.trials import Result

__all__ = ["TrialLog", "TrialOutcome", "dataset_of", "key_of"]

ByItem = Mapping[str, Verdict]


@dataclass(frozen=True, kw_only=True)
class TrialOutcome:
    result: Result
    verdicts: Mapping[str, ByItem]  # by set; of the items that count
    asked: Mapping[str, int]  # by set; of all items


def key_of(parent: Run, split: str, changes: Mapping[str, Any]) -> str:
    """The same on every machine: by the bytes of the dataset, and by how the base was made, not where it lies.

    `parent`: with "base" in its manifest, what decides how the base came out.
    """
    flat = parent.config.flat()
    recipe = {name: flat[name] for name in ("project.seed", "train.max_steps", *RECIPE)}
    # a digest in a digest: the first trials were stored under the inner one, so their new keys could be computed
    trial = _digest([parent.folder.name, split, {**recipe, **changes}, dataset_of(parent)])
    return _digest([trial, parent.manifest["base"], {name: flat[name] for name in DEFAULTS}])


def dataset_of(run: Run) -> dict[str, str]:
    """The digest of each of its files."""
    return {name: facts["sha256"] for name, facts in run.manifest["files"].items() if name.startswith("dataset/")}


class TrialLog:
    def __init__(self, file: Path) -> None:
        self.file = file
        self._items: dict[str, list[tuple[str, str]]] = {}
        self._trials: dict[str, Mapping[str, Any]] = {}
        for _, row in read_rows(file, own=True) if file.exists() else ():
            self._take(row)

    def __contains__(self, key: str) -> bool:
        return key in self._trials

    def __getitem__(self, key: str) -> TrialOutcome:
        row = self._trials[key]
        return TrialOutcome(
            result=Result.from_row(row["result"]),
            verdicts={of: self._verdicts(row["items"][of], marks, of) for of, marks in row["answers"].items()},
            asked={of: len(marks) for of, marks in row["answers"].items()},
        )

    def lookup(self, parent: str, split: str, changes: Mapping[str, Any]) -> TrialOutcome:
        """The last trial with these changes, for when no dataset gives the key. Raises KeyError."""
        for key, row in reversed(self._trials.items()):
            if row["parent"] == parent and split in row["answers"] and row["result"]["changes"] == changes:
                return self[key]
        raise KeyError(f"{parent} {split}: {changes}")

    def add(self, key: str, parent: str, result: Result, verdicts: Mapping[str, ByItem]) -> None:
        items = {split: self._items_digest(of_split) for split, of_split in verdicts.items()}
        answers = {split: "".join(map(_mark, of_split.values())) for split, of_split in verdicts.items()}
        self._append({"key": key, "parent": parent, "result": result.to_row(), "items": items, "answers": answers})

    def _items_digest(self, verdicts: ByItem) -> str:
        """The digest of the items of `verdicts`, in their order; stored when they are new."""
        ids, templates = list(verdicts), [verdict.template or id for id, verdict in verdicts.items()]
        name = _digest([ids, templates])
        if name not in self._items:
            self._append({"items": name, "ids": ids, "templates": templates})
        return name

    def _append(self, row: Mapping[str, Any]) -> None:
        append_row(self.file, row)
        self._take(row)

    def _take(self, row: Mapping[str, Any]) -> None:
        if "key" in row:
            if "items" in row:  # not of the first form, whose keys say too little
                self._trials[row["key"]] = row
        else:
            self._items[row["items"]] = list(zip(row["ids"], row["templates"], strict=True))

    def _verdicts(self, name: str, marks: str, split: str) -> dict[str, Verdict]:
        items = zip(self._items[name], marks, strict=True)
        return {
            id: Verdict(
                id=id,
                reached=Level.CORRECT if mark == "1" else Level.EXECUTED,
                checked=Level.CORRECT,
                template=template,
                split=split,
            )
            for (id, template), mark in items
            if mark != "-"
        }


def _digest(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def _mark(verdict: Verdict) -> str:
    return "-" if why_uncounted(verdict) else "1" if verdict.correct else "0"
