"""Panics of native code.

A library in Rust (tokenizers, safetensors, llguidance) may panic on an unexpected file. pyo3 raises a panic as a
BaseException, which no handler of exceptions catches, so a user would see a traceback.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dstill.errors import DataError

__all__ = ["is_panic", "panics_explained"]


def is_panic(error: BaseException) -> bool:
    """Whether an exception is a panic, by its name: each extension module has its own class, which has no import."""
    return type(error).__name__ == "PanicException"


@contextlib.contextmanager
def panics_explained() -> Iterator[None]:
    """Raise DataError for a panic in the block."""
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
