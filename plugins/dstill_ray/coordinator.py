"""A Ray actor through which the workers report progress and results, and learn that they should stop.

    coordinator = start_coordinator()                    # Ray runs it in a process on the command's machine
    run.progress = ProgressReporter(coordinator)         # in a worker; raises KeyboardInterrupt if it should stop
    state_of(coordinator)   →   State(running={"0"}, progress={"training": (3, 12, "loss 1.31")}, …)

Errors are sent as rows instead of pickled exceptions: `error_to_row` and `error_from_row`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill import errors
from dstill.errors import DstillError, MissingExtra, UsageError

__all__ = [
    "Coordinator",
    "ProgressReporter",
    "State",
    "error_from_row",
    "error_to_row",
    "start_coordinator",
    "state_of",
]

INTERVAL = 0.5  # seconds between two reports of a worker


@dataclass(kw_only=True)
class State:
    """The knowledge of the coordinator."""

    stop_requested: bool = False
    started: bool = False  # any worker
    running: set[str] = field(default_factory=set)  # workers
    progress: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # label → done, total, detail
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # finished worker → its result or error


class Coordinator:
    """The actor. Ray runs one call at a time."""

    def __init__(self) -> None:
        self._state = State()

    def start(self, worker: str) -> bool:
        """Record that `worker` starts. Returns False if it should not."""
        if self._state.stop_requested:
            return False
        self._state.started = True
        self._state.running.add(worker)
        return True

    def report(self, label: str, done: int, total: int, detail: str) -> bool:
        """Record progress. Returns True if the worker should stop."""
        self._state.progress[label] = (done, total, detail)
        return self._state.stop_requested

    def finish(self, worker: str, result: Mapping[str, Any]) -> None:
        """Record the result of `worker`."""
        self._state.running.discard(worker)
        self._state.results[worker] = result

    def forget(self, workers: Iterable[str]) -> None:
        """Drop earlier results of workers that run again."""
        for worker in workers:
            self._state.results.pop(worker, None)

    def request_stop(self) -> None:
        """Ask all workers to stop."""
        self._state.stop_requested = True

    def state(self) -> State:
        return self._state


def start_coordinator() -> Any:
    """Start the actor on the command's machine, so that it does not depend on another machine. Returns its handle."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    this_node = NodeAffinitySchedulingStrategy(node_id=ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(num_cpus=0, scheduling_strategy=this_node)(Coordinator).remote()


def state_of(coordinator: Any) -> State:
    """The current state of the actor."""
    import ray

    state: State = ray.get(coordinator.state.remote())
    return state


class ProgressReporter:
    """Sends a run's progress from a worker to the coordinator, at most every `INTERVAL` seconds."""

    def __init__(self, coordinator: Any) -> None:
        self._coordinator = coordinator
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Report progress. Raises KeyboardInterrupt if the worker should stop."""
        import ray

        now = time.monotonic()
        if now - self._last < INTERVAL and done != total:
            return
        self._last = now
        if ray.get(self._coordinator.report.remote(what, done, total, detail)):
            raise KeyboardInterrupt


def error_to_row(error: BaseException) -> dict[str, str]:
    """An exception as plain data. One that is not a DstillError is reported as a bug."""
    if not isinstance(error, DstillError):
        error = DstillError(f"bug in dstill: {type(error).__name__}: {error}", hint="report what --debug shows")
    return error.as_json()


def error_from_row(row: Mapping[str, str]) -> DstillError:
    """The exception that `error_to_row` converted."""
    kinds: list[type[DstillError]] = [kind for kind in map(vars(errors).get, errors.__all__) if isinstance(kind, type)]
    kind = next(kind for kind in kinds if kind.code == row["code"])
    if kind is MissingExtra:  # its constructor takes other arguments
        kind = UsageError
    return kind(row["message"], where=row["where"], hint=row["hint"])
