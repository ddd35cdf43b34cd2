"""Parts are created from names, and modalities chosen by available memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.model_spec import SMALLEST

from dstill import config as configuration
from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.config import Config
from dstill.errors import UsageError
from dstill.factory import choose_modality, make_executor, make_student, make_task, student_spec, task_name
from dstill.io import units
from dstill.plugins import PluginInfo, Plugins, part_sections
from dstill.runtime import hardware

GB = 2**30


def config(plugins: Plugins, **flags: Any) -> Config:
    keys = {key.replace("__", "."): value for key, value in flags.items()}
    return configuration.load(use_files=False, flags=keys, sections=part_sections(plugins))


# --- names ------------------------------------------------------------------------------


def test_only_task_is_the_default(plugins: Plugins) -> None:
    assert task_name(plugins, config(plugins).settings) == "toy"
    made = make_task(plugins, config(plugins, task__toy__prefix="please "))
    assert made.config.prefix == "please "


def test_ambiguous_or_missing_task_is_refused(plugins: Plugins) -> None:
    plugins._of("tasks")["other"] = plugins._of("tasks")["toy"]
    with pytest.raises(UsageError, match=r"^which task\?") as caught:
        task_name(plugins, config(plugins).settings)
    assert caught.value.hint == "installed: other, toy"
    with pytest.raises(UsageError, match="no task pack is installed") as caught:
        task_name(Plugins(), config(plugins).settings)
    assert "pack new" in caught.value.hint


def test_default_student_is_the_base_of_the_task(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins.student("memory"), "default", True)
    based = type("Based", (plugins.task("toy"),), {"name": "based", "base": "memory:based"})
    plugins._of("tasks")["based"] = (based, "toy")
    of = {task: plugins.default_student(task) for task in ("based", "toy", "unknown", "")}
    assert of == {"based": "memory:based", "toy": "memory", "unknown": "memory", "": "memory"}
    assert student_spec(plugins, config(plugins, project__task="based").settings) == "memory:based"
    assert student_spec(plugins, config(plugins, project__task="based", train__student="memory").settings) == "memory"
    del plugins._of("tasks")["toy"]
    assert plugins.default_student() == "memory:based"  # the only task
    monkeypatch.setattr(based, "base", "missing:based")
    assert plugins.default_student("based") == "memory"


def test_student_has_kind_and_base(plugins: Plugins) -> None:
    assert make_student(plugins, config(plugins), "memory").base == ""
    assert make_student(plugins, config(plugins), "memory:hf:folder").base == "hf:folder"


def test_student_kind_follows_from_the_file_suffix(plugins: Plugins) -> None:
    memory = plugins.student("memory")

    class Filed(memory):  # type: ignore[misc, valid-type]
        name = "filed"
        suffixes = (".rows",)

    plugins._of("students")["filed"] = (Filed, "toy")
    for spec in ("some/model.rows", "SOME.ROWS", "filed:some/model.rows"):
        made = make_student(plugins, config(plugins), spec)
        assert (made.name, made.base) == ("filed", spec.removeprefix("filed:"))
    assert make_student(plugins, config(plugins), "memory:some/model.rows").name == "memory"
    with pytest.raises(UsageError):
        make_student(plugins, config(plugins), "some/model.other")


def add_executor(plugins: Plugins, name: str, *schemes: str) -> None:
    """One like the abacus, which takes addresses with these schemes."""
    kind = type(name, (plugins.executor("abacus"),), {"name": name, "url_schemes": schemes})
    plugins._of("executors")[name] = (kind, "toy")


def test_executor_is_chosen_by_name_then_url_then_order(plugins: Plugins) -> None:
    task = make_task(plugins, config(plugins))
    made = make_executor(plugins, config(plugins), task)
    assert made is not None
    assert made.name == "abacus"
    with pytest.raises(UsageError, match="task 'toy' has no executor that takes a url"):
        make_executor(plugins, config(plugins, engine__url="http://127.0.0.1:1"), task)
    add_executor(plugins, "remote", "http", "https")
    type(task).executors = ("abacus", "remote")
    for flags in ({"engine__url": "http://127.0.0.1:1"}, {"engine__name": "remote"}):
        made = make_executor(plugins, config(plugins, **flags), task)
        assert made is not None
        assert made.name == "remote"


def test_executor_takes_addresses_of_its_schemes(plugins: Plugins) -> None:
    add_executor(plugins, "web", "http", "https")
    add_executor(plugins, "shop", "shop")
    task = make_task(plugins, config(plugins))
    type(task).executors = ("abacus", "web", "shop")
    for url, name in (("https://a.example", "web"), ("SHOP://a.example/x", "shop"), ("shop:///x.db", "shop")):
        made = make_executor(plugins, config(plugins, engine__url=url), task)
        assert made is not None
        assert made.name == name
    with pytest.raises(UsageError, match="no executor that takes an address with ftp://") as caught:
        make_executor(plugins, config(plugins, engine__url="ftp://a.example"), task)
    assert caught.value.hint == "its executors take http://, https://, shop://"


def test_first_executor_differs_from_the_second(plugins: Plugins) -> None:
    """In either order."""
    add_executor(plugins, "remote", "http", "https")
    task = make_task(plugins, config(plugins))
    type(task).executors = ("abacus", "remote")
    for second, first in (("remote", "abacus"), ("abacus", "remote")):
        flags = {"engine__url": "http://127.0.0.1:1", "evaluate__second_executor": second}
        made = make_executor(plugins, config(plugins, **flags), task)
        assert made is not None
        assert made.name == first


# --- the choice of a modality -----------------------------------------------------------


def modality(named: str, full: float, gigabytes: float) -> type[Modality]:
    class One(Modality):
        name = named
        priority = full

        def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
            return Memory(parts={"weights": int(gigabytes * GB / 2), "optimizer": int(gigabytes * GB / 2)})

        def prepare(self, model: Any, recipe: Recipe) -> Any:
            return model

    return One


@pytest.fixture
def three_modalities() -> Plugins:
    from types import ModuleType

    from dstill import hookimpl

    module = ModuleType("three")
    classes = [modality("lora", 60, 12), modality("full", 100, 30), modality("qlora", 30, 4)]
    vars(module)["register_modalities"] = hookimpl(lambda: classes)
    found = Plugins()
    found.add(module, PluginInfo(name="three"))
    assert not found.failures
    return found


@pytest.mark.parametrize(("free", "chosen"), [(80, "full"), (30, "full"), (29, "lora"), (12, "lora"), (4, "qlora")])
def test_chooses_the_fullest_modality_that_fits_with_reasons(three_modalities: Plugins, free: int, chosen: str) -> None:
    device = hardware.planned_device(f"{free}GB")
    made, choice = choose_modality(three_modalities, config(three_modalities), SMALLEST, device)
    assert made.name == choice.modality == chosen
    assert [r.modality for r in choice.reasons] == ["full", "lora", "qlora"]
    assert all(bool(r.unfit_reason) is (r.memory_required.total > device.free) for r in choice.reasons)


def test_no_fitting_modality_lists_what_each_needs(three_modalities: Plugins) -> None:
    with pytest.raises(UsageError) as caught:
        choose_modality(three_modalities, config(three_modalities), SMALLEST, hardware.planned_device("2GB"))
    assert caught.value.what == "no modality fits a card of 2 GiB"
    assert "full: needs 30.0 GiB, 2.0 GiB free; lora: needs 12.0 GiB" in caught.value.where
    assert caught.value.hint.startswith("qlora needs the least memory")


# --- the machine ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [("24GB", 24 * GB), ("24GiB", 24 * GB), ("24 gb", 24 * GB), ("0.5T", GB * 512), ("512M", 2**29), (str(GB), GB)],
)
def test_parses_sizes(text: str, count: int) -> None:
    assert units.parse_size(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1GB", "many", "24XB", "GB", "1e9", "0.0000001K", "24"])
def test_refuses_malformed_sizes(text: str) -> None:
    with pytest.raises(UsageError, match="is not an amount of memory"):
        units.parse_size(text)


def test_planned_device_is_not_local() -> None:
    device = hardware.planned_device("24GB")
    assert device == Device(
        name="a card of 24 GiB", kind="cuda", total=24 * GB, free=24 * GB, bf16=True, is_local=False
    )
    assert replace(device, is_local=True) != device


def test_local_device_has_memory() -> None:
    assert 0 < hardware.available_memory() <= hardware.total_memory()
    device = hardware.device()
    assert device.is_local
    assert 0 < device.free <= device.total
