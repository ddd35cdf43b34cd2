"""Golds that are no sentences of their task's grammar."""

from __future__ import annotations

import pytest
from support.offering import offering
from support.rows_pack import Rows, RowsOutput
from support.toy import Toy

from dstill.api import Example, Grammar, Severity
from dstill_constrain.golds import outside_of_grammar

NAMES = [
    Example(id="1", question="?", answer="ab"),
    Example(id="2", question="?", answer="a"),
    Example(id="3", question="?", answer="b\ud800"),
]


class Letters(RowsOutput):
    ebnf = 'root ::= "a" [a-c]{1,3}'

    def grammar(self, example: Example) -> Grammar | None:
        return None if example.id == "none" else Grammar(ebnf=self.ebnf)


class Wrong(Letters):
    ebnf = 'root ::= "a" nothing'


def test_golds_outside_of_the_grammar_are_named_with_the_place() -> None:
    second, third = outside_of_grammar(
        offering(Rows, Letters)(), [*NAMES, Example(id="none", question="?", answer="zzz")]
    )
    assert (second.code, third.code) == ("gold_not_in_grammar", "gold_not_in_grammar")
    assert second.what == "the reference answer of '2' is not a sentence of the grammar, which does not end there"
    assert third.what == "the reference answer of '3' is not a sentence of the grammar, which stops after ''"
    assert second.where.startswith(f"{__file__}:")


def test_invalid_grammar_is_one_finding() -> None:
    (found,) = outside_of_grammar(offering(Rows, Wrong)(), NAMES)
    assert found.code == "grammar_invalid"
    assert "the grammar has no rule 'nothing'" in found.what


def test_task_without_grammar_has_none() -> None:
    assert list(outside_of_grammar(Toy(), NAMES)) == []


def test_missing_library_is_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "llguidance", None)
    (found,) = outside_of_grammar(offering(Rows, Letters)(), NAMES)
    assert (found.code, found.severity) == ("grammar_not_checked", Severity.WARNING)
    assert found.hint == "pip install 'dstill[constrain]'"
