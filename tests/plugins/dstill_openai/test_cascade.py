"""The cascade: `predict --fallback`, and the table of `evaluate`, with a scripted large model on loopback."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.loopback_teacher import LoopbackTeacher, answer, error
from support.scripted_model import is_right, model_says
from support.unsure import calibrated, records, trained

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.answering.prompted import PromptedModel
from dstill.api.metric import wilson
from dstill.runs.bundle import manifest_of
from dstill.stages.predict.predictor import Predictor
from dstill.teacher.client import worst_of
from dstill.trust import forget

SUPPORT = Path(__file__).parents[2] / "support"
TOY, UNSURE = SUPPORT / "toy.py", SUPPORT / "unsure.py"
MODEL = "openai:big"
PRICES = 'teacher.openai.prices={"big"=[100.0,200.0]}'  # 10 + 5 tokens a reply: 0.2 cents
TEST = 40  # questions
CUT = ("--max-wrong", "0.2")


def loaded() -> plugin_loading.Plugins:
    return plugin_loading.load([TOY, UNSURE])


@pytest.fixture
def server() -> Iterator[LoopbackTeacher]:
    with LoopbackTeacher(reply_to=model_says) as found:
        yield found


@pytest.fixture
def unsure(
    cli: Callable[..., Any],
    project: Path,
    once: Callable[..., None],
    enable: Callable[..., None],
    key: str,
    server: LoopbackTeacher,
) -> Callable[..., Any]:
    """Commands that know the server, and the evaluated run "mine" with a student that knows when it may be wrong."""
    enable("openai")

    def build() -> None:
        calibrated(trained(loaded(), project / "mine", {"train": 5, "test": TEST}), 500)
        assert cli("--plugin", UNSURE, "trust", "mine").code == 0
        ended = cli("--plugin", UNSURE, "evaluate", "mine")
        assert ended.code == 0, ended.err

    once("unsure", build)
    settings = ("--set", f"teacher.openai.base_url={server.base_url}", "--set", PRICES)
    return lambda *words, **more: cli("--plugin", UNSURE, *words, *settings, **more)


def rows(ended: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


QUESTIONS = [record.question for record in records("test", TEST)]
STDIN = "\n".join(QUESTIONS).encode()


def ask(unsure: Callable[..., Any], *words: object, stdin: bytes = STDIN) -> Any:
    return unsure("predict", "mine", *CUT, "--fallback", MODEL, "--shots", "2", *words, stdin=stdin)


@pytest.fixture
def below(unsure: Callable[..., Any]) -> set[str]:
    """The questions that the student abstains from."""
    return {row["question"] for row in rows(unsure("predict", "mine", *CUT, "--json", stdin=STDIN)) if row["abstained"]}


# --- predict ----------------------------------------------------------------------------


def test_model_answers_for_a_bundle_without_worked_examples(
    unsure: Callable[..., Any], server: LoopbackTeacher, below: set[str], project: Path
) -> None:
    run = Run.open("mine", plugins=loaded())
    shutil.copytree(run.folder / "student", project / "held" / "student")
    manifest_of(run, project / "held", {"train.student": "unsure"}).write(project / "held")
    ended = unsure("predict", "held", *CUT, "--fallback", MODEL, "--json", "--execute", stdin=STDIN)
    assert (ended.code, {row["question"] for row in rows(ended) if row["answered_by"] == MODEL}) == (0, below)
    assert len(server.requests) == len(below)
    assert all(len(request["messages"]) == 2 for request in server.requests)
    again = unsure("predict", "held", *CUT, "--fallback", MODEL, "--json", "--execute", stdin=STDIN)
    assert (again.out, len(server.requests)) == (ended.out, len(below))  # from the store of the working folder


def test_model_answers_below_the_cut(unsure: Callable[..., Any], server: LoopbackTeacher, below: set[str]) -> None:
    ended = ask(unsure, "--json", "--execute")
    given = rows(ended)
    assert (ended.code, len(given)) == (0, TEST)
    assert 0 < len(below) < TEST
    assert {row["question"] for row in given if row["answered_by"] == MODEL} == below
    assert len(server.requests) == len(below)
    for row in given:
        first, second = map(int, re.findall(r"\d+", row["question"]))
        assert row["outcome"] == "ok"
        if row["question"] in below:
            right = row["result"] == first + second
            assert (right, row["confidence"], row["abstained"]) == (is_right(row["question"]), None, False)
            assert row["withheld"]
            assert row["rationale"] == f"the numbers {first} and {second} together"
        else:
            assert (row["answered_by"], row["confidence"] > 0, "withheld" in row) == ("student", True, False)
    assert rows(ask(unsure, "--json", "--execute")) == given
    assert len(server.requests) == len(below)  # the second time, replies come from the store

    shown = ask(unsure)
    assert "note: at most 20 % of the given answers are wrong" in shown.err
    assert f"note: {MODEL} answers the other questions; nothing is promised of its answers" in shown.err
    assert f"note: nothing limits what {MODEL} costs: --max-usd and --max-total-tokens do" in shown.err
    assert f"note: {MODEL} answered {len(below)} of {TEST} questions" in shown.err
    assert shown.out.count(f"  answered by {MODEL}") == len(below)


def test_prompt_has_no_answer_of_the_student(unsure: Callable[..., Any], server: LoopbackTeacher) -> None:
    ask(unsure)
    for request in server.requests:
        *before, last = request["messages"]
        assert sum(message["role"] == "assistant" for message in before) == 2
        assert "+" not in last["content"]


def test_spent_budget_leaves_abstentions(unsure: Callable[..., Any], server: LoopbackTeacher, below: set[str]) -> None:
    """Some replies are bought, the cap stops the others, and the next command buys none."""
    short = ("--json", "--set", "teacher.openai.max_tokens=100", "--set", "generate.concurrency=1")
    nothing = ask(unsure, *short, "--max-total-tokens", "1")
    assert (nothing.code, server.requests) == (0, [])
    assert {row["question"] for row in rows(nothing) if row["abstained"]} == below
    # The worst case of a request is about 1,000 tokens; it takes 15.
    (first, *_) = (row for row in rows(nothing) if row["abstained"])
    assert first["reason"].endswith(f"; {MODEL} gave no answer: budget of 1 tokens reached")
    assert nothing.err.count(f"warning: {MODEL} does not answer: budget of 1 tokens reached") == 1
    worst = worst_case(unsure)
    ended = ask(unsure, *short, "--max-total-tokens", str(worst + 15))
    bought = len(server.requests)
    given = [row for row in rows(ended) if row["answered_by"] == MODEL]
    assert 0 < bought == len(given) < len(below)
    assert sum(row["abstained"] for row in rows(ended)) == len(below) - bought
    assert rows(ask(unsure, *short, "--max-total-tokens", str(worst + 15))) == rows(ended)
    assert len(server.requests) == bought
    dear = ask(unsure, *short, "--max-usd", "0.01")
    assert "budget $0.01 reached" in dear.err
    assert len(server.requests) == bought


def worst_case(unsure: Callable[..., Any]) -> int:
    """The most tokens that one request may take."""
    run = Run.open("mine", plugins=loaded(), flags={"evaluate.shots": 2, "teacher.openai.max_tokens": 100})
    model = PromptedModel(run.setup, MODEL, run.records("train"))
    return max(
        worst_of(model.teacher, prompt).total for prompt in model.prompts(r.example for r in run.records("test"))
    )


def test_model_that_is_away_leaves_abstentions(
    unsure: Callable[..., Any], server: LoopbackTeacher, below: set[str]
) -> None:
    server.refuse = lambda body: error(503, "come back later")
    ended = ask(unsure, "--json", "--set", "teacher.openai.max_retries=0")
    assert ended.code == 0
    lost = [row for row in rows(ended) if row["abstained"]]
    assert {row["question"] for row in lost} == below
    for row in lost:
        assert (row["answer"], row["answered_by"]) == ("", "student")
        assert row["withheld"]
        assert re.search(rf"below the cut .*; {MODEL} gave no answer: .*503", row["reason"])
    assert f"warning: {MODEL} does not answer: " in ended.err


def test_refused_key_is_not_tried_with_every_question(
    unsure: Callable[..., Any], server: LoopbackTeacher, below: set[str]
) -> None:
    server.refuse = lambda body: error(401, "no such key")
    ended = ask(unsure, "--json", "--set", "generate.concurrency=1")
    assert sum(row["abstained"] for row in rows(ended)) == len(below)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("<rationale>the numbers</rationale><answer>100+1</answer>", "100 has more than 2 digits"),  # as a guard does
        ("<rationale>the numbers</rationale><answer>seven</answer>", "'seven' is no sum"),
        ("I would rather talk about the weather.", "no answer in the text"),
    ],
)
def test_answers_of_the_model_pass_the_same_checks(
    unsure: Callable[..., Any], server: LoopbackTeacher, below: set[str], said: str, reason: str
) -> None:
    server.refuse = lambda body: answer(said)
    ended = ask(unsure, "--json", "--execute")
    assert ended.code == 9
    refused = [row for row in rows(ended) if row["answered_by"] == MODEL]
    assert {row["question"] for row in refused} == below
    for row in refused:
        assert (row["ok"], row["abstained"], row["reason"]) == (False, False, reason)
        assert "outcome" not in row
        assert row["withheld"] != row["answer"]


def test_model_may_refuse_as_the_student_may(unsure: Callable[..., Any], server: LoopbackTeacher) -> None:
    server.refuse = lambda body: answer("<rationale>no numbers</rationale><answer>none</answer>")
    ended = ask(unsure, "--json", "--execute")
    assert ended.code == 0
    assert {row["reason"] for row in rows(ended) if row["refused"]} == {f"{MODEL} refused to answer"}
    blocked = rows(ask(unsure, "--json"))
    server.refuse = lambda body: answer(None, refusal="I would rather not")
    assert rows(ask(unsure, "--json")) == blocked  # replies are in the store
    others = rows(ask(unsure, "--json", "--shots", "1"))
    assert {row["reason"].partition("; ")[2] for row in others if row["abstained"]} == {
        f"{MODEL} gave no answer: the model refused: I would rather not"
    }


def test_invalid_answer_of_the_student_goes_to_the_model(unsure: Callable[..., Any], server: LoopbackTeacher) -> None:
    ended = ask(unsure, "--json", stdin=b"add 4 and 999")
    (row,) = rows(ended)
    assert (row["answered_by"], row["withheld"][:5]) == (MODEL, "4+999")
    assert len(server.requests) == 1
    server.refuse = lambda body: error(400, "no")
    (row,) = rows(ask(unsure, "--json", stdin=b"add 5 and 999"))
    assert (row["answered_by"], row["ok"], row["abstained"]) == ("student", False, False)
    assert re.match(rf"999 has more than 2 digits; {MODEL} gave no answer: ", row["reason"])


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*CUT, "--fallback", "opanai:big"), "error: no large model called 'opanai:big'. Did you mean 'openai'?"),
        ((*CUT, "--fallback", "nosuch:big"), "error: no large model called 'nosuch:big'."),
        ((*CUT, "--fallback", "openai"), "error: 'openai' names no model"),
        (("--fallback", MODEL), "error: --fallback needs --max-wrong"),
        ((*CUT, "--fallback", "openai:free", "--max-usd", "1"), "error: cannot enforce max_usd: no price for model"),
    ],
)
def test_models_that_cannot_be_asked(
    unsure: Callable[..., Any], server: LoopbackTeacher, words: tuple[str, ...], said: str
) -> None:
    ended = unsure("predict", "mine", "add 3 and 4", *words)
    assert (ended.code, ended.out, server.requests) == (2, "", [])
    assert ended.err.startswith(said)


def test_store_that_cannot_be_used_is_an_error(unsure: Callable[..., Any], server: LoopbackTeacher) -> None:
    Path("replies.sqlite").write_text("no database")
    ended = ask(unsure)
    assert (ended.code, ended.out, server.requests) == (5, "", [])
    assert "error: the reply store replies.sqlite is corrupt" in ended.err


def test_run_of_a_stranger_sends_no_key(
    cli: Callable[..., Any], unsure: Callable[..., Any], server: LoopbackTeacher
) -> None:
    file = Path("mine/config.toml")
    file.write_text(file.read_text().replace("https://api.openai.com/v1", "http://evil.example/v1"))
    forget(Path("mine"))
    ended = cli("--plugin", UNSURE, "predict", "mine", *CUT, "--fallback", MODEL, "add 3 and 4")
    assert ended.code == 5
    assert "send the environment variable 'OPENAI_API_KEY' to http://evil.example" in ended.err
    assert server.requests == []


# --- threads ----------------------------------------------------------------------------


def of(server: LoopbackTeacher) -> dict[str, Any]:
    return {"teacher.openai.base_url": server.base_url, "generate.concurrency": 1}


def test_cancelled_question_costs_nothing_and_a_sent_one_is_kept(
    unsure: Callable[..., Any], server: LoopbackTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, server.delay = Run.open("mine", plugins=loaded(), flags=of(server), trusted=True), 0.3
    with Predictor(run, max_wrong=0.2, fallback=MODEL) as answering:
        assert answering.fallback is not None
        first, second, third = (answering.fallback.ask(answering.example(f"add 1 and {n}")) for n in (1, 2, 3))
        while not server.requests:
            time.sleep(0.01)
        assert first.cancel()
        assert second.cancel()
        assert third.result(60).text.endswith("<answer>1+3</answer>")
        assert [message["messages"][-1]["content"][:9] for message in server.requests] == ["add 1 and"] * 2
        again = answering.fallback.ask(answering.example("add 1 and 1")).result(60)
        assert again.text.endswith("<answer>1+1</answer>")
    assert len(server.requests) == 2


def test_end_does_not_wait_for_the_model(unsure: Callable[..., Any], server: LoopbackTeacher) -> None:
    run, server.delay = Run.open("mine", plugins=loaded(), flags=of(server), trusted=True), 60.0
    with Predictor(run, max_wrong=0.2, fallback=MODEL) as answering:
        assert answering.fallback is not None
        asked = answering.fallback.ask(answering.example("add 1 and 1"))
        while not server.requests:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 30
    assert asked.cancelled()


# --- evaluate ---------------------------------------------------------------------------


def test_table_is_what_the_verdicts_say(unsure: Callable[..., Any], server: LoopbackTeacher) -> None:
    """Every figure again, from the rows of the run and the script of the model."""
    ended = unsure("evaluate", "mine", "--baseline", MODEL, "--shots", "2", "--json")
    assert ended.code == 0, ended.err
    result = rows(ended)[-1]
    found = result["cascade"][MODEL]["test"]
    run = Run.open("mine", plugins=loaded())
    own = {row.id: row for row in run.confidence() if row.split == "test"}
    model = {record.id: is_right(record.question) for record in run.records("test")}
    assert found["n"] == len(own) == len(model) == TEST
    assert found["large"]["right"] == sum(model.values())
    assert (found["large"]["here"], found["student"]["here"]) == (0, TEST)
    assert found["student"]["right"] == sum(bool(row.right) for row in own.values())
    assert found["large"]["usd_per_1000"] == pytest.approx(2.0)

    calibration = run.calibration()
    assert calibration is not None
    cuts = {cut["max_wrong"]: cut for cut in found["cuts"]}
    assert cuts.keys() == {most for most in (0.01, 0.02, 0.05, 0.1) if calibration.promise(most).holds}
    assert cuts
    for most, cut in cuts.items():
        promise = calibration.promise(most)
        here = {id for id, row in own.items() if promise.gives(row.score)}
        right = sum(bool(own[id].right) if id in here else model[id] for id in own)
        assert (cut["here"], cut["right"]) == (len(here), right)
        assert cut["wrong_here"] == sum(not own[id].right for id in here)
        assert (cut["accuracy"], cut["low"], cut["high"]) == (right / TEST, *wilson(right, TEST))
        assert cut["usd_per_1000"] == pytest.approx(2.0 * (TEST - len(here)) / TEST)
        assert cut["seconds"] >= 0.01  # of the student, which writes to every question

    ranked = sorted(own.values(), key=lambda row: -(row.score or 0.0))
    assert [mix["here"] for mix in found["shares"]] == [TEST * tenth // 10 for tenth in range(11)]
    for mix in found["shares"]:
        here = {row.id for row in ranked[: mix["here"]]}
        assert mix["right"] == sum(bool(own[id].right) if id in here else model[id] for id in own)

    shown = unsure("evaluate", "mine", "--baseline", MODEL, "--shots", "2").out
    assert f"test: the student, and {MODEL} below the cut (n = {TEST})" in shown
    assert re.search(rf"\n *{MODEL} alone +0 +[\d.]+ \[[\d., ]+\] +[\d.]+ +2\.0000", shown)
