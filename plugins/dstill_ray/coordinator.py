"""Where workers say how far they are and how they ended, and hear that a person wants them to stop.

    desk = opened()                   # an actor: Ray keeps it in a process beside the command
    run.progress = Reports(desk)      # in a worker; KeyboardInterrupt once somebody asked to stop
    look(desk)   →   State(working={"0"}, told={"training": (3, 12, "loss 1.31")}, …)

Errors go over the wire as rows, not pickled: `row_of` makes them, `error_of` reads them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

from dstill import errors
from dstill.errors import DstillError, MissingExtra, UsageError

__all__ = ["Desk", "Reports", "State", "error_of", "look", "opened", "row_of"]

EVERY = 0.5  # seconds between two reports of a worker


@dataclass(kw_only=True)
class State:
    asked: bool = False  # to stop
    begun: bool = False
    working: set[str] = field(default_factory=set)
    told: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # what → done, total, detail
    ended: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # worker → what it came to


class Desk:
    """One after the other, whoever calls."""

    def __init__(self) -> None:
        self.state = State()

    def begin(self, worker: str) -> bool:
        """Whether it is to begin at all."""
        if self.state.asked:
            return False
        self.state.begun = True
        self.state.working.add(worker)
        return True

    def tell(self, what: str, done: int, total: int, detail: str) -> bool:
        """Whether the worker is to stop."""
        self.state.told[what] = (done, total, detail)
        return self.state.asked

    def end(self, worker: str, came_to: Mapping[str, Any]) -> None:
        self.state.working.discard(worker)
        self.state.ended[worker] = came_to

    def forget(self, workers: Iterable[str]) -> None:
        """What they came to before: a trial that failed may be tried again, and that is another end."""
        for worker in workers:
            self.state.ended.pop(worker, None)

    def ask_to_stop(self) -> None:
        self.state.asked = True

    def look(self) -> State:
        return self.state


def opened() -> Any:
    """A desk on the machine of the command, so that it goes with nothing else."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(node_id=ray.get_runtime_context().get_node_id(), soft=True)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(Desk).remote()


def look(desk: Any) -> State:
    import ray

    state: State = ray.get(desk.look.remote())
    return state


class Reports:
    """A run's progress in a worker, told to the desk now and then."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None:
        import ray

        now = time.monotonic()
        if now - self._last < EVERY and done != total:
            return
        self._last = now
        if ray.get(self.desk.tell.remote(what, done, total, detail)):
            raise KeyboardInterrupt


def row_of(problem: BaseException) -> dict[str, str]:
    """An error as a row. One that is not dstill's is a bug, as the command line says it."""
    if not isinstance(problem, DstillError):
        problem = DstillError(f"bug in dstill: {type(problem).__name__}: {problem}", hint="report what --debug shows")
    return problem.as_json()


def error_of(row: Mapping[str, str]) -> DstillError:
    kinds: list[type[DstillError]] = [kind for kind in map(vars(errors).get, errors.__all__) if isinstance(kind, type)]
    kind = next(kind for kind in kinds if kind.code == row["code"])
    if kind is MissingExtra:  # which is made of other words
        kind = UsageError
    return kind(row["message"], where=row["where"], hint=row["hint"])
