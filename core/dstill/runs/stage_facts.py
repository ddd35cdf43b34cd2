"""The results of stages as the JSON objects that run.json keeps, under ``stages``.

    generated(result, focus=None)  →  {"models": {…}, "replies": {"bought": 27, …}, …, "questions": 27, …}
    trained(result, review)        →  {"steps": 3000, "history": […], …, "modality": "full", …}

`dstill.runs.manifest` checks these objects when they are read again. `cost_of` and `data_of` read parts of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dstill.api.modality import ModalityFit
from dstill.confidence.cascade import Cascade
from dstill.quality.review import ReviewStatus
from dstill.run_view import Stages
from dstill.stages.evaluate import Evaluated
from dstill.stages.evaluate.judging import Metrics
from dstill.stages.generate import Generated
from dstill.stages.generate.augment import Focus
from dstill.stages.generate.curate import Relabelled
from dstill.stages.train import Trained
from dstill.teacher.cost import ReplyCost

__all__ = ["cost_of", "data_of", "evaluated", "generated", "origin_of", "recount", "relabelled", "trained"]

Facts = dict[str, Any]


def generated(result: Generated, focus: Focus | None, origin: Mapping[str, str] | None = None) -> Facts:
    """The object of the stage ``generate``.

    `focus`: where the run asked for more questions; None: nowhere. `origin`: `dstill.inputs.hub_datasets.origin`;
    None or empty: the questions are not from the hub.
    """
    return {
        "models": dict(result.source.models),
        "replies": asdict(result.replies),
        "retries": dict(result.retries),
        "fixed_on_retry": dict(result.fixed_on_retry),
        "cost": _cost_row(result.cost),
        "teacher": result.source.teacher,
        "outcomes": dict(result.source.outcomes),
        **({"data": dict(result.data)} if result.data else {}),
        **({"focus": focus.summary()} if focus is not None else {}),
        **({"origin": dict(origin)} if origin else {}),
        **asdict(result.dataset.counts),
    }


def relabelled(result: Relabelled, cost: ReplyCost | None) -> Facts:
    """The object of the stage ``curate``. `cost`: of all replies, those that are not used included; None: free."""
    row = _cost_row(cost)
    return {**asdict(result.source), **({"cost": row} if row else {}), **asdict(result.dataset.counts)}


def recount(stages: dict[str, Any], facts: Mapping[str, Any]) -> None:
    """Put the `facts` of ``curate`` into the stage ``generate``, where readers look for the counts of the dataset."""
    stages.setdefault("generate", {}).update(facts)


def cost_of(generated: Mapping[str, Any]) -> ReplyCost | None:
    """The cost in the object of the stage ``generate``; None: the teacher was free."""
    row = generated.get("cost")
    return ReplyCost.from_row(row) if row else None


def data_of(stages: Stages) -> Mapping[str, Any]:
    """The facts of the data when the dataset was made."""
    data: Mapping[str, Any] = stages.get("generate", {}).get("data", {})
    return data


def origin_of(stages: Stages) -> Mapping[str, str]:
    """Where the questions came from (`dstill.inputs.hub_datasets.origin`)."""
    return dict(stages.get("generate", {}).get("origin", {}))


def trained(result: Trained, review: ReviewStatus) -> Facts:
    """The object of the stage ``train``; the run adds what it was made from (`dstill.runs.provenance`)."""
    return {
        **asdict(result.fitted),
        "id": result.id,
        "student": result.student,
        "objective": result.objective,
        "modality": result.choice.modality,
        "device": asdict(result.device),
        "processes": result.processes,
        **({"preset": asdict(result.preset)} if result.preset is not None else {}),
        "choice": [_reason(reason) for reason in result.choice.reasons],
        "training_seconds": result.fitted.seconds,
        "seed": result.seed,
        "review": asdict(review),
    }


def evaluated(result: Evaluated, *, splits: Sequence[str], notes: Sequence[str]) -> Facts:
    """The object of the stage ``evaluate``; the run adds what judged (`dstill.runs.provenance.judged_with`).

    `splits`: those that were scored. `notes`: for readers of the scores, besides those in `result`.
    """
    judged, efficiency, teacher = result.judged, result.efficiency, result.teacher
    of_models = [answers.note for answers in result.prompted.values() if answers.note]
    all_notes = [*judged.contradictions, *notes, *of_models, *result.data.notes]
    return {
        **_confidence(result, splits),
        **({"data": dict(result.data.data)} if result.data.data else {}),
        "categories": _rows(judged.categories),
        "by_data": _rows(judged.by_data),
        "invalid": judged.invalid,
        "test_suite": asdict(judged.test_suite),
        "causes": {label: asdict(cause) for label, cause in judged.causes.items()},
        "engine": judged.engine,
        "scores": {system: _rows(splits) for system, splits in judged.scores.items()},
        "peak_memory": judged.peak_memory,
        "latency": asdict(efficiency.latency),
        "throughput": {"per_second": efficiency.per_second},
        "tokens": {**asdict(efficiency.tokens), "total": efficiency.total_tokens},
        "size": {"bytes": efficiency.disk_bytes, "parameters": efficiency.parameters},
        "costs": {system: asdict(cost) for system, cost in result.costs.items()},
        "teacher": {"why": teacher.why, "scores": _rows(teacher.scores)},
        **({"notes": all_notes} if all_notes or result.data.data else {}),
    }


def _confidence(result: Evaluated, splits: Sequence[str]) -> Facts:
    """Nothing if a second engine judged."""
    if result.confidence is None:
        return {}
    together = {system: _cascade_rows(cascade) for system, cascade in result.cascades.items()}
    return {"confidence": result.confidence.summary(splits), "cascade": together}


def _cascade_rows(cascades: Mapping[str, Cascade]) -> Facts:
    return {split: cascade.to_row() for split, cascade in cascades.items()}


def _cost_row(cost: ReplyCost | None) -> Facts:
    return {} if cost is None else cost.to_row()


def _reason(reason: ModalityFit) -> Facts:
    return {
        "modality": reason.modality,
        "priority": reason.priority,
        "memory_required": reason.memory_required.total,
        "parts": dict(reason.memory_required.parts),
        "unfit_reason": reason.unfit_reason,
    }


def _rows(groups: Mapping[str, Metrics]) -> Facts:
    return {group: {name: score.to_row() for name, score in metrics.items()} for group, metrics in groups.items()}
