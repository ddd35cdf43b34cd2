"""The recipe rule implements the hook `select_modality` for its policy, and otherwise returns None."""

from __future__ import annotations

from typing import Any

import pytest
from support.model_spec import SMALLEST

import dstill_torch
from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.plugins import PluginInfo, Plugins
from dstill.runtime import hardware
from dstill_torch import recipe_rule

GB = 2**30


def toy(title: str, full: float, gigabytes: int) -> Modality:
    class Toy(Modality):
        name = title
        priority = full

        def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
            return Memory(parts={"weights": gigabytes * GB})

        def prepare(self, model: Any, recipe: Recipe) -> Any:
            return model

    return Toy()


THREE = [toy("lora", 60, 12), toy("full", 100, 30), toy("qlora", 30, 4)]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    found = Plugins()
    found.add(dstill_torch, PluginInfo(name="torch"))
    assert not found.failures
    return found


@pytest.mark.parametrize(("vram", "chosen"), [(80, "full"), (40, "full"), (37, "qlora"), (24, "qlora"), (12, "qlora")])
def test_chooses_qlora_below_40_gb(plugins: Plugins, vram: int, chosen: str) -> None:
    choice = plugins.select_modality(
        THREE, SMALLEST, Recipe(auto_modality="recipe"), hardware.planned_device(f"{vram}GB")
    )
    assert choice.modality == chosen
    assert [r.modality for r in choice.reasons] == ["full", "lora", "qlora"]


def test_card_sold_as_40_gb_is_not_below_40_gb(plugins: Plugins) -> None:
    device = Device(name="A100", kind="cuda", total=int(39.4 * GB), free=int(38.9 * GB), bf16=True)
    assert plugins.select_modality(THREE, SMALLEST, Recipe(auto_modality="recipe"), device).modality == "full"


@pytest.mark.parametrize(
    ("policy", "modalities"),
    [("fullest", THREE), ("recipe", THREE[:2]), ("recipe", [*THREE[:2], toy("qlora", 30, 25)])],
    ids=["another policy", "no qlora", "qlora does not fit"],
)
def test_otherwise_returns_none(policy: Any, modalities: list[Modality]) -> None:
    device = hardware.planned_device("24GB")
    assert recipe_rule.select_modality(modalities, SMALLEST, Recipe(auto_modality=policy), device) is None


def test_core_defaults_name_no_modality() -> None:
    from pathlib import Path

    from dstill import defaults

    assert "lora" not in Path(defaults.__file__).read_text()
