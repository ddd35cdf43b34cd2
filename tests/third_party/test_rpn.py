"""A third-party package on the built wheel: from its questions to a scored student."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.third_party.conftest import RPN, Venv

ALONE = {"DSTILL_DISABLE": "querydsl"}


@dataclass(frozen=True)
class Scored:
    venv: Venv
    project: Path
    summary: dict[str, Any]

    def dstill(self, *words: str | Path, **environment: str) -> dict[str, Any]:
        return self.venv.dstill(*words, cwd=self.project, **ALONE, **environment)


@pytest.fixture(scope="module")
def scored(with_rpn: Venv, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Generate, train and evaluate, with the package's own dstill.toml."""
    project = tmp_path_factory.mktemp("project")
    shutil.copy(RPN / "dstill.toml", project)
    with_rpn.dstill("generate", "--out", "run", cwd=project, **ALONE)
    _, summary = with_rpn.dstill_in_turn(("train", "run"), ("evaluate", "run"), cwd=project, **ALONE)
    return Scored(with_rpn, project, summary)


def test_pack_is_under_70_lines() -> None:
    assert len((RPN / "src/dstill_rpn/pack.py").read_text().splitlines()) < 70


@pytest.mark.slow
def test_pack_conforms(with_rpn: Venv, tmp_path: Path) -> None:
    report = with_rpn.dstill("pack", "check", "rpn", cwd=tmp_path)
    assert {finding["code"] for finding in report["findings"]} == {"no_docstring"}
    assert report["golds"] == 60


def test_uses_installed_wheel_and_package(with_rpn: Venv, tmp_path: Path) -> None:
    place = with_rpn.run("python", "-c", "import dstill; print(dstill.__file__)", cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(with_rpn.folder)
    owners = {
        (part["kind"], part["name"]): part["plugin"]
        for part in with_rpn.dstill("pack", "list", cwd=tmp_path, **ALONE)["parts"]
    }
    assert owners["tasks", "rpn"] == owners["executors", "rpn-machine"] == "rpn"
    assert owners["modalities", "top"] == "rpn-modality"
    assert ("tasks", "querydsl") not in owners


@pytest.mark.nightly
def test_student_beats_untrained_and_nearest_question(scored: Scored) -> None:
    summary = scored.summary
    assert summary["engine"] == "rpn-machine"
    assert summary["n"] >= 50
    assert summary["executable_accuracy"] > 0.7
    assert summary["ci95"][0] > max(summary["untrained"] + 0.3, summary["nearest_neighbour_accuracy"] + 0.2)
    assert summary["untrained"] < 0.05


@pytest.mark.nightly
def test_student_that_points_gets_unseen_templates_right(scored: Scored) -> None:
    """With the pack's form, on the same questions."""
    sizes = ("width=32", "heads=2", "encoder_layers=1", "decoder_layers=1", "hidden=64")
    small = [word for size in sizes for word in ("--set", f"student.linked.{size}")]
    *_, summary = scored.venv.dstill_in_turn(
        ("generate", "--out", "pointing"),
        ("train", "pointing", "--student", "linked", "--set", "train.max_steps=120", *small),
        ("evaluate", "pointing", "--set", "evaluate.baselines=[]"),
        cwd=scored.project,
        **ALONE,
    )
    assert summary["executable_accuracy"] > 0.9
    assert summary["unseen_templates"] > max(0.8, scored.summary["unseen_templates"])


@pytest.mark.nightly
def test_corrupted_golds_lower_score(scored: Scored) -> None:
    """The same student against golds that are wrong in every second row: it is the golds that score."""
    _questions_with_wrong_golds(scored.project / "run/dataset/data", scored.project / "wrong.jsonl", ("test",))
    scored.dstill("generate", "--out", "wrong", "--questions", "wrong.jsonl")
    shutil.copytree(scored.project / "run/student", scored.project / "wrong/student")
    summary = scored.dstill("evaluate", "wrong", "--set", "evaluate.baselines=[]")
    assert summary["n"] == scored.summary["n"]
    assert summary["executable_accuracy"] < scored.summary["executable_accuracy"] - 0.3


@pytest.mark.nightly
def test_student_trained_on_corrupted_golds_scores_lower(scored: Scored) -> None:
    _questions_with_wrong_golds(scored.project / "run/dataset/data", scored.project / "taught.jsonl", ("train",))
    scored.dstill("generate", "--out", "taught", "--questions", "taught.jsonl")
    scored.dstill("train", "taught")
    summary = scored.dstill("evaluate", "taught", "--set", "evaluate.baselines=[]")
    assert summary["n"] == scored.summary["n"]
    assert summary["executable_accuracy"] < scored.summary["executable_accuracy"] - 0.2


def _questions_with_wrong_golds(data: Path, out: Path, splits: tuple[str, ...]) -> None:
    """The run's questions again; in `splits`, the first operator of every second gold is another one."""
    other = str.maketrans("+-*", "-*+")
    lines = []
    for file in sorted(data.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines()):
            row = json.loads(line)
            if file.stem in splits and number % 2:
                first, rest = row["answer"][:5], row["answer"][5:]
                row["answer"] = first.translate(other) + rest
            kept = ("id", "question", "rationale", "answer", "template", "split")
            lines.append(json.dumps({key: row[key] for key in kept}, ensure_ascii=False))
    out.write_text("\n".join(lines) + "\n")


# --- the modality -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def modality_results(scored: Scored) -> dict[str, Any]:
    """Plans for several cards, and a training in the modality top: one process that loads torch once."""
    script = Path(__file__).parent / "run_modality.py"
    result: dict[str, Any] = json.loads(scored.venv.run("python", script, cwd=scored.project, **ALONE).splitlines()[-1])
    return result


@pytest.mark.nightly
def test_selects_top_for_its_memory_range(modality_results: dict[str, Any]) -> None:
    needs = modality_results["needs"]
    assert needs["qlora"] < needs["lora"] < needs["top"] < needs["full"]
    assert modality_results["chosen"] == {name: name for name in ("qlora", "lora", "top", "full")}
    assert modality_results["on the smallest card"] is None


@pytest.mark.nightly
def test_headroom_selects_next_modality_only_when_set(modality_results: dict[str, Any]) -> None:
    assert modality_results["with headroom"] == ["lora", "top"]


@pytest.mark.nightly
def test_top_trains_last_block_only(modality_results: dict[str, Any]) -> None:
    assert modality_results["modality"] == "top"
    assert modality_results["moved"]
    assert {name.split(".")[:3] == ["decoder", "block", "1"] for name in modality_results["moved"]} == {True}
    assert modality_results["kept"] > len(modality_results["moved"])
    assert max(modality_results["losses"][-5:]) < modality_results["losses"][0] / 2
