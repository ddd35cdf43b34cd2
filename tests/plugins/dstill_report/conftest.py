"""A run folder as `Run` writes it, with known rows, without a model or an engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

import dstill_evaluate
import dstill_report
from dstill import hookimpl
from dstill.api.objective import Objective
from dstill.api.protocols import Presentation
from dstill.api.records import (
    Draft,
    Example,
    Level,
    Pair,
    Prediction,
    Problem,
    Record,
    Rejection,
    RelevantSchema,
    ResultDiff,
    Verdict,
)
from dstill.api.task import Task
from dstill.config import load as load_config
from dstill.factory import Setup
from dstill.plugins import PluginInfo, Plugins
from dstill.runs.run import Run

MakeRun = Callable[..., Run]
CATEGORIES = ("range", "terms aggregation", "date histogram", "negation", "refusal")
FOUND = ResultDiff(gold="3 hits\nw17\n2 lines alike", answer="2 hits\n2 lines alike", test_database="boundaries")
SYSTEMS = {"student": 12, "nearest": 3, "untrained": 100}  # one in this many answers is right or wrong


def plugins() -> Plugins:
    found = Plugins()
    for module in (dstill_evaluate, dstill_report):
        found.add(module, PluginInfo(name=module.__name__))
    found.add(ReportPlugin(), PluginInfo(name="parts"))
    assert not found.failures
    return found


class LogsPresentation(Presentation):
    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        fields = {"status": "long: 500 to 506", "took": "long", **example.context.get("fields", {})}
        used = [name for name in fields if f'"{name}"' in answer]
        by_use = {True: [], False: []}  # type: dict[bool, list[tuple[str, str]]]
        for name, about in fields.items():
            by_use[name in used].append((name, about))
        return RelevantSchema(title="fields of logs", used=tuple(by_use[True]), rest=tuple(by_use[False]))


class Logs(Task):
    """Bodies in JSON, about an index with three fields."""

    name = "toy"
    checks = ()
    protocols: ClassVar = {Presentation: LogsPresentation}

    def examples(self, split: str) -> tuple[Example, ...]:
        return ()


class AsWritten(Objective):
    """The student's text is the answer."""

    name = "as-written"

    def pairs(self, record: Record, task: Task) -> Iterator[Pair]:
        return iter(())

    def read(self, text: str, parse: Any) -> Draft:
        return Draft(answer=text)


class ReportPlugin:
    """Registers both."""

    @hookimpl
    def register_tasks(self) -> list[type[Task]]:
        return [Logs]

    @hookimpl
    def register_objectives(self) -> list[type[Objective]]:
        return [AsWritten]


def record(number: int, split: str, **changes: Any) -> Record:
    value = {"query": {"bool": {"filter": [{"term": {"status": 500 + number % 7}}]}}, "size": number % 20}
    made = Record(
        id=f"{split}-{number}",
        question=f"requests number {number} that failed with {500 + number % 7}",
        rationale="status is a number",
        answer=json.dumps(value),
        category=CATEGORIES[number % len(CATEGORIES)],
        template=f"t{number % 9}",
        split=split,
        teacher="synthetic",
    )
    return replace(made, **changes)


def judged(item: Record, system: str, number: int) -> tuple[Prediction, Verdict]:
    """What `system` wrote for `item`, and its verdict, by a fixed rule."""
    every = SYSTEMS[system] + len(item.category) % 7
    right = number % every == 0 if system == "untrained" else number % every != 0
    base = Verdict(
        id=item.id,
        reached=Level.CORRECT,
        checked=Level.CORRECT,
        exact=right,
        outcome="ok",
        category=item.category,
        template=item.template,
        split=item.split,
        expects_refusal=item.category == "refusal",
        refused=item.category == "refusal" and right,
    )
    if right:
        return Prediction(id=item.id, text=item.answer, seconds=0.01, tokens=20), base
    levels = (Level.UNPARSED, Level.PARSED, Level.EXECUTED, Level.EXECUTED)
    level = Level.VALID if base.expects_refusal else levels[number // every % 4]
    text = {Level.UNPARSED: '{"query": {"bool"', Level.PARSED: '{"quary": {}}'}.get(
        level, item.answer.replace('"term"', '"terms"').replace("50", "40")
    )
    problem = Problem(layer="schema", code="unknown_key", message="unknown key 'quary'", pointer="/quary", hint="query")
    return (
        Prediction(id=item.id, text=text, seconds=0.02, tokens=20),
        replace(
            base,
            reached=level,
            problems=(problem,) if level == Level.PARSED else (),
            reason={
                Level.UNPARSED: "expecting ':' at column 18",
                Level.PARSED: problem.message,
                Level.VALID: "should have refused",
            }.get(level, "ran, with another result than the reference"),
            result_diff=FOUND if level == Level.EXECUTED else None,
        ),
    )


def write_results(
    run: Run, rows: dict[str, Sequence[Record]], judge: Callable[..., tuple[Prediction, Verdict]]
) -> None:
    """Dataset, predictions and verdicts of every system, and the manifest as stages write it."""
    for split, records in rows.items():
        run.write(f"dataset/data/{split}.jsonl", records)
    splits = [split for split in rows if split.startswith("test")]
    scores: dict[str, Any] = {}
    categories: dict[str, Any] = {}
    metrics = {name: run.plugins.metric(name)() for name in run.plugins.names("metrics")}
    for system in SYSTEMS:
        pairs = [judge(item, system, n) for split in splits for n, item in enumerate(rows[split])]
        suffix = "" if system == "student" else f"-{system}"
        run.write(f"predictions{suffix}.jsonl", [prediction for prediction, _ in pairs])
        run.write(f"verdicts{suffix}.jsonl", [verdict for _, verdict in pairs])
        verdicts = [verdict for _, verdict in pairs]

        def score(chosen: Sequence[Verdict]) -> dict[str, Any]:
            return {name: metric(chosen).to_row() for name, metric in metrics.items()}

        scores[system] = {split: score([v for v in verdicts if v.split == split]) for split in splits}
        if system == "student":
            names = sorted({v.category for v in verdicts})
            categories = {c: score([v for v in verdicts if v.category == c and v.split == "test"]) for c in names}
    run.manifest["stages"]["evaluate"] = {
        "engine": "embedded toy 1.0",
        "seconds": 12.5,
        "scores": scores,
        "categories": categories,
        "latency": {"p50": 0.012, "p95": 0.034, "n": 30},
        "throughput": {"per_second": 812.0},
        "judged_by": [],
        "packs": [],
    }


TRAINED = {
    "student": "tiny",
    "objective": "dss",
    "modality": "full",
    "device": {"name": "2 cores", "kind": "cpu", "total": 16 * 2**30, "free": 9 * 2**30},
    "choice": [
        {
            "modality": "full",
            "priority": 100,
            "memory_required": 300 * 2**20,
            "parts": {"weights": 200 * 2**20, "activations": 100 * 2**20},
            "unfit_reason": "",
        },
        {
            "modality": "lora",
            "priority": 60,
            "memory_required": 200 * 2**20,
            "parts": {"weights": 200 * 2**20},
            "unfit_reason": "needs a base",
        },
    ],
    "steps": 2000,
    "seconds": 251.3,
    "training_seconds": 240.1,
    "history": [
        {"step": step, "loss": 4 / (1 + step / 150)}
        | ({"eval_loss": 4.2 / (1 + step / 140)} if step % 400 == 0 else {})
        for step in range(50, 2001, 50)
    ],
    "peak_memory": 310 * 2**20,
    "trained_parameters": 1_300_000,
    "all_parameters": 1_300_000,
}


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    def make(
        name: str = "weblogs-1",
        *,
        tests: int = 240,
        rows: dict[str, Sequence[Record]] | None = None,
        judge: Callable[..., tuple[Prediction, Verdict]] = judged,
    ) -> Run:
        run = Run.make(tmp_path / name, stem="toy", arguments={"command": "demo"}, seed=7)
        flags = {"train.objective": "as-written"}
        run.setup = Setup(plugins(), load_config(use_files=False, environment={}, flags=flags))
        write_results(
            run,
            rows
            or {
                "train": [record(n, "train") for n in range(400)],
                "validation": [record(n, "validation") for n in range(20)],
                "test": [record(n, "test") for n in range(tests)],
                "test_unseen_templates": [record(n, "test_unseen_templates") for n in range(tests // 3)],
            },
            judge,
        )
        problem = Problem(layer="mapping", code="unknown_field", message="unknown field 'stats'")
        run.write("rejects.jsonl", [Rejection(id=f"r{n}", question="q", problems=(problem,)) for n in range(4)])
        run.manifest.update(created="2026-03-01T10:00:00+00:00", versions={"dstill": "0.1.0"})
        run.manifest["stages"]["generate"] = {"questions": 664, "accepted": 660, "rejected": 4, "teacher": "synthetic"}
        run.manifest["stages"]["train"] = TRAINED
        run.save()
        (run.folder / "config.toml").write_text(run.config.to_toml())
        return run

    return make


# --import-mode=importlib: tests cannot import this file, so its helpers come as fixtures.


@pytest.fixture(name="judged")
def judged_fixture() -> Callable[..., tuple[Prediction, Verdict]]:
    return judged


@pytest.fixture(name="record")
def record_fixture() -> Callable[..., Record]:
    return record
