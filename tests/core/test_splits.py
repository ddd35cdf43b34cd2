"""Old names of splits are still read."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.records import SPLITS, Example
from dstill.api.splits import FORMER_SPLITS, split_name
from dstill.errors import DataError
from dstill.io.jsonl import write_rows
from dstill.pipeline.question_files import read_questions
from dstill.pipeline.question_validation import require_unique_ids

Cli = Callable[..., Any]
OLD = {new: old for old, new in FORMER_SPLITS.items()}


def test_old_name_is_read_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert [split_name(name, "--split") for name in SPLITS] == list(SPLITS)
    assert not caplog.records
    assert split_name("test_index", "--split") == "test_unseen_data"
    assert caplog.messages == ["the split 'test_index' is now called 'test_unseen_data' (--split)"]


def test_questions_file_may_use_old_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning per file and name, not per row."""
    splits = ["train", "test_index", "test_index", "test_templates"]
    file = tmp_path / "q.jsonl"
    write_rows(file, [{"question": f"q{n}", "split": split} for n, split in enumerate(splits)])
    found = [example.split for example in read_questions(file)]
    assert found == ["train", "test_unseen_data", "test_unseen_data", "test_unseen_templates"]
    assert len(caplog.messages) == 2
    assert all(str(file) in message for message in caplog.messages)


def test_configuration_may_use_old_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "dstill.toml"
    file.write_text('[evaluate]\nsplits = ["test", "test_index"]\n')
    assert configuration.load(file).settings.evaluate.splits == ("test", "test_unseen_data")
    assert caplog.messages == [f"evaluate.splits: 'test_index' is now called 'test_unseen_data' ({file}:2)"]
    assert configuration.load(flags={"evaluate.splits": "test_index"}).settings.evaluate.splits == ("test_unseen_data",)


@pytest.fixture
def old(cli: Cli, project: Path, toy_file: Path) -> Path:
    """An evaluated run as an earlier version wrote it: files, rows, settings and run.json by the old names."""
    rows = [
        {
            "id": f"{split}-{n}",
            "question": f"add {n} and {at} of {split}",
            "answer": f"{n}+{at + 1}",
            "rationale": "the words say so",
            "context": {"data": f"numbers-{split}"},
            "template": split,
            "split": split,
        }
        for at, split in enumerate(SPLITS)
        for n in (1, 2)
    ]
    write_rows(project / "questions.jsonl", rows)
    ended = cli("generate", "--teacher", "synthetic", "--questions", "questions.jsonl", "--out", "runs/old")
    assert ended.code == 0, ended.err
    wanted = "evaluate.splits=" + json.dumps(["test_unseen_data", "test_unseen_templates"])
    student = ("--student", "memory", "--objective", "plain", "--allow-unreviewed")
    assert cli("train", "old", *student, "--set", wanted).code == 0
    assert cli("evaluate", "old").code == 0
    folder = project / "runs" / "old"
    manifest = json.loads((folder / "run.json").read_text())
    manifest["stages"]["evaluate"]["indices"] = manifest["stages"]["evaluate"].pop("by_data")
    (folder / "run.json").write_text(json.dumps(manifest))
    for new, former in OLD.items():
        (folder / f"dataset/data/{new}.jsonl").rename(folder / f"dataset/data/{former}.jsonl")
        for file in (folder / "run.json", *folder.glob("*.jsonl"), *folder.glob("dataset/data/*.jsonl")):
            file.write_text(file.read_text().replace(f'"{new}"', f'"{former}"').replace(f"/{new}.", f"/{former}."))
        config = folder / "config.toml"
        config.write_text(config.read_text().replace(f'"{new}"', f'"{former}"'))
    assert "test_index" in (folder / "run.json").read_text()
    assert "test_unseen" not in (folder / "config.toml").read_text()
    return folder


def test_run_of_an_earlier_version_opens(old: Path, toy_file: Path, cli: Cli, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run = Run.open(old, plugins=plugin_loading.load([toy_file]))
    assert [len(run.records(split)) for split in SPLITS] == [2] * 5
    assert {record.split for record in run.records("test_unseen_data")} == {"test_unseen_data"}
    assert {inquiry.example.split for inquiry in run.teacher_requests()} == set(SPLITS)
    assert {verdict.split for verdict in run.verdicts()} == set(OLD)
    evaluated = run.manifest["stages"]["evaluate"]
    assert list(evaluated["scores"]["student"]) == ["test_unseen_data", "test_unseen_templates"]
    assert "by_data" in evaluated
    assert set(run.manifest["stages"]["generate"]["splits"]) == set(SPLITS)
    assert caplog.messages == []  # dstill wrote the file: no warning
    ended = cli("evaluate", "old")
    assert ended.code == 0, ended.err


def test_evaluate_takes_old_names(old: Path, cli: Cli) -> None:
    ended = cli("evaluate", "old", "--split", "test_index", "--split", "test_templates", "--json")
    assert ended.code == 0, ended.err
    for former in ("test_index", "test_templates"):
        assert f"evaluate.splits: '{former}' is now called '{FORMER_SPLITS[former]}' (command line)" in ended.err
    assert json.loads(ended.out)["unseen_data"] is not None


def test_rebuilt_dataset_has_no_file_with_an_old_name(old: Path, cli: Cli) -> None:
    assert cli("data", "curate", "old").code == 0
    assert sorted(file.stem for file in (old / "dataset/data").iterdir()) == sorted(SPLITS)
    files = json.loads((old / "run.json").read_text())["files"]
    assert {name for name in files if name.startswith("dataset/")} == {f"dataset/data/{one}.jsonl" for one in SPLITS}


def test_ids_are_unique_across_splits() -> None:
    rows = [Example(id="a", question=f"of {split}", split=split) for split in ("train", "test")]
    require_unique_ids(rows[:1])
    with pytest.raises(DataError) as caught:
        require_unique_ids(rows)
    assert caught.value.what == "two questions have the id 'a': 'of train' of train, and 'of test' of test"


def test_pack_with_an_id_in_two_splits_is_refused(cli: Cli, project: Path) -> None:
    """Before a teacher is asked; the audit refuses it, too."""
    pack = """
from dstill import Check, Task, hookimpl
from dstill.api import Example

class Twice(Task):
    name = "twice"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split):
        if split in ("train", "test"):
            yield Example(id="q-1", question=f"of {split}", answer=split, rationale="so", split=split)

@hookimpl
def register_tasks():
    return [Twice]
"""
    (project / "twice.py").write_text(pack)
    for words in (("generate", "--task", "twice", "--out", "mine"), ("audit", "--task", "twice")):
        ended = cli("--plugin", "twice.py", *words)
        assert ended.code == 4, ended.err
        assert "two questions have the id 'q-1': 'of train' of train, and 'of test' of test" in ended.err
