"""Rewrites the published page when its wording changes, from the results in docs; nothing is trained.

    PYTHONPATH=tests python -m benchmarks.reproduce.published

In: docs/benchmark.jsonl and docs/claims.json. Out: docs/benchmark.md and docs/claims.json.

The trials are stored item by item. Memory is not: its claim is read from claims.json and its table from the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.reproduce.claims import Claim
from benchmarks.reproduce.experiments import Found, run
from benchmarks.reproduce.lab import Arm, Lab, arm_of
from benchmarks.reproduce.memory import MEMORY, Peaks, Saving
from benchmarks.reproduce.page import page
from benchmarks.reproduce.size import FULL
from benchmarks.reproduce.trial_log import TrialLog

from dstill.config import Settings
from dstill.io.files import write_text

__all__ = ["CLAIMS", "DOCS", "Published", "as_json", "rebuild"]

DOCS = Path("docs") / "benchmark.md"
CLAIMS = "claims.json"
MINUTES = re.compile(r"^It took ([0-9]+) minutes", re.MULTILINE)
SAVING = re.compile(r"^\| (Llama .+?) \| (.+?) MiB / (.+?) MiB \| (.+?) MiB / (.+?) MiB \|", re.MULTILINE)


class Published(Lab):
    """A lab whose trials are all finished: it reads them."""

    def __init__(self, docs: Path) -> None:
        self.size, self.trial_log, self.text = FULL, TrialLog(docs / "benchmark.jsonl"), (docs / DOCS.name).read_text()

    def adaptation(self, source: str, target: str, *, rows: int = 0, noise: int = 0) -> Any:
        return SimpleNamespace(name=self.name_of(source, target, rows=rows, noise=noise), settings=Settings())

    def arms(self, parent: Any, wanted: Mapping[str, Mapping[str, Any]], *, split: str = "test") -> dict[str, Arm]:
        return {
            name: arm_of(
                changes,
                [
                    self.trial_log.lookup(parent.name, split, {**changes, "project.seed": seed})
                    for seed in self.seeds(split)
                ],
                split,
            )
            for name, changes in wanted.items()
        }

    def savings(self) -> list[Saving]:
        """To the MiB, as the page has them."""
        return [
            Saving(model=model, full=_peaks(*sizes[:2]), lora=_peaks(*sizes[2:]))
            for model, *sizes in SAVING.findall(self.text)
        ]


def _peaks(planned: str, measured: str) -> Peaks:
    in_bytes = [int(size.replace(",", "")) * 2**20 for size in (planned, measured)]
    return Peaks(planned=in_bytes[0], measured=(in_bytes[1],))


def rebuild(docs: Path) -> tuple[Found, str]:
    """What was found, and the page of it."""
    lab = Published(docs)
    found = run(lab)
    claims = {row["name"]: Claim.from_row(row) for row in json.loads((docs / CLAIMS).read_text())}
    found.claims = [claims[claim.name] if claim.name == MEMORY else claim for claim in found.claims]
    minutes = MINUTES.search(lab.text)
    assert minutes is not None
    return found, page(FULL, found, float(minutes[1]))


def as_json(content: Any) -> str:
    """`content` as JSON text, its floats rounded: their last digits differ between versions of NumPy."""
    return json.dumps(_rounded(content), indent=1, ensure_ascii=False) + "\n"


def _rounded(content: Any) -> Any:
    if isinstance(content, float):
        return round(content, 9)
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    return [_rounded(value) for value in content] if isinstance(content, list | tuple) else content


if __name__ == "__main__":
    found, text = rebuild(DOCS.parent)
    write_text(DOCS.with_name(CLAIMS), as_json([claim.to_row() for claim in found.claims]))
    write_text(DOCS, text)
