"""The words of a question, which an answer can point to.

    [word.text for word in words("p95 of took_ms since 3 March 2024")]
    →  ["p", "95", "of", "took_ms", "since", "3 March 2024"]

A word keeps its place in the question, so that a span of several words is a part of the text. Dates that are written
out are one word with an ISO 8601 value. A number before its unit ("12km") is a word of its own, and so are the signs in
"status=open", "price>5", "52.5,13.4" and "web*".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?"
_YEAR = r"[0-9]{4}"
_WORD = re.compile(
    rf"""
    (?P<day> \b{_DAY}\s+(?:of\s+)?(?:{_MONTH})\.?,?\s+{_YEAR}\b | \b(?:{_MONTH})\.?\s+{_DAY},?\s+{_YEAR}\b )
  | (?P<month> \b(?:{_MONTH})\.?,?\s+{_YEAR}\b )
  | (?P<date> \b{_YEAR}-[0-9]{{2}}-[0-9]{{2}}(?:T[0-9:.]+Z?)?\b )
  | (?P<address> \b\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?:/\d{{1,2}})?\b )
  | (?P<prefix> \bp(?=\d\d) )                                             # p95: the 95th percentile
  | (?P<number> (?<![\w./-])-?\d+(?:,\d{{3}})*(?:\.\d+)?
                (?= [^\w./-] | $ | \.(?:\s|$) | -?[A-Za-zµ%²] ) )         # 12, 1,000, 0.5, 12km, 5xx
  | (?P<word> (?: (?! [;:!?]+(?:\s|$) | ['"()](?:\W|$) | \.(?:\s|$|") | 's\b | !?= ) [^\s"(),<>*] )+ )
  | (?P<mark> \S )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"-?\d{1,300}(?:,\d{3})*(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word of a question."""

    text: str
    start: int  # in the question, in characters
    end: int
    kind: str  # word, number, date, month, address or mark
    value: str  # what an answer would have for it: a date in ISO 8601, else `text`
    quoted: bool = False  # it stands between double quotes

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """Its parts in lower case and singular; of words only."""
        return _stems(self.text) if self.kind == "word" else ()

    @cached_property
    def number(self) -> float | None:
        """The number that it is; None if it is none."""
        return number(self.text)


@lru_cache(maxsize=65536)
def _stems(text: str) -> tuple[str, ...]:
    return tuple(stems(text))


def number(text: str) -> float | None:
    """The number that a text is, with or without commas between thousands; None if it is none."""
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def words(question: str) -> list[Word]:
    """The first `MAX_WORDS` words of a question."""
    found: list[Word] = []
    quoted = False
    for match in _WORD.finditer(question):
        kind, text = str(match.lastgroup), match.group()
        if text == '"':
            quoted = not quoted
        found.append(
            Word(
                text=text,
                start=match.start(),
                end=match.end(),
                kind={"day": "date", "prefix": "word"}.get(kind, kind),
                value=_iso(kind, text) if kind in ("day", "month") else text,
                quoted=quoted and text != '"',
            )
        )
        if len(found) == MAX_WORDS:
            break
    return found


def _iso(kind: str, text: str) -> str:
    """A written date as 2024-03-03, a written month as 2024-03."""
    month = _MONTHS[re.search(_MONTH, text, re.IGNORECASE).group().casefold()]  # type: ignore[union-attr]
    numbers = re.findall(r"\d+", text)
    return f"{numbers[-1]}-{month:02d}" + (f"-{int(numbers[0]):02d}" if kind == "day" else "")
