"""`generate` with a paid teacher, `generate --dry-run` and `curate`: requests, cost and the dataset.

The teacher is a real server on loopback; the task is the toy's sums.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.commands import WITH_TOY
from support.loopback_teacher import LoopbackTeacher

pytestmark = pytest.mark.usefixtures("project", "openai")
Cli = Callable[..., Any]
PRICES = 'teacher.openai.prices={"toy" = [1000.0, 2000.0]}'  # so that a few tokens cost something


def good_reply(question: str) -> str:
    """The answer to the last question of a prompt, or to that before a correction."""
    match = re.search(r"(add|take) (\d+) (?:and|from) (\d+)", question)
    if match is None:
        return "<rationale>nothing to count</rationale><answer>none</answer>"
    verb, a, b = match.groups()
    answer = f"{a}+{b}" if verb == "add" else f"{b}-{a}"
    return f"<rationale>the words say so</rationale><answer>{answer}</answer>"


@pytest.fixture
def server() -> Iterator[LoopbackTeacher]:
    with LoopbackTeacher(good_reply) as found:
        yield found


@pytest.fixture
def ask(cli: Cli, server: LoopbackTeacher) -> Callable[..., Any]:
    """`generate` into the run "mine", with the loopback teacher."""

    def call(*words: object) -> Any:
        sets = [f"teacher.openai.base_url={server.base_url}", "teacher.openai.model=toy", PRICES]
        options = [word for one in sets for word in ("--set", one)]
        return cli("generate", "--task", "toy", "--teacher", "openai", "--out", "mine", *options, *words)

    return call


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("mine/run.json").read_text())["stages"]["generate"]
    return found


def request_rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("mine/requests.jsonl").read_text().splitlines()]


# --- cost -------------------------------------------------------------------------------


def test_shows_cost_of_replies_and_of_annotators(ask: Callable[..., Any]) -> None:
    ended = ask("--set", "cost.annotator_usd_per_hour=36", "--set", "cost.annotator_seconds_per_row=100")
    assert ended.code == 0, ended.err
    # 27 replies of 10 + 5 tokens, at 1,000 and 2,000 USD a million
    assert "cost: $0.54, $0.0200 a row (27 replies, 270 + 135 tokens)" in ended.out
    assert "people would have cost $27 (assumed: 100 s a row at $36 an hour)" in ended.out
    cost = manifest()["cost"]
    assert cost["usd"] == pytest.approx(27 * 0.02)
    assert cost["annotators"] == {"usd": 27.0, "usd_per_hour": 36.0, "seconds_per_row": 100.0}


def test_cost_without_a_price_is_unknown(ask: Callable[..., Any]) -> None:
    ended = ask("--set", "teacher.openai.prices={}")
    assert ended.code == 0, ended.err
    assert "cost: unknown (no price is set) (27 replies" in ended.out
    assert manifest()["cost"]["usd"] is None


def test_free_teacher_shows_no_cost(cli: Cli) -> None:
    ended = cli("generate", "--teacher", "parrot", "--out", "mine")
    assert ended.code == 0
    assert "cost" not in ended.out
    assert manifest()["cost"] == {}


def test_next_command_is_review_for_model_replies(ask: Callable[..., Any], cli: Cli) -> None:
    wants = ("--set", "review.required=auto")  # the default
    assert ask(*wants).out.endswith(f"run: mine\nnext: {WITH_TOY} data review mine\n")
    assert cli("data", "curate", "mine", *wants).out.endswith(f"next: {WITH_TOY} data review mine\n")
    assert cli("data", "curate", "mine", "--set", "review.required=never").out.endswith(
        f"next: {WITH_TOY} train mine\n"
    )


def test_resumed_run_reports_cached_replies(ask: Callable[..., Any], cli: Cli) -> None:
    assert ask("--max-requests", "10").code == 8
    ended = cli("generate", "--out", "mine", "--max-requests", "100")
    assert ended.code == 0, ended.err
    assert "10 replies came from the cache, 17 were requested now\n" in ended.out


# --- caps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--max-requests", "10"], "budget of 10 requests reached at 10/27; resume with a higher --max-requests"),
        (["--max-usd", "0.50"], "budget $0.50 reached at "),
        (["--max-total-tokens", "500"], "budget of 500 tokens reached at "),
    ],
)
def test_reached_budget_stops_with_a_hint_to_resume(
    ask: Callable[..., Any], server: LoopbackTeacher, words: list[str], named: str
) -> None:
    small = ["--json-mode", "off"]  # the worst case includes a schema
    for one in ("teacher.openai.max_tokens=20", "generate.concurrency=4", "generate.shots=0"):
        small += ["--set", one]
    ended = ask(*words, *small)
    assert ended.code == 8, ended.err
    assert ended.err.splitlines()[-3].startswith(f"error: {named}"), ended.err
    assert re.search(r"spent; one more request may take ", ended.err)
    assert words[0] in ended.err.splitlines()[-1]
    bought = len(server.sold)
    assert 0 < bought < 27
    assert f"reached at {bought}/27" in ended.err
    # the cap is per run: resuming it buys nothing more
    assert ask(*words, *small).code == 8
    assert len(server.sold) == bought
    ended = ask(words[0], "1000000", *small)
    assert ended.code == 0, ended.err
    assert len(server.sold) == 27
    assert server.sold_twice == {}
    assert manifest()["replies"] == {"bought": 27 - bought, "cached": bought, "failed": 0}


def test_time_limit_stops_resumably(
    ask: Callable[..., Any], server: LoopbackTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = lambda: time.monotonic() + (10_000 if len(server.sold) >= 4 else 0)  # noqa: E731  # no machine is so slow
    with monkeypatch.context() as patch:
        patch.setattr("dstill.teacher.budget.time", SimpleNamespace(monotonic=late))
        ended = ask("--max-wall", "5000", "--set", "generate.concurrency=2")
    assert ended.code == 8, ended.err
    assert "budget of 5000 s reached at " in ended.err
    assert 4 <= len(server.sold) <= 5  # no request after that; one may have been in flight
    assert ask("--max-wall", "100").code == 0
    assert server.sold_twice == {}


# --- retries ----------------------------------------------------------------------------


def test_refused_replies_are_fixed_by_a_retry(cli: Cli, project: Path) -> None:
    seen: dict[str, int] = {}

    def wrong_at_first(question: str) -> str:
        if question.startswith("That reply cannot be used"):
            # `reply_to` gets only the last message; the question is earlier in the conversation
            return good_reply(server.requests[-1]["messages"][-3]["content"])
        seen[question] = seen.get(question, 0) + 1
        return good_reply(question).replace("<answer>", "<answer>99") if "add" in question else good_reply(question)

    with LoopbackTeacher(wrong_at_first) as server:
        sets = [f"teacher.openai.base_url={server.base_url}", "teacher.openai.model=toy", "generate.concurrency=1"]
        options = [word for one in sets for word in ("--set", one)]
        ended = cli("generate", "--task", "toy", "--teacher", "openai", "--out", "mine", "--json", *options)
    assert ended.code == 0, ended.err
    facts = json.loads(ended.out.splitlines()[-1])
    assert facts["accepted"] == 27
    assert facts["fixed_on_retry"] == facts["retries"]
    assert sum(facts["retries"].values()) == len(server.requests) - 27 > 0


# --- dry run ----------------------------------------------------------------------------


def test_dry_run_estimates_without_requests(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    ended = ask("--dry-run")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert ended.err.startswith("making the task's questions, split by split 0/5\n")
    assert lines[0] == "27 questions: 0 replies cached, 27 to request"
    assert re.fullmatch(r"tokens: prompts [\d,]+ to [\d,]+, replies 1,620 to 55,296 \(not counted: .*\)", lines[1])
    assert re.fullmatch(r"cost: \$[\d.]+ to \$[\d.,]+", lines[2])
    assert "add 1 and 2" in ended.out
    assert "Begin your reply with <id>" in ended.out
    assert server.requests == []
    assert not Path("mine").exists()
    assert not Path("replies.sqlite").exists()
    # the real requests equal the shown ones
    assert ask("--set", "generate.concurrency=1").code == 0
    shown = ended.out[ended.out.index("--- user\n") :].split("--- ")
    sent = [message["content"] for message in server.requests[0]["messages"] if message["role"] == "user"]
    assert [text.partition("\n")[2].strip() for text in shown if text.startswith("user")] == sent


def test_dry_run_counts_cached_replies(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    assert ask("--limit", "9").code == 0
    before = len(server.sold)
    found = json.loads(ask("--dry-run", "--limit", "9", "--json").out)
    assert (found["questions"], found["n_cached"], found["n_to_request"]) == (9, 9, 0)
    assert found["usd"] == [0.0, 0.0]
    assert len(server.sold) == before


def test_actual_cost_is_within_the_estimate(ask: Callable[..., Any]) -> None:
    low, high = json.loads(ask("--dry-run", "--json", "--set", "teacher.openai.max_tokens=50").out)["usd"]
    assert ask("--set", "teacher.openai.max_tokens=50").code == 0
    assert manifest()["cost"]["usd"] < high
    assert low < high


# --- curate -----------------------------------------------------------------------------


def test_curate_is_reproducible_without_requests(cli: Cli, ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    assert ask().code == 0
    files = [*sorted(Path("mine/dataset/data").iterdir()), Path("mine/rejects.jsonl")]
    before = [file.read_bytes() for file in files]
    bought, seconds = len(server.requests), manifest()["seconds"]
    for file in files:
        file.unlink()
    ended = cli("data", "curate", "mine")
    assert ended.code == 0, ended.err
    assert "27 of 27 questions accepted" in ended.out
    assert [file.read_bytes() for file in files] == before
    assert len(server.requests) == bought
    assert manifest()["seconds"] == seconds  # the counts of requests stay


def test_curate_applies_another_check_and_explains_rejections(
    cli: Cli, ask: Callable[..., Any], server: LoopbackTeacher, tmp_path: Path
) -> None:
    assert ask().code == 0
    strict = tmp_path / "strict.py"
    strict.write_text(
        "from dstill import hookimpl\n"
        "from dstill.api.records import Problem\n\n\n"
        "@hookimpl\n"
        "def check_draft(task, example, draft):\n"
        "    if '4' in draft.answer:\n"
        "        return [Problem(layer='strict', code='no_fours', message='a four')]\n"
    )
    bought = len(server.requests)
    ended = cli("--plugin", str(strict), "data", "curate", "mine", "--json")
    assert ended.code == 0, ended.err
    facts = json.loads(ended.out.splitlines()[-1])
    assert facts["rejections"] == {"no_fours": 12}
    assert facts["accepted"] == 15
    rejects = [json.loads(line) for line in Path("mine/rejects.jsonl").read_text().splitlines()]
    assert {problem["code"] for row in rejects for problem in row["problems"]} == {"no_fours"}
    assert all(row["id"] for row in rejects)
    assert manifest()["accepted"] == 15
    assert len(server.requests) == bought
    table = cli("--plugin", str(strict), "data", "curate", "mine").out
    assert re.search(r"no_fours +12", table)


# --- changed inputs ---------------------------------------------------------------------


def test_changed_questions_are_refused(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    """After an edit of the questions file the error names the difference; the dataset changes only if allowed."""

    def write(**questions: str) -> None:
        rows = [{"id": id, "question": question, "split": "train"} for id, question in questions.items()]
        Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    write(a="add 1 and 2", b="add 2 and 3", c="add 3 and 4")
    assert ask("--questions", "questions.jsonl").code == 0
    before, bought = Path("mine/dataset/data/train.jsonl").read_bytes(), len(server.requests)
    write(b="add 2 and 5", c="add 3 and 4", d="add 1 and 7", e="add 1 and 8")
    ended = ask("--questions", "questions.jsonl")
    assert ended.code == 5
    assert "2 added (d, …), 1 gone (a), 1 changed (b)\n" in ended.err
    assert "--resume-with-changes" in ended.err
    assert (Path("mine/dataset/data/train.jsonl").read_bytes(), len(server.requests)) == (before, bought)
    assert ask("--questions", "questions.jsonl", "--resume-with-changes").code == 0
    assert [row["id"] for row in request_rows()] == ["b", "c", "d", "e"]
    assert ask("--questions", "questions.jsonl").code == 0


def test_changed_settings_are_refused(ask: Callable[..., Any]) -> None:
    assert ask().code == 0
    ended = ask("--limit", "5")
    assert ended.code == 5
    assert "was created with generate.limit = 0, not 5" in ended.err
    assert ask("--limit", "5", "--resume-with-changes").code == 0
    assert len(request_rows()) == 5
    assert ask("--limit", "5").code == 0


def test_transport_settings_may_change_but_not_sampling_settings(ask: Callable[..., Any]) -> None:
    assert ask().code == 0
    assert ask("--set", "teacher.openai.timeout=9", "--set", "teacher.openai.max_retries=1").code == 0
    ended = ask("--set", "teacher.openai.temperature=1")
    assert ended.code == 5
    assert ended.err.startswith("error: run 'mine' was created with teacher.openai.temperature = 0.0, not 1.0\n")


# --- splits that are not what their names say -------------------------------------------


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    "unseen", [{"data": "Shop "}, {"data": ["shop"]}, {"data": "store", "mapping": {"digits": 3}}, {"data": " "}]
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_unseen_data_that_another_split_has_are_refused_before_a_reply_is_bought(
    ask: Callable[..., Any], server: LoopbackTeacher, unseen: dict[str, Any], split: str, dry: tuple[str, ...]
) -> None:
    rows = [
        {"question": "add 1 and 2", "context": {"data": "shop", "mapping": {"digits": 3}}, "split": split},
        {"question": "add 3 and 4", "context": {"data": "clinic"}, "split": "train"},
        {"question": "add 5 and 6", "context": unseen, "split": "test_unseen_data"},
    ]
    Path("q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = ask("--questions", "q.jsonl", *dry)
    assert ended.code == 4
    blank = unseen["data"] == " "
    wrong = "row 'q-3' of test_unseen_data does not say which data set it is about"
    assert (wrong if blank else f"1 of 1 items of test_unseen_data shares a data set with {split}") in ended.err
    assert (server.requests, server.sold) == ([], [])
    assert not Path("replies.sqlite").exists()


def test_templates_that_training_has_are_refused_before_a_reply_is_bought(
    ask: Callable[..., Any], server: LoopbackTeacher
) -> None:
    rows = [
        {"question": f"add {n} and 2", "template": "add", "split": split}
        for n, split in enumerate(["train", "test_unseen_templates"])
    ]
    Path("q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = ask("--questions", "q.jsonl")
    assert ended.code == 4
    assert "1 of 1 items of test_unseen_templates shares a template with train" in ended.err
    assert server.requests == []


# --- questions that were written apart --------------------------------------------------


def apart(*rows: dict[str, Any]) -> tuple[str, str]:
    """The option that takes `rows` as the split `test_written`."""
    Path("apart.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "--set", "generate.test_questions=apart.jsonl"


def test_test_questions_are_scored_and_not_learnt(cli: Cli) -> None:
    rows = ({"question": "add 2 and 3", "answer": "2+3", "split": "train"}, {"question": "sum 7, 8", "answer": "7+8"})
    words = ("generate", "--task", "toy", "--out", "mine", *apart(*rows))
    assert cli(*words, "--set", 'evaluate.splits=["test_written"]').code == 0
    data = {path.stem: path.read_text() for path in Path("mine/dataset/data").iterdir()}
    assert [json.loads(line)["answer"] for line in data["test_written"].splitlines()] == ["2+3", "7+8"]
    assert '"add 2 and 3"' not in data["train"]  # a question of the pack, too
    assert cli("train", "mine", "--student", "memory", "--set", "train.objective=plain").code == 0
    ended = cli("evaluate", "mine", "--set", "evaluate.baselines=[]")
    assert "of 2 (" in ended.out
    assert "questions that were written apart from all training" in " ".join(ended.out.split())


def test_test_question_without_an_answer_is_an_error(cli: Cli) -> None:
    ended = cli("generate", "--task", "toy", "--out", "mine", *apart({"id": "a", "question": "sum 7, 8"}))
    assert ended.code == 4
    assert ended.err.splitlines()[-3:] == [
        "error: question 'a' has no answer, and is there to be scored",
        "where: generate.test_questions = apart.jsonl",
        "hint: give it an answer, or leave it out",
    ]


def test_test_questions_that_cannot_be_scored_are_named(cli: Cli) -> None:
    good, bad = ({"id": text, "question": f"sum {text}", "answer": text} for text in ("7+8", "7 plus"))
    ended = cli("generate", "--task", "toy", "--out", "mine", *apart(good, bad))
    assert ended.code == 0
    assert "warning: 1 of 2 questions of generate.test_questions are not scored: their answers cannot" in ended.err
    assert "; 7 plus: form: '7 plus' is no sum" in ended.err
