"""The error tree: its docstring matches the classes, and each class has an exit code."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

from dstill import errors
from dstill.errors import DstillError, MissingExtra, UsageError, did_you_mean

CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 130}


def classes(root: type[DstillError] = DstillError, depth: int = 0) -> Iterator[tuple[int, str, int]]:
    yield depth, root.__name__, root.exit_code
    for cls in root.__subclasses__():
        if cls.__module__ == errors.__name__:
            yield from classes(cls, depth + 1)


def test_docstring_tree_matches_the_classes() -> None:
    assert errors.__doc__ is not None
    drawn = [
        (len(m[1]) // 4, m[2], int(m[3]))
        for m in re.finditer(r"^    ([│├└─ ]*)(\w+) +(?:exit )?(\d+)  ", errors.__doc__, re.MULTILINE)
    ]
    assert drawn == list(classes())


def test_every_class_is_public_with_its_own_exit_code() -> None:
    found = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, DstillError)]
    assert {cls.__name__ for cls in found} | {"did_you_mean", "first_line", "needs"} == set(errors.__all__)
    assert len({cls.code for cls in found}) == len(found)
    assert {cls.exit_code for cls in found} <= CODES


def test_error_has_what_where_and_hint() -> None:
    error = UsageError("no run 'x'", where="--run", hint="dstill runs list")
    assert str(error) == "no run 'x'\n--run\ndstill runs list"
    assert str(UsageError("no run 'x'")) == "no run 'x'"
    assert error.as_json() == {
        "code": "usage",
        "message": "no run 'x'",
        "hint": "dstill runs list",
        "where": "--run",
    }


def test_missing_extra_tells_how_to_install_it() -> None:
    error = MissingExtra("reading Parquet", "parquet", "pyarrow")
    assert error.what == "reading Parquet needs the extra 'parquet' (pyarrow is not installed)"
    assert error.hint == "pip install 'dstill[parquet]'"


@pytest.mark.parametrize(
    ("name", "said"),
    [("genrate", " Did you mean 'generate'?"), ("xyz", ""), ("", ""), ("trian", " Did you mean 'train'?")],
)
def test_did_you_mean(name: str, said: str) -> None:
    assert did_you_mean(name, ["generate", "train", "evaluate"]) == said
