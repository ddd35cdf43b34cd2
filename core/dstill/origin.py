"""What a result hangs on beside its settings, for run.json: libraries, files, and the project's commit.

versions()           → {"python": "3.11.9", "torch": "2.9.0", …}
sha256(path)         → "3f2a…"
commit()             → {"id": "9c41…", "changed": False}; {} where the working directory is under no git
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["commit", "sha256", "versions"]

# What decides the bytes of a run, beside its configuration.
LIBRARIES = (
    "dstill",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "elasticsearch",
    "osmem-server",
    "openai",
)
PATIENCE = 10.0  # seconds for git, which may have to look at many files


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def commit() -> dict[str, Any]:
    """Of the working directory's repository: a project's own settings and data lie there."""
    try:
        return {"id": _git("rev-parse", "HEAD"), "changed": bool(_git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):  # no git, no repository, none that we may read
        return {}


def _git(*words: str) -> str:
    ended = subprocess.run(["git", *words], capture_output=True, text=True, timeout=PATIENCE, check=True)
    return ended.stdout.strip()
