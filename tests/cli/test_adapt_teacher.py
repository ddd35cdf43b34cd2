"""`dstill adapt --teacher`: questions that a model on loopback writes are checked, voted on, learnt and scored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.loopback_teacher import LoopbackTeacher

pytestmark = pytest.mark.usefixtures("project", "openai")
Cli = Callable[..., Any]
ADAPT = (
    "adapt", "--engine-url", "http://abacus:20", "--set", "engine.name=abacus", "--index", "sums",
    "--student", "memory", "--set", "train.objective=plain", "--set", 'evaluate.baselines=["untrained"]',
    "--out", "mine",
)  # fmt: skip
WORDS = ("apples", "pears", "plums", "figs", "nuts", "dates", "limes", "kiwis")
Line = Mapping[str, Any]


def sums(n: int) -> tuple[str, str]:
    """The n-th question, and its answer."""
    a, b = n % 8 + 1, n // 8 % 8 + 1
    return f"how many are {a} {WORDS[n % 8]} and {b} {WORDS[n // 8 % 8]}", f"{a}+{b}"


class Writer:
    """A teacher: `line` writes the n-th question of all, `again` what it writes instead of a line that was refused."""

    def __init__(self, line: Callable[[int], Line] | None = None, again: Callable[[int], Line] | None = None) -> None:
        self.line = line or (lambda n: dict(zip(("question", "answer"), sums(n), strict=True)))
        self.again = again or self.line
        self.second: Callable[[str], str] = self.right
        self.asked = 0
        self.refused: list[str] = []  # what was sent back
        self.alone: list[str] = []  # prompts of second answers

    def right(self, question: str) -> str:
        numbers = re.findall(r"\d+", question)
        return "+".join(numbers) if len(numbers) == 2 else "none"

    def __call__(self, messages: Sequence[Mapping[str, str]]) -> str:
        last = messages[-1]["content"]
        if questions := re.findall(r'^(\{"id":"[0-9a-f]{12}","question".*\})$', last, re.MULTILINE):
            self.alone.append("\n".join(message["content"] for message in messages))
            rows = map(json.loads, questions)
            return "\n".join(json.dumps({"id": row["id"], "answer": self.second(row["question"])}) for row in rows)
        if last.startswith("These lines cannot be used"):
            self.refused.append(last)
            return self.lines(re.findall(r"^- (q\d+): ", last, re.MULTILINE), self.again)
        return self.lines(re.findall(r'^\{"id":"(q\d+)"', last, re.MULTILINE), self.line)

    def lines(self, ids: Sequence[str], line: Callable[[int], Line]) -> str:
        texts = []
        for id in ids:
            texts.append(json.dumps({"id": id, "rationale": "the words say so", **line(self.asked)}))
            self.asked += 1
        return "\n".join(texts)


@pytest.fixture
def writer() -> Writer:
    return Writer()


@pytest.fixture
def server(writer: Writer) -> Iterator[LoopbackTeacher]:
    with LoopbackTeacher(reply_to=writer) as found:
        yield found


@pytest.fixture
def adapt(cli: Cli, server: LoopbackTeacher) -> Cli:
    def call(*words: object, n: int = 50) -> Any:
        endpoint = ("--set", f"teacher.openai.base_url={server.base_url}", "--set", "generate.concurrency=1")
        return cli(*ADAPT, "--teacher", "openai:toy", *endpoint, "--teacher-questions", n, *words)

    return call


def manifest(run: str = "taught") -> Any:
    return json.loads(Path("mine/runs", run, "run.json").read_text())


def rows(file: str, run: str = "taught") -> list[Any]:
    return [json.loads(line) for line in Path("mine/runs", run, file).read_text().splitlines()]


def counts() -> Any:
    return manifest()["stages"]["teach"]["counts"]


# --- the whole way ----------------------------------------------------------------------


def test_a_teachers_questions_are_learnt_and_scored_first(adapt: Cli, server: LoopbackTeacher, writer: Writer) -> None:
    ended = adapt()
    assert ended.code == 0, ended.err
    assert (counts()["came"], counts()["kept"], counts()["voted"]) == (50, 50, 50)
    teach = manifest()["stages"]["teach"]
    assert (teach["train"], teach["test"]) == (40, 10)
    train, held_out = rows("dataset/data/train.jsonl"), rows("dataset/data/test_teacher.jsonl")
    by_teacher = [row for row in train if json.loads(row["extra"]).get("asked_by") == "openai"]
    assert (len(by_teacher), len(train) - len(by_teacher)) == (40, teach["mixed_with"])
    # the student starts from nothing: it learns all questions from templates
    assert teach["mixed_with"] == len(rows("dataset/data/train.jsonl", "adapted"))
    assert not {row["question"] for row in train} & {row["question"] for row in held_out}
    scored = ended.out.partition("executable accuracy in %")[2].splitlines()
    table = [line.split()[0] for line in scored if line.strip().startswith("test")]
    assert table[:3] == ["test_teacher", "test", "test_unseen_templates"]
    assert "test_teacher: 0 % before training → " in ended.out
    assert "teacher 'openai': 50 questions came: 50 kept (0 refused)" in ended.err
    assert "40 of its questions are learnt, among " in ended.err
    assert ended.out.splitlines()[-1] == "  dstill serve runs/taught"


def test_nothing_is_bought_or_trained_twice(adapt: Cli, server: LoopbackTeacher) -> None:
    assert adapt().code == 0
    bought, trained = len(server.sold), manifest()["stages"]["train"]["id"]
    assert bought == 4  # two requests for questions, two for second answers
    assert adapt("--json").code == 0
    assert (len(server.sold), manifest()["stages"]["train"]["id"]) == (bought, trained)
    assert adapt("--restart").code == 0  # trained again, from the stored replies
    assert len(server.sold) == bought
    assert manifest()["stages"]["train"]["id"] != trained


def test_a_project_without_a_teacher_gets_one_later(adapt: Cli, cli: Cli) -> None:
    assert cli(*ADAPT).code == 0
    before = manifest("adapted")["stages"]["train"]["id"]
    ended = adapt()
    assert ended.code == 0, ended.err
    assert manifest("adapted")["stages"]["train"]["id"] == before
    assert "openai" not in Path("mine/dstill.toml").read_text()


def test_another_teacher_needs_restart(adapt: Cli, server: LoopbackTeacher) -> None:
    assert adapt().code == 0
    ended = adapt("--teacher-questions", "75")
    assert ended.code == 2
    assert ended.err.splitlines()[-3:] == [
        "error: the student in mine/runs/taught learns from a teacher with adapt.teacher_questions = 50, not 75",
        "where: mine/runs/taught",
        "hint: --restart trains again; to keep it, leave the setting out",
    ]


def test_each_request_is_of_another_person_and_shows_no_earlier_reply(adapt: Cli, server: LoopbackTeacher) -> None:
    assert adapt(n=75).code == 0
    asked = [body["messages"] for body in server.requests if "Who asks" in body["messages"][-1]["content"]]
    people = {re.search("Who asks: (.*)", messages[-1]["content"])[1] for messages in asked}  # type: ignore[index]
    assert len(asked) == len(people) == 3
    assert not any("apples" in message["content"] for messages in asked for message in messages)


def test_second_answers_come_without_the_first(adapt: Cli, writer: Writer) -> None:
    assert adapt(n=25).code == 0
    [alone] = writer.alone
    assert sums(3)[0] in alone
    assert sums(3)[1] not in alone
    assert "the words say so" not in alone


# --- bad teachers -----------------------------------------------------------------------


def test_one_question_300_times_is_refused_before_more_is_bought(
    adapt: Cli, server: LoopbackTeacher, writer: Writer
) -> None:
    writer.line = writer.again = lambda n: {"question": "how many are 1 and 2", "answer": "1+2"}
    ended = adapt(n=300)
    assert ended.code == 4
    assert ended.err.splitlines()[-3:] == [
        "error: the teacher repeats itself: 299 of 300 questions are duplicates",
        "where: teacher 'openai'",
        "hint: choose another model or a higher temperature; generate.max_duplicate_rate is the limit",
    ]
    assert len(server.sold) == 13  # 12 requests, and one second answer
    assert "teach" not in manifest()["stages"]


def test_answers_that_do_not_run_are_asked_again_once(adapt: Cli, writer: Writer) -> None:
    def line(n: int) -> Line:
        question, answer = sums(n)
        return {"question": question, "answer": "1 plus 2" if n % 5 == 0 else answer}

    writer.line, writer.again = line, lambda n: {"question": sums(n)[0], "answer": sums(n)[1]}
    ended = adapt(n=25)
    assert ended.code == 0, ended.err
    assert counts()["asked_again"] == 5
    [refused] = writer.refused
    assert "- q1: form: '1 plus 2' is no sum (write it as 1+2)" in refused
    assert (counts()["kept"], counts()["rejections"]) == (25, {})


def test_answers_that_are_wrong_again_become_no_rows(adapt: Cli, writer: Writer) -> None:
    writer.line = lambda n: {"question": sums(n)[0], "answer": "1 plus 2" if n % 5 == 0 else sums(n)[1]}
    writer.again = lambda n: {"question": sums(n)[0], "answer": "no sum"}
    assert adapt(n=25).code == 0
    assert (counts()["kept"], counts()["rejections"]) == (20, {"not_a_sum": 5})
    assert len(writer.refused) == 1
    assert {row["problems"][0]["code"] for row in rows("teacher-rejects.jsonl")} == {"not_a_sum"}


def test_an_answer_to_another_question_is_outvoted(adapt: Cli, writer: Writer) -> None:
    writer.line = lambda n: {"question": sums(n)[0], "answer": "9+9" if n == 3 else sums(n)[1]}
    writer.again = lambda n: {"question": sums(3)[0], "answer": "9+9"}
    assert adapt(n=25).code == 0
    assert (counts()["kept"], counts()["rejections"]) == (24, {"other_answer": 1})
    [row] = rows("teacher-rejects.jsonl")
    assert (row["question"], row["text"]) == (sums(3)[0], "9+9")
    assert row["problems"][0]["message"] == "a second answer to this question alone finds something else: 4+1"


def test_another_way_to_the_same_result_is_no_other_answer(adapt: Cli, writer: Writer) -> None:
    writer.second = lambda question: "+".join(reversed(re.findall(r"\d+", question)))
    assert adapt(n=25).code == 0
    assert counts()["kept"] == 25


def test_questions_that_cannot_be_answered_need_two_refusals(adapt: Cli, writer: Writer) -> None:
    def line(n: int) -> Line:
        if n < 4:
            return {"question": f"sing song {n} {WORDS[n % 8]}", "answer": "none"}
        return {"question": sums(n)[0], "answer": "none" if n == 9 else sums(n)[1]}

    writer.line, writer.again = line, lambda _: line(9)
    assert adapt(n=25).code == 0
    assert (counts()["refused"], counts()["rejections"].get("other_answer")) == (4, 1)


@pytest.mark.parametrize("text", ["I am sorry, I cannot do that.", "", "[1, 2", '{"questions": 3}', '{"id": 7}'])
def test_replies_that_cannot_be_read(adapt: Cli, server: LoopbackTeacher, text: str) -> None:
    server.reply_to = lambda _: text
    ended = adapt()
    assert ended.code == 4
    assert "error: hardly any question of the teacher can be used: 0 questions came: 0 kept (0 refused); " in ended.err
    assert "replies that could not be read" in ended.err
    assert "hint: try another model; it has to write one JSON object a line" in ended.err
    assert "train" not in manifest()["stages"]


def test_lines_that_were_not_asked_for_are_ignored(adapt: Cli, server: LoopbackTeacher, writer: Writer) -> None:
    more = json.dumps({"id": "q900", "question": "how many are 7 and 7", "answer": "7+7"})
    server.reply_to = lambda messages: f"Here they are:\n```json\n{writer(messages)}\n{more}\n```"
    assert adapt(n=25).code == 0
    assert counts()["kept"] == 25
    assert not any("7 and 7" in row["question"] for row in rows("teacher-questions.jsonl"))


def test_control_characters_and_long_questions(adapt: Cli, writer: Writer) -> None:
    def line(n: int) -> Line:
        question, answer = sums(n)
        return {"question": ("x" * 3000 if n in (1, 25) else f"\x1b[J{question}\u202e\n"), "answer": answer}

    writer.line = writer.again = line
    assert adapt(n=25).code == 0
    assert counts()["rejections"] == {"question_too_long": 1}
    assert all(row["question"].isprintable() for row in rows("teacher-questions.jsonl"))


# --- costs ------------------------------------------------------------------------------


def test_the_budget_is_never_passed_and_a_higher_one_continues(adapt: Cli, server: LoopbackTeacher) -> None:
    stopped = adapt("--max-requests", "3")
    assert stopped.code == 8, stopped.err
    assert "error: budget of 3 requests reached while the teacher wrote questions; every reply is kept" in stopped.err
    assert stopped.err.endswith("hint: run the same command again with a higher --max-requests to continue\n")
    assert len(server.sold) == 3
    assert adapt("--max-requests", "4").code == 0
    assert len(server.sold) == 4


def test_max_usd_needs_a_price(adapt: Cli, server: LoopbackTeacher) -> None:
    ended = adapt("--max-usd", "2")
    assert ended.code == 2, ended.err
    assert "error: cannot enforce max_usd: no price for model 'toy'" in ended.err
    assert not Path("mine").exists()
    priced = adapt("--max-usd", "0.01", "--set", 'teacher.openai.prices={"toy" = [1.0, 1.0]}')
    assert priced.code == 8
    assert "error: budget $0.01 reached" in priced.err
    assert server.sold == []


def test_a_missing_key_is_said_before_anything_is_made(adapt: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    ended = adapt()
    assert ended.code != 0
    assert "OPENAI_API_KEY" in ended.err
    assert not Path("mine").exists()


# --- recorded questions -----------------------------------------------------------------


def record(n: int, line: Callable[[int], Line] | None = None) -> None:
    writer = Writer(line)
    texts = [json.dumps({"id": f"r{at}", "rationale": "so", **writer.line(at)}) for at in range(n)]
    Path("recorded.jsonl").write_text("\n".join(texts) + "\n")


def replay(cli: Cli, *words: object) -> Any:
    return cli(*ADAPT, "--teacher", "replay:recorded.jsonl", *words)


def test_recorded_questions_need_no_model(cli: Cli) -> None:
    record(60)
    ended = replay(cli)
    assert ended.code == 0, ended.err
    assert "teacher 'replay': 60 questions came: 60 kept (0 refused)" in ended.err
    assert counts()["voted"] == 0
    assert manifest()["stages"]["teach"]["test"] == 12


def test_all_recorded_questions_are_taken_unless_a_number_is_given(cli: Cli) -> None:
    numbers = [(n % 18 + 1, n // 18 + 1) for n in range(320)]
    record(
        320,
        lambda n: {
            "question": "how many are {} nuts and {} figs".format(*numbers[n]),
            "answer": "{}+{}".format(*numbers[n]),
        },
    )
    assert replay(cli).code == 0
    assert counts()["kept"] == 320
    assert replay(cli, "--teacher-questions", "30", "--restart").code == 0
    assert counts()["kept"] == 30


def test_recorded_second_answers_are_votes(cli: Cli) -> None:
    record(30, lambda n: {"question": sums(n)[0], "answer": sums(n)[1], "second": "9+9" if n < 3 else sums(n)[1]})
    assert replay(cli).code == 0
    assert (counts()["voted"], counts()["rejections"]) == (30, {"other_answer": 3})


def test_recorded_questions_about_other_data_are_refused(cli: Cli) -> None:
    record(30, lambda n: {"question": f"strikes at airport {n}", "answer": f"SELECT {n}"})
    ended = replay(cli)
    assert ended.code == 4
    assert ended.err.splitlines()[-3:] == [
        "error: hardly any question of the teacher can be used: 30 questions came: 0 kept (0 refused); "
        "not used: not_a_sum 30",
        "where: mine/runs/taught/teacher-rejects.jsonl",
        "hint: the first one: form: 'SELECT 0' is no sum (write it as 1+2)",
    ]
    assert "train" not in manifest()["stages"]


def test_a_missing_recording_is_said_before_anything_is_made(cli: Cli) -> None:
    ended = replay(cli)
    assert ended.code != 0
    assert "recorded.jsonl" in ended.err
    assert not Path("mine").exists()
