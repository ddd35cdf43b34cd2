"""The rows of a stage as sequences that are on disk if they are many (`dstill.io.spool`).

    examples = spooled(Example, read)             # a Sequence of them
    rows = labels(examples_rows)                  # records and rejections

Contexts must be JSON, as in files: a tuple in one comes back as a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from dstill.api.records import Example, Record, Rejection
from dstill.io.spool import Codec, Spool

__all__ = ["examples", "labels"]


def _flat(kind: type[Any]) -> Codec[Any]:
    """For rows whose fields are plain but for `context`, which many rows share."""
    names = [field.name for field in fields(kind) if field.name != "context"]
    values = attrgetter(*names)

    def decode(row: Sequence[Any], context: Mapping[str, Any] | None) -> Any:
        return kind(**dict(zip(names, row, strict=True)), context={} if context is None else context)

    return Codec(lambda row: (values(row), row.context or None), decode)


_EXAMPLE, _RECORD = _flat(Example), _flat(Record)


def _label(row: Record | Rejection) -> tuple[Any, Any]:
    return _RECORD.encode(row) if isinstance(row, Record) else (row.to_row(), None)


def _labelled(value: Any, context: Any) -> Record | Rejection:
    return _RECORD.decode(value, context) if isinstance(value, list) else Rejection.from_row(value)


_LABEL: Codec[Record | Rejection] = Codec(_label, _labelled)


def examples(rows: Iterable[Example] = ()) -> Spool[Example]:
    """A sequence of examples."""
    return Spool(_EXAMPLE, rows)


def labels(rows: Iterable[Record | Rejection] = ()) -> Spool[Record | Rejection]:
    """A sequence of records and rejections."""
    return Spool(_LABEL, rows)
