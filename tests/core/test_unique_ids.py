"""A question's id belongs to one question, whatever its split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dstill.api.records import Example
from dstill.errors import DataError
from dstill.inputs.question_validation import require_unique_ids

Cli = Callable[..., Any]


def test_ids_are_unique_across_splits() -> None:
    rows = [Example(id="a", question=f"of {split}", split=split) for split in ("train", "test")]
    require_unique_ids(rows[:1])
    with pytest.raises(DataError) as caught:
        require_unique_ids(rows)
    assert caught.value.what == "two questions have the id 'a': 'of train' of train, and 'of test' of test"
