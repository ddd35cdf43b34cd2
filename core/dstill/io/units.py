"""Amounts of memory and rates, as people write and read them.

    >>> parse_size("24GB") == 24 * 2**30
    True
    >>> size(24 * 2**30), size(700 * 2**20)
    ('24.0 GiB', '700 MiB')
    >>> size_on_disk(5_300_000), percent(0.9129), percent(0.99996)
    ('5.3 MB', '91.3', '> 99.9')

A card sold as "24 GB" has 24 GiB, so GB means 2^30 bytes here, as vendors use it. `percent` writes 100 and 0 only for
exactly 1 and 0.
"""

from __future__ import annotations

import re

from dstill.errors import UsageError

__all__ = ["amount", "parse_size", "percent", "size", "size_on_disk"]

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)


def parse_size(text: str, *, where: str = "") -> int:
    """Bytes of ``24GB``, ``24GiB`` or ``512M``; without a unit: bytes. Raises UsageError, also below 1 MiB."""
    match = _SIZE.fullmatch(text)
    count = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if count < 2**20:  # no machine has less: the unit is missing
        raise UsageError(f"'{text}' is not an amount of memory", where=where, hint="write it as 24GB")
    return count


def size(count: float) -> str:
    """Bytes of memory in a suitable unit: ``9.0 GiB``, ``310 MiB``."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def size_on_disk(count: int) -> str:
    """Bytes in decimal units, as disks are sold: ``4.0 MB``, ``0.5 kB``."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def percent(value: float) -> str:
    """A share from 0 to 1 in percent, with one decimal and without the percent sign."""
    if value in (0, 1):
        return "100" if value else "0"
    rounded = f"{100 * value:.1f}"
    return {"100.0": "> 99.9", "0.0": "< 0.1"}.get(rounded, rounded)


def amount(value: float | None, form: str) -> str:
    """``1,234.5``; a dash if it is not known."""
    return "–" if value is None else form.format(value)
