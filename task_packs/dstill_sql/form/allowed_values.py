"""Which tokens may be a literal of one kind, and whether one that is written is whole.

    values = Literals(reading, Spec(kind="date"))
    values.starts(4)                  whether a literal may begin with word 4
    values.extends((4,), "next")      whether it goes on with the day after it
    values.whole((4, "next"))         whether it may end there

A literal is read as `values.Reader` reads it, and must be one of the column's kind: a number, a day that is in the
calendar, a value of an ENUM.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property

from dstill.linked import Reading, partial_values
from dstill.linked.tokens import CHARACTERS, HALVES, NotExpressible, Token, begins_utf8, is_utf8
from dstill_sql.form.functions import NUMERIC, TEMPORAL
from dstill_sql.form.periods import bounds
from dstill_sql.form.tokens import CONSTANTS, DIVISORS, ENDINGS, FACTORS, PERIODS
from dstill_sql.form.values import Literal, Reader, is_number

__all__ = ["Literals", "Spec"]

_LONGEST = 60  # characters of a spelled text
_MOST_DIGITS = 15
_FACTORS = tuple(f"*{factor}" for factor in FACTORS)
_NUMERAL = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?")
# What the rest of a value may look like, to see whether a beginning leads to one.
_SHAPES: Mapping[str, tuple[str, ...]] = {
    "date": ("2000-01-01", "2000-11-10", "1999-09-09"),
    "timestamp": ("2000-01-01 00:00:00", "2000-11-10 10:10:10", "1999-09-09 09:09:09"),
    "time": ("00:00:00", "10:10:10", "09:09:09"),
    "uuid": ("00000000-0000-4000-8000-000000000000",),
}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """Which literals a place takes."""

    kind: str  # empty: a number or a text
    only: str = ""  # if it is empty: which of both
    position: int = -1  # of the column that it is compared with; -1: none
    whole: bool = False  # a number of rows or of digits
    least: int = 0  # of such a number
    most: int = 10**12  # of such a number
    fraction: bool = False  # between 0 and 1
    pages: bool = False  # rows before a page: OFFSET
    choices: tuple[str, ...] = ()  # of an ENUM


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text)) and len(text) == len("2000-01-01")
    except ValueError:
        return False


def _is_timestamp(text: str) -> bool:
    try:
        return bool(datetime.fromisoformat(text)) and text[4:5] == "-" and len(text) >= len("2000-01-01")
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return bool(time.fromisoformat(text) or True) and ":" in text
    except ValueError:
        return False


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "date": _is_date,
    "timestamp": _is_timestamp,
    "time": _is_time,
    "uuid": _is_uuid,
}


class Literals:
    """The literals of one spec in one reading."""

    def __init__(self, reading: Reading, spec: Spec) -> None:
        self.reading, self.spec = reading, spec
        self.known = reading.item(spec.position).values if spec.position >= 0 else ()
        self.numeric = spec.kind in NUMERIC or spec.only == "number"
        self.dated = spec.kind in TEMPORAL
        self._whole: dict[tuple[Token, ...], Literal | None] = {}
        self._extends: dict[tuple[tuple[Token, ...], Token], bool] = {}

    @cached_property
    def _parts(self) -> Mapping[tuple[int, int], str]:
        """Spans that are a part of a known value."""
        if self.spec.kind not in ("text", "enum") or not self.known:
            return {}
        parts = partial_values(self.reading.question, self.reading.words, self.known)
        return {span: value for span, value in parts.items() if self._fits(value)}

    def whole(self, written: tuple[Token, ...]) -> Literal | None:
        """The literal that tokens are; None: they are none, or none that fits."""
        if written not in self._whole:
            self._whole[written] = self._read(written)
        return self._whole[written]

    def _read(self, written: tuple[Token, ...]) -> Literal | None:
        reader = Reader(written, self.reading)
        try:
            literal = reader.literal(self.spec.kind, self.known)
        except NotExpressible:
            return None
        if reader.peek() is not None:
            return None
        if self.spec.kind == "boolean" or literal.kind == "boolean":
            return literal if self.spec.kind == literal.kind else None
        if self.numeric != (literal.kind == "number") and self.spec.kind:
            return None
        if self.spec.only and literal.kind != self.spec.only:
            return None
        return literal if self._fits(literal.unquoted) else None

    def _fits(self, text: str) -> bool:
        """Whether a value is one of the kind."""
        spec = self.spec
        if spec.whole:
            return text.isdigit() and len(text) <= _MOST_DIGITS and spec.least <= int(text) <= spec.most
        if self.numeric:
            return is_number(text) and len(text) <= 2 * _MOST_DIGITS and (not spec.fraction or 0 < float(text) < 1)
        if spec.choices:
            return text in spec.choices
        if spec.kind in _CHECKS:
            return _CHECKS[spec.kind](text) or (spec.kind == "timestamp" and _is_date(text))
        return "\0" not in text

    # --- the first token ----------------------------------------------------------------

    def starts(self, token: Token) -> bool:
        """Whether a literal may begin with a token."""
        return self.extends((), token)

    def extends(self, written: tuple[Token, ...], token: Token) -> bool:
        """Whether a literal that begins with `written` may go on with a token."""
        key = written, token
        if key not in self._extends:
            if len(self._extends) > 50_000:
                self._extends.clear()
            self._extends[key] = self._starts(token) if not written else self._continues(written, token)
        return self._extends[key]

    def _starts(self, token: Token) -> bool:
        kind = self.spec.kind
        if isinstance(token, int):
            return token < len(self.reading.words) and self._leads((token,))
        if kind == "boolean":
            return token in ("true", "false")
        if token in CONSTANTS:
            return (self.numeric or not kind) and self.whole((token,)) is not None
        if token == "empty":
            return kind == "text"
        if token == "known":
            return bool(self._parts)
        return token[0] in "'%" and self._spells((), token)

    def _leads(self, written: tuple[Token, ...]) -> bool:
        """Whether a word is a literal, or the beginning of one."""
        if self.whole(written) is not None:
            return True
        place = written[0]
        after: list[Token] = [*_FACTORS, *DIVISORS] if self.numeric else []
        if self.dated:
            after += PERIODS
        if self.spec.pages:
            after.append("page")
        return any(self.extends(written, token) for token in (*after, "..")) if isinstance(place, int) else False

    # --- what follows -------------------------------------------------------------------

    def _continues(self, written: tuple[Token, ...], token: Token) -> bool:
        last = written[-1]
        if written[0] == "known":
            return self._continues_known(written, token)
        if isinstance(token, int):
            return self._ends(written, token)
        if isinstance(last, int):
            return self._after_word(written, token)
        if last in PERIODS:
            return token[0] == "+" and self.spec.kind == "timestamp" and self.whole((*written, token)) is not None
        if str(last)[0] in "'%" and last != '"':
            return self._spells(written, token)
        return False

    def _continues_known(self, written: tuple[Token, ...], token: Token) -> bool:
        if len(written) == 1:
            return isinstance(token, int) and any(first == token for first, _ in self._parts)
        if len(written) == 2:
            return token == ".." and any(first == written[1] and last != first for first, last in self._parts)
        return len(written) == 3 and isinstance(token, int) and (written[1], token) in self._parts

    def _ends(self, written: tuple[Token, ...], token: int) -> bool:
        """Whether a word ends a span, or says how long a page is."""
        if written[-1] not in ("..", "page") or token >= len(self.reading.words):
            return False
        first = written[0]
        if written[-1] == ".." and not (isinstance(first, int) and first < token):
            return False
        return self.whole((*written, token)) is not None

    def _after_word(self, written: tuple[Token, ...], token: str) -> bool:
        place = written[0]
        if len(written) > 1 or not isinstance(place, int):
            return False
        word = self.reading.words[place]
        if token == "..":
            return not self.numeric and self.spec.kind in ("", "text", "enum", "uuid") and self._spans(place)
        if token in _FACTORS or token in DIVISORS:
            return self.numeric and word.number is not None and self.whole((*written, token)) is not None
        if token == "page":
            words = range(len(self.reading.words))
            return self.spec.pages and any(self.extends((*written, token), other) for other in words)
        if token in PERIODS:
            dated = self.dated or self.spec.kind == "text"
            return dated and bounds(word.value) is not None and self.whole((*written, token)) is not None
        if token[0] == "+" and token[1:] in ENDINGS:
            return self.spec.kind == "timestamp" and self.whole((*written, token)) is not None
        return False

    def _spans(self, place: int) -> bool:
        """Whether a span that begins with a word is a literal."""
        ends = range(place + 1, len(self.reading.words))
        if self.spec.kind in ("", "text"):
            return bool(ends)
        return any(self.whole((place, "..", end)) is not None for end in ends)

    def _spells(self, written: tuple[Token, ...], token: str) -> bool:
        """Whether a character may follow, or the end of a value."""
        text = "".join(str(token)[1:] for token in written if str(token)[0] == "'")
        digits = "".join(str(trailing_halve)[1:] for trailing_halve in _trailing_halves(written))
        if token == '"':
            return bool(written) and self.whole(written) is not None
        if token in HALVES:
            goes_on = bool(_open(digits)) or len(written) < _LONGEST
            return (
                not self.numeric
                and self.spec.kind in ("", "text")
                and goes_on
                and begins_utf8(_open(digits) + token[1:])
            )
        if digits and not is_utf8(digits):
            return False
        return token[0] == "'" and token[1:] in _CHARACTERS and self._spells_so(text + token[1:], len(written))

    def _spells_so(self, text: str, length: int) -> bool:
        """Whether a literal begins with this text."""
        spec = self.spec
        if spec.whole:
            return (
                text.isdigit()
                and int(text) <= min(spec.most, 10**6)
                and (text[0] != "0" or text == "0" >= str(spec.least))
            )
        if spec.fraction:
            return re.fullmatch(r"0(\.[0-9]{0,3}[1-9]?)?", text) is not None
        if self.numeric:
            most = _MOST_DIGITS - (text[-1] in "-.")
            return _NUMERAL.fullmatch(text) is not None and len(text) <= most and text[-2:] != "-."
        if spec.choices:
            return any(choice.startswith(text) for choice in spec.choices)
        if spec.kind in _SHAPES:
            shapes = _SHAPES[spec.kind]
            return any(_CHECKS[spec.kind](text + shape[len(text) :]) for shape in shapes if len(text) <= len(shape))
        return length < _LONGEST and not (not spec.kind and text[0] in "-.0123456789")


_CHARACTERS = frozenset(CHARACTERS)


def _trailing_halves(written: tuple[Token, ...]) -> list[Token]:
    tokens: list[Token] = []
    for token in reversed(written):
        if token not in HALVES:
            break
        tokens.insert(0, token)
    return tokens


def _open(digits: str) -> str:
    """The halves that are not a whole character yet."""
    return "" if is_utf8(digits) else digits
