"""Literals of a query as tokens that point to the question, and back.

    writer = Writer(reading)
    writer.text("2024-06-01", "date")        [4, "next"], where word 4 is "May 2024"
    writer.number("2000")                    [7, "*1000"], where word 7 is "2"
    Reader(tokens, reading).literal("date")  Literal(text="'2024-06-01'", kind="date")

A value is of the kind that its place asks for: a word such as 404 is a number beside a column of numbers, and a text
beside one of texts. Where any kind may stand, what looks like a number is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dstill.linked import Reading, partial_values, same_value
from dstill.linked.scalars import SpanWriter, as_number, plain, read_value, spelled
from dstill.linked.tokens import NotExpressible, Token, TokenReader
from dstill_sql.form.functions import NUMERIC
from dstill_sql.form.periods import bounds
from dstill_sql.form.tokens import CONSTANTS, DIVISORS, ENDINGS, FACTORS, FIXED_TEXTS, NOTATION, PERIODS

__all__ = ["Literal", "Reader", "Writer", "is_number", "quoted_text", "starts_value"]

_NUMBER = re.compile(r"-?(?:[0-9]{1,300}(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_MARKS = ("'", "%")
_UNITS = frozenset((*(f"*{factor}" for factor in FACTORS), *DIVISORS))


def is_number(text: str) -> bool:
    """Whether SQL reads a text as a number."""
    return _NUMBER.fullmatch(text) is not None


def quoted_text(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def starts_value(token: Token, reading: Reading) -> bool:
    """Whether a value begins with a token."""
    if isinstance(token, int):
        return token < len(reading.words)
    return token in CONSTANTS or token in FIXED_TEXTS or token in ("known", "number", "text") or token[0] in _MARKS


class Writer:
    """Writes the literals of one answer."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._spans = SpanWriter(reading, NOTATION)

    def number(self, text: str) -> list[Token]:
        """A number as SQL writes it. Raises NotExpressible."""
        value = as_number(text)
        if value is None:
            return [*spelled(text), '"']
        for number in self._numbers(value):
            if Reader(number, self.reading).literal("number").text == text:
                return number
        return [*spelled(text), '"']

    def _numbers(self, value: float) -> Iterator[list[Token]]:
        number = self._spans.number(value)
        if isinstance(number[0], int):
            yield number
        if (constant := f"={value}") in CONSTANTS:
            yield [constant]
        for place, word in enumerate(self.reading.words):
            for token, divisor in DIVISORS.items():
                if word.number and abs(word.number / divisor - value) < 1e-9 * abs(value):
                    yield [place, token]

    def text(self, value: str, kind: str, known: tuple[str, ...] = ()) -> list[Token]:
        """A text. `known`: the known values of its column. Raises NotExpressible."""
        if not value:
            return ["empty"]
        mark: list[Token] = ["text"] if kind in NUMERIC or (not kind and as_number(value) is not None) else []
        for tokens in (self._spans.text(value, known), self._date(value)):
            if (tokens and isinstance(tokens[0], int)) or tokens[:1] == ["known"]:
                return [*mark, *tokens]
        return [*mark, *spelled(value), '"']

    def _date(self, value: str) -> list[Token]:
        day, ending = (value[:10], value[10:]) if value[10:] in ENDINGS else (value, "")
        for place, word in enumerate(self.reading.words):
            if (period := bounds(word.value)) is not None:
                for name in PERIODS:
                    if getattr(period, name) == day:
                        return [place, name, *([f"+{ending}"] if ending else [])]
        return []

    def period(self, first: str, after: str) -> list[Token]:
        """The word that is a period with these bounds; empty: there is none."""
        for place, word in enumerate(self.reading.words):
            if (period := bounds(word.value)) is not None and (period.first, period.next) == (first, after):
                return [place]
        return []


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A value as SQL has it."""

    text: str  # with quotes, if it is a text
    kind: str  # "number", "text", "boolean" or "null"
    unquoted: str


class Reader(TokenReader):
    """Reads the tokens of an answer."""

    def __init__(self, tokens: Sequence[Token], reading: Reading) -> None:
        super().__init__(tokens)
        self.reading = reading

    def take(self, *tokens: str) -> str:
        """The next token if it is one of these; else empty."""
        token = self.peek()
        if isinstance(token, str) and token in tokens:
            self.at += 1
            return token
        return ""

    def word(self) -> int:
        """The next token as the place of a word."""
        token = self.next()
        if not isinstance(token, int) or token >= len(self.reading.words):
            raise NotExpressible("expected a word of the question")
        return token

    def literal(self, kind: str = "", known: tuple[str, ...] = ()) -> Literal:
        """A value of a kind; empty: of any."""
        if fixed := self.take(*FIXED_TEXTS):
            of = {"true": "boolean", "false": "boolean", "null_": "null", "empty": "text"}[fixed]
            return Literal(text=FIXED_TEXTS[fixed], kind=of, unquoted="")
        mark = self.take("number", "text")
        numeric = mark == "number" or (not mark and (kind in NUMERIC or (not kind and self._is_numeral())))
        text, is_text = self._said(numeric, known, whole=kind not in NUMERIC and mark != "number")
        if not (numeric or mark or kind) and is_number(text):
            numeric = True
        if numeric and not (is_text or is_number(text)):
            raise NotExpressible(f"{text!r} is not a number")
        if numeric and is_number(text):
            return Literal(text=text, kind="number", unquoted=text)
        return Literal(text=quoted_text(text), kind="text", unquoted=text)

    def _is_numeral(self) -> bool:
        """Whether the next token is a word that is a number, and the whole value."""
        token, after = self.peek(), self.tokens[self.at + 1 : self.at + 2]
        if not isinstance(token, int) or token >= len(self.reading.words) or (after and after[0] in ("..", *PERIODS)):
            return False
        return self.reading.words[token].number is not None

    def _said(self, numeric: bool, known: tuple[str, ...], *, whole: bool) -> tuple[str, bool]:
        """The text of a value, and whether it can only be a text."""
        token = self.peek()
        if token == "known":
            self.at += 1
            return self._known(known), True
        if isinstance(token, str):
            if token in CONSTANTS:
                self.at += 1
                return CONSTANTS[token], False
            return self.spelled(), False
        first = self.word()
        if self.take(".."):
            text = self.reading.span(first, self._last(first))
            return text if text in known else same_value(text, known) or text, False
        if (changed := self._changed(first)) is not None:
            return changed, False
        word = self.reading.words[first]
        if numeric:
            number = as_number(word.value)
            return word.value if number is None else str(number), False
        text = word.text if word.in_words and whole else word.value
        if ending := self.take(*(f"+{mark}" for mark in ENDINGS)):
            text += ending[1:]
        return text if text in known else same_value(text, known) or text, False

    def _changed(self, first: int) -> str | None:
        """A word in another unit, as the rows before a page, or as a day of a period; None: it stands as it is."""
        if self.peek() in _UNITS:
            return self._in_unit(first)
        if self.take("page"):
            return str(plain(float(read_value([first, "page", self.word()], self.reading))))
        period = self.take(*PERIODS)
        return self._for_period(first, period) if period else None

    def _last(self, first: int) -> int:
        last = self.word()
        if last < first:
            raise NotExpressible("a span ends before it begins")
        return last

    def _known(self, known: tuple[str, ...]) -> str:
        first = last = self.word()
        if self.take(".."):
            last = self._last(first)
        text = partial_values(self.reading.question, self.reading.words, known)
        if (first, last) not in text:
            raise NotExpressible("the words are no part of a known value")
        return text[first, last]

    def _in_unit(self, place: int) -> str:
        unit, value = str(self.next()), self.reading.words[place].number
        if value is None:
            raise NotExpressible(f"{self.reading.words[place].text!r} is not a number")
        return str(plain(value * int(unit[1:])) if unit[0] == "*" else value / DIVISORS[unit])

    def _for_period(self, place: int, name: str) -> str:
        period = bounds(self.reading.words[place].value)
        if period is None:
            raise NotExpressible(f"{self.reading.words[place].text!r} is not a day, month or year")
        ending = self.take(*(f"+{mark}" for mark in ENDINGS))
        return str(getattr(period, name)) + ending[1:]

    def spelled(self) -> str:
        """A value by its characters, up to its end."""
        tokens: list[Token] = []
        while (token := self.peek()) is not None and token != '"':
            if not isinstance(token, str) or token[0] not in _MARKS:
                raise NotExpressible(f"{token!r} is not a character")
            tokens.append(self.next())
        self.take('"')
        if not tokens:
            raise NotExpressible("expected a value")
        return str(read_value(tokens, self.reading))
