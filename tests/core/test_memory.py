"""Answers that people confirmed: given again to the same question, and to one that is alike."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.several import Several, answered
from support.toy import Toy

from dstill import Run
from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill.cli.conversation import Conversation
from dstill.cli.results import MORE, Rows
from dstill.errors import DataError, UsageError
from dstill.inputs.feedback import Feedback, read
from dstill.linked import Item, KnownTexts, Reading, Schema
from dstill.linked import read as read_question
from dstill.linked.names import stems
from dstill.stages.predict import memory as memory_module
from dstill.stages.predict.memory import Memory
from dstill.stages.predict.predictor import Predictor


class Named(ValueLookup):
    """Answers of trips: ``from=Oslo to=Rome``."""

    def named_values(self, example: Example, answer: str) -> Iterable[NamedValue]:
        for part in answer.split(" "):
            item, _, text = part.partition("=")
            if text:
                yield NamedValue(item=item, text=text)

    def with_value(self, example: Example, answer: str, old: NamedValue, new: NamedValue) -> str:
        parts = answer.split(" ")
        return " ".join(f"{new.item}={new.text}" if part == f"{old.item}={old.text}" else part for part in parts)


class Trips(Toy):
    """About the data that a question names."""

    data_key = "db"
    protocols: ClassVar = {ValueLookup: Named}


CITIES = KnownTexts(("Oslo", "Rome", "Bergen", "Nice"), {"eternal city": "Rome"})
SCHEMA = Schema([
    Item(name="from", words=tuple(stems("from")), kind="text", values=CITIES),
    Item(name="to", words=tuple(stems("to")), kind="text", values=CITIES),
    Item(name="driver", words=tuple(stems("driver")), kind="text", values=("Ann", "Bo", "oslo")),
    Item(name="status", words=tuple(stems("status")), kind="text", values=("paid", "open")),
])  # fmt: skip


def reading(example: Example) -> Reading:
    return read_question(example.question, SCHEMA)


def example(question: str, data: str = "") -> Example:
    return Example(id="1", question=question, context={"db": data} if data else {})


def said(question: str, answer: str, verdict: str = "right", correction: str | None = None, data: str = "") -> Feedback:
    row = {"question": question, "answer": answer, "verdict": verdict, "correction": correction, "data": data}
    return Feedback.from_row({"id": "f", "when": "2026", "model": "m", **row})


def memory(*rows: Feedback) -> Memory:
    made = Memory(Trips(), Path("there is no such file"))
    for row in rows:
        made.add(row)
    return made


def recalled(known: Memory, question: str, data: str = "") -> str | None:
    return known.answer(example(question, data), reading)


# --- the same question ------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    ["trips to Oslo", "Trips to oslo?", "  TRIPS, to   Oslo!! ", "'trips' to \"Oslo\"", "ｔｒｉｐｓ to Oslo"],
)
def test_the_same_question_gets_the_answer_again(question: str) -> None:
    known = memory(said("trips to Oslo", "to=Oslo"))
    assert recalled(known, question) == "to=Oslo"
    assert known.answer(example(question), None) == "to=Oslo"  # for students that read no schema too


@pytest.mark.parametrize(
    "question", ["trips from Oslo", "trips not to Oslo", "trips to Oslo < 3", "how many trips to Oslo", "", "trips to"]
)
def test_another_question_gets_no_answer(question: str) -> None:
    assert recalled(memory(said("trips to Oslo", "to=Oslo")), question) is None


def test_a_memory_without_feedback_knows_nothing() -> None:
    assert recalled(memory(), "trips to Oslo") is None
    assert recalled(memory(said("trips to Oslo", "to=Rome", "wrong")), "trips to Oslo") is None


def test_a_correction_is_given_again() -> None:
    known = memory(said("trips to Oslo", "to=Rome", "wrong", "to=Oslo"))
    assert recalled(known, "trips to Oslo") == "to=Oslo"


@pytest.mark.parametrize(
    "other",
    [
        said("trips to oslo", "to=Oslo", "wrong"),
        said("Trips to Oslo?", "from=Oslo"),
        said("trips to Oslo", "x", "wrong", "from=Oslo"),
    ],
)
def test_disputed_answers_are_not_given(other: Feedback) -> None:
    known = memory(said("trips to Oslo", "to=Oslo"), other)
    assert recalled(known, "trips to Oslo") is None
    assert recalled(known, "trips to Rome") is None


def test_answers_about_other_data_are_not_given() -> None:
    known = memory(said("trips to Oslo", "to=Oslo", data="taxi"), said("trips of Ann", "driver=Ann"))
    assert recalled(known, "trips to Oslo", "taxi") == "to=Oslo"
    assert recalled(known, "trips to Rome", "taxi") == "to=Rome"
    assert recalled(known, "trips to Oslo", "bus") is None
    assert recalled(known, "trips to Rome", "bus") is None
    assert recalled(known, "trips of Ann", "bus") == "driver=Ann"  # of most data


def test_a_memory_knows_what_data_questions_are_about_that_name_none(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    about = {data: Memory(Trips(), file, data) for data in ("taxi", "bus")}
    about["taxi"].append(answered(question="trips to Oslo", answer="to=Oslo"), "right", None, model="m", data="")
    assert [row.data for row in read(file)] == ["taxi"]
    assert recalled(about["taxi"], "trips to Rome") == "to=Rome"
    assert recalled(Memory(Trips(), file, "bus"), "trips to Oslo") is None
    assert recalled(Memory(Trips(), file, "bus"), "trips to Oslo", "taxi") == "to=Oslo"


def test_an_answer_about_the_data_goes_before_one_of_most_data() -> None:
    known = memory(said("trips to Oslo", "from=Oslo"), said("trips to Oslo", "to=Oslo", data="taxi"))
    assert recalled(known, "trips to Oslo", "taxi") == "to=Oslo"
    assert recalled(known, "trips to Oslo", "bus") == "from=Oslo"


# --- another value ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("trips to Rome", "to=Rome"),
        ("Trips to ROME?", "to=Rome"),
        ("trips to the eternal city", None),  # "the" is a word more
        ("trips to eternal city", "to=Rome"),
        ("trips to Paris", None),  # no known value
        ("trips to Ann", None),  # a value of another item
        ("trips to paid", None),
    ],
)
def test_another_known_value_takes_the_place(question: str, answer: str | None) -> None:
    assert recalled(memory(said("trips to Oslo", "to=Oslo")), question) == answer


def test_several_values_take_their_places() -> None:
    known = memory(said("paid trips of Ann from Oslo to Rome", "status=paid driver=Ann from=Oslo to=Rome"))
    assert recalled(known, "open trips of Bo from Nice to Bergen") == "status=open driver=Bo from=Nice to=Bergen"
    assert recalled(known, "paid trips of Ann from Oslo to Nice") == "status=paid driver=Ann from=Oslo to=Nice"
    assert recalled(known, "trips of Ann from Oslo to Rome") is None


def test_values_may_change_places_if_the_answer_tells_them_apart() -> None:
    known = memory(said("trips from Oslo to Rome", "from=Oslo to=Rome"))
    assert recalled(known, "trips from Rome to Oslo") in ("from=Rome to=Oslo", None)  # never both the same
    assert recalled(known, "trips from Rome to Rome") in ("from=Rome to=Rome", None)


@pytest.mark.parametrize(
    "confirmed",
    [
        "all",  # the value is not in the answer
        "to=Oslo to=Oslo",  # twice
        "from=Oslo to=Oslo",
        "to=oslo",  # as people write it, not as it is known
        "driver=Oslo",
        "status=paid",
    ],
)
def test_a_value_that_the_answer_does_not_use_once_gives_no_answer(confirmed: str) -> None:
    known = memory(said("trips to Oslo", confirmed))
    assert recalled(known, "trips to Oslo") == confirmed
    assert recalled(known, "trips to Rome") is None


@pytest.mark.parametrize(
    ("confirmed", "asked"),
    [
        ("trips over 5 km", "trips over .5 km"),
        ("trips over 5'", 'trips over 5"'),
        ("trips over 5'", "trips over 5"),
        ("trips in [2, 4]", "trips in (2, 4)"),
        ("trips over 10\u00b3 m", "trips over 103 m"),
        ("trips over 5 MW", "trips over 5 mW"),
        ("trips with code a", "trips with code A"),
    ],
)
def test_case_and_punctuation_of_numbers_units_and_codes_count(confirmed: str, asked: str) -> None:
    known = memory(said(confirmed, "x"))
    assert recalled(known, confirmed) == "x"
    assert recalled(known, asked) is None


def test_a_value_that_the_question_has_twice_stays() -> None:
    known = memory(said("trips to Oslo with Oslo", "to=Oslo"))
    assert recalled(known, "trips to Rome with Oslo") is None
    assert recalled(known, "trips to Rome with Rome") is None


def test_a_value_that_the_answer_has_elsewhere_stays() -> None:
    known = memory(said("trips to Oslo", "to=Oslo sorted-by-Oslo"))
    assert recalled(known, "trips to Rome") is None


@pytest.mark.parametrize("answer", ["to=Rome", "from=Rome"])
def test_an_answer_that_somebody_called_wrong_is_not_given(answer: str) -> None:
    known = memory(said("trips to Oslo", "to=Oslo"), said("trips to Rome", answer, "wrong"))
    assert recalled(known, "trips to Rome") == (None if answer == "to=Rome" else "to=Rome")
    assert recalled(known, "trips to Nice") == "to=Nice"
    disputed = memory(said("trips to Oslo", "to=Oslo"), said("trips to Rome", answer), said("trips to Rome", "all"))
    assert recalled(disputed, "trips to Rome") is None


def test_values_that_stay_need_not_be_in_the_answer() -> None:
    known = memory(said("paid trips to Oslo", "to=Oslo"))
    assert recalled(known, "paid trips to Rome") == "to=Rome"
    assert recalled(known, "open trips to Oslo") is None


def test_of_alike_questions_the_first_that_fits_is_taken() -> None:
    known = memory(said("trips to Oslo", "all"), said("trips to Rome", "to=Rome"))
    assert recalled(known, "trips to Nice") == "to=Nice"


def test_what_is_added_later_is_known() -> None:
    known = memory(said("trips of Ann", "driver=Ann"))
    assert recalled(known, "trips to Rome") is None
    known.add(said("trips to Oslo", "to=Oslo"))
    assert recalled(known, "trips to Rome") == "to=Rome"
    known.add(said("trips to Oslo", "to=Oslo", "wrong"))
    assert recalled(known, "trips to Rome") is None


WORDS = st.sampled_from(["trips", "from", "to", "Oslo", "Rome", "Nice", "Ann", "paid", "open", "□", "not", "5"])
PARTS = st.sampled_from(["from=Oslo", "to=Rome", "to=Oslo", "driver=Ann", "status=paid", "from=Nice"])


@given(
    st.lists(WORDS, min_size=1, max_size=6).map(" ".join),
    st.lists(PARTS, min_size=1, max_size=4).map(" ".join),
    st.lists(WORDS, min_size=1, max_size=6).map(" ".join),
)
def test_an_answer_from_memory_has_the_values_of_its_question(asked: str, answer: str, then: str) -> None:
    """Values of an alike question are in the place of the old ones, and no other part changes."""
    known = memory(said(asked, answer))
    given_ = recalled(known, then)
    if given_ is None or given_ == answer:
        return
    for before, after in zip(answer.split(), given_.split(), strict=True):
        assert before.partition("=")[0] == after.partition("=")[0]
        if before != after:
            assert after.partition("=")[2] in then.split()
            assert before.partition("=")[2] in asked.split()


# --- the file ---------------------------------------------------------------------------


def test_verdicts_are_appended_and_remembered(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    known = Memory(Trips(), file)
    assert not file.exists()
    known.append(answered(question="trips to Oslo", answer="to=Oslo"), "right", None, model="mine", data="taxi")
    known.append(answered(question="trips of Ann", answer="x"), "wrong", "driver=Ann", model="mine", data="taxi")
    first, second = read(file)
    assert (first.verdict, first.answer, first.correction, first.model, first.data) == (
        "right", "to=Oslo", None, "mine", "taxi",
    )  # fmt: skip
    assert (second.verdict, second.correction) == ("wrong", "driver=Ann")
    assert first.id != second.id
    for of in (known, Memory(Trips(), file)):
        assert recalled(of, "trips to Rome", "taxi") == "to=Rome"
        assert recalled(of, "trips of Bo", "taxi") == "driver=Bo"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "feedback.jsonl"
    file.write_text('{"question": "trips"}\n')
    with pytest.raises(DataError, match="line 1 is not feedback"):
        Memory(Trips(), file)


SECRET = "sk-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY"


@pytest.mark.parametrize(
    ("row", "correction"),
    [
        ({"question": f"trips with {SECRET}"}, None),
        ({"answer": f"to={SECRET}"}, None),
        ({}, f"to={SECRET}"),
    ],
)
def test_secrets_are_not_written(tmp_path: Path, row: dict[str, Any], correction: str | None) -> None:
    known = Memory(Trips(), tmp_path / "feedback.jsonl")
    with pytest.raises(UsageError, match="looks like a key or a password"):
        known.append(answered(**row), "wrong", correction, model="mine", data="")
    assert not known.file.exists()


def test_a_full_file_gets_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill.inputs.feedback.MAX_FILE", 10)
    known = Memory(Trips(), tmp_path / "feedback.jsonl")
    with pytest.raises(UsageError) as raised:
        known.append(answered(question="trips to Oslo", answer="to=Oslo"), "right", None, model="mine", data="")
    assert raised.value.what == f"the file has {memory_module.MAX_FILE >> 20} MiB"
    assert recalled(known, "trips to Oslo") is None


# --- a student with a memory ------------------------------------------------------------


@pytest.fixture
def remembering(trained_run: Callable[..., Run], tmp_path: Path) -> Callable[..., Predictor]:
    """A predictor of the toy that remembers these (question, answer)."""

    def make(*pairs: tuple[str, str], **more: Any) -> Predictor:
        run = trained_run().answerable()
        known = Memory(run.task, tmp_path / "feedback.jsonl")
        for question, answer in pairs:
            known.add(said(question, answer))
        return Predictor(run, memory=known, **more)

    return make


def ask(predictor: Predictor, *questions: str) -> Sequence[Any]:
    with predictor:
        return predictor.answer([predictor.example(question, id=question) for question in questions])


def test_a_confirmed_answer_goes_before_the_student(remembering: Callable[..., Predictor]) -> None:
    asked = ("add 2 and 1", "Take 1 FROM 2!", "sing a song")
    before, known, after = ask(remembering(("take 1 from 2", "7-3"), execute=True), *asked)
    assert [(one.id, one.answer, one.answered_by) for one in (before, known, after)] == [
        ("add 2 and 1", "1+2", "student"),
        ("Take 1 FROM 2!", "7-3", "memory"),
        ("sing a song", "none", "student"),
    ]
    assert (known.ok, known.outcome, known.result, known.guess) == (True, "ok", 4, "")
    assert (known.by_student, known.by_fallback) == (False, False)
    assert known.to_row()["answered_by"] == "memory"


def test_a_confirmed_refusal_is_given_again(remembering: Callable[..., Predictor]) -> None:
    (known,) = ask(remembering(("add 2 and 1", "none")), "add 2 and 1")
    assert (known.refused, known.answered_by, known.reason) == (True, "memory", "memory refused to answer")


@pytest.mark.parametrize("answer", ["100+1", "four", "1+2+3"])
def test_an_answer_that_no_longer_passes_the_checks_is_forgotten(
    remembering: Callable[..., Predictor], answer: str
) -> None:
    (asked,) = ask(remembering(("add 2 and 1", answer)), "add 2 and 1")
    assert (asked.answer, asked.answered_by) == ("1+2", "student")


def test_without_a_memory_nothing_changes(trained_run: Callable[..., Run], remembering: Any) -> None:
    questions = ("add 2 and 1", "take 1 from 2", "sing a song", "nothing like it")
    plain = ask(Predictor(trained_run("runs/plain"), execute=True), *questions)
    assert ask(remembering(execute=True), *questions) == plain


# --- the conversation -------------------------------------------------------------------


@pytest.fixture
def talk(
    trained_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., str]:
    """What the terminal shows after these lines, for a student that wavers between 1+2 and 1+3."""
    asked = replace(trained_run().answerable(), load=lambda _: Several([("1+2", -0.5), ("1+3", -1.2)]))

    def typed(lines: str, *, remembers: bool = True, as_json: bool = False) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        known = Memory(asked.task, tmp_path / "feedback.jsonl") if remembers else None
        with Predictor(asked, execute=True, memory=known) as predictor:
            Conversation(predictor, Rows(20, by=MORE), as_json=as_json).run()
        return "".join(capsys.readouterr())

    return typed


def kept(tmp_path: Path) -> list[tuple[str, str, str, str | None]]:
    return [(row.question, row.answer, row.verdict, row.correction) for row in read(tmp_path / "feedback.jsonl")]


def test_right_is_remembered(talk: Callable[..., str], tmp_path: Path) -> None:
    shown = talk("add 1 and 2\nright\nAdd 1 and 2!\n")
    assert f"noted in {tmp_path / 'feedback.jsonl'}: the same question gets this answer again\n" in shown
    assert kept(tmp_path) == [("add 1 and 2", "1+2", "right", None)]
    assert shown.count("from memory: somebody said that this answer is right\n") == 1
    assert "from memory" in talk("add 1 and 2\n")


def test_wrong_is_remembered(talk: Callable[..., str], tmp_path: Path) -> None:
    shown = talk("add 1 and 2\nwrong\nadd 1 and 2\n")
    assert f"noted in {tmp_path / 'feedback.jsonl'}\n" in shown
    assert kept(tmp_path) == [("add 1 and 2", "1+2", "wrong", None)]
    assert "from memory" not in shown


def test_a_number_is_a_correction(talk: Callable[..., str], tmp_path: Path) -> None:
    shown = talk("add 1 and 2\n1\n")
    assert "noted in" in shown
    assert kept(tmp_path) == [("add 1 and 2", "1+2", "wrong", "1+3")]
    assert talk("add 1 and 2\n").startswith("1+3\nfrom memory: somebody said that this answer is right\n4\n")


def test_a_number_and_then_right_do_not_contradict(talk: Callable[..., str], tmp_path: Path) -> None:
    talk("add 1 and 2\n1\nright\n")
    assert kept(tmp_path)[1:] == [("add 1 and 2", "1+3", "right", None)]
    assert "from memory" in talk("add 1 and 2\n")


def test_verdicts_before_an_answer_are_questions(talk: Callable[..., str], tmp_path: Path) -> None:
    assert talk("right\nexit\n").count("or 1: 1+3\n") == 1
    assert not (tmp_path / "feedback.jsonl").exists()


def test_without_a_memory_verdicts_are_questions(talk: Callable[..., str], tmp_path: Path) -> None:
    shown = talk("add 1 and 2\nright\nwrong\n1\n", remembers=False)
    assert shown.count("or 1: 1+3\n") == 3
    assert "noted" not in shown
    assert not (tmp_path / "feedback.jsonl").exists()


def test_a_verdict_that_cannot_be_kept_does_not_end_the_conversation(talk: Callable[..., str], tmp_path: Path) -> None:
    shown = talk(f"add {SECRET}\nright\nadd 1 and 2\n")
    assert "error: it has something that looks like a key or a password" in shown
    assert shown.count("or 1: 1+3\n") == 2
    assert not (tmp_path / "feedback.jsonl").exists()


def test_programs_read_who_answered(talk: Callable[..., str]) -> None:
    lines = talk("add 1 and 2\nright\nadd 1 and 2\n", as_json=True).splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    assert [row["answered_by"] for row in rows if "answered_by" in row] == ["student", "memory"]
