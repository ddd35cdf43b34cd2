"""`dstill export`: output and refused arguments."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dstill.runs.run import Run
from dstill_export import ctranslate2, exporting, gguf, registry
from dstill_export.merged import Merged

Call = Callable[..., Any]
Student = Callable[[str], Run]


@pytest.fixture
def call(cli: Call, enable: Callable[..., None]) -> Call:
    """A command with the toy, training and export loaded."""
    enable("finetune", "torch", "export")
    return cli


@pytest.fixture
def refused(call: Call, tmp_path: Path) -> Callable[..., Any]:
    """``refused(run, "--to", "merged")``: the command fails, and leaves nothing."""

    def export(run: Any, *words: object, out: object = "mine") -> Any:
        before = sorted(tmp_path.rglob("*"))
        ended = call("export", run, *words, "--out", out, "--json")
        assert ended.code != 0
        assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and path.name != ".lock"] == []
        return ended.code, json.loads(ended.out.splitlines()[-1])["error"]

    return export


@pytest.fixture
def untrained(call: Call) -> str:
    ended = call("generate", "--out", "run", "--teacher", "parrot")
    assert ended.code == 0, ended.err
    return "run"


def test_unknown_format_lists_the_known_ones(refused: Any, untrained: str) -> None:
    assert refused(untrained, "--to", "mergd")[1]["message"].endswith("Did you mean 'merged'?")
    code, error = refused(untrained, "--to", "onnx")
    assert code == 2
    assert "'onnx' is not one of 'bundle', 'merged', 'adapter', 'ctranslate2', 'gguf'" in error["message"]


def test_refuses_a_run_without_a_student(refused: Any, untrained: str) -> None:
    code, error = refused(untrained, "--to", "merged")
    assert (code, error["hint"]) == (5, "dstill train run")


def test_refuses_a_student_that_is_not_a_model(call: Call, refused: Any, untrained: str) -> None:
    flags = ("--set=train.student=memory", "--set=train.objective=plain", "--set=train.modality=heap")
    assert call("train", untrained, *flags).code == 0
    code, error = refused(untrained, "--to", "merged", *flags)
    assert (code, error["hint"]) == (2, "students of kind tiny, hf and linked can be exported")


def test_existing_target_is_refused(refused: Any, untrained: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.txt").write_text("mine")
    code, error = refused(untrained, "--to", "merged")
    assert (code, error["message"]) == (2, "mine already exists")
    assert (tmp_path / "mine" / "own.txt").read_text() == "mine"


def test_student_and_dataset_have_separate_commands(call: Call) -> None:
    assert "Did you mean 'export'?" in call("exprt", "run").err
    assert "`dstill data export`" in call("export", "--help").out
    assert "`dstill export`" in call("data", "export", "--help").out


# --- with students ----------------------------------------------------------------------


@pytest.mark.slow
def test_prints_a_table_and_one_json_object(call: Call, student: Student, tmp_path: Path) -> None:
    folder = student("full").folder
    ended = call("export", folder, "--to", "ctranslate2", "--out", "mine", "--limit", 4)
    assert ended.code == 0, ended.err
    assert "tokens/s, 4 at once" in ended.out
    assert "4 of 4" in ended.out
    assert "evaluated student" in ended.out
    ended = call("export", folder, "--to", "merged", "--out", "other", "--json")
    found = json.loads(ended.out.splitlines()[-1])
    assert found["parity"] == {"n": 9, "same": 9, "text": 9, "result": 0, "rate": 1.0, "wanted": 1.0}
    assert found["exported"]["bytes"] > 0
    assert (tmp_path / "other" / "model.safetensors").exists()


@pytest.mark.slow
def test_different_answers_are_shown(
    call: Call, student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = student("full")
    first = {one.id: replace_text(one) for one in run.predictions()[:1]}
    monkeypatch.setattr(Run, "answers", lambda run: first)
    ended = call("export", run.folder, "--to", "merged", "--out", "mine")
    assert ended.code == 9
    assert (
        "q0: add 1 and 1\n  evaluated: 9+9\n  exported:  1+1\n  ran, with another result than the evaluated answer\n"
        in ended.err
    )
    assert "8 of 9 questions (88.9%), but 100.0% are required: the export was deleted" in ended.err
    assert not (tmp_path / "mine").exists()
    assert call("export", run.folder, "--to", "merged", "--out", "mine", "--parity", "0.888").code == 0


def replace_text(prediction: Any) -> Any:
    from dataclasses import replace

    return replace(prediction, text="9+9")


class Stopped(Merged):
    """Somebody presses Ctrl-C when all is written."""

    def load(self, folder: Path) -> Any:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_ctrl_c_leaves_no_folder(call: Call, student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "format_of", lambda name, student=None: Stopped())
    ended = call("export", student("full").folder, "--to", "merged", "--out", "mine", "--json")
    assert ended.code == 130
    assert json.loads(ended.out)["error"]["hint"] == "the export was deleted: run the same command again"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_fully_trained_student_has_no_adapter_to_export(refused: Any, student: Student) -> None:
    code, error = refused(student("full").folder, "--to", "adapter")
    assert (code, error["hint"]) == (2, "--to merged exports all of its weights")


@pytest.mark.slow
def test_missing_library_names_its_extra(refused: Any, student: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "find_spec", lambda name: None)
    code, error = refused(student("full").folder, "--to", "ctranslate2")
    assert (code, error["code"], error["hint"]) == (2, "missing_extra", "pip install 'dstill[export]'")
    monkeypatch.setattr(gguf, "find_spec", lambda name: None)
    code, error = refused(student("gguf").folder, "--to", "gguf")
    assert (code, error["code"], error["hint"]) == (2, "missing_extra", "pip install 'dstill[gguf]'")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["merged", "adapter", "ctranslate2"])
def test_adapter_without_its_base_is_refused(
    form: str, call: Call, refused: Any, student: Student, tmp_path: Path
) -> None:
    """Neither the base that dstill made beside the adapter, nor one that lay elsewhere."""
    for name in ("lora", "qlora"):
        shutil.copytree(student(name).folder, tmp_path / name)
    shutil.rmtree(tmp_path / "lora" / "student" / "base")
    facts = tmp_path / "qlora" / "student" / "student.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "base": "/nowhere/base"}))
    assert refused("qlora", "--to", form)[0] == 5  # a base outside of the run needs the user's word
    for name in ("lora", "qlora"):
        assert call("trust", name, "--yes").code == 0
    for name in ("lora", "qlora"):
        code, error = refused(name, "--to", form)
        assert code == 2, error
        assert "the base model of this adapter is missing" in error["message"]
    assert error["where"] == "/nowhere/base"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form"), [("lora", "merged"), ("full", "ctranslate2"), ("gguf", "gguf")])
def test_refuses_without_free_disk_space(
    name: str, form: str, refused: Any, student: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 16))
    code, error = refused(student(name).folder, "--to", form)
    assert code == 11
    assert error["message"].endswith(" MiB, 0 MiB are free")


@pytest.mark.slow
def test_missing_parent_folder_is_refused(refused: Any, student: Student) -> None:
    code, error = refused(student("full").folder, "--to", "merged", out="no/such/mine")
    assert (code, "does not exist" in error["message"]) == (2, True)
