"""Every answer of a run with its result for each metric: the input of the exports.

    for one in scored_sets(run):  →  ScoredSet(task="sums", system="student", split="test", items=…, scores=…)
    one.items[0].marks            →  {"executable_accuracy": True, "exact_match": False, …}

`marks` lacks the metrics that do not count the answer, for example because the engine failed or the gold is vacuous.
The aggregated scores are those of run.json, as `dstill evaluate` printed them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstill.api.records import Prediction, Record, Verdict
from dstill.errors import RunError
from dstill.io.shell import command
from dstill_evaluate.metrics import Rate, rank, why_uncounted

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["Item", "ScoredSet", "scored_sets"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question with a system's answer and its verdict."""

    record: Record
    prediction: Prediction
    verdict: Verdict
    marks: Mapping[str, bool]  # metric → whether the answer counts as a hit

    @property
    def facts(self) -> dict[str, Any]:
        """Metadata to filter by in another program."""
        verdict = self.verdict
        return {
            "category": self.record.category,
            "template": self.record.template,
            "reached": verdict.reached.name.lower(),
            "checked": verdict.checked.name.lower(),
            "outcome": verdict.outcome,
            "reason": verdict.gold_error or verdict.reason,
            "uncounted": why_uncounted(verdict),
            "problems": [str(problem) for problem in verdict.problems],
        }


@dataclass(frozen=True, kw_only=True)
class ScoredSet:
    """The answers of one system to one split."""

    task: str
    system: str
    split: str
    engine: str
    items: tuple[Item, ...]
    scores: Mapping[str, Mapping[str, Any]]  # from run.json: the measured metrics, with n and interval

    @property
    def name(self) -> str:
        """Task and split, for example ``sums_test_unseen_templates``."""
        return f"{self.task}_{self.split}"


def scored_sets(run: Run) -> Iterator[ScoredSet]:
    """Yield every system on every split that has questions. Raises RunError if a verdict is missing."""
    evaluated = run.stages.get("evaluate", {})
    if not evaluated.get("scores"):
        raise RunError(
            f"run '{run.name}' has no scores yet", where=str(run.folder), hint=command("evaluate", run.folder)
        )
    for system, of_system in evaluated["scores"].items():
        predictions = {prediction.id: prediction for prediction in run.predictions(system)}
        verdicts = {verdict.id: verdict for verdict in run.verdicts(system)}
        for split, scores in of_system.items():
            records = run.records(split)
            missing = [record.id for record in records if record.id not in verdicts or record.id not in predictions]
            if missing:
                raise RunError(
                    f"{len(missing)} of {len(records)} questions of {split} have no verdict on '{system}' "
                    f"(for example {missing[0]})",
                    where=str(run.folder),
                    hint=command("evaluate", run.folder),
                )
            measured = {name: scores[name] for name in sorted(scores, key=rank) if scores[name]["value"] is not None}
            rates = _rates(run, measured)
            items = tuple(_item(r, predictions[r.id], verdicts[r.id], rates) for r in records)
            if items:
                yield ScoredSet(
                    task=run.task.name,
                    system=system,
                    split=split,
                    engine=evaluated["engine"],
                    items=items,
                    scores=measured,
                )


def _rates(run: Run, measured: Mapping[str, Any]) -> dict[str, Rate]:
    """The measured metrics that are rates, so that every answer is a hit or a miss."""
    metrics = {name: run.plugins.metric(name)() for name in measured if name in run.plugins.names("metrics")}
    return {name: metric for name, metric in metrics.items() if isinstance(metric, Rate)}


def _item(record: Record, prediction: Prediction, verdict: Verdict, rates: Mapping[str, Rate]) -> Item:
    marks = {name: rate.hit(verdict) for name, rate in rates.items() if rate.denominator([verdict])}
    return Item(record=record, prediction=prediction, verdict=verdict, marks=marks)
