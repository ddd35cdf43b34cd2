"""Amounts of memory and rates, as people write and read them.

    >>> parse_size("24GB") == 24 * 2**30
    True
    >>> size(24 * 2**30), size(700 * 2**20)
    ('24.0 GiB', '700 MiB')
    >>> size_on_disk(5_300_000), percent(0.9129), percent(0.99996)
    ('5.3 MB', '91.3', '> 99.9')

A card sold as "24 GB" holds 24 GiB, so GB is read as vendors print it: 2^30 bytes.
100 and 0 percent stand only for what is exactly that.
"""

from __future__ import annotations

import re

from dstill.errors import UsageError

__all__ = ["parse_size", "percent", "size", "size_on_disk"]

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", re.IGNORECASE)


def parse_size(text: str, *, where: str = "") -> int:
    """Bytes of ``24GB``, ``24GiB`` or ``512M``; a bare number must be one of bytes. Raises UsageError."""
    match = _SIZE.fullmatch(text)
    count = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if count < 2**20:  # no machine has less: a unit was forgotten
        raise UsageError(f"'{text}' is no amount of memory", where=where, hint="write it as 24GB")
    return count


def size(count: float) -> str:
    """Bytes in the unit that suits them: ``9.0 GiB``, ``310 MiB``."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def size_on_disk(count: int) -> str:
    """Bytes as disks are sold: ``4.0 MB``, ``0.5 kB``."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def percent(value: float) -> str:
    """A share in percent, without the sign: one place after the point."""
    if value in (0, 1):
        return "100" if value else "0"
    rounded = f"{100 * value:.1f}"
    return {"100.0": "> 99.9", "0.0": "< 0.1"}.get(rounded, rounded)
