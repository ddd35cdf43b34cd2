"""One change at a path, and the value before it untouched."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from dstill_querydsl.testdata.mutations import at, drop, pointer, put, read_pointer, rename, walk

VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, st.integers())
def test_replaces_and_drops_every_node(value: object, new: int) -> None:
    before = copy.deepcopy(value)
    for path, node in walk(value):
        assert at(value, path) is node
        assert at(put(value, path, new), path) == new
        assert read_pointer(value, pointer(path)) == path
        if path:
            parent = at(value, path[:-1])
            assert len(at(drop(value, path), path[:-1])) == len(parent) - 1
    assert value == before


def test_renamed_key_keeps_position() -> None:
    assert list(rename({"a": {"x": 1, "y": 2}}, ("a", "x"), "z")["a"].items()) == [("z", 1), ("y", 2)]
