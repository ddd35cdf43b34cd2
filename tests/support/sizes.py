"""How much a test tries: little in CI, much in `make nightly`.

BODIES = size("BODIES", ci=100, nightly=1_000)     # DSTILL_BODIES=5000 asks for another count
"""

from __future__ import annotations

import os

__all__ = ["NIGHTLY", "size"]

NIGHTLY = os.environ.get("DSTILL_NIGHTLY") == "1"


def size(name: str, *, ci: int, nightly: int) -> int:
    """The count to try: the variable ``DSTILL_<name>`` where it is set."""
    return int(os.environ.get(f"DSTILL_{name}", nightly if NIGHTLY else ci))
