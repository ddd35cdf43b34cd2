import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import rows

from dstill.api.checking import find_problems
from dstill.api.protocols import Synthesis
from dstill.api.records import Draft, Example
from dstill.api.sense import MAX_PROBLEMS
from dstill.api.values import Values
from dstill_querydsl.bundle.indices import bundled
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping import values_check
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

FIELDS = Fields.of(
    {
        "properties": {
            "level": {"type": "keyword"},
            "folded": {"type": "keyword", "normalizer": "lowercase"},
            "path": {"type": "keyword"},
            "empty": {"type": "keyword"},
            "status": {"type": "integer"},
            "took": {"type": "long"},
            "at": {"type": "date"},
            "log": {"type": "text"},
        }
    }
)
KNOWN = Values.read(
    {
        "level": ["ERROR", "WARN"],
        "folded": ["Error"],
        "path": {"examples": ["/a"]},
        "empty": [],
        "status": [200, 503],
        "took": {"min": 1, "max": 900},
        "at": {"min": "2025-01-01", "max": "2025-03-31"},
    }
)


def _problems(query):
    problems = values_check.check({"query": query}, FIELDS, KNOWN)
    assert all(problem.layer == "sense" and not problem.is_error for problem in problems)
    return problems


@pytest.mark.parametrize(
    ("query", "message", "hint", "suggestion"),
    rows(__file__, "unknown_values.jsonl"),
)
def test_warns_of_unknown_value(query, message, hint, suggestion) -> None:
    [problem] = _problems(query)
    assert (problem.message, problem.hint, problem.suggestion) == (message, hint, suggestion)
    assert problem.pointer.startswith("/query/")


@pytest.mark.parametrize(
    "query",
    [
        {"term": {"level": "WARN"}},
        {"term": {"level": {"value": "warn", "case_insensitive": True}}},
        {"term": {"folded": "ERROR"}},
        {"term": {"path": "/b"}},  # only examples are known
        {"term": {"status": "503"}},
        {"term": {"status": 503.0}},
        {"range": {"took": {"gt": 1_000}}},  # not far outside: the index may have moved
        {"range": {"took": {"lt": 1_000_000}}},  # leaves everything
        {"range": {"at": {"gte": "2030-01-01"}}},  # later documents may have come
        {"range": {"at": {"gte": "now-20y", "lt": "now-19y"}}},
        {"prefix": {"level": "err"}},
        {"match": {"log": "anything"}},
        {"exists": {"field": "level"}},
    ],
)
def test_accepts_possible_value(query) -> None:
    assert _problems(query) == ()


def test_number_of_problems_is_bounded_and_zero_without_values() -> None:
    assert len(_problems({"terms": {"level": [f"x{n}" for n in range(500)]}})) == MAX_PROBLEMS
    assert values_check.check({"query": {"term": {"level": "?"}}}, FIELDS, Values()) == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["gt", "value", "level", "took"]), inner),
    max_leaves=8,
)


@given(st.sampled_from(["term", "terms", "range", "match"]), st.sampled_from(list(FIELDS.names)), json_values)
def test_never_raises(operator, name, value) -> None:
    _problems({operator: {name: value}})


@pytest.mark.slow
def test_golds_use_values_of_their_index() -> None:
    task = QueryDsl(Settings(documents=1_000))
    n_warned = 0
    for example in Synthesis.of(task).synthesize({"index": "weblogs"}, 150, seed=3):
        n_warned += any(
            problem.layer == "sense" for problem in find_problems(task, example, Draft(answer=example.answer or ""))
        )
    assert n_warned <= 3  # some questions ask for missing values on purpose


def test_layer_is_between_mapping_and_guard(task: QueryDsl) -> None:
    assert [check.name for check in task.checks] == ["json", "schema", "mapping", "sense", "guard"]
    example = Example(id="1", question="?", context={"index": "weblogs"})
    [problem] = find_problems(task, example, Draft(answer='{"query":{"term":{"http.request.method":"get"}}}'))
    assert (problem.layer, problem.code, problem.suggestion) == ("sense", "unknown_value", "GET")


def test_reads_documents_once() -> None:
    index = bundled("weblogs")
    assert index.values is index.values
