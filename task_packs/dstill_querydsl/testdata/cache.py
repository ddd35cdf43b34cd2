"""Cache test databases on disk, so that they are made once: ``~/.cache/dstill/corpora/3f/3f9a….json.gz``.

    save(key, {"corpora": [["boundaries", [["c00", {…}], …]], …], "reason": ""});  load(key) → the same

If the folder cannot be written, an evaluation takes longer, but does not fail.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from dstill.io import user_cache

__all__ = ["PACK", "load", "save", "sources", "version"]

PACK = Path(__file__).parents[1]


@cache
def version() -> str:
    """A hash of everything that test databases depend on: the pack, the engine and the schema."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    digest = hashlib.sha256()
    for name in ("osmem-server", "elasticsearch"):  # the schema, which mutants must fulfil, comes from the client
        try:
            digest.update(f"{name} {installed(name)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"no {name}\n".encode())
    for path in sources():
        digest.update(f"{path.relative_to(PACK)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def sources() -> list[Path]:
    """The files of the whole pack, since most of it decides which mutants there are or what an engine supports."""
    return sorted([*PACK.rglob("*.py"), *PACK.rglob("*.json")])


def _path(key: str) -> Path:
    return user_cache.path_of("corpora", key[:2], f"{key}.json.gz")


def load(key: str) -> Any:
    """The value that `save` stored under the key, or None."""
    try:
        with gzip.open(_path(key), "rt", encoding="utf-8") as file:
            return json.load(file)
    except (OSError, EOFError, ValueError):  # missing or incomplete
        return None


def save(key: str, value: Any) -> None:
    """Store a JSON value, completely or not at all."""
    # without a time stamp, the same databases give the same bytes
    user_cache.save(_path(key), gzip.compress(json.dumps(value).encode(), mtime=0))
