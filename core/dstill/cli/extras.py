"""The optional dependencies of dstill, read from its package metadata.

extra_of("transformers.trainer")    # → "train", if transformers is not installed
extras()                            # → {"evaluate": ["scikit-learn", "scipy", "statsmodels"], …}
missing("demo")                     # → ["scikit-learn", "torch"]
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec

from dstill.errors import MissingExtra

__all__ = ["extra_of", "extras", "is_installed", "missing", "require"]

COLLECTIONS = ("all", "check", "demo", "ui")  # extras that only combine others
_OF_EXTRA = re.compile(r"([\w.-]+).*;.*extra == ['\"]([\w-]+)['\"]")


def extra_of(module: str) -> str | None:
    """The smallest extra that installs this module.

    None if no extra does, or if the library is installed and lacks the module, which is a fault of the library.
    """
    top = module.partition(".")[0]
    if not top or find_spec(top) is not None:
        return None
    pairs = _pairs()
    sizes = Counter(extra for _, extra in pairs)
    having = {extra for name, extra in pairs if name.replace("-", "_") == top}
    return min(having, key=lambda extra: (sizes[extra], extra), default=None)


def extras() -> dict[str, list[str]]:
    """Extra → its packages, without those of another extra that it includes."""
    packages: dict[str, list[str]] = {}
    for name, extra in _pairs():
        packages.setdefault(extra, []).append(name)
    for whole in COLLECTIONS:
        packages.pop(whole, None)
    return {extra: sorted(_added(extra, packages)) for extra in sorted(packages)}


def missing(extra: str) -> list[str]:
    """The distributions of an extra that are not installed."""
    return sorted(name for name, of in _pairs() if of == extra and not is_installed(name))


def require(extra: str, *, command: str, plugin: str) -> None:
    """Raises MissingExtra if a command lacks libraries and `plugin` is dstill's own: others may need less."""
    lacking = missing(extra)
    if lacking and any(
        point.name == plugin for point in metadata.distribution("dstill").entry_points.select(group="dstill")
    ):
        raise MissingExtra(f"`dstill {command}`", extra, ", ".join(lacking))


def is_installed(distribution: str) -> bool:
    """Whether a distribution is installed."""
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _added(extra: str, packages: Mapping[str, Sequence[str]]) -> set[str]:
    mine = set(packages[extra])
    inside = (set(names) for names in packages.values() if set(names) < mine)
    return mine.difference(*inside) or mine


def _pairs() -> list[tuple[str, str]]:
    """(package, extra) of each requirement of an extra; none if dstill is not installed as a package."""
    try:
        required = metadata.requires("dstill") or []
    except metadata.PackageNotFoundError:
        return []
    return [(match[1], match[2]) for text in required if (match := _OF_EXTRA.match(text))]
