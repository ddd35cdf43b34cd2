"""How the student `linked` writes jq: operators and functions as tokens, fields, numbers and texts as pointers.

With @ before pointers:

    . [ ] | select ( @.author.country == " @Ghana " ) | @.title
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dstill.api import Cursor, Example, Form, Linked, NotExpressible, Token
from dstill.linked import Item, Reading
from dstill.linked.names import stems
from dstill_jq.language import CALLS, OPERATORS, VALUES, canonical, tokens

CLOSING = {"(": ")", "[": "]", '"': '"'}


def quoted(text: str, reading: Reading) -> range:
    """The words of the question that are `text`. Raises NotExpressible."""
    parts, words = text.split(), [word.text for word in reading.words]
    for n in range(len(words) - len(parts) + 1):
        if parts and words[n : n + len(parts)] == parts:
            return range(n, n + len(parts))
    raise NotExpressible(f"the question does not say '{text}'")


class JqForm(Form):
    tokens = ("0", "1", ".", "..", "(", ")", "[", "]", '"', ":", ";", "?", *OPERATORS, *sorted(VALUES | CALLS))

    def items(self, example: Example) -> Sequence[Item]:
        found = []
        for name, values in example.context.get("fields", {}).items():
            object_, _, last = name.rpartition(".")
            texts, kind = (tuple(values), "text") if isinstance(values[0], str) else ((), "number")
            words, above = tuple(stems(last)), tuple(stems(object_))
            found.append(Item(name=name, words=words, above=above, kind=kind, values=texts))
        return found

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        found: list[Token] = []
        for part in tokens(answer):
            found += ['"', *quoted(json.loads(part), reading), '"'] if part[0] == '"' else super().encode(part, reading)
        return found

    def decode(self, tokens: Sequence[Token], reading: Reading) -> str:
        """Between quotation marks a word stands for its letters: Nine is not 9 there."""
        parts, within, words = list[str](), False, range(len(reading.words))
        for token in tokens:
            within ^= token == '"'
            parts.append(reading.words[token].text if within and token in words else super().decode([token], reading))
        return canonical(re.sub(r'" ([^"]*) "', lambda found: json.dumps(found[1]), " ".join(parts)))

    def start(self, reading: Reading) -> Cursor:
        return Place(reading)


@dataclass(frozen=True)
class Place(Cursor):
    """A place in a program: the last token, and the brackets and quotation marks that are open."""

    reading: Reading
    last: Token = "|"
    inside: str = ""

    def allowed(self) -> list[Token]:
        words = range(len(self.reading.words))
        items = range(len(words), len(self.reading))
        close = [CLOSING[self.inside[-1]]] if self.inside else [""]
        if self.inside.endswith('"'):
            return [*words, *close]
        if self.last in CALLS - VALUES:
            return ["("]
        if self.last in ("(", "[", ":", ";", *OPERATORS):
            numbers = [word for word in words if self.reading.text(word).isdecimal()]
            empty = {"[": [":", "]"], ":": ["]"]}.get(str(self.last), [])
            return [*items, *numbers, "0", "1", ".", "..", "(", "[", '"', *VALUES, *CALLS, *empty]
        more = {"(": [";"], "[": [":"]}.get(self.inside[-1:], [])
        return [*items, "[", "?", *OPERATORS, *close, *more, *(["("] if self.last in CALLS else [])]

    def push(self, token: Token) -> "Place":
        closes = self.inside and token == CLOSING[self.inside[-1]]
        opens = token if token in CLOSING and not closes else ""
        return Place(self.reading, token, self.inside[:-1] if closes else f"{self.inside}{opens}")


class JqLinked(Linked):
    def form(self) -> Form:
        return JqForm()
