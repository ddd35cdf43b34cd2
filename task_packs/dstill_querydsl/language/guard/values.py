"""The guard's checks of plain values: numbers, strings, patterns, points and shapes.

size: "10"          a whole number, also as a string
*oo*                refused: a leading wildcard reads every term of the index
"""

from __future__ import annotations

import re
from abc import ABC
from typing import Any

from dstill_querydsl.language.guard import kinds as kinds
from dstill_querydsl.language.guard import tables as tables
from dstill_querydsl.language.guard.kinds import Kind, MapOf, Options
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.patterns import ENDLESS_SIZE, read
from dstill_querydsl.language.guard.walk import Walk, brief, items, whole
from dstill_querydsl.language.strict import escape

__all__ = ["FUZZY_TEXTS", "ValueChecks"]

_DURATION = re.compile(r"([0-9]{1,12})(nanos|micros|ms|s|m|h|d)")
_SECONDS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TOP_TERMS = re.compile(r"top_terms_(?:boost_|blended_freqs_)?(.*)", re.DOTALL)
# Parts of the text of a query_string: words with wildcards, /regular expressions/, and names before a colon.
_PATTERNS = re.compile(r"[^\s:()\[\]{}\"+\-!|&/]*[*?][^\s:()\[\]{}\"]*")
_REGEXPS = re.compile(r"/((?:\\.|[^/\\])+)/")
_METADATA = re.compile(r"(?<![\w.])_(?!exists_\s*:)[\w*?]+\s*:|_exists_\s*:\s*[\"(]*_")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
# Added to the size of a pattern with two repeats or more: the worst ones that Lucene determinizes cost 190 ms and 9 MB.
_AMBIGUOUS = 500
_FUZZY = 10  # for each character: 256 fuzzy queries of 900 characters took OpenSearch more than a minute
# Full-text queries that can be fuzzy: with a field as key, with ``fields``, and by their text, as in word~2.
_FUZZY_ON_A_FIELD = frozenset(("match", "match_bool_prefix"))
_FUZZY_BY_TEXT = frozenset(("simple_query_string", "query_string"))
FUZZY_TEXTS = _FUZZY_ON_A_FIELD | _FUZZY_BY_TEXT | {"multi_match"}
_SCALARS = (str, int, float, bool, type(None))


class ValueChecks(Walk, ABC):
    """Checks plain values."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._automata = 0  # states and transitions of all patterns so far

    def value(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            for name in value:
                if name in tables.REASONS:
                    self.not_allowed(name, at)
                    return
        if not isinstance(value, _SCALARS):
            self.refuse("not_allowed", f"{brief(value)} is not a single value", at)
        elif isinstance(value, str):
            self.string(value, at)

    def values(self, value: Any, at: str) -> None:
        self.long_list(value, at)
        for step, item in items(value, at):
            self.value(item, step)

    def string(self, value: str, at: str) -> None:
        if len(value) > self.limits.string_length:
            self.exceeds("the length of a string", len(value), self.limits.string_length, at)

    def long_list(self, value: Any, at: str) -> None:
        if isinstance(value, list) and len(value) > self.limits.values:
            self.exceeds("the number of values", len(value), self.limits.values, at)

    def count(self, value: Any, at: str) -> None:
        if whole(value) is None:
            self.refuse("limit", f"{brief(value)} is not a whole number of 0 or more", at, "write a whole number")

    def duration(self, value: Any, at: str) -> None:
        """A duration with a unit. Engines treat a negative one as unlimited, so every other form is refused."""
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.refuse("limit", f"{brief(value)} is not a duration with a unit", at, "write one such as '10s'")
        elif int(match[1]) * _SECONDS[match[2]] > self.limits.timeout:
            limit = f"{self.limits.timeout} s"
            self.refuse("limit", f"the duration is {brief(value)}, the limit is {limit}", at, f"use at most {limit}")

    def total(self, value: Any, at: str) -> None:
        if not isinstance(value, bool) and value not in ("true", "false"):
            self.count(value, at)

    def rewrite(self, value: Any, at: str) -> None:
        """``top_terms_N`` keeps N terms in memory; the engine bounds the other methods."""
        self.value(value, at)
        match = _TOP_TERMS.search(value) if isinstance(value, str) else None
        if match is None:
            return
        self.count(match[1], at)  # Java also accepts a sign and digits of other scripts
        self.within("the number of terms in rewrite", match[1], self.limits.expansions, at)

    def query_text(self, value: Any, at: str) -> None:
        """The text of a query_string: its patterns have the same limits as patterns in other queries."""
        self.value(value, at)
        if not isinstance(value, str):
            return
        if self.limits.restricts_fields:
            message = "the text of a query_string may name a field that is not allowed"
            self.refuse("field_denied", message, at, "use simple_query_string")
        if _METADATA.search(_ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], value)):
            self.refuse("metadata", "the text of a query_string names a metadata field", at, tables.METADATA_HINT)
        for word in _PATTERNS.findall(value):
            repeats = word.count("*")
            self._wildcards(word, word[0] in "*?" and word != "*", repeats + word.count("?"), at)
            self._automaton(len(word), repeats, at)
        for pattern in _REGEXPS.findall(value):
            self.regexp(pattern, at)

    def prefix(self, value: Any, at: str) -> None:
        self.value(value, at)
        if value == "":
            self.refuse("limit", "an empty prefix reads every term", at, "write the beginning of the value")

    def point(self, value: Any, at: str) -> None:
        names = dict.fromkeys(("lat", "lon", "geohash", "type"), kinds.VALUE) | {"coordinates": kinds.VALUES}
        for step, item in items(value, at):
            if isinstance(item, dict):
                self.options(Options(names), item, step)
            elif isinstance(item, list):
                self.values(item, step)
            else:
                self.value(item, step)

    def shape(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            inner = dict.fromkeys(("coordinates", "geometries"), kinds.SHAPE)
            self.options(Options({**dict.fromkeys(("type", "orientation", "radius"), kinds.VALUE), **inner}), value, at)
        elif isinstance(value, list):
            self.long_list(value, at)
            for step, item in items(value, at):
                self.shape(item, step)
        else:
            self.value(value, at)

    def pattern(self, value: Any, at: str) -> None:
        self.value(value, at)
        if isinstance(value, str):
            repeats = value.count("*")
            self._wildcards(value, value[:1] in ("*", "?"), repeats + value.count("?"), at)
            self._automaton(len(value), repeats, at)

    def regexp(self, value: Any, at: str) -> None:
        self.value(value, at)
        if not isinstance(value, str) or len(value) > self.limits.string_length:
            return
        pattern = read(value)
        if pattern.size >= ENDLESS_SIZE:
            hint = "close all brackets and quotes, and write repeat counts as {1,9}"
            self.refuse("limit", f"{brief(value)} is not a valid regular expression", at, hint)
            return
        self._wildcards(value, pattern.open, sum(value.count(sign) for sign in ("*", "+", "{")), at)
        self._automaton(pattern.size, pattern.repeats, at)

    def fuzzy(self, value: Any, at: str) -> None:
        self.value(value, at)
        self._automaton(_FUZZY * len(value) if isinstance(value, str) else 0, 0, at)

    def fuzzy_text(self, name: str, options: Any, at: str) -> None:
        """A fuzzy full-text query: each of its words becomes an automaton on each field."""
        if not isinstance(options, dict):
            return
        if name in _FUZZY_ON_A_FIELD:
            texts = [(option, 1) for option in options.values() if isinstance(option, dict)]
        else:
            fields = options.get("fields")
            texts = [(options, len(fields) if isinstance(fields, list) else 1)]
        for query, fields_named in texts:
            text = query.get("query")
            text = text if isinstance(text, str) else brief(text)
            by_text = name in _FUZZY_BY_TEXT and "~" in text
            if by_text or query.get("fuzziness") not in (None, 0, "0"):
                self._automaton(_FUZZY * len(text) * fields_named, 0, at)

    def _automaton(self, size: int, repeats: int, at: str) -> None:
        before, limit = self._automata, self.limits.patterns
        self._automata += size + _AMBIGUOUS * (repeats > 1)
        if before <= limit < self._automata:
            message = f"the patterns expand to {brief(self._automata)} states and transitions, the limit is {limit:,}"
            self.refuse("limit", message, at, "use smaller counts, or fewer and shorter patterns")

    def _wildcards(self, value: str, leading: bool, count: int, at: str) -> None:
        if leading:
            hint = "write the beginning of the value first"
            self.refuse("limit", f"{brief(value)} starts with a wildcard, which reads every term", at, hint)
        elif count > self.limits.wildcards:
            self.exceeds("the number of wildcards", count, self.limits.wildcards, at)

    def term_filter(self, value: Any, at: str) -> None:
        if isinstance(value, dict):
            self.options(Options(dict.fromkeys(("partition", "num_partitions"), kinds.VALUE)), value, at)
        elif isinstance(value, str):
            self.regexp(value, at)
        else:
            self.values(value, at)

    def paths(self, value: Any, at: str) -> None:
        self.visit(MapOf(kinds.VALUE) if isinstance(value, dict) else kinds.VALUES, value, at)

    def order(self, value: Any, at: str) -> None:
        """The order of buckets, by aggregations, ``_key`` or ``_count``: it reads no field."""
        for step, item in items(value, at):
            if isinstance(item, dict):
                for name, direction in item.items():
                    kind: Kind = Options({"order": kinds.VALUE}) if isinstance(direction, dict) else kinds.VALUE
                    self.visit(kind, direction, f"{step}/{escape(name)}")
            else:
                self.value(item, step)
