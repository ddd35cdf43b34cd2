"""Every hook is documented with its arguments and used outside the core."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from dstill import defaults, hookspecs

# Every plugin with parts implements one of these.
REGISTRATION = re.compile(r"register_\w+")
WITHOUT_CORE = ("check_pack", "report_sections", "write_report", "track_run")


def hooks() -> dict[str, Callable[..., Any]]:
    return {name: f for name, f in vars(hookspecs).items() if hasattr(f, "dstill_spec")}


def arguments(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_hooks_are_documented_with_their_arguments(root: Path) -> None:
    documented = re.findall(r"^### `(\w+)\((.*?)\)`$", (root / "docs" / "hooks.md").read_text(), re.MULTILINE)
    assert documented == [(name, ", ".join(arguments(function))) for name, function in hooks().items()]


def test_modules_for_plugins_are_those_of_the_import_contract(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (public,) = (c["ignore_imports"] for c in contracts if c["name"] == "Plugins import what is public")
    allowed = {line.removeprefix("** -> ").replace(".**", ".*") for line in public if line.startswith("** -> ")}
    section = (root / "docs" / "hooks.md").read_text().partition("## Modules for plugins\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`([\w.*]+)`", section.partition("\n- ")[2]))
    packages = {name.removesuffix(".*") for name in allowed if name.endswith(".*")}
    assert documented == allowed - packages  # `dstill.api.*` stands for `dstill.api`, too
    assert not [line for line in public if "*" in line.partition(" -> ")[2] and not line.startswith("** -> ")]


def test_shipped_plugins_use_every_hook() -> None:
    used = set[str]()
    for point in distribution("dstill").entry_points.select(group="dstill"):
        used |= {name for name, function in vars(point.load()).items() if hasattr(function, "dstill_impl")}
    assert used >= hooks().keys()


@pytest.mark.parametrize("name", hooks())
def test_docstring_and_docs_explain_every_argument(name: str, root: Path) -> None:
    text = (root / "docs" / "hooks.md").read_text()
    _, _, entry = text.partition(f"\n### `{name}(")
    explained, _, _ = entry.partition("\n## ")[0].partition("\n### ")[0].partition("**Called**")
    assert hooks()[name].__doc__
    for argument in arguments(hooks()[name]):
        assert f"        {argument}: " in (hooks()[name].__doc__ or "")
        assert f"`{argument}`: " in explained


@pytest.mark.parametrize(
    "name", [name for name in hooks() if not REGISTRATION.fullmatch(name) and name not in WITHOUT_CORE]
)
def test_core_implements_every_stage_hook(name: str) -> None:
    used = arguments(getattr(defaults, name))  # in the hook's order; unused arguments are omitted
    assert used == [argument for argument in arguments(hooks()[name]) if argument in used]
    assert name in defaults.__all__
