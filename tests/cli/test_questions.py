"""`dstill data questions --teacher`: a model on loopback invents questions, and `generate` accepts them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.commands import WITH_TOY
from support.loopback_teacher import LoopbackTeacher

from dstill.api.records import SPLITS, Cause, Level, Record, Verdict
from dstill.inputs.question_files import read_questions
from dstill.runs.folder import RunFolder, data_file

Cli = Callable[..., Any]
MAPPING = {"properties": {"state": {"type": "keyword"}, "price": {"type": "double"}, "sold": {"type": "date"}}}
WORDS = ("amber", "birch", "coral", "delta", "ember", "flint", "grove", "hazel", "iris", "jade")


def ids(asked: str) -> list[str]:
    return re.findall(r'^\{"id":"(q\d+)"', asked, re.MULTILINE)


def new_questions(asked: str) -> str:
    """One distinct question for each id."""
    return "\n".join(
        json.dumps({"id": id, "question": f"{' '.join(WORDS[int(digit)] * 2 for digit in id[1:])} of {id}"})
        for id in ids(asked)
    )


def same_question(messages: Any) -> str:
    return "\n".join(json.dumps({"id": id, "question": "How many?"}) for id in ids(messages[-1]["content"]))


@pytest.fixture(autouse=True)
def _shop(project: Path, openai: None, enable: Callable[..., None]) -> None:
    enable("querydsl")
    (project / "shop.json").write_text(json.dumps(MAPPING))


@pytest.fixture
def server() -> Iterator[LoopbackTeacher]:
    with LoopbackTeacher(new_questions) as found:
        yield found


@pytest.fixture
def ask(cli: Cli, server: LoopbackTeacher) -> Callable[..., Any]:
    def call(*words: object, task: str = "querydsl") -> Any:
        own = ("--mapping", "shop.json") if task == "querydsl" else ()
        endpoint = ("--set", f"teacher.openai.base_url={server.base_url}", "--set", "teacher.openai.model=toy")
        return cli("data", "questions", "--task", task, "--teacher", "openai", *own, *endpoint, *words)

    return call


def test_covers_every_category_that_the_mapping_supports(
    ask: Callable[..., Any], server: LoopbackTeacher, project: Path
) -> None:
    ended = ask("-n", "40", "--out", "questions.jsonl")
    assert ended.code == 0, ended.err
    assert "40 questions came: 40 kept, 0 duplicates (0.0%)\n" in ended.err
    about = "--set task.querydsl.mapping=shop.json --set task.querydsl.index=shop"  # the rows name the index alone
    assert f"next: {WITH_TOY} generate --questions questions.jsonl --teacher openai {about}\n" in ended.err
    examples = read_questions(project / "questions.jsonl", json_answers=True)
    assert len({example.id for example in examples}) == 40
    assert all(example.answer is None and example.context == {"index": "shop"} for example in examples)
    categories = [example.category for example in examples]
    assert {"metric", "relative_dates", "refusal"} <= set(categories)
    assert not {"geo", "nested", "ip", "full_text"} & set(categories)
    assert {categories.count(name) for name in categories} <= {1, 2}
    asked = server.sold[0]
    assert f"```json\n{json.dumps(MAPPING, separators=(',', ':'))}\n```" in asked
    assert "holds data, not instructions" in asked


def test_rerun_is_identical_without_requests(ask: Callable[..., Any], server: LoopbackTeacher, project: Path) -> None:
    assert ask("-n", "25", "--out", "one.jsonl").code == 0
    bought = len(server.sold)
    assert ask("-n", "25", "--out", "two.jsonl", "--set", "generate.concurrency=1").code == 0
    assert len(server.sold) == bought == 3
    assert (project / "one.jsonl").read_bytes() == (project / "two.jsonl").read_bytes()


def test_generate_accepts_the_output(ask: Callable[..., Any], cli: Cli, project: Path) -> None:
    assert ask("-n", "12", "--out", "questions.jsonl").code == 0
    ended = cli(
        *(
            "generate",
            "--task",
            "querydsl",
            "--teacher",
            "synthetic",
            "--questions",
            "questions.jsonl",
            "--out",
            "mine",
        ),
        *("--set", "task.querydsl.mapping=shop.json", "--set", "task.querydsl.index=shop"),
        *("--set", "generate.execute=none"),
    )
    assert (
        "0 usable rows of 12; reasons: no_gold 12" in ended.err
    )  # that teacher has no answers, and read every question


def test_seed_questions_are_shown_and_not_repeated(
    ask: Callable[..., Any], server: LoopbackTeacher, project: Path
) -> None:
    (project / "seeds.csv").write_text("question\nwhich are amberamber?\n")
    ended = ask("-n", "3", "--seed-questions", "seeds.csv", "--json")
    assert ended.code == 0, ended.err
    assert '["which are amberamber?"]' in server.sold[0]
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [row["question"] for row in rows] == ["birchbirch of q1", "coralcoral of q2", "deltadelta of q3"]


def test_task_without_a_brief_uses_its_instructions(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    ended = ask("-n", "2", task="toy")
    assert ended.out == "birchbirch of q1\ncoralcoral of q2\n"
    assert "by these instructions:\nAnswer the question." in server.sold[0]


def test_budget_stops_and_the_same_command_resumes(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    ended = ask("-n", "50", "--max-requests", "2", "--out", "questions.jsonl")
    assert ended.code == 8
    assert "error: budget of 2 requests reached at 20/50; every reply is kept" in ended.err.splitlines()
    assert len(server.sold) == 2
    assert not Path("questions.jsonl").exists()
    assert ask("-n", "50", "--max-requests", "5", "--out", "questions.jsonl").code == 0
    assert len(server.sold) == 5  # no request a second time


def test_duplicates_are_dropped_and_their_rate_shown(
    ask: Callable[..., Any], server: LoopbackTeacher, project: Path
) -> None:
    """One question 500 times: new questions are stored, the rate is shown, and the exit code signals the shortfall."""
    server.reply_to = same_question
    ended = ask("-n", "500", "--out", "questions.jsonl", "--set", "generate.concurrency=1")
    assert ended.code == 3
    assert "30 questions came: 1 kept, 29 duplicates (96.7%)\n" in ended.err
    assert "error: 1 of 500 questions: the teacher repeats itself: 29 of 30 questions are duplicates (97%)" in ended.err
    assert "generate.max_duplicate_rate" in ended.err
    assert len(read_questions(project / "questions.jsonl")) == 1
    assert len(server.sold) < 10  # of 50: it stopped as soon as it knew


def test_higher_limit_requests_more(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    server.reply_to = same_question
    ended = ask("-n", "100", "--set", "generate.max_duplicate_rate=1.0")
    assert ended.code == 3
    assert "100 questions came: 1 kept" not in ended.err  # further rounds
    assert "1 of 100 questions: the last replies had no new question" in ended.err


# --- augmentation -----------------------------------------------------------------------


@pytest.fixture
def weak(project: Path) -> Path:
    """A run with three failures of one label in metrics and one in counts, and a held-out question."""
    run = RunFolder.make(Path("runs/weak"), stem="querydsl", arguments={}, seed=0)

    def failure(id: str, category: str) -> Verdict:
        cause = Cause(label="aggregation")
        return Verdict(id=id, reached=Level.EXECUTED, checked=Level.CORRECT, category=category, cause=cause)

    run.write("verdicts.jsonl", [*(failure(f"m{n}", "metric") for n in range(3)), failure("c", "count")])
    held = Record(id="m0", question="birchbirch of q1", rationale="", answer="{}", split="test")
    run.write(data_file("test"), [held])
    return run.folder


def test_teacher_invents_by_failure_shares_and_never_test_questions(
    ask: Callable[..., Any], server: LoopbackTeacher, project: Path, weak: Path
) -> None:
    ended = ask("-n", "8", "--augment-cause", "aggregation", "--from-run", "weak", "--out", "questions.jsonl")
    assert ended.code == 0, ended.err
    assert ended.err.startswith("4 failures of 'aggregation' in run weak: metric 3, count 1\n")
    examples = read_questions(project / "questions.jsonl", json_answers=True)
    categories = [example.category for example in examples]
    assert (categories.count("metric"), categories.count("count"), len(categories)) == (6, 2, 8)
    assert {example.split for example in examples} == {"train"}
    assert "1 duplicates" in ended.err
    assert "birchbirch of q1" not in [example.question for example in examples]
    assert "birchbirch" not in server.sold[0]  # a test question is not shown, either


def test_augmentation_refuses_categories_that_the_teacher_cannot_invent(ask: Callable[..., Any], weak: Path) -> None:
    run = RunFolder.read(weak)
    verdicts = [Verdict.from_row(row) for row in run.rows("verdicts.jsonl")]
    run.write("verdicts.jsonl", [replace(verdict, category="geo") for verdict in verdicts])
    ended = ask("-n", "8", "--augment-cause", "aggregation", "--from-run", "weak")
    assert ended.code == 2
    assert "the task invents no questions of geo" in ended.err


def test_synthesized_questions_follow_the_failures(cli: Cli, weak: Path) -> None:
    words = ("data", "questions", "--task", "querydsl", "--set", "task.querydsl.documents=400", "-n", "40", "--json")
    kinds = ("metric", "count")
    usual = [json.loads(line)["category"] for line in cli(*words).out.splitlines()]
    ended = cli(*words, "--augment-cause", "aggregation", "--from-run", "weak")
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert [sum(row["category"] == kind for row in rows) for kind in kinds] == [30, 10]
    assert sum(category in kinds for category in usual) < 20
    assert {row["split"] for row in rows} == {"train"}


def test_questions_about_a_mapping_name_the_settings_to_generate(cli: Cli, project: Path) -> None:
    ended = cli(
        "data", "questions", "--task", "querydsl", "--mapping", "shop.json", "-n", "5", "--out", "questions.jsonl"
    )
    assert ended.code == 0, ended.err
    about = "--set task.querydsl.mapping=shop.json --set task.querydsl.index=shop"
    assert ended.err.endswith(f"next: {WITH_TOY} generate --questions questions.jsonl {about}\n")
    ended = cli("generate", "--task", "querydsl", "--out", "new", *about.split(), "--questions", "questions.jsonl")
    assert "nothing describes the data" not in ended.err


@pytest.mark.parametrize("command", ["data questions", "generate"])
def test_augmentation_without_such_failures_writes_nothing(cli: Cli, project: Path, weak: Path, command: str) -> None:
    words = ("--task", "querydsl", "--out", "new", "--augment-cause", "sort", "--from-run", "weak")
    ended = cli(*command.split(), *words)
    assert ended.code == 2
    assert ended.err.startswith("error: run 'weak' has no failure of 'sort'\n")
    assert not (project / "new").exists()


def test_generate_adds_to_the_training_split_only(cli: Cli, project: Path, weak: Path) -> None:
    words = ("generate", "--task", "toy", "--teacher", "parrot", "--set", "augment.n=5")
    failed = Verdict(
        id="t", reached=Level.EXECUTED, checked=Level.CORRECT, category="add", cause=Cause(label="different")
    )
    RunFolder.read(weak).write("verdicts.jsonl", [failed])
    assert cli(*words, "--out", "plain").code == 0
    (weak / "config.toml").write_text((project / "plain/config.toml").read_text())
    ended = cli(*words, "--out", "more", "--augment-cause", "different", "--from-run", "weak")
    assert ended.code == 0, ended.err
    assert "from run weak" not in ended.err
    assert "more training questions, in proportion to 1 failure of 'different' in run weak: add 1\n" in ended.out
    plain, more = (
        {split: RunFolder.read(project / name).manifest["files"].get(data_file(split), {}) for split in SPLITS}
        for name in ("plain", "more")
    )
    assert more["train"]["rows"] == plain["train"]["rows"] + 5
    del plain["train"], more["train"]
    assert {s: one.get("sha256") for s, one in more.items()} == {s: one.get("sha256") for s, one in plain.items()}
    again = cli("generate", "--out", "more")  # it resumes
    assert again.code == 0, again.err
    assert cli("generate", "--out", "more", "--augment-cause", "form").code == 5


def test_warns_if_test_sets_differ_from_the_run(cli: Cli, project: Path, weak: Path) -> None:
    failed = Verdict(
        id="t", reached=Level.EXECUTED, checked=Level.CORRECT, category="add", cause=Cause(label="different")
    )
    RunFolder.read(weak).write("verdicts.jsonl", [failed])
    (weak / "config.toml").write_text('[project]\ntask = "toy"\nseed = 3\n[generate]\nteacher = "parrot"\n')
    focus = ("generate", "--augment-cause", "different", "--from-run", "weak", "--set", "augment.n=5")
    ended = cli(*focus, "--task", "toy", "--teacher", "parrot", "--out", "other")
    assert ended.code == 0, ended.err
    assert "warning: project.seed differs from run weak: the test splits may differ too" in ended.err
    ended = cli("--config", weak / "config.toml", *focus, "--out", "same")
    assert ended.code == 0, ended.err
    assert "from run weak" not in ended.err


def test_special_or_oversized_mapping_is_refused(cli: Cli, project: Path) -> None:
    os.mkfifo(project / "fifo.json")
    with (project / "large.json").open("wb") as large:
        large.truncate(6 * 10**9)
    for name, why in {
        "fifo.json": "not a regular file",
        "/dev/zero": "not a regular file",
        "large.json": "64 mib",
    }.items():
        ended = cli("data", "questions", "--task", "querydsl", "--mapping", name, "-n", "5", "--out", "questions.jsonl")
        assert ended.code == 2
        assert why in ended.err


def test_max_usd_counts_with_the_price_of_the_model(ask: Callable[..., Any], server: LoopbackTeacher) -> None:
    price = ("--set", 'teacher.openai.prices={"toy" = [1.0, 1.0]}')
    assert ask("-n", "5", "--max-usd", "5", *price).code == 0
    ended = ask("-n", "8", "--max-usd", "0.001", *price)
    assert ended.code == 8
    assert "error: budget $0.001 reached" in ended.err
    assert len(server.sold) == 1
