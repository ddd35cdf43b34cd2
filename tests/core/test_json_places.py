"""Where the parts of a JSON text are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dstill.io.json_places import find, removal

TEXT = '{"size": 5, "a/b": [1, {"x~y": 2}],\n "q": {} }'


@pytest.mark.parametrize(
    ("pointer", "first", "value"),
    [
        ("", TEXT, TEXT),
        ("/size", '"size"', "5"),
        ("/a~1b/1/x~0y", '"x~y"', "2"),
        ("/a~1b/0", "1", "1"),
        ("/q", '"q"', "{}"),
    ],
)
def test_finds_keys_and_values(pointer: str, first: str, value: str) -> None:
    place = find(TEXT, pointer)
    assert place is not None
    assert (TEXT[place.start : place.end], place.exact) == (value, True)
    assert TEXT[place.first :].startswith(first)


@pytest.mark.parametrize(("pointer", "nearest"), [("/none", ""), ("/size/x", "/size"), ("/a~1b/7", "/a~1b")])
def test_finds_the_nearest_value_that_exists(pointer: str, nearest: str) -> None:
    place, other = find(TEXT, pointer), find(TEXT, nearest)
    assert place is not None
    assert other is not None
    assert (place.start, place.end, place.exact) == (other.start, other.end, False)
    assert removal(TEXT, pointer) is None


def test_a_later_key_replaces_the_one_before() -> None:
    place = find('{"a": 1, "a": 2}', "/a")
    assert place is not None
    assert place.start == 14


def test_finds_what_comes_before_an_error() -> None:
    place = find('{"a": 1, "b": tru', "/a")
    assert place is not None
    assert (place.start, place.exact) == (6, True)
    assert find("tru", "") is None


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def pointers(value: Any, at: str = "") -> list[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(at, value)]
    for key, item in items:
        found += pointers(item, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")
    return found


@settings(max_examples=40)
@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_every_value_is_found_and_can_be_removed(value: Any, indent: int | None, escaped: bool) -> None:
    text = f" {json.dumps(value, indent=indent, ensure_ascii=escaped)} "
    for pointer, item in pointers(value):
        place = find(text, pointer)
        assert place is not None
        assert json.loads(text[place.start : place.end]) == item
        if span := removal(text, pointer):
            left = json.loads(text[: span[0]] + text[span[1] :])
            assert len(pointers(left)) == len(pointers(value)) - len(pointers(item))
        else:
            assert pointer == ""


@given(st.text(alphabet='{}[]",:/~1a \\\n', max_size=40), st.text(alphabet="/a1~", max_size=8))
def test_never_raises(text: str, pointer: str) -> None:
    place = find(text, pointer)
    assert place is None or 0 <= place.start <= place.end <= len(text)
    removal(text, pointer)
