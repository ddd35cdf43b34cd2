"""What loads when: `--help` imports nothing heavy, and each layer imports only what lies below it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest

HEAVY = {
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "tokenizers",
    "safetensors",
    "numpy",
    "openai",
    "httpx",
    "tenacity",
    "elasticsearch",
    "elastic_transport",
    "osmem_server",
    "jsonschema",
    "rich",
    "scipy",
    "statsmodels",
    "matplotlib",
    "jinja2",
    "pyarrow",
    "ray",
    "llguidance",
    "xgrammar",
    "ctranslate2",
    "gguf",
    "starlette",
    "uvicorn",
    "prometheus_client",
    # of Python's own: a third of the time that --help takes
    "asyncio",
    "sqlite3",
}
ROOTS = ("core", "plugins", "task_packs")


def loaded_by(code: str) -> set[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DSTILL_")}
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    ended = subprocess.run(
        [sys.executable, "-c", code + tail], capture_output=True, text=True, env=environment, timeout=60, check=True
    )
    return set(json.loads(ended.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["generate", "--help"],
        ["plan", "--help"],
        ["ray", "train", "--help"],
        ["export", "--help"],
        ["completion", "bash"],
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    loaded = loaded_by(f"from dstill.cli import run; assert run({words}) == 0")
    assert "dstill_querydsl" in loaded  # every plugin was loaded
    assert not loaded & HEAVY


def test_the_package_alone_loads_next_to_nothing() -> None:
    loaded = loaded_by("import dstill")
    assert not loaded & (HEAVY | {"click", "pluggy"})


# --- layers -----------------------------------------------------------------------------


def modules(root: Path, folder: str) -> Iterator[Path]:
    yield from sorted((root / folder).rglob("*.py"))


def imports(path: Path, *, typing_too: bool) -> Iterator[str]:
    """The modules that a file imports, anywhere in it."""
    tree: Any = ast.parse(path.read_text())
    if not typing_too:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def users(root: Path, folder: str, names: set[str], *, typing_too: bool = True) -> set[str]:
    """Files under `folder` that import one of `names` or what is below it."""
    return {
        str(path.relative_to(root))
        for path in modules(root, folder)
        for imported in imports(path, typing_too=typing_too)
        if any(imported == name or imported.startswith(f"{name}.") for name in names)
    }


def packages(root: Path, folder: str) -> set[str]:
    return {path.parent.name for path in (root / folder).glob("*/__init__.py")}


def test_the_core_imports_no_plugin(root: Path) -> None:
    assert users(root, "core", packages(root, "plugins") | packages(root, "task_packs")) == set()


def test_one_module_calls_pluggy_and_one_marks_the_hooks(root: Path) -> None:
    using = {path for folder in ROOTS for path in users(root, folder, {"pluggy"})}
    assert using == {"core/dstill/plugins.py", "core/dstill/hookspecs.py"}


def test_the_command_line_is_on_top(root: Path) -> None:
    below = {path for path in users(root, "core", {"dstill.cli"}) if not path.startswith("core/dstill/cli/")}
    assert below == {"core/dstill/__main__.py"}


def test_no_modules_import_each_other_in_a_circle(root: Path) -> None:
    """Imports inside functions and for type checking count. The layers are a contract in pyproject.toml."""
    files = {_name(path.relative_to(root / folder)): path for folder in ROOTS for path in modules(root, folder)}
    graph = {name: set(_imported(path, files)) - {name} for name, path in files.items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError with the circle


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    """The modules of `files` that `path` imports: of ``from a import b`` the module ``a.b`` where there is one."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield from [one for one in (f"{node.module}.{alias.name}", str(node.module)) if one in files][:1]


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_only_a_run_writes_its_files(root: Path) -> None:
    """A stage is a function: what it returns is written in `dstill.runs`."""
    writing = ("atomic", "atomic_folder", "link_tree", "renewed", "write_text")
    names = {f"dstill.io.files.{name}" for name in writing} | {"dstill.io.jsonl.write_rows"}
    assert not {path for path in users(root, "core", names) if path.startswith("core/dstill/pipeline/")}


def test_a_task_pack_imports_no_plugin_and_no_other_pack(root: Path) -> None:
    for pack in packages(root, "task_packs"):
        others = (packages(root, "plugins") | packages(root, "task_packs")) - {pack}
        assert users(root, f"task_packs/{pack}", others) == set()
