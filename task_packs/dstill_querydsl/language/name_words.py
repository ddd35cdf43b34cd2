"""Words in names and texts, whatever the alphabet: cut at signs, between letters and digits, and at humps.

words_in("responseStatus_code2")   ["response", "Status", "code", "2"]
words_in("GrößeInCm")              ["Größe", "In", "Cm"]
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby, pairwise

__all__ = ["words_in"]

_ASCII = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_in(text: str) -> list[str]:
    """In order, as they are written."""
    if text.isascii():
        return _ASCII.findall(text)
    runs = ("".join(run) for kind, run in groupby(unicodedata.normalize("NFC", text), _kind) if kind)
    # A mark alone, as the one behind some emojis, is no word.
    return [word for run in runs if any(char.isalnum() for char in run) for word in _humps(run)]


def _kind(char: str) -> str:
    """Marks belong to the letter before them: vowels of Hindi and Thai."""
    if char.isalpha() or unicodedata.category(char).startswith("M"):
        return "letters"
    return "digits" if char.isdigit() else ""


def _humps(run: str) -> list[str]:
    cuts = [
        at
        for at in range(1, len(run))
        if run[at].isupper() and (run[at - 1].islower() or (run[at - 1].isupper() and run[at + 1 : at + 2].islower()))
    ]
    return [run[start:end] for start, end in pairwise([0, *cuts, len(run)])]
