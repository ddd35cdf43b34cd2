"""Runs the trials of a sweep on a Ray cluster, with Ray Tune.

    runner = TuneRunner(coordinator=coordinator, flags={}, cpus=1, gpus=None)
    sweep(run, space, split="validation", jobs=4, runner=runner)

Points, names, folders and results are those of `dstill experiment sweep`. Tune runs each trial in a separate process on
the cluster, with its cores and GPUs. The result of a finished trial is read instead of repeated.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dstill import plugins
from dstill.errors import DstillError, ServiceError
from dstill.runs.run import Run
from dstill_ray.cluster import change_folder, gpu_count, last_line, storage, warn_if_too_small
from dstill_ray.coordinator import ProgressReporter, state_of
from dstill_ray.waiting import finished, in_background
from dstill_sweep.trials import Result, Trial, Trials, complete

__all__ = ["TuneRunner"]

DEATH = "its process died, perhaps out of memory"
GRACE = 60.0  # seconds for stopped trials to save their checkpoints


@dataclass(frozen=True, kw_only=True)
class TuneRunner:
    """A `dstill_sweep.sweeping.TrialRunner` for a cluster."""

    coordinator: Any
    flags: Mapping[str, Any] = field(default_factory=dict)  # of the command
    cpus: float = 1  # per trial
    gpus: float | None = None  # per trial; None: 1 if the cluster has any

    def __call__(self, trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]:
        missing: dict[str, Trial] = {}
        for trial in wanted:
            if trial.name not in missing:
                if result := trials.finished_result(trial):
                    yield result
                else:
                    missing[trial.name] = trial
        if missing:
            yield from self._run(trials, list(missing.values()), jobs)

    def _run(self, trials: Trials, wanted: list[Trial], jobs: int) -> Generator[Result, None, None]:
        import ray

        remaining = {trial.name: trial for trial in wanted}
        ray.get(self.coordinator.forget.remote(list(remaining)))
        with storage(trials.parent) as folder:
            fit = in_background(self._tuner(trials, wanted, jobs, folder).fit)
            try:
                ended = False
                while not ended:
                    ended = finished(fit)  # before the results are read, so that the last ones are not missed
                    rows = state_of(self.coordinator).results
                    for name in remaining.keys() & rows.keys():
                        del remaining[name]
                        yield Result.from_row(rows[name])
            except BaseException:
                self._stop(fit)
                raise
            if failure := fit.exception():
                raise ServiceError(
                    f"the sweep on Ray failed: {last_line(failure)}",
                    hint="every machine needs dstill, and the run's folder at the same path",
                ) from failure
        for trial in remaining.values():
            yield Result(name=trial.name, changes=trial.changes, error=DEATH)

    def _tuner(self, trials: Trials, wanted: list[Trial], jobs: int, folder: str) -> Any:
        from ray import tune

        job = {
            "coordinator": self.coordinator,
            "run": str(trials.parent.folder.absolute()),
            "folder": str(Path.cwd()),
            "flags": dict(self.flags),
            "plugins": [str(file.absolute()) for file in trials.parent.plugins.files],
            "split": trials.split,
        }
        resources = self._resources()
        tune_resources = {name.lower(): amount for name, amount in resources.items()}
        warn_if_too_small(1, resources)
        return tune.Tuner(
            tune.with_resources(lambda config: run_trial(job, wanted[config["trial"]]), tune_resources),
            param_space={"trial": tune.grid_search(list(range(len(wanted))))},
            tune_config=tune.TuneConfig(max_concurrent_trials=jobs, reuse_actors=False),
            run_config=tune.RunConfig(storage_path=folder, name="sweep", verbose=0),
        )

    def _resources(self) -> dict[str, float]:
        each = self.gpus if self.gpus is not None else min(1.0, gpu_count())
        return {"CPU": self.cpus, "GPU": each} if each else {"CPU": self.cpus}

    def _stop(self, fit: Future[Any]) -> None:
        """Ask running trials to save a checkpoint and stop, and wait for them. Waiting trials do not start."""
        import ray

        ray.get(self.coordinator.request_stop.remote())
        deadline = time.monotonic() + GRACE
        while state_of(self.coordinator).running and time.monotonic() < deadline and not finished(fit):
            pass


# --- in a worker ------------------------------------------------------------------------


class InProcessTrials(Trials):
    """Trials that run in this process, which Ray started for one of them."""

    def __init__(self, parent: Run, *, split: str, coordinator: Any) -> None:
        super().__init__(parent, split=split)
        self._coordinator = coordinator

    def complete(self, folder: Path) -> str:
        run = Run.open(folder, plugins=self.parent.plugins, trusted=True)
        run.progress = ProgressReporter(self._coordinator)
        try:
            complete(run)
        except DstillError as error:
            return error.what
        return ""


def run_trial(job: Mapping[str, Any], trial: Trial) -> dict[str, float]:
    """Run one trial and report its result, even if it fails. Ray's own views show the returned metrics."""
    import ray

    coordinator = job["coordinator"]
    if not ray.get(coordinator.start.remote(trial.name)):
        return {}
    try:
        change_folder(Path(job["folder"]))
        loaded = plugins.load(map(Path, job["plugins"]))
        parent = Run.open(job["run"], flags=job["flags"], plugins=loaded, trusted=True)
        result = InProcessTrials(parent, split=job["split"], coordinator=coordinator).run(trial)
    except Exception as error:
        result = Result(name=trial.name, changes=trial.changes, error=last_line(error))
    ray.get(coordinator.finish.remote(trial.name, result.to_row()))
    return {"accuracy": result.accuracy_value, "seconds": result.seconds}
