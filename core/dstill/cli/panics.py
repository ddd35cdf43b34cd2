"""Panics of native code, which Python does not know as exceptions.

A library in Rust (tokenizers, safetensors, llguidance) that meets something it did not expect in a file panics, and
pyo3 raises that as a BaseException which passes every handler, so a user would see its traceback.
"""

from __future__ import annotations

import contextlib
from typing import Iterator

from dstill.errors import DataError

__all__ = ["is_panic", "panics_explained"]


def is_panic(error: BaseException) -> bool:
    """By its name: each extension module has a class of its own, which cannot be imported."""
    return type(error).__name__ == "PanicException"


@contextlib.contextmanager
def panics_explained() -> Iterator[None]:
    """Raises DataError for a panic in the block."""
    try:
        yield
    except BaseException as error:
        if not is_panic(error):
            raise
        raise DataError(
            "a library stopped on a file that it cannot handle, probably a damaged tokenizer",
            where=str(error),
            hint="download the model again, or train the student again",
        ) from error
