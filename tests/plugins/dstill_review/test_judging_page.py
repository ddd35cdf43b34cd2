"""The page of `dstill calibrate` in a real browser."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.browser import needs_chromium, visits
from support.served import threads
from support.unsure import peoples, trained

from dstill import Predictor, Run
from dstill import plugins as plugin_loading
from dstill.runs.judgements import Judgements
from dstill_review.access import Access
from dstill_review.judging import JudgingSession
from dstill_review.serving import listening, server_of

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def run(project: Path, toy_file: Path) -> Run:
    return trained(plugin_loading.load([toy_file, toy_file.with_name("unsure.py")]), project / "mine", {"train": 5})


@pytest.fixture
def page(run: Run, browser: Any) -> Iterator[Any]:
    """The page with three questions of people."""
    with threads() as serve, visits(browser) as visit:
        yield visit(started(run, serve).address, "#row")


def started(run: Run, serve: Callable[..., Any]) -> Access:
    stack = contextlib.ExitStack()
    listener = stack.enter_context(listening(0))
    executor = stack.enter_context(run.setup.opened_executor())
    predictor = stack.enter_context(Predictor(run))
    questions = [predictor.example(json.loads(line)["question"]) for line in peoples(3).splitlines()]
    session = JudgingSession(run, Judgements(run, predictor, executor, questions=questions), executor)
    server, access = server_of(session, listener)
    serve(server, listener, stack)
    return access


def wait_until_judged(page: Any, count: int) -> None:
    page.locator("#judged", has_text=re.compile(rf"^{count} of 60 judged")).wait_for()


def judged(run: Run) -> list[tuple[str, str | None]]:
    rows = map(json.loads, (run.folder / "judgements.jsonl").read_text().splitlines())
    return [(row["verdict"], row["correction"]) for row in rows]


def test_keys_judge_answers_and_questions_can_be_typed(page: Any, run: Run) -> None:
    assert page.locator("#accept").inner_text().split() == ["y", "Right"]
    assert page.locator("#command").text_content() == "dstill calibrate"
    page.keyboard.press("a")  # a key of the other page
    page.keyboard.press("y")
    wait_until_judged(page, 1)
    page.keyboard.press("n")
    wait_until_judged(page, 2)
    page.keyboard.press("e")
    page.locator("#new-answer").fill("1+1")
    page.keyboard.press("Control+Enter")
    wait_until_judged(page, 3)
    assert judged(run) == [("right", None), ("wrong", None), ("wrong", "1+1")]
    page.locator("#all", has_text="No answer is left to judge").wait_for()
    assert "57 more are needed before anything is promised" in page.locator("#summary").inner_text()
    page.locator("#typed").fill("add 71 and 9")
    page.keyboard.press("Enter")
    page.locator("#question", has_text="add 71 and 9").wait_for()
    page.locator("#typed").blur()
    page.keyboard.press("y")
    wait_until_judged(page, 4)
    page.keyboard.press("u")
    wait_until_judged(page, 3)
    assert len(judged(run)) == 3


def test_question_that_gives_no_answer_is_explained(page: Any) -> None:
    page.locator("#typed").fill("add 1 and 1")  # learnt
    page.keyboard.press("Enter")
    page.locator("#message", has_text="answered already, or the student learnt it").wait_for()
