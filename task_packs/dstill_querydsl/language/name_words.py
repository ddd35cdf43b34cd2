"""Split names and texts of any alphabet into words: at punctuation, between letters and digits, and at camel case.

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
    """The words in their order, with their case."""
    if text.isascii():
        return _ASCII.findall(text)
    runs = ("".join(run) for kind, run in groupby(unicodedata.normalize("NFC", text), _kind) if kind)
    # A combining mark alone, such as the one after some emojis, is not a word.
    return [word for run in runs if any(char.isalnum() for char in run) for word in _split_camel_case(run)]


def _kind(char: str) -> str:
    """Combining marks count as letters, such as the vowel signs of Hindi and Thai."""
    if char.isalpha() or unicodedata.category(char).startswith("M"):
        return "letters"
    return "digits" if char.isdigit() else ""


def _split_camel_case(run: str) -> list[str]:
    cuts = [
        at
        for at in range(1, len(run))
        if run[at].isupper() and (run[at - 1].islower() or (run[at - 1].isupper() and run[at + 1 : at + 2].islower()))
    ]
    return [run[start:end] for start, end in pairwise([0, *cuts, len(run)])]
