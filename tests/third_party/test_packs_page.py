"""docs/packs.md shows the third-party package's own text, all of its pack, and commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.third_party.conftest import RPN

from dstill.api.protocols import PROTOCOLS
from dstill.api.task import Task

SOURCE = RPN / "src" / "dstill_rpn"


@pytest.fixture(scope="module")
def blocks(root: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block of the page."""
    page = (root / "docs" / "packs.md").read_text()
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert {language for language, _ in found} == {"sh", "toml", "python"}
    return found


def test_every_code_block_is_in_package(blocks: list[tuple[str, str]]) -> None:
    files = [file.read_text() for file in (*SOURCE.glob("*.py"), RPN / "pyproject.toml")]
    shown = [text for language, text in blocks if language != "sh"]
    assert [text for text in shown if not any(text in file for file in files)] == []


def test_page_shows_whole_pack(blocks: list[tuple[str, str]]) -> None:
    pack = (SOURCE / "pack.py").read_text()
    shown = [text for language, text in blocks if language == "python" and text in pack]
    assert re.sub(r"\n+", "\n", "".join(shown)) == re.sub(r"\n+", "\n", pack)


def test_commands_equal_those_of_new_pack_readme(blocks: list[tuple[str, str]], root: Path) -> None:
    """Which a test runs as written."""
    readme = (root / "core/dstill/cli/template/README.md.txt").read_text()
    lines = [line for language, text in blocks if language == "sh" for line in text.splitlines()]
    assert lines[:2] == ["dstill pack new tool_shed", "cd dstill-tool-shed"]
    assert [line for line in lines[2:] if f"    {line}\n" not in readme] == []


def test_commands_in_text_exist(root: Path) -> None:
    from dstill.cli import build

    group, _ = build([])
    group.load()
    page = (root / "docs" / "packs.md").read_text()
    for text in re.findall(r"`dstill ([^`]*)`", page):
        words = shlex.split(text)
        name = next(word for word in words if word in group.commands)
        known = {option for of in (group, group.commands[name]) for p in of.params for option in p.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_every_named_method_exists(root: Path) -> None:
    page = (root / "docs" / "packs.md").read_text().partition("## What a task can add")[0]
    table = re.findall(r"^\| ((?:`\w+.*?`(?:, )?)+) \|", page, re.MULTILINE)
    names = {name for cell in table for name in re.findall(r"`(\w+)", cell)}
    assert len(names) > 8
    assert {name for name in names if not hasattr(Task, name)} == set()


def test_page_names_every_protocol_method(root: Path) -> None:
    page = (root / "docs" / "packs.md").read_text().partition("## What a task can add")[2]
    named: dict[str, set[str]] = {}
    protocol = ""
    for first, second in re.findall(r"^\| (?:`(\w+)`)? ?\| `(\w+)", page, re.MULTILINE):
        protocol = first or protocol
        named.setdefault(protocol, set()).add(second)
    assert named == {one.__name__: {name for name in vars(one) if not name.startswith("_")} for one in PROTOCOLS}
