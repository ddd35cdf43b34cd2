r"""Words of questions that need a kind of field, whatever its name is.

cues_of(items)     →  [(re.compile(r"\bkm\b|…"), {"geo_point"}), (re.compile(r"(?<!\w)miles?(?!\w)"), {"unit=mile"}), …]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dstill.linked import Item
from dstill.linked.ranking import Cue
from dstill_querydsl.prompting.pruning_words import CUES

__all__ = ["cues_of"]

_TIMES = r"\d\s*(?:ns|nanoseconds?|µs|us|microseconds?|ms|milliseconds?|s|sec|seconds?|min|minutes?|h|hours?|days?)\b"
_SIZES = r"\d\s*(?:bytes?|[kmgt]i?b|kilobytes?|megabytes?|gigabytes?)\b"
_KINDS = (
    (r"\b(?:phrase|words?|mention\w*|contain\w*|includ\w*|says?|saying|about|reads?|text)\b", "text"),
    (r"\b(?:since|before|after|until|last|past|today|yesterday|latest|newest|oldest|earliest|recent|ago|hour|hourly|day|"
     r"daily|week|weekly|month|monthly|quarter|year|yearly)\b|\b(?:19|20)\d\d\b", "date"),
    (_TIMES, "unit=nanos unit=micros unit=ms unit=s unit=second unit=m unit=minute unit=h unit=hour unit=d unit=day"),
    (_SIZES, "unit=byte unit=bytes"),
)  # fmt: skip


def cues_of(items: Sequence[Item]) -> Iterator[Cue]:
    """The cues for these fields: kinds that any mapping may have, and the units of these."""
    yield from ((pattern, frozenset((kind,))) for pattern, kind in CUES)
    yield from ((re.compile(pattern, re.IGNORECASE), frozenset(kinds.split())) for pattern, kinds in _KINDS)
    for feature in sorted({feature for item in items for feature in item.features if feature.startswith("unit=")}):
        unit = re.escape(feature.removeprefix("unit="))
        yield re.compile(rf"(?<!\w){unit}s?(?!\w)", re.IGNORECASE), frozenset((feature,))
