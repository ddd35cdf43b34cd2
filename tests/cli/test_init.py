"""`dstill init`: files of a new project, with and without the user's data, and refused options."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]
ENGINE = ("--engine-url", "http://abacus:20")


def settings_of(folder: Path = Path(".")) -> dict[str, Any]:
    return tomllib.loads((folder / "dstill.toml").read_text())


def test_recipe_is_for_a_student_trained_from_scratch(cli: Cli, enable: Callable[..., None]) -> None:
    enable("finetune", "torch")
    assert cli("init").code == 0
    assert settings_of()["train"] == {
        "student": "tiny",
        "modality": "auto",
        "label_weight": 0.8,
        "learning_rate": 2e-3,
        "per_device_train_batch_size": 32,
        "num_train_epochs": 5.0,
        "max_length": 256,
        "max_target_length": 128,
        "optim": "adamw_torch_fused",
        "threads": 1,
    }


def test_names_no_student_without_one_trained_from_scratch(cli: Cli) -> None:
    assert cli("init").code == 0
    assert settings_of()["train"] == {"modality": "auto"}


def test_pretrained_student_has_default_settings(cli: Cli, enable: Callable[..., None]) -> None:
    enable("finetune", "torch")
    assert cli("init", "--student", "hf:base").code == 0
    assert settings_of()["train"] == {"student": "hf:base", "modality": "auto"}
    assert cli("config", "show").code == 0


def test_writes_files_described_by_the_task(cli: Cli) -> None:
    ended = cli("init", *ENGINE, "--index", "sums", "--out", "deep/mine", "--set", "engine.api_key_env=KEY")
    assert ended.code == 0, ended.err
    assert ended.out == (
        "read 20 numbers of sums\n"
        "wrote deep/mine/numbers.json, deep/mine/dstill.toml for task 'toy'\n"
        "next: cd deep/mine && dstill generate --out runs/first\n"
    )
    assert (Path("deep/mine") / "numbers.json").read_text().startswith("[1, 2")
    toml = settings_of(Path("deep/mine"))
    assert toml["engine"] == {"url": "http://abacus:20", "api_key_env": "KEY"}
    assert toml["executor"] == {"abacus": {"index": "sums"}}
    assert toml["task"]["toy"]["limits"] == {"most": 20}
    assert toml["generate"] == {"teacher": "parrot"}
    assert toml["train"]["num_train_epochs"] == 2.0
    assert "# read 20 numbers of sums\n" in (Path("deep/mine") / "dstill.toml").read_text()


def test_recipe_of_the_task_is_only_for_training_from_scratch(cli: Cli) -> None:
    assert cli("init", *ENGINE, "--student", "memory").code == 0
    assert settings_of()["train"] == {"student": "memory", "modality": "auto"}


def test_new_project_works(cli: Cli) -> None:
    assert cli("init", *ENGINE, "--set", "engine.url=http://abacus:9", "--student", "memory").code == 0
    assert cli("generate", "--out", "runs/a", "--set", "engine.url=").code == 0
