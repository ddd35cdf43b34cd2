"""What a dataset says of the indices behind its questions: their fields, and their licences.

facts_of(examples, profiles)                   → {"weblogs": {"digest": "9f2c…", "fields": {"took": "long", …}}}
licences_of(examples, profiles, "weblogs")     → {"weblogs": "Apache-2.0"}
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from dstill.api.records import Example
from dstill_querydsl.bundle.indices import LICENCES
from dstill_querydsl.index_profiles import IndexProfiles
from dstill_querydsl.mapping.drift import fields_digest, types_of

__all__ = ["facts_of", "licences_of"]


def facts_of(examples: Sequence[Example], profiles: IndexProfiles) -> Mapping[str, Any]:
    first: dict[str, Example] = {}
    for example in examples:
        if "variant" not in example.context:  # of a schema that no server holds
            first.setdefault(str(example.context.get("index", "")), example)
    indices = {name: profiles.index(example) for name, example in first.items() if name}
    return {
        name: {"digest": fields_digest(index.mapping), "fields": types_of(index.mapping)}
        for name, index in indices.items()
        if index is not None
    }


def licences_of(examples: Sequence[Example], profiles: IndexProfiles, default: str) -> Mapping[str, str]:
    """`default` is the index of questions that name none."""
    indices = {str(example.context.get("index", "")): example for example in examples}
    found = {name: profiles.index(example) for name, example in indices.items()}
    return {
        name or default: LICENCES[index.name.partition("-variant-")[0]]
        if index is not None and index.recipe
        else "unknown"
        for name, index in found.items()
    }
