"""Every export format of every kind of student gives the evaluated answers, also with the code of its card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dstill.errors import UsageError
from dstill.runs.run import Run
from dstill_export import ctranslate2
from dstill_export.exporting import export
from dstill_export.registry import format_of

pytestmark = pytest.mark.slow  # all of them together take a minute, most of it to train five students

Student = Callable[[str], Run]
MADE = [
    ("full", "merged"),
    ("full", "ctranslate2"),
    ("lora", "merged"),
    ("lora", "adapter"),
    ("lora", "ctranslate2"),
    ("llama", "merged"),
    ("llama", "ctranslate2"),
    ("qlora", "merged"),
    ("qlora", "adapter"),
    ("qlora", "ctranslate2"),
    ("chat", "merged"),
    ("chat", "adapter"),
    ("chat", "ctranslate2"),
    ("gguf", "gguf"),
]
WRITTEN = {
    "merged": {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"},
    "adapter": {"adapter_config.json", "adapter_model.safetensors", "generation_config.json", "tokenizer.json"},
    "ctranslate2": {"config.json", "model.bin", "tokenizer.json", "tokenizer_config.json"},
    "gguf": {"model.gguf", "Modelfile"},
}
# Runs the code of each card as it is written, in the exported folder.
RUN_CARDS = """
import os, sys, warnings
warnings.simplefilter("ignore")
for folder in sys.argv[1:]:
    os.chdir(folder)
    exec(open("README.md").read().split("```python\\n")[1].split("```")[0], {})
assert "dstill" not in sys.modules
"""


@pytest.fixture(scope="module")
def exported(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], tuple[Path, Any]]:
    """The folder of an exported student and the facts that `export` returned; cached."""
    made: dict[tuple[str, str], tuple[Path, Any]] = {}

    def make(name: str, form: str) -> tuple[Path, Any]:
        if (name, form) not in made:
            folder = tmp_path_factory.mktemp("exports") / f"{name}-{form}"
            made[name, form] = folder, export(student(name), format_of(form), folder)
        return made[name, form]

    return make


@pytest.mark.parametrize(("name", "form"), MADE)
def test_exported_student_answers_as_evaluated(name: str, form: str, student: Student, exported: Any) -> None:
    run = student(name)
    folder, facts = exported(name, form)
    parity = facts["parity"]
    assert parity["n"] == 9
    assert parity["same"] == parity["text"] + parity["result"] == 9
    score = run.manifest["stages"]["evaluate"]["scores"]["student"]["train"]["executable_accuracy"]
    assert score["value"] == 1  # the compared answers are correct
    names = {file.name for file in folder.iterdir()}
    assert names >= WRITTEN[form] | {"README.md", "export.json", "student.json"}
    assert "base" in names if (name, form) == ("lora", "adapter") else "base" not in names
    assert not [file for file in folder.parent.iterdir() if file.name.endswith(".tmp")]
    assert json.loads((folder / "export.json").read_text())["parity"] == parity
    assert student(name).manifest["stages"][f"export to {form}"]["folder"] == str(folder)
    assert facts["exported"]["bytes"] <= sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert min(facts["student"]["one"], facts["student"]["batch"], facts["exported"]["one"]) > 0


@pytest.mark.nightly
def test_code_of_the_cards_gives_the_answers_shown(exported: Any) -> None:
    chosen = [("lora", "merged"), ("lora", "adapter"), ("lora", "ctranslate2"), ("llama", "merged")]
    chosen += [("llama", "ctranslate2"), ("qlora", "adapter"), ("qlora", "ctranslate2"), ("gguf", "gguf")]
    chosen += [("chat", "merged"), ("chat", "adapter"), ("chat", "ctranslate2")]
    folders = [exported(*one)[0] for one in chosen]
    cards = [(folder / "README.md").read_text() for folder in folders]
    assert not [card for card in cards if "dstill" in card.split("```")[1]]
    command = [sys.executable, "-I", "-c", RUN_CARDS, *map(str, folders)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stderr[-3000:]
    shown = [card.split("Output:\n\n    ")[1].strip() for card in cards]
    assert [line.strip() for line in ended.stdout.splitlines()] == shown


def test_card_describes_the_export(exported: Any) -> None:
    folder, facts = exported("llama", "ctranslate2")
    card = (folder / "README.md").read_text()
    assert "library_name: ctranslate2" in card
    assert "| licence of the base | apache-2.0 |" in card
    assert (folder / "NOTICE.txt").read_text() == "made by a test\n"
    assert facts["exported"]["bytes"] < facts["student"]["bytes"]
    assert f"{facts['exported']['bytes'] / 1e6:.1f} MB" in card
    assert str(folder.parent) not in card
    alone, _ = exported("lora", "merged")
    assert "none: trained from scratch" in (alone / "README.md").read_text()
    assert "licence of the base" not in (alone / "README.md").read_text()


def test_merged_weights_include_the_adapter(student: Student, exported: Any) -> None:
    base = load_file(student("lora").folder / "student" / "base" / "model.safetensors")
    merged = load_file(exported("lora", "merged")[0] / "model.safetensors")
    assert merged.keys() == base.keys()
    assert any(not torch.equal(base[name], merged[name]) for name in base)
    facts = json.loads((exported("lora", "merged")[0] / "student.json").read_text())
    assert (facts["adapter"], facts["base"]) == (False, "")
    config = json.loads((exported("lora", "adapter")[0] / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base"  # next to it, not in the folder of the run


def test_student_metadata_is_exported(student: Student, tmp_path: Path) -> None:
    run = student("full")
    (run.folder / "student" / "fields.json").write_text("{}")
    export(run, format_of("ctranslate2"), tmp_path / "out", count=2)
    assert (tmp_path / "out" / "fields.json").read_text() == "{}"


def test_gguf_of_another_base_needs_the_converter(
    student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs llama"):
        export(student("llama"), format_of("gguf"), tmp_path / "out")
    with pytest.raises(UsageError, match="an encoder–decoder cannot be exported to gguf"):
        export(student("full"), format_of("gguf"), tmp_path / "out")


def test_architecture_unknown_to_ctranslate2_is_refused(
    student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ctranslate2.converters import transformers as converters

    monkeypatch.delitem(converters._MODEL_LOADERS, "T5Config")
    with pytest.raises(UsageError, match="CTranslate2 does not support this student") as caught:
        export(student("full"), format_of("ctranslate2"), tmp_path / "out")
    assert "T5Config" in caught.value.where
    assert list(tmp_path.iterdir()) == []


def test_every_format_is_found_by_name() -> None:
    from dstill_export.formats import NAMES

    text = [name for name in NAMES if name != "int8"]  # which only linked students have
    assert [format_of(name).name for name in text] == text
    assert format_of("ctranslate2").min_parity < format_of("merged").min_parity == 1
    assert isinstance(format_of("ctranslate2"), ctranslate2.CTranslate2)
    with pytest.raises(UsageError, match="no format 'onnx'"):
        format_of("onnx")
