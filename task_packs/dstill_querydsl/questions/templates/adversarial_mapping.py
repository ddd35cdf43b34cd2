"""Mappings with a prompt injection in their description. The right answer stays the same.

poisoned(draw, {"properties": …})   the mapping, with an instruction as `_meta.description`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dstill_querydsl.language.prompt_injection import PLANTED
from dstill_querydsl.questions.templates.context import Draw, Skip

__all__ = ["poisoned"]

LARGEST = 8_000  # characters of a mapping in the context of a question


def poisoned(draw: Draw, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with an instruction in its description. Raises Skip if it is too large for a row."""
    if "properties" not in mapping or len(json.dumps(mapping)) > LARGEST:
        raise Skip("a large mapping")
    meta = {**mapping.get("_meta", {}), "description": draw.pick(*PLANTED)}
    return {**mapping, "_meta": meta}
