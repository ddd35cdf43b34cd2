"""The commit of the working folder, read without running any program of it, and the digests of plugins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dstill.plugins import PluginInfo, Plugins
from dstill.runs.provenance import commit, loaded


def git(*words: str) -> None:
    name = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **name, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *words], check=True, capture_output=True, env=environment)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "--quiet")
    (folder / "a.txt").write_text("a\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    return folder


def test_records_commit_and_whether_it_is_modified(repository: Path) -> None:
    first = commit()
    assert len(first["id"]) == 40
    assert first["changed"] is False
    (repository / "a.txt").write_text("b\n")
    assert commit() == {"id": first["id"], "changed": True}
    git("commit", "--quiet", "-am", "second")
    assert commit()["changed"] is False
    (repository / "new.txt").touch()
    assert commit()["changed"] is True


def test_records_no_commit_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit() == {}


@pytest.mark.parametrize("inherited", [False, True])
def test_runs_no_program_of_the_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inherited: bool
) -> None:
    """fsmonitor, hooks, filters, and programs that a fetch of missing objects would start."""
    if inherited:  # settings that the user gives git in the environment stay, and ours come after them
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    for name in ("c.txt", "d.txt"):
        (repository / name).write_text("filtered\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "second")
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path / "ran"}\ncat\n')
    program.chmod(0o755)
    hooks = repository / ".git" / "hooks"
    for hook in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc"):
        (hooks / hook).write_bytes(program.read_bytes())
        (hooks / hook).chmod(0o755)
    settings = {
        "core.fsmonitor": program,
        "core.sshCommand": program,
        "core.pager": program,
        "core.askPass": program,
        "diff.external": program,
        "diff.odd.textconv": program,
        "filter.odd.clean": program,
        "filter.odd.required": "true",
        "filter.odd=name.process": program,
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
        "extensions.partialClone": "origin",
        "protocol.ext.allow": "always",
    }
    for name, value in settings.items():
        git("config", name, str(value))
    with (repository / ".git" / "config").open("ab") as file:
        file.write(b'[filter "latin-\xe9"]\n\tclean = ' + bytes(program) + b"\n")
    attributes = b"*.txt filter=odd diff=odd\nc.txt filter=odd=name\nd.txt filter=latin-\xe9\n"
    (repository / ".gitattributes").write_bytes(attributes)
    for name in ("a.txt", "c.txt", "d.txt"):
        os.utime(repository / name, (1, 1))  # touched: git would compare the content, through the filter
    (tmp_path / "ran").unlink(missing_ok=True)
    found = commit()
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    assert found["changed"] is True  # .gitattributes is new


# --- plugins ----------------------------------------------------------------------------


def digest_of(package: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The digest of a plugin in the module ``NAME.pack`` of `package`."""
    for name, file in ((package.name, package / "__init__.py"), (f"{package.name}.pack", package / "pack.py")):
        module = ModuleType(name)
        module.__file__ = str(file)
        monkeypatch.setitem(sys.modules, name, module)
    plugins = Plugins()
    plugins.add(sys.modules[f"{package.name}.pack"], PluginInfo(name="mine", source=f"{package.name}.pack"))
    (facts,) = loaded(plugins)
    return facts["sha256"]


def test_digest_is_of_all_files_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    changes = ("", "pack.py", "grammar/rules.ebnf", "__pycache__/pack.pyc", ".notes")
    for number, changed in enumerate(changes):
        package = tmp_path / f"pack_{number}"
        for name in ("__init__.py", "pack.py", "grammar/rules.ebnf"):
            file = package / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
        if changed:
            (package / changed).parent.mkdir(exist_ok=True)
            (package / changed).write_text("changed")
        found[changed] = digest_of(package, monkeypatch)
    assert found["pack.py"] != found["grammar/rules.ebnf"] != found[""]
    assert found[""] == found["__pycache__/pack.pyc"] == found[".notes"]
