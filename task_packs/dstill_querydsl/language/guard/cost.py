"""Estimates the memory of a body's aggregations: one budget for the whole tree.

In: the body, the known ranges of its fields, and `Limits`. Out: problems (message, pointer, hint):

    18 × percentiles with 5 digits of HDR in 3 filters   -> 18 * 4 * 64 MB, far more than `Limits.memory`
    terms, size 1,000, over percentiles                   -> 1,510 buckets a shard * 32 kB: 49 MB, within the limit

The cost of an aggregation is its weight times the buckets of all aggregations above it. The weight is the most that
one bucket keeps, in bytes. Time grows with memory (docs/guard.md: the largest bodies that pass, run on 1 GB of heap).
Some aggregations have as many buckets as the documents have values (rare_terms, terms ordered by a sketch). Below
them, simple metrics are counted for a typical field, but sketches and hits for `Limits.buckets` buckets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from dstill_querydsl.language.guard.buckets import Buckets, buckets_of
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.ranges import Ranges
from dstill_querydsl.language.guard.walk import number
from dstill_querydsl.language.strict import escape

__all__ = ["Excess", "UnknownRange", "excesses", "unknown_ranges", "weight"]

MB = 1 << 20
_BUCKET = 1_000  # its key, its count, and its part of the response
_METRIC = 500  # ten averages in 10,000 buckets added 88 MB to OpenSearch's heap: 880 bytes each, garbage included
_FIGURE = 100  # one percentile, one rank, one metric of a top_metrics
_HIT = 2_000  # a typical document; it also takes 0.14 ms, so that 128 MB of hits take 9 s
_DIGEST = 320  # for each unit of compression: 610 digests of 1,000 grew OpenSearch's heap by 137 MB, 225 each
_REGISTERS = 4 / 0.75  # bytes for each unit of precision_threshold, before rounding up to a power of two
_OCTAVES = 64  # an HDR histogram may cover this many powers of two, with 8 bytes for each half of one
_LETTERS = 4_000  # string_stats counts each character
_MAX = 1e12
_QUEUE_SLOT = 40  # a document in the queue of a sampler: its number, its score and its slot
# Engines allocate these through a circuit breaker, so they refuse them before the heap runs out.
_CIRCUIT_BROKEN = frozenset(("cardinality",))


class Excess(NamedTuple):
    """A limit that the aggregations exceed."""

    message: str
    at: str  # JSON pointer
    hint: str


class UnknownRange(NamedTuple):
    """A histogram whose number of buckets only the documents decide."""

    field: str
    at: str  # JSON pointer
    assumed: bool  # whether it counts as `Limits.histogram_days` long


def unknown_ranges(body: Mapping[str, Any], ranges: Ranges, limits: Limits) -> list[UnknownRange]:
    """The histograms of `body` that fill gaps of unknown size."""
    tree = _Tree(limits)
    for name in ("aggs", "aggregations"):
        deque(tree.level(body.get(name), f"/{name}", ranges, 1, 1, lambda _: 1), maxlen=0)
    return tree.unknown


def excesses(body: Mapping[str, Any], ranges: Ranges, limits: Limits) -> Iterator[Excess]:
    """The limits on buckets and memory that the aggregations of `body` exceed."""
    tree = _Tree(limits)
    for name in ("aggs", "aggregations"):
        yield from tree.level(body.get(name), f"/{name}", ranges, 1, 1, lambda _: 1)
    tree.bytes += tree.gaps * _BUCKET
    if tree.bytes > limits.memory * MB:
        estimate = f"about {tree.bytes // MB + 1:,} MB"
        message = f"the aggregations may need {estimate} of memory, the limit is {limits.memory:,} MB"
        hint = "use fewer buckets, fewer or coarser sketches, or fewer hits in each bucket"
        yield Excess(message, tree.largest_at, hint)


class _Tree:
    """Adds up the memory of a body's aggregations."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._largest = 0
        self.largest_at = ""
        self.bytes = 0
        self.gaps = 0  # empty buckets in the whole response, which share their empty sub-aggregations
        self.unknown: list[UnknownRange] = []

    def level(
        self, level: Any, at: str, ranges: Ranges, answered: int, kept: int, most: Callable[[str], int]
    ) -> Iterator[Excess]:
        """One ``aggs`` object, whose parents have `answered` buckets in the response and `kept` while they run.

        `most` returns how many buckets the parents may have for one aggregation, if the documents decide.
        """
        for name, definition in level.items() if isinstance(level, dict) else ():
            if isinstance(definition, dict):
                yield from self._aggregation(definition, f"{at}/{escape(name)}", ranges, answered, kept, most(name))

    def _aggregation(
        self, definition: dict[str, Any], at: str, ranges: Ranges, answered: int, kept: int, most: int
    ) -> Iterator[Excess]:
        below_answered, below_kept, owns = answered, kept, [Buckets()]
        for name, options in definition.items():
            if name in ("aggs", "aggregations", "meta"):
                continue
            own, step = buckets_of(name, options, ranges, self._limits), f"{at}/{escape(name)}"
            owns.append(own)
            heavy = weight(name, options)
            parents = most if heavy > _METRIC and name not in _CIRCUIT_BROKEN else kept
            self._add(kept * own.kept * _BUCKET + parents * heavy, step)
            below_answered, below_kept = max(below_answered, answered * own.answered), max(below_kept, kept * own.kept)
            if own.unlimited or own.assumed:
                self.unknown.append(UnknownRange(own.unlimited or own.assumed, step, bool(own.assumed)))
                self.gaps = max(self.gaps, own.gaps)
            if own.unlimited and not own.gaps:
                message = f"the range of {own.unlimited!r} is unknown, and empty buckets would fill all of its gaps"
                yield Excess(message, step, "set min_doc_count to 1, or add hard_bounds")
            elif own.answered > 1 and answered * own.answered > self._limits.buckets:
                yield self._too_many(answered, own.answered, step)
        below = ranges.for_all_documents() if "global" in definition else ranges
        for name in ("aggs", "aggregations"):
            yield from self.level(
                definition.get(name),
                f"{at}/{name}",
                below,
                below_answered,
                below_kept,
                lambda inner: most * max(own.most_of(inner) for own in owns),
            )

    def _add(self, cost: int, at: str) -> None:
        self.bytes += cost
        if cost > self._largest:
            self._largest, self.largest_at = cost, at

    def _too_many(self, above: int, own: int, at: str) -> Excess:
        product, limit = f"{own:,}" if above == 1 else f"{own:,} × {above:,} = {own * above:,}", self._limits.buckets
        message = f"the aggregation may make about {product} buckets, the limit is {limit:,}"
        return Excess(message, at, "use fewer buckets or a coarser interval")


# --- weights ----------------------------------------------------------------------------


def weight(name: str, options: Any) -> int:
    """Bytes that an aggregation keeps in each bucket of its parent, without its own buckets."""
    estimate = _WEIGHTS.get(name)
    return int(estimate(options if isinstance(options, dict) else {})) if estimate else _METRIC


def _percentiles(options: dict[str, Any]) -> float:
    shown = max(_length(options.get("percents")), _length(options.get("values")))
    if "hdr" in options:
        return _hdr(options["hdr"]) + shown * _FIGURE
    digest = options.get("tdigest")
    return _digest(digest if isinstance(digest, dict) else {}, 100) + shown * _FIGURE


def _hdr(options: Any) -> float:
    digits = _number_or(options.get("number_of_significant_value_digits") if isinstance(options, dict) else None, 3)
    resolution = 2 * 10 ** min(int(digits), 5)  # engines accept at most 5
    return 4.0 * _power_of_two(resolution) * _OCTAVES


def _digest(options: dict[str, Any], default: int) -> float:
    return _METRIC + _DIGEST * _number_or(options.get("compression"), default)


def _cardinality(options: dict[str, Any]) -> float:
    needed = _REGISTERS * _number_or(options.get("precision_threshold"), 3_000)
    return float(_METRIC + _power_of_two(int(needed)))


def _top_hits(options: dict[str, Any]) -> float:
    return _METRIC + _HIT * _number_or(options.get("size"), 3) + _FIGURE * _number_or(options.get("from"), 0)


def _top_metrics(options: dict[str, Any]) -> float:
    return _METRIC + _FIGURE * _number_or(options.get("size"), 1) * _length(options.get("metrics"))


def _matrix_stats(options: dict[str, Any]) -> float:
    return _METRIC + _FIGURE * _length(options.get("fields")) ** 2


def _sampler(options: dict[str, Any]) -> float:
    return _METRIC + _QUEUE_SLOT * _number_or(options.get("shard_size"), 100)


_WEIGHTS: dict[str, Callable[[dict[str, Any]], float]] = {
    "percentiles": _percentiles,
    "percentile_ranks": _percentiles,
    "boxplot": lambda options: _digest(options, 100),
    "median_absolute_deviation": lambda options: _digest(options, 1_000),
    "cardinality": _cardinality,
    "top_hits": _top_hits,
    "top_metrics": _top_metrics,
    "matrix_stats": _matrix_stats,
    "string_stats": lambda _: _LETTERS,
    "sampler": _sampler,
    "diversified_sampler": _sampler,
}


def _number_or(value: Any, default: int) -> float:
    """A number, or the default. Strings that only Java reads as numbers (5d, 0x1.4p2) count as very large."""
    size = _MAX if isinstance(value, str) and number(value) is None else number(value)
    return float(default) if size is None else min(max(size, 0.0), _MAX)


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 0).bit_length()


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1
