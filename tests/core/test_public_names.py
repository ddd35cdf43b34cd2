"""``__all__`` of every core module is sorted, defined and complete."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import dstill

# A package exports nothing, except those that users import from directly.
WHOLE = ("dstill.api", "dstill.cli")
MODULES = sorted(
    m.name
    for m in pkgutil.walk_packages(dstill.__path__, "dstill.")
    if not m.name.endswith("__main__") and (not m.ispkg or m.name in WHOLE)
)


@pytest.mark.parametrize("name", MODULES)
def test_names_in_all_exist(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__all__, "what of it is public?"
    assert len(set(module.__all__)) == len(module.__all__)
    for exported in module.__all__:
        assert hasattr(module, exported)


@pytest.mark.parametrize("name", MODULES)
def test_names_imported_by_other_modules_are_public(name: str) -> None:
    """A name with an underscore stays in its module."""
    tree = ast.parse(Path(str(importlib.import_module(name).__file__)).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dstill"):
            private = [alias.name for alias in node.names if alias.name.startswith("_")]
            assert not private, f"{name} imports {private} of {node.module}"


def test_package_exports_its_names() -> None:
    for name in dstill.__all__:
        assert getattr(dstill, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        dstill.nothing  # noqa: B018


def test_version_matches_the_distribution() -> None:
    from importlib.metadata import version

    assert dstill.__version__ == version("dstill")
