r"""Questions that go on from the one before: "only those from China", "and by month?", "how many are there?".

    before = Turn(question="names of all singers", phrases=(Phrase(text="singers", kind="data"), …))
    goes_on(read("only those from China", schema))          → True
    in_full(read("only those from China", schema), before)  → "names of all singers.\nonly those from China"
    in_full(read("how many are there?", schema), before)    → "how many singers are there?"

A question goes on if it stands for something by a word such as "them" and names nothing before that word, if it begins
as a part of a sentence does ("and", "what about", "by"), or if it names no item. A student reads the text that
`in_full` gives as one question (`dstill.linked.dialogue`). These rules are for English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

from dstill.api.protocols import Phrase
from dstill.linked import Reading
from dstill.linked.dialogue import first_of, joined
from dstill.linked.linking import LINKS

__all__ = ["Turn", "goes_on", "in_full"]

_REQUEST = r"(what|which|who|whose|where|when|how|list|show|find|return|give|get|count|tell|display)"
_THESE = r"(them|these|those)"
_OPENING = re.compile(
    rf"""(ok(ay)?,?\s)? (
      and | also | but | now | then | only | just | instead | again | limit | (what|how)\sabout | (do\s)?(the\s)?same
    | (of|among|from|for)\s{_THESE}
    | (sort|order|group|rank)(ed)?\s (it|{_THESE}|by|in|(the|these|those)\s(results?|list|rows))
    | (by|per|in|for|from|with|without|before|after|since|between|except|excluding|including|over|under|above|below
      |(at\s)?(least|most)|(more|less|fewer)\sthan) \b (?!.*\b{_REQUEST}\b)
    )\b""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ANYWHERE = re.compile(
    r"""
      \b (of|in|for|from|by|with|to|on|about|than|among|at)\s (that|this|these|those|them|each\sone)\b
         (?!\s(who|that|which|whose|in|with|from))
    | \b (also | the\s(above|previous) | the\sresults? | (what|which)\s\w+\s(are|do|did|have|were)\sthey) \b
    | \b (instead|too|as\swell|again) \W*$
    """,
    re.IGNORECASE | re.VERBOSE,
)
_STANDS_FOR = re.compile(r"\b(them|they|these|those|ones?|its?|their|his|hers?|him|theirs)\b", re.IGNORECASE)
_HOW_MANY = re.compile(
    rf"""((and|so|ok)\s)* (how\smany | what\sis\s(the|their)\s(number|count)) (\sof\s{_THESE})?
    (\s(are|is)\s(there|they|that|it))? (\sin\s(total|all) | \saltogether | \sexist | \sdo\swe\shave)? \W*""",
    re.IGNORECASE | re.VERBOSE,
)
_HOW_MANY_OF = re.compile(rf"((and|so|ok)\s)*how\smany\sof\s{_THESE}\b", re.IGNORECASE)
_DIFFERENT = re.compile(r"\b(different|distinct|unique)\b", re.IGNORECASE)
_INSTEAD = re.compile(
    r"(ok(ay)?,?\s)? (and\s)? ((what|how)\sabout | (do\s)?(the\s)?same(\sthing)?\sfor)\b (?!\s(those|the\sones))",
    re.IGNORECASE | re.VERBOSE,
)
_AND = re.compile(r"and\b(\s\S+){1,3}$", re.IGNORECASE)  # "and in June?": a value beside or in place of the one before
_OF_VALUES = ("value", "said")  # kinds of links
_DAY = re.compile(r"\d{4}(-\d|$)")
_MEASURE = re.compile(
    r"""\b(max(imum)? | min(imum)? | average | mean | total | sum | median | most | least | more | less | fewer | fewest
    | (high|low|larg|small|old|young|lat|new|earli|long|short|cheap)est | ascending | descending | first | last)\b""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A question that was answered."""

    question: str  # in full
    phrases: Sequence[Phrase] = ()  # of its answer

    def words(self, *kinds: str) -> str:
        """The phrases of these kinds; all of them if none is named."""
        return "".join(phrase.text for phrase in self.phrases if not kinds or phrase.kind in kinds).strip()


def goes_on(reading: Reading) -> bool:
    """Whether a question goes on from the one before."""
    question = reading.question.strip()
    named = [reading.words[word].start for (word, _), kind in reading.links.items() if kind != "value"]
    if _OPENING.match(question) or _ANYWHERE.search(question) or not named:
        return True
    first = _STANDS_FOR.search(reading.question)
    return first is not None and first.start() <= min(named)


def in_full(reading: Reading, before: Turn) -> str:
    """The question as one that stands alone."""
    question, base = reading.question.strip(), first_of(before.question)
    rows = before.words("data", "condition")
    if rows and not _DIFFERENT.search(before.question):
        if _HOW_MANY.fullmatch(question):
            return f"how many {rows} are there?"
        if _HOW_MANY_OF.match(question):
            return _HOW_MANY_OF.sub(lambda _: f"how many {rows}", question, count=1)
    if _INSTEAD.match(question):
        return _other_measure(before.question, question) or joined(base or _without(reading, before), question)
    if _AND.match(question) and (first := _without(reading, before, _OF_VALUES)) != before.question:
        return joined(first, question)
    return joined((before.words() if base else "") or before.question, question)


def _without(reading: Reading, before: Turn, kinds: Sequence[str] = LINKS) -> str:
    """The question before, without the conditions on what this one links to, or on dates if it has one."""
    items = {reading.items[item].name for (_, item), kind in reading.links.items() if kind in kinds}
    has_date = any(word.kind in ("date", "month") for word in reading.words)
    kept = [phrase for phrase in before.phrases if not _is_about(phrase, items, has_date)]
    return "".join(phrase.text for phrase in kept) if len(kept) < len(before.phrases) else before.question


def _is_about(phrase: Phrase, items: Set[str], has_date: bool) -> bool:
    """Whether a phrase is a condition on one of the items, or on a date."""
    dates = has_date and any(_DAY.match(value) for value in phrase.values)
    return phrase.kind == "condition" and (dates or not items.isdisjoint(phrase.items))


def _other_measure(before: str, question: str) -> str:
    """The question before with another superlative or aggregate; empty: `question` says more than that."""
    measures = {match.group().lower() for match in _MEASURE.finditer(question)}
    said = set(re.findall(r"\w+", question.lower())) - measures - {"what", "how", "about", "the", "same", "for", "one"}
    if len(measures) != 1 or not said <= set(re.findall(r"\w+", before.lower())) | {"and", "a", "an"}:
        return ""
    changed, n = _MEASURE.subn(measures.pop(), before, count=1)
    return changed if n else ""
