"""The largest bodies that the guard lets through, one for each bound, and an index that is hard on them.

    FAMILIES["t-digest"].largest()      -> 2656, the most buckets with percentiles that pass
    FAMILIES["t-digest"].body(2656)     -> {"size": 0, "aggs": {"a": {"terms": {"field": "c", "size": 2656}, …}}}

The index has 10,000 values of the keyword `c`, numbers over twelve orders of magnitude in `v`, dates of two years in
`at` and one each of the years 1 and 9999, and a long keyword of its own for each document in `s`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language import guard

MAPPING: dict[str, Any] = {
    "properties": {
        "c": {"type": "keyword"},
        "s": {"type": "keyword"},
        "u": {"type": "long"},
        "v": {"type": "double"},
        "at": {"type": "date"},
        "tag": {"type": "keyword"},
    }
}


def documents(count: int) -> Iterator[dict[str, Any]]:
    drawn = random.Random(2)
    for n in range(count):
        near = (drawn.randint(2024, 2025), drawn.randint(1, 12), drawn.randint(1, 28))
        yield {
            "c": f"c{n % 10_000:05}",
            "s": f"u{n % 100:02}" + "".join(drawn.choices("abc", k=30)),
            "u": drawn.randrange(2**45),
            "v": 10 ** drawn.uniform(-3, 9),
            "at": "{:04}-{:02}-{:02}".format(*{0: (1, 1, 1), 1: (9999, 12, 31)}.get(n, near)),
            "tag": f"t{n % 100}",
        }


@dataclass(frozen=True)
class Family:
    """Bodies that grow with a number."""

    bound: str  # the limit that stops them
    body: Callable[[int], dict[str, Any]]
    most: int = 1_000

    def largest(self) -> int:
        """The greatest number up to `most` whose body passes."""
        low, high = 0, self.most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (low, middle - 1) if guard.check(self.body(middle)) else (middle, high)
        return low


def _terms(size: int, inner: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    outer = {"terms": {"field": "c", "size": size, **options}}
    return {"size": 0, "aggs": {"a": {**outer, "aggs": inner} if inner else outer}}


def _each(name: str, **options: Any) -> Callable[[int], dict[str, Any]]:
    return lambda n: _terms(n, {"b": {name: options}})


def _patterns(query: str, pattern: Callable[[int], str], count: int = 1) -> Callable[[int], dict[str, Any]]:
    return lambda n: {"size": 0, "query": {"bool": {"should": [{query: {"s": pattern(n + i)}} for i in range(count)]}}}


def _many(query: str, pattern: Callable[[int], str]) -> Callable[[int], dict[str, Any]]:
    return lambda n: {"size": 0, "query": {"bool": {"should": [{query: {"s": pattern(i)}} for i in range(n)]}}}


def _fuzzy(length: int) -> dict[str, Any]:
    return {"size": 0, "query": {"fuzzy": {"s": {"value": "u0" + "ab" * (length // 2), "fuzziness": 2}}}}


def _averages(n: int) -> dict[str, Any]:
    averages = {f"v{i}": {"avg": {"field": "v"}} for i in range(n)}
    return _terms(100, {"b": {"terms": {"field": "tag", "size": 100}, "aggs": averages}})


def _histogram(n: int) -> dict[str, Any]:
    bounds = {"min": 0, "max": n}
    return {"size": 0, "aggs": {"a": {"histogram": {"field": "v", "interval": 1, "hard_bounds": bounds}}}}


FAMILIES: dict[str, Family] = {
    "nested counts": Family("patterns", _patterns("regexp", lambda n: f"u(a{{1,{n}}}){{1,{n}}}")),
    "copies that can be empty": Family("patterns", _patterns("regexp", lambda n: f"u(a?){{{n}}}"), 100),
    "ambiguous patterns": Family("patterns", _many("regexp", lambda i: "u.{0,10}a.{0,10}b" + "c" * i), 256),
    "wildcards": Family("patterns", _many("wildcard", lambda i: "u*" + "ab" * 40 + "*" + "a" * i), 256),
    "fuzzy": Family("patterns", _fuzzy),
    "t-digest": Family("memory", _each("percentiles", field="v"), 10_000),
    "HDR, 3 digits": Family("memory", _each("percentiles", field="v", hdr={"number_of_significant_value_digits": 3})),
    "HDR, 5 digits": Family("memory", lambda n: {"size": 0, "aggs": {f"a{i}": {"percentiles": {
        "field": "v", "hdr": {"number_of_significant_value_digits": 5}}} for i in range(n)}}, 20),
    "median_absolute_deviation": Family("memory", _each("median_absolute_deviation", field="v")),
    "cardinality": Family("memory", _each("cardinality", field="u"), 10_000),
    "cardinality, 40,000": Family("memory", _each("cardinality", field="u", precision_threshold=40_000)),
    "top_hits": Family("memory", _each("top_hits", size=100)),
    "averages in 100 × 100 buckets": Family("memory", _averages, 20),
    "terms": Family("buckets", lambda n: _terms(n), 20_000),
    "histogram": Family("buckets", _histogram, 20_000),
    "days of the years 1 to 9999": Family("histogram_days", lambda n: {"size": 0, "aggs": {"a": {"date_histogram": {
        "field": "at", "fixed_interval": f"{25 - n}h"}}}}, 24),
}  # fmt: skip

# Milliseconds of the largest body of each family: Elasticsearch 9.2.0 and OpenSearch 3.8.0, one node at a time with
# 1 GB of heap (serial collector) on two cores that had other work, one shard of 400,000 documents.
MEASURED: dict[str, tuple[int, int]] = {
    "nested counts": (285, 178),
    "copies that can be empty": (85, 144),
    "ambiguous patterns": (11_031, 10_683),
    "wildcards": (3_293, 3_622),
    "fuzzy": (787, 728),
    "t-digest": (652, 636),
    "HDR, 3 digits": (2_277, 1_878),
    "HDR, 5 digits": (2_331, 1_770),
    "median_absolute_deviation": (142, 297),
    "cardinality": (1_351, 1_857),
    "cardinality, 40,000": (993, 1_051),
    "top_hits": (7_716, 4_736),
    "averages in 100 × 100 buckets": (318, 97),
    "terms": (304, 444),
    "histogram": (397, 184),
    "days of the years 1 to 9999": (592, 5_870),
}
