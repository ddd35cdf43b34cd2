"""Tokens for the values of a field, by its type.

    values.of(field)          the token for a value in a term query; empty if the type has no values
    values.bound(field)       the token for a bound of a range; dates are in the field's format

Strings are any characters up to a length, numbers fit the type, and dates are days that exist, or date math.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill_querydsl.language.date_formats import ISO, formats_of, pattern_of
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar import bounds as bounds
from dstill_querydsl.language.grammar.data_range import DataRange
from dstill_querydsl.language.grammar.fields import reads_moments
from dstill_querydsl.language.grammar.notation import Notation, alt, count, lit, opt

__all__ = ["ValueTokens", "any_day", "letters"]

_CHARACTER = r'[^"\\\x00-\x1f\x7f-\x9f]'
_ESCAPED = (
    r'"\\" (["\\/] | "u" ([1-9a-c] [0-9a-f]{3} | "d" [0-7] [0-9a-f]{2} | [ef] [0-9a-f]{3} | "0" ([1-9a-f] '
    r'[0-9a-f]{2} | "0" [a-f] [0-9a-f])))'
)
_YEAR = '("19" | "20") [0-9]{2}'
_LEAP = '("19" | "20") ("0" [48] | [2468] [048] | [13579] [26]) | "2000"'
_DAYS = (
    '(("0" [13578] | "10" | "12") "-" ("0" [1-9] | [12] [0-9] | "3" [01])'
    ' | ("0" [469] | "11") "-" ("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8]))'
)
# The largest amount of date math by unit, which stays near the years that dates can have
_STEPS = {"y": "[1-9] [0-9]?", "M": "[1-9] [0-9]{0,2}", "w": "[1-9] [0-9]{0,2}", "d": "[1-9] [0-9]{0,3}",
          "h": "[1-9] [0-9]{0,4}", "m": "[1-9] [0-9]{0,4}", "s": "[1-9] [0-9]{0,5}"}  # fmt: skip
# … and in bodies with histograms: at most `grammar.data_range.DAYS_OF_MATH` days
_NEAR = {"M": "[1-3]", "w": "[1-9]", "d": "[1-9] [0-9]?", "h": "[1-9] [0-9]?", "m": "[1-9] [0-9]?"}
_BYTE = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9])'
_V4 = f'{_BYTE} ("." {_BYTE}){{3}}'
_V6 = '[0-9a-f]{1,4} (":" [0-9a-f]{1,4}){7}'
# strptime's directives, for parts of dates that are not a whole day
_PARTS = {"%Y": f"({_YEAR})", "%m": '("0" [1-9] | "1" [0-2])', "%d": '("0" [1-9] | "1" [0-9] | "2" [0-8])',
          "%H": '([01] [0-9] | "2" [0-3])', "%M": "[0-5] [0-9]", "%S": "[0-5] [0-9]", "%f": "[0-9]{3}"}  # fmt: skip


def any_day() -> str:
    """An existing day from 1900 to 2099."""
    return f'({_YEAR} "-" {_DAYS} | ({_LEAP}) "-02-29")'


def letters(most: int) -> str:
    """One to `most` ASCII letters and digits."""
    return f"[a-zA-Z0-9]{{1,{most}}}"


class ValueTokens:
    """Tokens for values, added to the grammar on first use."""

    def __init__(self, notation: Notation, data_range: DataRange | None = None) -> None:
        """`data_range` keeps dates and numbers near those of the index; None allows any."""
        self._notation, self._data_range = notation, data_range
        self._math = _math(_STEPS if data_range is None else _NEAR)
        most = bounds.CHARACTERS
        any_text = f"{_CHARACTER}{{1,{most}}} | ({_CHARACTER} | {_ESCAPED}){{1,{most // 2}}}"
        self.text = notation.rule("TEXT", _quoted(any_text))
        self.short = notation.rule("SHORT", _quoted(f'[^"\\\\\\x00-\\x1f\\x7f-\\U0010ffff]{{1,{bounds.SHORT}}}'))
        self.words = notation.rule("WORDS", _quoted(f'{letters(12)} (" " {letters(12)}){{0,3}}'))
        self.boolean = notation.rule("BOOLEAN", '"true" | "false"')
        self.weight = notation.rule("WEIGHT", '[1-9] ("." [0-9])? | "0." [1-9]')
        self.share = notation.rule("SHARE", '"0." [1-9]')

    # --- by field -----------------------------------------------------------------------

    def of(self, field: Field) -> str:
        """A value to compare the field with."""
        if field.family == "ip":
            return self._notation.rule("NETWORK", _quoted(f'{_V4} ("/" ([12]? [0-9] | "3" [0-2]))? | {_V6}'))
        if field.family in ("keyword", "text", "version", "flattened"):
            return self.text
        if field.family == "date" and not reads_moments(field):
            return self.date(field, moving=False)  # `now` is replaced by an ISO date, which the field does not accept
        return self.bound(field)

    def bound(self, field: Field) -> str:
        """A bound of a range."""
        if field.family == "number":
            return self.number(field)
        if field.family == "boolean":
            return self.boolean
        if field.family == "ip":
            return self._notation.rule("ADDRESS", _quoted(f"{_V4} | {_V6}"))
        return self.date(field) if field.family == "date" else ""

    def many(self, field: Field) -> str:
        """A value in a list; strings are shorter there."""
        value = self.of(field)
        return self.short if value == self.text else value

    def number(self, field: Field) -> str:
        digits = bounds.DIGITS.get(field.type, 9) if self._data_range is None else self._data_range.digits(field)
        floating = field.type in ("double", "float", "half_float", "scaled_float")
        sign = "" if field.type == "unsigned_long" else '"-"? '
        return self._notation.rule("FLOAT" if floating else "WHOLE", _number(sign, digits, floating))

    # --- dates --------------------------------------------------------------------------

    def date(self, field: Field, *, moving: bool = True) -> str:
        """A date in the field's format, or date math from now if it may be `moving`."""
        formatted = alt(*(self._formatted(form, field.name) for form in formats_of(field.format)))
        fixed = f'({formatted}) ("||" {self._math})?' if formatted else ""
        either = alt(fixed, f'"now" {opt(self._math)}' if moving else "")
        return self._notation.rule("DATE", _quoted(either)) if either else ""

    def iso(self, field: Field) -> str:
        """An ISO day or date math, for a clause with ``format``."""
        day = self._day(field.name)
        fixed = f'({day}) ("||" {self._math})?' if day else ""
        return self._notation.rule("DATE", _quoted(alt(fixed, f'"now" {opt(self._math)}')))

    def _formatted(self, form: str, name: str) -> str:
        """A date in one format; empty if the grammar cannot express the format."""
        day = self._day(name)
        if not day:
            return ""
        if form in ISO:
            return f'({day}) ("T" {_PARTS["%H"]} ":" {_PARTS["%M"]} ":" {_PARTS["%S"]} ("." [0-9]{{3}})? "Z")?'
        pattern = pattern_of(form)
        if pattern is None or (self._data_range is not None and "%Y-%m-%d" not in pattern):
            return ""
        return " ".join(_parts(pattern, day))

    def _day(self, name: str) -> str:
        return any_day() if self._data_range is None else self._data_range.days(name)


def _parts(pattern: str, day: str) -> list[str]:
    out: list[str] = []
    while pattern:
        if pattern.startswith("%Y-%m-%d"):
            out, pattern = [*out, f"({day})"], pattern.removeprefix("%Y-%m-%d")
        elif pattern[:2] in _PARTS:
            out, pattern = [*out, _PARTS[pattern[:2]]], pattern[2:]
        else:
            out, pattern = [*out, lit(pattern[0])], pattern[1:]
    return out


def _quoted(inner: str) -> str:
    return f'"\\"" ({inner}) "\\""'


def _number(sign: str, digits: int, floating: bool) -> str:
    fraction = ' ("." [0-9]{1,7})?' if floating else ""
    return f"{sign}{count(digits, 0)}{fraction}"


def _math(steps: Mapping[str, str]) -> str:
    moved = alt(*(f'{amount} "{unit}"' for unit, amount in steps.items()))
    return f'(("+" | "-") {moved} ("/" [yMwdhm])? | "/" [yMwdhm])'
