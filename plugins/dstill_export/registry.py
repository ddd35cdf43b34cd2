"""Looks up export formats.

format_of("merged", run.student)  →  a `dstill_export.formats.Format`
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.api.student import Student
from dstill.errors import UsageError
from dstill_export.adapter import Adapter
from dstill_export.bundle import LinkedBundle, TextBundle
from dstill_export.ctranslate2 import CTranslate2
from dstill_export.formats import NAMES, Format
from dstill_export.gguf import Gguf
from dstill_export.linked import LinkedInt8, LinkedMerged
from dstill_export.merged import Merged

__all__ = ["format_of"]


def format_of(name: str, student: Student | None = None) -> Format:
    """The format called `name`, for this kind of student; None: one that writes text.

    Raises UsageError if it is unknown, or if such students cannot be exported to it.
    """
    formats = {form.name: form for form in _formats(student)}
    if name not in NAMES:
        raise UsageError(f"no format '{name}'", where="--to", hint=f"formats: {', '.join(NAMES)}")
    if name not in formats:
        kind = f"of kind '{student.name}' " if student is not None else ""
        raise UsageError(
            f"students {kind}cannot be exported to {name}", where=f"--to {name}", hint=f"--to {' or '.join(formats)}"
        )
    return formats[name]


def _formats(student: Student | None) -> Sequence[Format]:
    from dstill_linked.student import LinkedStudent

    if isinstance(student, LinkedStudent):
        return LinkedBundle(), LinkedMerged(student), LinkedInt8(student)
    return TextBundle(), Merged(), Adapter(), CTranslate2(), Gguf()
