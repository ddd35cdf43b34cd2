"""The trials of a sweep on a Ray cluster: Ray Tune runs what `dstill_sweep` proposes.

    engine = Tuned(desk, flags={}, cpus=1, gpus=None)
    sweep(run, space, split="validation", jobs=4, engine=engine)

Points, names, folders, results and their order are those of `dstill experiment sweep`; Tune gives each trial a process
of its own somewhere on the cluster, and what it needs there. A trial that is finished is read, not sent.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generator, Iterable, Mapping

from dstill import plugins
from dstill.errors import DstillError, ServiceError
from dstill.runs.run import Run
from dstill_ray.cluster import gpus, in_folder, said, storage, wants
from dstill_ray.coordinator import Reports, look
from dstill_ray.waiting import in_background, over
from dstill_sweep.trials import Result, Trial, Trials, do

__all__ = ["Tuned"]

DIED = "its process died, as for want of memory"
GRACE = 60.0  # seconds that stopped trials have to save their checkpoints


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """Does the trials of `Trials` as `dstill_sweep.trials.finished` does, on a cluster."""

    desk: Any
    flags: Mapping[str, Any] = field(default_factory=dict)  # of the command
    cpus: float = 1  # of each trial
    gpus: float | None = None  # of each trial; None: 1 where the cluster has any

    def __call__(self, trials: Trials, wanted: Iterable[Trial], *, jobs: int) -> Generator[Result, None, None]:
        missing: dict[str, Trial] = {}
        for trial in wanted:
            if trial.name not in missing:
                if known := trials.known(trial):
                    yield known
                else:
                    missing[trial.name] = trial
        if missing:
            yield from self._tried(trials, list(missing.values()), jobs)

    def _tried(self, trials: Trials, wanted: list[Trial], jobs: int) -> Generator[Result, None, None]:
        import ray

        left = {trial.name: trial for trial in wanted}
        ray.get(self.desk.forget.remote(list(left)))
        with storage(trials.parent) as folder:
            fitting = in_background(self._tuner(trials, wanted, jobs, folder).fit)
            try:
                ended = False
                while not ended:
                    ended = over(fitting)  # before the look: after it nothing more is told
                    rows = look(self.desk).ended
                    for name in left.keys() & rows.keys():
                        del left[name]
                        yield Result.from_row(rows[name])
            except BaseException:
                self._stop(fitting)
                raise
            if failure := fitting.exception():
                raise ServiceError(
                    f"Ray could not do the sweep: {said(failure)}",
                    hint="dstill is installed, and the run's folder seen at the same path, on every machine?",
                ) from failure
        for trial in left.values():
            yield Result(name=trial.name, changes=trial.changes, error=DIED)

    def _tuner(self, trials: Trials, wanted: list[Trial], jobs: int, folder: str) -> Any:
        from ray import tune

        job = {
            "desk": self.desk,
            "run": str(trials.parent.folder.absolute()),
            "folder": str(Path.cwd()),
            "flags": dict(self.flags),
            "plugins": [str(file.absolute()) for file in trials.parent.plugins.files],
            "split": trials.split,
        }
        resources = self._resources()
        wants(1, resources)
        return tune.Tuner(
            tune.with_resources(lambda config: attempt(job, wanted[config["trial"]]), _small(resources)),
            param_space={"trial": tune.grid_search(list(range(len(wanted))))},
            tune_config=tune.TuneConfig(max_concurrent_trials=jobs, reuse_actors=False),
            run_config=tune.RunConfig(storage_path=folder, name="sweep", verbose=0),
        )

    def _resources(self) -> dict[str, float]:
        each = self.gpus if self.gpus is not None else min(1.0, gpus())
        return {"CPU": self.cpus, "GPU": each} if each else {"CPU": self.cpus}

    def _stop(self, fitting: Future[Any]) -> None:
        """Trials that are under way save what they have, those that wait find nothing to do."""
        import ray

        ray.get(self.desk.ask_to_stop.remote())
        deadline = time.monotonic() + GRACE
        while look(self.desk).working and time.monotonic() < deadline and not over(fitting):
            pass


def _small(resources: Mapping[str, float]) -> dict[str, float]:
    return {name.lower(): amount for name, amount in resources.items()}


# --- in a worker ------------------------------------------------------------------------


class Here(Trials):
    """Trials in this process, which Ray made for one of them."""

    def __init__(self, parent: Run, *, split: str, desk: Any) -> None:
        super().__init__(parent, split=split)
        self.desk = desk

    def done(self, folder: Path) -> str:
        run = Run.open(folder, plugins=self.parent.plugins, trusted=True)
        run.progress = Reports(self.desk)
        try:
            do(run)
        except DstillError as problem:
            return problem.what
        return ""


def attempt(job: Mapping[str, Any], trial: Trial) -> dict[str, float]:
    """One trial, whatever it does; Ray's own views show what is returned."""
    import ray

    desk = job["desk"]
    if not ray.get(desk.begin.remote(trial.name)):
        return {}
    try:
        in_folder(Path(job["folder"]))
        loaded = plugins.load(map(Path, job["plugins"]))
        parent = Run.open(job["run"], flags=job["flags"], plugins=loaded, trusted=True)
        result = Here(parent, split=job["split"], desk=desk).run(trial)
    except Exception as problem:
        result = Result(name=trial.name, changes=trial.changes, error=said(problem))
    ray.get(desk.end.remote(trial.name, result.to_row()))
    return {"accuracy": result.accuracy_value, "seconds": result.seconds}
