"""The grammar of an index: what it lets through, how long that may get, and that it covers the guard's list."""

from __future__ import annotations

import json
import re

import pytest
from support.random_student import SYNTHESIZED, WIDE, golds, index_of, pack
from support.sizes import first_quick

from dstill.api.checking import find_problems
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Draft, Example, Grammar
from dstill.api.values import Values
from dstill.errors import ConfigError
from dstill_constrain.compiler import Compiler
from dstill_constrain.ebnf import parse
from dstill_constrain.vocabulary import Vocabulary
from dstill_querydsl.bundle.indices import NAMES
from dstill_querydsl.language import strict
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.language.grammar import grammar_of
from dstill_querydsl.language.guard.aggregations import AGGREGATIONS
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.queries import QUERIES
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.results.refusal import is_refusal
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

BYTES = Vocabulary((*(bytes([byte]) for byte in range(256)), b""), 256, leading_space=False)
ALL = (*NAMES, WIDE)
# What the guard lets through and the grammar leaves out → why.
NOT_IN_GRAMMAR = {
    "rank_feature": "no bundled mapping has such a field",
    "span_field_masking": "another name of field_masking_span",
    "span_multi": "only the documents say whether an engine takes it",
}


def made_of(task: QueryDsl, example: Example) -> Grammar:
    made = ConstrainedOutput.of(task).grammar(example)
    assert made is not None
    return made


def grammar(name: str) -> str:
    return made_of(*pack(name)).ebnf or ""


class Reader:
    """Whether a grammar lets a text through."""

    def __init__(self, name: str, task: QueryDsl | None = None, example: Example | None = None) -> None:
        self.made, self.compiler = made_of(task or pack(name)[0], example or pack(name)[1]), Compiler(BYTES)

    def begins(self, text: str) -> bool:
        return self.compiler.start(self.made).try_consume(list(text.encode()))

    def reads(self, text: str) -> bool:
        state = self.compiler.start(self.made)
        return state.try_consume(list(text.encode())) and state.complete


@pytest.mark.parametrize("count", [60, pytest.param(1_500, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", first_quick(SYNTHESIZED))
def test_accepts_every_gold_as_written_and_canonical(name: str, count: int) -> None:
    reader = Reader(name)
    answers = [example.answer or "" for example in golds(name, count)]
    bodies = [answer for answer in answers if not is_refusal(strict.read(answer).value)]
    assert len(bodies) > 30
    refused = [text for text in [*answers, *map(canonical_text, bodies)] if not reader.reads(text)]
    assert not refused


def test_accepts_refusal_in_any_key_order_with_reason() -> None:
    reader = Reader("weblogs")
    assert reader.reads('{"refusal":{"reason":"no field holds the revenue","missing":["revenue"]}}')
    assert reader.reads('{"refusal":{"missing":[],"reason":"it would delete documents"}}')
    assert reader.reads('{"refusal":{"reason":"so"}}')
    assert not reader.reads('{"refusal":{"missing":["revenue"]}}')
    assert not reader.reads('{"refusal":{"reason":" "}}')
    assert not reader.reads('{"refusal":{"reason":"so"},"size":0}')


WRONG = [
    '{"query":{"term":{"host.nam":"web-03"}}}',  # no such field
    '{"query":{"term":{"error.message":"timeout"}}}',  # a term of text
    '{"query":{"term":{"http.response.status_code":"503a"}}}',  # no number
    '{"query":{"range":{"@timestamp":{"gte":"2025-02-30"}}}}',  # a day that no calendar has
    '{"query":{"wildcard":{"host.name":"*03"}}}',  # reads every term
    '{"query":{"script_score":{"query":{"match_all":{}},"script":{"source":"1"}}}}',
    '{"query":{"query_string":{"query":"a"}}}',
    '{"aggs":{"a0":{"avg":{"field":"host.name"}}}}',  # no number
    '{"aggs":{"a0":{"terms":{"field":"error.message"}}}}',  # nothing to group by
    '{"aggs":{"a0":{"date_histogram":{"field":"@timestamp","calendar_interval":"minute"}}}}',  # too many buckets
    # only the documents say how many rare terms there are, and each would have a sketch
    '{"aggs":{"groups":{"rare_terms":{"field":"host.name"},"aggs":{"value":{"percentiles":'
    '{"field":"http.response.status_code"}}}}}}',
    '{"size":100000}',
    '{"size":0,"size":0}',
    '{"sort":[{"error.message":"asc"}]}',
]


@pytest.mark.parametrize("text", WRONG)
def test_rejects_bodies_that_checks_refuse(text: str) -> None:
    task, example = pack("weblogs")
    assert any(problem.is_error for problem in find_problems(task, example, Draft(answer=text)))
    assert not Reader("weblogs").reads(text)


def test_nested_fields_occur_only_below_their_path() -> None:
    reader, inner = Reader("movies"), '{"term":{"credits.name":"Alan Rickman"}}'
    assert not reader.reads(f'{{"query":{inner}}}')
    assert reader.reads(f'{{"query":{{"nested":{{"path":"credits","query":{inner}}}}}}}')
    assert reader.reads('{"aggs":{"a0":{"nested":{"path":"credits"},"aggs":{"a0":{"terms":{"field":"credits.job"}}}}}}')
    assert not reader.reads('{"aggs":{"a0":{"terms":{"field":"credits.job"}}}}')


@pytest.mark.parametrize("name", ALL)
def test_longest_sentence_is_within_json_limit(name: str) -> None:
    longest = parse(grammar(name)).longest()
    print(f"{name}: the longest sentence has {longest} bytes")
    assert longest is not None
    assert longest <= strict.MAX_BYTES


def test_every_allowed_query_and_aggregation_has_rule() -> None:
    words = {word for name in ALL for word in re.findall(r'\\"([a-z_]+)\\"', grammar(name))}
    absent = {*QUERIES, *AGGREGATIONS} - words
    assert absent == set(NOT_IN_GRAMMAR)


def test_same_index_has_same_grammar() -> None:
    assert grammar("flights") == grammar("flights")
    profile = IndexProfile(index_of("flights"), Limits())
    assert profile.grammar("elasticsearch9") == grammar("flights")


def test_omits_denied_fields_and_requires_source_filter() -> None:
    reader = Reader("weblogs", QueryDsl(Settings(guard=Limits(fields=("*", "!user.*")))))
    assert "user.name" not in (reader.made.ebnf or "")
    assert not reader.begins('{"query":{"match_all":{}}}')
    assert reader.begins('{"query":{"match_all":{}},"_source":["host.name"]}')


@pytest.mark.parametrize(("page", "fits"), [("50", True), ("51", False)])
def test_sizes_follow_guard_limits(page: str, fits: bool) -> None:
    reader = Reader("weblogs", QueryDsl(Settings(guard=Limits(size=50, window=60))))
    assert reader.begins(f'{{"size":{page}}}') is fits
    assert reader.begins(f'{{"from":{int(page) - 40},"size":50}}') is fits


def test_refuses_limits_too_low_for_its_forms() -> None:
    task = QueryDsl(Settings(guard=Limits(aggregation_depth=1)))
    with pytest.raises(ConfigError, match="aggregation_depth = 1 is too low"):
        ConstrainedOutput.of(task).grammar(pack("weblogs")[1])


def test_omits_features_missing_in_opensearch() -> None:
    task, example = QueryDsl(Settings(dialect="opensearch3")), pack("weblogs")[1]
    assert '\\"boxplot\\"' not in (made_of(task, example).ebnf or "")
    assert '\\"boxplot\\"' in grammar("weblogs")


def test_unknown_mapping_has_no_grammar() -> None:
    unknown = Example(id="2", question="?", context={"index": "somewhere"})
    assert ConstrainedOutput.of(pack("weblogs")[0]).grammar(unknown) is None


@pytest.mark.parametrize("term", [{'a"b': "x"}, {"boost": 3}])
def test_field_name_may_equal_option_name(term: object) -> None:
    mapping = {"properties": {"distance": {"type": "geo_point"}, 'a"b': {"type": "keyword"}, "boost": {"type": "long"}}}
    reader = Reader(
        "", QueryDsl(Settings()), Example(id="3", question="?", context={"index": "mine", "mapping": mapping})
    )
    assert reader.begins(json.dumps({"query": {"term": term}}, separators=(",", ":")))


def test_omits_histogram_gaps_for_unknown_range() -> None:
    """Else the guard would refuse the histogram."""
    profile = IndexProfile(index_of("weblogs"), Limits())
    assert "min_doc_count" not in grammar_of(profile.fields, profile.values, Limits())
    assert "min_doc_count" in grammar_of(profile.fields, Values(), Limits())
