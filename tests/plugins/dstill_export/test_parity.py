"""The parity gate: accepted and refused exports, and the answers they are compared with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from dstill.api.records import Prediction
from dstill.errors import UsageError
from dstill.runs.run import Run
from dstill_export.ctranslate2 import CTranslate2
from dstill_export.exporting import ParityError, export
from dstill_export.formats import Format, Source
from dstill_export.merged import Merged
from dstill_export.parity import compare, sample
from dstill_export.registry import format_of

pytestmark = pytest.mark.slow  # uses the students of test_formats

Student = Callable[[str], Run]


def perturb(folder: Path) -> None:
    """Add noise to every matrix, as large as its standard deviation."""
    file = folder / "model.safetensors"
    random = torch.Generator().manual_seed(1)
    weights = {
        name: tensor + tensor.std() * torch.randn(tensor.shape, generator=random) if tensor.ndim == 2 else tensor
        for name, tensor in load_file(file).items()
    }
    save_file(weights, file, metadata={"format": "pt"})


def rewrite(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


class Perturbed(Merged):
    def write(self, source: Source, folder: Path) -> None:
        super().write(source, folder)
        perturb(folder)


class PerturbedBefore(CTranslate2):
    """The student is damaged before it is converted."""

    def write(self, source: Source, folder: Path) -> None:
        damaged = folder.parent / "damaged"
        if not damaged.exists():
            damaged.mkdir()
            for file in source.folder.iterdir():
                (damaged / file.name).write_bytes(file.read_bytes())
            perturb(damaged)
        super().write(replace(source, folder=damaged), folder)


class Endless(Merged):
    def write(self, source: Source, folder: Path) -> None:
        super().write(source, folder)
        rewrite(folder / "generation_config.json", eos_token_id=None)


class EndlessCt2(CTranslate2):
    def write(self, source: Source, folder: Path) -> None:
        super().write(source, folder)
        rewrite(folder / "config.json", eos_token="<pad>")


@pytest.mark.parametrize(
    "form", [Perturbed(), PerturbedBefore(), Endless(), EndlessCt2()], ids=lambda f: type(f).__name__
)
def test_export_with_different_answers_is_deleted(form: Format, student: Student, tmp_path: Path) -> None:
    out = tmp_path / "exports"
    out.mkdir()
    exported_before = f"export to {form.name}" in student("full").stages
    with pytest.raises(ParityError, match="the export was deleted") as caught:
        export(student("full"), form, out / "mine")
    assert caught.value.exit_code == 9
    assert {file.name for file in out.iterdir()} <= {"damaged"}
    assert "--parity" in caught.value.hint
    assert caught.value.differing
    assert {item.same_by for item in caught.value.differing} == {"no"}
    assert all(item.reason and item.evaluated != item.exported for item in caught.value.differing)
    # an earlier test may have exported the run; the status of its results stays
    assert exported_before or "failed" in student("full").manifest["status"]
    assert not student("full").manifest["status"].endswith(("running", "interrupted"))


def test_min_parity_accepts_different_answers(student: Student, tmp_path: Path) -> None:
    facts = export(student("full"), Perturbed(), tmp_path / "mine", min_parity=0.0)
    assert facts["parity"]["same"] < facts["parity"]["n"]
    assert f"{facts['parity']['n'] - facts['parity']['same']} differ" in (tmp_path / "mine" / "README.md").read_text()


def test_parity_is_measured_against_evaluated_predictions(student: Student, tmp_path: Path) -> None:
    """The answers in predictions.jsonl, as long as they are of this student."""
    run = student("full")
    before, original = run.predictions(), run.manifest["files"]["predictions.jsonl"]["provenance"]

    def store_predictions(provenance: list[str]) -> None:
        with run.lock():
            run.write("predictions.jsonl", [replace(one, text="9+9") for one in before])
            run.manifest["files"]["predictions.jsonl"]["provenance"] = provenance
            run.save()

    try:
        store_predictions(original)
        with pytest.raises(ParityError) as caught:
            export(student("full"), format_of("merged"), tmp_path / "mine")
        assert {item.evaluated for item in caught.value.differing} == {"9+9"}
        store_predictions(["another training", "other data"])
        assert export(student("full"), format_of("merged"), tmp_path / "mine")["parity"]["same"] == len(before)
    finally:
        with run.lock():
            run.write("predictions.jsonl", before)
            run.manifest["files"]["predictions.jsonl"]["provenance"] = original
            run.save()


@pytest.mark.parametrize(
    ("want", "got", "how"),
    [
        ("1+2", "1+2", "text"),
        ("1+2", "2+1", "result"),  # another text with the same result
        ("1+2", "1+1", "no"),
        ("none", "none", "text"),
        ("1+2", "none", "no"),  # a refusal in place of an answer
        ("none", "1+2", "no"),
        ("squawk", "squawk", "text"),  # unusable, and identical
        ("squawk", "squeak", "no"),
        ("", "squeak", "no"),
        ("1+2~", "2+1~", "no"),  # the engine cannot execute them
    ],
)
def test_answers_are_compared_by_text_then_result(want: str, got: str, how: str, student: Student) -> None:
    run = student("full")
    example = sample(run, 1)[0]
    pair = [Prediction(id=example.id, text=text) for text in (want, got)]
    (found,) = compare(run, [example], pair[:1], pair[1:])
    assert (found.same_by, found.evaluated, found.exported) == (how, want, got)
    assert bool(found.reason) == (how == "no")


def test_truncated_answer_is_different(student: Student) -> None:
    run = student("full")
    example = sample(run, 1)[0]
    whole, cut = (Prediction(id=example.id, text="1+2", truncated=flag) for flag in (False, True))
    assert compare(run, [example], [cut], [cut])[0].same_by == "text"
    for want, got in ((whole, cut), (cut, whole)):
        assert compare(run, [example], [want], [got])[0].same_by == "no"


def test_answers_are_compared_in_canonical_form_without_an_executor(student: Student) -> None:
    run = student("full")
    example = sample(run, 1)[0]
    want, spaced, other = (Prediction(id=example.id, text=text) for text in ("1+2", " 1+2", "2+1"))
    assert compare(run, [example], [want], [spaced], execute=False)[0].same_by == "result"
    assert compare(run, [example], [want], [other], execute=False)[0].same_by == "no"


def test_sample_is_deterministic(student: Student) -> None:
    run = student("full")
    first = [example.id for example in sample(run, 4)]
    assert first == [example.id for example in sample(run, 4)]
    assert len(set(first)) == 4
    assert len(sample(run, 1000)) == 9


KILLED = """
import os, signal, sys
from pathlib import Path
from dstill.plugins import load
from dstill.runs.run import Run
from dstill_export.exporting import export
from dstill_export.merged import Merged

class Killed(Merged):
    def load(self, folder):
        os.kill(os.getpid(), signal.SIGKILL)

export(Run.open(sys.argv[1], plugins=load([Path(sys.argv[2])])), Killed(), Path(sys.argv[3]))
"""


def test_killed_export_leaves_no_folder_and_the_next_one_cleans_up(
    student: Student, toy_file: Path, tmp_path: Path
) -> None:
    run, out = student("full"), tmp_path / "mine"
    command = [sys.executable, "-c", KILLED, str(run.folder), str(toy_file), str(out)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert ended.returncode == -signal.SIGKILL, ended.stderr[-3000:]
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".tmp")
    assert (left / "model.safetensors").exists()
    export(student("full"), format_of("merged"), out)
    assert list(tmp_path.iterdir()) == [out]
    with pytest.raises(UsageError, match="already exists"):
        export(student("full"), format_of("merged"), out)
