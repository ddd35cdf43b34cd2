"""The ablation: does the rationale help? Distilling Step-by-Step against the label alone.

    ablate(run, seeds=3, split="test", jobs=2)
    →  {"arms": {"dss": […], …}, "comparisons": {"equal steps": {"difference": 0.03, "p_holm": …, …}, …},
        "modality": "lora"}

Both arms learn from the same records in the same order of settings, once at equal steps and once at
equal examples. A record is two training sequences to DSS (its label, its rationale) and one to the
label alone, so

    equal steps      as many optimizer steps over as many records; DSS has learnt from twice as many sequences
    equal examples   as many sequences: the label alone takes twice the steps

The second is the harder test for DSS: it pays for the rationales' computing. What the modality `auto`
comes to, and how many steps its epochs are, hangs on what an arm learns: the first trial of DSS, the
larger one, says both for all, and nothing stops an arm before its steps. Each seed trains each arm
anew; arms are held against each other as `dstill experiment compare` does it (`dstill_evaluate.comparison`).
"""

from __future__ import annotations

from contextlib import closing
from typing import Any, Iterable, Mapping

from dstill.errors import DataError, FailedItems, UsageError
from dstill.runs.run import Run
from dstill_sweep.comparing import held_against_each, verdicts
from dstill_sweep.trials import Result, Trial, Trials, finished

__all__ = ["ablate"]

TREATMENT = "dss"
EQUAL_STEPS, EQUAL_EXAMPLES = "label-only, equal steps", "label-only, equal examples"
WHOLE = {"train.early_stopping": "none", "train.max_seconds": 0.0}  # steps are equal where all of them are done


def ablate(run: Run, *, seeds: int, split: str, jobs: int, keep: bool = False) -> Mapping[str, Any]:
    """Train and compare all arms. The facts go to run.json.

    Raises UsageError, DataError where nothing could be told; FailedItems where a trial failed.
    """
    _check(run)
    begins = run.settings.project.seed
    results: dict[str, Result] = {}

    def do(trials: Trials, wanted: Iterable[Trial]) -> None:
        with closing(finished(trials, wanted, jobs=jobs)) as ended:
            for result in ended:
                results[result.name] = result
                run.progress("trials", len(results), 3 * seeds)
                if not keep and not result.error:
                    trials.drop_weights(result.name)
        if failed := [result for result in results.values() if result.error]:
            raise FailedItems(
                f"{len(failed)} of {len(results)} trials failed: {failed[0].error}",
                where=str(trials.folder / failed[0].name),
                hint="the same command does those again and keeps the others",
            )

    trials = Trials(run, split=split, fixed=WHOLE)
    with run.stage("ablate") as facts:
        first = trials.trial({"train.objective": TREATMENT, "project.seed": begins})
        do(trials, [first])
        modality, steps = trials.training(first)["modality"], results[first.name].steps
        trials = Trials(run, split=trials.split, fixed={**WHOLE, "train.modality": modality, "train.max_steps": steps})
        arms = {
            name: [trials.trial({**changes, "project.seed": begins + number}) for number in range(seeds)]
            for name, changes in _arms(steps).items()
        }
        arms[TREATMENT][0] = first
        by_seed = [trial for arm in zip(*arms.values(), strict=True) for trial in arm]
        do(trials, [trial for trial in by_seed if trial is not first])
        verdicts_of = {name: verdicts(trials, arm) for name, arm in arms.items()}
        facts.update(
            split=trials.split,
            modality=modality,
            seeds=[begins + number for number in range(seeds)],
            arms={name: [results[trial.name].to_row() for trial in arm] for name, arm in arms.items()},
            comparisons={name: one.to_row() for name, one in held_against_each(verdicts_of, TREATMENT).items()},
        )
    return facts


def _check(run: Run) -> None:
    """Raises UsageError, DataError where trainings could tell nothing."""
    if not run.task.executors:
        raise UsageError(
            f"answers of task '{run.task.name}' are not run: arms are compared by what their answers do",
            where=str(run.folder),
            hint='a sweep over train.objective = ["dss", "label-only"] compares by exact match',
        )
    if run.settings.train.label_weight == 1:
        raise UsageError(
            "at train.label_weight = 1 DSS learns the label alone: there is nothing to ablate",
            where=f"train.label_weight: {run.config.origins['train.label_weight']}",
            hint="lower it, as --set train.label_weight=0.5",
        )
    if not any(record.rationale for record in run.records("train")):
        raise DataError(
            "no training record has a rationale: there is nothing to ablate",
            where=str(run.folder / "dataset"),
            hint="a teacher writes them; see `dstill generate`",
        )


def _arms(steps: int) -> dict[str, dict[str, Any]]:
    label = {"train.objective": "label-only"}
    return {
        TREATMENT: {"train.objective": TREATMENT},
        EQUAL_STEPS: label,
        EQUAL_EXAMPLES: {**label, "train.max_steps": 2 * steps},
    }
