"""What every trial came to, item by item, in one small file: enough for each figure of the page, without the runs.

    kept = Kept(Path("trials.jsonl"))
    kept[key]                            →  Trialled(result=…, verdicts={"test": {id: verdict, …}}); KeyError
    kept.add(key, "weblogs-to-movies", result, {"test": {id: verdict, …}})

    {"items": "weblogs-to-movies test", "ids": ["q-1", "q-2", "q-3"], "templates": ["status", "count", "count"]}
    {"key": "5f0c…", "parent": "weblogs-to-movies", "result": {…}, "answers": {"test": "10-"}}

1: right; 0: wrong; -: an item that says nothing of the answer. The file is published beside the page, so that
anybody can reckon with it, and a reproduction that another machine began can go on from it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from tests.benchmarks.reproduce.size import RECIPE

from dstill.jsonl import append_row, read_rows
from dstill.records import Level, Verdict
from dstill.run import Run
from dstill_evaluate.metrics import why_left_out
from dstill_sweep.trials import Result

__all__ = ["Kept", "Trialled", "key_of"]

ByItem = Mapping[str, Verdict]


@dataclass(frozen=True, kw_only=True)
class Trialled:
    result: Result
    verdicts: Mapping[str, ByItem]  # by set; of the items that count


def key_of(parent: Run, split: str, changes: Mapping[str, Any]) -> str:
    """The same on every machine: by the bytes of the dataset, and not by where a base lies."""
    data = {name: facts["sha256"] for name, facts in parent.manifest["files"].items() if name.startswith("dataset/")}
    flat = parent.config.flat()
    recipe = {name: flat[name] for name in ("project.seed", "train.max_steps", *RECIPE)}
    decides = [parent.folder.name, split, {**recipe, **changes}, data]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


class Kept:
    def __init__(self, file: Path) -> None:
        self.file = file
        self._items: dict[str, list[tuple[str, str]]] = {}
        self._trials: dict[str, Mapping[str, Any]] = {}
        for _, row in read_rows(file, own=True) if file.exists() else ():
            self._take(row)

    def __contains__(self, key: str) -> bool:
        return key in self._trials

    def __getitem__(self, key: str) -> Trialled:
        row = self._trials[key]
        return Trialled(
            result=Result.from_row(row["result"]),
            verdicts={split: self._verdicts(row["parent"], split, marks) for split, marks in row["answers"].items()},
        )

    def add(self, key: str, parent: str, result: Result, verdicts: Mapping[str, ByItem]) -> None:
        answers = {}
        for split, of_split in verdicts.items():
            name = f"{parent} {split}"
            if name not in self._items:
                templates = [verdict.template or id for id, verdict in of_split.items()]
                self._append({"items": name, "ids": list(of_split), "templates": templates})
            answers[split] = "".join(_mark(of_split[id]) for id, _ in self._items[name])
        self._append({"key": key, "parent": parent, "result": result.to_row(), "answers": answers})

    def _append(self, row: Mapping[str, Any]) -> None:
        append_row(self.file, row)
        self._take(row)

    def _take(self, row: Mapping[str, Any]) -> None:
        if "items" in row:
            self._items[row["items"]] = list(zip(row["ids"], row["templates"], strict=True))
        else:
            self._trials[row["key"]] = row

    def _verdicts(self, parent: str, split: str, marks: str) -> dict[str, Verdict]:
        items = zip(self._items[f"{parent} {split}"], marks, strict=True)
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


def _mark(verdict: Verdict) -> str:
    return "-" if why_left_out(verdict) else "1" if verdict.correct else "0"
