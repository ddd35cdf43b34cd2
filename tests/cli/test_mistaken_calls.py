"""Mistaken calls: `mistaken_calls.toml` has what each prints and its exit code, word for word.

A row says what to call (`args`, `stdin`), which of the runs at the top of the file is there (`start`), and which files
(`files`, where `false` deletes one, and those of `[shared]` that it names). A mistaken call changes no file and leaves
no folder, except what the row names (`changed`), and prints nothing on stdout unless the row has it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
SUPPORT = Path(__file__).parents[1] / "support"
TABLE: dict[str, Any] = tomllib.loads(Path(__file__).with_name("mistaken_calls.toml").read_text("utf-8"))


def words(args: str) -> list[str]:
    return shlex.split(args.replace("{support}", str(SUPPORT)))


def write(files: dict[str, str | bool], encoding: str) -> None:
    for name, text in files.items():
        path = Path(name)
        if isinstance(text, str):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode(encoding))
        else:
            path.unlink()


def state(project: Path) -> dict[str, str]:
    """What is in the folder: the entries, each with the digest of its content."""
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in project.rglob("*")
    }


@pytest.fixture
def begin(cli: Cli, once: Callable[..., None]) -> Callable[[str], None]:
    """``begin("generated")`` makes the runs of this name."""

    def build(name: str) -> None:
        for args in TABLE["start"][name]:
            ended = cli(*words(args))
            assert ended.code == 0, ended.err

    return lambda name: once(name, lambda: build(name))


@pytest.mark.parametrize("row", TABLE["call"], ids=[row["args"][:60] for row in TABLE["call"]])
def test_mistaken_call(
    row: dict[str, Any], cli: Cli, begin: Callable[[str], None], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "start" in row:
        begin(row["start"])
    encoding = row.get("encoding", "utf-8")
    write({name: TABLE["shared"][name] for name in row.get("shared", [])} | row.get("files", {}), encoding)
    enabled = row.get("plugins", [])
    disabled = [name for name in os.environ["DSTILL_DISABLE"].split(",") if name not in enabled]
    for name, value in {"DSTILL_DISABLE": ",".join(disabled), **row.get("env", {})}.items():
        monkeypatch.setenv(name, value)
    before = state(project)
    ended = cli(*words(row["args"]), stdin=row.get("stdin", "").encode(encoding))
    after = state(project)

    def printed(text: str) -> str:
        return text.replace(str(SUPPORT), "{support}").replace(str(project), "{project}")

    assert (ended.code, printed(ended.err)) == (row["code"], row["stderr"])
    assert printed(ended.out) == row.get("stdout", "")
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert sorted(changed) == row.get("changed", [])
