"""The ablation: does the rationale help? Distilling Step-by-Step against the label alone.

    ablate(run, seeds=3, split="test", jobs=2)
    →  {"arms": {"dss": […], …}, "comparisons": {"equal steps": {"difference": 0.03, "low": …, "p": …}, …}}

Both arms learn from the same records in the same order of settings, once at equal steps and once at
equal examples. A record is two training sequences to DSS (its label, its rationale) and one to the
label alone, so

    equal steps      as many optimizer steps over as many records; DSS has learnt from twice as many sequences
    equal examples   as many sequences: the label alone takes twice the steps

The second is the harder test for DSS: it pays for the rationales' computing. Each seed trains each
arm anew; items are compared in pairs (`dstill_evaluate.paired`), those that say nothing about an
answer in any arm (an engine's failure, a gold that tells nothing) left out for all.
"""

from __future__ import annotations

from typing import Any, Mapping

from dstill.errors import DataError, FailedItems
from dstill.run import Run
from dstill_sweep.comparing import compared, verdicts
from dstill_sweep.pool import finished
from dstill_sweep.trials import Result, Trials

__all__ = ["ablate"]

TREATMENT = "dss"
EQUAL_STEPS, EQUAL_EXAMPLES = "label-only, equal steps", "label-only, equal examples"


def ablate(run: Run, *, seeds: int, split: str, jobs: int, keep: bool = False) -> Mapping[str, Any]:
    """Train and compare all arms. The facts go to run.json. Raises FailedItems where a trial failed."""
    trials = Trials(run, split=split)
    if not any(record.rationale for record in run.records("train")):
        raise DataError(
            "no training record has a rationale: there is nothing to ablate",
            where=str(run.folder / "dataset"),
            hint="a teacher writes them; see `dstill generate`",
        )
    first = run.settings.project.seed
    arms = {
        name: [trials.trial({**changes, "project.seed": first + number}) for number in range(seeds)]
        for name, changes in _arms(run).items()
    }
    wanted = [trial for arm in zip(*arms.values(), strict=True) for trial in arm]  # a whole seed after the other
    results: dict[str, Result] = {}
    with run.stage("ablate") as facts:
        for result in finished(trials, wanted, jobs=jobs):
            results[result.name] = result
            run.progress("trials", len(results), len(wanted))
            if not keep:
                trials.drop_weights(result.name)
        if failed := [result for result in results.values() if result.error]:
            raise FailedItems(
                f"{len(failed)} of {len(wanted)} trials failed: {failed[0].error}",
                where=str(trials.folder / failed[0].name),
                hint="the same command does those again and keeps the others",
            )
        facts.update(
            split=split,
            seeds=[first + number for number in range(seeds)],
            arms={name: [results[trial.name].to_row() for trial in arm] for name, arm in arms.items()},
            comparisons={
                name: compared(verdicts(trials, arms[TREATMENT]), verdicts(trials, arm)).to_row()
                for name, arm in arms.items()
                if name != TREATMENT
            },
        )
    return facts


def _arms(run: Run) -> dict[str, dict[str, Any]]:
    recipe = run.settings.train
    label = {"train.objective": "label-only"}
    longer = (
        {"train.max_steps": recipe.max_steps * 2}
        if recipe.max_steps > 0
        else {"train.num_train_epochs": recipe.num_train_epochs * 2}
    )
    return {
        TREATMENT: {"train.objective": TREATMENT},
        EQUAL_STEPS: label,
        EQUAL_EXAMPLES: {**label, **longer},
    }
