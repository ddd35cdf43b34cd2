"""The students `tiny` and `hf`: models of transformers. They are imported, with torch, when one is first used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.part import Declaration

__all__ = ["register_students"]


@hookimpl
def register_students() -> Iterable[Declaration]:
    """The students ``tiny`` and ``hf``."""
    from dstill_finetune.declarations import HF, TINY

    return [TINY, HF]
