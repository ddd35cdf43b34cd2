"""Whatever body the guard lets through costs less than its limits say, by a count that shares no code with it.

The count is the naive one: it writes out every copy of a pattern and lists the pairs of characters that can follow each
other, walks into every bucket of every aggregation, and steps through a histogram bucket by bucket. That takes long, so
that the limits are low here; what passes is counted to the end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from dstill_querydsl.language import guard
from dstill_querydsl.language.guard import Limits

MB = 1 << 20
LOW = Limits(memory=1, patterns=1_500, buckets=1_000, wildcards=10)
GAPS = 65_536  # empty buckets in one response, before Elasticsearch refuses to add more
LOW_WITH_GAPS = replace(LOW, memory=64)  # 62.5 of them for the gaps
STEPS_A_CHARACTER = 400  # calls of functions by the guard, for each character of a body


# --- patterns ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """Of an automaton: states are numbers, and pairs of them are transitions."""

    first: frozenset[int] = frozenset()
    last: frozenset[int] = frozenset()
    empty: bool = True
    states: int = 0
    pairs: list[tuple[int, int]] = field(default_factory=list)

    def moved(self, by: int) -> Piece:
        def move(states: frozenset[int]) -> frozenset[int]:
            return frozenset(state + by for state in states)

        pairs = [(one + by, two + by) for one, two in self.pairs]
        return Piece(move(self.first), move(self.last), self.empty, self.states, pairs)


class TooLarge(Exception):
    pass


Tree = tuple[Any, ...]
_leaves = st.sampled_from([("a", "a"), ("a", "b"), ("a", "."), ("a", "[xy]")])
trees = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("then"), inner, inner),
        st.tuples(st.just("or"), inner, inner),
        st.tuples(st.just("repeat"), inner, st.integers(0, 12), st.integers(0, 12) | st.none()),
        st.tuples(st.just("repeat"), inner, st.sampled_from([1, 50, 900, 10**8]), st.just(0)),
    ),
    max_leaves=5,
)


def text_of(tree: Tree) -> str:
    kind, *parts = tree
    if kind == "a":
        return str(parts[0])
    if kind in ("then", "or"):
        return f"({('|' if kind == 'or' else '').join(map(text_of, parts))})"
    low, more = parts[1:]
    return f"({text_of(parts[0])}){{{low},{'' if more is None else low + more}}}"


def built(tree: Tree, cap: int) -> Piece:
    """The automaton, with every copy written out. Raises TooLarge beyond `cap` states or transitions."""
    kind, *parts = tree
    if kind == "a":
        both = frozenset((0,))
        return Piece(both, both, False, 1)
    if kind == "then":
        return _after(*(built(part, cap) for part in parts), cap)
    if kind == "or":
        one = built(parts[0], cap)
        two = built(parts[1], cap).moved(one.states)
        states, pairs = one.states + two.states, one.pairs + two.pairs
        return Piece(one.first | two.first, one.last | two.last, one.empty or two.empty, states, pairs)
    return _copies(built(parts[0], cap), parts[1], parts[2], cap)


def _after(one: Piece, two: Piece, cap: int) -> Piece:
    two = two.moved(one.states)
    pairs = one.pairs + two.pairs + [(last, first) for last in one.last for first in two.first]
    if one.states + two.states + len(pairs) > cap:
        raise TooLarge
    first = one.first | two.first if one.empty else one.first
    last = one.last | two.last if two.empty else two.last
    return Piece(first, last, one.empty and two.empty, one.states + two.states, pairs)


def _copies(one: Piece, low: int, more: int | None, cap: int) -> Piece:
    """`low` copies in a row, and `more` behind them, each of which may be the last (or a loop)."""
    found = Piece()
    for _ in range(low if one.states else 0):
        found = _after(found, one, cap)
    before, ends = found.last, found.last
    first = found.first
    for copy in range(1 if more is None else more):
        next_ = one.moved(found.states)
        pairs = found.pairs + next_.pairs + [(last, head) for last in before for head in next_.first]
        pairs += [(last, head) for last in next_.last for head in next_.first] if more is None else []
        if found.states + next_.states + len(pairs) > cap:
            raise TooLarge
        first = first | next_.first if found.empty and copy == 0 else first
        before, ends = next_.last, ends | next_.last
        found = Piece(first, ends, low == 0 or one.empty, found.states + next_.states, pairs)
    return Piece(first, ends, low == 0 or one.empty, found.states, found.pairs)


PATTERN_PLACES: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda text: {"query": {"regexp": {"f": text}}},
    lambda text: {"query": {"bool": {"must_not": {"regexp": {"f": {"value": text}}}}}},
    lambda text: {"query": {"intervals": {"f": {"any_of": {"intervals": [{"regexp": {"pattern": text}}]}}}}},
    lambda text: {"aggs": {"a": {"terms": {"field": "f", "exclude": text}}}},
)


@given(st.lists(trees, min_size=1, max_size=4), st.sampled_from(PATTERN_PLACES))
def test_accepted_patterns_have_small_automata(patterns: list[Tree], place: Callable[[str], dict[str, Any]]) -> None:
    bodies = [place(f"x{text_of(tree)}") for tree in patterns]
    body = bodies[0] if "aggs" in bodies[0] else {"query": {"bool": {"should": [one["query"] for one in bodies]}}}
    checked = patterns[:1] if "aggs" in body else patterns
    passed = guard.check(body, LOW) == ()
    event("passed" if passed else "refused")
    if passed:
        automata = [built(("then", ("a", "x"), tree), LOW.patterns) for tree in checked]  # else TooLarge
        assert sum(one.states + len(one.pairs) for one in automata) <= LOW.patterns


@given(trees)
def test_accepts_small_pattern(tree: Tree) -> None:
    """The guard counts no more than there is: what is far below the limit is let through."""
    text = f"x{text_of(tree)}"
    try:
        automaton = built(("then", ("a", "x"), tree), 10_000)
    except TooLarge:
        return
    small = automaton.states + len(automaton.pairs) <= LOW.patterns / 4
    if small and text.count("{") <= LOW.wildcards:
        assert guard.check({"query": {"regexp": {"f": text}}}, LOW) == ()


# --- fuzzy texts ------------------------------------------------------------------------

FUZZY_QUERIES: tuple[Callable[[str, int], dict[str, Any]], ...] = (
    lambda text, count: {"match": {"f": {"query": text, "fuzziness": "AUTO"}}},
    lambda text, count: {"match_bool_prefix": {"f": {"query": text, "fuzziness": 1}}},
    lambda text, count: {"multi_match": {"query": text, "fields": ["f"] * count, "fuzziness": "2"}},
    lambda text, count: {"simple_query_string": {"query": f"{text}~2", "fields": ["f"] * count}},
    lambda text, count: {"fuzzy": {"f": text}},
    lambda text, count: {"intervals": {"f": {"fuzzy": {"term": text}}}},
)


@given(
    st.lists(
        st.tuples(st.sampled_from(FUZZY_QUERIES), st.text("ab ", min_size=1, max_size=60), st.integers(1, 5)),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_accepted_fuzzy_texts_are_small(made: list[tuple[Any, str, int]]) -> None:
    queries = [query(text, count) for query, text, count in made]
    passed = guard.check({"query": {"bool": {"should": queries}}}, LOW) == ()
    event("passed" if passed else "refused")
    size = 0
    for query, (_, text, _) in zip(queries, made, strict=True):
        [(name, options)] = query.items()
        written = len(text) + 2 * (name == "simple_query_string")  # ~2
        size += 10 * written * len(options.get("fields", ["f"]))
    assert passed == (size <= LOW.patterns)


# --- aggregations -----------------------------------------------------------------------

digits = st.integers(0, 5)
leaf_aggregations: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"avg": {"field": "f"}}),
    st.builds(lambda d: {"percentiles": {"field": "f", "hdr": {"number_of_significant_value_digits": d}}}, digits),
    st.builds(lambda c: {"percentiles": {"field": "f", "tdigest": {"compression": c}}}, st.integers(1, 1_000)),
    st.just({"percentile_ranks": {"field": "f", "values": [1]}}),
    st.builds(lambda c: {"median_absolute_deviation": {"field": "f", "compression": c}}, st.integers(1, 1_000)),
    st.just({"median_absolute_deviation": {"field": "f"}}),
    st.builds(lambda p: {"cardinality": {"field": "f", "precision_threshold": p}}, st.integers(0, 40_000)),
    st.builds(lambda n: {"top_hits": {"size": n}}, st.integers(0, 100)),
)
small = st.integers(1, 40)
bucket_aggregations: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda n: {"terms": {"field": "f", "size": n}}, st.integers(1, 2_000)),
    st.builds(lambda n, m: {"terms": {"field": "f", "size": n, "shard_size": m}}, small, st.integers(1, 5_000)),
    st.builds(lambda n: {"terms": {"field": "f", "size": n, "order": {"b": "asc"}}}, small),
    st.builds(lambda n: {"filters": {"filters": [{"term": {"f": i}} for i in range(n)]}}, small),
    st.builds(lambda n: {"range": {"field": "f", "ranges": [{"from": i} for i in range(n)]}}, small),
    st.builds(lambda n: {"composite": {"size": n, "sources": [{"x": {"terms": {"field": "f"}}}]}}, small),
    st.builds(
        lambda low, width, step: {
            "histogram": {"field": "f", "interval": step, "hard_bounds": {"min": low, "max": low + width}}
        },
        st.integers(-(10**9), 10**9), st.integers(0, 10**6), st.sampled_from([0.1, 1, 7, 1000]),
    ),
    st.builds(
        lambda first, last, step: {
            "date_histogram": {"field": "t", "fixed_interval": step, "hard_bounds": {"min": first, "max": last}}
        },
        *(st.dates().map(str) for _ in range(2)), st.sampled_from(["1m", "1h", "1d", "30d"]),
    ),
    st.builds(
        lambda missing, step: {"date_histogram": {"field": "t", "fixed_interval": step, "missing": missing}},
        st.dates().map(str), st.sampled_from(["1h", "1d", "7d", "365d"]),
    ),
    st.just({"rare_terms": {"field": "f"}}),
    st.just({"ip_prefix": {"field": "f", "prefix_length": 8}}),
    st.builds(lambda p, n: {"geotile_grid": {"field": "f", "precision": p, "size": n}}, st.integers(0, 10), small),
    st.builds(lambda step: {"histogram": {"field": "f", "interval": step, "min_doc_count": 1}}, small),
    st.just({"filter": {"term": {"f": 1}}}),
    st.just({"global": {}}),
)  # fmt: skip
histograms_with_gaps: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(
        lambda step, more: {"histogram": {"field": "unknown", "interval": step, **more}},
        st.sampled_from([1e-9, 0.1, 1, 7, 1000]), st.sampled_from([{}, {"min_doc_count": 0}, {"missing": 5_000}]),
    ),
    st.builds(
        lambda step: {"date_histogram": {"field": "at", "fixed_interval": step}},
        st.sampled_from(["1s", "1m", "1h", "12h", "1d", "30d"]),
    ),
)  # fmt: skip


def levels(buckets: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.recursive(
        st.dictionaries(st.sampled_from("abcd"), leaf_aggregations, min_size=1, max_size=3),
        lambda inner: st.dictionaries(
            st.sampled_from("abcd"),
            st.builds(lambda one, below: {**one, "aggs": below}, buckets, inner) | leaf_aggregations,
            min_size=1,
            max_size=3,
        ),
        max_leaves=6,
    )


aggregations = levels(bucket_aggregations)


def bytes_of(name: str, options: dict[str, Any]) -> int:
    """What a sketch keeps, as its algorithm has it."""
    if name == "percentiles" and "hdr" in options:
        sub_buckets = 1
        while sub_buckets < 2 * 10 ** options["hdr"]["number_of_significant_value_digits"]:
            sub_buckets *= 2
        largest, arrays = sub_buckets, 1
        while largest < 2**62:  # one more array for each power of two, up to the largest long
            largest, arrays = largest * 2, arrays + 1
        return 8 * (arrays + 1) * sub_buckets // 2
    if name in ("percentiles", "percentile_ranks"):
        return 2 * 8 * 7 * int(options.get("tdigest", {}).get("compression", 100))  # 2 centroids a unit, and 5 buffered
    if name == "median_absolute_deviation":
        return 2 * 8 * 7 * int(options.get("compression", 1_000))
    if name == "cardinality":
        registers = 16
        while registers * 0.75 < 4 * options["precision_threshold"]:
            registers *= 2
        return registers
    return 1_000 * int(options["size"]) if name == "top_hits" else 100


DATA_DEPENDENT = ("rare_terms", "ip_prefix", "geotile_grid")  # only the documents say how many buckets they have
SKETCHES = ("percentiles", "percentile_ranks", "median_absolute_deviation", "top_hits")


DAY = 86_400


def buckets(name: str, options: dict[str, Any], cap: int, sketches: bool, hits: int | None = None) -> int:
    """Counted one by one, up to `cap`; for `sketches`, as many as an engine may come to keep.

    `hits`: the days between the dates of the hits, which the range of a histogram with gaps is counted from.
    """
    if options.get("field") in ("unknown", "at"):
        by_days = str(options.get("fixed_interval")).endswith("d")  # counts as a year of days on every engine
        return LOW.buckets if sketches and not by_days else _steps_of_hits(options, hits)
    if name in DATA_DEPENDENT or options.get("min_doc_count") == 1:
        total = 4 ** options["precision"] if name == "geotile_grid" else cap
        return int(min(total, LOW.buckets if sketches else options.get("size", 100)))
    if name == "terms":
        sampled = max(options.get("shard_size", 0), int(options["size"] * 1.5 + 10))
        return sampled if "order" not in options else max(sampled, 1_000)
    if name in ("filters", "range"):
        return len(options["filters" if name == "filters" else "ranges"])
    if name == "composite":
        return int(options["size"])
    if name not in ("histogram", "date_histogram"):
        return 1
    if name == "histogram":
        low, high, step = options["hard_bounds"]["min"], options["hard_bounds"]["max"], options["interval"]
    else:
        length = options["fixed_interval"]
        step = int(length[:-1]) * {"m": 60, "h": 3600, "d": 86400}[length[-1]]
        bounds = options.get("hard_bounds") or {"min": options["missing"], "max": "2023-11-14"}
        ends = [datetime.fromisoformat(f"{end}T00:00:00+00:00").timestamp() for end in bounds.values()]
        low, high = ends if "hard_bounds" in options else sorted(ends)
    count, at = 1, low
    while at + step <= high and count < cap:
        at, count = at + step, count + 1
    return count


def _steps_of_hits(options: dict[str, Any], hits: int | None) -> int:
    """The buckets of a histogram over as many days as a year has, or fewer hits; or over 99 steps of 1 or more."""
    if "fixed_interval" in options:
        step = float(
            {"1s": 1, "1m": 60, "1h": 3600, "12h": 43_200, "1d": DAY, "30d": 30 * DAY}[options["fixed_interval"]]
        )
        width = DAY * min(LOW.histogram_days, LOW.histogram_days if hits is None else hits)
    else:
        step = options["interval"]
        width = max(99 * max(1, step), options.get("missing", 0))
    count, at = 1, 0.0
    while at + step <= width and count <= LOW.buckets:
        at, count = at + step, count + 1
    return count


class Count:
    """Walks into every bucket of every aggregation, once for `sketches` and once for all else."""

    def __init__(self, cap: int, sketches: bool, spent: int = 0, hits: int | None = None) -> None:
        self.bytes, self._cap, self._sketches, self._hits = spent, cap, sketches, hits

    def level(self, level: dict[str, Any]) -> None:
        for definition in level.values():
            [(name, options)] = [(name, options) for name, options in definition.items() if name != "aggs"]
            if "aggs" not in definition and (name in SKETCHES) == self._sketches:
                self.bytes += bytes_of(name, options)
            if not self._sketches or self._holds_sketches(definition.get("aggs", {})):
                self._below(name, options, definition)

    def _holds_sketches(self, level: dict[str, Any]) -> bool:
        return any(name in SKETCHES or (name == "aggs" and self._holds_sketches(below))
                   for definition in level.values() for name, below in definition.items())  # fmt: skip

    def _below(self, name: str, options: dict[str, Any], definition: dict[str, Any]) -> None:
        if "aggs" in definition:
            for _ in range(buckets(name, options, self._cap, self._sketches, self._hits)):
                self.bytes += 100 * (not self._sketches)
                if self.bytes > self._cap:
                    raise TooLarge
                self.level(definition["aggs"])


@given(aggregations)
def test_accepted_aggregations_are_within_budget(aggs: dict[str, Any]) -> None:
    passed = guard.check({"size": 0, "aggs": aggs}, LOW) == ()
    event("passed" if passed else "refused")
    if passed:
        count = Count(LOW.memory * MB, sketches=False)
        count.level(aggs)  # else TooLarge
        count = Count(LOW.memory * MB, sketches=True, spent=count.bytes)
        count.level(aggs)
        assert count.bytes <= LOW.memory * MB


def answered(level: dict[str, Any], above: int, hits: int | None) -> int:
    """The most buckets of one aggregation in a response, in all buckets above it."""
    most = above
    for definition in level.values():
        [(name, options)] = [(name, options) for name, options in definition.items() if name != "aggs"]
        own = buckets(name, options, LOW.buckets + 1, sketches=False, hits=hits)
        if name in ("histogram", "date_histogram"):
            most = max(most, above * own)
        most = max(most, answered(definition.get("aggs", {}), above * own, hits) if own <= LOW.buckets else above * own)
    return most


@given(levels(histograms_with_gaps), st.none() | st.integers(0, 400))
def test_accepted_histograms_with_gaps_are_within_budget(aggs: dict[str, Any], hits: int | None) -> None:
    """… on an engine that stops before it fills too many gaps. Other engines would fill them all."""
    between = {"gte": "2023-01-01", "lte": f"2023-01-01||+{hits}d"}
    body = {"size": 0, "aggs": aggs, **({} if hits is None else {"query": {"range": {"at": between}}})}
    passed = guard.check(body, LOW_WITH_GAPS, dialect="elasticsearch9") == ()
    event("passed" if passed else "refused")
    if passed:
        count = Count(LOW_WITH_GAPS.memory * MB, sketches=False, spent=GAPS * 100, hits=hits)
        count.level(aggs)  # else TooLarge
        count = Count(LOW_WITH_GAPS.memory * MB, sketches=True, spent=count.bytes, hits=hits)
        count.level(aggs)
        assert count.bytes <= LOW_WITH_GAPS.memory * MB
        assert answered(aggs, 1, hits) <= LOW.buckets
    for dialect in ("", "opensearch2", "opensearch3"):
        unknown = [one.field for one in guard.unknown_ranges(body) if not one.assumed]
        assert not unknown or guard.check(body, LOW_WITH_GAPS, dialect=dialect)


@given(st.sampled_from(["histogram", "date_histogram"]), st.dictionaries(
    st.sampled_from(["missing", "min_doc_count", "extended_bounds", "offset", "keyed"]),
    st.sampled_from([0, "0", {"min": 0, "max": 1}, True, None]), max_size=4))  # fmt: skip
def test_refuses_small_steps_over_unknown_range(name: str, more: dict[str, Any]) -> None:
    step = {"interval": 5} if name == "histogram" else {"fixed_interval": "1h"}
    assert guard.check({"aggs": {"a": {name: {"field": "f", **step, **more}}}})


# --- any body ---------------------------------------------------------------------------

_WORDS = ("aggs", "terms", "field", "size", "histogram", "interval", "missing", "hard_bounds", "min", "percentiles",
          "hdr", "number_of_significant_value_digits", "tdigest", "compression", "query", "regexp", "value", "f",
          "filters", "ranges", "top_hits", "order", "date_histogram", "fixed_interval", "cardinality")  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400)
    | st.text(alphabet='ab.*+?{}1,()[]|&^\\"<>-@~#', max_size=60) | st.sampled_from(["1d", "1h", "now", "0001-01-01"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(("aggs", "query", "size")), anything))
def test_no_body_raises(body: dict[str, Any]) -> None:
    assert isinstance(guard.check(body, Limits(query_string=True)), tuple)


@given(st.text(alphabet='ab.*+?{}1,()[]|&^\\"<>-@~#', max_size=30), st.integers(1, 3_000))
def test_check_is_linear_in_text_length(unit: str, times: int) -> None:
    """… and no faster: a pattern is read once, however it is nested or left open."""
    body = {"query": {"regexp": {"f": unit * times}}}
    steps = 0

    def count(frame: Any, kind: str, called: Any) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        guard.check(body, Limits(string_length=10_000))
    finally:
        sys.setprofile(None)
    assert steps <= 2_000 + STEPS_A_CHARACTER * len(json.dumps(body))
