"""What the aggregations of a body keep in memory while they run: one budget for the whole tree.

In: the body, what is known of its fields' ranges, and `Limits`. Out: problems (message, pointer, hint):

    18 × percentiles with 5 digits of HDR in 3 filters   -> 18 * 4 * 64 MB, far beyond `Limits.memory`
    terms, size 1,000, over percentiles                   -> 1,510 buckets a shard * 32 kB: 49 MB, within it

Every aggregation costs its weight times the buckets of all that are above it. A weight is what one bucket keeps at
most, in bytes; time goes with it (docs/guard.md: the largest bodies that pass, run on 1 GB of heap). Where only the
documents say how many buckets there are (rare_terms, terms in the order of a sketch), simple metrics count as in an
ordinary field, and sketches and hits as in `Limits.buckets`.
"""

from __future__ import annotations

from typing import Any, Callable, Iterator, Mapping, NamedTuple

from dstill_querydsl.guard.buckets import Buckets, buckets_of
from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.guard.ranges import Ranges
from dstill_querydsl.guard.walk import number
from dstill_querydsl.language.strict import escape

__all__ = ["Excess", "excesses", "weight"]

MB = 1 << 20
_BUCKET = 1_000  # with its key, its count, and its place in the answer
_METRIC = 500  # ten averages in 10,000 buckets added 88 MB to OpenSearch's heap: 880 bytes each, garbage included
_SHOWN = 100  # one percentile, one rank, one metric of a top_metrics
_HIT = 2_000  # an ordinary document; also 0.14 ms, so that 128 MB of hits take 9 s
_DIGEST = 320  # for each unit of compression: 610 digests of 1,000 grew OpenSearch's heap by 137 MB, 225 each
_REGISTERS = 4 / 0.75  # bytes for each unit of precision_threshold, before they are rounded up to a power of two
_OCTAVES = 64  # that an HDR histogram may come to cover; its arrays hold 8 bytes for half of a power of two
_LETTERS = 4_000  # string_stats counts each character
_MOST = 1e12
_QUEUED = 40  # a document that a sampler waits to choose from: its number, its score, and their place in the queue
# What engines themselves refuse when it outgrows the heap, as they allocate it through a circuit breaker.
_BROKEN = frozenset(("cardinality",))


class Excess(NamedTuple):
    message: str
    at: str
    hint: str


def excesses(body: Mapping[str, Any], ranges: Ranges, limits: Limits) -> Iterator[Excess]:
    tree = _Tree(limits)
    for name in ("aggs", "aggregations"):
        yield from tree.level(body.get(name), f"/{name}", ranges, 1, 1, lambda _: 1)
    if tree.bytes > limits.memory * MB:
        about = f"{tree.bytes // MB + 1:,} MB"
        message = f"the aggregations may keep about {about}, beyond the limit of {limits.memory:,} MB"
        yield Excess(
            message, tree.largest_at, "use fewer buckets, fewer or coarser sketches, or fewer hits in each bucket"
        )


class _Tree:
    """Adds up what a body's aggregations keep."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._largest = 0
        self.largest_at = ""
        self.bytes = 0

    def level(
        self, level: Any, at: str, ranges: Ranges, answered: int, kept: int, most: Callable[[str], int]
    ) -> Iterator[Excess]:
        for name, definition in level.items() if isinstance(level, dict) else ():
            if isinstance(definition, dict):
                yield from self._one(definition, f"{at}/{escape(name)}", ranges, answered, kept, most(name))

    def _one(
        self, definition: dict[str, Any], at: str, ranges: Ranges, answered: int, kept: int, most: int
    ) -> Iterator[Excess]:
        below_answered, below_kept, owns = answered, kept, [Buckets()]
        for name, options in definition.items():
            if name in ("aggs", "aggregations", "meta"):
                continue
            own, step = buckets_of(name, options, ranges, self._limits), f"{at}/{escape(name)}"
            owns.append(own)
            heavy = weight(name, options)
            stands_in = most if heavy > _METRIC and name not in _BROKEN else kept
            self._add(kept * own.kept * _BUCKET + stands_in * heavy, step)
            below_answered, below_kept = max(below_answered, answered * own.answered), max(below_kept, kept * own.kept)
            if own.unlimited:
                message = (
                    f"the range of {own.unlimited!r} is not known, and its gaps would be filled with empty buckets"
                )
                yield Excess(message, step, "set min_doc_count to 1, or limit it by hard_bounds")
            elif own.answered > 1 and answered * own.answered > self._limits.buckets:
                yield self._too_many(answered, own.answered, step)
        below = ranges.of_all_documents() if "global" in definition else ranges
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
        message = f"about {product} buckets are beyond the limit of {limit:,}"
        return Excess(message, at, f"at most {limit:,}: fewer, or a coarser interval")


# --- weights ----------------------------------------------------------------------------


def weight(name: str, options: Any) -> int:
    """Bytes that an aggregation keeps in each bucket that it stands in, beside buckets of its own."""
    return int(_WEIGHTS.get(name, _metric)(options if isinstance(options, dict) else {}))


def _metric(options: dict[str, Any]) -> float:
    return _METRIC


def _percentiles(options: dict[str, Any]) -> float:
    shown = max(_length(options.get("percents")), _length(options.get("values")))
    if "hdr" in options:
        return _hdr(options["hdr"]) + shown * _SHOWN
    digest = options.get("tdigest")
    return _digest(digest if isinstance(digest, dict) else {}, 100) + shown * _SHOWN


def _hdr(options: Any) -> float:
    digits = _at_least(options.get("number_of_significant_value_digits") if isinstance(options, dict) else None, 3)
    resolution = 2 * 10 ** min(int(digits), 5)  # engines take no more
    return 4.0 * _power_of_two(resolution) * _OCTAVES


def _digest(options: dict[str, Any], default: int) -> float:
    return _METRIC + _DIGEST * _at_least(options.get("compression"), default)


def _cardinality(options: dict[str, Any]) -> float:
    needed = _REGISTERS * _at_least(options.get("precision_threshold"), 3_000)
    return float(_METRIC + _power_of_two(int(needed)))


def _top_hits(options: dict[str, Any]) -> float:
    return _METRIC + _HIT * _at_least(options.get("size"), 3) + _SHOWN * _at_least(options.get("from"), 0)


def _top_metrics(options: dict[str, Any]) -> float:
    return _METRIC + _SHOWN * _at_least(options.get("size"), 1) * _length(options.get("metrics"))


def _matrix_stats(options: dict[str, Any]) -> float:
    return _METRIC + _SHOWN * _length(options.get("fields")) ** 2


def _sampler(options: dict[str, Any]) -> float:
    return _METRIC + _QUEUED * _at_least(options.get("shard_size"), 100)


def _string_stats(options: dict[str, Any]) -> float:
    return _LETTERS


_WEIGHTS: dict[str, Callable[[dict[str, Any]], float]] = {
    "percentiles": _percentiles,
    "percentile_ranks": _percentiles,
    "boxplot": lambda options: _digest(options, 100),
    "median_absolute_deviation": lambda options: _digest(options, 1_000),
    "cardinality": _cardinality,
    "top_hits": _top_hits,
    "top_metrics": _top_metrics,
    "matrix_stats": _matrix_stats,
    "string_stats": _string_stats,
    "sampler": _sampler,
    "diversified_sampler": _sampler,
}


def _at_least(value: Any, default: int) -> float:
    """A number as it is given, else the default. Java reads more texts as numbers (5d, 0x1.4p2): they count as many."""
    found = _MOST if isinstance(value, str) and number(value) is None else number(value)
    return float(default) if found is None else min(max(found, 0.0), _MOST)


def _power_of_two(least: int) -> int:
    return 1 << max(least - 1, 0).bit_length()


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1
