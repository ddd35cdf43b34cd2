"""A grammar made ready for one student's vocabulary: which tokens may come next.

    compiler = Compiler(Vocabulary(…))
    state = compiler.start(Grammar(ebnf=…))      a state of its own for each answer; the grammar is compiled once
    state.mask()                                 bytes, a bit a token
    state.take(92)

Grammars are kept by their text, and so by the mapping's digest. llguidance works masks out as they are asked
for: a grammar of 900 fields is ready in less than a second, which leaves nothing worth keeping on disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from dstill.api.records import Grammar
from dstill.errors import DataError, UsageError
from dstill_constrain.ebnf import Ebnf, parse
from dstill_constrain.vocabulary import Vocabulary

__all__ = ["Compiler", "State", "lark_of", "longest"]

_REASONING = 4_000  # characters of the free text before an answer
# Enough for a mapping of thousands of fields; the library's own defaults stop earlier.
_LIMITS = {"initial_lexer_fuel": 50_000_000, "step_lexer_fuel": 5_000_000, "step_max_items": 500_000,
           "max_items_in_row": 20_000, "max_lexer_states": 1_000_000, "max_grammar_size": 5_000_000}  # fmt: skip


class Compiler:
    def __init__(self, vocabulary: Vocabulary) -> None:
        """Raises UsageError where the library is not installed."""
        self.vocabulary = vocabulary
        self._library = _library()
        wrapped = self._library.TokenizerWrapper(_Tokens(vocabulary))
        self._tokenizer = self._library.LLTokenizer(wrapped)
        self._ready: dict[str, _Ready] = {}

    def start(self, grammar: Grammar) -> State:
        """The state before the first token. Raises DataError for a grammar that cannot be read."""
        return State(self._of(grammar).matcher.deep_copy())

    def longest(self, grammar: Grammar) -> int | None:
        """The bytes of the longest text that it allows, or None where there is none, or none is known."""
        return self._of(grammar).longest

    def _of(self, grammar: Grammar) -> _Ready:
        text = repr((grammar.ebnf, grammar.frame)) if grammar.json_schema is None else repr(grammar)
        if text not in self._ready:
            read = _read(grammar)
            lark = _lark(grammar, read, leading_space=self.vocabulary.leading_space)
            limits = self._library.LLParserLimits(**_LIMITS)
            made = self._library.LLMatcher(self._tokenizer, lark, log_level=0, limits=limits)
            if made.is_error():
                raise DataError("the grammar cannot be compiled", where=_first_line(made.get_error()))
            self._ready[text] = _Ready(made, _longest(grammar, read))
        return self._ready[text]


@dataclass(frozen=True)
class _Ready:
    """A grammar compiled."""

    matcher: Any  # before its first token; each answer has a copy
    longest: int | None


class State:
    """How far one answer has come."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def mask(self) -> bytes:
        """A bit a token, the lowest first, of the tokens that may come next. Raises DataError where it is lost."""
        mask: bytes = self._matcher.compute_bitmask()
        if self._matcher.is_error():
            error = _first_line(self._matcher.get_error())
            if "NoExtension" in error:
                raise DataError(
                    "the student's tokenizer cannot write what the grammar asks for next",
                    where="constrained decoding",
                    hint="choose a student whose tokenizer writes every answer, or set evaluate.constrain = false",
                )
            raise DataError("the grammar is too large to follow", where=error)
        return mask

    def take(self, token: int) -> None:
        """Raises DataError for a token that the mask did not let through."""
        if not self._matcher.consume_token(token):
            raise DataError("a token that the grammar does not allow", where=_first_line(self._matcher.get_error()))

    def takes_all(self, tokens: Sequence[int]) -> bool:
        """Whether `tokens` may come next, one after the other; they are taken as far as they may."""
        return bool(self._matcher.try_consume_tokens(list(tokens)) == len(tokens))

    @property
    def complete(self) -> bool:
        """Whether what was taken is a sentence."""
        return bool(self._matcher.is_accepting())


class _Tokens:
    """A vocabulary in the form that llguidance asks for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.eos_token_id = vocabulary.end
        self.bos_token_id = None
        # what writes nothing gets a name that no text can have
        named = enumerate(vocabulary.pieces)
        self.tokens = [piece or b"\xff[%d]" % number for number, piece in named]
        self.special_token_ids = [number for number, piece in enumerate(vocabulary.pieces) if not piece]
        self._vocabulary = vocabulary

    def __call__(self, text: str | bytes) -> list[int]:
        return self._vocabulary.tokens(text.encode() if isinstance(text, str) else text)


def lark_of(grammar: Grammar, *, leading_space: bool = False) -> str:
    """The grammar in llguidance's notation, with what stands around an answer. Raises DataError."""
    return _lark(grammar, _read(grammar), leading_space=leading_space)


def longest(grammar: Grammar) -> int | None:
    """The bytes of the longest text that the grammar allows, or None where there is none, or none is known."""
    return _longest(grammar, _read(grammar))


def _read(grammar: Grammar) -> Ebnf | None:
    """Of a large grammar this takes a while, and is done once."""
    return None if grammar.ebnf is None else parse(grammar.ebnf)


def _lark(grammar: Grammar, read: Ebnf | None, *, leading_space: bool) -> str:
    if read is not None:
        rules = read.lark(start="the_answer")
    elif grammar.json_schema is not None:
        schema: Mapping[str, Any] = {**grammar.json_schema, "x-guidance": {"whitespace_flexible": False}}
        rules = f"the_answer: %json {json.dumps(schema)}\n"
    else:
        raise DataError("the grammar is neither a JSON Schema nor EBNF", where="ConstrainedOutput.grammar")
    space = '" "? ' if leading_space else ""
    if grammar.frame is None:
        return f"start: {space}the_answer\n{rules}"
    opening, between, closing = grammar.frame
    before = f"start: {space}{json.dumps(opening)} the_reasoning the_answer {json.dumps(closing)}\n"
    free = "".join(f"\\u{{{ord(character):x}}}" for character in between)
    return f"{before}the_reasoning[lazy]: /(?s:.{{0,{_REASONING}}}){free}/\n{rules}"


def _longest(grammar: Grammar, read: Ebnf | None) -> int | None:
    if read is None:
        return None
    answer = read.longest()
    if answer is None or grammar.frame is None:
        return answer
    return answer + sum(len(part.encode()) for part in grammar.frame) + _REASONING


def _library() -> Any:
    try:
        import llguidance
    except ImportError:
        raise UsageError(
            "constrained decoding needs a library that is not installed",
            where="evaluate.constrain = true",
            hint="pip install 'dstill[constrain]'",
        ) from None
    return llguidance


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200]
