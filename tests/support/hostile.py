"""Bodies that the guard has to refuse, by name, and places in which each can be hidden.

HOSTILE["wrapper"]  -> Hostile(kind="query", part={"wrapper": …}, code="wrapper")
hidden(HOSTILE["wrapper"])  -> ("bool.must", {"query": {"bool": {"must": [{"wrapper": …}]}}}), …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SCRIPT = {"source": "while (true) {}"}


@dataclass(frozen=True)
class Hostile:
    kind: str  # query, aggregation, sort, hits (keys of a body that top_hits takes too), body
    part: Any
    code: str


def _queries(code: str, **parts: Any) -> dict[str, Hostile]:
    return {name: Hostile("query", part, code) for name, part in parts.items()}


def _aggregations(code: str, **parts: Any) -> dict[str, Hostile]:
    return {name: Hostile("aggregation", part, code) for name, part in parts.items()}


HOSTILE: dict[str, Hostile] = {
    # --- scripts
    **_queries(
        "script",
        script_query={"script": {"script": SCRIPT}},
        script_score={"script_score": {"query": {"match_all": {}}, "script": SCRIPT}},
        function_script={"function_score": {"script_score": {"script": SCRIPT}}},
        function_script_listed={"function_score": {"functions": [{"weight": 2, "script_score": {"script": SCRIPT}}]}},
        terms_set_script={"terms_set": {"f": {"terms": ["a"], "minimum_should_match_script": SCRIPT}}},
        intervals_script={"intervals": {"f": {"match": {"query": "x", "filter": {"script": SCRIPT}}}}},
        intervals_script_deep={"intervals": {"f": {"all_of": {"intervals": [{"any_of": {"intervals": [
            {"match": {"query": "x", "filter": {"script": SCRIPT}}}]}}]}}}},
        script_for_a_value={"term": {"f": {"value": {"script": SCRIPT}}}},
        script_for_a_bound={"range": {"f": {"gte": {"script": SCRIPT}}}},
    ),
    **_aggregations(
        "script",
        terms_script={"terms": {"script": SCRIPT}},
        terms_value_script={"terms": {"field": "f", "script": SCRIPT}},
        avg_script={"avg": {"script": SCRIPT}},
        cardinality_script={"cardinality": {"script": "doc['f'].value"}},
        histogram_script={"histogram": {"script": SCRIPT, "interval": 1}},
        scripted_metric={"scripted_metric": {"init_script": "1", "map_script": "1", "reduce_script": "1"}},
        bucket_script={"bucket_script": {"buckets_path": {"a": "b"}, "script": "1"}},
        bucket_selector={"bucket_selector": {"buckets_path": {"a": "b"}, "script": "1"}},
        moving_fn={"moving_fn": {"buckets_path": "b", "window": 2, "script": "1"}},
        script_heuristic={"significant_terms": {"field": "f", "script_heuristic": {"script": SCRIPT}}},
        weighted_avg_script={"weighted_avg": {"value": {"field": "f"}, "weight": {"script": SCRIPT}}},
        t_test_script={"t_test": {"a": {"script": SCRIPT}, "b": {"field": "f"}}},
        composite_script={"composite": {"sources": [{"x": {"terms": {"script": SCRIPT}}}]}},
        multi_terms_script={"multi_terms": {"terms": [{"script": SCRIPT}, {"field": "f"}]}},
    ),
    "sort_script": Hostile("sort", {"_script": {"type": "number", "script": SCRIPT, "order": "asc"}}, "script"),
    "script_fields": Hostile("hits", {"script_fields": {"x": {"script": SCRIPT}}}, "script"),
    "runtime_mappings": Hostile("body", {"runtime_mappings": {"x": {"type": "long", "script": SCRIPT}}}, "script"),
    # --- other documents, other indices
    **_queries(
        "foreign_read",
        terms_lookup={"terms": {"f": {"index": "users", "id": "1", "path": "friends"}}},
        more_like_this_document={"more_like_this": {"like": [{"_index": "other", "_id": "1"}]}},
        more_like_this={"more_like_this": {"fields": ["f"], "like": "text"}},
        indexed_shape={"geo_shape": {"f": {"indexed_shape": {"index": "shapes", "id": "1", "path": "p"}}}},
        percolate={"percolate": {"field": "f", "index": "other", "id": "1"}},
        has_child={"has_child": {"type": "c", "query": {"match_all": {}}}},
        has_parent={"has_parent": {"parent_type": "p", "query": {"match_all": {}}}},
        parent_id={"parent_id": {"type": "c", "id": "1"}},
        index_term={"term": {"_index": "other"}},
        index_terms={"terms": {"_index": ["a", "b"]}},
        index_wildcard={"wildcard": {"_index": "a*"}},
        pinned={"pinned": {"docs": [{"_index": "i", "_id": "1"}], "organic": {"match_all": {}}}},
    ),
    "indices_boost": Hostile("body", {"indices_boost": [{"other": 2}]}, "foreign_read"),
    "pit": Hostile("body", {"pit": {"id": "x"}}, "foreign_read"),
    "index_key": Hostile("body", {"index": "../_cluster/settings"}, "foreign_read"),
    "sort_by_index": Hostile("sort", "_index", "foreign_read"),
    # --- metadata
    **_queries(
        "metadata",
        id_term={"term": {"_id": "1"}},
        routing_exists={"exists": {"field": "_routing"}},
        type_match={"match": {"_type": "x"}},
        ignored_exists={"exists": {"field": "_ignored"}},
        decay_on_version={"function_score": {"gauss": {"_version": {"origin": 1, "scale": 1}}}},
        random_by_seq_no={"function_score": {"random_score": {"field": "_seq_no", "seed": 1}}},
    ),
    **_aggregations("metadata", terms_of_ids={"terms": {"field": "_id"}}, tiers={"cardinality": {"field": "_tier"}}),
    "sort_by_id": Hostile("sort", {"_id": "asc"}, "metadata"),
    "fields_metadata": Hostile("hits", {"fields": ["_routing"]}, "metadata"),
    # --- what hides or names too much
    **_queries("wrapper", wrapper={"wrapper": {"query": "eyJtYXRjaF9hbGwiOnt9fQ=="}}),
    **_queries("query_string", query_string={"query_string": {"query": "_index:other"}}),
    **_queries(
        "inner_hits", inner_hits={"nested": {"path": "p", "query": {"match_all": {}}, "inner_hits": {"size": 9}}}
    ),
    "collapse_inner_hits": Hostile("body", {"collapse": {"field": "f", "inner_hits": {"name": "x"}}}, "inner_hits"),
    "ext": Hostile("body", {"ext": {"x": {}}}, "extension"),
    **_queries(
        "unnamed_fields",
        multi_match_unnamed={"multi_match": {"query": "x"}},
        simple_query_string_unnamed={"simple_query_string": {"query": "x"}},
        multi_match_no_names={"multi_match": {"query": "x", "fields": []}},
    ),
    **_queries(
        "field_wildcard",
        multi_match_wildcard={"multi_match": {"query": "x", "fields": ["*"]}},
        exists_wildcard={"exists": {"field": "a*"}},
    ),
    "fields_wildcard": Hostile("hits", {"fields": ["*"]}, "field_wildcard"),
    "docvalue_wildcard": Hostile("hits", {"docvalue_fields": [{"field": "*"}]}, "field_wildcard"),
    "highlight_wildcard": Hostile("hits", {"highlight": {"fields": {"*": {}}}}, "field_wildcard"),
    # --- not on the list
    **_queries("not_allowed", knn={"knn": {"field": "f", "query_vector": [1.0], "k": 10_000}}),
    **_queries("not_allowed", invented={"no_such_query": {}}, rule={"rule": {"ruleset_ids": ["x"]}}),
    **_aggregations("not_allowed", invented_aggregation={"no_such": {}}, inference={"inference": {"model_id": "m"}}),
    "suggest": Hostile("body", {"suggest": {"s": {"text": "x", "term": {"field": "f"}}}}, "not_allowed"),
    "rescore": Hostile("body", {"rescore": {"window_size": 9, "query": {}}}, "not_allowed"),
    "retriever": Hostile("body", {"retriever": {"standard": {}}}, "not_allowed"),
    "stored_fields": Hostile("hits", {"stored_fields": ["f"]}, "not_allowed"),
    "explain": Hostile("hits", {"explain": True}, "not_allowed"),
    "profile": Hostile("body", {"profile": True}, "not_allowed"),
    # --- what costs
    **_queries(
        "limit",
        leading_wildcard={"wildcard": {"f": "*oo"}},
        open_regexp={"regexp": {"f": "(a|.*)oo"}},
        large_automaton={"regexp": {"f": {"value": "a.*", "max_determinized_states": 10**9}}},
        many_expansions={"fuzzy": {"f": {"value": "x", "max_expansions": 10**6}}},
        many_top_terms={"prefix": {"f": {"value": "a", "rewrite": "top_terms_1000000"}}},
        many_values={"terms": {"f": list(range(1_001))}},
        long_text={"match": {"f": "x" * 1_001}},
        counted_repeat={"regexp": {"f": "a{999999999}"}},
        nested_counts={"regexp": {"f": "((a{1,100}){1,100}){1,100}"}},
        nested_counts_in_intervals={"intervals": {"f": {"regexp": {"pattern": "((a{1,100}){1,100}){1,100}"}}}},
        copies_that_can_be_empty={"regexp": {"f": "x((a?){100}){100}"}},
        counts_of_no_copies={"regexp": {"f": "x(a{999999999}){0}"}},
        intersection_of_counts={"regexp": {"f": "x(a{99}&b{999})"}},
        many_patterns={"bool": {"should": [{"regexp": {"f": f"u.{{0,10}}a.{{0,10}}b{n}"}} for n in range(20)]}},
        open_classes={"regexp": {"f": "[" * 30_000}},
        long_fuzzy={"bool": {"should": [{"fuzzy": {"f": f"{n:0900}"}} for n in range(20)]}},
        fuzzy_texts={"bool": {"should": [{"match": {f"f{n}": {"query": "word " * 60, "fuzziness": 2}}}
                                         for n in range(4)]}},
        fuzzy_on_many_fields={"multi_match": {"query": "word " * 90, "fields": [f"f{n}" for n in range(10)],
                                              "type": "most_fields", "fuzziness": 2}},
        fuzzy_prefixes={"bool": {"should": [
            {"match_bool_prefix": {f"f{n}": {"query": "word " * 60, "fuzziness": "AUTO"}}} for n in range(4)]}},
        fuzzy_words_of_a_text={"simple_query_string": {"query": "word~2 " * 90, "fields": ["f", "g"]}},
        many_top_terms_in_other_digits={"prefix": {"f": {"value": "a", "rewrite": "top_terms_٩٩٩٩٩٩"}}},
        many_top_terms_with_a_sign={"prefix": {"f": {"value": "a", "rewrite": "top_terms_boost_+999999"}}},
        many_fields={"multi_match": {"query": "x", "fields": [f"f{n}" for n in range(257)]}},
    ),
    **_aggregations(
        "limit",
        many_buckets={"terms": {"field": "f", "size": 2**31 - 1}},
        large_shards={"terms": {"field": "f", "shard_size": 2**31 - 1}},
        large_sample={"sampler": {"shard_size": 2**31 - 1}},
        short_interval={"date_histogram": {"field": "t", "fixed_interval": "1ms"}},
        large_digest={"percentiles": {"field": "f", "tdigest": {"compression": 1e9}}},
        large_boxplot={"boxplot": {"field": "f", "compression": "1e9"}},
        large_deviation={"median_absolute_deviation": {"field": "f", "compression": 10**9}},
        large_precision={"cardinality": {"field": "f", "precision_threshold": 10**9}},
        long_lag={"serial_diff": {"buckets_path": "b", "lag": 2**31 - 1}},
        large_buffer={"variable_width_histogram": {"field": "f", "buckets": 5, "initial_buffer": 2**31 - 1}},
        many_top_hits={"top_hits": {"size": 101, "_source": False}},
        far_top_hits={"top_hits": {"from": 10**9, "_source": False}},
        many_metrics={"top_metrics": {"metrics": {"field": "f"}, "sort": "f", "size": 10**6}},
        open_include={"terms": {"field": "f", "include": ".*x"}},
        nested_counts_included={"terms": {"field": "f", "include": "((a{1,100}){1,100}){1,100}"}},
        sketches_of_five_digits={"filters": {"filters": {name: {"match_all": {}} for name in "abc"}}, "aggs": {
            f"p{n}": {"percentiles": {"field": "f", "hdr": {"number_of_significant_value_digits": 5}}}
            for n in range(18)}},
        digits_that_java_alone_reads={"filters": {"filters": {name: {"match_all": {}} for name in "abc"}}, "aggs": {
            f"p{n}": {"percentiles": {"field": "f", "hdr": {"number_of_significant_value_digits": "5d"}}}
            for n in range(18)}},
        digests_in_buckets={"terms": {"field": "f", "size": 10_000}, "aggs": {
            f"p{n}": {"percentiles": {"field": "f", "tdigest": {"compression": 1000}}} for n in range(18)}},
        hits_in_buckets={"terms": {"field": "f", "size": 10_000}, "aggs": {
            f"h{n}": {"top_hits": {"size": 100, "_source": False}} for n in range(18)}},
        registers_in_buckets={"terms": {"field": "f", "size": 1_000}, "aggs": {
            "c": {"cardinality": {"field": "f", "precision_threshold": 40_000}}}},
        every_gap={"histogram": {"field": "f", "interval": 1, "min_doc_count": 0}},
        every_gap_by_default={"histogram": {"field": "f", "interval": 1}},
        sketches_of_rare_terms={"rare_terms": {"field": "f"}, "aggs": {
            "p": {"percentiles": {"field": "f", "hdr": {"number_of_significant_value_digits": 3}}}}},
        sketches_of_networks={"ip_prefix": {"field": "f", "prefix_length": 32}, "aggs": {
            "h": {"top_hits": {"size": 10, "_source": False}}}},
        sketches_of_cells={"geohash_grid": {"field": "f", "precision": 12, "size": 1}, "aggs": {
            "p": {"percentiles": {"field": "f"}}}},
        sketches_of_sparse_steps={"histogram": {"field": "f", "interval": 7, "min_doc_count": 1}, "aggs": {
            "p": {"percentiles": {"field": "f", "hdr": {"number_of_significant_value_digits": 3}}}}},
        sketches_that_terms_are_ordered_by={"terms": {"field": "f", "size": 1, "order": {"p.50": "desc"}}, "aggs": {
            "p": {"percentiles": {"field": "f"}}}},
        sketches_below_what_terms_are_ordered_by={
            "terms": {"field": "f", "size": 1, "order": [{"s>p.50": "desc"}, {"_key": "asc"}]},
            "aggs": {"s": {"filter": {"match_all": {}}, "aggs": {"p": {"percentiles": {"field": "f"}}}}}},
        sketches_of_all_terms={"terms": {"field": "f", "size": 1, "collect_mode": "depth_first"}, "aggs": {
            "p": {"boxplot": {"field": "f"}}}},
        samples_in_buckets={"terms": {"field": "f", "size": 5_000}, "aggs": {"s": {"sampler": {"shard_size": 65_536}}}},
        missing_in_year_1={"date_histogram": {"field": "t", "fixed_interval": "1d", "missing": "0001-01-01"}},
        hours_of_an_unknown_field={"date_histogram": {"field": "t", "calendar_interval": "hour"}},
    ),
    **{name: Hostile("body", {"query": {"range": {"f": reach}}, "aggs": {"a": {kind: {"field": "f", **step}}}}, "limit")
       for name, kind, reach, step in (
           ("gaps_beyond_the_range_of_the_hits", "histogram", {"gte": 0, "lte": 10}, {"interval": 1}),
           ("hours_beyond_the_range_of_the_hits", "date_histogram", {"gte": "now-1d"}, {"fixed_interval": "1h"}),
           ("years_that_are_read_as_numbers", "histogram", {"gte": 2000, "lte": 2024}, {"interval": 1}))},
    "many_hits": Hostile("body", {"size": 1_000_000}, "limit"),
    "far_page": Hostile("body", {"from": 10**9}, "limit"),
    "many_fragments": Hostile("hits", {"highlight": {"fields": {"f": {"number_of_fragments": 10**6}}}}, "limit"),
    "long_fragments": Hostile("hits", {"highlight": {"phrase_limit": 10**9, "fields": {"f": {}}}}, "limit"),
    "long_wait": Hostile("body", {"timeout": "9999d"}, "limit"),
    "many_sorts": Hostile("hits", {"sort": ["f"] * 300}, "limit"),
    "many_digits": Hostile("body", {"size": 10**5_000}, "limit"),
}  # fmt: skip

_ALL: dict[str, Any] = {"match_all": {}}
# Places for a query: the way there, and the body around it.
QUERY_PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "query": lambda q: {"query": q},
    "post_filter": lambda q: {"post_filter": q},
    "bool.must": lambda q: {"query": {"bool": {"must": [_ALL, q]}}},
    "bool.should in bool.filter": lambda q: {"query": {"bool": {"filter": {"bool": {"should": [q]}}}}},
    "bool.must_not": lambda q: {"query": {"bool": {"must_not": q}}},
    "nested": lambda q: {"query": {"nested": {"path": "p", "query": q}}},
    "constant_score": lambda q: {"query": {"constant_score": {"filter": q}}},
    "boosting.negative": lambda q: {"query": {"boosting": {"positive": _ALL, "negative": q, "negative_boost": 0.5}}},
    "dis_max": lambda q: {"query": {"dis_max": {"queries": [_ALL, q]}}},
    "function_score": lambda q: {"query": {"function_score": {"query": q}}},
    "function_score.filter": lambda q: {"query": {"function_score": {"functions": [{"filter": q, "weight": 2}]}}},
    "span_near": lambda q: {"query": {"span_near": {"clauses": [q]}}},
    "filter aggregation": lambda q: {"aggs": {"a": {"filter": q}}},
    "filters aggregation": lambda q: {"aggs": {"a": {"filters": {"filters": {"x": _ALL, "y": q}}}}},
    "filters listed": lambda q: {"aggregations": {"a": {"filters": {"filters": [q]}}}},
    "adjacency_matrix": lambda q: {"aggs": {"a": {"adjacency_matrix": {"filters": {"x": q}}}}},
    "t_test": lambda q: {"aggs": {"a": {"t_test": {"a": {"field": "f", "filter": q}, "b": {"field": "f"}}}}},
    "background_filter": lambda q: {"aggs": {"a": {"significant_terms": {"field": "f", "background_filter": q}}}},
    "filter deep": lambda q: {
        "aggs": {"a": {"terms": {"field": "f"}, "aggs": {"b": {"filter": {"bool": {"must": q}}}}}}
    },
    "sort.nested": lambda q: {"sort": [{"f": {"nested": {"path": "p", "nested": {"path": "p.q", "filter": q}}}}]},
    "geo sort.nested": lambda q: {"sort": [{"_geo_distance": {"f": "1,2", "nested": {"path": "p", "filter": q}}}]},
    "highlight_query": lambda q: {"highlight": {"fields": {"f": {"highlight_query": q}}}},
    "highlight_query of all": lambda q: {"highlight": {"highlight_query": q, "fields": {"f": {}}}},
    "top_hits.highlight": lambda q: {
        "aggs": {"a": {"top_hits": {"_source": False, "highlight": {"fields": {"f": {"highlight_query": q}}}}}}
    },
}
AGGREGATION_PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "aggs": lambda a: {"aggs": {"a": a}},
    "aggregations": lambda a: {"aggregations": {"a": a}},
    "beside another": lambda a: {"aggs": {"a": {"max": {"field": "f"}}, "b": a}},
    "in terms": lambda a: {"aggs": {"a": {"terms": {"field": "f"}, "aggs": {"b": a}}}},
    "in filter in nested": lambda a: {
        "aggs": {"a": {"nested": {"path": "p"}, "aggs": {"b": {"filter": _ALL, "aggregations": {"c": a}}}}}
    },
    "in filters in global": lambda a: {
        "aggs": {"a": {"global": {}, "aggs": {"b": {"filters": {"filters": {"x": _ALL}}, "aggs": {"c": a}}}}}
    },
    "called like an option": lambda a: {"aggs": {"meta": a}},
}
SORT_PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "sort": lambda s: {"sort": [s]},
    "sort behind others": lambda s: {"sort": ["_score", {"f": "asc"}, s]},
    "top_hits": lambda s: {"aggs": {"a": {"top_hits": {"sort": [s], "_source": False}}}},
    "top_metrics": lambda s: {"aggs": {"a": {"top_metrics": {"metrics": {"field": "f"}, "sort": s}}}},
}
HITS_PLACES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "body": lambda h: dict(h),
    "top_hits": lambda h: {"aggs": {"a": {"top_hits": {"_source": False, **h}}}},
    "top_hits deep": lambda h: {
        "aggs": {"a": {"terms": {"field": "f"}, "aggs": {"b": {"top_hits": {"_source": False, **h}}}}}
    },
}
PLACES = {
    "query": QUERY_PLACES,
    "aggregation": AGGREGATION_PLACES,
    "sort": SORT_PLACES,
    "hits": HITS_PLACES,
    "body": {"body": lambda b: {"query": _ALL, **b}},
}


def hidden(hostile: Hostile) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body that has `hostile` in it, with the name of the place."""
    for place, around in PLACES[hostile.kind].items():
        yield place, around(hostile.part)
