import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill_querydsl.language import strict
from dstill_querydsl.language.strict import read


def _code(text: str) -> str:
    body = read(text)
    assert body.value is None
    assert all(problem.layer == "json" and problem.is_error for problem in body.problems)
    return body.problems[0].code


@pytest.mark.parametrize(
    ("text", "code", "pointer"),
    [
        ("", "empty", ""),
        ("[1]", "not_an_object", ""),
        ("null", "not_an_object", ""),
        ('{"a": 1, "a": 2}', "duplicate_key", "/a"),
        ('{"q": [{"a/b": {"x": 1, "x": 2}}]}', "duplicate_key", "/q/0/a~1b/x"),
        ('{"a": {"b": NaN}}', "not_finite", "/a/b"),
        ('{"a": [-Infinity]}', "not_finite", "/a/0"),
        ('{"a": 1e999}', "not_finite", "/a"),
        ('{"a": ' + "9" * 5_000 + "}", "long_number", "/a"),
        ('{"a": 0.' + "1" * 5_000 + "}", "long_number", "/a"),
        ('{"a": "\\ud800"}', "lone_surrogate", "/a"),
        ('{"\\udc00": 1}', "lone_surrogate", ""),
        ('{"a": "\ud800"}', "lone_surrogate", "1:8"),
        ('{"a": 1} and more', "trailing_text", "1:10"),
        ('{"a": 1}\n{"b": 2}', "trailing_text", "2:1"),
        ('{"a": [1,', "cut_short", "1:10"),
        ('{"a": "b', "cut_short", "1:7"),
        ("{'a': 1}", "not_json", "1:2"),
        # the comma since Python 3.13, what comes after it before
        ('{"a": 1,}', "not_json", "1:8" if sys.version_info >= (3, 13) else "1:9"),
        ('\ufeff{"a": 1}', "not_json", "1:1"),
        ("// x\n{}", "not_json", "1:1"),
        ('Here it is:\n```json\n{"a": 1}\n```', "not_json", "1:1"),
    ],
)
def test_refuses_invalid_text(text: str, code: str, pointer: str) -> None:
    assert _code(text) == code
    assert read(text).problems[0].pointer == pointer


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "```json\n" + " " * 32_000 + "x",
        " " * 10_000_000,
        '{"a":' + "[" * 30_000,
        '{"a":' * 5_000,
        '"' + '\\"' * 16_000,
        '{"a' + '"' * 30_000,
    ],
)
def test_refuses_hostile_text_quickly(text: str) -> None:
    start = time.process_time()
    assert read(text).value is None
    assert time.process_time() - start < 1  # quadratic work on such a text takes seconds


def test_limits_are_exact() -> None:
    deep = '{"a":' * (strict.MAX_DEPTH - 1) + "{}" + "}" * (strict.MAX_DEPTH - 1)
    assert read(deep).value is not None
    assert _code('{"a":' + deep + "}") == "too_deep"
    filler = "x" * (strict.MAX_BYTES - len('{"a":""}'))
    assert read(f'{{"a":"{filler}"}}').value is not None
    assert _code(f'{{"a":"{filler}x"}}') == "too_long"
    assert _code('{"a":"' + "é" * (strict.MAX_BYTES // 2) + '"}') == "too_long"  # bytes, not characters


def test_brackets_in_strings_do_not_count_as_depth() -> None:
    assert read(json.dumps({"a": "[" * 50 + '\\"{' * 50})).value is not None


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ('{"a": 1}', ()),
        (' {"a": 1}\n', ("took away white space around the text",)),
        ('```json\n{"a": 1}\n```', ("took away a markdown fence",)),
        ('```\n{"a": 1}```', ("took away a markdown fence",)),
        (
            '\n```JSON\r\n{"a": 1}\r\n```\n',
            ("took away white space around the text", "took away a markdown fence"),
        ),
    ],
)
def test_notes_repairs(text: str, notes: tuple[str, ...]) -> None:
    assert read(text).value == {"a": 1}
    assert read(text).notes == notes


_SCALARS = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(_SCALARS | _TEXT, lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner), max_leaves=20)


@given(st.dictionaries(_TEXT, _JSON, max_size=5), st.booleans())
def test_objects_survive_round_trip(value: dict[str, object], ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    body = read(text)
    if not body.problems:  # it may be too deep
        assert body.value == value
        assert body.notes == ()


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    body = read(text)
    assert (body.value is None) == bool(body.problems)


def test_reads_real_bodies(cases) -> None:
    for row in cases("dsl_valid.jsonl"):
        text = json.dumps(row["query"])
        if len(text.encode()) <= strict.MAX_BYTES:
            assert read(text).value == row["query"], row["id"]
