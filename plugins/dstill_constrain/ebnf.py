r"""EBNF as a task pack writes it: parsed, checked, measured, and translated for llguidance.

    root ::= "SELECT " COLUMN ("," COLUMN){0,3} " FROM " TABLE      one rule per line; `root` is the whole sentence
    COLUMN ::= [a-z] [a-z0-9_]{0,30}                                a name in capitals: a token, matched as a whole

    parse(text).longest()      the bytes of its longest sentence; None if it is unlimited
    parse(text).lark()         the same grammar in llguidance's Lark notation

The notation has literals in quotes with JSON's escapes, character classes, groups, ``|``, ``?``, ``*``, ``+`` and
``{m,n}``. A class also takes ``\x``, ``\u`` and ``\U`` with 2, 4 and 8 digits. A line that begins with ``#`` is a
comment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from dstill.errors import DataError
from dstill_constrain.ebnf_parser import (
    Alternatives,
    Characters,
    Literal,
    Node,
    Reference,
    Repeat,
    Sequenced,
    parse_rule,
)

__all__ = ["Ebnf", "parse"]

ROOT = "root"


def parse(text: str) -> Ebnf:
    """Parse a whole grammar. Raises DataError with the line and the reason."""
    rules: dict[str, Node] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, node = parse_rule(line, number)
        if name in rules:
            raise DataError(f"the rule '{name}' is defined twice", where=f"grammar:{number}")
        rules[name] = node
    grammar = Ebnf(rules)
    grammar.check_references()
    return grammar


@dataclass(frozen=True)
class Ebnf:
    """A parsed grammar: rule name → tree of its right-hand side."""

    rules: Mapping[str, Node]
    _lengths: dict[str, int | None] = field(default_factory=dict, repr=False)

    def check_references(self) -> None:
        """Raises DataError if a rule is missing, or if a token refers to a rule."""
        if ROOT not in self.rules:
            raise DataError(f"the grammar has no rule '{ROOT}'", where="grammar", hint=f"write {ROOT} ::= …")
        for name, node in self.rules.items():
            for used in _references(node):
                if used not in self.rules:
                    raise DataError(f"the grammar has no rule '{used}'", where=f"grammar, rule '{name}'")
                if _is_token(name) and not _is_token(used):
                    raise DataError(
                        f"the token '{name}' refers to the rule '{used}'",
                        where=f"grammar, rule '{name}'",
                        hint="a token may refer to tokens only: write both names in capitals",
                    )

    # --- length -------------------------------------------------------------------------

    def longest(self) -> int | None:
        """The bytes of the longest sentence; None if a rule refers to itself or repeats without limit."""
        return self._longest(ROOT, ())

    def _longest(self, name: str, within: tuple[str, ...]) -> int | None:
        if name in within:
            return None
        if name not in self._lengths:
            self._lengths[name] = self._length(self.rules[name], (*within, name))
        return self._lengths[name]

    def _length(self, node: Node, within: tuple[str, ...]) -> int | None:
        match node:
            case Literal():
                return len(node.text.encode())
            case Characters():
                return node.widest
            case Reference():
                return self._longest(node.name, within)
            case Repeat():
                length = self._length(node.item, within)
                return 0 if length == 0 else None if length is None or node.most is None else length * node.most
        lengths = [self._length(part, within) for part in node.parts]
        if None in lengths:
            return None
        total = sum if isinstance(node, Sequenced) else max
        return total(length for length in lengths if length is not None)

    # --- in other notations -------------------------------------------------------------

    def lark(self, *, start: str = "start") -> str:
        """The grammar in llguidance's Lark notation, with the rule `root` renamed to `start`."""
        return "".join(self._line(name, start) for name in self.rules)

    def _line(self, name: str, start: str) -> str:
        node = self.rules[name]
        if _is_token(name):
            return f"{name}: /{self.regex(node)}/\n"
        return f"{start if name == ROOT else name}: {_lark(node, start)}\n"

    def regex(self, node: Node) -> str:
        """A token as one regular expression, with the tokens that it refers to written out."""
        match node:
            case Literal():
                return "".join(_escaped(character) for character in node.text)
            case Characters():
                return node.regex
            case Reference():
                return self._token_regexes[node.name]
            case Repeat():
                return f"(?:{self.regex(node.item)}){node.quantifier}"
        parts = [self.regex(part) for part in node.parts]
        return "".join(parts) if isinstance(node, Sequenced) else f"(?:{'|'.join(parts)})"

    @cached_property
    def _token_regexes(self) -> Mapping[str, str]:
        return _TokenRegexes(self)


class _TokenRegexes(dict[str, str]):
    """Token name → its regular expression, filled on first use."""

    def __init__(self, grammar: Ebnf) -> None:
        super().__init__()
        self._grammar = grammar

    def __missing__(self, name: str) -> str:
        self[name] = f"(?:{self._grammar.regex(self._grammar.rules[name])})"
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
    match node:
        case Literal():
            return node.source
        case Characters():
            return f"/{node.regex}/"
        case Reference():
            return start if node.name == ROOT else node.name
        case Repeat():
            return f"({_lark(node.item, start)}){node.quantifier}"
    parts = [_lark(part, start) for part in node.parts]
    return " ".join(parts) if isinstance(node, Sequenced) else f"({' | '.join(parts)})"


def _escaped(character: str) -> str:
    return character if character.isascii() and character.isalnum() else f"\\u{{{ord(character):x}}}"
