"""What loads when: `--help` imports nothing heavy, and each layer imports only what lies below it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

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


# Lowest first. A module imports only what stands above it in this list.
ORDER = """
    errors units connections web jsontext forms records faults gate leakage selecting nonce findings secrets inert
    shell files plain_files sqlite_files urls waiting jsonl distinct rows parts task careful causes inventor config
    run_view hookspecs defaults trust plugins store salvage budget cost claims asking batches batching interrupts origin
    manifest folder focusing progress making reviewing processes hardware card stages teaching watching drifting
    curating generating inventing estimating constraining weighing ceiling evaluating answering voting training auditing
    review_log contents run exporting
"""


def test_the_modules_of_the_core_stand_in_an_order(root: Path) -> None:
    order = ORDER.split()
    files = {path.stem for path in (root / "core" / "dstill").glob("*.py")} - {"__init__", "__main__"}
    assert files == set(order)
    for position, name in enumerate(order):
        above = {f"dstill.{other}" for other in order[position:]}
        path = root / "core" / "dstill" / f"{name}.py"
        found = [i for i in imports(path, typing_too=name != "parts") if i in above]  # parts and task name each other
        assert not found, f"{name}.py imports {found}"


def test_only_run_and_its_folder_write_files(root: Path) -> None:
    """A stage is a generator from rows to rows."""
    stages = root / "core" / "dstill" / "stages.py"
    assert not {"dstill.files", "dstill.folder", "dstill.jsonl", "dstill.rows", "pathlib"} & set(
        imports(stages, typing_too=True)
    )
    assert "open(" not in stages.read_text()


def test_a_task_pack_imports_no_plugin_and_no_other_pack(root: Path) -> None:
    for pack in packages(root, "task_packs"):
        others = (packages(root, "plugins") | packages(root, "task_packs")) - {pack}
        assert users(root, f"task_packs/{pack}", others) == set()
