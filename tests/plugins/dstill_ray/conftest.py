"""Project folders for sweeps and for trainings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ray_lab import Lab

LEARNER = Path(__file__).parents[1] / "dstill_sweep" / "learner.py"
FAULTY = Path(__file__).parent / "faulty.py"


@pytest.fixture
def learners(tmp_path: Path, toy_file: Path) -> Iterator[Lab]:
    """Trials of the learner, which needs no torch."""
    settings = """
    [project]
    task = "toy"
    [train]
    student = "learner"
    objective = "dss"
    modality = "part"
    learning_rate = 1.0
    max_steps = 5
    r = 8
    """
    lab = Lab(tmp_path, [toy_file, LEARNER], set(), settings)
    yield lab
    assert lab.left() == []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_file: Path) -> Lab:
    """Trainings of a small T5 on 13 records, which no batch of 4 divides."""
    settings = """
    [project]
    task = "toy"
    [train]
    student = "faulty"
    modality = "full"
    learning_rate = 0.003
    max_steps = 12
    threads = 1
    save_steps = 4
    lora_dropout = 0.0
    [student.faulty]
    d_model = 32
    d_ff = 64
    num_layers = 1
    num_decoder_layers = 1
    """
    return Lab(tmp_path_factory.mktemp("ray"), [toy_file, FAULTY], {"finetune", "torch"}, settings)
