"""One training in several workers of a Ray cluster, data-parallel: Ray Train's TorchTrainer starts them.

    train(run, Share(workers=2, cpus=1), address="", flags={})  →  what `Run.train` gives

Ray sets RANK, WORLD_SIZE and the process group up as torchrun does, and each worker calls `Run.train` on the same
folder: what holds for several processes (`dstill.runtime.distributed`) holds here. In place of signals, which do not
cross machines, the first worker asks the desk at its steps whether it is to stop.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from dstill import plugins, trust
from dstill.cli.console import note
from dstill.errors import DstillError, Interrupted, RunError, ServiceError, TrainingError
from dstill.runs.folder import RunFolder
from dstill.runs.run import Run
from dstill.runtime import distributed
from dstill_ray.cluster import cluster, gpus, in_folder, said, storage, wants
from dstill_ray.coordinator import Reports, State, error_of, look, row_of
from dstill_ray.waiting import in_background, over

__all__ = ["Share", "train"]

PATIENCE = 30.0  # seconds in which a worker that Ray ends has let go of the run


@dataclass(frozen=True, kw_only=True)
class Share:
    """What of the cluster a training takes."""

    workers: int
    cpus: float = 1  # of each worker
    gpus: int | None = None  # of each worker, 0 or 1; None: 1 where the cluster has that many

    def resources(self) -> dict[str, float]:
        each = self.gpus if self.gpus is not None else int(gpus() >= self.workers)
        return {"CPU": self.cpus, "GPU": each} if each else {"CPU": self.cpus}


def train(run: Run, share: Share, *, address: str, flags: Mapping[str, Any], **how: bool) -> Mapping[str, Any]:
    """`how` is as of `Run.train`, whose errors these are; ServiceError where Ray fails."""
    trust.require(run.config)  # the workers may lie on machines where nobody has allowed anything
    job = {
        "run": str(run.folder.absolute()),
        "folder": str(Path.cwd()),
        "flags": dict(flags),
        "plugins": [str(file.absolute()) for file in run.plugins.files],
        "how": how,
    }
    try:
        with cluster(address, cpus=share.workers * share.cpus) as desk, storage(run) as folder:
            trainer = _trainer({**job, "desk": desk}, share, folder)
            failure = _followed(in_background(trainer.fit), run, desk)
            _raise(look(desk), failure, share.workers)
    except (DstillError, KeyboardInterrupt) as problem:
        _write_down(run, problem)
        raise
    found: Mapping[str, Any] = RunFolder.read(run.folder).manifest["stages"]["train"]
    return found


def _trainer(job: Mapping[str, Any], share: Share, folder: str) -> Any:
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    resources = share.resources()
    wants(share.workers, resources)
    cuda = "GPU" in resources
    return TorchTrainer(
        work,
        train_loop_config=dict(job),
        # objects go over the CPU, as `dstill.runtime.distributed` has it
        torch_config=TorchConfig(backend="cpu:gloo,cuda:nccl" if cuda else "gloo"),
        scaling_config=ScalingConfig(num_workers=share.workers, use_gpu=cuda, resources_per_worker=resources),
        run_config=RunConfig(storage_path=folder, name="train"),
    )


def _followed(fitting: Any, run: Run, desk: Any) -> BaseException | None:
    """What Ray's training ended with. At Ctrl-C the workers stop in order; at the second all end at once."""
    told: dict[str, Any] = {}
    try:
        while not over(fitting):
            told = _report(run, look(desk), told)
    except KeyboardInterrupt:
        _ask_to_stop(desk)
        while not over(fitting):
            pass
    _report(run, look(desk), told)
    failure: BaseException | None = fitting.exception()
    return failure


def _ask_to_stop(desk: Any) -> None:
    import ray

    ray.get(desk.ask_to_stop.remote())
    if not look(desk).begun:
        raise Interrupted("stopped before the workers began", hint="run the same command again")
    note("stops after the step that runs, with a checkpoint; Ctrl-C again ends it at once")


def _report(run: Run, state: State, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is new since `before`, to the person; returns what was told by now."""
    for what, (done, total, detail) in state.told.items():
        if before.get(what) != (done, total, detail):
            run.progress(what, done, total, detail)
    return state.told


def _raise(state: State, failure: BaseException | None, workers: int) -> None:
    """The error that all began with: what is wrong for all the first worker says, as the command line would."""
    for worker, row in sorted(state.ended.items(), key=lambda item: int(item[0])):
        if row and row["message"] != distributed.GONE:
            if worker != "0":
                note(f"worker {worker} of {workers} (numbered from 0)")
            raise error_of(row) from failure
    if failure is None:
        return
    died = [number for number in getattr(failure, "worker_failures", ()) if str(number) not in state.ended]
    if died:
        raise TrainingError(
            f"worker {died[0]} of {workers} (numbered from 0) died",
            where=said(failure.worker_failures[died[0]]),  # type: ignore[attr-defined]
            hint="killed, as for want of memory? The same command goes on from the last checkpoint",
        ) from failure
    raise ServiceError(
        f"Ray could not do the training: {said(failure)}",
        hint="dstill is installed, and the run's folder seen at the same path, on every machine? --debug shows more",
    ) from failure


def _write_down(run: Run, problem: DstillError | KeyboardInterrupt) -> None:
    """How it ended, in run.json: the first worker could not say it where Ray ended it with the others."""
    unknown = {"train: running", f"train: failed: {distributed.GONE}"}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with run.lock():
                if run.manifest["status"] in unknown:
                    ended = "interrupted" if isinstance(problem, KeyboardInterrupt) else f"failed: {problem.what}"
                    run.manifest["status"] = f"train: {ended}"
                    run.save()
            return
        except RunError:  # by a worker that is being ended, or by somebody else, who will say it
            time.sleep(0.2)


# --- in a worker ------------------------------------------------------------------------


def work(job: Mapping[str, Any]) -> None:
    """One worker's whole life."""
    import ray

    desk, me = job["desk"], str(distributed.rank())
    if not distributed.broadcast(lambda: ray.get(desk.begin.remote(me))):
        return
    try:
        _train(job)
    except Exception as problem:
        ray.get(desk.end.remote(me, row_of(problem)))
        if isinstance(problem, Interrupted):
            return  # all of them, after the same step
        raise
    ray.get(desk.end.remote(me, {}))


def _train(job: Mapping[str, Any]) -> None:
    in_folder(Path(job["folder"]))
    loaded = plugins.load(map(Path, job["plugins"]))
    run = Run.open(job["run"], flags=job["flags"], plugins=loaded, trusted=True)
    if distributed.is_main():
        run.progress = Reports(job["desk"])
    run.train(**job["how"])
