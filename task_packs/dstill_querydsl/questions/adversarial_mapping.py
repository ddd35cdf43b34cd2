"""Mappings whose own text gives orders: what stands in a description is data, and the answer stays the same.

poisoned(draw, {"properties": …})   the mapping, its `_meta.description` an instruction
"""

from __future__ import annotations

import json
from typing import Any, Mapping

from dstill_querydsl.language.sort_keys import PLANTED
from dstill_querydsl.questions.context import Draw, Skip

__all__ = ["poisoned"]

LARGEST = 8_000  # characters of a mapping that a question carries along


def poisoned(draw: Draw, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Skip where the mapping is too large to stand in a row."""
    if "properties" not in mapping or len(json.dumps(mapping)) > LARGEST:
        raise Skip("a large mapping")
    meta = {**mapping.get("_meta", {}), "description": draw.pick(*PLANTED)}
    return {**mapping, "_meta": meta}
