"""Training in several processes, started by torchrun, accelerate or Ray.

    torchrun --nproc-per-node 2 -m dstill train RUN

    world_size(), rank()           # 2, and 0 or 1: from the variables WORLD_SIZE and RANK that torchrun sets
    is_main()                      # True in process 0, which alone writes files and prints
    broadcast(lambda: choose())    # in every process: the value of process 0
    all_gather(mine)               # in every process: the values of all, that of process 0 first
    with in_step(): …              # TrainingError if another process ended

With one process, the usual case, nothing here imports torch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from dstill.errors import TrainingError

__all__ = [
    "ENDED_PEER",
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
ENDED_PEER = "another process of this training ended"


def world_size() -> int:
    """The number of processes that train together."""
    return _variable("WORLD_SIZE", 1) if "RANK" in os.environ else 1


def rank() -> int:
    """The number of this process, from 0."""
    return _variable("RANK", 0)


def local_world_size() -> int:
    """The number of processes on this machine."""
    return _variable("LOCAL_WORLD_SIZE", 1)


def local_rank() -> int:
    """The number of this process on this machine, from 0. Its GPU has the same number."""
    return _variable("LOCAL_RANK", 0)


def is_main() -> bool:
    """Whether this is process 0."""
    return world_size() == 1 or rank() == 0


def broadcast(make: Callable[[], T]) -> T:
    """The result of `make` in process 0, for all processes. The others wait for it and do not call `make`."""
    if world_size() == 1:
        return make()
    box: list[Any] = [make() if is_main() else None]
    _group().broadcast_object_list(box, src=0)
    value: T = box[0]
    return value


def all_gather(mine: T) -> list[T]:
    """The values of all processes, in the order of their ranks."""
    if world_size() == 1:
        return [mine]
    values: list[Any] = [None] * world_size()
    _group().all_gather_object(values, mine)
    return values


@contextlib.contextmanager
def in_step() -> Iterator[None]:
    """A block that all processes run in step. If one of them ends, the others raise TrainingError."""
    try:
        yield
    except RuntimeError as error:
        if world_size() == 1 or not _is_loss(error):
            raise
        raise TrainingError(
            ENDED_PEER,
            where=f"process {rank()} of {world_size()} cannot continue alone",
            hint="its error is above or below; run the same command again to continue",
        ) from error


def _is_loss(error: RuntimeError) -> bool:
    """Whether a collective operation failed because a process had ended."""
    from torch import distributed

    text = str(error)
    return isinstance(error, distributed.DistError) or "gloo" in text or "by peer" in text


def _group() -> Any:
    """torch.distributed, initialized: objects go over the CPU, tensors on a GPU over NCCL."""
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
