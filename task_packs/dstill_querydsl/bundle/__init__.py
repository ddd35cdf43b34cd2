"""Documents that come with the package, packed: one file of JSON lines an index.

In: a file beside this module, ``movies.jsonl.gz``, a line ``["Q109116", {"title": "The Great Dictator", …}]`` a
document. Out: (id, source), the same ones at every call:

    PACKED = Packed(file="movies.jsonl.gz", sha256="…", total=9_774)
    next(PACKED.documents(5_000))      ("Q1000592", {"title": …})

Of fewer documents than there are, those are taken that lie evenly over the ids, so that no year or region is
missing. Where the data come from and what was changed says NOTICE.md; ``python -m tools.bundle.build``
makes the files again. Lines stand in an order that packs well, not in that of the ids.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator

from dstill.errors import DataError

__all__ = ["FOLDER", "Packed"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Packed:
    file: str
    sha256: str  # of the file
    total: int

    def documents(self, count: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """At most `count`, in order of their ids. Raises DataError for a file that is not the one declared."""
        count = min(count, self.total)
        for number in range(count):
            name, source = json.loads(self._lines[number * self.total // count])
            yield name, source

    @cached_property
    def _lines(self) -> list[bytes]:
        return sorted(self.text().splitlines())

    def text(self) -> bytes:
        """All lines, from the file that was declared."""
        path = FOLDER / self.file
        try:
            data = path.read_bytes()
        except OSError as problem:
            what = f"cannot read a bundled index: {(problem.strerror or '').lower()}"
            raise DataError(what, where=str(path), hint="install dstill again") from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            what = "a bundled index is not the one that this version came with"
            raise DataError(what, where=str(path), hint="install dstill again")
        return gzip.decompress(data)
