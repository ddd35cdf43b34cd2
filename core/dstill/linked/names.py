"""Split names and texts of any alphabet into words: at punctuation, between letters and digits, and at camel case.

words_in("responseStatus_code2")   ["response", "Status", "code", "2"]
words_in("GrößeInCm")              ["Größe", "In", "Cm"]
stems("responseStatus_codes")      ["response", "status", "code"]
is_named("status_code", "the codes of the status")    True
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby, pairwise

__all__ = ["is_named", "singular", "stems", "words_in"]

_ARTICLES = ("a", "an", "the", "all", "each", "every")
_ASCII = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words_in(text: str) -> list[str]:
    """The words in their order, with their case."""
    if text.isascii():
        return _ASCII.findall(text)
    runs = ("".join(run) for kind, run in groupby(unicodedata.normalize("NFC", text), _kind) if kind)
    # A combining mark alone, such as the one after some emojis, is not a word.
    return [word for run in runs if any(char.isalnum() for char in run) for word in _split_camel_case(run)]


def stems(text: str) -> list[str]:
    """The words of a name or a text, in lower case and singular."""
    return [singular(word.lower()) for word in words_in(text)]


def is_named(name: str, text: str) -> bool:
    """Whether the words of a name follow each other in a text, or its last one is "of" the others."""
    *first, last = stems(name) or [""]
    there = f" {' '.join(word for word in stems(text) if word not in _ARTICLES)} "
    turned = " ".join([last, "of", *first])
    return f" {' '.join([*first, last])} " in there or (bool(first) and f" {turned} " in there)


def singular(word: str) -> str:
    """An English word in lower case without the ending of its plural."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


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
