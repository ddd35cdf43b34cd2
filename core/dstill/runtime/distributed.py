"""One training in several processes, started by torchrun, accelerate or Ray: which of them this one is.

    torchrun --nproc-per-node 2 -m dstill train RUN

    count(), number()            # 2, and 0 or 1: by the variables WORLD_SIZE and RANK that they set
    leads()                      # process 0: it alone writes files and speaks to the person
    of_first(lambda: choose())   # in every process what process 0 made
    gathered(mine)               # in every process the values of all, process 0's first
    with together(): …           # TrainingError where another process has gone

In one process, the usual case, nothing here needs torch.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Callable, Iterator, TypeVar

from dstill.errors import TrainingError

__all__ = [
    "GONE",
    "all_gather",
    "broadcast",
    "in_step",
    "is_main",
    "local_rank",
    "local_world_size",
    "rank",
    "world_size",
]

T = TypeVar("T")
GONE = "another process of this training ended"


def world_size() -> int:
    return _variable("WORLD_SIZE", 1) if "RANK" in os.environ else 1


def rank() -> int:
    return _variable("RANK", 0)


def local_world_size() -> int:
    """How many of them share this machine."""
    return _variable("LOCAL_WORLD_SIZE", 1)


def local_rank() -> int:
    """Which of this machine's it is: its GPU has the same number."""
    return _variable("LOCAL_RANK", 0)


def is_main() -> bool:
    return world_size() == 1 or rank() == 0


def broadcast(make: Callable[[], T]) -> T:
    """What `make` gives in process 0, for all of them; the others wait for it and do not call `make`."""
    if world_size() == 1:
        return make()
    made: list[Any] = [make() if is_main() else None]
    _group().broadcast_object_list(made, src=0)
    found: T = made[0]
    return found


def all_gather(mine: T) -> list[T]:
    """The values of all processes, in their order."""
    if world_size() == 1:
        return [mine]
    values: list[Any] = [None] * world_size()
    _group().all_gather_object(values, mine)
    return values


@contextlib.contextmanager
def in_step() -> Iterator[None]:
    """Work that all processes do in step. Raises TrainingError in those that are left when one has gone."""
    try:
        yield
    except RuntimeError as error:
        if world_size() == 1 or not _is_loss(error):
            raise
        raise TrainingError(
            GONE,
            where=f"process {rank()} of {world_size()} cannot go on alone",
            hint="what ended it stands above or below; the same command goes on from the last checkpoint",
        ) from error


def _is_loss(error: RuntimeError) -> bool:
    """Whether a collective failed since a process was not there any more."""
    from torch import distributed

    text = str(error)
    return isinstance(error, distributed.DistError) or "gloo" in text or "by peer" in text


def _group() -> Any:
    """torch.distributed, with this process in its place: objects go over the CPU, tensors of a GPU by NCCL."""
    import torch
    from torch import distributed

    if not distributed.is_initialized():
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(local_rank())
        distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo")
    return distributed


def _variable(name: str, otherwise: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else otherwise
