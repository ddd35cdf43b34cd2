"""The ablation of rationales: Distilling Step-by-Step (DSS, Hsieh et al. 2023) against training on labels only.

    ablate(run, seeds=3, split="test", jobs=2)
    →  {"arms": {"dss": […], …}, "comparisons": {"equal steps": {"difference": 0.03, "p_holm": …, …}, …},
        "modality": "lora"}

All arms use the same records and settings. A record is two training sequences for DSS (label and rationale) and one for
label-only, so there are two ways to compare them:

    equal steps      the same optimizer steps and records; DSS sees twice as many sequences
    equal examples   the same number of sequences; label-only takes twice the steps

The second is the harder test for DSS, since it charges the compute for the rationales to DSS. The modality that `auto`
selects and the number of steps may depend on the arm, so the first trial of DSS, which needs more memory, sets both for
all arms, and no arm stops early. Each arm is trained once per seed, and arms are compared as in `dstill experiment
compare` (`dstill_evaluate.comparison`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from dstill.errors import DataError, FailedItems, UsageError
from dstill.runs.run import Run
from dstill_sweep.comparing import compare_with_each, verdicts
from dstill_sweep.trials import Result, Trial, Trials, run_trials

__all__ = ["ablate"]

TREATMENT = "dss"
EQUAL_STEPS, EQUAL_EXAMPLES = "label-only, equal steps", "label-only, equal examples"
FULL_LENGTH = {"train.early_stopping": "none", "train.max_seconds": 0.0}  # so that all arms do all their steps


def ablate(run: Run, *, seeds: int, split: str, jobs: int, keep: bool = False) -> Mapping[str, Any]:
    """Train and compare all arms, and record the facts in run.json.

    `seeds` is the number of trainings per arm, `jobs` how many run at the same time; `keep` keeps the weights.
    Raises UsageError or DataError if an ablation of this run is pointless, and FailedItems if a trial failed.
    """
    _check(run)
    first_seed = run.settings.project.seed
    results: dict[str, Result] = {}

    def run_all(trials: Trials, wanted: Iterable[Trial]) -> None:
        with closing(run_trials(trials, wanted, jobs=jobs)) as finished:
            for result in finished:
                results[result.name] = result
                run.progress("trials", len(results), 3 * seeds)
                if not keep and not result.error:
                    trials.drop_weights(result.name)
        if failed := [result for result in results.values() if result.error]:
            raise FailedItems(
                f"{len(failed)} of {len(results)} trials failed: {failed[0].error}",
                where=str(trials.folder / failed[0].name),
                hint="run the same command again to continue: it repeats only failed trials",
            )

    trials = Trials(run, split=split, fixed=FULL_LENGTH)
    with run.stage("ablate") as facts:
        first = trials.trial({"train.objective": TREATMENT, "project.seed": first_seed})
        run_all(trials, [first])
        modality, steps = trials.training_facts(first)["modality"], results[first.name].steps
        trials = Trials(
            run, split=trials.split, fixed={**FULL_LENGTH, "train.modality": modality, "train.max_steps": steps}
        )
        arms = {
            name: [trials.trial({**changes, "project.seed": first_seed + number}) for number in range(seeds)]
            for name, changes in _arms(steps).items()
        }
        arms[TREATMENT][0] = first
        by_seed = [trial for arm in zip(*arms.values(), strict=True) for trial in arm]
        run_all(trials, [trial for trial in by_seed if trial is not first])
        verdicts_of = {name: verdicts(trials, arm) for name, arm in arms.items()}
        facts.update(
            split=trials.split,
            modality=modality,
            seeds=[first_seed + number for number in range(seeds)],
            arms={name: [results[trial.name].to_row() for trial in arm] for name, arm in arms.items()},
            comparisons={name: pair.to_row() for name, pair in compare_with_each(verdicts_of, TREATMENT).items()},
        )
    return facts


def _check(run: Run) -> None:
    """Raises UsageError or DataError if the comparison could not show anything."""
    if not run.task.executors:
        raise UsageError(
            f"answers of task '{run.task.name}' cannot be executed, but arms are compared by executable accuracy",
            where=str(run.folder),
            hint='use a sweep over train.objective = ["dss", "label-only"], which compares by exact match',
        )
    if run.settings.train.label_weight == 1:
        raise UsageError(
            "with train.label_weight = 1, DSS learns only labels: there is nothing to ablate",
            where=f"train.label_weight: {run.config.origin('train.label_weight')}",
            hint="lower it, for example with --set train.label_weight=0.5",
        )
    if not any(record.rationale for record in run.records("train")):
        raise DataError(
            "no training record has a rationale: there is nothing to ablate",
            where=str(run.folder / "dataset"),
            hint="generate the dataset with a teacher that writes rationales; see `dstill generate --help`",
        )


def _arms(steps: int) -> dict[str, dict[str, Any]]:
    label = {"train.objective": "label-only"}
    return {
        TREATMENT: {"train.objective": TREATMENT},
        EQUAL_STEPS: label,
        EQUAL_EXAMPLES: {**label, "train.max_steps": 2 * steps},
    }
