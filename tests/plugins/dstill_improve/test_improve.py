"""`dstill improve`: good feedback is accepted, and what is wrong is not, whoever says it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.api.records import Prediction, Record
from dstill.confidence.calibration import Calibration
from dstill.inputs import feedback
from dstill.inputs.feedback import Feedback
from dstill_improve.failures import _abstained
from dstill_improve.ledger import FILE

SCHOLAR = Path(__file__).parent / "scholar.py"
Cli = Callable[..., Any]
SETTINGS = {"train.student": "scholar", "train.objective": "plain", "evaluate.baselines": "[]"}


def questions(right: bool) -> Iterator[dict[str, Any]]:
    """Training rows, those that take with wrong answers unless `right`, and two test splits."""
    for n in range(10):
        yield row(f"add-{n}", "add", n + 1, n + 2, "{0}+{1}", "train")
        if n < 6:
            yield row(f"take-{n}", "take", n + 1, n + 20, "{1}-{0}" if right else "{0}-{1}", "train")
    for n in range(40):
        yield row(f"test-take-{n}", "take", n + 1, n + 31, "{1}-{0}", "test")
        yield row(f"test-add-{n}", "add", n + 1, n + 41, "{0}+{1}", "test_unseen_templates")


def row(id: str, word: str, a: int, b: int, way: str, split: str) -> dict[str, Any]:
    between = {"add": "and", "take": "from"}[word]
    template = f"{word} {split}"
    answer = way.format(a, b)
    return {"id": id, "question": f"{word} {a} {between} {b}", "answer": answer, "template": template, "split": split}


@pytest.fixture
def improve_cli(cli: Cli, enable: Callable[..., None]) -> Cli:
    """``improve_cli("improve", "run")``: a command with the plugins toy, scholar and improve."""
    enable("improve")
    return lambda *words: cli("--plugin", SCHOLAR, *words)


@pytest.fixture
def make(improve_cli: Cli, once: Callable[..., None]) -> Callable[..., Cli]:
    """``make(right=False)``: a trained run called "run"."""

    def build(right: bool) -> None:
        Path("questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in questions(right)))
        changes = [f"--set={key}={value}" for key, value in SETTINGS.items()]
        words = ("generate", "--task", "toy", "--teacher", "parrot", "--questions", "questions.jsonl", *changes)
        for command in ((*words, "--out", "run"), ("train", "run")):
            ended = improve_cli(*command)
            assert ended.code == 0, ended.err

    def make(*, right: bool) -> Cli:
        once(f"right {right}", lambda: build(right))
        assert improve_cli("trust", "run", "--yes").code == 0  # a copy names the same file of questions
        return improve_cli

    return make


def opened(name: str, root: Path) -> Run:
    return Run.open(name, plugins=plugin_loading.load([root / "tests" / "support" / "toy.py", SCHOLAR]))


def say(file: str, rows: Sequence[tuple[str, str, str, str | None]]) -> None:
    for row in _feedback(rows):
        feedback.append(Path(file), row)


def _feedback(rows: Sequence[tuple[str, str, str, str | None]]) -> Iterator[Feedback]:
    for n, (question, answer, verdict, correction) in enumerate(rows):
        said = {"question": question, "answer": answer, "verdict": verdict, "correction": correction}
        yield Feedback.from_row({"id": f"f{n}", "when": "2026", "model": "run", **said})


def corrections(way: str = "{1}-{0}", n: int = 8) -> list[tuple[str, str, str, str | None]]:
    pairs = [(n + 50, n + 60) for n in range(n)]
    return [(f"take {a} from {b}", "", "wrong", way.format(a, b)) for a, b in pairs]


# --- accepted ---------------------------------------------------------------------------


def test_good_feedback_is_accepted(make: Callable[..., Cli], root: Path) -> None:
    cli = make(right=False)
    say("feedback.jsonl", [*corrections(), ("add 50 and 60", "50+60", "right", None)])
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "better")
    assert ended.code == 0, ended.err
    assert "accepted: better on the whole" in ended.out
    assert "next: dstill evaluate better; dstill serve better" in ended.out
    run, parent = opened("better", root), opened("run", root)
    facts, gate = run.manifest["stages"]["improve"], run.manifest["stages"]["gate"]
    assert facts["rows"] == {"corrected": 8, "right": 1}
    assert (facts["parent"]["id"], facts["parent"]["name"]) == (parent.manifest["id"], "run")
    assert (gate["accepted"], gate["whole"]["lost"], gate["use"], gate["level"]) == (True, 0, 1, 0.025)
    test, unseen = gate["sets"]
    assert (test["name"], test["parent"], test["candidate"]) == ("test", 0, test["items"])
    assert (unseen["name"], unseen["parent"], unseen["gained"]) == ("test_unseen_templates", unseen["items"], 0)
    added = [record for record in run.records("train") if "improved_by" in record.extra]
    assert {record.extra["improved_by"] for record in added} == {"corrected", "right"}
    assert "| corrected | 8 |" in (run.folder / "dataset" / "README.md").read_text()
    assert len(parent.records("train")) == 16  # hard links to its files did not change it


def test_gate_is_in_nothing_else(make: Callable[..., Cli], root: Path) -> None:
    """It is left out of the candidate's test splits and of training, also if feedback has its questions."""
    cli = make(right=False)
    of_tests = [(f"take {n + 1} from {n + 31}", f"{n + 1}-{n + 31}", "wrong", f"{n + 31}-{n + 1}") for n in range(40)]
    say("feedback.jsonl", [*corrections(), *of_tests])
    assert cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "better").code == 0
    run, parent = opened("better", root), opened("run", root)
    gate = {row["id"] for row in run.rows("gate.jsonl")}
    for split in ("test", "test_unseen_templates"):
        left, before = ({record.id for record in of.records(split)} for of in (run, parent))
        assert 5 < len(left) < 35
        assert left == before - gate
    of_gate = [row for row in run.rows("gate.jsonl") if row["question"].startswith("take")]
    asked = {record.question for record in parent.records("test")}
    assert asked.isdisjoint(record.question for record in run.records("train"))
    assert run.manifest["stages"]["improve"]["left_out"] == {
        "kept for the gate": len(of_gate),
        "curation: contaminated": 40 - len(of_gate),
    }
    assert cli("evaluate", "better").code == 0


@pytest.mark.parametrize("gate", ["own.jsonl", "own/test.jsonl"])
def test_own_gate(make: Callable[..., Cli], root: Path, gate: str) -> None:
    """A file or a folder. Questions that the run has learnt do not count, and its test splits stay."""
    source = gate.partition("/")[0]
    cli = make(right=False)
    own = [row(f"own-{n}", "take", n + 1, n + 71, "{1}-{0}", "") for n in range(20)]
    learnt = [{**own[0], "id": "learnt", "question": "take 1 from 20", "answer": "20-1"}]
    Path(gate).parent.mkdir(exist_ok=True)
    Path(gate).write_text("".join(json.dumps(one) + "\n" for one in [*own, *learnt]))
    say("feedback.jsonl", corrections())
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--gate", source, "--out", "better", "--json")
    assert ended.code == 0, ended.err
    result = json.loads(ended.out)
    assert (result["gate"]["source"], result["whole"]["items"], result["accepted"]) == (source, 20, True)
    assert len(opened("better", root).records("test")) == 40


# --- rejected ---------------------------------------------------------------------------


def test_teacher_that_likes_wrong_answers_does_not_pass(make: Callable[..., Cli], root: Path) -> None:
    """It answers what users only called wrong; its answers pass the checks and run."""
    cli = make(right=True)
    say("feedback.jsonl", [(f"take {n + 50} from {n + 60}", f"{n + 60}-{n + 50}", "wrong", None) for n in range(8)])
    words = ("improve", "run", "--feedback", "feedback.jsonl", "--out", "worse", "--teacher", "liar")
    ended = cli(*words)
    assert ended.code == 3
    assert "the candidate is rejected: worse on test" in ended.err
    assert "next:" not in ended.out
    run = opened("worse", root)
    assert run.manifest["stages"]["improve"]["rows"] == {"teacher": 8}
    gate = run.manifest["stages"]["gate"]
    assert (gate["accepted"], gate["whole"]["candidate"] < gate["whole"]["parent"]) == (False, True)
    assert run.stages["train"]["steps"] == 2  # it stays


def test_users_who_are_wrong_do_not_pass(make: Callable[..., Cli]) -> None:
    cli = make(right=True)
    say("feedback.jsonl", corrections("{0}-{1}"))
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "worse", "--json")
    assert ended.code == 3
    result, error = map(json.loads, (ended.out.splitlines()[0], ended.out.splitlines()[-1]))
    assert (result["accepted"], result["rows"]) == (False, {"corrected": 8})
    assert error["error"]["code"] == "failed_items"


def test_candidate_that_is_no_better_is_rejected(make: Callable[..., Cli]) -> None:
    cli = make(right=True)
    say("feedback.jsonl", corrections(n=1))
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "same")
    assert ended.code == 3
    assert "not better on the whole beyond chance (0 gained, 0 lost, p = 1; it has to be below 0.025)" in ended.err


def test_gate_whose_answers_a_model_wrote_is_refused(make: Callable[..., Cli], root: Path) -> None:
    cli = make(right=False)
    run = opened("run", root)
    for split in ("test", "test_unseen_templates"):
        rows = [{**record.to_row(), "teacher": "liar", "schema_version": 1} for record in run.records(split)]
        (run.folder / f"dataset/data/{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    say("feedback.jsonl", corrections())
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "better")
    assert ended.code == 4
    assert "no gate: models wrote the reference answers" in ended.err
    assert not Path("better").exists()


# --- a run of synthetic questions -------------------------------------------------------


@pytest.fixture
def synthetic(make: Callable[..., Cli], root: Path) -> Callable[..., Cli]:
    """As `make`, but the task itself made the questions of "run"."""

    def make_synthetic(*, right: bool) -> Cli:
        cli, run = make(right=right), opened("run", root)
        run.config = run.config.with_flags({"generate.questions": ""})
        run.save_settings()
        run.save()
        return cli

    return make_synthetic


def test_on_a_ceiling_of_synthetic_questions_no_gain_is_needed(synthetic: Callable[..., Cli], root: Path) -> None:
    cli = synthetic(right=True)
    say("feedback.jsonl", corrections(n=1))
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "same")
    assert ended.code == 0, ended.err
    n = opened("same", root).manifest["stages"]["gate"]["whole"]["items"]
    said = f"accepted: worse on no set, and no gain could show: {n} of {n} were right before"
    assert said in " ".join(ended.out.split())
    assert "note: only synthetic questions decided, which are worded like those of training" in ended.err
    assert "test (synthetic)" in ended.out
    assert not opened("same", root).manifest["stages"]["gate"]["by_people"]


def test_on_a_ceiling_a_loss_still_rejects(synthetic: Callable[..., Cli]) -> None:
    cli = synthetic(right=True)
    unknown = [(f"take {n + 50} from {n + 60}", f"{n + 60}-{n + 50}", "wrong", None) for n in range(8)]
    say("feedback.jsonl", unknown)
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "worse", "--teacher", "liar")
    assert (ended.code, "worse on test (synthetic)" in ended.err) == (3, True)


def test_below_the_ceiling_synthetic_questions_ask_for_a_gain(synthetic: Callable[..., Cli]) -> None:
    cli = synthetic(right=False)
    say("feedback.jsonl", [("add 51 and 61", "51+61", "right", None)])
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "same")
    assert (ended.code, "not better on the whole beyond chance" in ended.err) == (3, True)


def test_feedback_decides_where_the_test_splits_are_synthetic(synthetic: Callable[..., Cli], root: Path) -> None:
    """Half of it is kept for the gate, and no training row has it."""
    cli = synthetic(right=False)
    say("feedback.jsonl", corrections(n=40))
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "better")
    assert ended.code == 0, ended.err
    run = opened("better", root)
    gate, facts = run.manifest["stages"]["gate"], run.manifest["stages"]["improve"]
    assert gate["by_people"]
    kept = facts["left_out"]["kept for the gate"]
    assert (gate["whole"]["name"], gate["whole"]["items"]) == ("of people", kept)
    names = [part["name"] for part in gate["sets"]]
    assert names == ["feedback", "test (synthetic)", "test_unseen_templates (synthetic)"]
    assert facts["rows"]["corrected"] == 40 - kept
    asked = {row["question"] for row in run.rows("gate.jsonl")}
    assert asked.isdisjoint(record.question for record in run.records("train"))


def test_judged_answers_decide(synthetic: Callable[..., Cli], root: Path) -> None:
    """All of them, none is learnt, and the candidate has them for its own calibration."""
    cli = synthetic(right=False)
    judgements = [(f"take {n} from {n + 9}", "", "wrong", f"{n + 9}-{n}") for n in range(50, 60)]
    run = opened("run", root)
    for row in _feedback(judgements):
        run.append("judgements.jsonl", row)
    say("feedback.jsonl", corrections())
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "better")
    assert ended.code == 0, ended.err
    run = opened("better", root)
    assert run.manifest["stages"]["gate"]["whole"]["items"] == 10
    assert "10 answers that people judged or corrected" in run.manifest["stages"]["improve"]["gate"]["source"]
    assert (run.folder / "judgements.jsonl").read_text() == Path("run/judgements.jsonl").read_text()


# --- its uses ---------------------------------------------------------------------------


def test_each_use_of_a_gate_is_stricter(make: Callable[..., Cli], root: Path) -> None:
    """Rejected candidates count, and so do candidates of a candidate; judging one again does not."""
    cli = make(right=False)
    say("one.jsonl", corrections(n=1))
    say("feedback.jsonl", corrections())
    assert cli("improve", "run", "--feedback", "one.jsonl", "--out", "first").code == 3
    assert cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "second").code == 0
    say("more.jsonl", [("add 51 and 61", "51+61", "right", None)])
    assert cli("improve", "second", "--feedback", "more.jsonl", "--out", "third").code == 3
    levels = [opened(name, root).manifest["stages"]["gate"]["level"] for name in ("first", "second", "third")]
    assert levels == pytest.approx([0.05 / 2, 0.05 / 6, 0.05 / 12])
    assert len(FILE.read_text().splitlines()) == 3


def test_stopped_candidate_is_continued(make: Callable[..., Cli], root: Path) -> None:
    cli = make(right=False)
    say("feedback.jsonl", corrections())
    Path("stop").touch()
    ended = cli("improve", "run", "--feedback", "feedback.jsonl", "--out", "better")
    assert ended.code == 130
    assert "continue with: dstill improve run --out better" in ended.err
    Path("stop").unlink()
    assert cli("improve", "run", "--out", "better").code == 0
    assert opened("better", root).manifest["stages"]["gate"]["accepted"]
    again = cli("improve", "run", "--out", "better")
    assert (again.code, "not an unfinished candidate" in again.err) == (5, True)


# --- rows -------------------------------------------------------------------------------


def test_nothing_new_is_an_error(make: Callable[..., Cli]) -> None:
    cli = make(right=True)
    disputed = [("take 1 from 50", "50-1", "right", None), ("take 1 from 50", "50-1", "wrong", None)]
    say("feedback.jsonl", [*disputed, ("take 2 from 50", "", "wrong", "no sum"), ("add 5 and 5", "5+5", "wrong", None)])
    ended = cli("improve", "run", "--feedback", "feedback.jsonl")
    assert ended.code == 4
    assert "people disagree 1" in ended.err
    assert "form: not_a_sum 1" in ended.err
    assert not Path("runs").exists()


def test_misspelt_teacher_is_refused_before_any_work(make: Callable[..., Cli]) -> None:
    ended = make(right=True)("improve", "run", "--teacher", "lair", "--out", "candidate")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error: no teacher called 'lair'. Did you mean 'liar'?")
    assert not Path("candidate").exists()


def test_damaged_feedback_names_its_line(make: Callable[..., Cli]) -> None:
    cli = make(right=True)
    Path("feedback.jsonl").write_text('{"id": "a", "question": 3}\n')
    ended = cli("improve", "run", "--feedback", "feedback.jsonl")
    assert (ended.code, "line 1 is not feedback" in ended.err) == (4, True)
    assert "feedback.jsonl:1" in ended.err


def test_drawn_answers_that_agree_become_rows(make: Callable[..., Cli], root: Path) -> None:
    """Nobody knows the right answer: seven of eight drawn ones have another result than the one called wrong."""
    cli = make(right=False)
    # a second way of taking, which the student draws
    say("first.jsonl", corrections(n=2))
    cli("improve", "run", "--feedback", "first.jsonl", "--out", "first")
    say("feedback.jsonl", [(f"take {n + 30} from {n + 80}", f"{n + 30}-{n + 80}", "wrong", None) for n in range(9)])
    ended = cli("improve", "first", "--feedback", "feedback.jsonl", "--out", "better")
    assert ended.code == 0, ended.err
    assert opened("better", root).manifest["stages"]["improve"]["rows"] == {"agreeing": 9}
    without = cli("improve", "first", "--feedback", "feedback.jsonl", "--samples", "0")
    assert (without.code, "no answer that is good enough 9" in without.err) == (4, True)


def test_answers_below_the_cut_are_abstentions() -> None:
    scores = tuple(-0.01 * n for n in range(200))
    calibration = Calibration(slope=1.0, intercept=0.0, scores=scores, right=tuple(score > -1.5 for score in scores))
    written = [
        Prediction(id=str(n), text="1+2", seconds=0, tokens=1, truncated=False, logprob=logprob)
        for n, logprob in enumerate((-0.001, -1.9, None))
    ]
    assert _abstained(calibration, written) == {"1"}
    assert _abstained(None, written) == set()
    assert _abstained(replace(calibration, right=(False,) * 200), written) == set()


def test_failures_become_new_questions(make: Callable[..., Cli], root: Path) -> None:
    """Of their categories, with the task's own answers; a question of a test split is never looked at."""
    cli = make(right=True)
    run = opened("run", root)
    first = run.records("train")[0]
    wrong = {**first.to_row(), "id": "v", "question": "add 70 and 8", "answer": "70-8", "category": "add"}
    run.write("dataset/data/validation.jsonl", [Record.from_row({**wrong, "split": "validation"})])
    run.save()
    ended = cli("improve", "run", "--rows", "6", "--out", "same")
    assert ended.code == 3, ended.err
    made = opened("same", root)
    facts = made.manifest["stages"]["improve"]
    assert facts["failures"] == {"asked": 17, "by_cause": {"different": 1}}
    assert facts["rows"] == {"failures": 6}
    added = [record for record in made.records("train") if record.extra.get("improved_by") == "failures"]
    assert {record.category for record in added} == {"add"}
    assert len({record.question for record in added}) == 6
