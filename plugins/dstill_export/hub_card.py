r"""The card of a student on the hub: the README.md of its export, with metadata that the hub reads.

    card_text(readme, facts, repository="acme/student", dataset="acme/logs", scores=scores_of(run), licence="mit")
    "---\nbase_model: google/flan-t5-small\nlicense: apache-2.0\nmodel-index:\n- name: student\n  results: …"

The metadata name the base, its licence, the data set, and under ``model-index`` the scores of the evaluation with the
number of questions. A base that is a folder on this machine is named in the text only: the hub would look for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.records import Score
from dstill.api.splits import SPLITS
from dstill.errors import UsageError
from dstill.io import cards
from dstill.io.inert import visible
from dstill_export.licences import BASE_CARD, UNKNOWN_LICENCE

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["METRICS", "card_text", "licence_for", "scores_of"]

METRICS = {
    "executable_accuracy": "Executable accuracy",
    "exact_match": "Exact match",
    "silent_error_rate": "Silently wrong",
}
# Licences that the hub lists. Any other is "other" there, with its own name beside it, which the hub takes as well.
_CREATIVE_COMMONS = ("by", "by-sa", "by-nc", "by-nd", "by-nc-sa", "by-nc-nd")
_LICENCES = {
    *("apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "isc", "mit", "mpl-2.0", "unlicense", "unknown"),
    *("agpl-3.0", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "cc0-1.0", *(f"cc-{kind}-4.0" for kind in _CREATIVE_COMMONS)),
    *("bigscience-openrail-m", "openrail", "gemma", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3"),
}
_INTRODUCTION = (
    "From the evaluation by dstill: each answer is run, and its result is compared with that of the reference answer. "
    "A silently wrong answer ran without an error, with another result."
)


def licence_for(base: str, given: str, *, private: bool) -> str:
    """The licence to publish a student under. Raises UsageError if none is known.

    `base`: of the base (`licence_of`); empty: no base. `given`: what the user says; empty: nothing.
    """
    if base not in ("", UNKNOWN_LICENCE):
        if given not in ("", base):
            raise UsageError(
                f"the base has the licence {base!r}",
                where="--licence",
                hint="leave out --licence: the card names it",
            )
        return base
    if base == UNKNOWN_LICENCE and not given and not private:
        raise UsageError(
            "the licence of the base is unknown, so nothing says that its student may be published",
            where="--licence",
            hint="look at the source of the base and name its licence with --licence, or add --private",
        )
    return given


def scores_of(run: Run) -> Mapping[str, Mapping[str, Score]]:
    """Split → metric → score of the student that the run has now; empty if that one was not evaluated."""
    training = run.stages.get("train", {}).get("id", "")
    made_of = run.manifest["files"].get("predictions.jsonl", {}).get("provenance", [None])
    facts = run.stages.get("evaluate", {})
    if not training or made_of[0] != training or facts.get("invalid"):
        return {}
    splits = facts.get("scores", {}).get("student", {})
    return {
        split: {name: Score.from_row(splits[split][name]) for name in METRICS if name in splits[split]}
        for split in SPLITS
        if split in splits
    }


def card_text(
    readme: str,
    facts: Mapping[str, Any],
    *,
    repository: str,
    dataset: str,
    scores: Mapping[str, Mapping[str, Score]],
    licence: str,
) -> str:
    """The text of README.md.

    Args:
        readme: That of the export.
        facts: Of the export (export.json).
        repository: OWNER/NAME of the student on the hub.
        dataset: OWNER/NAME of the data set that is pushed too; empty: none.
        scores: As `scores_of` returns them.
        licence: As `licence_for` returns it.
    """
    from huggingface_hub import ModelCard, ModelCardData

    old = ModelCard(readme, ignore_metadata_errors=True)
    listed = licence.lower() in _LICENCES
    data = ModelCardData(
        base_model=facts["base"] if "/" in facts["base"] else None,
        datasets=[dataset] if dataset else None,
        library_name=old.data.get("library_name"),
        license=(licence.lower() if listed else "other") if licence else None,
        license_name=_word(licence) if licence and not listed else None,
        model_name=repository.partition("/")[2],
        pipeline_tag="text-generation",
        tags=["dstill", "distillation"],
        eval_results=_results(facts, dataset, scores) or None,
    )
    body = [old.text.strip(), *_scores(scores), *_base(facts, licence)]
    return visible("\n".join(["---", data.to_yaml(), "---", "", *body])) + "\n"


def _results(facts: Mapping[str, Any], dataset: str, scores: Mapping[str, Mapping[str, Score]]) -> list[Any]:
    """The entries of ``model-index``. Values are shares from 0 to 1."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="text-generation",
            task_name=facts["task"],
            dataset_type=dataset or facts["task"],
            dataset_name=dataset or f"{facts['run']} ({facts['task']})",
            dataset_split=split,
            metric_type=name,
            metric_name=METRICS[name],
            metric_value=round(score.value, 4),
            metric_args={"n": score.n, **_interval(score)},
        )
        for split, of_split in scores.items()
        for name, score in of_split.items()
        if score.value is not None
    ]


def _interval(score: Score) -> dict[str, list[float]]:
    if score.low is None or score.high is None:
        return {}
    return {"interval_95": [round(score.low, 4), round(score.high, 4)]}


def _scores(scores: Mapping[str, Mapping[str, Score]]) -> list[str]:
    rows = [(split, *(_shown(of_split.get(name)) for name in METRICS)) for split, of_split in scores.items()]
    columns = ("split", *(f"#{name}" for name in METRICS.values()))
    return ["", "## Scores", "", _INTRODUCTION, *cards.table(columns, rows)] if rows else []


def _shown(score: Score | None) -> str:
    if score is None or score.value is None:
        return "not measured"
    return f"{100 * score.value:.1f} % of {score.n}"


def _base(facts: Mapping[str, Any], licence: str) -> list[str]:
    if not facts["base"]:
        return ["", "## Base", "", "None: the student was trained from scratch."]
    card = f" Its card is [{BASE_CARD}]({BASE_CARD})." if BASE_CARD in facts["sha256"] else ""
    named = cards.cell(visible(facts["base"], one_line=True))
    terms = cards.cell(visible(licence, one_line=True)) or UNKNOWN_LICENCE
    return [
        "",
        "## Base",
        "",
        f"Trained from `{named}`, licence: {terms}. The licence applies to this student too.{card}",
    ]


def _word(licence: str) -> str:
    """A name as the hub takes it: letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-")[:80]
