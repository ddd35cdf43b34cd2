"""A sweep: points of a space, each tried, and the front of those that nothing beats.

    sweep(run, space, split="validation", jobs=2)
    →  {"space": {…}, "split": "validation", "metric": "executable_accuracy", "trials": [Result…], "front": [names],
        "best": name}

Lists alone are tried whole; else optuna proposes the points, with three objectives: accuracy up,
peak memory and seconds of training down. It proposes by rounds of `jobs` points and hears of their
results in order, so that the same space gives the same points again: a sweep that was stopped walks
the same way, and a trial that is finished is read instead of run. Not covered: pruning of a trial
before its end.
"""

from __future__ import annotations

import logging
from contextlib import closing
from typing import Any, Callable, Collection, Generator, Iterable, Mapping, Protocol

from dstill.errors import DataError, needs
from dstill.runs.run import Run
from dstill_sweep.space import Range, Space
from dstill_sweep.trials import Result, Trial, Trials, finished

__all__ = ["Engine", "front", "sweep"]

log = logging.getLogger("dstill")


class Engine(Protocol):
    """What does trials: `dstill_sweep.trials.finished` on this machine. Closed, it stops those that are under way."""

    def __call__(self, trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]: ...


def sweep(
    run: Run, space: Space, *, split: str, jobs: int, keep: bool = False, engine: Engine = finished
) -> Mapping[str, Any]:
    """Try the space on the dataset of `run`. The facts go to its run.json; see the module.

    Students of trials off the front are deleted unless `keep`. Raises ConfigError; DataError when no trial ended well.
    """
    trials = Trials(run, split=split)
    results: dict[str, Result] = {}

    def trial(point: Mapping[str, Any]) -> Trial:
        return trials.trial(space.changes(point, run.settings.train.r))

    with run.stage("sweep") as facts:
        whole = _unique(space, trial) if space.trials is None else None
        tried = _proposed(space, trial, trials, jobs, engine) if whole is None else engine(trials, whole, jobs=jobs)
        with closing(tried):  # a traceback would keep it alive, and its trials would go on
            for result in tried:
                results[result.name] = result
                log.info("trial %s: %s", result.name, result.error or f"accuracy {result.accuracy_value:.3f}")
                if not keep:
                    _drop_beaten(trials, results.values())
                run.progress("trials", len(results), space.trials or len(whole or ()))
        best = front(results.values())
        facts.update(
            space=_choices(space),
            split=trials.split,
            metric=trials.metric,
            rank=run.settings.train.r,  # where a trial does not change it
            sampler="grid" if space.trials is None else space.sampler,
            trials=[result.to_row() for _, result in sorted(results.items())],
            front=best,
            best=best[0] if best else None,
        )
        if not best:
            reasons = "; ".join(sorted({result.error for result in results.values()}))
            raise DataError(
                "no trial ended well", where=str(trials.folder), hint=f"each trial's log.txt says why: {reasons[:300]}"
            )
    return facts


def front(results: Iterable[Result]) -> list[str]:
    """Names of the trials that no other is better than in one of the three and at least as good in all; best first."""
    points = {r.name: (-r.accuracy_value, r.peak_memory, r.seconds) for r in results if not r.error}

    def beaten(name: str) -> bool:
        mine = points[name]
        return any(other != mine and all(o <= m for o, m in zip(other, mine, strict=True)) for other in points.values())

    return sorted((name for name in points if not beaten(name)), key=points.__getitem__)


def _drop_beaten(trials: Trials, results: Collection[Result]) -> None:
    """A trial that failed keeps its student: its evaluation is still to come, or another process is at work on it."""
    leads = front(results)
    for result in results:
        if not result.error and result.name not in leads:
            trials.drop_weights(result.name)


def _unique(space: Space, trial: Callable[[Mapping[str, Any]], Trial]) -> list[Trial]:
    """Every combination once; two that differ only in what is ignored are one."""
    return list({found.name: found for found in map(trial, space.grid())}.values())


def _proposed(
    space: Space, trial: Callable[[Mapping[str, Any]], Trial], trials: Trials, jobs: int, engine: Engine
) -> Generator[Result, None, None]:
    with needs("a sweep over ranges", "sweep"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[space.sampler]
    study = optuna.create_study(directions=["maximize", "minimize", "minimize"], sampler=sampler(seed=space.seed))
    left = space.trials or 0
    while left > 0:
        asked = [study.ask() for _ in range(min(jobs, left))]
        wanted = [trial(space.suggest(found)) for found in asked]
        results: dict[str, Result] = {}
        with closing(engine(trials, wanted, jobs=jobs)) as tried:
            for result in tried:
                results[result.name] = result
                yield result
        for number, point in zip(asked, wanted, strict=True):
            result = results[point.name]
            if result.error:
                study.tell(number, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(number, [result.accuracy_value, result.peak_memory, result.seconds])
        left -= len(asked)


def _choices(space: Space) -> dict[str, Any]:
    return {
        key: {"low": values.low, "high": values.high, "log": values.log} if isinstance(values, Range) else list(values)
        for key, values in space.choices.items()
    }
