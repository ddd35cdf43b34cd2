"""The JSON of a stage's result in run.json: its keys, in their order."""

from __future__ import annotations

import json
from dataclasses import replace

from dstill.answering.efficiency import AnswerCost, Efficiency, Percentiles
from dstill.answering.error_analysis import CauseCount
from dstill.api.modality import Choice, Memory, ModalityFit
from dstill.api.recipe import Device
from dstill.api.records import Score, Usage
from dstill.api.student import TrainResult
from dstill.confidence.evaluated import Confidence
from dstill.quality.data_monitor import DataReport
from dstill.quality.review import ReviewStatus
from dstill.runs import stage_facts
from dstill.stages.evaluate import Evaluated
from dstill.stages.evaluate.judging import Judged
from dstill.stages.evaluate.judging import TestSuite as Suite
from dstill.stages.evaluate.teacher import TeacherScores
from dstill.stages.generate import Generated
from dstill.stages.generate.augment import Focus
from dstill.stages.generate.curate import Dataset, DatasetCounts, LabelSource, Relabelled
from dstill.stages.train import Trained
from dstill.teacher.client import Counts
from dstill.teacher.cost import AnnotatorCost, ReplyCost, summary_lines

COUNTS = DatasetCounts(
    questions=3, accepted=2, rejected=1, splits={"train": 2}, categories={}, rejections={"bad": 1}, labels={"kept": 1}
)
DATASET = Dataset(records=(), rejections=(), counts=COUNTS)
SOURCE = LabelSource(teacher="parrot", models={"m": 3}, outcomes={"ok": 2})
GENERATED = Generated(
    requests=(),
    rows=(),
    dataset=DATASET,
    source=SOURCE,
    replies=Counts(bought=3),
    retries={"bad": 1},
    fixed_on_retry={},
    cost=None,
    data={},
)
COST_ROW = {
    "usd": 1.5,
    "usd_per_row": 0.5,
    "replies": 3,
    "tokens": {"prompt_tokens": 30, "completion_tokens": 15},
    "replies_without_usage": 0,
    "annotators": {"usd": 6.0, "usd_per_hour": 40.0, "seconds_per_row": 180.0},
}
COST = ReplyCost(
    usd=1.5,
    usd_per_row=0.5,
    replies=3,
    tokens=Usage(prompt_tokens=30, completion_tokens=15),
    replies_without_usage=0,
    annotators=AnnotatorCost(usd=6.0, usd_per_hour=40.0, seconds_per_row=180.0),
)
SCORE = Score(name="right", value=0.5, n=2, low=0.1, high=0.9)
JUDGED = Judged(
    verdicts={},
    scores={"student": {"test": {"right": SCORE}}},
    categories={"add": {"right": SCORE}},
    by_data={},
    causes={"engine": CauseCount(count=1, of=1, low=0.2, high=1.0, examples=("t-1",))},
    test_suite=Suite(n_same_on_data=2, n_killed=1, not_checked={"no data": 1}),
    invalid="",
    contradictions=(),
    engine="abacus 1",
    peak_memory=7,
)
EFFICIENCY = Efficiency(
    latency=Percentiles(p50=0.1, p95=0.2, n=30),
    per_second=4.0,
    tokens=Percentiles(p50=4, p95=9, n=2),
    total_tokens=13,
    disk_bytes=100,
    parameters=None,
)
EVALUATED = Evaluated(
    judged=JUDGED,
    prompted={},
    teacher=TeacherScores(why="it repeats reference answers"),
    confidence=None,
    cascades={},
    efficiency=EFFICIENCY,
    costs={"student": AnswerCost.of(2, seconds=[0.25, 0.75], usd=None)},
    data=DataReport(data={}),
)


def test_generate_and_curate() -> None:
    counts = {
        "questions": 3,
        "accepted": 2,
        "rejected": 1,
        "splits": {"train": 2},
        "categories": {},
        "rejections": {"bad": 1},
        "labels": {"kept": 1},
    }
    found = stage_facts.generated(GENERATED, None)
    assert found == {
        "models": {"m": 3},
        "replies": {"bought": 3, "cached": 0, "failed": 0},
        "retries": {"bad": 1},
        "fixed_on_retry": {},
        "cost": {},
        "teacher": "parrot",
        "outcomes": {"ok": 2},
        **counts,
    }
    focus = Focus(label="sort", run="mine", categories={"add": 1}, templates={})
    more = stage_facts.generated(replace(GENERATED, data={"beads": 1}), focus)
    assert {key: value for key, value in more.items() if key not in found} == {
        "data": {"beads": 1},
        "focus": "1 failure of 'sort' in run mine: add 1",
    }
    relabelled = Relabelled(dataset=DATASET, source=SOURCE, rows=())
    labels = {"teacher": "parrot", "models": {"m": 3}, "outcomes": {"ok": 2}}
    assert stage_facts.relabelled(relabelled, None) == {**labels, **counts}
    assert stage_facts.relabelled(relabelled, COST) == {**labels, "cost": COST_ROW, **counts}


def test_the_cost_is_written_as_it_is_read() -> None:
    row = stage_facts.generated(replace(GENERATED, cost=COST), None)["cost"]
    assert json.dumps(row) == json.dumps(COST_ROW)  # its keys in their order
    assert stage_facts.cost_of({"cost": row}) == COST
    assert stage_facts.cost_of({"cost": {}}) is None
    people = "people would have cost $6 (assumed: 180 s a row at $40 an hour)"
    assert summary_lines(COST) == ["cost: $1.50, $0.5000 a row (3 replies, 30 + 15 tokens)", people]
    assert summary_lines(replace(COST, usd_per_row=None)) == ["cost: $1.50 (3 replies, 30 + 15 tokens)", people]


def test_train() -> None:
    fits = ModalityFit(modality="heap", priority=50, memory_required=Memory(parts={"weights": 8}))
    fitted = TrainResult(
        steps=2,
        seconds=1.5,
        history=({"step": 1, "loss": 0.5},),
        peak_memory=3,
        trained_parameters=4,
        all_parameters=5,
    )
    review = ReviewStatus(
        sample=2,
        judged=0,
        accepted=0,
        rate=None,
        n_rejected=0,
        edited=0,
        modified=0,
        allowed=True,
        sufficient=False,
        message="nobody",
    )
    result = Trained(
        fitted=fitted,
        id="9f",
        student="memory",
        objective="plain",
        choice=Choice(modality="heap", reasons=(fits,)),
        device=Device(name="CPU", kind="cpu", total=9, free=8),
        processes=1,
        seed=0,
    )
    found = stage_facts.trained(result, review)
    assert " ".join(found) == (
        "steps seconds history peak_memory trained_parameters all_parameters probe best_step tokens_seen "
        "rows_per_second n_too_long n_not_expressible base_sha256 n_replayed services id student objective modality "
        "device processes choice training_seconds seed review"
    )
    assert found["device"] == {"name": "CPU", "kind": "cpu", "total": 9, "free": 8, "bf16": False, "is_local": True}
    assert found["choice"] == [
        {"modality": "heap", "priority": 50, "memory_required": 8, "parts": {"weights": 8}, "unfit_reason": ""}
    ]
    assert (found["modality"], found["training_seconds"], found["n_too_long"]) == ("heap", 1.5, 0)
    assert " ".join(found["review"]) == (
        "sample judged accepted rate n_rejected edited modified allowed sufficient message"
    )


def test_evaluate() -> None:
    def facts(data: DataReport, *notes: str) -> dict[str, object]:
        return stage_facts.evaluated(replace(EVALUATED, data=data), splits=["test"], notes=notes)

    row = {"name": "right", "value": 0.5, "n": 2, "low": 0.1, "high": 0.9, "note": "", "uncounted": {}}
    still = facts(DataReport(data={}))
    assert still == {
        "categories": {"add": {"right": row}},
        "by_data": {},
        "invalid": "",
        "test_suite": {"n_same_on_data": 2, "n_killed": 1, "not_checked": {"no data": 1}},
        "causes": {"engine": {"count": 1, "of": 1, "low": 0.2, "high": 1.0, "examples": ("t-1",)}},
        "engine": "abacus 1",
        "scores": {"student": {"test": {"right": row}}},
        "peak_memory": 7,
        "latency": {"p50": 0.1, "p95": 0.2, "n": 30},
        "throughput": {"per_second": 4.0},
        "costs": {
            "student": {
                "questions": 2,
                "seconds_per_1000": 500.0,
                "usd_per_1000": None,
                "usd": None,
                "prompt_tokens": None,
                "completion_tokens": None,
            }
        },
        "tokens": {"p50": 4, "p95": 9, "n": 2, "total": 13},
        "size": {"bytes": 100, "parameters": None},
        "teacher": {"why": "it repeats reference answers", "scores": {}},
    }
    moved = facts(DataReport(data={"beads": 3}, notes=("beads moved",)), "one row edited")
    assert (moved["data"], moved["notes"]) == ({"beads": 3}, ["one row edited", "beads moved"])
    unsure = replace(EVALUATED, confidence=Confidence(why="no answer was executed"))
    first = stage_facts.evaluated(unsure, splits=["test"], notes=())
    assert list(first)[:2] == ["confidence", "cascade"]
    assert (first["confidence"], first["cascade"]) == ({"why": "no answer was executed"}, {})
    assert facts(DataReport(data={"beads": 3}))["notes"] == []  # drift was checked, and nothing changed
