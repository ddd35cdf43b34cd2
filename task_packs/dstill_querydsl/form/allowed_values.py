"""Which tokens may be the value of one place, and whether a value that is written is one.

    values = Values(spec_of(node), reading)
    values.start                  the first tokens: words that are, or begin, a value of the field's type
    values.after([5])             ["..", "+||+1d"], what continues a value that begins with word 5
    values.value([5])             "2024-03-03"; NO_VALUE if it is not a value of this place

A value passes the schema, the guard and `mapping.check` as it would in a whole body. Places for any text are
`free`: all words may come. For others it is tried whether a value begins with the token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from dstill.api.form import NotExpressible, Token
from dstill.linked import Reading
from dstill.linked.scalars import as_number, scalar
from dstill.linked.tokens import CHARACTERS, FIRST_OF_TEXT, HALVES, begins_utf8, is_utf8
from dstill_querydsl.form.allowed_places import Node
from dstill_querydsl.form.places import CHOICES, expects_number
from dstill_querydsl.form.tokens import CONSTANTS, FACTORS, PREFIXES, SUFFIXES, tokens
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.guard import kinds
from dstill_querydsl.language.mapping.check import problems_of
from dstill_querydsl.language.mapping.uses import Use
from dstill_querydsl.language.mapping.values import wrong_value

__all__ = ["NO_VALUE", "PlaceValues", "Spec", "spec_of"]

NO_VALUE = object()  # what is written is not a value
_UNLIKELY = "~ Zq"  # a text that only places for any text accept
_LONGEST = 8  # words of a value that is not free
_MOST_DIGITS = 13  # of a number with a unit: milliseconds since 1970
_LONGEST_SPELLED = 24  # characters of one, after which only a whole value may come
# What the rest of a value may look like, to see whether a beginning leads to one.
_ENDS = ("", "0", "1d", "d", "s", "m", "km", "%", "a", ")", "]", "}", "T00:00:00", "-01", "true", "UTC")
_SHAPES = ("2024-01-01T00:00:00.000Z", "2024-01-01||+1d/d", "2024-01-01||/d", "now-10d/d", "now+1d/d", "127.0.0.0/8",
           "true", "false", "1.0", "-1.5e+3", "2<75%", "AUTO:1,2", "+02:00", "2001:db8::1", "2024/01/01", "01.01.2024",
           "2024-01-01 00:00:00", "yyyy-MM-dd", "strict_date_optional_time")  # fmt: skip
_WORDS = re.compile(r"\^\(\w+(?:\|\w+)*\)\$")  # a pattern that lists words
_PLAIN = re.compile(r"[\w /.-]{1,200}")  # harmless in every pattern
_OPTIONS = ("format", "lenient")  # that decide which values fit
_DIGITS = tuple("0123456789.-")
_PATTERNS = {kinds.PATTERN, kinds.REGEXP, kinds.PREFIX, kinds.TERM_FILTER}
_JSON_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}


class Spec:
    """The allowed values at places of one kind, shared by all fields of one type."""

    def __init__(self, node: Node) -> None:
        self.node = node
        # Names of fields in _source are pointers.
        self.schema = {"type": "boolean"} if node.kind == kinds.SOURCE else node.schema
        kind = node.kind
        self.kind = kind if not isinstance(kind, str) or kind in _CHECKED else kinds.VALUE
        field = node.language.fields.get(node.field) if node.field else None
        self.numeric = expects_number(node.key, field.family if field else "")
        uses = node.language.uses_of_value(node.chain) if node.chain[0][0] != "body" else []
        self.checked = [(field, use.options) for use in uses if (field := _checked(use, node.language.fields))]
        self.uses = uses
        self._fits: dict[Any, bool] = {}
        self._viable: dict[tuple[str, bool], tuple[Token, ...]] = {}

    @cached_property
    def free(self) -> bool:
        """Whether every text is a value."""
        return self.kind not in _PATTERNS and self.fits(_UNLIKELY) and self.fits("0") and self.fits("é")

    @cached_property
    def fixed(self) -> tuple[Token, ...]:
        """Pieces of structure that are values: constants and choices of the schema."""
        fixed: list[Token] = [token for token, value in CONSTANTS.items() if self.fits(value) and self._plain(value)]
        if self.fits("") and not self.numeric:
            fixed.append("=")
        if self.node.key in CHOICES or not self.free:
            choices = [token for token in tokens() if token[0] == "=" and token not in CONSTANTS and len(token) > 1]
            fixed += [token for token in choices if self.fits(token[1:]) and (self.is_choice or self.free)]
        return tuple(fixed)

    @cached_property
    def is_choice(self) -> bool:
        """Whether the schema lists the texts."""
        return "enum" in self.schema or _WORDS.fullmatch(self.schema.get("pattern", "")) is not None

    @cached_property
    def only_choices(self) -> bool:
        """Whether every text that is a value has a token, so that none is spelled or pointed to."""
        return self.is_choice and any(isinstance(token, str) and token not in CONSTANTS for token in self.fixed)

    def _plain(self, value: Any) -> bool:
        """Whether a constant is that value here: a number where a text may come would be read as a text."""
        return value is None or isinstance(value, (bool, str)) or self.numeric or not self.fits(str(value))

    def fits(self, value: Any) -> bool:
        """Whether the schema, the guard and the mapping accept a value here."""
        at = (type(value), value)
        fits = self._fits.get(at)
        if fits is None:
            if len(self._fits) > 20_000:
                self._fits.clear()
            fits = self._fits[at] = self._accepts(value)
        return fits

    def _accepts(self, value: Any) -> bool:
        return (
            _in_schema(self.schema, value)
            and not self.node.language.guard.refuses(self.kind, value)
            and not any(wrong_value(field, value, options) for field, options in self.checked)
        )

    def trusts(self, text: str) -> bool:
        """Whether a text is a value for certain, without a look at what it says."""
        return self.free or (self.kind in _PATTERNS and _PLAIN.fullmatch(text) is not None)

    def may_begin(self, text: str) -> bool:
        """Whether a value may begin with `text`, by its first characters."""
        if self.free or self.kind in _PATTERNS:
            return True
        return all(f"'{text[at]}" in self.characters(text[:at], numeric=False) for at in range(min(len(text), 2)))

    def characters(self, text: str, numeric: bool) -> tuple[Token, ...]:
        """Characters after which a value can still follow, of a value that begins with `text`."""
        choices = self._viable.get((text, numeric))
        if choices is None:
            if len(self._viable) > 5_000:
                self._viable.clear()
            choices = self._viable[text, numeric] = tuple(self._characters(text, numeric))
        return choices

    def _characters(self, text: str, numeric: bool) -> Iterator[Token]:
        if numeric:
            candidates: Sequence[str] = "." if text in ("0", "-0") else _DIGITS
        elif self.kind in _PATTERNS:
            candidates = CHARACTERS
        else:
            candidates = sorted(
                {shape[len(text)] for shape in _SHAPES if len(shape) > len(text)} | set("0123456789TZdhmswMy/")
            )
        most = _MOST_DIGITS if text.isdigit() else _LONGEST_SPELLED
        leads = self.leads if len(text) < most else self.ends
        for character in candidates if len(text) < 2 * _LONGEST_SPELLED else ():
            if leads(text + character, numeric):
                yield f"'{character}"

    def ends(self, text: str, numeric: bool) -> bool:
        """Whether `text` is a whole value."""
        value = _read(text, numeric)
        return value is not NO_VALUE and self.fits(value)

    def leads(self, text: str, numeric: bool) -> bool:
        """Whether a value begins with `text`."""
        ends = (
            (*_ENDS, *(shape[len(text) :] for shape in _SHAPES if len(shape) > len(text)))
            if not numeric
            else ("", "0", ".5")
        )
        return any(self.ends(text + end, numeric) for end in ends)


def _checked(use: Use, fields: Fields) -> Field | None:
    """The field whose type decides what the values of `use` are; None if any are."""
    wrong = any(problem.code == "wrong_value" for problem in problems_of(replace(use, values=("\x00",)), fields))
    return fields.get(use.name) if wrong else None


def _read(text: str, numeric: bool) -> Any:
    value = as_number(text) if numeric else text
    return NO_VALUE if value is None else value


def _in_schema(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a schema without objects and lists accepts a scalar."""
    named = schema.get("type")
    if named is not None and _JSON_TYPES[type(value)] not in ((named,) if isinstance(named, str) else named):
        return False
    if isinstance(value, str):
        if "enum" in schema and value not in schema["enum"]:
            return False
        if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
            return False
        return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return not (
            value < schema.get("minimum", value)
            or value > schema.get("maximum", value)
            or value <= schema.get("exclusiveMinimum", value - 1)
            or ("multipleOf" in schema and value % schema["multipleOf"] != 0)
        )
    return True


_compiled: dict[str, re.Pattern[str]] = {}


def _pattern(text: str) -> re.Pattern[str]:
    if text not in _compiled:
        _compiled[text] = re.compile(text)
    return _compiled[text]


_CHECKED = {kinds.VALUE, kinds.COUNT, kinds.DURATION, kinds.PATTERN, kinds.PREFIX, kinds.REGEXP, kinds.FUZZY,
            kinds.REWRITE, kinds.TOTAL, kinds.TERM_FILTER, kinds.SUFFIX, kinds.QUERY_TEXT}  # fmt: skip


def spec_of(node: Node) -> Spec:
    """The spec of a node: one for all places that accept the same values."""
    specs = node.language.specs
    spec: Spec | None = specs.get(node)
    if spec is None:
        spec = Spec(node)
        kind = spec.kind if isinstance(spec.kind, str) else id(spec.kind)
        fields = tuple((_type_of(field), *map(options.get, _OPTIONS)) for field, options in spec.checked)
        spec = specs[node] = specs.setdefault((id(spec.schema), kind, node.key, spec.numeric, fields), spec)
    return spec


def _type_of(field: Field) -> Any:
    return field.family, field.format


class PlaceValues:
    """The values of one spec in one reading."""

    def __init__(self, spec: Spec, reading: Reading) -> None:
        self.spec, self.reading = spec, reading
        self.words = reading.words
        self._after: dict[tuple[Token, ...], frozenset[Token]] = {}
        self._values: dict[tuple[Token, ...], Any] = {}

    @cached_property
    def start(self) -> frozenset[Token]:
        """Tokens that a value may begin with."""
        spec = self.spec
        if spec.only_choices:
            return frozenset(spec.fixed)
        choices: set[Token] = {*spec.fixed, *self._begin(spec.numeric)}
        if not spec.numeric and spec.fits(12345) and spec.fits(0.5):
            choices.add("number")
        if spec.numeric and spec.fits("12345"):
            choices.add("text")
        return frozenset(choices)

    def _begin(self, numeric: bool) -> Iterator[Token]:
        spec = self.spec
        if numeric:
            yield from (
                place
                for place, word in enumerate(self.words)
                if word.number is not None and self._leads(place, numeric)
            )
            yield from spec.characters("", numeric)
            return
        yield from (place for place in range(len(self.words)) if self._leads(place, numeric))
        yield from (f"+{prefix}" for prefix in PREFIXES if any(True for _ in self._after_prefix(prefix)))
        yield from FIRST_OF_TEXT if spec.free else spec.characters("", numeric)

    def _leads(self, place: int, numeric: bool) -> bool:
        """Whether a value begins with this word."""
        word, spec = self.words[place], self.spec
        if not numeric and (spec.trusts(word.value) or not (spec.may_begin(word.value) or spec.may_begin(word.text))):
            return spec.trusts(word.value)
        written: tuple[Token, ...] = (place,) if numeric == spec.numeric else ("number" if numeric else "text", place)
        return self.value(written) is not NO_VALUE or bool(self.after(written))

    def _after_prefix(self, prefix: str) -> Iterator[Token]:
        if not self.spec.may_begin(prefix):
            return
        for place, word in enumerate(self.words):
            texts = (f"{prefix}{word.value}{suffix}" for suffix in ("", *SUFFIXES))
            if self.spec.free or any(self.spec.fits(text) for text in texts):
                yield place

    def value(self, written: Sequence[Token]) -> Any:
        """The value of tokens; NO_VALUE if they are none, or none that fits."""
        at = tuple(written)
        if at not in self._values:
            self._values[at] = self._value(at)
        return self._values[at]

    def _value(self, written: tuple[Token, ...]) -> Any:
        numeric, rest = self.spec.numeric, written
        if rest[0] in ("number", "text"):
            numeric, rest = rest[0] == "number", rest[1:]
        if not rest or rest[-1] in ("..", "page") or (len(rest) == 1 and str(rest[0])[0] == "+"):
            return NO_VALUE
        if str(rest[0])[0] == "=":
            fixed = CONSTANTS.get(str(rest[0]), str(rest[0])[1:])
            return fixed if len(written) == 1 and self.spec.fits(fixed) else NO_VALUE
        try:
            value = scalar(rest, self.reading, numeric=numeric)
        except NotExpressible:
            return NO_VALUE
        return value if self.spec.fits(value) and not (numeric and isinstance(value, str)) else NO_VALUE

    def after(self, written: Sequence[Token]) -> frozenset[Token]:
        """Tokens that continue a value."""
        at = tuple(written)
        choices = self._after.get(at)
        if choices is None:
            choices = self._after[at] = frozenset(self._continue(at))
        return choices

    def _continue(self, written: tuple[Token, ...]) -> Iterator[Token]:
        numeric, rest = self.spec.numeric, written
        if rest[0] in ("number", "text"):
            numeric, rest = rest[0] == "number", rest[1:]
            if not rest:
                yield from self._begin(numeric)
                return
        last = rest[-1]
        if isinstance(last, int):
            yield from self._after_word(rest, numeric)
        elif last == "..":
            yield from self._ends(written, int(rest[-2]))
        elif last == "page":
            yield from self._ends_page(written)
        elif last[0] == "+" and len(rest) == 1:
            yield from self._after_prefix(last[1:])
        elif last[0] in "'%":
            yield from self._after_character(written, rest, numeric)

    def _ends(self, written: tuple[Token, ...], first: int) -> Iterator[Token]:
        """The last words of spans from `first`."""
        spec = self.spec
        if not spec.free and not spec.may_begin(self.words[first].text):
            return
        for place in range(first + 1, len(self.words) if spec.free else min(first + _LONGEST, len(self.words))):
            longer = (*written, place)
            if (
                spec.trusts(self.reading.span(first, place))
                or self.value(longer) is not NO_VALUE
                or any(True for _ in self._suffixes(longer))
            ):
                yield place

    def _suffixes(self, written: tuple[Token, ...]) -> Iterator[Token]:
        if self.spec.free:
            yield from _SUFFIXES
        else:
            yield from (token for token in _SUFFIXES if self.value((*written, token)) is not NO_VALUE)

    def _after_word(self, rest: tuple[Token, ...], numeric: bool) -> Iterator[Token]:
        written = rest if numeric == self.spec.numeric else (("number" if numeric else "text"), *rest)
        place = int(rest[-1])
        if numeric:
            if len(rest) == 1 and self.words[place].number is not None:
                yield from (token for token in _FACTORS if self.value((*written, token)) is not NO_VALUE)
                if self.spec.node.key == "from" and any(True for _ in self._ends_page((*written, "page"))):
                    yield "page"
            return
        if not (len(rest) > 1 and rest[-2] == "..") and any(True for _ in self._ends((*written, ".."), place)):
            yield ".."
        yield from self._suffixes(written)

    def _ends_page(self, written: tuple[Token, ...]) -> Iterator[Token]:
        """Words that say how many rows a page has."""
        for place, word in enumerate(self.words):
            if word.number is not None and place != written[-2] and self.value((*written, place)) is not NO_VALUE:
                yield place

    def _after_character(self, written: tuple[Token, ...], rest: tuple[Token, ...], numeric: bool) -> Iterator[Token]:
        bytes_: list[str] = []
        for token in reversed(rest):
            if token not in HALVES:
                break
            bytes_.insert(0, str(token)[1:])
        if bytes_ and not is_utf8("".join(bytes_)):
            yield from (token for token in HALVES if begins_utf8("".join(bytes_) + token[1:]))
            return
        if self.spec.free and not numeric:
            yield from FIRST_OF_TEXT
        else:
            text = "".join(str(token)[1:] for token in rest if str(token)[0] == "'")
            yield from self.spec.characters(text, numeric) if not bytes_ else ()


_SUFFIXES = tuple(f"+{suffix}" for suffix in SUFFIXES)
_FACTORS = tuple(f"*{factor}" for factor in FACTORS)
