"""Which extra of dstill brings a library that is not installed.

extra_of("transformers.trainer")    # → "train", where transformers is not installed
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import metadata
from importlib.util import find_spec

__all__ = ["extra_of"]

_OF_EXTRA = re.compile(r"([\w.-]+).*;.*extra == ['\"]([\w-]+)['\"]")


def extra_of(module: str) -> str | None:
    """The smallest extra for users that has the distribution of this module's name.

    None where dstill names none, or where the library is there and lacks a module: that is a fault.
    """
    top = module.partition(".")[0]
    if not top or find_spec(top) is not None:
        return None
    try:
        required = metadata.requires("dstill") or []
    except metadata.PackageNotFoundError:  # run from its sources
        return None
    pairs = [(match[1].replace("-", "_"), match[2]) for text in required if (match := _OF_EXTRA.match(text))]
    sizes = Counter(extra for _, extra in pairs)
    having = {extra for name, extra in pairs if name == top} - {"dev"}
    return min(having, key=lambda extra: (sizes[extra], extra), default=None)
