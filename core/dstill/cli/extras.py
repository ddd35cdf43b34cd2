"""Which extra of dstill brings a library, and which libraries of an extra are not installed.

extra_of("transformers.trainer")    # → "train", where transformers is not installed
missing("demo")                     # → ["scikit-learn", "torch"]
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import metadata
from importlib.util import find_spec

__all__ = ["built_in", "extra_of", "missing"]

_OF_EXTRA = re.compile(r"([\w.-]+).*;.*extra == ['\"]([\w-]+)['\"]")


def extra_of(module: str) -> str | None:
    """The smallest extra that has the distribution of this module's name.

    None where dstill names none, or where the library is there and lacks a module: that is a fault.
    """
    top = module.partition(".")[0]
    if not top or find_spec(top) is not None:
        return None
    pairs = [(name.replace("-", "_"), extra) for name, extra in _pairs()]
    sizes = Counter(extra for _, extra in pairs)
    having = {extra for name, extra in pairs if name == top}
    return min(having, key=lambda extra: (sizes[extra], extra), default=None)


def missing(extra: str) -> list[str]:
    """The distributions of an extra that are not installed."""
    wanted = {name for name, of in _pairs() if of == extra}
    return sorted(name for name in wanted if not any(metadata.distributions(name=name)))


def built_in(plugin: str) -> bool:
    """Whether dstill itself ships the plugin."""
    return any(point.name == plugin for point in metadata.distribution("dstill").entry_points.select(group="dstill"))


def _pairs() -> list[tuple[str, str]]:
    """(package, extra) of each requirement that belongs to an extra; none where dstill is run from its sources."""
    try:
        required = metadata.requires("dstill") or []
    except metadata.PackageNotFoundError:
        return []
    return [(match[1], match[2]) for text in required if (match := _OF_EXTRA.match(text))]
