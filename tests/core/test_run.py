"""`Run`, the Python API: a complete run in a folder, resumed, retrained and evaluated again."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import plugins as plugin_loading
from dstill.answering import steps
from dstill.api.records import Example, Level, Outcome, OutcomeKind, Prediction
from dstill.api.student import TrainingJob, TrainResult
from dstill.errors import (
    DataError,
    Interrupted,
    PluginError,
    RunError,
    ServiceError,
    TrainingError,
    UsageError,
)
from dstill.plugins import Plugins
from dstill.runs.folder import data_file
from dstill.stages.train.scoring import scoring
from dstill.teacher.cache import ReplyStore


def trained(create: Callable[..., Run], **flags: Any) -> Run:
    run = create(**flags)
    run.generate()
    run.train()
    return run


def evaluated(create: Callable[..., Run], **flags: Any) -> Run:
    run = trained(create, **flags)
    run.evaluate()
    return run


def reopened(run: Run, **flags: Any) -> Run:
    keys = {key.replace("__", "."): value for key, value in flags.items()}
    return Run.open(run.folder, flags=keys, plugins=run.plugins)


def replies() -> int:
    with ReplyStore(Path("replies.sqlite")) as store:
        return len(store)


def data(run: Run) -> dict[str, bytes]:
    return {str(p.relative_to(run.folder)): p.read_bytes() for p in sorted((run.folder / "dataset").rglob("*.*"))}


# --- a complete run ---------------------------------------------------------------------


def test_run_goes_through_every_stage(create: Callable[..., Run], toy_file: Path) -> None:
    run = create()
    said: list[tuple[str, int, int]] = []
    run.progress = lambda what, done, total, detail="": said.append((what, done, total))

    facts = run.generate()
    assert facts["splits"] == {"train": 13, "validation": 1, "test": 13}
    assert (facts["questions"], facts["accepted"], facts["rejected"]) == (27, 27, 0)
    assert [r.id for r in run.records("validation")] == ["validation-1"]
    assert run.rejections() == []
    card = (run.folder / "dataset" / "README.md").read_text()
    assert "path: data/train.jsonl" in card
    assert "27 of 27 questions were accepted" in card

    trained = run.train()
    assert (trained["modality"], trained["objective"], trained["steps"]) == ("heap", "plain", 2)
    assert trained["choice"][0]["memory_required"] == 1 << 20

    scores = run.evaluate()
    assert scores["engine"] == "abacus 1"
    assert scores["scores"]["student"]["test"]["right"]["value"] == pytest.approx(7 / 13)
    assert scores["scores"]["untrained"]["test"]["right"]["value"] == 0
    assert scores["scores"]["nearest"]["test"]["right"]["n"] == 13
    assert set(scores["categories"]) == {"add", "take", "refusal"}
    assert scores["throughput"] == {"per_second": 100.0}  # the toy says that a batch takes 0.01 s an answer
    assert scores["latency"]["n"] == 13
    assert 0 < scores["latency"]["p50"] <= scores["latency"]["p95"]
    assert reopened(run).evaluate()["latency"] == scores["latency"]  # as measured before
    assert len(run.predictions()) == len(run.verdicts()) == 13
    assert len(run.verdicts("untrained")) == 13

    manifest = json.loads((run.folder / "run.json").read_text())
    assert manifest["status"] == "evaluate: done"
    assert set(manifest["stages"]) == {"generate", "train", "evaluate"}
    assert manifest["files"]["verdicts.jsonl"]["rows"] == 13
    train = manifest["stages"]["train"]
    assert (train["seed"], train["processes"]) == (0, 1)
    assert train["versions"]["python"] == platform.python_version()
    toy = {"name": "toy", "sha256": hashlib.sha256(toy_file.read_bytes()).hexdigest()}
    evaluated = manifest["stages"]["evaluate"]
    for made_with in (manifest, train, evaluated):
        assert toy in made_with["plugins"]
        (shipped,) = [plugin for plugin in made_with["plugins"] if plugin["name"] == "evaluate"]
        assert (shipped["distribution"], shipped["version"]) == ("dstill", version("dstill"))
        assert len(shipped["sha256"]) == 64
    assert evaluated["packs"] == [toy]
    assert train["dataset"]["train"] == manifest["files"]["dataset/data/train.jsonl"]["sha256"]
    assert ("training", 2, 2) in said
    assert ("judging student", 13, 13) in said


def test_scores_are_split_by_data(create: Callable[..., Run]) -> None:
    run = create()
    run.generate()
    rows = [replace(row, context={"data": f"logs-{number % 2}"}) for number, row in enumerate(run.records("test"))]
    run.write("dataset/data/test.jsonl", rows)
    run.train()
    by_data = run.evaluate()["by_data"]
    assert [(name, of["right"]["n"]) for name, of in by_data.items()] == [("logs-0", 7), ("logs-1", 6)]


def test_same_seed_gives_the_same_bytes(create: Callable[..., Run]) -> None:
    a, b = create("a"), create("b")
    a.generate()
    Path("replies.sqlite").rename("elsewhere.sqlite")
    b.generate()
    assert {k: v for k, v in data(a).items() if "README" not in k} == {
        k: v for k, v in data(b).items() if "README" not in k
    }


def test_no_reply_is_bought_twice(create: Callable[..., Run]) -> None:
    run = create(teacher__parrot__down="add 1 and 2")
    assert run.generate()["rejections"] == {"unavailable": 1}
    assert replies() == 26
    assert [r.id for r in run.rejections()] == ["train-add-1-2"]
    again = reopened(run, teacher__parrot__down="")
    assert again.generate()["accepted"] == 27
    assert replies() == 27
    whole = create("whole")
    whole.generate()
    assert replies() == 27
    assert data(again).keys() == data(whole).keys()
    assert (again.folder / "dataset/data/train.jsonl").read_bytes() == (
        whole.folder / "dataset/data/train.jsonl"
    ).read_bytes()


def test_reopened_run_continues(create: Callable[..., Run]) -> None:
    create().generate()
    run = Run.open("mine", plugins=create("other").plugins)  # by its name under ./runs
    run.train()
    assert Run.open(Path("runs/mine"), plugins=run.plugins).evaluate()["engine"] == "abacus 1"


@pytest.mark.parametrize(("execute", "accepted"), [("all", 26), ("eval-only", 27), ("none", 27)])
def test_execute_setting_selects_the_answers_that_are_run(
    create: Callable[..., Run], plugins: Plugins, monkeypatch: pytest.MonkeyPatch, execute: str, accepted: int
) -> None:
    abacus = plugins.executor("abacus")
    run_one = abacus.run

    def strict(self: Any, answer: str, example: Example) -> Outcome:
        if answer == "1+2":
            return Outcome(kind=OutcomeKind.INVALID, reason="not that one")
        return run_one(self, answer, example)

    monkeypatch.setattr(abacus, "run", strict)
    assert create(generate__execute=execute).generate()["accepted"] == accepted


# --- training and evaluating again ------------------------------------------------------


def test_run_without_a_named_student_keeps_the_one_it_was_trained_with(create: Callable[..., Run]) -> None:
    """Another default student, of a later version or pack, could not load it."""
    run = trained(create)
    file = run.folder / "config.toml"
    file.write_text(file.read_text().replace('student = "memory"', 'student = ""'))
    assert reopened(run).student.name == "memory"
    assert reopened(run, train__student="nearest").student.name == "nearest"


def test_student_keeps_its_training_settings(create: Callable[..., Run]) -> None:
    """`evaluate` loads the kind of student that `train --student` fitted, not the one the run was created with."""
    run = create(train__student="nearest")
    run.generate()
    reopened(run, train__student="memory").train()
    scores = reopened(run).evaluate()["scores"]
    assert scores["student"]["test"]["right"]["value"] == pytest.approx(7 / 13)


@pytest.mark.parametrize("explains", [True, False])
def test_counts_rows_without_a_rationale_when_one_is_learnt(
    create: Callable[..., Run], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, explains: bool
) -> None:
    run = create()
    run.generate()
    train = run.records("train")
    run.write(data_file("train"), [replace(train[0], rationale=""), *train[1:]])
    if explains:
        monkeypatch.setattr(type(run.objective), "explanation", lambda _, source: f"explain: {source}")
    run.train()
    assert (f"1 of {len(train)} training rows have no rationale" in caplog.text) == explains


def test_new_training_makes_new_predictions(create: Callable[..., Run]) -> None:
    run = evaluated(create)
    pairs = run.folder / "student" / "pairs.json"
    pairs.write_text("{}")  # edited by hand, not trained
    assert reopened(run).evaluate()["scores"]["student"]["test"]["right"]["value"] > 0
    run = reopened(run)
    run.train(restart=True)
    pairs.write_text("{}")
    assert reopened(run).evaluate()["scores"]["student"]["test"]["right"]["value"] == 0


def test_existing_predictions_are_reused(create: Callable[..., Run]) -> None:
    run = evaluated(create)
    made = (run.folder / "predictions.jsonl").stat().st_mtime_ns
    reopened(run).evaluate()
    assert (run.folder / "predictions.jsonl").stat().st_mtime_ns == made


def test_changed_pack_answers_again(
    create: Callable[..., Run], toy_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = evaluated(create)
    before = run.manifest["files"]["predictions.jsonl"]["provenance"]
    copy = run.folder.parent / "toy.py"
    copy.write_text(f"{toy_file.read_text()}\n# another grammar\n")
    again = Run.open(run.folder, plugins=plugin_loading.load([copy]))
    facts = again.evaluate()
    assert "the answers in predictions.jsonl are made again: plugin toy changed" in caplog.text
    assert again.manifest["files"]["predictions.jsonl"]["provenance"][:2] == before[:2]
    assert again.manifest["files"]["predictions.jsonl"]["provenance"] != before
    assert facts["packs"] == [{"name": "toy", "sha256": hashlib.sha256(copy.read_bytes()).hexdigest()}]
    assert len(again.answers()) == 13


def test_interrupted_evaluation_resumes_with_its_answers(
    create: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dstill.stages.evaluate.predicting.BLOCK", 5)
    run = trained(create)
    real, asked = steps.predict, list[str]()

    def predict(*given: Any) -> Iterator[Prediction]:
        for prediction in real(*given):
            if len(asked) == 12:
                asked.append("stopped")
                raise KeyboardInterrupt
            asked.append(prediction.id)
            yield prediction

    monkeypatch.setattr(steps, "predict", predict)
    with pytest.raises(Interrupted, match="answers are kept, except those of the last block"):
        run.evaluate()
    assert not (run.folder / "predictions.jsonl").exists()
    again = reopened(run)
    again.evaluate()
    student = asked[asked.index("stopped") + 1 :][:3]
    assert student == [p.id for p in again.predictions()][10:]  # two blocks were there
    assert not list(run.folder.glob("unfinished*"))
    assert not [name for name in json.loads((run.folder / "run.json").read_text())["files"] if "unfinished" in name]


def test_second_engine_is_scored_separately(create: Callable[..., Run], plugins: Plugins) -> None:
    class Other(plugins.executor("abacus")):  # type: ignore[misc]
        name = "other"
        label = "other abacus 2"

    run = evaluated(create)
    plugins._of("executors")["other"] = (Other, "toy")
    again = reopened(run, engine__name="other")
    assert again.evaluate()["engine"] == "other abacus 2"
    assert set(again.manifest["stages"]) == {"generate", "train", "evaluate", "evaluate on other abacus 2"}
    assert len(again.verdicts(engine="other abacus 2")) == len(again.verdicts()) == 13
    assert (run.folder / "verdicts-other-abacus-2.jsonl").exists()


def write_engine_facts(*facts: dict[str, Any]) -> None:
    """What the abacus of the toy task reports about its data, one entry per call."""
    Path("looks.json").write_text(json.dumps(facts))


def test_changed_data_is_recorded_in_notes(create: Callable[..., Run]) -> None:
    write_engine_facts({"wires": 3, "beads": 10}, {"wires": 3, "beads": 12}, {"wires": 3, "beads": 13})
    run = create()
    assert run.generate()["data"] == {"wires": 3, "beads": 10}
    run.train()
    facts = run.evaluate()
    assert facts["data"] == {"wires": 3, "beads": 12}
    assert facts["notes"] == [
        "since the dataset was made: beads: 10, now 12",
        "while answers ran: beads: 12, now 13; scores are of data that moved",
    ]
    assert json.loads((run.folder / "run.json").read_text())["stages"]["evaluate"]["notes"] == facts["notes"]
    assert facts["notes"][1] in (run.folder / "log.txt").read_text()


def test_incompatible_data_is_refused_before_execution(create: Callable[..., Run]) -> None:
    write_engine_facts({"wires": 3}, {"wires": 2})
    run = trained(create)
    with pytest.raises(DataError, match="not what the questions were made from") as caught:
        run.evaluate()
    assert caught.value.where == "wires: 3, now 2"
    assert caught.value.exit_code == 4
    assert not (run.folder / "predictions.jsonl").exists()


@pytest.mark.parametrize(("each", "invalid"), [(1, True), (8, True), (1000, False)])
def test_frequently_unavailable_engine_invalidates_scores(
    create: Callable[..., Run], plugins: Plugins, monkeypatch: pytest.MonkeyPatch, each: int, invalid: bool
) -> None:
    abacus = plugins.executor("abacus")
    runs, calls = abacus.run, iter(range(10_000))

    def unavailable(self: Any, answer: str, example: Example) -> Outcome:
        gone = Outcome(kind=OutcomeKind.UNAVAILABLE, reason="429 es_rejected_execution_exception")
        return gone if next(calls) % each == each - 1 else runs(self, answer, example)

    run = trained(create)
    monkeypatch.setattr(abacus, "run", unavailable)
    assert bool(run.evaluate()["invalid"]) is invalid


def test_invalid_evaluation_is_replaced_on_another_engine(
    create: Callable[..., Run], plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(create)
    abacus = plugins.executor("abacus")
    gone = Outcome(kind=OutcomeKind.UNAVAILABLE, reason="connection refused")
    with monkeypatch.context() as patch:
        patch.setattr(abacus, "run", lambda *_: gone)
        assert run.evaluate()["invalid"]
    monkeypatch.setattr(abacus, "label", "abacus 2")
    assert not run.evaluate()["invalid"]
    assert run.manifest["stages"]["evaluate"]["engine"] == "abacus 2"


def test_static_data_is_not_mentioned(create: Callable[..., Run]) -> None:
    run = create()
    assert "data" not in run.generate()
    run.train()
    assert not {"data", "notes"} & set(run.evaluate())


def test_accuracy_without_an_executor_is_none(
    create: Callable[..., Run], plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins.task("toy"), "executors", ())
    run = trained(create)
    facts = run.evaluate()
    assert facts["engine"] == "not executed"
    score = facts["scores"]["student"]["test"]["executable_accuracy"]
    assert (score["value"], score["n"]) == (None, 0)
    assert max(v.checked for v in run.verdicts() if not v.refused and not v.expects_refusal) == Level.VALID


# --- refused runs -----------------------------------------------------------------------


def test_all_rows_rejected_is_an_error(create: Callable[..., Run]) -> None:
    run = create(teacher__parrot__cut="a")
    with pytest.raises(DataError) as caught:
        run.generate()
    # the validation and test questions have reference answers of their own, but nothing is left to learn
    assert caught.value.what == "0 usable rows of 13; reasons: truncated 13"
    assert len(run.rejections()) == 13  # each with its reason, also where there is no dataset
    assert run.manifest["status"] == "generate: failed: 0 usable rows of 13; reasons: truncated 13"


def test_run_opens_after_a_failed_curation(create: Callable[..., Run]) -> None:
    run = create(teacher__parrot__cut="a")
    for stage in (run.generate, run.curate):
        with pytest.raises(DataError, match="0 usable rows"):
            stage()
    assert reopened(run).manifest["stages"] == {}


def test_stage_out_of_order_names_the_missing_one(create: Callable[..., Run]) -> None:
    run = create()
    with pytest.raises(DataError, match="no training rows") as caught:
        run.train()
    assert caught.value.hint == "`dstill generate` first"
    with pytest.raises(DataError, match="nothing to evaluate: no rows in test"):
        run.evaluate()
    run.generate()
    with pytest.raises(RunError, match="has no student yet"):
        run.evaluate()


def test_leaked_test_set_is_not_scored(create: Callable[..., Run]) -> None:
    run = trained(create)
    run.write("dataset/data/test.jsonl", run.records("train"))
    (run.folder / "dataset/data/test.jsonl").write_text(
        (run.folder / "dataset/data/test.jsonl").read_text().replace('"split":"train"', '"split":"test"')
    )
    with pytest.raises(DataError, match="13 of 13 items of test share a question with train"):
        reopened(run).evaluate()


def test_configured_modality_is_used_even_if_it_may_not_fit(
    create: Callable[..., Run], plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins.modality("heap"), "unfit_reason", lambda *_: "needs more")
    run = create(train__modality="heap")
    run.generate()
    assert run.train()["modality"] == "heap"
    assert "using modality heap as configured, although it needs more" in (run.folder / "log.txt").read_text()
    with pytest.raises(UsageError, match="no modality fits") as caught:
        reopened(run, train__modality="auto").train(restart=True)
    assert caught.value.where == "heap: needs more"


def test_failed_plugins_stop_a_run(plugins: Plugins, project: Path) -> None:
    Path("bad.py").write_text("1 / 0")
    with pytest.raises(PluginError, match="plugin 'bad': ZeroDivisionError"):
        Run.create(plugins=plugin_loading.load([Path("bad.py")]))
    with pytest.raises(PluginError):
        Run.open("x", plugins=plugin_loading.load([Path("bad.py")]))


# --- checkpoints and early stopping -------------------------------------------------------


def test_checkpoints_are_deleted_after_the_student_is_saved(create: Callable[..., Run]) -> None:
    run = create()
    run.generate()
    left = run.folder / "checkpoints" / "checkpoint-7"
    jobs: list[TrainingJob] = []

    class Watched(type(run.student)):  # type: ignore[misc]
        def fit(self, job: TrainingJob) -> TrainResult:
            jobs.append(job)
            assert left.exists() is (len(jobs) < 3)
            if len(jobs) == 1:
                raise TrainingError("stopped")
            return super().fit(job)  # type: ignore[no-any-return]

    run.setup.student = Watched()
    left.mkdir(parents=True)
    with pytest.raises(TrainingError):
        run.train()
    assert left.exists()
    run.train(resume_with_changes=True)
    assert not left.exists()
    left.mkdir(parents=True)
    run.train(restart=True)
    assert [job.resume_with_changes for job in jobs] == [False, True, False]
    assert {job.checkpoints for job in jobs} == {run.folder / "checkpoints"}
    assert {job.score for job in jobs} == {None}


def test_early_stopping_scores_executed_answers(create: Callable[..., Run]) -> None:
    run = trained(create, train__early_stopping="accuracy")
    validation = [*run.records("validation"), *run.records("train")[:3]]
    with scoring(run.setup, validation) as score:
        assert score is not None
        assert score(run.generator("student")) == pytest.approx(3 / 4)  # it has not seen the validation question
        assert score(run.generator("untrained")) == 0
    with pytest.raises(DataError, match="no validation rows"), scoring(run.setup, []):
        pass


def test_unavailable_engine_does_not_stop_early(
    create: Callable[..., Run], plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(create, train__early_stopping="accuracy")
    gone = Outcome(kind=OutcomeKind.UNAVAILABLE, reason="connection refused")
    monkeypatch.setattr(plugins.executor("abacus"), "execute", lambda *_: gone)
    with scoring(run.setup, list(run.records("train"))) as score:
        assert score is not None
        with pytest.raises(ServiceError, match="could not be asked about") as caught:
            score(run.generator("student"))
    assert caught.value.exit_code == 7
    assert "run the same command again to continue" in caught.value.hint
