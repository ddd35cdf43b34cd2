"""Facts that decide a result besides the settings, for run.json: packages, plugins, files, and the project's commit.

versions(plugins)    → {"python": "3.11.9", "dstill": "0.1.0", "torch": "2.9.0", …}
loaded(plugins)      → [{"name": "evaluate", "distribution": "dstill", "version": "0.1.0", "sha256": "5c1e…"},
                        {"name": "mine", "sha256": "81d0…"}]
judged_by(plugins)   → those of them that returned a verdict
owners(plugins, [("tasks", "my_sql"), …])    → those of them that have these parts
commit()             → {"id": "9c41…", "changed": False}; {} when the working directory is in no git repository
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dstill.api.executor import Executor
from dstill.api.task import Task
from dstill.plugins import PluginInfo, Plugins

__all__ = ["commit", "judged_by", "judged_with", "loaded", "owners", "versions"]

LARGE_FILE = 2**20  # bytes; of a larger file of a plugin, such as weights, only name and size are hashed

# Settings of a repository that can start programs or let git fetch missing objects.
GIT_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "protocol.allow": "never",
}
GUARDS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"}
TIMEOUT = 10.0  # seconds for git, which may have to read many files


def versions(plugins: Plugins) -> dict[str, str]:
    """The versions of Python, dstill and the distributions that the loaded parts name (`Plugins.distributions`)."""
    numbers = {"python": platform.python_version()}
    for name in ("dstill", *plugins.distributions()):
        with contextlib.suppress(PackageNotFoundError):
            numbers[name] = version(name)
    return numbers


def loaded(plugins: Plugins) -> list[dict[str, str]]:
    """The loaded plugins with distribution, version and the digest of their source files."""
    return [_facts(info) for info in plugins.loaded]


def owners(plugins: Plugins, parts: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The plugins that registered these `parts`, given as kind and name, each once."""
    names = {plugins.owner(kind, name) for kind, name in parts}
    return [_facts(info) for info in plugins.loaded if info.name in names]


def judged_by(plugins: Plugins) -> list[dict[str, str]]:
    """The plugins in `Plugins.judges`. The core, which judges if no plugin does, has no digest: its version says it."""
    known = {info.name: info for info in plugins.loaded}
    core = {"name": "core", "distribution": "dstill", "version": version("dstill")}
    nothing = {"distribution": "", "version": ""}
    return [{**nothing, **_facts(known[name])} if name in known else core for name in sorted(plugins.judges)]


def judged_with(plugins: Plugins, task: Task, executor: Executor | None) -> dict[str, Any]:
    """The facts that decided the scores of an evaluation: the packages, the plugins, and those that judged."""
    executors = [engine for engine in (executor, executor.second if executor else None) if engine is not None]
    parts = [("tasks", task.name), *(("executors", engine.name) for engine in executors)]
    return {
        "versions": versions(plugins),
        "plugins": loaded(plugins),
        "judged_by": judged_by(plugins),
        "packs": owners(plugins, parts),
    }


def _facts(info: PluginInfo) -> dict[str, str]:
    facts = {"distribution": info.distribution, "version": info.version, "sha256": info.sha256 or _digest(info.source)}
    return {"name": info.name, **{key: value for key, value in facts.items() if value}}


@cache
def _digest(source: str) -> str:
    """The SHA-256 of the files of a plugin's package, or of its module; `source`: the module's name."""
    names = source.partition(":")[0].split(".")
    modules = (sys.modules.get(".".join(names[:n])) for n in range(1, len(names) + 1))
    top = next((Path(file) for module in modules if (file := getattr(module, "__file__", None))), None)
    if top is None:
        return ""
    files = [top]
    if top.stem == "__init__":
        files = [file for file in sorted(top.parent.rglob("[!.]*")) if file.is_file() and file.suffix != ".pyc"]
    hasher = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        hasher.update(f"{file.relative_to(top.parent).as_posix()}\0{size}\0".encode())
        if size < LARGE_FILE:
            hasher.update(file.read_bytes())
    return hasher.hexdigest()


def commit() -> dict[str, Any]:
    """The commit of the working directory's repository, where the settings and data of a project are.

    The repository is not trusted: none of the programs in its settings is run. Files with a filter (git-lfs) count as
    changed when their modification time changed.
    """
    try:
        known = _git("config", "--null", "--get-regexp", r"^(filter\.|core\.hookspath$)").split("\0")
        values = {name: value for name, _, value in (line.partition("\n") for line in known)}
        if values.get("core.hookspath") != os.devnull:  # git before 2.31 does not read settings from the environment
            return {}
        filters = {name: "false" if name.endswith(".required") else "" for name in values if name.startswith("filter.")}
        changed = _git("status", "--porcelain", "--ignore-submodules=all", settings={**GIT_SETTINGS, **filters})
        return {"id": _git("rev-parse", "HEAD"), "changed": bool(changed)}
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or no permission to read it
        return {}


def _git(*words: str, settings: Mapping[str, str] = GIT_SETTINGS) -> str:
    """The output of git; `settings` override all others. Raises OSError, SubprocessError."""
    inherited = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(inherited) if inherited.isdecimal() else 0
    environment = {**os.environ, **GUARDS, "GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (name, value) in enumerate(settings.items(), first):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    ended = subprocess.run(["git", *words], capture_output=True, timeout=TIMEOUT, check=True, env=environment)
    return os.fsdecode(ended.stdout).strip()  # names may have any encoding
