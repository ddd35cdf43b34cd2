"""Compiles a grammar for one student's vocabulary and tells which tokens may come next.

    compiler = Compiler(Vocabulary(…))
    state = compiler.start(Grammar(ebnf=…))      one state per answer; the grammar is compiled once
    state.mask()                                 bytes: one bit per token
    state.consume(92)

Compiled grammars are cached in memory by their text. llguidance computes masks lazily: a grammar of 900 fields is
compiled in less than a second, so a cache on disk would not pay off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.records import Grammar
from dstill.errors import DataError, UsageError
from dstill_constrain.ebnf import Ebnf, parse
from dstill_constrain.vocabulary import Vocabulary

__all__ = ["Compiler", "State", "lark_of", "longest"]

_MAX_REASONING = 4_000  # characters of free text before an answer
# Enough for a mapping of thousands of fields; the library's defaults are too low for that.
_LIMITS = {"initial_lexer_fuel": 50_000_000, "step_lexer_fuel": 5_000_000, "step_max_items": 500_000,
           "max_items_in_row": 20_000, "max_lexer_states": 1_000_000, "max_grammar_size": 5_000_000}  # fmt: skip


class Compiler:
    """Compiles grammars for one vocabulary.

    Raises:
        UsageError: llguidance is not installed.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._llguidance = _import_llguidance()
        wrapped = self._llguidance.TokenizerWrapper(_Tokens(vocabulary))
        self._tokenizer = self._llguidance.LLTokenizer(wrapped)
        self._cache: dict[str, _Compiled] = {}

    def start(self, grammar: Grammar) -> State:
        """The state before the first token. Raises DataError for an invalid grammar."""
        return State(self._compiled(grammar).matcher.deep_copy())

    def longest(self, grammar: Grammar) -> int | None:
        """The bytes of the longest text that the grammar allows; None if it is unlimited or unknown."""
        return self._compiled(grammar).longest

    def _compiled(self, grammar: Grammar) -> _Compiled:
        text = repr((grammar.ebnf, grammar.frame)) if grammar.json_schema is None else repr(grammar)
        if text not in self._cache:
            ebnf = _parsed(grammar)
            lark = _lark(grammar, ebnf, leading_space=self.vocabulary.leading_space)
            limits = self._llguidance.LLParserLimits(**_LIMITS)
            matcher = self._llguidance.LLMatcher(self._tokenizer, lark, log_level=0, limits=limits)
            if matcher.is_error():
                raise DataError("the grammar cannot be compiled", where=_first_line(matcher.get_error()))
            self._cache[text] = _Compiled(matcher, _longest(grammar, ebnf))
        return self._cache[text]


@dataclass(frozen=True)
class _Compiled:
    matcher: Any  # before its first token; each answer gets a copy
    longest: int | None


class State:
    """The position of one answer in its grammar."""

    def __init__(self, matcher: Any) -> None:
        self._matcher = matcher

    def mask(self) -> bytes:
        """One bit per token, lowest bit first: 1 if the token may come next. Raises DataError if none can."""
        mask: bytes = self._matcher.compute_bitmask()
        if self._matcher.is_error():
            error = _first_line(self._matcher.get_error())
            if "NoExtension" in error:
                raise DataError(
                    "the student's tokenizer cannot write what the grammar asks for next",
                    where="constrained decoding",
                    hint="choose a student whose tokenizer can write every answer, or set evaluate.constrain = false",
                )
            raise DataError("the grammar is too large to follow", where=error)
        return mask

    def consume(self, token: int) -> None:
        """Advance by one token. Raises DataError if the grammar does not allow it."""
        if not self._matcher.consume_token(token):
            raise DataError("the grammar does not allow this token", where=_first_line(self._matcher.get_error()))

    def try_consume(self, tokens: Sequence[int]) -> bool:
        """Advance by as many of `tokens` as the grammar allows; True if it allows all of them."""
        return self.consume_most(tokens) == len(tokens)

    def consume_most(self, tokens: Sequence[int]) -> int:
        """Advance by as many of `tokens` as the grammar allows, and return how many that are."""
        return int(self._matcher.try_consume_tokens(list(tokens)))

    @property
    def complete(self) -> bool:
        """Whether the tokens so far are a whole sentence of the grammar."""
        return bool(self._matcher.is_accepting())


class _Tokens:
    """A vocabulary with the attributes that llguidance's ``TokenizerWrapper`` reads."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.eos_token_id = vocabulary.end
        self.bos_token_id = None
        # a token without text gets bytes that are never valid UTF-8
        self.tokens = [piece or b"\xff[%d]" % number for number, piece in enumerate(vocabulary.pieces)]
        self.special_token_ids = [number for number, piece in enumerate(vocabulary.pieces) if not piece]
        self._vocabulary = vocabulary

    def __call__(self, text: str | bytes) -> list[int]:
        return self._vocabulary.tokens(text.encode() if isinstance(text, str) else text)


def lark_of(grammar: Grammar, *, leading_space: bool = False) -> str:
    """The grammar in llguidance's Lark notation, the frame around an answer included.

    Raises:
        DataError: The grammar is invalid, or has neither EBNF nor a JSON Schema.
    """
    return _lark(grammar, _parsed(grammar), leading_space=leading_space)


def longest(grammar: Grammar) -> int | None:
    """The bytes of the longest text that the grammar allows; None if it is unlimited or unknown."""
    return _longest(grammar, _parsed(grammar))


def _parsed(grammar: Grammar) -> Ebnf | None:
    return None if grammar.ebnf is None else parse(grammar.ebnf)


def _lark(grammar: Grammar, ebnf: Ebnf | None, *, leading_space: bool) -> str:
    if ebnf is not None:
        rules = ebnf.lark(start="the_answer")
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
    return f"{before}the_reasoning[lazy]: /(?s:.{{0,{_MAX_REASONING}}}){free}/\n{rules}"


def _longest(grammar: Grammar, ebnf: Ebnf | None) -> int | None:
    if ebnf is None:
        return None
    answer = ebnf.longest()
    if answer is None or grammar.frame is None:
        return answer
    return answer + sum(len(part.encode()) for part in grammar.frame) + _MAX_REASONING


def _import_llguidance() -> Any:
    try:
        import llguidance
    except ImportError:
        raise UsageError(
            "constrained decoding needs llguidance, which is not installed",
            where="evaluate.constrain = true",
            hint="pip install 'dstill[constrain]'",
        ) from None
    return llguidance


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200]
