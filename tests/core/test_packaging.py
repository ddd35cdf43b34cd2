"""The wheel contains every package and nothing else; built-in plugins load by entry points."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

PARTS = ("core", "plugins", "task_packs")


@pytest.fixture(scope="module")
def project_file(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(out)]
    subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=120)
    return next(out.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def sources(root: Path) -> set[str]:
    """Every file under the three roots that git does not ignore, as the wheel is to name it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PARTS],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=30,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return {name.partition("/")[2] for name in listed.stdout.split() if (root / name).exists()}


def packages(root: Path) -> set[str]:
    return {path.parent.name for part in PARTS for path in (root / part).glob("*/__init__.py")}


def test_wheel_has_exactly_the_source_files(names: set[str], root: Path) -> None:
    shipped = {name for name in names if ".dist-info/" not in name}
    assert shipped == sources(root)


def test_wheel_top_level_has_only_packages(names: set[str], root: Path) -> None:
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == packages(root)
    assert "dstill" in top


def test_wheel_has_py_typed_and_templates(names: set[str], root: Path) -> None:
    from dstill.cli.new_pack import LAYOUT

    assert "dstill/py.typed" in names
    assert {f"dstill/cli/template/{file}" for file in LAYOUT} <= names
    for file in root.glob("p*s/*/**/*.html*"):
        assert "/".join(file.relative_to(root).parts[1:]) in names


def test_wheel_has_the_licence(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_metadata_has_only_user_extras(wheel: Path, project_file: dict[str, Any]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    extras = set(re.findall(r"^Provides-Extra: (\S+)", text, re.MULTILINE))
    assert extras == set(project_file["project"]["optional-dependencies"])
    assert not re.search("gemma|pytest|mkdocs", "\n".join(re.findall(r"^Requires-Dist: .*", text, re.MULTILINE)))
    assert "Classifier: Operating System :: POSIX" in text  # training and engines


def test_sdist_has_sources_and_docs_without_tests(sdist: Path, root: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    brought = {"PKG-INFO", ".gitignore", "pyproject.toml"}  # by hatchling itself
    files = {"mkdocs.yml", "README.md", "CHANGELOG.md", "LICENSE"}
    assert {name.partition("/")[0] for name in held} == {*PARTS, "docs", *files, *brought}
    assert {name.partition("/")[2] for name in held if name.partition("/")[0] in PARTS} == sources(root)


def test_wheel_builds_from_the_sdist(sdist: Path, names: set[str], tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next((tmp_path / "out").glob("*.whl"))) as archive:
        assert set(archive.namelist()) == names


def test_packages_and_entry_points_match(project_file: dict[str, Any], root: Path) -> None:
    points = project_file["project"]["entry-points"]["dstill"]
    assert sorted(points.values()) == sorted(packages(root) - {"dstill"})
    assert all(value == f"dstill_{name}" for name, value in points.items())


def test_wheel_linter_knows_every_package(project_file: dict[str, Any], root: Path) -> None:
    assert set(project_file["tool"]["check-wheel-contents"]["toplevel"]) == packages(root)


def test_installed_package_is_this_tree(project_file: dict[str, Any], root: Path) -> None:
    """A new plugin needs a fresh `pip install -e .`, else its entry point is not seen."""
    from importlib.metadata import distribution

    import dstill

    installed = distribution("dstill").entry_points.select(group="dstill")
    if Path(str(dstill.__file__)).is_relative_to(root):
        assert {p.name: p.value for p in installed} == project_file["project"]["entry-points"]["dstill"]


def test_git_ignores_no_source(root: Path) -> None:
    """`core` in .gitignore makes hatchling ship an empty wheel."""
    patterns = [line.strip() for line in (root / ".gitignore").read_text().splitlines()]
    for pattern in patterns:
        assert not re.fullmatch(rf"/?({'|'.join(PARTS)}|dstill\w*|docs|tests)(/.*)?", pattern), pattern


def test_extra_all_has_every_extra(project_file: dict[str, Any]) -> None:
    extras = project_file["project"]["optional-dependencies"]

    def reached(name: str) -> set[str]:
        inner = {n for line in extras[name] for m in [re.match(r"dstill\[(.+)\]", line)] if m for n in m[1].split(",")}
        return {name}.union(*map(reached, inner))

    assert reached("all") == set(extras) - {"check", "demo", "litellm", "llama-cpp", "mlflow", "wandb"}
    assert reached("demo") - {"demo"} < reached("all")


def test_doctor_checks_existing_extras(project_file: dict[str, Any]) -> None:
    from dstill.cli.extras import extras

    assert set(extras()) == set(project_file["project"]["optional-dependencies"]) - {"all", "check", "demo", "ui"}
