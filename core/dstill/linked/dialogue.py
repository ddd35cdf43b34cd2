r"""Two questions as one text, which a student reads as one question.

joined("names of all singers", "only those from China")     → "names of all singers.\nonly those from China"
first_of("names of all singers.\nonly those from China")    → "names of all singers"
"""

from __future__ import annotations

__all__ = ["first_of", "joined"]

_AND_THEN = ".\n"  # readings skip white space, and people write none there


def joined(first: str, then: str) -> str:
    """A question, and one that goes on from it."""
    return f"{first.rstrip(' .?!')}{_AND_THEN}{then}"


def first_of(question: str) -> str:
    """What a question goes on from; empty: it stands alone."""
    return question.rpartition(_AND_THEN)[0]
