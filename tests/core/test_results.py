"""A run in Python: one call, its scores and failures as tables, answers, its executor, and how it shows itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dstill
from dstill import Run, distil
from dstill.api.records import Example, OutcomeKind, Score
from dstill.errors import ConfigError, DataError, MissingExtra, RunError, UsageError
from dstill.io import html
from dstill.plugins import Plugins
from dstill.runs.folder import data_file
from dstill.runs.tables import Failure, Failures, Scores

SETTINGS = {"train.objective": "plain", "evaluate.baselines": ["untrained"], "evaluate.splits": ["test"]}
HOSTILE = "<script>alert(1)</script>\u202e"
Make = Callable[..., Run]


@pytest.fixture
def make(plugins: Plugins) -> Make:
    def call(questions: Any = None, **more: Any) -> Run:
        given = {"task": "toy", "out": "mine", "teacher": "parrot", "student": "memory", "settings": SETTINGS, **more}
        return distil(questions, plugins=plugins, **given)

    return call


@pytest.fixture
def run(make: Make, once: Callable[..., None], plugins: Plugins, project: Path) -> Run:
    once("distilled", make)
    return Run.open(project / "mine", plugins=plugins)


def test_public_names_are_listed_before_they_are_imported() -> None:
    code = "import dstill, sys; print(dir(dstill), 'dstill.runs.run' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"{sorted(dstill.__all__)} False\n"
    assert {"Run", "distil", "Predictor"} <= set(dir(dstill))


# --- one call ---------------------------------------------------------------------------


def test_distil_makes_a_scored_run(make: Make, project: Path) -> None:
    said: list[str] = []
    run = make(progress=lambda what, done, total, *_: said.append(what))
    assert list(run.stages) == ["generate", "train", "evaluate"]
    assert run.scores["student"]["test"]["right"].value == pytest.approx(7 / 13)
    assert "training" in said
    before = (project / "mine" / "run.json").read_bytes()
    assert make().scores == run.scores  # finished stages are not repeated
    assert (project / "mine" / "run.json").read_bytes() == before


def test_distil_takes_rows_and_files(make: Make) -> None:
    rows = [
        {"question": "add 1 and 2", "answer": "1+2", "split": "train"},
        {"question": "add 2 and 1", "answer": "2+1", "split": "test"},
    ]
    run = make(rows)
    assert [record.question for record in run.records("test")] == ["add 2 and 1"]
    assert run.settings.generate.questions == str(run.folder / "questions.jsonl")
    assert make(rows).scores == run.scores
    with pytest.raises(UsageError, match="run 'mine' was made with other questions"):
        make(rows[:1])
    Path("some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert make("some.jsonl", out="other").scores == run.scores


def test_distil_takes_rows_of_other_forms_and_of_pandas(make: Make) -> None:
    def chat(question: str, *replies: str) -> list[dict[str, str]]:
        said = [("user", question), *(("assistant", reply) for reply in replies)]
        return [{"role": role, "content": text} for role, text in said]

    rows = [
        {"messages": chat("add 1 and 2", "1+2"), "split": "train"},
        {"messages": chat("add 2 and 1", "2+1"), "split": "test"},
    ]
    run = make(rows, out="chats")
    assert [record.answer for record in run.records("train")] == ["1+2"]
    frame = [
        {"question": "add 1 and 2", "answer": "1+2", "split": "train"},
        {"question": "add 2 and 1", "answer": "2+1", "split": "test"},
        {"question": "add 2 and 2", "answer": float("nan"), "split": "train"},
    ]
    run = make(frame, out="frame")
    assert [request.example.answer for request in run.teacher_requests()] == ["1+2", "2+1", None]


@pytest.mark.parametrize(
    ("row", "error", "said"),
    [
        ({"text": "?"}, DataError, "row 2, column 'question' is missing"),
        ("add 1 and 2", UsageError, "row 2 of the questions cannot be written as JSON"),
        (
            {"question": "add 1 and 2", "context": object()},
            UsageError,
            "row 2 of the questions cannot be written as JSON",
        ),
    ],
)
def test_distil_names_a_row_that_it_cannot_read(make: Make, project: Path, row: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        make([{"question": "add 1 and 2", "answer": "1+2"}, row])
    assert not (project / "mine").exists()


def test_distil_continues_a_stopped_run(make: Make, plugins: Plugins) -> None:
    run = make()
    del run.manifest["stages"]["train"], run.manifest["stages"]["evaluate"]
    run.save()
    assert list(make().stages) == ["generate", "train", "evaluate"]


def test_distil_refuses_a_run_with_other_settings(run: Run, make: Make) -> None:
    with pytest.raises(UsageError, match=r"run 'mine' was made with evaluate.splits = \[\"test\"\]"):
        make(settings={**SETTINGS, "evaluate.splits": ["validation"]})


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"teacher": "parot"}, UsageError),
        ({"teacher": "parrot:large"}, UsageError),
        ({"student": "memroy"}, UsageError),
        ({"settings": {"train.lr": 1}}, ConfigError),
        ({"settings": {**SETTINGS, "generate.batch": True}}, ConfigError),
    ],
)
def test_mistaken_call_leaves_no_folder(make: Make, project: Path, more: dict[str, Any], error: Any) -> None:
    with pytest.raises(error):
        make(**more)
    assert not (project / "mine").exists()


# --- scores and failures ----------------------------------------------------------------


def test_scores_are_a_mapping_and_a_table(run: Run) -> None:
    scores = run.scores
    assert list(scores) == ["student", "untrained"]
    accuracy = scores["student"]["test"]["executable_accuracy"]
    assert isinstance(accuracy, Score)
    frame = scores.to_pandas()
    assert list(frame.columns) == ["system", "split", "metric", "value", "low", "high", "n", "note"]
    (row,) = frame.query("system == 'student' and metric == 'executable_accuracy'").to_dict("records")
    assert (row["value"], row["n"]) == (accuracy.value, accuracy.n)
    assert repr(scores).splitlines()[1] == "  student: test 53.8 % [29.1, 76.8]"
    assert "<td>53.8 % [29.1, 76.8]</td>" in scores._repr_html_()


def test_failures_have_their_reference_answer(run: Run) -> None:
    failures = run.failures()
    assert repr(failures) == "6 wrong of 13 judged answers"
    first = failures[0]
    assert (first.question, first.answer, first.gold, first.reached) == ("take 2 from 1", "2-1", "1-2", "executed")
    assert (first.split, first.category, first.cause, first.confidence) == ("test", "take", "different", None)
    assert list(failures.to_pandas()["answer"]) == [one.answer for one in failures]
    assert len(run.failures("test")) == len(failures[:6]) == 6
    assert len(run.failures(system="untrained")) == 13
    with pytest.raises(UsageError, match="split 'train' was not scored") as caught:
        run.failures("train")
    assert caught.value.hint == "there are test"
    with pytest.raises(UsageError, match="no system 'teacher' was scored"):
        run.failures(system="teacher")


def test_empty_list_of_failures_has_its_columns() -> None:
    assert list(Failures([], 7).to_pandas().columns) == list(Failures.columns)


def test_pandas_is_optional(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"to_pandas\(\) needs the extra 'pandas'") as caught:
        run.scores.to_pandas()
    assert caught.value.hint == "pip install 'dstill[pandas]'"
    assert run.scores.rows()[0]["system"] == "student"


def test_run_without_evaluation_has_no_scores(plugins: Plugins, make: Make) -> None:
    run = make()
    del run.manifest["stages"]["evaluate"]
    for ask in (lambda: run.scores, run.failures):
        with pytest.raises(RunError, match="run 'mine' has not been evaluated yet") as caught:
            ask()
        assert caught.value.hint == "dstill evaluate mine"
    assert "<th>next</th><td>run.evaluate()</td>" in run._repr_html_()


# --- answers and the executor -----------------------------------------------------------


def test_predict_answers_one_question_or_several(run: Run) -> None:
    one = run.predict("add 2 and 1", execute=True)
    assert (one.answer, one.outcome, one.result) == ("1+2", "ok", 3)
    assert [answer.answer for answer in run.predict(["add 2 and 1", "sing a song"])] == ["1+2", "none"]
    assert run.predict([]) == []
    with pytest.raises(UsageError, match="the question is empty") as caught:
        run.predict(["add 2 and 1", " "])
    assert caught.value.where == "question 2"
    with pytest.raises(UsageError, match="nothing can be promised"):
        run.predict("add 2 and 1", max_wrong=0.1)
    run.close()
    run.close()  # nothing is open: no error


def test_predict_keeps_the_student_until_it_is_trained_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = run.student.load
    monkeypatch.setattr(type(run.student), "load", lambda _, folder, **how: (loaded.append("student"), load(folder))[1])
    for _ in range(3):
        run.predict("add 2 and 1")
    assert len(loaded) == 1
    run.train(restart=True)
    run.predict("add 2 and 1")
    assert len(loaded) == 2


def test_executor_is_a_context_manager(run: Run) -> None:
    record = run.records("test")[0]
    with run.executor() as executor:
        assert executor.run(record.answer, record.example).kind is OutcomeKind.OK
        assert executor.run("100+1", record.example).reason.startswith("not run: digits: ")
    closed = run.setup.executor()
    assert closed is not None
    with pytest.raises(UsageError, match="executor 'abacus' is not open") as caught, closed:
        pass
    assert "with run.executor() as executor" in caught.value.hint
    with closed.open(run.task, run.settings.engine) as opened:
        assert opened.run("1+2", Example(id="1", question="?")).value == 3


# --- notebooks --------------------------------------------------------------------------


def test_run_shows_itself(run: Run) -> None:
    assert repr(run) == "<Run 'mine' of task 'toy': evaluate: done>"
    text = run._repr_html_()
    assert "<th>dataset</th><td>27 of 27 questions, teacher parrot</td>" in text
    assert "<tr><td>test</td><td>53.8 % [29.1, 76.8]</td><td>0 % [0, 22.8]</td></tr>" in text


def test_foreign_text_is_escaped(run: Run) -> None:
    rows = [record.to_row() | {"question": HOSTILE + record.question} for record in run.records("test")]
    run.write(data_file("test"), [type(run.records("test")[0]).from_row(row) for row in rows])
    failure = Failure(**{**run.failures()[0].to_row(), "cause": HOSTILE})
    shown = [
        run.failures()._repr_html_(),
        Failures([failure], 1)._repr_html_(),
        run.predict(HOSTILE)._repr_html_(),
        Scores({HOSTILE: {HOSTILE: {}}}, "right")._repr_html_(),
        html.table((HOSTILE,), [(HOSTILE,)], caption=HOSTILE),
    ]
    for text in shown:
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "\u202e" not in text


def test_answer_shows_what_is_known_of_it(run: Run) -> None:
    shown = run.predict("add 2 and 1", execute=True)._repr_html_()
    assert "<th>verdict</th><td>a guess: how likely it is right is not known</td>" in shown
    assert "<th>result</th><td>3</td>" in shown
    assert "confidence" not in shown
    assert "<td>no output</td>" in run.predict("what is this")._repr_html_()
