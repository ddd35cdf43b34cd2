"""Refusals: the right answer to questions that the database cannot answer, and to requests to change data.

    -- no answer: no column holds the weight (missing: weight, kilos)

A refusal is a comment, so no engine does anything with it. The words in brackets are those of the question that no
column holds; they may be absent, and so may the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FORM", "Refusal", "read", "reason", "write"]

FORM = "-- no answer: REASON (missing: WORD, …)"
_REFUSAL = re.compile(
    r"--\s*no answer\b(?:\s*:\s*(?P<reason>[^\n]*?))?\s*(?:\(missing:\s*(?P<missing>[^()\n]*)\))?\s*", re.IGNORECASE
)
_LONGEST = 500  # characters


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A refusal, and what it gives as its cause."""

    reason: str = ""
    missing: tuple[str, ...] = ()


def read(answer: str) -> Refusal | None:
    """The refusal that `answer` is; None: it is none."""
    text = answer.strip()
    match = _REFUSAL.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    words = (" ".join(word.split()) for word in (match["missing"] or "").split(","))
    return Refusal(reason=" ".join((match["reason"] or "").split()), missing=tuple(filter(None, words)))


def reason(answer: str) -> str:
    """The cause that `answer`, a refusal, gives: ``no column holds the weight (missing: weight)``; empty: none."""
    refusal = read(answer) or Refusal()
    missing = f"(missing: {', '.join(refusal.missing)})" if refusal.missing else ""
    return " ".join(filter(None, (refusal.reason, missing)))


def write(missing: Sequence[str] = (), reason: str = "") -> str:
    """The text of a refusal. The words lose what cannot be in it, such as brackets."""
    words = ", ".join(re.sub(r"[(),\s]+", " ", word).strip() for word in missing)
    return f"-- no answer{f': {reason}' if reason else ''}{f' (missing: {words})' if words else ''}"
