"""A number of rows, divided among categories in proportion.

>>> quotas({"sort_page": 9, "terse": 2}, 10)
{'sort_page': 8, 'terse': 2}
>>> quotas({"a": 90, "b": 8, "c": 1}, 5, sample=True)
{'a': 3, 'b': 1, 'c': 1}
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["quotas"]


def quotas(sizes: Mapping[str, int], n: int, *, sample: bool = False) -> dict[str, int]:
    """`n` by the largest remainder method; of equal remainders, the first category wins.

    `sample`: draw from `sizes` rows. Each category gets one before any gets a second, and none gets more than its size.
    """
    total = sum(sizes.values())
    shares = {name: int(place < n) if sample else n * size // total for place, (name, size) in enumerate(sizes.items())}
    for _ in range(n - sum(shares.values())):
        unfilled = (name for name in sizes if not sample or shares[name] < sizes[name])
        shares[max(unfilled, key=lambda name: sizes[name] * n - total * shares[name])] += 1
    return shares
