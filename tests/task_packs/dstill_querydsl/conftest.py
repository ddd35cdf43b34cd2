"""Third-party cases, read where they lie: nothing of them is part of this project."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_CASES = Path(__file__).parents[4] / "shared" / "cases"


@cache
def _read(name: str) -> Any:
    text = (_CASES / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.split("\n") if line]


@pytest.fixture(scope="session")
def cases() -> Callable[[str], Any]:
    """`cases("dsl_valid.jsonl")` is the rows of that file; without the files the test is skipped."""
    if not _CASES.is_dir():
        pytest.skip(f"the third-party cases are not next to the repository ({_CASES})")
    return _read
