"""Documents of the bundled indices: one compressed file of JSON lines for each index.

In: a file in this folder, such as ``movies.jsonl.gz``, with one line for each document, such as
``["Q109116", {"title": "The Great Dictator", …}]``. Out: pairs of id and source, the same at every call:

    PACKED = Packed(file="movies.jsonl.gz", sha256="…", total=9_774)
    next(PACKED.documents(5_000))      ("Q1000592", {"title": …})

If fewer documents are asked for than there are, they are spread evenly over the ids, so that no year or region is
missing. NOTICE.md says where the data come from and what was changed. ``python -m tools.bundle.build`` rebuilds the
files. Lines are in the order that compresses best, not in the order of ids.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dstill.errors import DataError

__all__ = ["FOLDER", "Packed"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A file of documents and the checksum that it must have."""

    file: str
    sha256: str  # of the file
    total: int

    def documents(self, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """At most `count` documents in the order of their ids. Raises DataError if the checksum is wrong."""
        count = min(count, self.total)
        for number in range(count):
            name, source = json.loads(self._lines[number * self.total // count])
            yield name, source

    @cached_property
    def _lines(self) -> list[bytes]:
        return sorted(self.text().splitlines())

    def text(self) -> bytes:
        """The whole decompressed file. Raises DataError if it cannot be read or its checksum is wrong."""
        path = FOLDER / self.file
        try:
            data = path.read_bytes()
        except OSError as problem:
            message = f"cannot read a bundled index: {(problem.strerror or '').lower()}"
            raise DataError(message, where=str(path), hint="install dstill again") from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            message = "a bundled index is not the file that came with this version"
            raise DataError(message, where=str(path), hint="install dstill again")
        return gzip.decompress(data)
