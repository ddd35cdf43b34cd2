"""Files in the user's cache folder. A missing one only costs time.

save(path_of("databases", "3f9a.json.gz"), data)    # ~/.cache/dstill/databases/3f9a.json.gz
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["path_of", "save"]


def path_of(*parts: str) -> Path:
    """The path of a cached file, in ``$XDG_CACHE_HOME/dstill`` or ``~/.cache/dstill``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").joinpath("dstill", *parts)


def save(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically. If the folder cannot be written to, do nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(data)
        os.replace(file.name, path)
    except OSError:
        pass
