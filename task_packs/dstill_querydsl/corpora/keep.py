"""Corpora on disk, so that a gold's are made once: ``~/.cache/dstill/corpora/3f/3f9a….json.gz``.

    keep(key, {"corpora": [["boundaries", [["c00", {…}], …]], …], "reason": ""});  kept(key) → the same

A folder that cannot be written costs time, not the evaluation.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["keep", "kept", "version"]


@cache
def version() -> str:
    """Changes with this package and with the embedded engine, so that an update makes corpora anew."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        engine = installed("osmem-server")
    except PackageNotFoundError:
        engine = ""
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return f"{engine} {hashlib.sha256(sources).hexdigest()[:16]}"


def _path(key: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "dstill" / "corpora" / key[:2] / f"{key}.json.gz"


def kept(key: str) -> Any:
    """What `keep` wrote under that key, or None."""
    try:
        with gzip.open(_path(key), "rt", encoding="utf-8") as file:
            return json.load(file)
    except (OSError, EOFError, ValueError):  # not there, or half of it
        return None


def keep(key: str, value: Any) -> None:
    """Write as a whole or not at all."""
    path = _path(key)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            # no time stamp: the same corpora are the same bytes
            file.write(gzip.compress(json.dumps(value).encode(), mtime=0))
        os.replace(file.name, path)
    except OSError:
        pass
