"""`dstill pack new NAME` writes a package that works as written: its own test, and its README's commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.third_party.conftest import Venv

NewPack = tuple[Venv, Path]


@pytest.fixture(scope="module")
def new_pack(new_venv: Callable[..., Venv], tmp_path_factory: pytest.TempPathFactory) -> NewPack:
    """A pack written by the installed dstill, and installed as its README says (but from no index)."""
    venv, place = new_venv("new-pack"), tmp_path_factory.mktemp("packs")
    out = venv.run("dstill", "pack", "new", "tool_shed", cwd=place)
    assert "wrote dstill-tool-shed" in out
    venv.install(place / "dstill-tool-shed")
    return venv, place / "dstill-tool-shed"


@pytest.mark.slow
def test_own_test_passes(new_pack: NewPack) -> None:
    venv, package = new_pack
    out = venv.run("python", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=package)
    assert re.search(r"\d+ passed in", out.splitlines()[-1]), out


def test_has_no_template_placeholders(new_pack: NewPack) -> None:
    _, package = new_pack
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix in (".py", ".toml", ".md")]
    assert {str(path.relative_to(package)) for path in files} == {
        "pyproject.toml",
        "README.md",
        "dstill.toml",
        "src/dstill_tool_shed/__init__.py",
        "tests/test_tool_shed.py",
    }
    assert not [path for path in files if "NAME" in path.read_text()]


@pytest.mark.slow
def test_readme_commands_give_scored_student(new_pack: NewPack) -> None:
    venv, package = new_pack
    commands = re.findall(r"^    (dstill .*)$", (package / "README.md").read_text(), re.MULTILINE)
    names = [shlex.split(command)[1] for command in commands]
    assert names == ["generate", "train", "evaluate", "predict", "report"]
    for command in commands:
        venv.run(*shlex.split(command), cwd=package)
    evaluation: dict[str, Any] = json.loads((package / "runs/first/run.json").read_text())["stages"]["evaluate"]
    student, untrained = (
        evaluation["scores"][system]["test"]["executable_accuracy"] for system in ("student", "untrained")
    )
    assert student["n"] >= 50
    assert student["low"] > 0.5
    assert untrained["value"] < 0.05


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("querydsl", "the package dstill_querydsl is already installed"),
        ("My-Pack", "'My-Pack' cannot be the name of a pack"),
        ("there", "dstill-there already exists"),
    ],
)
def test_refuses_invalid_name(cli: Callable[..., Any], project: Path, name: str, message: str) -> None:
    (project / "dstill-there").mkdir()
    ended = cli("pack", "new", name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {message}\n")
