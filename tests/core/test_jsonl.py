"""Rows on disk round-trip, and files of other formats are refused by name."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.errors import DataError, DiskError, DstillError, UsageError
from dstill.inputs.question_files import read_questions
from dstill.io.files import atomic, disk_error, writing
from dstill.io.jsonl import read_rows, rows_from, write_rows
from dstill.io.strict_json import MAX_DEPTH, NotStrict, dumps, loads

texts = st.text(st.characters(exclude_categories=()))  # half surrogates, U+2028 and NUL too
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def refused(content: bytes, **how: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        list(rows_from(io.BytesIO(content), "rows.jsonl", **how))
    return caught.value


@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=5))
def test_rows_round_trip(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        written = write_rows(path, rows)
        assert [row for _, row in read_rows(path)] == rows
        assert written.rows == len(rows)
        assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.read_bytes().count(b"\n") == len(rows)


def test_rows_are_compact_unescaped_and_ordered(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [{"z": "Größe", "a": [1, 2.5, None]}])
    assert (tmp_path / "a.jsonl").read_text() == '{"z":"Größe","a":[1,2.5,null]}\n'


def test_written_file_has_default_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with atomic(tmp_path / "ours") as file:
        file.write(b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_full_disk_is_an_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    said = pytest.raises(DiskError, match="disk full writing /dev/full")
    with full.open("wb", buffering=0) as file, said, writing(full):
        file.write(b"x")


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (errno.ENOSPC, DiskError, "disk full writing"),
        (errno.EDQUOT, DiskError, "disk full writing"),
        (errno.EROFS, DiskError, "the file system is read-only"),
        (errno.EIO, DiskError, "input/output error"),
        (errno.EACCES, UsageError, "permission denied"),
        (errno.EISDIR, UsageError, "it is a folder"),
    ],
)
def test_system_errors_are_reported(code: int, kind: type[DstillError], message: str) -> None:
    error = disk_error(OSError(code, os.strerror(code)), Path("runs/a/run.json"))
    assert type(error) is kind
    assert message in error.what
    assert "runs/a/run.json" in error.what


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the folder .* does not exist"):
        write_rows(tmp_path / "no" / "rows.jsonl", [])
    with pytest.raises(UsageError, match="no file"):
        list(read_rows(tmp_path / "none.jsonl"))
    with pytest.raises(UsageError, match="is a folder"):
        list(read_rows(tmp_path))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=r"cannot read .*symbolic links"):
        list(read_rows(tmp_path / "loop"))


# --- strict JSON ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a":1,"b":{"c":1,"c":2}}', "duplicate key 'c'"),
        ('{"a":NaN}', "NaN is not a JSON number"),
        ('{"a":-Infinity}', "-Infinity is not a JSON number"),
        ('{"a":1e999}', "number 1e999 is too large"),
        ('{"a":-1e999}', "number -1e999 is too large"),
        ('{"a":' + "9" * 5000 + "}", "number of 5,000 digits"),
        ('{"a":' + "[" * 100_000, "nested deeper than"),
        ('{"a":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "nested deeper than"),
        ("{'a':1}", "expecting property name"),
        ('{"a":1} {"b":2}', "extra data at column 9"),
    ],
)
def test_non_strict_json_is_refused(text: str, why: str) -> None:
    with pytest.raises(NotStrict, match=why):
        loads(text)
    error = refused(b'{"id":"1"}\n' + text.encode() + b"\n")
    assert error.what.startswith("line 2: not strict JSON: ")
    assert why in error.what
    assert error.where == "rows.jsonl:2"


def test_nesting_up_to_the_limit_is_read() -> None:
    inner = MAX_DEPTH - 1
    assert loads('{"a":' + "[" * inner + "]" * inner + "}")
    assert loads('{"a":"' + "[" * 10_000 + '"}') == {"a": "[" * 10_000}


@given(values)
def test_strict_json_round_trips(value: Any) -> None:
    assert loads(dumps(value)) == value
    dumps(value).encode()


# --- other formats ----------------------------------------------------------------------


def test_input_that_is_not_utf_8_is_refused() -> None:
    """Standard input that is binary, or in another encoding."""
    assert refused(b'{"a":1}\n{"a":2}\n\xff\xfe\n').what == "line 3: not UTF-8 (byte 0xff)"
    assert refused('{"a":"é"}\n'.encode("latin-1")).what == "line 1: not UTF-8 (byte 0xe9)"
    assert "detected UTF-16 text" in refused('{"a":1}\n'.encode("utf-16")).what
    assert "detected a gzip archive" in refused(b"\x1f\x8b\x08\x00\xff\n").what


def test_truncated_last_line_is_skipped_only_in_own_files(caplog: pytest.LogCaptureFixture) -> None:
    """A truncated last line is ignored with a note in files of dstill, and an error with its offset in input files."""
    rows = b'{"id":"1"}\n{"id":"2"}\n'
    halves = [b'{"id":"3', b"{", b'{"id":"\xc3', b'{"id":"3","a":{}', b"\0" * 40]
    for half in halves:
        error = refused(rows + half)
        assert error.what == f"line 3 is truncated: the file ends inside it, at byte {len(rows + half)}"
        assert str(len(rows)) in error.hint
        with caplog.at_level(logging.WARNING, "dstill"):
            own = list(rows_from(io.BytesIO(rows + half), "rows.jsonl", own=True))
        assert own == [(1, {"id": "1"}), (2, {"id": "2"})]
        assert caplog.messages[-1] == "line 3 truncated; ignored (rows.jsonl)"
    assert len(list(rows_from(io.BytesIO(rows + b'{"id":"3"}'), ""))) == 3  # only the line end is missing
    for spoilt in (b'{"id":"3\n{"id":"4"}\n', b"hello"):  # not the result of a kill: an error in both
        assert "line 3: not strict JSON" in refused(rows + spoilt, own=True).what


def test_blank_lines_bom_crlf_and_line_separators_are_accepted() -> None:
    """Blank lines, BOM, CRLF, and Unicode line separators inside values."""
    content = '\ufeff{"a":"x\u2028y\u2029z\x85\u000b"}\r\n\r\n  \n{"a":"\\u2028"}\n'.replace("\u000b", "")
    assert list(rows_from(io.BytesIO(content.encode()), "")) == [
        (1, {"a": "x\u2028y\u2029z\x85"}),
        (4, {"a": "\u2028"}),
    ]


def test_other_format_is_named(tmp_path: Path) -> None:
    """An array instead of JSONL, CSV without a header, Parquet by another name."""
    pyarrow.parquet.write_table(pyarrow.table({"question": ["q"]}), tmp_path / "real.parquet")
    parquet = (tmp_path / "real.parquet").read_bytes()
    wrong = {
        "array.jsonl": (b'[{"question":"q"}]', "detected a JSON array, expected JSONL"),
        "lines.jsonl": (b'{\n "question": "q"\n}', "detected JSON over several lines, expected JSONL"),
        "table.jsonl": (b"question,answer\nq,a\n", "detected CSV, expected JSONL"),
        "parquet.jsonl": (parquet, "detected Parquet, expected JSONL"),
        "parquet.csv": (parquet, "detected Parquet, expected CSV"),
        "page.jsonl": (b"<!DOCTYPE html>\n", "detected a web page, expected JSONL"),
        "bare.csv": (
            b'show errors,because,"{""query"":{}}"\n',
            "no column 'question' in the first line, which has: show",
        ),
        "rows.csv": (b'{"question":"q"}\n', "detected JSONL, expected CSV"),
        "rows.parquet": (b'{"question":"q"}\n', "detected JSONL, expected Parquet"),
        "cut.parquet": (parquet[: len(parquet) // 2], "damaged Parquet file"),
        "list.jsonl": (b'{"question":"q"}\n[1]\n', "line 2: expected an object, found a list"),
    }
    for name, (content, message) in wrong.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message) as caught:
            read_questions(tmp_path / name)
        assert str(tmp_path / name) in caught.value.where


def test_missing_column_or_null_names_its_row(tmp_path: Path) -> None:
    """A missing column, a null question, an answer of another kind; further columns are kept."""
    path = tmp_path / "q.jsonl"
    wrong = {
        '{"id":"2","answer":"a"}': "row 2, column 'question' is missing; the row has id, answer",
        '{"question":null}': "row 2, column 'question' is null, expected text",
        '{"prompt":5}': "row 2, column 'prompt' is a number, expected text",
        '{"question":"  "}': "row 2, column 'question' is empty",
        '{"question":"q","answer":[1]}': "row 2, column 'answer' is a list, expected an object or text",
        '{"question":"q","dsl":7}': "row 2, column 'dsl' is a number, expected an object or text",
        '{"question":"q","answer":"{no"}': "row 2, column 'answer' is neither an object nor JSON text",
        '{"question":"q","context":"[1]"}': "row 2, column 'context' is a list, expected an object",
        '{"question":"q","split":"exam"}': "row 2, column 'split' is 'exam', expected one of train",
        '{"question":"\\ud800"}': "row 2, column 'question' has half a surrogate pair",
        '{"question":"q","id":true}': "row 2, column 'id' is true or false, expected text",
    }
    for row, message in wrong.items():
        path.write_text('{"question":"fine"}\n' + row + "\n")
        with pytest.raises(DataError) as caught:
            read_questions(path, json_answers=True)
        assert caught.value.what.startswith(message)
        assert caught.value.where == f"{path}:2"
    path.write_text('{"question":"q","team":"ops","n":[1]}\n')
    assert read_questions(path)[0].extra == {"team": "ops", "n": [1]}


# --- a user's questions -----------------------------------------------------------------


def test_jsonl_csv_and_parquet_give_the_same_questions(tmp_path: Path) -> None:
    rows = [
        {"prompt": "errors, today", "rationale": "because\nof this", "dsl": '{"query":{}}', "team": "a"},
        {"prompt": "Größe?", "rationale": None, "dsl": None, "team": "b"},
    ]
    write_rows(tmp_path / "q.jsonl", rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "q.parquet")
    csv = '\ufeffprompt,rationale,dsl,team\r\n"errors, today","because\nof this","{""query"":{}}",a\r\nGröße?,,,b\r\n'
    (tmp_path / "q.csv").write_bytes(csv.encode())
    found = {suffix: read_questions(tmp_path / f"q.{suffix}") for suffix in ("jsonl", "csv", "parquet")}
    assert [e.id for e in found["jsonl"]] == ["q-1", "q-2"]
    assert [e.id for e in found["csv"]] == ["q-2", "q-4"]  # the lines on which the rows begin
    for examples in found.values():
        assert [(e.question, e.rationale, e.answer, e.extra) for e in examples] == [
            ("errors, today", "because\nof this", '{"query":{}}', {"team": "a"}),
            ("Größe?", None, None, {"team": "b"}),
        ]


def test_answers_and_context_may_be_objects(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id":7,"question":"q","answer":{"query":{}},"context":"{\\"index\\":\\"logs\\"}"}\n')
    (example,) = read_questions(path)
    assert (example.id, example.answer, example.context) == ("7", '{"query":{}}', {"index": "logs"})


def test_parquet_types_without_json_equivalent_become_text(tmp_path: Path) -> None:
    table = pyarrow.table({"question": ["q"], "raw": [b"\x00"], "nan": [float("nan")]})
    pyarrow.parquet.write_table(table, tmp_path / "q.parquet")
    (example,) = read_questions(tmp_path / "q.parquet")
    assert example.extra == {"raw": "b'\\x00'", "nan": "nan"}


@pytest.mark.parametrize("name", ["q.pkl", "q.pt", "q.py", "q.feather", "q.tar", "q"])
def test_other_formats_are_refused_without_reading(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="format not accepted"):
        read_questions(tmp_path / name)  # it is not even there


def test_duplicate_ids_and_questions_are_counted(tmp_path: Path) -> None:
    """Duplicate ids; one question with several answers: counts, and the first pair."""
    path = tmp_path / "q.jsonl"
    path.write_text("".join(f'{{"id":"{id}","question":"q"}}\n' for id in "abcacca"))
    with pytest.raises(DataError) as caught:
        read_questions(path)
    assert caught.value.what == "duplicate ids: 2 ids in 6 rows; first 'a' in rows 1 and 4"
    rows = [("q", '{"a":1,"b":2}'), ("r", "{}"), ("q", '{"b": 2, "a": 1}'), ("q", '{"a":2}'), ("r", "[]"), ("s", "{}")]
    path.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows))
    assert len(read_questions(path)) == len(rows)
    with pytest.raises(DataError) as caught:
        read_questions(path, one_answer=True)
    assert caught.value.what == "different answers to one question: 2 questions; first 'q' in rows 1 and 4"
    assert caught.value.where == f"{path}:4"
    path.write_text("".join(json.dumps({"question": "q", "answer": a, "context": {"n": a}}) + "\n" for a in "xyz"))
    assert len(read_questions(path, one_answer=True)) == 3  # about other data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no rows in"),
        ("prompt,dsl\n", "no rows in"),
        ("prompt,dsl,prompt\n", "column 'prompt' is twice in the header"),
        ("rationale,dsl\nr,a\n", "row 2, column 'question' is missing"),
        ("prompt,dsl\nq\n", "row 2: 1 cells, the header has 2"),
        ('prompt,dsl\n"q,a\n', "not CSV: unexpected end of data"),
        ("prompt,dsl\nq,\udcff\n", "line 2: not UTF-8 \\(byte 0xff\\)"),
    ],
)
def test_malformed_csv_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=message):
        read_questions(path)
