"""EBNF grammars of packs: parsing, longest sentence and decoding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import Grammar
from dstill.errors import DataError
from dstill_constrain.compiler import Compiler, lark_of, longest
from dstill_constrain.ebnf import parse
from dstill_constrain.vocabulary import Vocabulary

BYTES = Vocabulary((*(bytes([byte]) for byte in range(256)), b""), 256, leading_space=False)
# A small SQL: not JSON, so EBNF is the only way.
SQL = r"""
# one table, a few columns
root ::= "SELECT " columns " FROM " TABLE where?
columns ::= "*" | COLUMN (", " COLUMN){0,2}
where ::= " WHERE " COLUMN " " OPERATOR " " value
value ::= NUMBER | TEXT
TABLE ::= "films" | "people"
COLUMN ::= "title" | "year" | "name"
OPERATOR ::= "=" | "<" | ">="
NUMBER ::= "-"? ("0" | [1-9] [0-9]{0,5})
TEXT ::= "'" [^'\\\x00-\x1f]{1,8} "'"
"""


def accepts(grammar: Grammar, text: str) -> bool:
    state = Compiler(BYTES).start(grammar)
    return state.try_consume(list(text.encode())) and state.complete


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("SELECT * FROM films", True),
        ("SELECT title, year FROM films WHERE year >= 1999", True),
        ("SELECT name FROM people WHERE name = 'Größe'", True),
        ("SELECT name FROM people WHERE name = 'much too long'", False),
        ("SELECT name FROM people WHERE year < 007", False),
        ("SELECT budget FROM films", False),
        ("SELECT title FROM films WHERE", False),
        ("DROP TABLE films", False),
    ],
)
def test_constrains_a_language_other_than_json(text: str, right: bool) -> None:
    assert accepts(Grammar(ebnf=SQL), text) is right


def test_json_schema_is_compiled_without_white_space() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    assert accepts(Grammar(json_schema=schema), '{"a":12}')
    assert not accepts(Grammar(json_schema=schema), '{"a": 12}')
    assert not accepts(Grammar(json_schema=schema), '{"b":12}')
    assert longest(Grammar(json_schema=schema)) is None


def test_reasoning_is_free_and_the_answer_constrained() -> None:
    grammar = Grammar(ebnf='root ::= "yes" | "no"', frame=("<why>", "</why><answer>", "</answer>"))
    assert accepts(grammar, "<why>any words, <b>tags</b> and\nlines</why><answer>no</answer>")
    assert not accepts(grammar, "<why>any words</why><answer>perhaps</answer>")
    assert not accepts(grammar, "yes")


def test_longest_sentence_is_counted_in_bytes() -> None:
    assert parse('root ::= "ab" [a-z]{1,3} ("x" | "yyy")?').longest() == 2 + 3 + 3
    assert parse("root ::= [^a]{2}").longest() == 8  # four bytes each
    assert parse(r"root ::= [^\x80-\U0010ffff]{2}").longest() == 2
    assert parse('root ::= "a"*').longest() is None
    assert parse('root ::= "(" root ")" | "a"').longest() is None


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=12))
def test_literals_round_trip(text: str) -> None:
    import json

    grammar = Grammar(ebnf=f'root ::= "<" A\nA ::= {json.dumps(text)} ">"')
    assert accepts(grammar, f"<{text}>")
    assert longest(grammar) == len(text.encode()) + 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('start ::= "a"', "no rule 'root'"),
        ("root ::= other", "no rule 'other'"),
        ('root ::= A\nA ::= b\nb ::= "x"', "the token 'A' refers to the rule 'b'"),
        ('root ::= "a"\nroot ::= "b"', "'root' is defined twice"),
        ('root ::= ("a"', "ends too soon"),
        ('root ::= "a" )', r"cannot be read at '\)'"),
        ("root = x", "not a grammar rule"),
    ],
)
def test_syntax_error_names_its_place(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lark_of(Grammar(ebnf=text))


def test_empty_grammar_is_refused() -> None:
    with pytest.raises(DataError, match="neither a JSON Schema nor EBNF"):
        lark_of(Grammar())
