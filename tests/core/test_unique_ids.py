"""A question's id belongs to one question, whatever its split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.api.records import Example
from dstill.errors import DataError
from dstill.pipeline.question_validation import require_unique_ids

Cli = Callable[..., Any]


def test_ids_are_unique_across_splits() -> None:
    rows = [Example(id="a", question=f"of {split}", split=split) for split in ("train", "test")]
    require_unique_ids(rows[:1])
    with pytest.raises(DataError) as caught:
        require_unique_ids(rows)
    assert caught.value.what == "two questions have the id 'a': 'of train' of train, and 'of test' of test"


def test_pack_with_an_id_in_two_splits_is_refused(cli: Cli, project: Path) -> None:
    """Before a teacher is asked; the audit refuses it, too."""
    pack = """
from dstill import Check, Task, hookimpl
from dstill.api import Example

class Twice(Task):
    name = "twice"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split):
        if split in ("train", "test"):
            yield Example(id="q-1", question=f"of {split}", answer=split, rationale="so", split=split)

@hookimpl
def register_tasks():
    return [Twice]
"""
    (project / "twice.py").write_text(pack)
    for words in (("generate", "--task", "twice", "--out", "mine"), ("data", "audit", "--task", "twice")):
        ended = cli("--plugin", "twice.py", *words)
        assert ended.code == 4, ended.err
        assert "two questions have the id 'q-1': 'of train' of train, and 'of test' of test" in ended.err
