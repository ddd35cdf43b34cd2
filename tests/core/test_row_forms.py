"""Rows of other tools are read as questions: what dstill exports comes back, and ambiguous rows are refused by line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.toy import Toy

from dstill.api.records import Example, Record
from dstill.errors import DataError
from dstill.inputs.question_files import read_questions
from dstill.inputs.row_forms import as_question, form_of
from dstill.io.jsonl import write_rows
from dstill.runs.dataset_export import FORMS

PARSE = Toy().parse
Read = Callable[..., list[Example]]

TAGS = ("<rationale>", "</rationale>", "<answer>", "</answer>")
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30).filter(
    lambda text: text.strip() and not any(tag in text for tag in TAGS)
)
stripped = texts.map(str.strip)
columns = st.dictionaries(st.sampled_from(["team", "source", "n"]), st.integers() | texts, max_size=2)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """``read({…}, {…})`` reads a file with these rows."""

    def call(*rows: Mapping[str, Any], name: str = "q.jsonl", **how: Any) -> list[Example]:
        write_rows(tmp_path / name, rows)
        return read_questions(tmp_path / name, parse=PARSE, **how)

    return call


def refused(read: Read, *rows: Mapping[str, Any]) -> DataError:
    with pytest.raises(DataError) as caught:
        read(*rows)
    return caught.value


# --- what dstill writes -----------------------------------------------------------------


@settings(max_examples=60)
@given(st.sampled_from(sorted(FORMS)), texts, texts, stripped, st.booleans())
def test_exported_rows_are_read_back(form: str, question: str, answer: str, rationale: str, reasons: bool) -> None:
    """`dstill data export` with and without rationales: question, answer and rationale are the record's."""
    reply = Toy().reply_text(rationale, answer) if reasons else answer
    row = FORMS[form]("q-1", question, reply).to_row()
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder, "train.jsonl"), [row])
        (example,) = read_questions(Path(folder, "train.jsonl"), parse=PARSE)
    assert (example.id, example.question, example.extra) == ("q-1", question, {})
    if reasons:
        assert (example.answer, example.rationale) == (answer.strip(), rationale)
    else:
        assert (example.answer, example.rationale) == (answer, None)


@settings(max_examples=60)
@given(texts, texts, stripped, columns)
def test_rows_of_a_dataset_are_read_back(question: str, answer: str, rationale: str, extra: dict[str, Any]) -> None:
    record = Record(id="1", question=question, answer=answer, rationale=rationale, context={"a": [1]}, extra=extra)
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder, "train.jsonl"), [{"schema_version": 1, **record.to_row()}])
        (example,) = read_questions(Path(folder, "train.jsonl"), parse=PARSE)
    assert example == Example(
        id="1",
        question=question,
        answer=answer,
        rationale=rationale,
        context={"a": [1]},
        split="train",
        extra={**extra, "teacher": ""},
    )


# --- what other tools write -------------------------------------------------------------


@given(texts, texts, columns)
def test_every_form_of_one_question_is_the_same_question(question: str, answer: str, more: dict[str, Any]) -> None:
    said = [("user", question), ("assistant", answer)]
    names = {"user": "human", "assistant": "gpt"}
    parts = [{"type": "text", "text": question}]
    forms = {
        "question and answer": {"question": question, "answer": answer},
        "prompt and completion": {"prompt": f"{question}\n", "completion": answer},
        "messages": {"messages": [{"role": role, "content": text} for role, text in said]},
        "messages ": {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": answer}]},
        "ShareGPT": {"conversations": [{"from": names[role], "value": text} for role, text in said]},
        "Alpaca": {"instruction": question, "input": "", "output": answer},
    }
    for form, row in forms.items():
        assert form_of(row) == form.strip()
        assert as_question({**row, **more}, PARSE) == {"question": question, "answer": answer, **more}


def test_a_json_array_is_read_as_alpaca_files_have_it(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Add the numbers.", "input": "3 and 4", "output": "3+4", "team": "ops"},
        {"instruction": "add 1 and 2", "input": "", "output": ""},
        {"instruction": "add 5 and 2"},
    ]
    (tmp_path / "alpaca.json").write_text(json.dumps(rows, indent=2))
    found = read_questions(tmp_path / "alpaca.json", parse=PARSE)
    assert [(one.id, one.question, one.answer, one.extra) for one in found] == [
        ("alpaca-1", "Add the numbers.\n3 and 4", "3+4", {"team": "ops"}),
        ("alpaca-2", "add 1 and 2", None, {}),
        ("alpaca-3", "add 5 and 2", None, {}),
    ]
    (tmp_path / "alpaca.json").write_text('[{"instruction": "a"}, 7]')
    with pytest.raises(DataError, match="row 2: expected an object, found a number"):
        read_questions(tmp_path / "alpaca.json")
    (tmp_path / "alpaca.csv").write_text("instruction,input,output\nadd 1 and 2,,1+2\n")
    assert [one.answer for one in read_questions(tmp_path / "alpaca.csv")] == ["1+2"]


def test_system_messages_are_kept_and_named(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    messages = [{"role": "system", "content": "You add."}, {"role": "user", "content": "add 1 and 2"}]
    (example,) = read({"messages": messages})
    assert (example.question, example.answer, example.extra) == ("add 1 and 2", None, {"system": "You add."})
    assert caplog.messages[-1].startswith("1 of 1 rows have a system message: neither teacher nor student reads it")


def test_parquet_rows_with_empty_fields_of_a_message(tmp_path: Path) -> None:
    """In a table every message has all fields, most of them null."""
    import pyarrow
    import pyarrow.parquet

    messages = [
        {"role": "user", "content": "add 1 and 2", "tool_calls": None},
        {"role": "assistant", "content": "1+2", "tool_calls": None},
    ]
    kind = pyarrow.list_(pyarrow.struct([(name, pyarrow.string()) for name in ("role", "content", "tool_calls")]))
    table = pyarrow.table({"messages": pyarrow.array([messages], kind)})
    pyarrow.parquet.write_table(table, tmp_path / "q.parquet")
    (example,) = read_questions(tmp_path / "q.parquet", parse=PARSE)
    assert (example.question, example.answer) == ("add 1 and 2", "1+2")


# --- what is refused --------------------------------------------------------------------

USER, REPLY = {"role": "user", "content": "add 1 and 2"}, {"role": "assistant", "content": "1+2"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": [USER, REPLY, USER, REPLY]}, "has more than one question and one reply in 'messages': user, ass"),
        ({"messages": [REPLY, USER]}, "has more than one question and one reply in 'messages': assistant, user"),
        ({"messages": [USER, {"role": "tool", "content": "3"}, REPLY]}, "has messages of a tool in 'messages'"),
        ({"messages": [USER, {**REPLY, "tool_calls": [{"id": "1"}]}]}, "has messages of a tool in 'messages'"),
        ({"messages": [{"role": "system", "content": "x"}]}, "has no message of a user in 'messages'"),
        ({"messages": []}, "has no message of a user"),
        ({"messages": ["add"]}, "has in message 1 of 'messages' text, expected an object"),
        ({"messages": [{"content": "x"}]}, "has in message 1 of 'messages' the role null"),
        ({"messages": [{"role": "critic", "content": "x"}]}, "has in message 1 of 'messages' the role 'critic'"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, "has in message 2 of 'messages' null"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
            "has in message 1 of 'messages' a part of type 'image_url': only text is read",
        ),
        ({"messages": [USER, REPLY], "answer": "9"}, "has two texts for 'answer': in column 'answer', and in 'messa"),
        ({"messages": [USER, REPLY], "dsl": "9"}, "has two texts for 'answer': in column 'dsl', and in 'messages'"),
        ({"messages": [USER, REPLY], "question": "add"}, "has two forms, question and answer and messages"),
        ({"messages": [USER], "conversations": [USER]}, "has two forms, messages and ShareGPT"),
        ({"instruction": "a", "output": "b", "prompt": "c"}, "has two forms, question and answer and Alpaca"),
        ({"instruction": 5}, "has in column 'instruction' a number, expected text"),
        ({"instruction": "a", "history": [["b", "c"]]}, "has earlier turns (column 'history')"),
        ({"question": "add 1 and 2"}, "has the form question and answer, and row 1 the form messages"),
    ],
)
def test_refused_rows_are_named_by_line(read: Read, row: Mapping[str, Any], message: str) -> None:
    first = {"instruction": "add"} if "instruction" in row else {"messages": [USER, REPLY]}
    error = refused(read, first, row)
    assert error.what.startswith(f"row 2 {message}")
    assert error.where.endswith("q.jsonl:2")
    assert error.hint


def test_own_columns_of_other_forms_stay_columns(read: Read) -> None:
    row = {"question": "add 1 and 2", "instruction": "as a sum", "messages": "none", "input": "x", "output": "y"}
    del row["output"]
    (example,) = read(row)
    assert example.extra == {"instruction": "as a sum", "messages": "none", "input": "x"}
