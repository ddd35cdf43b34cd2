"""A form of answers that point: what a student of the kind ``linked`` learns to write.

A task that gives a `Form` (protocol `Linked`) says how its question and schema are read (`dstill.linked`), and how an
answer becomes tokens and back. A token is a piece of structure (a text of `Form.tokens`) or a pointer (the number of a
position of the reading: a word of the question or an item of the schema). The student sees no text of answers, so names
and values that training never had cost nothing, and `Form.start` lets it write only what can be an answer.

The defaults suit answers whose parts are separated by spaces, each a token, a word of the question or a name:

>>> class Sums(Form):
...     tokens = ("+", "-")
>>> form = Sums()
>>> reading = form.read(Example(id="1", question="take 7, add 12"))
>>> form.encode("7 12 +", reading)
[1, 4, '+']
>>> form.decode([4, 1, "-"], reading)
'12 7 -'
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from dstill.api.records import Example
from dstill.linked import Item, Reading, Schema, read
from dstill.linked.tokens import NotExpressible, Token

__all__ = ["Cursor", "Form", "NotExpressible", "Token"]


class Cursor(Protocol):
    """A place in an answer that is being written, for constrained decoding."""

    def allowed(self) -> Collection[Token]:
        """The tokens that may come next. An answer may end here if the empty text is one of them."""

    def push(self, token: Token) -> Cursor:
        """The place after `token`, which is allowed here."""

    def allows(self, token: Token) -> bool:
        """Whether `token` may come next. Override it if it is known without a list of all that may."""
        return token in self.allowed()


class Form:
    """How questions are read and answers are written as tokens."""

    tokens: ClassVar[Sequence[str]]  # pieces of structure. Weights depend on them and on their order
    features: ClassVar[Sequence[str]] = ()  # features of items with a row of their own; others are hashed
    bases: ClassVar[Mapping[str, Path]] = {}  # name → folder of a trained student, for ``--student base:NAME``

    def items(self, example: Example) -> Sequence[Item]:
        """The schema that a question is about. Default: none, the student reads the question alone."""
        return ()

    def read(self, example: Example) -> Reading:
        """The reading of a question by the student. Override it to keep a large `Schema` or to show a part of it."""
        return read(example.question, Schema(self.items(example)))

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        """The tokens of an answer. Raises NotExpressible.

        Default: of each part between spaces, the token, else the item of that name, else the word. Equal words are
        taken in turn.
        """
        tokens: list[Token] = []
        for part in answer.split():
            if part in self.tokens:
                tokens.append(part)
                continue
            items = [reading.position(number) for number, item in enumerate(reading.items) if item.name == part]
            words = [position for position, word in enumerate(reading.words) if word.value == part]
            unused = [position for position in words if position not in tokens]
            if not (places := items or unused or words):
                raise NotExpressible(f"'{part}' is neither a token nor in the question or its schema")
            tokens.append(places[0])
        return tokens

    def decode(self, tokens: Sequence[Token], reading: Reading) -> str:
        """The answer of tokens, in canonical form. Raises NotExpressible for tokens that are not an answer.

        Default: their texts with spaces between them. Tokens that are no answer are left to the task's checks.
        """
        return " ".join(token if isinstance(token, str) else reading.text(token) for token in tokens)

    def encode_rationale(self, rationale: str, answer: str, reading: Reading) -> list[Token]:
        """The tokens of a rationale. Default: the items that the answer names, in the order of the rationale."""
        named = {
            token for token in self.encode(answer, reading) if isinstance(token, int) and token >= len(reading.words)
        }
        places = ((re.search(rf"(?<!\w){re.escape(reading.item(n).name)}(?!\w)", rationale), n) for n in named)
        return [n for _, n in sorted((match.start(), n) for match, n in places if match)]

    def decode_rationale(self, tokens: Sequence[Token], reading: Reading) -> str:
        """The text of a rationale's tokens. Default: the names of the items that they point to."""
        items = (token for token in tokens if isinstance(token, int) and token >= len(reading.words))
        return ", ".join(reading.item(position).name for position in items)

    def start(self, reading: Reading) -> Cursor | None:
        """Where writing starts. None: every sequence of tokens may be written."""
        return None

    def replay(self, seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
        """Questions that the bases were trained on, with the tokens of their answers: endless, the same for a seed.

        A share of them in a training from a base keeps what the base knows of other data. Default: none.
        """
        return iter(())
