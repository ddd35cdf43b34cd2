"""Reasoning traces are removed before any parser reads a reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dstill_openai
import dstill_teachers
from dstill import hookimpl
from dstill.api.records import Draft
from dstill.api.task import Task
from dstill.plugins import PluginInfo, Plugins
from dstill.teacher import trace
from dstill_teachers.reasoning import NOTE

TAGGED = "<rationale>because</rationale><answer>1 + 2</answer>"
JSON = '{"id": "", "rationale": "because", "answer": "1 + 2"}'
DRAFT = Draft(rationale="because", answer="1 + 2")


class Sums(Task):
    name = "sums"
    checks = ()

    def examples(self, split: str) -> Iterator[Any]:
        return iter(())


def load_plugins(*more: object) -> Plugins:
    found = Plugins()
    for n, module in enumerate((dstill_openai, dstill_teachers, *more)):
        found.add(module, PluginInfo(name=f"plugin-{n}"))
    assert not found.failures
    return found


PLUGINS = load_plugins()


@pytest.mark.parametrize("reply", [TAGGED, JSON], ids=["tags", "json"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "<think>First the sum.</think>\n",
        "  <think>\nFirst the sum.\n</think>\n\n",
        "<think></think>",
        "First the sum.</think>",  # the chat template opened the block
        f"<think>Shall I say {TAGGED}? Or {JSON}?</think>",
        "<think>One.</think><think>Two.</think>",
    ],
)
def test_trace_is_removed_before_parsing(before: str, reply: str) -> None:
    assert PLUGINS.parse_reply(Sums(), before + reply) == DRAFT


def test_lenient_parser_ignores_a_draft_in_the_trace() -> None:
    class Tolerant:
        @hookimpl
        def parse_reply(self, text: str) -> Draft | None:
            return Draft(answer=text.partition("answer: ")[2].partition(".")[0], rationale="r")

    text = "<think>Perhaps answer: 1. No.</think>answer: 2."
    found = load_plugins(Tolerant()).parse_reply(Sums(), text)
    assert found is not None
    assert found.answer == "2"


@pytest.mark.parametrize("empty", ["<rationale> </rationale><answer>3</answer>", '{"rationale": "", "answer": "3"}'])
def test_trace_becomes_the_rationale_only_if_there_is_none(empty: str) -> None:
    expected = Draft(answer="3", rationale="One and two.", notes=(NOTE,))
    assert PLUGINS.parse_reply(Sums(), f"<think>\nOne and two.</think>{empty}") == expected


def test_answer_may_contain_an_end_of_trace_tag() -> None:
    answer = 'text contains "</think>"'
    assert PLUGINS.parse_reply(Sums(), Sums().reply_text("so", answer)) == Draft(rationale="so", answer=answer)


@pytest.mark.parametrize(
    "text", ["", "</think>", "<think>a</think>", "<think>a", "</think>" * 12_000, f"{TAGGED}</think>"]
)
def test_unknown_trace_format_is_not_parsed(text: str) -> None:
    assert PLUGINS.parse_reply(Sums(), text) is None


texts = st.lists(st.sampled_from(["<think>", "</think>", "a", " ", "<answer>"]), max_size=9).map("".join)


@given(texts, texts)
def test_trace_and_reply_join_to_the_text(thought: str, text: str) -> None:
    before, reply = trace.split(text)
    assert before + reply == text
    assert trace.END not in reply
    if trace.END not in text:
        assert trace.split(trace.joined(thought, text))[1] == "\n" + text
