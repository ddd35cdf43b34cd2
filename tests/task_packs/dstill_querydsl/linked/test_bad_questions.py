"""What a person sees of odd questions to a linked student: an answer that passes every check, or what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.records import Prediction
from dstill.factory import Setup
from dstill.linked.words import MAX_WORDS
from dstill.stages.predict.answerable import Answerable
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor
from dstill_linked.generation import LinkedGenerator
from dstill_linked.model import LinkedModel
from dstill_linked.saving import LinkedFacts, scorer_of
from dstill_linked.student import LinkedConfig, LinkedStudent

KEYWORD = {"type": "keyword"}
MAPPINGS = {
    "none": {},
    "one": {"status": KEYWORD},
    "odd": dict.fromkeys(("query:", "{", "=desc", "#0", "known", "refuse", "order date", "שם"), KEYWORD),
}
QUESTIONS = (
    "qwx zzt pfff",
    'how many have query: {, #0 =desc and known "refuse"',
    'order date is "he said "yes"" or {"a":1}\nor שלום\u202e',
    ("how many are open " * 112)[:2_000],
)


@pytest.fixture(scope="module")
def answering() -> Iterator[Predictor]:
    """Asks a student with random weights, which writes anything that its form allows."""
    plugins = plugin_loading.load()
    flags = {"project.task": "querydsl", "train.student": "linked", "train.objective": "label-only"}
    setup = Setup(
        plugins,
        configuration.load(
            use_files=False, environment={}, flags=flags, sections=plugin_loading.part_sections(plugins)
        ),
    )
    student = LinkedStudent(LinkedConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1, hidden=64))
    student.form = setup.student.form
    shape = student.shape
    torch.manual_seed(3)
    facts = LinkedFacts(shape=shape.to_json(), tokens=(), features=(), branches=("predict: ",), modality="full",
                        seed=0, max_length=1024, max_target_length=96, threads=1)  # fmt: skip
    generator = LinkedGenerator(scorer_of(LinkedModel(shape)), student.form, facts)
    with Predictor(Answerable(name="random", setup=setup, load=lambda _: generator)) as found:
        yield found


def ask(answering: Predictor, properties: Mapping[str, Any], *questions: str) -> list[PredictedAnswer]:
    context = {"mapping": {"properties": properties}}
    return answering.answer([answering.example(question, context=context) for question in questions])


def judged(answering: Predictor, properties: Mapping[str, Any], question: str, query: object) -> PredictedAnswer:
    """A student's answer, which its form can express."""
    form, written = answering.setup.student.form, json.dumps({"query": query})
    example = answering.example(question, context={"mapping": {"properties": properties}})
    assert form.encode(written, form.read(example))
    return answering._judged(example, Prediction(id="1", text=written))


@pytest.mark.parametrize("name", MAPPINGS)
def test_answer_passes_every_check_or_says_what_is_wrong(answering: Predictor, name: str) -> None:
    for answered in ask(answering, MAPPINGS[name], *QUESTIONS):
        assert answered.ok != bool(answered.reason), answered
        assert "Error" not in answered.reason


@pytest.mark.parametrize(
    ("question", "query", "code"),
    [
        ("qwx zzt pfff", {"term": {"status": {"value": "a"}}}, "no_link"),
        ("took is 7", {"term": {"status": {"value": "7"}}}, "overlooked_name"),
        ("took is 7", {"term": {"took": {"value": 7}}}, ""),
        ("qwx zzt pfff", {"match_all": {}}, ""),
        ("status_2 is 7", {"term": {"took": {"value": 7}}}, "overlooked_name"),  # although it has a word of the other
        ("status 2 is 7", {"term": {"status_2": {"value": 7}}}, ""),
        ("user.status is 7", {"term": {"took": {"value": 7}}}, "unknown_name"),
        ("took of web.example.com", {"term": {"status": {"value": "web.example.com"}}}, "overlooked_name"),
    ],
)
def test_answer_about_another_field_has_a_warning(answering: Predictor, question: str, query: Any, code: str) -> None:
    number = {"type": "integer"}
    fields = {"status": KEYWORD, "took": number, "status_2": number}
    answered = judged(answering, fields, question, query)
    assert answered.ok
    assert [one.code for one in answered.problems if one.layer == "reading"] == ([code] if code else [])


def test_question_of_too_many_words_is_not_answered_in_part(answering: Predictor) -> None:
    assert judged(answering, {}, "? " * MAX_WORDS, {"match_all": {}}).ok
    answered = judged(answering, {}, "? " * MAX_WORDS + "and more", {"match_all": {}})
    message = "the student reads 512 words of a question at most, this one goes on: 'and more' …"
    assert (answered.ok, answered.reason) == (False, message)
