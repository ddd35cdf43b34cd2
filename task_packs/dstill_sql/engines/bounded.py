"""Rows of a result, as long as they fit into memory: twenty thousand rows may hold gigabytes of text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

__all__ = ["bounded"]


def bounded(rows: Iterable[Sequence[Any]], most: int, size: int) -> list[Sequence[Any]]:
    """The first `most` rows. Raises MemoryError where they take more than `size` bytes."""
    few = []
    for row in islice(rows, most):
        size -= sys.getsizeof(row) + sum(map(sys.getsizeof, row))
        if size < 0:
            raise MemoryError
        few.append(row)
    return few
