"""Corpora on disk, so that a gold's are made once: ``~/.cache/dstill/corpora/3f/3f9a….json.gz``.

    keep(key, {"corpora": [["boundaries", [["c00", {…}], …]], …], "reason": ""});  kept(key) → the same

A folder that cannot be written costs time, not the evaluation.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from dstill.io import user_cache

__all__ = ["PACK", "keep", "kept", "sources", "version"]

PACK = Path(__file__).parents[1]


@cache
def version() -> str:
    """Changes with all that decides corpora, so that an update makes them anew: the pack, engine and schema."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    digest = hashlib.sha256()
    for name in ("osmem-server", "elasticsearch"):  # the schema, which mutants are held to, is the client's
        try:
            digest.update(f"{name} {installed(name)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"no {name}\n".encode())
    for path in sources():
        digest.update(f"{path.relative_to(PACK)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:32]


def sources() -> list[Path]:
    """Of the whole pack: most of it has a part in which mutants there are, or in what an engine is trusted with."""
    return sorted([*PACK.rglob("*.py"), *PACK.rglob("*.json")])


def _path(key: str) -> Path:
    return user_cache.path_of("corpora", key[:2], f"{key}.json.gz")


def kept(key: str) -> Any:
    """What `keep` wrote under that key, or None."""
    try:
        with gzip.open(_path(key), "rt", encoding="utf-8") as file:
            return json.load(file)
    except (OSError, EOFError, ValueError):  # not there, or half of it
        return None


def keep(key: str, value: Any) -> None:
    """Write as a whole or not at all."""
    # no time stamp: the same corpora are the same bytes
    user_cache.save(_path(key), gzip.compress(json.dumps(value).encode(), mtime=0))
