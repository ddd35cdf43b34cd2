"""Reads the header of a GGUF file within limits, before any library reads the file.

    settings_of(Path("small.gguf"))   →  {"general.architecture": "llama", "llama.block_count": 2, …}

The `gguf` package trusts every count in a file: it reads an array of 2**60 items until memory runs out. Here a count or
length that leads past the end of the file, or far beyond published models, is a DataError. The format is specified at
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from dstill.errors import DataError

__all__ = ["DAMAGE", "MAGIC", "settings_of"]

MAGIC = b"GGUF"
DAMAGE = "the GGUF file is damaged, truncated or of an unknown version"
VERSIONS = (2, 3)
MOST_TENSORS = 100_000  # 1,086 tensors in DeepSeek V3
MOST_KEYS = 10_000  # about 50 in published files
MOST_ITEMS = 2**24  # of an array; 514,906 merges in Gemma 3
MOST_BYTES = 2**26  # of a text; a chat template has a few thousand
MOST_NAME = 2**16  # bytes of a key or tensor name, the limit of the format
MOST_DIMENSIONS = 4  # ggml's own limit
TEXT, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
MOST_LAYERS = 1_000  # longer arrays of numbers are skipped: only values per layer are needed


def settings_of(file: Path) -> dict[str, Any]:
    """The metadata that are numbers, texts or short lists of numbers. Raises DataError for a damaged file."""
    with file.open("rb") as opened:
        return _Header(opened, file).settings()


class _Header:
    def __init__(self, opened: BinaryIO, file: Path) -> None:
        self.opened, self.file = opened, file
        self.size = file.stat().st_size
        self.order = "<"

    def settings(self) -> dict[str, Any]:
        if self.opened.read(len(MAGIC)) != MAGIC:
            raise DataError("this is not a GGUF file", where=f"{self.file}: it does not begin with {MAGIC.decode()}")
        version = self._bytes(4)
        self.order = "<" if int.from_bytes(version, "little") & 0xFFFF else ">"  # otherwise big-endian
        self._require(struct.unpack(f"{self.order}I", version)[0] in VERSIONS, "its version is not 2 or 3")
        tensors, keys = self._count(MOST_TENSORS, "tensors"), self._count(MOST_KEYS, "keys")
        settings = {}
        for _ in range(keys):
            name = self._text(MOST_NAME)
            value = self._value(self._scalar(4), name)
            if value is not None:
                settings[name] = value
        for _ in range(tensors):
            self._tensor()
        return settings

    def _tensor(self) -> None:
        name = self._text(MOST_NAME)
        dimensions = self._scalar(4)
        self._require(dimensions <= MOST_DIMENSIONS, f"{name} has {dimensions} dimensions")
        items = 1
        for _ in range(dimensions):
            items *= self._scalar(10)
        self._require(items <= 8 * self.size, f"{name} is larger than the file")
        self._scalar(4)  # the quantization, which the library checks
        self._require(self._scalar(10) <= self.size, f"{name} is outside the file")

    def _value(self, kind: int, name: str) -> Any:
        if kind == TEXT:
            return self._text(MOST_BYTES)
        if kind == ARRAY:
            kind = self._scalar(4)
            items = self._count(MOST_ITEMS, f"items of {name}")
            if kind == TEXT:
                for _ in range(items):
                    self._skip(self._scalar(10))
                return None
            data = self._bytes(items * struct.calcsize(self._format(kind, name)))
            return list(struct.unpack(f"{self.order}{items}{SCALARS[kind]}", data)) if items <= MOST_LAYERS else None
        self._format(kind, name)
        return self._scalar(kind)

    def _format(self, kind: int, name: str) -> str:
        self._require(kind in SCALARS, f"{name} has an unknown type {kind}")
        return self.order + SCALARS[kind]

    def _scalar(self, kind: int) -> Any:
        form = self.order + SCALARS[kind]
        return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

    def _count(self, most: int, what: str) -> int:
        count: int = self._scalar(10)
        self._require(count <= most, f"{count:,} {what}, more than {most:,}")
        return count

    def _text(self, most: int) -> str:
        length = self._count(most, "bytes of a text")
        return self._bytes(length).decode(errors="replace")

    def _skip(self, length: int) -> None:
        self._require(self.opened.tell() + length <= self.size, "it ends too early")
        self.opened.seek(length, 1)

    def _bytes(self, length: int) -> bytes:
        self._require(self.opened.tell() + length <= self.size, "it ends too early")
        return self.opened.read(length)

    def _require(self, fits: bool, why: str) -> None:
        if not fits:
            raise DataError(DAMAGE, where=f"{self.file}: {why}", hint="copy or download it again")
