"""How the student `linked` writes jq: operators and functions as tokens, fields, numbers and texts as pointers.

. [ ] | select ( @.author.country == " @Ghana " ) | @.title
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dstill.api import Cursor, Example, Form, Token
from dstill.linked import Item, Reading

from dstill_jq.language import CALLS, OPERATORS, VALUES, canonical, tokens

CLOSING = {"(": ")", "[": "]", '"': '"'}


class JqForm(Form):
    tokens = ("no", "0", "1", ".", "..", "(", ")", "[", "]", '"', ":", ";", "?", *OPERATORS, *sorted(VALUES | CALLS))

    def items(self, example: Example) -> Sequence[Item]:
        found = []
        for name, values in example.context.get("fields", {}).items():
            *above, word = name[1:].split(".")
            texts, kind = (tuple(values), "text") if isinstance(values[0], str) else ((), "number")
            found.append(Item(name=name, words=(word,), above=tuple(above), kind=kind, values=texts))
        return found

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        parts = [f'" {json.loads(part)} "' if part[0] == '"' else part for part in tokens(answer)]
        return super().encode(" ".join(parts), reading)

    def decode(self, tokens: Sequence[Token], reading: Reading) -> str:
        text = super().decode(tokens, reading)
        return canonical(re.sub(r'" ([^"]*) "', lambda found: json.dumps(found[1]), text))

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
            return [*words, "no", *close]
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
