"""Runs a sweep: tries points of a search space and finds the Pareto front of the trials.

    sweep(run, space, split="validation", jobs=2)
    →  {"space": {…}, "split": "validation", "metric": "executable_accuracy", "trials": [Result…], "front": [names],
        "best": name}

A space with only lists is tried completely. Otherwise optuna proposes the points, with three objectives: higher
accuracy, less peak memory, less training time. It proposes rounds of `jobs` points and receives their results in order,
so the same space yields the same points again: a resumed sweep takes the same path and reads the finished trials.
Not covered: pruning a trial before it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import closing
from typing import Any, Protocol

from dstill.errors import DataError, needs
from dstill.io.logs import log
from dstill.runs.run import Run
from dstill_sweep.space import Range, Space
from dstill_sweep.trials import Result, Trial, Trials, run_trials

__all__ = ["TrialRunner", "front", "sweep"]


class TrialRunner(Protocol):
    """Runs trials and yields their results, like `dstill_sweep.trials.run_trials`. Closing it stops running trials."""

    def __call__(self, trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]: ...


def sweep(
    run: Run, space: Space, *, split: str, jobs: int, keep: bool = False, runner: TrialRunner = run_trials
) -> Mapping[str, Any]:
    """Try `space` on the dataset of `run`, and record the facts above in its run.json.

    Weights of trials that are not on the front are deleted unless `keep` is set. Raises ConfigError for invalid
    settings, and DataError if no trial succeeded.
    """
    trials = Trials(run, split=split)
    results: dict[str, Result] = {}

    def trial(point: Mapping[str, Any]) -> Trial:
        return trials.trial(space.changes(point, run.settings.train.r))

    with run.stage("sweep") as facts:
        grid = _unique(space, trial) if space.trials is None else None
        finished = _search(space, trial, trials, jobs, runner) if grid is None else runner(trials, grid, jobs=jobs)
        with closing(finished):  # otherwise a traceback would keep it alive, and its trials running
            for result in finished:
                results[result.name] = result
                log.info("trial %s: %s", result.name, result.error or f"accuracy {result.accuracy_value:.3f}")
                if not keep:
                    _drop_dominated(trials, results.values())
                run.progress("trials", len(results), space.trials or len(grid or ()))
        best = front(results.values())
        facts.update(
            space=_choices(space),
            split=trials.split,
            metric=trials.metric,
            rank=run.settings.train.r,  # of trials that do not set train.r
            sampler="grid" if space.trials is None else space.sampler,
            trials=[result.to_row() for _, result in sorted(results.items())],
            front=best,
            best=best[0] if best else None,
        )
        if not best:
            reasons = "; ".join(sorted({result.error for result in results.values()}))
            raise DataError(
                "all trials failed", where=str(trials.folder), hint=f"see the log.txt of each trial: {reasons[:300]}"
            )
    return facts


def front(results: Iterable[Result]) -> list[str]:
    """Names of the trials on the Pareto front of accuracy, peak memory and training time; most accurate first."""
    points = {r.name: (-r.accuracy_value, r.peak_memory, r.seconds) for r in results if not r.error}

    def dominated(name: str) -> bool:
        mine = points[name]
        return any(other != mine and all(o <= m for o, m in zip(other, mine, strict=True)) for other in points.values())

    return sorted((name for name in points if not dominated(name)), key=points.__getitem__)


def _drop_dominated(trials: Trials, results: Collection[Result]) -> None:
    """Delete weights of trials off the front, except failed ones: their evaluation may still be repeated."""
    best = front(results)
    for result in results:
        if not result.error and result.name not in best:
            trials.drop_weights(result.name)


def _unique(space: Space, trial: Callable[[Mapping[str, Any]], Trial]) -> list[Trial]:
    """The trials of all combinations; combinations that differ only in ignored settings are one trial."""
    return list({planned.name: planned for planned in map(trial, space.grid())}.values())


def _search(
    space: Space, trial: Callable[[Mapping[str, Any]], Trial], trials: Trials, jobs: int, runner: TrialRunner
) -> Generator[Result, None, None]:
    with needs("a sweep over ranges", "sweep"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[space.sampler]
    study = optuna.create_study(directions=["maximize", "minimize", "minimize"], sampler=sampler(seed=space.seed))
    remaining = space.trials or 0
    while remaining > 0:
        proposals = [study.ask() for _ in range(min(jobs, remaining))]
        wanted = [trial(space.suggest(proposal)) for proposal in proposals]
        results: dict[str, Result] = {}
        with closing(runner(trials, wanted, jobs=jobs)) as finished:
            for result in finished:
                results[result.name] = result
                yield result
        for proposal, point in zip(proposals, wanted, strict=True):
            result = results[point.name]
            if result.error:
                study.tell(proposal, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(proposal, [result.accuracy_value, result.peak_memory, result.seconds])
        remaining -= len(proposals)


def _choices(space: Space) -> dict[str, Any]:
    return {
        key: {"low": values.low, "high": values.high, "log": values.log} if isinstance(values, Range) else list(values)
        for key, values in space.choices.items()
    }
