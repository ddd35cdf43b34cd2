"""The questions that were written one by one for the bases: all of them are read, and packing loses nothing."""

from __future__ import annotations

import hashlib
import json
import lzma
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tools.base import written as packed
from tools.base.querydsl import written as of_indices
from tools.base.sql import written as of_databases


def digest(written: Any, names: Sequence[str]) -> str:
    """Of every row and its context, in the order in which a base is trained on them."""
    content = hashlib.sha256()
    for name in names:
        examples = written.questions(name)
        assert all(example.context == examples[0].context for example in examples)
        rows = [[example.id, example.question, example.answer, example.category] for example in examples]
        content.update(json.dumps([name, rows, examples[0].context]).encode())
    return content.hexdigest()


@pytest.mark.parametrize(
    ("written", "sets", "rows", "trained", "sha256"),
    [
        (of_indices, 231, 17_034, 17_034, "adca3da3a46946ab1c82e0e5e87cd2ec7e36ca9ec561cd5e7e4df07a69383d31"),
        (of_databases, 201, 14_634, 14_330, "3c3438dedda436cf29c416c60d72ea9dda6dfca76bcfbfc75b203c0695902c05"),
    ],
    ids=["querydsl", "sql"],
)
def test_every_row_is_read(written: Any, sets: int, rows: int, trained: int, sha256: str) -> None:
    assert len(written.NAMES) == sets
    assert sum(len(written.questions(name)) for name in written.NAMES) == rows
    assert trained == written.COUNT
    assert digest(written, written.NAMES) == sha256


@pytest.mark.parametrize("task", ["querydsl", "sql"])
def test_packing_what_was_unpacked_changes_nothing(task: str, root: Path, tmp_path: Path) -> None:
    published = root / "tools/base" / task / "written.jsonl.xz"
    copy = shutil.copy(published, tmp_path / "copy.jsonl.xz")
    folders = packed.unpack(task, tmp_path / "folders")
    assert packed.pack(tmp_path / "folders", copy) == folders == len(packed.sets(task))
    assert copy.read_bytes() == published.read_bytes()


def test_bytes_depend_on_the_content_alone(tmp_path: Path) -> None:
    texts = {
        "zoo": {"values.json": "{}", "questions.jsonl": '{"question": "größter Käfig?"}\r\n\u2028'},
        "bar": {"b": ""},
    }
    for place, names in (("one", ["zoo", "bar"]), ("other", ["bar", "zoo"])):
        for name in names:
            (tmp_path / place / name).mkdir(parents=True)
            for file, text in texts[name].items():
                (tmp_path / place / name / file).write_bytes(text.encode())
        assert packed.pack(tmp_path / place, tmp_path / f"{place}.xz") == 2
    assert (tmp_path / "one.xz").read_bytes() == (tmp_path / "other.xz").read_bytes()
    lines = lzma.decompress((tmp_path / "one.xz").read_bytes()).decode().split("\n")
    assert [json.loads(line) for line in lines if line] == [
        {"name": name, "files": dict(sorted(texts[name].items()))} for name in ("bar", "zoo")
    ]


def test_an_edited_question_is_packed(tmp_path: Path) -> None:
    (tmp_path / "sets/zoo").mkdir(parents=True)
    question = tmp_path / "sets/zoo/questions.jsonl"
    for text in ("before\n", "after\n"):
        question.write_text(text)
        packed.pack(tmp_path / "sets", tmp_path / "packed.xz")
        assert json.loads(lzma.decompress((tmp_path / "packed.xz").read_bytes()))["files"] == {question.name: text}
