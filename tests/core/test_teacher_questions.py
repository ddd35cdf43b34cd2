"""Requests to a teacher that writes questions with answers, and what is read of its replies."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.toy import Toy

from dstill.api.protocols import QuestionBrief
from dstill.stages.generate.teacher_questions import REQUEST_SIZE, id_of, kinds_of, read, request, second_request

KINDS = {"count": "how many", "top": "the highest", "refusal": "what is not there"}
BRIEF = QuestionBrief(about="About hats.", answers="As 1+2.", categories=KINDS, topics=[f"hat {n}" for n in range(20)])


def text(n: int, brief: QuestionBrief = BRIEF, seed: int = 0) -> str:
    return "\n".join(message.content for message in request(brief, Toy(), n, seed=seed).messages)


def test_a_request_depends_on_data_number_and_seed_alone() -> None:
    before = [text(n) for n in range(1, 31)]
    random.seed(7)
    assert [text(n) for n in reversed(range(1, 31))][::-1] == before
    assert len(set(before)) == 30
    assert text(1, seed=1) != before[0]
    assert text(1, QuestionBrief(about="About shoes.", categories=KINDS)) != before[0]


def test_each_of_thirty_requests_has_another_person() -> None:
    people = [text(n).partition("Who asks: ")[2].partition("\n")[0] for n in range(1, 31)]
    assert len(set(people)) == 30


def test_kinds_are_as_frequent_as_each_other_and_leave_room() -> None:
    kinds = Counter(chain.from_iterable(kinds_of(BRIEF, n, seed=0).values() for n in range(1, 13)))
    assert kinds[""] == 12 * (REQUEST_SIZE // 2)
    assert {kinds[name] for name in KINDS} == {12 * 13 // 3}


def test_without_kinds_every_question_is_free() -> None:
    assert set(kinds_of(QuestionBrief(about="x"), 1, seed=0).values()) == {""}
    asked = text(1, QuestionBrief(about="x"))
    assert '{"id":"q25"}' in asked
    assert "Kinds of questions" not in asked
    assert Toy.instructions in asked  # the brief does not say how answers are written


def test_second_answers_are_asked_for_without_anything_but_the_questions() -> None:
    prompt = second_request(BRIEF, Toy(), ["how many?", "so what\n{"])
    lines = prompt.messages[-1].content.partition("instructions:\n")[2].split("\n")
    assert [json.loads(line) for line in lines] == [
        {"id": id_of("how many?"), "question": "how many?"},
        {"id": id_of("so what\n{"), "question": "so what\n{"},
    ]
    assert "Who asks" not in prompt.messages[-1].content


LINE = {"id": "q1", "question": "how many?", "rationale": "so", "answer": {"query": [{"id": "x"}, {"id": "y"}]}}


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(LINE),
        f"Here:\n```json\n{json.dumps(LINE)}\n```\nDone.",
        f"<think>q1?</think>{json.dumps(LINE)}",
        json.dumps([LINE]),
        json.dumps([LINE], indent=1),
        json.dumps({"questions": [LINE]}),
        f"{json.dumps(LINE)},",
    ],
)
def test_replies_are_read_in_many_forms(reply: str) -> None:
    [line] = read(reply)
    assert (line.id, line.question, json.loads(line.answer)) == ("q1", "how many?", LINE["answer"])


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)).map(json.dumps))
def test_no_reply_breaks_the_reader(reply: str) -> None:
    assert all(isinstance(line.id, str) for line in read(reply))


@given(
    st.dictionaries(st.sampled_from(["id", "question", "rationale", "answer"]), st.integers() | st.none() | st.text())
)
def test_values_of_other_types_are_no_text(row: dict[str, object]) -> None:
    for line in read(json.dumps(row)):
        assert line.id == str(row["id"]).strip()
        assert all(isinstance(part, str) for part in (line.question, line.rationale, line.answer))
