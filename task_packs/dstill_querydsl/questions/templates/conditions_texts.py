"""Conditions on texts: words, phrases, whole values, prefixes and patterns.

TEXTS["phrase"](draw)   whose title contains the phrase "big lake"     {"match_phrase": {"title": "big lake"}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dstill_querydsl.questions.templates.clause import Clause, Maker, Way, worded_clause
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import mark, sayable

__all__ = ["TEXTS"]

_WORDS: Sequence[Way] = (
    "whose {f} mentions {v}", "with {v} in the {f}", "with the words {v} in the {f}", "whose {f} is about {v}",
    "with a {f} that speaks of {v}",
)  # fmt: skip
_INSIDE: Sequence[Way] = (
    "whose {f} contains the word {v}", "with the word {v} in the {f}", "whose {f} includes the word {v}",
    "with {v} as a word of the {f}", "where the word {v} occurs in the {f}",
)  # fmt: skip
_PHRASE: Sequence[Way] = (
    'whose {f} says "{v}"', 'with the exact phrase "{v}" in the {f}', 'whose {f} contains the phrase "{v}"',
    'with "{v}" word for word in the {f}', 'where the {f} reads "{v}"',
)  # fmt: skip
_WHOLE: Sequence[Way] = (
    "whose {f} is exactly {v}", 'with the exact {f} "{v}"', 'whose full {f} is "{v}"', "with {f} equal to {v}",
    'where the whole {f} is "{v}"',
)  # fmt: skip
_PREFIX: Sequence[Way] = (
    "whose {f} starts with {v}", "with a {f} beginning with {v}", "whose {f} begins with {v}",
    "with a {f} that starts with {v}", "where the {f} has the prefix {v}",
)  # fmt: skip
_PATTERN: Sequence[Way] = (
    "whose {f} starts with {v} and ends with {w}", "with a {f} from {v} at the start to {w} at the end",
    "whose {f} begins with {v} and ends in {w}", "with a {f} like {v}*{w}", "where the {f} matches {v}*{w}",
)  # fmt: skip
_PARTS: Sequence[Way] = (
    "whose {f} contains {v}", "with {v} anywhere in the {f}", "with a {f} that has {v} in it",
    "with {v} inside the {f}",
    "where {v} is a part of the {f}",
)  # fmt: skip
_PLAIN = re.compile(r"[\w /.,'-]{1,60}")  # a text that a person would quote
_TOKEN = re.compile(r"[^\W_]+")
_COMMON = frozenset(
    ("the", "and", "for", "with", "from", "that", "this", "not", "are", "was", "were", "has", "have", "had", "its")
)


def _tokens(text: str) -> list[re.Match[str]]:
    return list(_TOKEN.finditer(text[:2_000]))


def _uncommon_words(text: str) -> list[str]:
    """Words of a text without common ones."""
    return [t[0] for t in _tokens(text) if 3 <= len(t[0]) <= 30 and t[0].lower() not in _COMMON]


def _text(draw: Draw, roles: Sequence[Role]) -> tuple[Role, str]:
    role = draw.among(roles)
    return role, draw.value(role)


def _match(draw: Draw, role: Role, words: str, ways: Sequence[Way]) -> Clause:
    several = " " in words
    body: Any = {"match": {role.field: {"query": words, "operator": "and"} if several else words}}
    why = f"{role.note}, {'all words: match with and.' if several else 'a word of it: match.'}"
    fitting = [way for way in ways if several or "the words {v}" not in way]
    return worded_clause(draw, role, fitting, body, why, v=words, terse=mark(words))


def words(draw: Draw) -> Clause:
    """One or two words of a text, in any order."""
    role, text = _text(draw, draw.context.by_kind("text"))
    options = list(dict.fromkeys(_uncommon_words(text)))
    if not options:
        raise Skip(role.field)
    chosen = draw.random.sample(options, min(len(options), draw.pick(1, 1, 2)))
    return _match(draw, role, " ".join(chosen), _WORDS)


def phrase(draw: Draw) -> Clause:
    role, text = _text(draw, draw.context.by_kind("text"))
    tokens = _tokens(text)
    length = draw.pick(2, 2, 3, 4)
    if len(tokens) < length:
        raise Skip(role.field)
    start = draw.random.randrange(len(tokens) - length + 1)
    quoted = text[tokens[start].start() : tokens[start + length - 1].end()]
    if not _PLAIN.fullmatch(quoted):
        raise Skip("nobody quotes that")
    why = f"{role.note}, exact words in order: match_phrase."
    return worded_clause(draw, role, _PHRASE, {"match_phrase": {role.field: quoted}}, why, v=quoted)


def _both(draw: Draw) -> tuple[Role, str]:
    """A text field with a keyword sub-field, and a value."""
    role, text = _text(draw, [role for role in draw.context.by_kind("text") if role.exact])
    if not sayable(text):
        raise Skip(role.field)
    return role, text


def whole(draw: Draw) -> Clause:
    role, text = _both(draw)
    why = f"{role.keyword_note}, the whole value: term."
    return worded_clause(draw, role, _WHOLE, {"term": {role.exact: text}}, why, v=text)


def inside(draw: Draw) -> Clause:
    role, text = _both(draw)
    options = _uncommon_words(text)
    if not options:
        raise Skip(role.field)
    return _match(draw, role, draw.random.choice(options), _INSIDE)


def _keyword(draw: Draw) -> tuple[Role, str]:
    """A field with whole values, and a value."""
    roles = [
        r for r in draw.context.by_kind("category", "text") if (r.kind == "category" and r.type != "version") or r.exact
    ]
    role = draw.among(roles)
    value = str(draw.value(role))
    if not sayable(value) or len(value) < 4:
        raise Skip(role.field)
    return role, value


def prefix(draw: Draw) -> Clause:
    """A prefix of the value: up to the end of a word, or some letters if it has only one word."""
    role, value = _keyword(draw)
    ends = [token.end() for token in _TOKEN.finditer(value) if 2 <= token.end() < len(value)]
    start = value[: draw.random.choice(ends[:3] or range(2, min(len(value), 9)))]
    if start != start.strip():
        raise Skip(role.field)
    why = f"{role.keyword_note}, its start: prefix."
    return worded_clause(draw, role, _PREFIX, {"prefix": {role.keyword: start}}, why, v=start, terse=mark(f"{start}*"))


def pattern(draw: Draw) -> Clause:
    role, value = _keyword(draw)
    if len(value) < 6 or any(sign in value for sign in "*?\\"):
        raise Skip(role.field)
    start, end = value[: draw.pick(2, 3)], value[-draw.pick(1, 2) :]
    if start != start.strip() or end != end.strip():
        raise Skip(role.field)
    why = f"{role.keyword} holds whole values, start and end: wildcard."
    body = {"wildcard": {role.keyword: {"value": f"{start}*{end}"}}}
    return worded_clause(draw, role, _PATTERN, body, why, v=start, w=end)


def parts(draw: Draw) -> Clause:
    """A part of a word, for a field with n-grams."""
    role = draw.among([role for role in draw.context.by_kind("text", "category") if role.grams])
    options = [word for word in _uncommon_words(str(draw.value(role))) if len(word) >= 5]
    if not options:
        raise Skip(role.field)
    word = draw.random.choice(options)
    start = draw.random.randrange(0, len(word) - 3)
    part = word[start : start + 4].lower()
    why = f"{role.grams} holds n-grams, a part of a word: match with and."
    return worded_clause(draw, role, _PARTS, {"match": {role.grams: {"query": part, "operator": "and"}}}, why, v=part)


_KINDS: Sequence[Maker] = (words, phrase, whole, inside, prefix, pattern, parts)
TEXTS: Mapping[str, Maker] = {maker.__name__: maker for maker in _KINDS}
