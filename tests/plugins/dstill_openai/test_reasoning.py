"""A reasoning model behind an endpoint: its trace in the text or in a field, with and without JSON mode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.loopback_teacher import SENT_BACK, LoopbackTeacher, Say, answer
from support.openai_asking import Echo, opened

import dstill_openai
import dstill_teachers
from dstill import config as configuration
from dstill.api.records import Example, Record, Rejection
from dstill.factory import Setup
from dstill.plugins import PluginInfo, Plugins
from dstill.stages.generate import LabelCounts, label_examples
from dstill.teacher import fence
from dstill.teacher.budget import Budget, Caps
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts

pytestmark = pytest.mark.usefixtures("key")

EXAMPLE = Example(id="1", question="one and two?")
THOUGHT = f"Begin with <id>{'0' * 8}</id>? No. <answer>9</answer>? No."


class Reasoner(LoopbackTeacher):
    """Sends a trace with every reply, where `where` says: "text", "lone", or the name of a field."""

    def __init__(self, where: str, reply: str) -> None:
        super().__init__()
        self.where, self.said = where, reply
        self.script = self._script()

    def _script(self) -> Iterable[Say]:
        reply = self.said
        while True:
            if self.where == "text":
                yield answer(f"<think>\n{THOUGHT}\n</think>\n\n{reply}")
            elif self.where == "lone":
                yield answer(f"{THOUGHT}</think>{reply}")
            else:
                yield answer(reply, **{self.where: THOUGHT})


def label_one(where: str, reply: str, mode: Any, store: Path) -> tuple[Record | Rejection, Reasoner]:
    plugins = Plugins()
    plugins.add(dstill_openai, PluginInfo(name="openai"))
    plugins.add(dstill_teachers, PluginInfo(name="teachers"))

    flags = {"generate.shots": 0, "generate.concurrency": 1}
    setup = Setup(plugins, configuration.load(use_files=False, environment={}, flags=flags))
    setup.task = Echo()
    with Reasoner(where, reply) as server, ReplyStore(store) as kept:
        work = label_examples(
            setup,
            opened(server.base_url, json_mode=mode),
            [EXAMPLE],
            executor=None,
            store=kept,
            budget=Budget(Caps()),
            counts=LabelCounts(replies=Counts()),
        )
        (one,) = asyncio.run(work)
        return one.row, server


def tagged(letters: str, rationale: str = "so") -> str:
    return f"<id>{letters}</id>{Echo().reply_text(rationale, '1 + 2')}"


def as_json(letters: str, rationale: str = "so") -> str:
    return json.dumps({"id": letters, "rationale": rationale, "answer": "1 + 2"})


FORMS = pytest.mark.parametrize(("mode", "form"), [("off", tagged), ("schema", as_json)], ids=["tags", "json"])


@FORMS
@pytest.mark.parametrize("where", ["text", "lone", "reasoning_content", "reasoning"])
def test_reply_is_parsed_without_its_trace(where: str, mode: str, form: Callable[..., str], tmp_path: Path) -> None:
    row, server = label_one(where, form(fence.of(EXAMPLE)), mode, tmp_path / "replies.sqlite")
    assert isinstance(row, Record)
    assert (row.rationale, row.answer) == ("so", "1 + 2")
    assert len(server.requests) == 1


@FORMS
@pytest.mark.parametrize("where", ["text", "reasoning_content"])
def test_fence_of_another_question_is_detected_after_a_trace(
    where: str, mode: str, form: Callable[..., str], tmp_path: Path
) -> None:
    row, _ = label_one(where, form("00000000"), mode, tmp_path / "replies.sqlite")
    assert isinstance(row, Rejection)
    assert [problem.code for problem in row.problems] == ["other_question"]


@pytest.mark.parametrize("where", ["text", "reasoning_content"])
def test_retry_omits_the_trace_and_the_cache_keeps_it(where: str, tmp_path: Path) -> None:
    row, server = label_one(where, "I do not know.", "off", tmp_path / "replies.sqlite")
    assert isinstance(row, Rejection)
    assert THOUGHT in row.text
    sent: Sequence[Mapping[str, str]] = server.requests[1]["messages"]
    assert [m["content"].strip() for m in sent if m["role"] == "assistant"] == ["I do not know."]
    assert sent[-1]["content"].startswith(SENT_BACK)


def test_trace_used_as_rationale_is_checked(tmp_path: Path) -> None:
    row, _ = label_one("reasoning_content", tagged(fence.of(EXAMPLE), ""), "off", tmp_path / "replies.sqlite")
    assert isinstance(row, Record)
    assert row.rationale == THOUGHT
