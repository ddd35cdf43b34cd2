"""The words of a question, which an answer can point to.

    [word.text for word in words("p95 of took_ms since 3 March 2024")]
    →  ["p", "95", "of", "took_ms", "since", "3 March 2024"]

A word keeps its place in the question, so that a span of several words is a part of the text. Dates that are written
out are one word with an ISO 8601 value, and numbers that are written out ("three hundred") are one with its digits. A
number before its unit ("12km") is a word of its own, and so are the signs in "status:open", "price>5", "5..10",
"red/blue", "52.5,13.4" and "web*".
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

from dstill.linked.names import stems

__all__ = ["MAX_WORDS", "Word", "number", "words"]

MAX_WORDS = 512  # of a question; the rest is not read (`Reading.unread`)

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), start=1)
    for name in names.split()
}  # fmt: skip
_NUMBER_WORDS = {
    word: value
    for first, step, names in (
        (0, 1, "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
         "seventeen eighteen nineteen"),
        (20, 10, "twenty thirty forty fifty sixty seventy eighty ninety"),
        (12, 1, "dozen"),
        (2, 1, "twice"),
    )
    for value, word in enumerate(names.split())
    for value in [first + step * value]
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_COUNT = "|".join(sorted((*_NUMBER_WORDS, *_SCALES), key=len, reverse=True))
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_YEAR = r"[0-9]{4}"
_DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?"
_WORD = re.compile(
    rf"""
    (?P<day> \b{_DAY}\s+(?:of\s+)?(?:{_MONTH})\.?,?\s+{_YEAR}\b | \b(?:{_MONTH})\.?\s+{_DAY},?\s+{_YEAR}\b )
  | (?P<month> \b(?:{_MONTH})\.?,?\s+{_YEAR}\b )
  | (?P<date> \b{_YEAR}-[0-9]{{2}}-[0-9]{{2}}(?:T[0-9:.]+Z?)?\b )
  | (?P<address> \b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}})?\b )
  | (?P<prefix> \b(?: p(?=\d\d) | (?:top|last|past|page)(?=\d) ) )  # p95: the 95th percentile
  | (?P<count> \b(?:{_COUNT})(?: (?:\s+and)?[\s-]+(?:{_COUNT}) )*\b(?!-) )   # three hundred
  | (?P<sign> [$€£¥~≈](?=\d) | (?<=[\w%])(?:\.\.\.?|[-–])(?=\d) )          # $5, and between 5..10 and 5-10
  | (?P<unit> (?<=\d)[A-Za-z%]{{1,3}}(?=[-–]\d) )                          # 10k-20k
  | (?P<number> (?: (?<![\w./-])-? | (?<=[\w%][-–]) | (?<=\.\.) | (?<=\btop) | (?<=\b[lp]ast) | (?<=\bpage) )
                {_DIGITS}
                (?= [^\w./-] | $ | \.(?:\s|$) | -?[A-Za-zµ%²]               # 12, 1,000, 0.5, 12km, 5xx
                  | \.\.\.?\d | (?! (?<=\b\d{{4}})-\d\d\b ) [-–]{_DIGITS}(?: [A-Za-z%]{{1,3}}\b | (?![\w./:-]) ) ) )
  | (?P<word> (?: (?! [;:!?]+(?:\s|$) | ['"()](?:\W|$) | \.(?:\s|$|") | 's\b | !?=
                    | (?<=[A-Za-z_]):(?=[\w"'-]) | (?<=[A-Za-z]{{2}})/(?=[A-Za-z]{{2,99}}(?![\w/.-])) )
                  [^\s"(),<>*] )+ )
  | (?P<mark> \S )
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Dates without a year, a first day whose month follows, and days of the week: "since 3 March", "in May",
# "from 3 to 5 March 2024", "on Friday".
_LONG_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_NAMES = re.compile(rf"\b(?:{_MONTH}|{'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)
_PARTIAL = re.compile(
    rf"""
    \b (?: (?P<first> {_DAY}) (?= \s*(?:-|–|and|to|until|till|through)\s+(?:the\s+)?
                                 (?P<rest> {_DAY}\s+(?:of\s+)?(?:{_MONTH})\.?(?:,?\s+{_YEAR})? ) \b )
      | (?P<day> {_DAY}\s+(?:of\s+)?(?:{_MONTH}) | (?:{_MONTH})\.?\s+{_DAY} ) \b (?! [.,]?\s*{_YEAR}\b | [\w/-] | :\d )
      | (?:in|since|during|of|until|before|after|for|from|and|to|late|early|last)\s+
        (?P<month> {_LONG_MONTH} ) \b (?! \.?,?\s+\d | [\w/-] | :\d )
      | (?:on|since|until|till|before|after|from|by|(?P<ago>last|past)|(?P<ahead>next))\s+
        (?P<weekday> {"|".join(_WEEKDAYS)} ) \b (?! [\w/-] | :\d ) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_KINDS = {"day": "date", "prefix": "word", "count": "word", "unit": "word", "sign": "mark"}
_NUMBER = re.compile(r"-?\d{1,300}(?:,\d{3})*(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of a question."""

    text: str
    start: int  # in the question, in characters
    end: int
    kind: str  # word, number, date, month, address or mark
    value: str  # what an answer would have for it: a date in ISO 8601, a number in digits, else `text`
    quoted: bool = False  # it stands between double quotes

    @property
    def in_words(self) -> bool:
        """Whether it is a number that is written in words."""
        return self.kind == "word" and self.value != self.text

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Its parts in lower case and singular; of words only."""
        return _stems(self.text) if self.kind == "word" else ()

    @cached_property
    def number(self) -> float | None:
        """The number that it is; None if it is none."""
        return number(self.value)


@lru_cache(maxsize=65536)
def _stems(text: str) -> tuple[str, ...]:
    return tuple(stems(text))


def number(text: str) -> float | None:
    """The number that a text is, with or without commas between thousands; None if it is none."""
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def words(question: str, now: date | None = None) -> list[Word]:
    """The first `MAX_WORDS` words of a question. `now`: the day of asking, for dates without a year and weekdays."""
    result: list[Word] = []
    quoted = False
    partial = _partial(question, now) if now and _DAY_NAMES.search(question) else {}
    at = 0
    while at < len(question) and len(result) < MAX_WORDS:
        match = next(_WORD.finditer(question, at), None)
        if match is None:
            break
        start, (kind, text) = match.start(), (str(match.lastgroup), match.group())
        value = _iso(kind, text) if kind in ("day", "month") else text
        if kind == "word" and text[0] == "'" and "'" in question[start + len(text) :]:
            value = text[1:] or text  # of 'New York'
        if kind == "count":
            text, value = _counted(text)
        if start in partial and kind not in ("day", "month"):
            kind, text, value = partial[start]
        if text == '"':
            quoted = not quoted
        result.append(
            Word(
                text=text,
                start=start,
                end=start + len(text),
                kind=_KINDS.get(kind, kind),
                value=value,
                quoted=quoted and text != '"',
            )
        )
        at = start + len(text)
    return result


def _partial(question: str, now: date) -> dict[int, tuple[str, str, str]]:
    """Where dates without all their parts start → kind, text and value."""
    spans = {}
    for match in _PARTIAL.finditer(question):
        kind = next(kind for kind in ("first", "day", "month", "weekday") if match[kind])
        text = match[kind]
        whole = text
        if kind == "first":
            whole += re.sub(r"^[0-9]+(?:st|nd|rd|th)?", "", match["rest"], flags=re.IGNORECASE)
        if kind == "weekday":
            value = _parse_week(text, now, ago=bool(match["ago"]), ahead=bool(match["ahead"])).isoformat()
        else:
            value = _latest(whole, now)
        if value:
            spans[match.start(kind)] = ("month" if kind == "month" else "day", text, value)
    return spans


def _parse_week(name: str, now: date, *, ago: bool, ahead: bool) -> date:
    """The last such day until now. `ago`: before today ("last Monday"); `ahead`: after today ("next Monday")."""
    back = (now.weekday() - _WEEKDAYS.index(name.casefold())) % 7
    if ahead:
        return now + timedelta(days=7 - back)
    return now - timedelta(days=back or 7 * ago)


def _latest(text: str, now: date) -> str:
    """The ISO value of a day or a month, in the last such year until now if the text has none. Empty: no such day."""
    month = _MONTHS[re.search(_MONTH, text, re.IGNORECASE).group().casefold()]  # type: ignore[union-attr]
    numbers = [int(digits) for digits in re.findall(r"[0-9]+", text)]
    day = next((n for n in numbers if n < 1000), 1)
    years = [n for n in numbers if n >= 1000] or [now.year, now.year - 1]
    for year in years:
        with suppress(ValueError):
            if date(year, month, day) <= now or len(years) == 1:
                return f"{year}-{month:02d}" + (f"-{day:02d}" if any(n < 1000 for n in numbers) else "")
    return ""


def _counted(text: str) -> tuple[str, str]:
    """A number in words, without the words that are another number, and its digits: "two hundred and five" and 205."""
    total, part, scale, end = 0, 0, 10**12, 0  # `part`: below the next scale
    for match in re.finditer(_COUNT, text, re.IGNORECASE):
        word = match.group().casefold()
        value = _NUMBER_WORDS.get(word) or _SCALES.get(word, 0)
        if word in ("dozen", "hundred"):
            fits, part = part < 100, (part or 1) * value
        elif word in _SCALES:
            fits, total, part, scale = value < scale, total + (part or 1) * value, 0, value
        else:
            fits, part = part % (10 if value < 10 and part % 100 >= 20 else 100) == 0, part + value
        if end and not fits:
            break
        end, amount = match.end(), total + part
    return text[:end], str(amount)


def _iso(kind: str, text: str) -> str:
    """A written date as 2024-03-03, a written month as 2024-03."""
    month = _MONTHS[re.search(_MONTH, text, re.IGNORECASE).group().casefold()]  # type: ignore[union-attr]
    numbers = re.findall(r"\d+", text)
    return f"{numbers[-1]}-{month:02d}" + (f"-{int(numbers[0]):02d}" if kind == "day" else "")
