"""The meanings of English words, as vectors: words that a student never saw are near those that it did.

    numbers()["salary"]               the row of a stem
    vectors([numbers()["salary"]])    64 numbers, near those of "wage" and "income"

``meanings.safetensors`` is made by `tools/base/meanings.py` from an encoder of sentences. It is read once, and it is no
part of a student: training leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dstill.io.plain_files import sha256
from dstill_torch.damage import damaged

__all__ = ["FILE", "digest", "numbers", "vectors"]

FILE = Path(__file__).with_name("meanings.safetensors")


@cache
def numbers() -> Mapping[str, int]:
    """Stem → its row."""
    words = bytes(_arrays()["words"]).decode().split("\n")
    return {word: number for number, word in enumerate(words)}


def vectors(rows: Sequence[int] | NDArray[np.integer] | slice = slice(None)) -> NDArray[np.float32]:
    """The vectors of these rows, ``[rows, MEANING_WIDTH]``, each of length 1. Default: of all words."""
    rows_of: NDArray[np.float32] = _arrays()["vectors"][rows].astype(np.float32)
    rows_of /= np.linalg.norm(rows_of, axis=1, keepdims=True)
    return rows_of


@cache
def digest() -> str:
    """The SHA-256 of the file."""
    return sha256(FILE)


@cache
def _arrays() -> Mapping[str, NDArray[np.generic]]:
    from safetensors.numpy import load_file

    with damaged("the vectors of words are damaged", where=str(FILE), hint="install dstill again"):
        return load_file(FILE)
