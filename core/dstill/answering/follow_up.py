"""Questions that go on from the one before: "only those from China", "and by month?", "how many are there?".

    before = Turn(question="names of all singers", phrases=(Phrase(text="singers", kind="data"), …))
    goes_on(read("only those from China", schema))          → True
    in_full(read("only those from China", schema), before)  → "names of all singers. only those from China"
    in_full(read("how many are there?", schema), before)    → "how many singers are there?"
    in_full(read("what about Peru?", schema), after_china)  → "singers, showing name. what about Peru?"

A question goes on if it stands for something by a word such as "them" and names nothing before that word, if it begins
as a part of a sentence does ("and", "what about", "by"), or if it names no item. A student reads the text that
`in_full` gives as one question. These rules are for English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dstill.api.protocols import Phrase
from dstill.linked import Reading

__all__ = ["Turn", "goes_on", "in_full", "joined"]

_REQUEST = r"(what|which|who|whose|where|when|how|list|show|find|return|give|get|count|tell|display)"
_OPENING = re.compile(
    r"(ok(ay)?,? )?(and|also|but|now|then|only|just|instead|again|(what|how) about|(do )?(the )?same|(of|among|from|for) "
    r"(them|these|those)|(sort|order|group|rank)(ed)?( (it|them|those|these|by|in)| (the|these|those) (results?|list|rows))|"
    r"limit|(by|per|in|for|from|with|without|before|after|since|between|except|excluding|including|(at )?(least|most)|"
    rf"(more|less|fewer) than|over|under|above|below)\b(?!.*\b{_REQUEST}\b))\b",
    re.IGNORECASE | re.DOTALL,
)
_ANYWHERE = re.compile(
    r"\b((of|in|for|from|by|with|to|on|about|than|among|at) (that|this|these|those|them|each one)\b(?! (who|that|which|whose|in|with|from))"
    r"|also|the (above|previous)|the results?|(what|which) \w+ (are|do|did|have|were) they)\b|\b(instead|too|as well|again)\W*$",
    re.IGNORECASE,
)
_STANDS_FOR = re.compile(r"\b(them|they|these|those|ones?|its?|their|his|hers?|him|theirs)\b", re.IGNORECASE)
_HOW_MANY = re.compile(
    r"(and |so |ok,? )*(how many|what is (the|their) (number|count))( of (them|these|those))?( (are|is) (there|they|that|it))?"
    r"( in (total|all)| altogether| exist| do we have)?\W*",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"(ok(ay)?,? )?(and )?((what|how) about|(do )?(the )?same( thing)? for)\b(?! (those|the ones))", re.IGNORECASE
)
_MEASURE = re.compile(
    r"\b(max(imum)?|min(imum)?|average|mean|total|sum|median|(high|low|larg|small|old|young|lat|new|earli|long|short|cheap)est"
    r"|most|least|fewest|more|less|fewer|ascending|descending|first|last)\b",
    re.IGNORECASE,
)
_HOW_MANY_OF = re.compile(r"(and |so |ok,? )*how many of (them|these|those)\b", re.IGNORECASE)
_DIFFERENT = re.compile(r"\b(different|distinct|unique)\b", re.IGNORECASE)
_AND_THEN = ".\n"  # between a question and what goes on from it


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A question that was answered."""

    question: str  # in full
    phrases: Sequence[Phrase] = ()  # of its answer

    @property
    def base(self) -> str:
        """What the question went on from; empty: it stands alone."""
        return self.question.rpartition(_AND_THEN)[0]

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
    question = reading.question.strip()
    rows = before.words("data", "condition")
    if rows and not _DIFFERENT.search(before.question):
        if _HOW_MANY.fullmatch(question):
            return f"how many {rows} are there?"
        if _HOW_MANY_OF.match(question):
            return _HOW_MANY_OF.sub(lambda _: f"how many {rows}", question, count=1)
    first = before.words() if before.base and before.phrases else before.question
    if _INSTEAD.match(question):
        if measured := _other_measure(before.question, question):
            return measured
        items = {reading.items[item].name for _, item in reading.links}
        kept = [phrase for phrase in before.phrases if phrase.kind != "condition" or items.isdisjoint(phrase.items)]
        if before.base:
            first = before.base
        elif len(kept) < len(before.phrases):
            first = "".join(phrase.text for phrase in kept)
    return joined(first, question)


def joined(first: str, then: str) -> str:
    """Two questions as one text, which students read as one question."""
    return f"{first.rstrip(' .?!')}{_AND_THEN}{then}"


def _other_measure(before: str, question: str) -> str:
    """The question before with another superlative or aggregate; empty: `question` says more than that."""
    measures = {match.group().lower() for match in _MEASURE.finditer(question)}
    said = set(re.findall(r"\w+", question.lower())) - measures - {"what", "how", "about", "the", "same", "for", "one"}
    if len(measures) != 1 or not said <= set(re.findall(r"\w+", before.lower())) | {"and", "a", "an"}:
        return ""
    changed, n = _MEASURE.subn(measures.pop(), before, count=1)
    return changed if n else ""
