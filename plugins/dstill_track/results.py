"""The results of an evaluated run for a service.

    results = results_of(run, report=Path("runs/mine/report.html"))
    results.metrics     {"student/test/executable_accuracy": 0.93, "student/test/executable_accuracy_low": 0.90, …}
    results.facts       {"dstill.run": "mine", "dstill.dataset.test.sha256": "3f2a…", "dstill.engine": …}
    results.files       {"report": [report.html, …], "dataset": [README.md], "student": [model.safetensors, …]}

No rows are sent, but the report quotes questions and answers, and the student has learnt from all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dstill.io.logs import log
from dstill.io.plain_files import refuse_links
from dstill.run_view import RunView

__all__ = ["Results", "Split", "results_of"]


DATA = re.compile(r"dataset/data/(\w+)\.jsonl")
ENDS = ("low", "high", "n")  # of the 95 % interval; questions
OTHER_CHARACTERS = re.compile(r"[^\w\-. :/]")  # characters that MLflow does not take in a name


@dataclass(frozen=True, kw_only=True)
class Split:
    """A split of the dataset."""

    sha256: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that is sent."""

    name: str  # of the run
    metrics: Mapping[str, float]
    facts: Mapping[str, str]
    splits: Mapping[str, Split]
    files: Mapping[str, tuple[Path, ...]]  # folder there → files
    known: Mapping[str, str]  # service → id of the run there that training or an earlier call made


def results_of(run: RunView, report: Path | None) -> Results:
    """The results of an evaluated `run` to send. Raises RunError for a link among its files."""
    stages, files = run.manifest["stages"], run.manifest["files"]
    data_files = {match[1]: file for name, file in files.items() if (match := DATA.fullmatch(name))}
    splits = {split: Split(sha256=file["sha256"], rows=file["rows"]) for split, file in data_files.items()}
    trained, evaluated = stages.get("train", {}), stages["evaluate"]
    facts = {
        "dstill.version": version("dstill"),
        "dstill.run": run.name,
        "dstill.run_id": run.manifest.get("id", ""),
        "dstill.task": run.task.name,
        "dstill.engine": evaluated["engine"],
        **{f"dstill.{name}": trained.get(name, "") for name in ("student", "objective", "modality")},
        **{f"dstill.dataset.{split}.sha256": of.sha256 for split, of in splits.items()},
        **{f"dstill.dataset.{split}.rows": str(of.rows) for split, of in splits.items()},
    }
    student, skipped = _student(run.folder / "student", run.settings.train.report_student_mb)
    if skipped:
        log.warning("the student is not sent: %s", skipped)
        facts["dstill.student_not_sent"] = skipped
    sent = {
        "report": () if report is None else tuple(sorted(report.parent.glob(f"{report.stem}.*"))),
        "dataset": tuple(run.folder.glob("dataset/README.md")),
        "student": student,
    }
    return Results(
        name=run.name,
        metrics=dict(_metrics(evaluated["scores"])),
        facts={name: fact for name, fact in facts.items() if fact},
        splits=splits,
        files={name: files for name, files in sent.items() if files},
        known={**stages.get("track", {}).get("services", {}), **trained.get("services", {})},
    )


def _metrics(scores: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The measured values with their intervals; what was not measured has no number to send."""
    for system, splits in scores.items():
        for split, metrics in splits.items():
            for metric, score in metrics.items():
                name = OTHER_CHARACTERS.sub("_", f"{system}/{split}/{metric}")
                if score.get("value") is None:
                    continue
                yield name, float(score["value"])
                yield from ((f"{name}_{end}", float(score[end])) for end in ENDS if score.get(end) is not None)


def _student(folder: Path, most_mb: int) -> tuple[tuple[Path, ...], str]:
    """The files of the student, and why they are not sent; empty: they are."""
    refuse_links(folder)
    files = tuple(sorted(file for file in folder.rglob("*") if file.is_file()))
    size = sum(file.stat().st_size for file in files)
    if size > most_mb * 10**6:
        return (), f"it has {size / 10**6:,.0f} MB, and train.report_student_mb is {most_mb:,}"
    return files, ""
