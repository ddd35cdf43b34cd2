"""Mistaken calls: `mistaken_calls.toml` has what each prints and its exit code, word for word.

A row says what to call (`args`, `stdin`), which of the runs at the top of the file is there (`start`), and which files
(`files`, where `false` deletes one, and those of `[shared]` that it names). A mistaken call changes no file and leaves
no folder, except what the row names (`changed`), and prints nothing on stdout unless the row has it. Lines of progress
do not count.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
TESTS = Path(__file__).parents[1]
PROGRESS = re.compile(r"^(?!error|where|hint|note).* \d+/\d+\n", re.MULTILINE)  # its lines depend on the clock
TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_name("mistaken_calls.toml").read_text("utf-8"))


def words(args: str) -> list[str]:
    return shlex.split(args.replace("{tests}", str(TESTS)))


def write(files: dict[str, str | bool], encoding: str) -> None:
    for name, text in files.items():
        path = Path(name)
        if isinstance(text, str):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode(encoding))
        else:
            path.unlink()


def state(project: Path) -> dict[str, str]:
    """What is in the folder: the entries, each with the digest of its content, but for compiled plugins."""
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in project.rglob("*")
        if "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("row", TABLE["call"], ids=[row["args"][:60] for row in TABLE["call"]])
def test_mistaken_call(
    row: dict[str, Any], cli: Cli, make: Callable[..., None], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoding = row.get("encoding", "utf-8")
    disabled = {*os.environ["DSTILL_DISABLE"].split(","), *row.get("without", [])} - {*row.get("plugins", [])}
    for name, value in {"DSTILL_DISABLE": ",".join(sorted(disabled)), **row.get("env", {})}.items():
        monkeypatch.setenv(name, value)
    if "start" in row:
        make(row["start"], *map(words, TABLE["start"][row["start"]]))
    write({name: TABLE["shared"][name] for name in row.get("shared", [])} | row.get("files", {}), encoding)
    before = state(project)
    ended = cli(*words(row["args"]), stdin=row.get("stdin", "").encode(encoding), toy=row.get("toy", True))
    after = state(project)

    def printed(text: str) -> str:
        return text.replace(str(TESTS), "{tests}").replace(str(project), "{project}")

    assert (ended.code, PROGRESS.sub("", printed(ended.err))) == (row["code"], row["stderr"])
    assert printed(ended.out) == row.get("stdout", "")
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert sorted(changed) == row.get("changed", [])
