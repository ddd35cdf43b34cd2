"""`--help` imports nothing heavy, and each layer imports only lower layers."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from dstill_querydsl.engines.server import EmbeddedServer

ROOT = Path(__file__).parents[2]
RUFF = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
LATE = RUFF["flake8-tidy-imports"]["banned-module-level-imports"]
# With those of the standard library that take a third of the time of --help.
HEAVY = {*LATE, "safetensors", "httpx", "tenacity", "osmem_server", "rich", "pydantic", "asyncio", "sqlite3"}
ROOTS = ("core", "plugins", "task_packs")


# What the first screen may load: no part, no command, no setting.
FIRST_SCREEN = {
    "dstill.cli": {"console", "groups", "options", "panics"},
    "dstill.io": {"files", "inert", "logs", "secrets", "strict_json", "system"},
    "dstill.io.system": {"posix", "windows"},  # one of them
    "dstill.runtime": {"distributed", "progress", "signals"},
    "dstill": {"cli", "defaults", "errors", "hookspecs", "io", "plugins", "runtime", "teacher"},
    "dstill.teacher": {"trace"},
    "dstill_teachers": {"nearest_shots", "rationale", "reasoning"},  # hooks other than register_commands
}


def modules_of(words: list[str]) -> set[tuple[str, str]]:
    """(package, module) of dstill's own that `dstill WORDS` imports."""
    code = (
        f"import json, sys\nfrom dstill.cli import run\nassert run({words}) == 0\nprint(json.dumps(list(sys.modules)))"
    )
    names = (name.rpartition(".") for name in json.loads(output_of(code)))
    return {(package, name) for package, _, name in names if package.partition("_")[0].partition(".")[0] == "dstill"}


def output_of(code: str) -> str:
    """The last line that Python prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DSTILL_")}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=True
    )
    return ended.stdout.splitlines()[-1]


def loaded_by(code: str) -> set[str]:
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    return set(json.loads(output_of(code + tail)))


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["runs", "--help"]])
def test_help_loads_no_command_and_no_part(words: list[str]) -> None:
    allowed = {(package, name) for package, names in FIRST_SCREEN.items() for name in names}
    assert modules_of(words) - allowed == set()


@pytest.mark.parametrize(
    "words", [["generate", "--help"], ["runs", "show", "--help"], ["check", "--format", "answers", "--help"]]
)
def test_command_help_loads_only_the_options_of_a_pack(words: list[str]) -> None:
    loaded = modules_of(words)
    assert {("dstill_querydsl", "declarations"), ("dstill_sql", "declarations")} <= loaded
    for package in ("dstill_querydsl", "dstill_sql", "dstill_finetune", "dstill_linked"):
        assert {name for owner, name in loaded if owner.startswith(package)} <= {"declarations"}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["generate", "--help"],
        ["experiment", "plan", "--help"],
        ["ray", "train", "--help"],
        ["export", "--help"],
        ["completion", "bash"],
    ],
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    loaded = loaded_by(f"from dstill.cli import run; assert run({words}) == 0")
    assert "dstill_querydsl" in loaded  # every plugin was loaded
    assert not loaded & HEAVY


def test_importing_the_package_loads_little() -> None:
    loaded = loaded_by("import dstill")
    assert not loaded & (HEAVY | {"click", "pluggy"})


# --- layers -----------------------------------------------------------------------------


def modules(root: Path, folder: str) -> Iterator[Path]:
    yield from sorted((root / folder).rglob("*.py"))


@cache
def statements(path: Path) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The imports of a file, anywhere in it."""
    return tuple(
        node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)
    )


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, also inside functions and for type checking."""
    for node in statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def users(root: Path, folder: str, names: set[str]) -> set[str]:
    """Files under `folder` that import one of `names` or what is below it."""
    return {
        str(path.relative_to(root))
        for path in modules(root, folder)
        for imported in imports(path)
        if any(imported == name or imported.startswith(f"{name}.") for name in names)
    }


def packages(root: Path, folder: str) -> set[str]:
    return {path.parent.name for path in (root / folder).glob("*/__init__.py")}


def test_core_imports_no_plugin(root: Path) -> None:
    assert users(root, "core", packages(root, "plugins") | packages(root, "task_packs")) == set()


def test_one_module_calls_pluggy_and_one_marks_the_hooks(root: Path) -> None:
    using = {path for folder in ROOTS for path in users(root, folder, {"pluggy"})}
    assert using == {"core/dstill/plugins.py", "core/dstill/hookspecs.py"}


def test_one_module_has_what_one_operating_system_has(root: Path) -> None:
    own = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "msvcrt", "winreg"}
    posix = "core/dstill/io/system/posix.py"
    engine = "task_packs/dstill_sql/engines/serving.py"  # runs in a process without dstill
    assert {path for folder in ROOTS for path in users(root, folder, own)} == {posix, engine}
    names = r"sysconf|fork\w*|gete?uid|setsid|killpg|O_NO\w+|O_CLOEXEC|statvfs|mkfifo|uname|f?chown|fchmod"
    calls = re.compile(rf"\bos\.({names})\b")
    using = {path for folder in ROOTS for path in modules(root, folder) if calls.search(path.read_text("utf-8"))}
    assert {str(path.relative_to(root)) for path in using} == {posix}


def test_no_module_imports_the_command_line(root: Path) -> None:
    below = {path for path in users(root, "core", {"dstill.cli"}) if not path.startswith("core/dstill/cli/")}
    assert below == {"core/dstill/__main__.py"}


def test_there_are_no_import_cycles(root: Path) -> None:
    """Imports inside functions and for type checking count. The layers are a contract in pyproject.toml."""
    files = {_name(path.relative_to(root / folder)): path for folder in ROOTS for path in modules(root, folder)}
    graph = {name: set(_imported(path, files)) - {name} for name, path in files.items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError with the circle


def _imported(path: Path, files: Mapping[str, Path]) -> Iterator[str]:
    """The modules of `files` that `path` imports: of ``from a import b`` the module ``a.b`` where there is one."""
    for node in statements(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        else:
            for alias in node.names:
                yield from [one for one in (f"{node.module}.{alias.name}", str(node.module)) if one in files][:1]


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


ROOMS = {"language", "engines", "questions", "form", "testdata"}
FACE = {"base", "bundle", "files", "prompting", "protocols"}  # beside pack.py


@pytest.mark.parametrize("pack", ["dstill_querydsl", "dstill_sql"])
def test_packs_have_the_same_folders_and_small_classes(root: Path, pack: str) -> None:
    folder = root / "task_packs" / pack
    assert ROOMS <= {path.parent.name for path in folder.glob("*/__init__.py")} <= ROOMS | FACE
    files = [folder / "pack.py", *folder.glob("protocols/*.py")]
    lengths = {path.name: len(path.read_text().splitlines()) for path in files}
    assert len(lengths) > 10
    assert {name: length for name, length in lengths.items() if length > 150} == {}


def test_task_pack_imports_no_plugin_and_no_other_pack(root: Path) -> None:
    for pack in packages(root, "task_packs"):
        others = (packages(root, "plugins") | packages(root, "task_packs")) - {pack}
        assert users(root, f"task_packs/{pack}", others) == set()


# --- what `ask` loads -------------------------------------------------------------------


def packages_of(words: list[str]) -> dict[str, set[str]]:
    """The modules below each of dstill's packages that `dstill WORDS` imports, without declarations."""
    loaded: dict[str, set[str]] = {}
    for package, name in modules_of(words):
        if package != "dstill" and name != "declarations":
            loaded.setdefault(package.partition(".")[0], set()).add(name)
    return loaded


def test_ask_about_a_database_loads_no_other_pack_and_no_training(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, town TEXT)")
        database.commit()
    loaded = packages_of(["ask", "--engine-url", f"sqlite://{file}", "how many orders"])
    assert {"dstill_sql", "dstill_linked"} <= loaded.keys()
    assert not loaded.keys() & {"dstill_querydsl", "dstill_finetune", "dstill_openai", "dstill_litellm"}


def test_ask_about_an_index_loads_no_other_pack_and_no_training() -> None:
    with EmbeddedServer.start() as server:
        request = urllib.request.Request(
            f"{server.url}/orders/_doc?refresh=true",
            data=b'{"town": "Oslo", "price": 3}',
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()
        loaded = packages_of(["ask", "--engine-url", server.url, "--index", "orders", "how many orders"])
    assert {"dstill_querydsl", "dstill_linked"} <= loaded.keys()
    assert not loaded.keys() & {"dstill_sql", "dstill_finetune", "dstill_openai", "dstill_litellm"}
    # of the pack, nothing that makes questions and test databases, constrains answers or checks an engine
    assert not loaded["dstill_querydsl"] & {"questions", "testdata", "grammar", "self_check", "conformance_cases"}
