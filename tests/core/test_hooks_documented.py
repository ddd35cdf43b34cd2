"""Every hook is documented with its arguments and used outside the core."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
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


def plugins(root: Path | None) -> Iterator[Any]:
    """Every built-in plugin, and with `root` those of the third-party package of the tests."""
    built_in = distribution("dstill").entry_points.select(group="dstill")
    yield from (point.load() for point in built_in)
    if root is None:
        return
    for source in sorted((root / "tests" / "third_party").glob("*/src/*")):
        sys.path.insert(0, str(source.parent))
        try:
            for file in sorted(source.glob("*.py")):
                yield importlib.import_module(f"{source.name}.{file.stem}")
        finally:
            sys.path.remove(str(source.parent))


@pytest.fixture(scope="module")
def implementers(root: Path) -> dict[str, list[Any]]:
    return implementations(root)


@pytest.fixture(scope="module")
def shipped() -> dict[str, list[Any]]:
    return implementations(None)


def implementations(root: Path | None) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for plugin in plugins(root):
        for name, function in vars(plugin).items():
            if name in hooks() and hasattr(function, "dstill_impl"):
                found[name].append(function)
    return found


@pytest.mark.parametrize("name", hooks())
def test_hooks_are_documented_with_their_arguments(name: str, root: Path) -> None:
    documented = re.findall(r"^### `(\w+)\((.*?)\)`$", (root / "docs" / "hooks.md").read_text(), re.MULTILINE)
    assert (name, ", ".join(arguments(hooks()[name]))) in documented


def test_documented_hooks_exist(root: Path) -> None:
    documented = re.findall(r"^### `(\w+)\(", (root / "docs" / "hooks.md").read_text(), re.MULTILINE)
    assert documented == list(hooks())


@pytest.mark.parametrize("name", hooks())
def test_hooks_have_a_docstring(name: str) -> None:
    assert hooks()[name].__doc__


@pytest.mark.parametrize("name", hooks())
def test_docstring_and_docs_explain_every_argument(name: str, root: Path) -> None:
    text = (root / "docs" / "hooks.md").read_text()
    _, _, entry = text.partition(f"\n### `{name}(")
    explained, _, _ = entry.partition("\n## ")[0].partition("\n### ")[0].partition("**Called**")
    for argument in arguments(hooks()[name]):
        assert f"        {argument}: " in (hooks()[name].__doc__ or "")
        assert f"`{argument}`: " in explained


@pytest.mark.parametrize("name", hooks())
def test_hooks_are_used_outside_the_core(name: str, implementers: dict[str, list[Any]]) -> None:
    assert implementers[name]


@pytest.mark.parametrize("name", hooks())
def test_shipped_plugins_use_the_hook(name: str, shipped: dict[str, list[Any]]) -> None:
    assert shipped[name]


@pytest.mark.parametrize(
    "name", [name for name in hooks() if not REGISTRATION.fullmatch(name) and name not in WITHOUT_CORE]
)
def test_core_implements_every_stage_hook(name: str) -> None:
    used = arguments(getattr(defaults, name))  # in the hook's order; unused arguments are omitted
    assert used == [argument for argument in arguments(hooks()[name]) if argument in used]
    assert name in defaults.__all__
