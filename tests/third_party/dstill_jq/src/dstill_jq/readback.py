"""Programs in plain words: a phrase for each part of the pipe, and words for its tokens.

.[] | select(.pages > 300) | .title   →   books, every row, where (its pages is more than 300), its title
"""

import json
import re
from collections.abc import Iterator, Sequence

from dstill.api import Example
from dstill.api.protocols import Phrase, Readback
from dstill_jq.language import tokens

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\. \[ \]|\. \[ : (?P<first>\d+) \]|[(\[] | [)\],|]|\S+')
WORDS = {f"{sign} ": sign for sign in "(["} | {f" {sign}": sign for sign in ")]"} | {
    " |": ",", " ,": " and", ". [ ]": "every row", "select": "where", "map": "of each", "unique": "each once",
    "index": "has", "length": "their number", "add": "their sum", "max": "the highest", "min": "the lowest",
    "reverse": "in reverse", "group_by": "grouped by", "sort_by": "sorted by", "max_by": "the row with the highest",
    "/": "divided by", "min_by": "the row with the lowest", "==": "is", "!=": "is not", ">": "is more than",
    "<": "is less than",
}  # fmt: skip
FIELD = re.compile(r"\.\w")


class JqReadback(Readback):
    def read_back(self, example: Example, answer: str) -> Sequence[Phrase]:
        data = Phrase(text=example.context["document"], kind="data")
        return [data, *map(phrase, parts(tokens(answer)))]


def parts(program: Sequence[str]) -> Iterator[list[str]]:
    """The tokens between the pipes that are in no brackets."""
    part, depth = list[str](), 0
    for token in program:
        depth += (token in "([") - (token in ")]")
        if token == "|" and not depth:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def phrase(part: Sequence[str]) -> Phrase:
    text, kind = TOKEN.sub(words, " ".join(part)), "condition" if part[:1] == ["select"] else "shown"
    values = [str(json.loads(token)) for token in part if re.match(r'["\d]', token)]
    return Phrase(text=f", {text}", kind=kind, items=[token for token in part if FIELD.match(token)], values=values)


def words(match: re.Match[str]) -> str:
    if match["first"]:
        return f"the first {match['first']}"
    return f"its {match[0][1:].replace('.', ' ')}" if FIELD.match(match[0]) else WORDS.get(match[0], match[0])
