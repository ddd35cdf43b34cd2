"""Looks up export formats.

format_of("merged")  →  a `dstill_export.formats.Format`
"""

from __future__ import annotations

from dstill.errors import UsageError
from dstill_export.adapter import Adapter
from dstill_export.ctranslate2 import CTranslate2
from dstill_export.formats import NAMES, Format
from dstill_export.gguf import Gguf
from dstill_export.merged import Merged

__all__ = ["format_of"]


def format_of(name: str) -> Format:
    """The format called `name`. Raises UsageError if it is unknown."""
    formats: dict[str, Format] = {one.name: one for one in (Merged(), Adapter(), CTranslate2(), Gguf())}
    if name not in formats:
        raise UsageError(f"no format '{name}'", where="--to", hint=f"formats: {', '.join(NAMES)}")
    return formats[name]
