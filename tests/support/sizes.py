"""How much a test tries: little in CI, much in `make nightly`.

BODIES = size("BODIES", ci=100, nightly=1_000)     # DSTILL_BODIES=5000 asks for another count
    @pytest.mark.parametrize("kind", first_quick([Full, Lora]))   # Lora is for the nightly tests
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["NIGHTLY", "first_quick", "size"]

NIGHTLY = os.environ.get("DSTILL_NIGHTLY") == "1"


def size(name: str, *, ci: int, nightly: int) -> int:
    """The count to try: the variable ``DSTILL_<name>`` where it is set."""
    return int(os.environ.get(f"DSTILL_{name}", nightly if NIGHTLY else ci))


def first_quick(values: Iterable[Any]) -> list[Any]:
    """Parameters of a test, of which all but the first are for `make nightly`. A tuple gives several arguments."""
    first, *others = (value if isinstance(value, tuple) else (value,) for value in values)
    return [pytest.param(*first), *(pytest.param(*other, marks=pytest.mark.nightly) for other in others)]
