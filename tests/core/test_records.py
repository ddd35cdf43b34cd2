"""Rows round-trip through `to_row`, JSON and `from_row`."""

from __future__ import annotations

import dataclasses
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api import records
from dstill.api.records import (
    Draft,
    Example,
    Level,
    Prediction,
    Problem,
    Record,
    Rejection,
    Reply,
    Severity,
    Usage,
    Verdict,
)
from dstill.io.strict_json import dumps, loads

TEXT = st.text(max_size=20)
OBJECT = st.dictionaries(
    TEXT, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT | st.lists(TEXT), max_size=3
)
PROBLEM = st.builds(
    Problem,
    layer=TEXT,
    code=TEXT,
    message=TEXT,
    pointer=TEXT,
    hint=TEXT,
    suggestion=st.none() | TEXT,
    severity=st.sampled_from(Severity),
)
PROBLEMS = st.lists(PROBLEM, max_size=2).map(tuple)
LEVEL = st.sampled_from(Level)
EXAMPLE = st.builds(
    Example,
    id=TEXT,
    question=TEXT,
    context=OBJECT,
    answer=st.none() | TEXT,
    rationale=st.none() | TEXT,
    extra=OBJECT,
)
RECORD = st.builds(Record, id=TEXT, question=TEXT, rationale=TEXT, answer=TEXT, context=OBJECT, extra=OBJECT)
USAGE = st.builds(Usage, prompt_tokens=st.integers(0, 10**6), completion_tokens=st.integers(0, 10**6))
ROWS = st.one_of(
    EXAMPLE,
    RECORD,
    PROBLEM,
    st.builds(Reply, id=TEXT, text=TEXT, usage=st.none() | USAGE, seconds=st.none() | st.floats(0, 100)),
    st.builds(Rejection, id=TEXT, question=TEXT, problems=PROBLEMS, text=TEXT),
    st.builds(Prediction, id=TEXT, text=TEXT, tokens=st.none() | st.integers(0, 9), truncated=st.booleans()),
    st.builds(
        Verdict,
        id=TEXT,
        reached=LEVEL,
        checked=LEVEL,
        exact=st.none() | st.booleans(),
        problems=PROBLEMS,
        gold_error=TEXT,
        trivial=st.booleans(),
    ),
)


@given(ROWS)
def test_rows_round_trip(row: records.Row) -> None:
    read = type(row).from_row(loads(dumps(row.to_row())))
    assert read == row
    assert type(read) is type(row)


def test_unknown_keys_are_ignored() -> None:
    row = {"id": "1", "question": "q", "schema_version": 1, "of a later version": True}
    assert Example.from_row(row) == Example(id="1", question="q")


def test_verdict_round_trips_with_levels_and_problems() -> None:
    problem = Problem(layer="json", code="syntax", message="no")
    verdict = Verdict(id="1", reached=Level.PARSED, checked=Level.CORRECT, problems=(problem,))
    read = Verdict.from_row(loads(dumps(verdict.to_row())))
    assert read.reached is Level.PARSED
    assert not read.correct
    assert read.problems[0].is_error


def test_draft_keeps_its_notes() -> None:
    draft = Draft(answer="a", notes=("took away a fence",))
    assert draft.to_row()["notes"] == ["took away a fence"]


def test_example_of_a_record_has_its_answer_as_gold() -> None:
    record = Record(id="1", question="q", rationale="r", answer="a", context={"index": "i"}, template="t", split="test")
    example = record.example
    assert (example.answer, example.rationale, example.context, example.split) == ("a", "r", {"index": "i"}, "test")


def test_columns_do_not_depend_on_the_context() -> None:
    """Every split of a dataset has the same features; the earlier nested form is still read."""
    row = Record(id="1", question="q", rationale="r", answer="a", context={"mapping": {"x": [1]}}, extra={"who": "é"})
    written = row.to_row()
    assert (written["context"], written["extra"]) == ('{"mapping":{"x":[1]}}', '{"who":"é"}')
    assert {type(value) for value in written.values()} == {str}
    nested = {**written, "context": {"mapping": {"x": [1]}}, "extra": {"who": "é"}}
    assert Record.from_row(written) == Record.from_row(nested) == row


@pytest.mark.parametrize("name", [n for n in records.__all__ if dataclasses.is_dataclass(getattr(records, n))])
def test_records_are_frozen_and_keyword_only(name: str) -> None:
    cls = getattr(records, name)
    parameters = typing.cast(typing.Any, cls).__dataclass_params__
    assert parameters.frozen
    assert all(f.kw_only for f in dataclasses.fields(cls))
