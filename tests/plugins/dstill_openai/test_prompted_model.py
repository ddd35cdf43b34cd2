"""A large model as a baseline of the student, at a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.loopback_teacher import LoopbackTeacher, Messages, Say, answer, broken_json, error, question_in

from dstill import Run
from dstill.plugins import load
from dstill.runs.folder import data_file

MODEL = "openai:big/model"
TOY = Path(__file__).parents[2] / "support" / "toy.py"
PREPARE = ("--task", "toy", "--teacher", "parrot", "--out", "runs/mine")
PRICES = 'teacher.openai.prices={"big/model"=[100.0,200.0]}'  # 10 + 5 tokens a reply: 0.2 cents


def sum_of(messages: Messages) -> str:
    """Right for sums; for differences, the sum of the same numbers: it runs and is wrong."""
    a, b = [*re.findall(r"\d+", question_in(messages)[0].partition("Begin your reply")[0]), "1", "1"][:2]
    return f"<rationale>the numbers {a} and {b} together</rationale><answer>{a}+{b}</answer>"


@pytest.fixture
def server(
    cli: Callable[..., Any],
    once: Callable[[str, Callable[[], None]], None],
    enable: Callable[..., None],
    key: str,
) -> Iterator[LoopbackTeacher]:
    """A server with a model, and the evaluated run ``runs/mine`` beside it."""
    enable("openai", "report")

    def build() -> None:
        assert cli("generate", *PREPARE).code == 0
        train = ("--student", "memory", "--objective", "plain", "--allow-unreviewed")
        assert cli("train", "runs/mine", *train).code == 0

    once("trained", build)
    with LoopbackTeacher(reply_to=sum_of) as found:
        yield found


def evaluate(cli: Callable[..., Any], server: LoopbackTeacher, *words: str) -> Any:
    settings = ("--set", f"teacher.openai.base_url={server.base_url}", "--set", "evaluate.baselines=nearest")
    return cli("evaluate", "runs/mine", "--split", "test", "--baseline", MODEL, *settings, *words)


@pytest.mark.slow
def test_model_stands_next_to_the_student_everywhere(cli: Callable[..., Any], server: LoopbackTeacher) -> None:
    """Score, silent errors, seconds and cost, in table, JSON, report and comparison."""
    ended = evaluate(cli, server, "--json", "--set", PRICES, "--shots", "2")
    assert ended.code == 0, ended.err
    result = json.loads(ended.out.splitlines()[-1])
    asked = len(server.requests)
    assert asked == result["costs"][MODEL]["questions"] == result["n"] + result_uncounted()
    assert 0 < result[MODEL] <= 1
    assert result["costs"][MODEL]["usd_per_1000"] == pytest.approx(2.0)
    assert result["costs"][MODEL]["seconds_per_1000"] > 0
    assert result["costs"]["student"]["usd_per_1000"] is None  # no price of the machine is set

    shown = evaluate(cli, server, "--set", PRICES, "--shots", "2")
    assert len(server.requests) == asked  # replies come from the store
    assert re.search(rf"{MODEL} +[\d.]+ +[\d.]+ +[\d,.]+ +2\.0000", shown.out)

    compared = cli("experiment", "compare", f"runs/mine:{MODEL}", "runs/mine", "--split", "test")
    assert compared.code == 0, compared.err
    assert re.search(rf"runs/mine:{MODEL} +[\d.]+ +[\d,.]+ +2\.0000", compared.out)
    sections = [s for s in opened_run().plugins.report_sections(opened_run()) if s.title == "Instead of a large model"]
    assert [row[0] for row in sections[0].table.rows] == ["student", MODEL]  # type: ignore[union-attr]


@pytest.mark.slow
def test_exports_for_other_programs_have_a_folder_of_the_model(
    cli: Callable[..., Any], server: LoopbackTeacher
) -> None:
    from dstill_report import inspect_log, lm_eval_files

    assert evaluate(cli, server).code == 0
    written = lm_eval_files.write(opened_run())
    assert {path.parent.name for path in written} >= {"mine", "mine__openai-big-model"}
    assert inspect_log.write(opened_run())


def opened_run() -> Run:
    return Run.open("runs/mine", plugins=load([TOY]))


def result_uncounted() -> int:
    """Answers of the student that are no part of the accuracy."""
    stages = json.loads(Path("runs/mine/run.json").read_text())["stages"]
    return sum(stages["evaluate"]["scores"]["student"]["test"]["executable_accuracy"]["uncounted"].values())


def test_prompts_have_worked_examples_of_training_and_no_gold(cli: Callable[..., Any], server: LoopbackTeacher) -> None:
    assert evaluate(cli, server, "--shots", "3").code == 0
    run = opened_run()
    training = {record.question for record in run.records("train")}
    golds = {record.question: record.answer for record in run.records("test")}
    for request in server.requests:
        *before, last = request["messages"]
        shown = [m["content"] for m in before if m["role"] == "user"]
        assert len(shown) == 3
        assert all(any(question in text for question in training) for text in shown)
        assert not any(gold in last["content"] for gold in golds.values())


@pytest.mark.slow
def test_cap_stops_before_it_is_exceeded_and_covers_reruns(cli: Callable[..., Any], server: LoopbackTeacher) -> None:
    short = ("--set", "teacher.openai.max_tokens=100", "--max-total-tokens")
    nothing = evaluate(cli, server, *short, "1")
    assert (nothing.code, server.requests) == (8, [])
    (worst,) = re.findall(r"may take ([\d,]+) tokens", nothing.err)
    cap = int(worst.replace(",", "")) + 100  # a reply takes 15
    for _ in range(2):
        ended = evaluate(cli, server, *short, str(cap))
        assert ended.code == 8
        assert f"{MODEL}: budget of {cap:,} tokens reached" in ended.err
        assert 0 < len(server.requests) <= 100 // 15 + 1
    without = evaluate(cli, server, "--max-usd", "1")
    assert without.code == 2
    assert "no price for model 'big/model'" in without.err


@pytest.mark.slow
def test_outage_is_no_wrong_answer(cli: Callable[..., Any], server: LoopbackTeacher) -> None:
    """The model is away half-way: the evaluation stops, keeps what it has, and the next one asks for the rest."""
    settings = ("--set", "teacher.openai.max_retries=0", "--set", "generate.concurrency=1")
    good = answer("<rationale>the numbers 1 and 2 together</rationale><answer>1+2</answer>")
    server.script = iter([good, good, *[error(503)] * 3])
    ended = evaluate(cli, server, *settings)
    assert ended.code == 7
    assert f"{MODEL} did not answer 3 of" in ended.err
    n = len(server.requests)
    assert evaluate(cli, server, *settings).code == 0
    assert len(server.requests) == n + 3


def test_worked_examples_need_no_rationale(cli: Callable[..., Any], server: LoopbackTeacher) -> None:
    run = opened_run()
    run.write(data_file("train"), [replace(record, rationale="") for record in run.records("train")])
    run.save()
    assert evaluate(cli, server, "--shots", "3").code == 0
    assert sum(message["role"] == "assistant" for message in server.requests[0]["messages"]) == 3


def test_refused_reply_is_a_wrong_answer(cli: Callable[..., Any], server: LoopbackTeacher) -> None:
    server.script = iter([answer(None, refusal="I would rather not")])
    ended = evaluate(cli, server)
    assert ended.code == 0
    run = opened_run()
    verdicts = list(run.verdicts(MODEL))
    assert sum(verdict.reason == "no output" for verdict in verdicts) == 1
    said = f"{MODEL} gave no answer to 1 of {len(verdicts)} questions, which count as wrong: 1 × the model refused: I "
    assert f"note: {said}would rather not" in ended.err
    costs = [mix["usd_per_1000"] for mix in run.stages["evaluate"]["cascade"].get(MODEL, {}).values()]
    assert set(costs) <= {None}  # a price that is not known is not 0


@pytest.mark.parametrize(
    ("say", "code", "said"),
    [
        (error(400, "use the Responses API"), 4, "refused the request (400): use the Responses API"),
        (broken_json(), 7, f"{MODEL} did not answer "),
    ],
)
def test_endpoint_that_takes_no_question_is_no_wrong_answer(
    cli: Callable[..., Any], server: LoopbackTeacher, say: Say, code: int, said: str
) -> None:
    """Four questions: too few for the rule of five equal refusals."""
    run = opened_run()
    run.write(data_file("test"), [*run.records("test")][:4])
    run.save()
    server.refuse = lambda body: say
    ended = evaluate(cli, server, "--set", "teacher.openai.max_retries=0")
    assert ended.code == code
    assert said in ended.err
