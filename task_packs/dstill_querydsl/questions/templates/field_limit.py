"""Limit the fields of a user's wide index that questions are about.

    limit_fields(index, 40).mapping   {"properties": …}: the first 40 fields of the values file

`init` writes the fields that most documents have first. There are no questions about fields without known values, since
a made-up value would not be in the index. An index without a values file, or with documents here, stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.prompting.pruning import only

__all__ = ["limit_fields"]


def limit_fields(index: Index, most: int) -> Index:
    """`index` with at most `most` fields and their sub-fields."""
    if not index.given_values:
        return index
    names = dict.fromkeys(_leaves(index))
    chosen = set(islice(names, most))
    return replace(
        index, mapping={**index.mapping, "properties": only(index.mapping.get("properties", {}), chosen, "")}
    )


def _leaves(index: Index) -> Iterator[str]:
    """Fields of the mapping with known values. A sub-field stands for its field."""
    fields = Fields.of(index.mapping)
    for name in index.given_values or ():
        field = fields.get(name)
        if field is not None:
            yield name.rpartition(".")[0] if field.sub else name
