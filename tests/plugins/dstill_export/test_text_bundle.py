"""Bundles of students that read text: CTranslate2 and the library tokenizers alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from support.unsure import Guess, calibrated, trained

from dstill import plugins as plugin_loading
from dstill.answering.steps import prompts
from dstill.api.records import ModelInput
from dstill.api.student import Generation, TrainingJob
from dstill.confidence import calibration
from dstill.confidence.calibration import Calibration
from dstill.errors import DataError, UsageError
from dstill.runs.bundle import Manifest, open_bundle
from dstill.runs.folder import data_file
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor
from dstill_export.bundle import TextBundle
from dstill_export.converted_student import ConvertedStudent
from dstill_export.exporting import export
from dstill_export.formats import encoder_of
from dstill_export.plain_tokenizer import FILE, plain_encoder
from dstill_export.registry import format_of

Student = Callable[[str], Run]
BLOCKED = ("torch", "transformers", "peft", "accelerate", "jinja2", "sklearn", "fcntl", "resource", "termios")
WITHOUT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.meta_path.insert(0, Blocked())
from dstill.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_exported_kind_cannot_be_trained() -> None:
    for train in (ConvertedStudent().spec, lambda: ConvertedStudent().fit(TrainingJob)):  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="are exported, not trained") as caught:
            train()
        assert "--to bundle" in caught.value.hint


@pytest.fixture(scope="module")
def exported(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The bundle of a student, and its run; cached. The run has a calibration, and no judgements."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            run = student(name)
            rows = [replace(one, split="validation") for one in run.records("train") if one.id < "q6"]
            run.write(data_file("validation"), rows)
            scores, right = (-0.1, -0.2, -3.0), (True, True, False)
            row = Calibration(slope=1.0, intercept=0.0, scores=scores, right=right)
            run.write(calibration.FILE, [row])
            run.manifest["files"][calibration.FILE]["provenance"] = run.made_of(constrained=False)
            run.save()
            made[name] = tmp_path_factory.mktemp("bundles") / name
            export(run, format_of("bundle"), made[name])
        return made[name]

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", ["full", "lora", "llama", "chat"])
def test_answers_as_the_run(name: str, student: Student, exported: Callable[[str], Path], root: Path) -> None:
    folder = exported(name)
    run = student(name)
    bundle, about = open_bundle(folder, plugins=run.plugins), Manifest.read(folder)
    assert about.export["parity"]["same"] == about.export["parity"]["n"] == 6
    names = {file.name for file in (folder / "student").iterdir()}
    assert names >= {"model.bin", "tokenizer.json", "prompts.json", "student.json", "data.json"}
    assert not [name for name in names if "safetensors" in name or name.startswith("tokenizer_config")]
    examples = [record.example for record in run.records("train")]
    texts = [one.text for one in prompts(run.objective, run.task, examples)]
    assert plain_encoder(folder / "student").prompts(texts) == encoder_of(run.folder / "student", plain=True).prompts(
        texts
    )
    with Predictor(bundle) as ours, Predictor(run) as theirs:
        got, want = ours.answer(examples), theirs.answer(examples)
        assert [one.answer for one in got] == [one.answer for one in want]
        with pytest.raises(UsageError, match="cannot sample"):
            ours.sample(examples[:1], 4, temperature=1.0)
    logprobs = [one.logprob for one in run.generator().generate(prompts(run.objective, run.task, examples))]
    now = [one.logprob for one in bundle.generator().generate(prompts(run.objective, run.task, examples))]
    # 8 bits: on a processor without VNNI, single answers differ by up to 0.32, and by 0.04 on average.
    assert fmean(abs(a - b) for a, b in zip(now, logprobs, strict=True)) < 0.1
    assert about.calibration is None  # no judgement holds for it, and the run's is of other log-probabilities


@pytest.mark.slow
def test_needs_neither_torch_nor_transformers(exported: Callable[[str], Path], root: Path, tmp_path: Path) -> None:
    words = ["--plugin", str(root / "tests/support/toy.py"), "predict", str(exported("chat")), "add 3 and 2", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "tests"), *sys.path])}
    code = f"BLOCKED = {BLOCKED!r}\n{WITHOUT}"
    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["answer"] == "3+2"


@pytest.mark.slow
def test_grammar_is_refused(student: Student, tmp_path: Path) -> None:
    folder = student("full").folder
    run = Run.open(folder, flags={"evaluate.constrain": True}, plugins=student("full").plugins)
    with pytest.raises(UsageError, match="within a grammar") as caught:
        export(run, format_of("bundle"), tmp_path / "out")
    assert "--set evaluate.constrain=false" in caught.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("damaged", ["prompts.json", "tokenizer.json", "model.bin"])
def test_damaged_student_is_one_error(damaged: str, exported: Callable[[str], Path], tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(exported("full") / "student", tmp_path / "student")
    (folder / damaged).write_bytes(b"{")
    with pytest.raises(DataError) as caught:
        ConvertedStudent().load(folder)
    assert str(folder) in caught.value.where
    assert FILE == "prompts.json"


class Lower(Guess):
    """Answers as the student of "unsure", with lower log-probabilities."""

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for written in super().generate(sources):
            assert written.logprob is not None
            yield replace(written, logprob=written.logprob - 0.5)


def test_judgements_of_the_run_calibrate_what_is_exported(project: Path, toy_file: Path) -> None:
    """On its own log-probabilities, without a person."""
    loaded = plugin_loading.load([toy_file, toy_file.with_name("unsure.py")])
    run = calibrated(trained(loaded, project / "mine", {"train": 5}), 80)
    exporting = TextBundle()
    exporting._bundle = run.answerable()
    own, found = run.calibration(), exporting.calibration(run, Lower())
    assert own is not None
    assert found is not None
    assert found.right == own.right
    assert list(found.scores) == pytest.approx([score - 0.5 for score in own.scores])
