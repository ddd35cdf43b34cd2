"""Turns what libraries raise for a damaged model or tokenizer into one error that names the file.

    with damaged("the student's tokenizer cannot be loaded", where=str(folder)):
        AutoTokenizer.from_pretrained(folder)

transformers, peft, torch, safetensors, gguf and tokenizers check little of what they read: a wrong type in a file ends
in whatever Python raises there, and a panic in Rust code in a BaseException. Running out of memory, missing libraries
and dstill's own errors pass unchanged.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dstill.cli.panics import is_panic
from dstill.errors import DataError, DstillError, first_line
from dstill_torch.oom import is_oom

__all__ = ["damaged"]


@contextlib.contextmanager
def damaged(what: str, *, where: str, hint: str = "copy or download it again") -> Iterator[None]:
    """Raises DataError with `what` for anything that the block raises because of a file's content."""
    try:
        yield
    except (DstillError, MemoryError, ImportError):
        raise
    except BaseException as error:
        if not (isinstance(error, Exception) or is_panic(error)) or is_oom(error):
            raise
        raise DataError(what, where=f"{where}: {first_line(error)}", hint=hint) from error
