"""Split names and texts of any alphabet into words: at punctuation, between letters and digits, and at camel case.

words_in("responseStatus_code2")   ["response", "Status", "code", "2"]
words_in("GrößeInCm")              ["Größe", "In", "Cm"]
stems("responseStatus_codes")      ["response", "status", "code"]
mentions("status_code", "the codes of the status")    [" "]
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby, pairwise

__all__ = ["is_asked", "mentions", "singular", "stems", "words_in"]

_ARTICLES = ("a", "an", "the", "all", "each", "every")
_LINKS = "(?:of|with|without|by|in|on|from|for|that|which|who|whose|where|has|have|had|do|doe)"
_BEFORE = " (?:show|list|find|give|me|return|tell|get|what|which|is|are|was|were|and|or)"
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


def mentions(name: str, text: str) -> list[str]:
    """The text before each mention of a name, in stems.

    A mention has the words of the name, or its last word "of" the others: "names and sizes of the shops".
    """
    *first, last = stems(name) or [""]
    there = f" {' '.join(word for word in stems(text) if word not in _ARTICLES)} "
    own, others = re.escape(" ".join([*first, last])), re.escape(" ".join(first))
    turned = rf"|(?:^|{_BEFORE}) {re.escape(last)}(?: (?!{_LINKS} )\S+){{0,6}} of {others}" if first else ""
    pattern = rf"(?: {own}{turned})(?= )"
    return [there[: match.start() + 1] for match in re.finditer(pattern, there)] if last else []


def is_asked(name: str, text: str) -> bool:
    """Whether a name is what a question begins with: "What is the highest price", not "which shop has the …"."""
    before = mentions(name, text)[:1]
    return bool(before) and not re.search(rf" {_LINKS} ", before[0])


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
