"""What English words mean, as vectors: words that a student never saw are near those that it did.

    numbers()["salary"]               the row of a stem
    vectors([numbers()["salary"]])    64 numbers, near those of "wage" and "income"

``meanings.safetensors`` is made by `tools/base/meanings.py` from an encoder of sentences. It is read once, and it is no
part of a student: training leaves it as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dstill.errors import DataError

__all__ = ["FILE", "digest", "numbers", "vectors"]

FILE = Path(__file__).with_name("meanings.safetensors")


@cache
def numbers() -> Mapping[str, int]:
    """Stem → its row."""
    words = bytes(_arrays()["words"]).decode().split("\n")
    return {word: number for number, word in enumerate(words)}


def vectors(rows: Sequence[int] | NDArray[np.integer] | slice = slice(None)) -> NDArray[np.float32]:
    """The vectors of these rows, ``[rows, MEANING]``, each of length 1. Default: of all words."""
    found: NDArray[np.float32] = _arrays()["vectors"][rows].astype(np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found


@cache
def digest() -> str:
    """The SHA-256 of the file."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()


@cache
def _arrays() -> Mapping[str, NDArray[np.generic]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(FILE)
    except (OSError, SafetensorError) as error:
        raise DataError(
            "the vectors of words are damaged", where=f"{FILE}: {error}", hint="install dstill again"
        ) from error
