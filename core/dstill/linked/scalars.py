"""Values of an answer as spans of the question, and back.

    writer = SpanWriter(reading, Notation(suffixes=("%",), factors=(1_000,)))
    writer.text("blue%")       →  [5, "+%"], where word 5 is "blue"
    writer.number(2000)        →  [4, "*1000"], where word 4 is "2"

A word that no value has used yet is preferred, so that equal numbers of a question are taken in turn. What no words of
the question give is spelled by characters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from dstill.linked.known import partial_values, same_value, spans_of
from dstill.linked.reading import Reading
from dstill.linked.tokens import CHARACTERS, HALVES, NotExpressible, Token
from dstill.linked.words import number

__all__ = ["Notation", "SpanWriter", "as_number", "as_span", "plain", "read_value", "scalar", "spelled"]

_JSON_NUMBER = re.compile(r"-?\d{1,300}(\.\d+)?[eE][-+]?\d{1,3}")


@dataclass(frozen=True, kw_only=True)
class Notation:
    """The characters that a form's values may have around the words of a question."""

    prefixes: Sequence[str] = ()
    suffixes: Sequence[str] = ()
    factors: Sequence[int] = ()  # of numbers in other units


class SpanWriter:
    """Writes the values of one answer."""

    def __init__(self, reading: Reading, notation: Notation) -> None:
        self.reading = reading
        self._notation = notation
        self._used: set[int] = set()
        self._starts = {word.start: place for place, word in enumerate(reading.words)}
        self._ends = {word.end: place for place, word in enumerate(reading.words)}
        self._numbers = [(place, word.number) for place, word in enumerate(reading.words) if word.number is not None]

    def text(self, value: str, known: tuple[str, ...] = ()) -> list[Token]:
        """A text. `known`: the values of its field that are known. Raises NotExpressible."""
        if known and value not in known and same_value(value, known):
            return spelled(value)  # words would be read as the known value
        if tokens := self._span(value, alone=True) or (self._known(value, known) if value in known else None):
            return tokens
        for prefix in ("", *self._notation.prefixes):
            for suffix in ("", *self._notation.suffixes):
                inner = value[len(prefix) : len(value) - len(suffix)]
                if (
                    (prefix or suffix)
                    and inner
                    and f"{prefix}{inner}{suffix}" == value
                    and (tokens := self._span(inner))
                ):
                    return [*([f"+{prefix}"] if prefix else []), *tokens, *([f"+{suffix}"] if suffix else [])]
        return spelled(value)

    def number(self, value: float) -> list[Token]:
        """A number. Raises NotExpressible."""
        whole = isinstance(value, int)
        same = [
            place for place, of in self._numbers if of == value and whole == ("." not in self.reading.words[place].text)
        ]
        for place in (*(at for at in same if at not in self._used), *same):
            self._used.add(place)
            return [place]
        for place, of in self._numbers:
            for factor in self._notation.factors:
                if of and whole and abs(of * factor - value) <= 1e-9 * abs(value):
                    self._used.add(place)
                    return [place, f"*{factor}"]
        for page, of in self._numbers:  # rows before a page: (page - 1) * size
            for size, rows in self._numbers:
                if page != size and of > 1 and (of - 1) * rows == value:
                    return [page, "page", size]
        return spelled(str(value))

    def _span(self, value: str, *, alone: bool = False) -> list[Token] | None:
        free, other = None, None
        for first, last in self._spans(value, alone):
            if not self._used & set(range(first, last + 1)):
                free = (first, last)
                break
            other = other or (first, last)
        if (span := free or other) is None:
            return None
        first, last = span
        self._used |= set(range(first, last + 1))
        return as_span(first, last)

    def _known(self, value: str, known: tuple[str, ...]) -> list[Token] | None:
        """The most words that say this value in another form, or that are a part of it."""
        question, words = self.reading.question, self.reading.words
        spans = [span for span, text in spans_of(question, words) if same_value(text, known) == value]
        parts = [] if spans else [span for span, of in partial_values(question, words, known).items() if of == value]
        if not (spans or parts):
            return None
        free = [span for span in spans or parts if not self._used & set(range(span[0], span[1] + 1))]
        first, last = max(free or spans or parts, key=lambda span: span[1] - span[0])
        self._used |= set(range(first, last + 1))
        return [*(("known",) if parts else ()), *as_span(first, last)]

    def _spans(self, value: str, alone: bool) -> Iterator[tuple[int, int]]:
        """The first and last word of each part of the question that is this value.

        `alone`: it is the whole value, for which a number in words stands as it is written.
        """
        at = self.reading.question.find(value) if value else -1
        while at >= 0:
            first, last = self._starts.get(at), self._ends.get(at + len(value))
            if first is not None and last is not None:
                word = self.reading.words[first]
                if first != last or value == (word.text if alone and word.in_words else word.value):
                    yield first, last
            at = self.reading.question.find(value, at + 1)
        for place, word in enumerate(self.reading.words):
            if word.value == value != word.text and not (alone and word.in_words):
                yield place, place


def as_span(first: int, last: int) -> list[Token]:
    """The tokens of a span of words."""
    return [first] if first == last else [first, "..", last]


def spelled(value: str) -> list[Token]:
    """A value by its characters, or by the bytes of those without a token. Raises NotExpressible."""
    tokens: list[Token] = []
    for character in value:
        if character in CHARACTERS:
            tokens.append(f"'{character}")
            continue
        try:
            digits = character.encode().hex()
        except UnicodeEncodeError:
            raise NotExpressible(f"{character!r} is half a character") from None
        tokens += [f"%{digit}" for digit in digits]
    return tokens


def plain(value: float) -> int | float:
    """An int if the value is whole."""
    return int(value) if float(value).is_integer() and abs(value) < 2**63 else value


def as_number(text: str) -> int | float | None:
    """The number that a text is: an int if it is written as one. None if it is none."""
    if _JSON_NUMBER.fullmatch(text):
        return float(text) if math.isfinite(float(text)) else None
    amount = number(text)
    if amount is None or not math.isfinite(amount):
        return None
    return amount if "." in text else int(text.replace(",", ""))


def read_value(sequence: Sequence[Token], reading: Reading) -> str | float:
    """The text or number that the tokens of one value stand for. Raises NotExpressible."""
    texts: list[str] = []
    result: float | None = None
    tokens = list(sequence)
    while tokens:
        token = tokens.pop(0)
        if isinstance(token, int):
            last = token
            if tokens[:1] == [".."]:
                last = _word(tokens[1:2], reading)
                del tokens[:2]
            word = reading.words[_word([token], reading)]
            texts.append(word.value if last == token else reading.span(token, last))
        elif token in HALVES:
            digits = [token, *(text for text in takewhile(HALVES.__contains__, tokens) if isinstance(text, str))]
            del tokens[: len(digits) - 1]
            texts.append(_from_bytes("".join(digit[1:] for digit in digits)))
        elif token.startswith(("'", "+")):
            texts.append(token[1:])
        elif token.startswith("*"):
            result = _number(texts) * int(token[1:])
        elif token == "page":
            result = (_number(texts) - 1) * _number([reading.words[_word(tokens[:1], reading)].value])
            del tokens[:1]
        else:
            raise NotExpressible(f"{token!r} is not part of a value")
    return "".join(texts) if result is None else result


def scalar(sequence: Sequence[Token], reading: Reading, *, numeric: bool) -> str | int | float:
    """The value of tokens where a number is expected or not. Raises NotExpressible."""
    if not numeric and len(sequence) == 1 and isinstance(sequence[0], int):
        word = reading.words[_word(sequence, reading)]
        return word.text if word.in_words else word.value
    value = read_value(sequence, reading)
    if isinstance(value, str):
        as_one = as_number(value) if numeric else None
        return value if as_one is None else as_one
    return plain(value)


def _from_bytes(digits: str) -> str:
    try:
        return bytes.fromhex(digits).decode()
    except ValueError:
        raise NotExpressible(f"the bytes {digits} are not characters") from None


def _word(tokens: Sequence[Token], reading: Reading) -> int:
    if not tokens or not isinstance(tokens[0], int) or tokens[0] >= len(reading.words):
        raise NotExpressible("expected a word of the question")
    return tokens[0]


def _number(texts: Sequence[str]) -> float:
    amount = number("".join(texts))
    if amount is None or not math.isfinite(amount):
        raise NotExpressible(f"{''.join(texts)!r} is not a number")
    return amount
