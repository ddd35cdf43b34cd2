"""How many CPU threads torch works with, for a while.

    with cpu_threads(recipe.threads):    # 0: as many as it had
        …

On a machine that is busy, threads wait for each other for longer than they work.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

__all__ = ["cpu_threads"]


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
