"""Data-parallel training in several workers of a Ray cluster, started by Ray Train's TorchTrainer.

    train(run, Resources(workers=2, cpus=1), address="", flags={})  →  the result of `Run.train`

Ray sets RANK, WORLD_SIZE and the process group as torchrun does, and each worker calls `Run.train` on the same folder
(`dstill.runtime.distributed`). Signals do not reach other machines, so the first worker asks the coordinator at every
step whether to stop.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill import plugins, trust
from dstill.cli.console import note
from dstill.errors import DstillError, Interrupted, RunError, ServiceError, TrainingError
from dstill.runs.folder import RunFolder
from dstill.runs.run import Run
from dstill.runtime import distributed
from dstill_ray.cluster import change_folder, cluster, gpu_count, last_line, storage, warn_if_too_small
from dstill_ray.coordinator import ProgressReporter, State, error_from_row, error_to_row, state_of
from dstill_ray.waiting import finished, in_background

__all__ = ["Resources", "train"]

PATIENCE = 30.0  # seconds until a worker that Ray ended has released the run's lock


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Resources of the cluster for a training."""

    workers: int
    cpus: float = 1  # per worker
    gpus: int | None = None  # per worker, 0 or 1; None: 1 if the cluster has enough

    def per_worker(self) -> dict[str, float]:
        """Ray's resources of one worker."""
        each = self.gpus if self.gpus is not None else int(gpu_count() >= self.workers)
        return {"CPU": self.cpus, "GPU": each} if each else {"CPU": self.cpus}


def train(run: Run, resources: Resources, *, address: str, flags: Mapping[str, Any], **how: bool) -> Mapping[str, Any]:
    """Train the student of `run`. `flags` are those of the command, `how` the arguments of `Run.train`.

    Raises the errors of `Run.train`, and ServiceError if Ray fails.
    """
    run.refuse_retraining(restart=how.get("restart", False))
    trust.require(run.config)  # checked here: the workers' machines have no record of what the user trusts
    job = {
        "run": str(run.folder.absolute()),
        "folder": str(Path.cwd()),
        "flags": dict(flags),
        "plugins": [str(file.absolute()) for file in run.plugins.files],
        "how": how,
    }
    try:
        with cluster(address, cpus=resources.workers * resources.cpus) as coordinator, storage(run) as folder:
            trainer = _trainer({**job, "coordinator": coordinator}, resources, folder)
            failure = _follow(in_background(trainer.fit), run, coordinator)
            _raise(state_of(coordinator), failure, resources.workers)
    except (DstillError, KeyboardInterrupt) as error:
        _record_status(run, error)
        raise
    return RunFolder.read(run.folder).stages["train"]


def _trainer(job: Mapping[str, Any], resources: Resources, folder: str) -> Any:
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    per_worker = resources.per_worker()
    warn_if_too_small(resources.workers, per_worker)
    cuda = "GPU" in per_worker
    return TorchTrainer(
        work,
        train_loop_config=dict(job),
        # `dstill.runtime.distributed` exchanges objects on the CPU
        torch_config=TorchConfig(backend="cpu:gloo,cuda:nccl" if cuda else "gloo"),
        scaling_config=ScalingConfig(num_workers=resources.workers, use_gpu=cuda, resources_per_worker=per_worker),
        run_config=RunConfig(storage_path=folder, name="train"),
    )


def _follow(fit: Any, run: Run, coordinator: Any) -> BaseException | None:
    """Show progress until the training ends, and return its error. The first Ctrl-C asks the workers to stop."""
    shown: dict[str, Any] = {}
    try:
        while not finished(fit):
            shown = _show_progress(run, state_of(coordinator), shown)
    except KeyboardInterrupt:
        _request_stop(coordinator)
        while not finished(fit):
            pass
    _show_progress(run, state_of(coordinator), shown)
    failure: BaseException | None = fit.exception()
    return failure


def _request_stop(coordinator: Any) -> None:
    import ray

    ray.get(coordinator.request_stop.remote())
    if not state_of(coordinator).started:
        raise Interrupted("stopped before the workers started", hint="run the same command again")
    note("stopping after the current step, with a checkpoint; Ctrl-C again stops immediately")


def _show_progress(run: Run, state: State, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Show progress that is not in `shown`, and return all progress shown so far."""
    for label, (done, total, detail) in state.progress.items():
        if shown.get(label) != (done, total, detail):
            run.progress(label, done, total, detail)
    return state.progress


def _raise(state: State, failure: BaseException | None, workers: int) -> None:
    """Raise the error that ended the training, if any: of the lowest worker, since all may report the same one."""
    for worker, row in sorted(state.results.items(), key=lambda item: int(item[0])):
        if row and row["message"] != distributed.ENDED_PEER:
            if worker != "0":
                note(f"worker {worker} of {workers} (numbered from 0)")
            raise error_from_row(row) from failure
    if failure is None:
        return
    died = [number for number in getattr(failure, "worker_failures", ()) if str(number) not in state.results]
    if died:
        raise TrainingError(
            f"worker {died[0]} of {workers} (numbered from 0) died",
            where=last_line(failure.worker_failures[died[0]]),  # type: ignore[attr-defined]
            hint="it may have run out of memory; run the same command again to continue",
        ) from failure
    raise ServiceError(
        f"training on Ray failed: {last_line(failure)}",
        hint="every machine needs dstill, and the run's folder at the same path; --debug shows more",
    ) from failure


def _record_status(run: Run, error: DstillError | KeyboardInterrupt) -> None:
    """Record in run.json how the training ended, unless a worker did: Ray may have killed it before it could."""
    unknown = {"train: running", f"train: failed: {distributed.ENDED_PEER}"}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with run.lock():
                if run.manifest["status"] in unknown:
                    ended = "interrupted" if isinstance(error, KeyboardInterrupt) else f"failed: {error.what}"
                    run.manifest["status"] = f"train: {ended}"
                    run.save()
            return
        except RunError:  # locked by a worker that is being ended, or by another command
            time.sleep(0.2)


# --- in a worker ------------------------------------------------------------------------


def work(job: Mapping[str, Any]) -> None:
    """Train as one worker, from start to end."""
    import ray

    coordinator, worker = job["coordinator"], str(distributed.rank())
    if not distributed.broadcast(lambda: ray.get(coordinator.start.remote(worker))):
        return
    try:
        _train(job)
    except Exception as error:
        ray.get(coordinator.finish.remote(worker, error_to_row(error)))
        if isinstance(error, Interrupted):
            return  # every worker stops after the same step
        raise
    ray.get(coordinator.finish.remote(worker, {}))


def _train(job: Mapping[str, Any]) -> None:
    change_folder(Path(job["folder"]))
    loaded = plugins.load(map(Path, job["plugins"]))
    run = Run.open(job["run"], flags=job["flags"], plugins=loaded, trusted=True)
    if distributed.is_main():
        run.progress = ProgressReporter(job["coordinator"])
    run.train(**job["how"])
