"""Styles of questions: terse, with typing errors, long, and in two sentences.

mistyped(draw, "show films with …")      "shwo films with …": never inside a value
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dstill_querydsl.questions.templates.clause import Clause
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.prompt import Ask
from dstill_querydsl.questions.templates.words import mark, pieces

__all__ = ["TERSE", "in_haste", "lengthened", "mistyped", "two_sentences"]

# operation → terse wordings. `{what}` is a terse phrase
TERSE: Mapping[str, Sequence[str]] = {
    "list": ("{what}", "{what}", "{what} pls", "show {what}", "{what} list"),
    "count": ("count {what}", "how many {what}", "# {what}", "{what} count", "number {what}", "{what}, how many"),
    "top": ("{what} top {n} {f}", "top {n} {f} {what}", "{what}, {n} highest {f}", "{n} max {f} {what}"),
}
_BEFORE = (
    "Hello, I am preparing a report for my team and would like to know the following:",
    "For a presentation next week I have to look something up, so please help me with this:",
    "We have been discussing this in our meeting today and could not agree, so here is the question:",
    "I am new to this data and not sure how to ask, but what I would like to see is this:",
    "Could you please have a look at our data for me? What I need is simple:",
    "Somebody asked me about this again this morning, and I promised to find out:",
)
_AFTER = (
    "Thank you very much in advance.", "Nothing else is needed, and there is no hurry.",
    "If it is easier, the plain result is fine.", "I hope that this is clear enough.",
    "That would help me a lot.", "",
)  # fmt: skip
_NEVER = ("cunt",)  # a typing error of "count" that must not appear
_TAILS = (
    "Only those {c}, please.", "I mean the ones {c}.", "But just the ones {c}.", "Consider only {n} {c}.",
    "Leave out all but the {n} {c}.", "Each {d} has to be one {c}.", "The rest does not matter: it is about {n} {c}.",
)  # fmt: skip


def in_haste(name: str, ask: Ask) -> Ask:
    """The operation with terse wordings."""
    return replace(ask, ways=TERSE[name])


def lengthened(draw: Draw, text: str) -> str:
    """The question with an introduction, and often a closing sentence."""
    end = "" if text.endswith(("?", ".")) else "."
    return f"{draw.pick(*_BEFORE)} {text}{end} {draw.pick(*_AFTER)}".strip()


def two_sentences(draw: Draw, text: str, clauses: Sequence[Clause]) -> str:
    """`text` asks about all documents, and a second sentence adds the conditions. Raises Skip without conditions."""
    after = [clause.text for clause in clauses if clause.place == "after"]
    if not after:
        raise Skip("nothing to say apart")
    noun, singular = mark(draw.context.lexicon.documents[0]), mark(draw.context.lexicon.document)
    joined = draw.pick(" and ", ", ").join(after)
    tail = draw.pick(*_TAILS).replace("{n}", noun).replace("{d}", singular).replace("{c}", joined)
    end = "" if text.endswith(("?", ".")) else "."
    return f"{text}{end} {tail}"


def mistyped(draw: Draw, text: str) -> str:
    """The question with one or two typing errors, never in values or names. Raises Skip."""
    parts = pieces(text)
    words = [
        (at, word)
        for at, piece in enumerate(parts)
        if not piece.startswith(mark("")[0])
        for word in piece.split()
        if word.isalpha() and len(word) >= 4
    ]
    if not words:
        raise Skip("no word to mistype")
    for at, word in draw.random.sample(words, min(len(words), draw.pick(1, 2))):
        parts[at] = parts[at].replace(word, _slip(draw, word), 1)
    return "".join(parts)


def _slip(draw: Draw, word: str) -> str:
    at = draw.random.randrange(1, len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    slips = [swapped, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]]
    return str(draw.pick(*(slip for slip in slips if slip not in (word, *_NEVER))))
