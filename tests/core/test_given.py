"""Answers that came with the questions: the references of test splits, and what a student learns.

Split (test, train) x answer given or not x what the teacher replies x rationale given or not. The teacher is a model
here: it replies with what a test dictates.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from dstill import Run, hookimpl
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.protocols import RationaleTerms
from dstill.api.records import Prompt, Record, Reply
from dstill.api.teacher import Teacher
from dstill.inputs import given
from dstill.inputs.dedup import select
from dstill.plugins import PluginInfo, Plugins

Say = Callable[[Prompt], tuple[str, str]]
MINE = {"id": "mine", "question": "add 1 and 2", "answer": "1+2"}
OTHER = {"id": "other", "question": "add 5 and 5", "answer": "5+5", "rationale": "five twice", "split": "train"}


class Pupil(Teacher):
    """Replies with the rationale and the answer that a test dictates."""

    name = "pupil"
    say: ClassVar[Say]
    asked: ClassVar[list[str]]

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name}

    async def ask(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt.messages[-1].content)
        return Reply(id=prompt.example.id, text=self.task.reply_text(*type(self).say(prompt)))


@pytest.fixture
def plugins(plugins: Plugins) -> Plugins:
    module = ModuleType("pupils")
    module.register_teachers = hookimpl(lambda: [Pupil])  # type: ignore[attr-defined]
    plugins.add(module, PluginInfo(name="pupils"))
    Pupil.asked, Pupil.say = [], lambda _: ("the words say so", "9-9")
    return plugins


def generated(plugins: Plugins, *rows: Mapping[str, Any], **flags: Any) -> Run:
    """A run about `rows`; the teacher is asked in it."""
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = {
        "project.task": "toy",
        "generate.questions": "questions.jsonl",
        "generate.teacher": "pupil",
        "train.student": "memory",
        "train.objective": "plain",
        "evaluate.baselines": [],
        "evaluate.splits": ["test"],
        **{key.replace("__", "."): value for key, value in flags.items()},
    }
    config = configuration.load(flags=flags, environment={}, sections=plugin_loading.part_sections(plugins))
    run = Run.create(config=config, plugins=plugins)
    run.generate()
    return run


def mine(run: Run, split: str) -> Record:
    return next(record for record in run.records(split) if record.id == "mine")


# --- test splits ------------------------------------------------------------------------


def test_reference_is_the_given_answer_and_not_the_teachers(plugins: Plugins) -> None:
    """Once the teacher's answer replaced the given one, and the student was scored against it."""
    Pupil.say = lambda _: ("the words say so", "2+2")
    run = generated(plugins, {**MINE, "split": "test"}, {**OTHER, "question": "add 2 and 1", "answer": "2+1"})
    row = mine(run, "test")
    assert (row.answer, row.rationale, row.teacher) == ("1+2", "", "")
    assert len(Pupil.asked) == 1
    assert "1+2" not in Pupil.asked[0]
    run.train(allow_unreviewed=True)
    facts = run.evaluate()
    # the student writes 2+1, which is right, and the teacher wrote 2+2
    assert facts["scores"]["student"]["test"]["right"]["value"] == 1
    assert facts["teacher"]["scores"]["test"]["right"]["value"] == 0


@pytest.mark.parametrize(
    ("reply", "own", "rationale"),
    [
        (("add both", "1+2"), None, "add both"),  # it agrees
        (("add both", "1+2"), "one and two", "one and two"),  # what was given stays
        (("add both", "100+1"), None, ""),  # a check refuses the reply
        (("", "1+2"), None, ""),
    ],
)
def test_rationale_of_a_test_row_is_of_its_answer(
    plugins: Plugins, reply: tuple[str, str], own: str | None, rationale: str
) -> None:
    Pupil.say = lambda _: reply
    row = mine(generated(plugins, {**MINE, "rationale": own, "split": "test"}, OTHER), "test")
    assert (row.answer, row.rationale) == ("1+2", rationale)


def test_references_of_a_task_stay_too_and_its_training_answers_are_the_teachers(plugins: Plugins) -> None:
    run = generated(plugins, generate__questions="")
    examples = {example.id: example for split in ("train", "test") for example in run.task.examples(split)}
    assert len(run.records("test")) == 13
    assert all(row.answer == examples[row.id].answer for row in run.records("test"))
    assert {row.answer for row in run.records("train")} == {"9-9"}


# --- training ---------------------------------------------------------------------------


def test_teacher_explains_a_given_answer(plugins: Plugins) -> None:
    Pupil.say = lambda prompt: ("add both", prompt.example.answer or "")
    run = generated(plugins, {**MINE, "split": "train"})
    row = mine(run, "train")
    assert (row.answer, row.rationale, row.teacher) == ("1+2", "add both", "")
    assert "The right answer is known:\n1+2\n" in Pupil.asked[0]
    assert run.stages["generate"]["labels"] == {
        "kept": 1,
        "explained": 1,
        "replaced": 0,
        "without_rationale": 0,
        "rejected": 0,
    }


def test_explanation_of_another_answer_is_asked_again_and_then_dropped(plugins: Plugins) -> None:
    run = generated(plugins, {**MINE, "split": "train"})  # the teacher insists on 9-9
    assert len(Pupil.asked) == 3
    assert "not the right answer that was given" in Pupil.asked[1]
    assert (mine(run, "train").answer, mine(run, "train").rationale) == ("1+2", "")
    assert run.stages["generate"]["labels"]["without_rationale"] == 1


def test_explanation_names_a_part_of_the_given_answer(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RationaleTerms, "answer_terms", lambda self, answer: answer.split("+"))
    Pupil.say = lambda prompt: ("1 and 2" if len(prompt.messages) > 3 else "see above", "1+2")
    run = generated(plugins, {**MINE, "split": "train"})
    assert run.stages["generate"]["retries"] == {"rationale_names_nothing": 1}
    assert mine(run, "train").rationale == "1 and 2"


def test_row_with_answer_and_rationale_needs_no_teacher(plugins: Plugins) -> None:
    run = generated(plugins, OTHER)
    assert Pupil.asked == []
    (row,) = run.records("train")
    assert (row.answer, row.rationale) == ("5+5", "five twice")
    assert run.gate(allow=False).judged == 0  # a person wrote the answers


@pytest.mark.parametrize("scored", ["test", "validation"])
def test_setting_makes_the_teachers_answers_the_labels(plugins: Plugins, scored: str) -> None:
    run = generated(plugins, {**MINE, "split": "train"}, {**OTHER, "split": scored}, generate__labels="teacher")
    row = mine(run, "train")
    assert (row.answer, row.teacher) == ("9-9", "pupil")
    assert not any(answer in asked for asked in Pupil.asked for answer in ("1+2", "5+5"))
    assert run.records(scored)[0].answer == "5+5"
    assert run.stages["generate"]["labels"]["replaced"] == 1


def test_question_without_answer_gets_the_teachers_in_every_split(plugins: Plugins) -> None:
    Pupil.say = lambda prompt: ("r", prompt.example.question.removeprefix("add ").replace(" and ", "+"))
    rows = [{"id": split, "question": f"add {n} and 1", "split": split} for n, split in enumerate(("train", "test"), 1)]
    run = generated(plugins, *rows)
    assert [run.records(row["id"])[0].teacher for row in rows] == ["pupil", "pupil"]


# --- given answers that are of no use ---------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test"])
def test_given_answer_that_a_check_refuses_is_rejected_and_not_asked_about(plugins: Plugins, split: str) -> None:
    run = generated(plugins, {**MINE, "answer": "100+2", "split": split}, OTHER)
    assert Pupil.asked == []
    (rejection,) = run.rejections()
    assert (rejection.id, rejection.problems[0].code, rejection.text) == ("mine", "too_long", "100+2")


def test_given_answer_wins_over_the_teachers_answer_to_the_same_question(plugins: Plugins) -> None:
    run = generated(plugins, {**MINE, "split": "test"}, {**MINE, "id": "same", "answer": None, "split": "train"}, OTHER)
    assert mine(run, "test").answer == "1+2"
    assert [(r.id, r.problems[0].code) for r in run.rejections()] == [("same", "conflicting")]


def test_two_given_answers_to_one_question_are_both_removed(plugins: Plugins) -> None:
    rows = [Record(id=str(n), question="q", rationale="", answer=str(n)) for n in range(2)]
    assert not any(isinstance(row, Record) for row in select(rows, plugins.task("toy")()))


# --- again, and what is said ------------------------------------------------------------


def test_rebuild_gives_the_same_rows(plugins: Plugins) -> None:
    Pupil.say = lambda prompt: ("add both", "1+2" if "known" in prompt.messages[-1].content else "9-9")
    run = generated(plugins, {**MINE, "split": "train"}, {**MINE, "id": "t", "question": "a", "split": "test"}, OTHER)
    files = [run.folder / name for name in (*run.manifest["files"], "dataset/README.md")]
    before = [file.read_bytes() for file in files]
    run.curate()
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("teacher", ["synthetic", "replay"])
def test_pairs_without_rationale_train_at_once(cli: Callable[..., Any], project: Path, teacher: str) -> None:
    rows = "id,question,answer,split\n1,add 1 and 2,1+2,train\n2,add 2 and 1,2+1,test\n"
    (project / "pairs.csv").write_text(rows)
    options = ("--teacher", teacher, "--questions", "pairs.csv", "--set", "teacher.replay.file=pairs.csv")
    ended = cli("generate", "--out", "run", *options, "--task", "toy")
    assert ended.code == 0, ended.err
    assert "answers given with the questions: 2 kept (0 explained by the teacher)" in ended.out
    assert "1 row to learn from has no rationale: a student learns its answer alone" in ended.out
    assert cli("train", "run", "--student", "memory", "--objective", "plain").code == 0


def test_terminal_and_card_say_what_was_kept_and_what_replaced(plugins: Plugins) -> None:
    run = generated(plugins, {**MINE, "split": "test"}, OTHER)
    (line,) = given.summary_lines(run.stages["generate"]["labels"])
    assert line == (
        "answers given with the questions: 2 kept (0 explained by the teacher), 0 replaced by the teacher's "
        "(generate.labels)"
    )
    assert line in (run.folder / "dataset" / "README.md").read_text()
