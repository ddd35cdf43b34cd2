"""EBNF, as a task pack writes it: read, measured, and written anew for the library that decodes by it.

    root ::= "SELECT " COLUMN ("," COLUMN){0,3} " FROM " TABLE      a rule a line, `root` the first to be asked
    COLUMN ::= [a-z] [a-z0-9_]{0,30}                                in capitals: a token, matched as a whole

    parse(text).longest()      the bytes of its longest sentence; None where there is no longest one
    parse(text).lark()         the same grammar in llguidance's own notation

There are literals in quotes, classes of characters, groups, ``|``, ``?``, ``*``, ``+`` and ``{m,n}``; JSON's escapes,
and ``\\x``, ``\\u``, ``\\U`` with 2, 4, 8 digits in a class. A line that begins with ``#`` is a comment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Iterator, Mapping, Sequence

from dstill.errors import DataError
from dstill_constrain.reading import Alternatives, Characters, Literal, Node, Reference, Repeat, Sequenced, read

__all__ = ["Ebnf", "parse"]

ROOT = "root"


def parse(text: str) -> Ebnf:
    """Raises DataError with the line and what is wrong in it."""
    rules: dict[str, Node] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, node = read(line, number)
        if name in rules:
            raise DataError(f"the rule '{name}' stands twice", where=f"grammar:{number}")
        rules[name] = node
    made = Ebnf(rules)
    made.require_whole()
    return made


@dataclass(frozen=True)
class Ebnf:
    rules: Mapping[str, Node]
    _lengths: dict[str, int | None] = field(default_factory=dict, repr=False)

    def require_whole(self) -> None:
        """Raises DataError where a rule is not there, or a token is made of rules."""
        if ROOT not in self.rules:
            raise DataError(f"the grammar has no rule '{ROOT}'", where="grammar", hint=f"write {ROOT} ::= …")
        for name, node in self.rules.items():
            for used in _references(node):
                if used not in self.rules:
                    raise DataError(f"the grammar has no rule '{used}'", where=f"grammar, rule '{name}'")
                if _is_token(name) and not _is_token(used):
                    raise DataError(
                        f"the token '{name}' is made of the rule '{used}'",
                        where=f"grammar, rule '{name}'",
                        hint="tokens are made of tokens: write both names in capitals",
                    )

    # --- how long -----------------------------------------------------------------------

    def longest(self) -> int | None:
        """The bytes of its longest sentence; None: a rule holds itself, or repeats without end."""
        return self._longest(ROOT, ())

    def _longest(self, name: str, within: tuple[str, ...]) -> int | None:
        if name in within:
            return None
        if name not in self._lengths:
            self._lengths[name] = self._length(self.rules[name], (*within, name))
        return self._lengths[name]

    def _length(self, node: Node, within: tuple[str, ...]) -> int | None:
        if isinstance(node, Literal):
            return len(node.text.encode())
        if isinstance(node, Characters):
            return node.widest
        if isinstance(node, Reference):
            return self._longest(node.name, within)
        if isinstance(node, Repeat):
            one = self._length(node.item, within)
            return 0 if one == 0 else None if one is None or node.most is None else one * node.most
        lengths = [self._length(part, within) for part in node.parts]
        if None in lengths:
            return None
        total = sum if isinstance(node, Sequenced) else max
        return total(length for length in lengths if length is not None)

    # --- in other notations -------------------------------------------------------------

    def lark(self, *, start: str = "start") -> str:
        """For llguidance; the rule that was `root` is called `start`."""
        return "".join(self._line(name, start) for name in self.rules)

    def _line(self, name: str, start: str) -> str:
        node = self.rules[name]
        if _is_token(name):
            return f"{name}: /{self.regex(node)}/\n"
        return f"{start if name == ROOT else name}: {_lark(node, start)}\n"

    def regex(self, node: Node) -> str:
        """A token as a regular expression, what it is made of written into it."""
        if isinstance(node, Literal):
            return "".join(_escaped(character) for character in node.text)
        if isinstance(node, Characters):
            return node.regex
        if isinstance(node, Reference):
            return self._inner[node.name]
        if isinstance(node, Repeat):
            return f"(?:{self.regex(node.item)}){node.times}"
        parts = [self.regex(part) for part in node.parts]
        return "".join(parts) if isinstance(node, Sequenced) else f"(?:{'|'.join(parts)})"

    @cached_property
    def _inner(self) -> Mapping[str, str]:
        return _Inlined(self)


class _Inlined(dict[str, str]):
    def __init__(self, whole: Ebnf) -> None:
        super().__init__()
        self._whole = whole

    def __missing__(self, name: str) -> str:
        self[name] = f"(?:{self._whole.regex(self._whole.rules[name])})"
        return self[name]


def _references(node: Node) -> Iterator[str]:
    if isinstance(node, Reference):
        yield node.name
    parts: Sequence[Node] = ()
    if isinstance(node, Repeat):
        parts = (node.item,)
    elif isinstance(node, (Sequenced, Alternatives)):
        parts = node.parts
    for part in parts:
        yield from _references(part)


def _is_token(name: str) -> bool:
    return name.isupper()


def _lark(node: Node, start: str) -> str:
    if isinstance(node, Literal):
        return node.written
    if isinstance(node, Characters):
        return f"/{node.regex}/"
    if isinstance(node, Reference):
        return start if node.name == ROOT else node.name
    if isinstance(node, Repeat):
        return f"({_lark(node.item, start)}){node.times}"
    parts = [_lark(part, start) for part in node.parts]
    return " ".join(parts) if isinstance(node, Sequenced) else f"({' | '.join(parts)})"


def _escaped(character: str) -> str:
    return character if character.isascii() and character.isalnum() else f"\\u{{{ord(character):x}}}"
