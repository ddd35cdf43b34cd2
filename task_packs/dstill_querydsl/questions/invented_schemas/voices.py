"""Voices: the same question as many persons would say it, with the same answer.

    voice = Voice("invented 1")           a Random that `compose` draws wordings with: it knows more of them
    say(made, subject, voice)              "avg bld_tm, failed builds pls"

Values stay as they are, except dates, numbers and units, which have many forms. Nouns of fields become other words for
them. Everything else is said in other words, framed, shortened to keywords, or mistyped. Words that say what is missing
are never cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from dstill_querydsl.questions.free_phrasing.subject import Subject
from dstill_querydsl.questions.invented_schemas.deferred_wordings import deferred_way, read
from dstill_querydsl.questions.invented_schemas.quantities import with_values
from dstill_querydsl.questions.invented_schemas.question_parts import Part
from dstill_querydsl.questions.invented_schemas.question_text import Teller
from dstill_querydsl.questions.invented_schemas.schemas import InventedSchema
from dstill_querydsl.questions.invented_schemas.typing_errors import mistyped
from dstill_querydsl.questions.invented_schemas.vocabulary import table
from dstill_querydsl.questions.templates.compose import ComposedQuestion
from dstill_querydsl.questions.templates.words import mark, pieces, plain, plural

__all__ = ["MANNERS", "Voice", "more_wordings", "say"]

# manner → weight
MANNERS = {"plain": 30, "framed": 38, "keywords": 20, "lower": 12}
LOOSE_SHARES = {"lower": 0.9, "keywords": 0.75}  # manner → share of known values in other words; others less
_OPEN = mark("")[0]
# kind of frame → how such questions begin. Empty: without a frame
_BEGINNINGS = {
    "": re.compile(
        r"(I |I'm|I'd|for |\(|in |sorted|within|please|first |just |per |any |from |task|new rule|you |can |could |do |"
        r"did |is |have |got |need |looking|trying|help |let|want|would|who |tell|only |details|results|at |by |across|"
        r"among|of all|out of|on |average:|what would|my |no\. |everything|anything|these|whats |won't|show what|take |"
        r"how it|should|never|pretend|system:|developer|act |override|we |also |put )",
        re.IGNORECASE,
    ),
    "me": re.compile(r"\w+ me\b", re.IGNORECASE),
    "verb": re.compile(
        r"(show|list|find|display|print|get|return|give|count(?! of)|compute|group|search|fetch|pull|delete|remove|"
        r"update|set|change|insert|rank|order|run|copy|filter|see|do|tell|split|chart|stack|cross|compare|bucket|break|"
        r"throw|wipe|clear|purge|erase|drop|clean|mark|rename|add|correct|reindex|write|edit|modify|replace|overwrite|"
        r"fix|predict|forecast|estimate|explain|recommend|email|send|call|export|post|notify|schedule|refund|pay|"
        r"translate|summarize|draw|book|remind|restore|enter|clone|register|upload|assign|tag|reset|approve|adjust|round|"
        r"merge|bulk|permanently|discard|evaluate|script|match|identify|tally|plot|graph|name|calculate|work|hunt|jump|select|tell|increase|close|duplicate|save|create|store|move|import|back|use|score|let|apply|execute|sort|look|read|"
        r"join|combine|aggregate|ignore|forget|disregard|trash|kill)\b",
        re.IGNORECASE,
    ),
    "ask": re.compile(r"(how|what|what's|which|who|are|why|when|whose|will)\b", re.IGNORECASE),
}
_STAY = ("long", "paraphrase", "terse", "asked")  # styles that are framed or shortened already


def _lines(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


@cache
def more_wordings() -> Mapping[str, tuple[str, ...]]:
    """A first wording of the synthesizer → more wordings with the same slots."""
    return {first: tuple(more) for first, *more in _lines(table("wordings.toml")["ways"])}


class Voice(Random):
    """A generator of random numbers that knows more wordings than the choices it is given.

    The synthesizer draws each wording with `choice` from a group, and a group is known by its first wording.
    """

    _more = more_wordings()
    defers = False  # leaves wordings open, for `question_text`

    def choice(self, options: Any) -> Any:
        """One of the options, or one of the wordings that could stand with them."""
        first = options[0]
        if type(first) is not str:
            return options[int(self.random() * len(options))]
        if self.defers and (way := deferred_way(first)):
            return way
        if more := self._more.get(first):
            options = (*options, *more)
        return options[int(self.random() * len(options))]


# --- a question in parts ----------------------------------------------------------------


def _parts(marked: str, subject: Subject) -> Iterator[Part]:
    documents = subject.context.lexicon.documents
    for piece in pieces(marked):
        if not piece.startswith(_OPEN):
            yield Part("text", " / " if piece == "/" else piece)  # "a/b" would be one word
            continue
        before, _, inner = piece[1:-1].rpartition(_OPEN)
        if before:
            yield Part("text", before)
        if not inner:
            continue  # a slot that says nothing here
        if inner in subject.synonyms:
            yield Part("noun", inner)
        elif inner in subject.singular:
            yield Part("plural", inner)
        else:
            yield Part("document" if inner in documents else "value", inner)


def say(composed: ComposedQuestion, subject: Subject, random: Voice) -> tuple[str, str, ComposedQuestion]:
    """The question in the words of some person, the manner, and what it was composed from with the answer to that."""
    style, _, _ = composed.example.template.rpartition("/")
    manner = random.choices(tuple(MANNERS), tuple(MANNERS.values()))[0]
    if manner == "keywords" and re.search("has|lacks|no_field", composed.example.template):
        manner = "plain"  # a noun alone would not say that it has to be there
    if random.defers and isinstance(subject, InventedSchema):
        random.defers = False  # now it is time to choose
        teller = Teller(subject, random, composed.example.answer or "", LOOSE_SHARES.get(manner, 0.5))
        parts = teller.tell(read(composed.marked))
        if teller.answer != composed.example.answer:
            example = replace(composed.example, answer=teller.answer)
            composed = replace(composed, example=example, body=json.loads(teller.answer))
    else:
        parts = list(_parts(composed.marked, subject))
    parts = _with_nouns(parts, subject, random)
    parts = with_values(parts, composed.body, random)
    parts = _reworded(parts, random)
    if style not in _STAY:
        if manner == "keywords":
            parts = _keywords(parts, random)
        elif manner == "framed":
            parts = _framed(parts, random)
    if manner in ("lower", "keywords") or random.random() < 0.15:
        parts = [replace(part, text=part.text.lower()) if part.kind in ("text", "document") else part for part in parts]
    parts = _punctuated(parts, random)
    if random.random() < 0.13:
        parts = mistyped(parts, random)
    text = "".join(part.text if part.kind == "text" else mark(part.text) for part in parts)
    return re.sub(r"\s+", " ", plain(text)).strip(), manner, composed


# --- nouns ------------------------------------------------------------------------------


def _with_nouns(parts: Sequence[Part], subject: Subject, random: Random) -> list[Part]:
    chosen: dict[str, str] = {}
    result = []
    for part in parts:
        text = part.text
        if part.kind in ("noun", "plural"):
            noun = text if part.kind == "noun" else subject.singular[text]
            if noun not in chosen:
                chosen[noun] = _other(noun, subject.synonyms[noun], random)
            if chosen[noun] != noun:
                fixed = part.kind == "noun" or chosen[noun] == text or _is_name(chosen[noun])
                text = chosen[noun] if fixed else plural(chosen[noun])
        elif part.kind == "document" and random.random() < 0.1:
            text = random.choice(table("wordings.toml")["values"]["documents"])
        result.append(Part(part.kind, text))
    return result


def _other(noun: str, others: Sequence[str], random: Random) -> str:
    """Another noun, or the name of the field itself."""
    if not others or random.random() < 0.4:
        return noun
    chosen = others[int(len(others) * random.random() ** 1.6)]  # the field's own nouns come first, rare synonyms later
    return noun if _is_name(chosen) and random.random() < 0.4 else chosen


def _is_name(noun: str) -> bool:
    """Whether it looks like the name of a field, which has no plural."""
    return not re.fullmatch(r"[a-z' -]+", noun)


# --- other words ------------------------------------------------------------------------


@cache
def _same(key: str) -> tuple[re.Pattern[str], Mapping[str, tuple[str, ...]]]:
    """A pattern for the phrases of a table, and a phrase → the phrases with its meaning."""
    groups = _lines(table("wordings.toml")[key])
    phrases = sorted((phrase for group in groups for phrase in group), key=len, reverse=True)
    pattern = "|".join(re.escape(phrase) for phrase in phrases)
    form = {"same": rf"\b({pattern})\b(?! page)", "same_before_values": rf"\b({pattern})(?= $)"}
    return re.compile(form.get(key, rf"\A({pattern})\b")), {way: tuple(group) for group in groups for way in group}


def _reworded(parts: Sequence[Part], random: Random) -> list[Part]:
    result = []
    for at, part in enumerate(parts):
        text = part.text
        if part.kind == "text":
            text = _replaced(text, "same", 0.3, random)
            if at + 1 < len(parts) and parts[at + 1].kind == "value" and re.search(r"\d", parts[at + 1].text):
                text = _replaced(text, "same_before_values", 0.4, random)
            if at == 0:
                text = _replaced(text, "same_first", 0.5, random)
        result.append(Part(part.kind, text))
    return result


def _replaced(text: str, key: str, share: float, random: Random) -> str:
    pattern, groups = _same(key)
    return pattern.sub(lambda m: random.choice(groups[m[0]]) if random.random() < share else m[0], text)


# --- manners ----------------------------------------------------------------------------


@cache
def _left_away() -> re.Pattern[str]:
    words_ = "|".join(table("wordings.toml")["keywords_without"].split())
    return re.compile(rf"(?<!north )(?<!south )(?<!short )\b(?:{words_})\b|[?.]", re.IGNORECASE)


def _keywords(parts: Sequence[Part], random: Random) -> list[Part]:
    """Only the words that say something. Some are kept."""
    pattern, share = _left_away(), random.choice((1.0, 1.0, 0.6))
    cut = [pattern.sub(lambda m: "" if random.random() < share else m[0], part.text) for part in parts]
    return [Part("text", text) if part.kind == "text" else part for part, text in zip(parts, cut, strict=True)]


def _framed(parts: list[Part], random: Random) -> list[Part]:
    """The question with words around it."""
    frames = table("wordings.toml")["frames"]
    first, last = parts[0].text if parts[0].kind == "text" else "", parts[-1]
    kind = next((kind for kind, form in _BEGINNINGS.items() if form.match(first)), "name")
    if not kind:
        return parts
    before, _, after = random.choice(frames[kind]).partition("{q}")
    if last.kind == "text":
        parts = [*parts[:-1], replace(last, text=last.text.rstrip("?. "))]
    return [Part("text", before), *parts, Part("text", after)]


def _punctuated(parts: list[Part], random: Random) -> list[Part]:
    """With or without a mark at the end and a capital at the beginning."""
    first, last = parts[0], parts[-1]
    if last.kind == "text" and last.text.endswith(("?", ".")):
        if random.random() < 0.4:
            parts = [*parts[:-1], replace(last, text=last.text[:-1])]
    elif random.random() < 0.12:
        parts = [*parts, Part("text", random.choice((".", "?", " ?", "!", " pls", " thx")))]
    if first.kind in ("text", "document") and first.text and random.random() < 0.25:
        parts = [replace(first, text=first.text[0].upper() + first.text[1:]), *parts[1:]]
    return parts
