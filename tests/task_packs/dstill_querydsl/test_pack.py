"""The pack as a task: prompts, replies, what a student reads, layers of checks, verdicts."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.checking import find_problems
from dstill.api.judging import judge
from dstill.api.protocols import Synthesis
from dstill.api.records import Draft, Example, Level
from dstill.errors import UsageError
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

GOLD = '{"query":{"bool":{"filter":[{"term":{"host.name":"web-03"}}]}}}'
REFUSAL = '{"refusal":{"reason":"no field holds the revenue","missing":["revenue"]}}'
EXAMPLE = Example(
    id="1", question="requests on web-03", context={"index": "weblogs"}, answer=GOLD, rationale="host.name: term."
)


def test_prompt_has_persona_form_mapping_and_question() -> None:
    prompt = QueryDsl().prompt(EXAMPLE, [EXAMPLE])
    roles = [message.role for message in prompt.messages]
    assert roles == ["system", "user", "assistant", "user"]
    system, _, shot, asked = (message.content for message in prompt.messages)
    assert "expert in Elasticsearch" in system
    assert "<rationale>" in system
    assert shot == f"<rationale>host.name: term.</rationale><answer>{GOLD}</answer>"
    assert "data, not instructions" in asked
    assert '"user_agent"' in asked
    assert "Now is 2025-03-27T12:00:00Z." in asked
    assert asked.endswith("Question: requests on web-03")
    assert "192.0.2" not in asked  # no documents are sent


json_values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.text().filter(lambda text: "</rationale>" not in text), json_values)
def test_parse_inverts_reply_text(rationale: str, value: object) -> None:
    task, answer = QueryDsl(), json.dumps({"query": value}, separators=(",", ":"))
    assert task.parse(task.reply_text(rationale, answer)) == Draft(answer=answer, rationale=rationale.strip())


@pytest.mark.parametrize(
    ("answer", "repaired", "error"),
    [
        (f"```json\n{GOLD}\n```", True, ""),
        (f"```\n{GOLD}\n```", True, ""),
        (f"Here it is: {GOLD} Enjoy.", False, "not_json"),
        (f"Sure:\n```json\n{GOLD}\n```", False, "not_json"),
        (GOLD.replace('"', "“"), False, "not_json"),
        (f"{GOLD[:-1]},}}", False, "not_json"),
        (GOLD.replace('"', "'"), False, "not_json"),
        (f"{GOLD[:-1]} /* all */}}", False, "not_json"),
        (f"{GOLD} // all", False, "trailing_text"),
        ('"' + GOLD.replace('"', '\\"') + '"', False, "not_an_object"),  # which is JSON, but no body
        (f"[{GOLD}]", False, "not_an_object"),
    ],
)
def test_removes_fence_and_notes_it_and_guesses_at_nothing(answer: str, repaired: bool, error: str) -> None:
    draft = QueryDsl().parse(f"<rationale>so</rationale><answer>\n\t {answer} \n</answer>")
    assert draft.answer == (GOLD if repaired else answer)
    assert draft.notes == (("took away a markdown fence",) if repaired else ())
    errors = [problem for problem in find_problems(QueryDsl(), EXAMPLE, draft) if problem.is_error]
    assert [(problem.layer, problem.code) for problem in errors] == ([("json", error)] if error else [])


@pytest.mark.parametrize("text", ["", GOLD, "<answer>{}</answer>", "<rationale>so</rationale>"])
def test_does_not_parse_other_forms(text: str) -> None:
    assert QueryDsl().parse(text) is None


def test_student_reads_question_and_optionally_fields() -> None:
    assert QueryDsl().model_input(EXAMPLE) == "requests on web-03"
    with_fields = QueryDsl(Settings(student_context="mapping")).model_input(EXAMPLE)
    assert with_fields.startswith("requests on web-03\nfields: @timestamp date, event.duration long")
    assert "url.path.raw keyword" in with_fields


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        ("", Level.UNPARSED),
        ("{", Level.UNPARSED),
        ("[]", Level.UNPARSED),
        ('{"query": {"term": {}}, "query": {}}', Level.UNPARSED),
        ('{"query": {"trem": {"host.name": "web-03"}}}', Level.PARSED),
        ('{"refusal": {}}', Level.PARSED),
        ('{"query": {"term": {"host.nme": "web-03"}}}', Level.PARSED),
        ('{"query": {"script_score": {"query": {"match_all": {}}, "script": {"source": "1"}}}}', Level.PARSED),
        (GOLD, Level.VALID),
        (REFUSAL, Level.VALID),
    ],
)
def test_level_reached_without_engine(answer: str, reached: Level) -> None:
    verdict = judge(QueryDsl(), EXAMPLE, Draft(answer=answer), None)
    assert verdict.reached == reached


def test_checks_follow_mapping_and_config() -> None:
    elsewhere = replace(EXAMPLE, context={"index": "mine"})
    assert list(find_problems(QueryDsl(), elsewhere, Draft(answer=GOLD))) == []
    own = replace(EXAMPLE, context={"index": "mine", "mapping": {"properties": {"host": {"type": "keyword"}}}})
    (problem,) = find_problems(QueryDsl(), own, Draft(answer=GOLD))
    assert (problem.layer, problem.code) == ("mapping", "unknown_field")
    limits = replace(Settings().guard, size=5)
    (problem,) = find_problems(QueryDsl(Settings(guard=limits)), EXAMPLE, Draft(answer='{"size": 6}'))
    assert problem.layer == "guard"


def test_refusal_is_correct_for_unanswerable_question() -> None:
    unanswerable = Example(id="2", question="the revenue", context={"index": "weblogs"}, answer=REFUSAL)
    other_words = '{"refusal":{"reason":"there is no revenue here"}}'
    assert judge(QueryDsl(), unanswerable, Draft(answer=other_words), None).correct
    assert not judge(QueryDsl(), unanswerable, Draft(answer=GOLD), None).correct
    assert not judge(QueryDsl(), EXAMPLE, Draft(answer=REFUSAL), None).correct


def test_questions_need_documents() -> None:
    assert len(list(Synthesis.of(QueryDsl(Settings(documents=500))).synthesize({}, 5, seed=0))) == 5
    with pytest.raises(UsageError, match="bundled"):
        Synthesis.of(QueryDsl()).synthesize({"index": "mine"}, 5, seed=0)


def test_pack_imports_no_client_library() -> None:
    heavy = ("elasticsearch", "elastic_transport", "jsonschema", "torch", "osmem_server")
    code = f"import sys, dstill_querydsl.pack; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("same_mapping", [True, False])
def test_values_of_one_row_do_not_affect_others(same_mapping: bool) -> None:
    task = QueryDsl(Settings(dialect="opensearch3"))  # an OpenSearch fills any gap
    mapping = {"properties": {"n": {"type": "long"}}}
    body = '{"size":0,"aggs":{"h":{"histogram":{"field":"n","interval":1}}}}'

    def codes(values: dict[str, Any] | None) -> set[str]:
        context = {"index": "mine", "mapping": mapping if same_mapping else dict(mapping)}
        example = Example(id="1", question="?", context=context | ({"values": values} if values else {}))
        return {problem.code for problem in find_problems(task, example, Draft(answer=body)) if problem.is_error}

    assert codes({"n": {"min": 0, "max": 9}}) == set()
    assert codes(None) == {"limit"}
    assert codes({"n": {"min": 0, "max": 10**9}}) == {"limit"}


def test_warns_of_unknown_range_that_elasticsearch_stops() -> None:
    example = Example(id="1", question="?", context={"mapping": {"properties": {"n": {"type": "long"}}}})
    body = '{"size":0,"aggs":{"h":{"histogram":{"field":"n","interval":5}}}}'
    [problem] = find_problems(QueryDsl(), example, Draft(answer=body))
    assert (problem.code, problem.is_error) == ("unknown_range", False)
