"""The meaning of the values of this pack's options, which `dstill_querydsl.declarations` lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstill.api.option import OptionValue
from dstill.io.input_files import object_of
from dstill_querydsl.protocols.demo import recorded

__all__ = ["bundled_index", "column", "dialect", "index", "mapping", "own_index", "values"]

MAPPING_FORM = "give the mapping of the index, as GET _mapping prints it"
VALUES_FORM = 'give {"FIELD": ["every", "value"], "OTHER": {"examples": [...]}}'
_SECTION = "task.querydsl"


def index(text: str) -> OptionValue:
    """The index on the server."""
    return OptionValue(settings={"executor.http.index": text})


def bundled_index(text: str) -> OptionValue:
    """A bundled index with a recorded teacher. Raises UsageError."""
    return OptionValue(settings=recorded(text))


def mapping(text: str) -> OptionValue:
    """The mapping in the file `text`. Raises UsageError, DataError."""
    return OptionValue(context={"mapping": object_of(Path(text), "--mapping", MAPPING_FORM)})


def own_index(text: str) -> OptionValue:
    """The mapping in the file `text`, of an index with the name of the file. Raises UsageError, DataError."""
    name = Path(text).stem
    return OptionValue(
        settings={f"{_SECTION}.mapping": text, f"{_SECTION}.index": name},
        context={**mapping(text).context, "index": name},
    )


def values(text: str) -> OptionValue:
    """The common values in the file `text`. Raises UsageError, DataError."""
    return OptionValue(
        settings={f"{_SECTION}.values": text},
        context={"values": object_of(Path(text), "--values", VALUES_FORM)},
    )


def dialect(text: str) -> OptionValue:
    """The product whose rules apply."""
    return OptionValue(settings={f"{_SECTION}.dialect": text})


def column(value: Any) -> Mapping[str, Any]:
    """The context that the mapping of a row gives."""
    return {"mapping": value} if isinstance(value, dict) else {}
