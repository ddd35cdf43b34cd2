"""Rates for people.

    >>> percent(0.9129), percent(0.99996)
    ('91.3', '> 99.9')

100 and 0 stand only for what is exactly that.
"""

from __future__ import annotations

__all__ = ["percent"]


def percent(value: float) -> str:
    """A share in percent, without the sign: one place after the point."""
    if value in (0, 1):
        return "100" if value else "0"
    rounded = f"{100 * value:.1f}"
    return {"100.0": "> 99.9", "0.0": "< 0.1"}.get(rounded, rounded)
