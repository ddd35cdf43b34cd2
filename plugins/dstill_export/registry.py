"""The forms of export by name.

form_of("merged")  →  a `dstill_export.formats.Format`
"""

from __future__ import annotations

from dstill.errors import UsageError
from dstill_export.adapter import Adapter
from dstill_export.ctranslate2 import CTranslate2
from dstill_export.formats import NAMES, Format
from dstill_export.gguf import Gguf
from dstill_export.merged import Merged

__all__ = ["form_of"]


def form_of(name: str) -> Format:
    """The form called `name`. Raises UsageError."""
    found: dict[str, Format] = {form.name: form for form in (Merged(), Adapter(), CTranslate2(), Gguf())}
    if name not in found:
        raise UsageError(f"no form '{name}'", where="--to", hint=f"there are {', '.join(NAMES)}")
    return found[name]
