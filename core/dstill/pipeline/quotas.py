"""A number of rows, parted among categories in proportion.

>>> quotas({"sort_page": 9, "terse": 2}, 10)
{'sort_page': 8, 'terse': 2}
>>> quotas({"a": 90, "b": 8, "c": 1}, 5, sample=True)
{'a': 3, 'b': 1, 'c': 1}
"""

from __future__ import annotations

from typing import Mapping

__all__ = ["quotas"]


def quotas(sizes: Mapping[str, int], n: int, *, sample: bool = False) -> dict[str, int]:
    """`n` by largest remainders, the first of equals first.

    `sample`: of what is there. Each category has one before any has a second, and none has more than its size.
    """
    total = sum(sizes.values())
    found = {name: int(place < n) if sample else n * size // total for place, (name, size) in enumerate(sizes.items())}
    for _ in range(n - sum(found.values())):
        open_ = (name for name in sizes if not sample or found[name] < sizes[name])
        found[max(open_, key=lambda name: sizes[name] * n - total * found[name])] += 1
    return found
