"""Fine-tuning: the students `tiny` and `hf`.

torch, transformers, peft and bitsandbytes are imported when a student is first used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.student import Student

__all__ = ["register_students"]


@hookimpl
def register_students() -> Iterable[type[Student]]:
    """The students ``tiny`` and ``hf``."""
    from dstill_finetune.hf import Hf
    from dstill_finetune.tiny import Tiny

    return [Tiny, Hf]
