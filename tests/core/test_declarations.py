"""Declared parts: their classes are imported on use, and one that does not load disturbs nobody else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.toy import Right

from dstill import hookimpl
from dstill.api.executor import Executor
from dstill.api.part import Declaration, declare, on_use
from dstill.api.records import Example, Outcome, OutcomeKind, Prompt, Reply
from dstill.api.teacher import Teacher
from dstill.config import load
from dstill.errors import PluginError, UsageError
from dstill.plugins import PluginInfo, Plugins, part_sections

ECHO = declare("echo", "declared_parts:Echo")
SHELF = declare("shelf", "declared_parts:Shelf", url_schemes=("shelf",))


class Echo(Teacher, declared=ECHO):
    """Repeats the question."""

    async def ask(self, prompt: Prompt) -> Reply:
        return Reply(id=prompt.example.id, text=prompt.example.question)


class Shelf(Executor, declared=SHELF):
    """Gives back the answer."""

    def execute(self, answer: str, example: Example) -> Outcome:
        return Outcome(kind=OutcomeKind.OK, value=answer)


class Library(ModuleType):
    """A module that notes what is read of it."""

    Echo, Shelf, Right = Echo, Shelf, Right

    def __init__(self) -> None:
        super().__init__("declared_parts")
        self.read: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name[0].isupper():
            self.read.append(name)
        return super().__getattribute__(name)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    library = Library()
    monkeypatch.setitem(sys.modules, "declared_parts", library)
    return library


def plugins_with(kind: str, *declared: Declaration) -> Plugins:
    module = ModuleType("declaring")
    setattr(module, f"register_{kind}", hookimpl(lambda: declared))
    plugins = Plugins()
    plugins.add(module, PluginInfo(name="declaring", version="1.2", source="here"))
    return plugins


def test_class_is_imported_when_it_is_used(library: Library) -> None:
    plugins = plugins_with("executors", SHELF)
    assert plugins.names("executors") == ["shelf"]
    assert plugins.fact("executors", "shelf", "url_schemes") == ("shelf",)
    assert plugins.fact("executors", "shelf", "distributions") == ()  # not declared: as in the base class
    assert [info.name for info in plugins.loaded] == ["declaring"]
    plugins.require_healthy()
    assert not library.read
    with pytest.raises(UsageError, match="no executor called 'shelff'"):
        plugins.fact("executors", "shelff", "url_schemes")
    assert plugins.executor("shelf") is Shelf
    assert library.read == ["Shelf"]
    assert plugins.fact("executors", "shelf", "url_schemes") == ("shelf",)


def test_class_takes_its_facts_from_the_declaration() -> None:
    assert (Shelf.name, Shelf.url_schemes) == ("shelf", ("shelf",))
    assert Executor.url_schemes == ()


def test_settings_of_a_part_load_it_only_if_somebody_sets_them(library: Library) -> None:
    plugins = plugins_with("teachers", ECHO)
    sections = part_sections(plugins)
    config = load(use_files=False, flags={"project.seed": 3}, environment={}, sections=sections)
    assert "teacher.echo" in config.parts
    assert config.settings.project.seed == 3
    assert not library.read
    assert config.part("teacher", "echo") == Echo.Config()
    assert library.read == ["Echo"]


@pytest.mark.parametrize(
    ("kind", "declared", "problem"),
    [
        ("teachers", declare("two words", "a:b"), "declare('two words', …) is 'two words', expected letters"),
        ("teachers", declare("a", "a:b", paid=True), "teachers have no fact 'paid' to declare: distributions"),
        ("tasks", declare("a", "a:b", checks=()), "tasks have no fact 'checks' to declare: base, data_noun, default"),
    ],
)
def test_wrong_declaration_is_the_failure_of_its_plugin(kind: str, declared: Declaration, problem: str) -> None:
    plugins = plugins_with(kind, declared)
    assert problem in plugins.failures[0].problem
    with pytest.raises(PluginError):
        plugins.require_healthy()


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        (declare("echo", "no_such_module_here:Echo"), "ModuleNotFoundError: No module named 'no_such_module_here'"),
        (declare("echo", "declared_parts:Missing"), "AttributeError: "),
        (declare("echo", "declared_parts:Right"), "which is not a subclass of dstill's Teacher"),
        (declare("other", "declared_parts:Echo"), "Echo.name is not what is declared: 'other'"),
        (
            declare("echo", "declared_parts:Echo", distributions=("x",)),
            "Echo.distributions is not what is declared: ('x',)",
        ),
    ],
)
def test_class_that_does_not_load_is_lost_alone(library: Library, declared: Declaration, problem: str) -> None:
    plugins = plugins_with("teachers", declared)
    plugins.add(ModuleType("calm"), PluginInfo(name="calm"))
    assert [failure.part for failure in plugins.failures] == [f"teacher '{declared.name}'"]
    text = str(plugins.failures[0])
    assert text.startswith(f"plugin 'declaring' 1.2: teacher '{declared.name}' does not load: ")
    assert problem in text
    assert plugins.names("teachers") == []
    plugins.require_healthy()
    for _ in range(2):  # whoever asks for it learns why
        with pytest.raises(PluginError) as caught:
            plugins.teacher(declared.name)
        assert caught.value.what == text
        assert caught.value.where == "here"
    assert len(plugins.failures) == 1


def test_function_is_imported_when_it_is_called() -> None:
    missing = on_use("no_such_module_here:read")
    with pytest.raises(ModuleNotFoundError):
        missing("x")
    assert on_use("json:loads")("[1]") == [1]


BROKEN = """
from dstill import hookimpl
from dstill.api import declare

@hookimpl
def register_tasks():
    yield declare("broken", "no_such_module_here:Broken")
"""


def test_pack_that_cannot_be_imported_disturbs_no_command_about_another(cli: Callable[..., Any]) -> None:
    Path("broken.py").write_text(BROKEN)
    loaded = ("--plugin", "broken.py")
    line = "plugin 'broken': task 'broken' does not load: ModuleNotFoundError: No module named 'no_such_module_here'"
    for words in (("pack", "list"), ("doctor",)):
        ended = cli(*loaded, *words)
        assert ended.code == 3
        assert ended.err.count("no_such_module_here") == 1
        assert line in ended.err
    shown = json.loads(cli(*loaded, "doctor", "--json").out.splitlines()[0])
    assert any(check["what"] == "engine of toy" and check["state"] == "ok" for check in shown["checks"])
    assert not shown["ok"]
    for words in (("data", "questions", "--task", "toy", "--limit", "2"), ("config", "show"), ("train", "--help")):
        calm, disturbed = cli(*words), cli(*loaded, *words)
        assert (calm.code, calm.out, calm.err) == (disturbed.code, disturbed.out, disturbed.err)
        assert calm.code == 0
    run = ("generate", "--task", "toy", "--limit", "2", "--out", "run")
    assert cli(*loaded, *run).code == 0
    refused = cli(*loaded, "data", "questions", "--task", "broken")
    assert refused.code == 3
    assert line in refused.err


# --- an installed pack that cannot be imported ------------------------------------------

ABSENT = """
import no_such_module_here
from dstill import hookimpl

@hookimpl
def register_tasks(): ...
"""
LATE = """
from dstill import hookimpl

@hookimpl
def register_tasks():
    import no_such_module_here
"""
PROBLEM = "ModuleNotFoundError: No module named 'no_such_module_here'"
LOST = f"plugin 'lost' 0.3: {PROBLEM} (disable it with DSTILL_DISABLE=lost)"
HINT = "repair or disable it; `dstill pack list` shows all plugins"


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``install(text)``: a package whose plugin ``lost`` is a module with this text, or has another entry point."""

    def install(text: str, target: str = "lost_pack") -> None:
        folder = tmp_path_factory.mktemp("site")
        (folder / "lost_pack.py").write_text(text)
        about = folder / "lost_pack-0.3.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lost-pack\nVersion: 0.3\n")
        (about / "entry_points.txt").write_text(f"[dstill]\nlost = {target}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setattr("dstill.plugins.entry_points", entry_points)  # tests keep those of the beginning
        monkeypatch.delitem(sys.modules, "lost_pack", raising=False)

    return install


@pytest.mark.parametrize("text", [ABSENT, LATE])
def test_installed_pack_that_cannot_be_imported_is_skipped(
    cli: Callable[..., Any], install: Callable[..., None], text: str
) -> None:
    calls: list[tuple[str, ...]] = [
        ("data", "questions", "--task", "toy", "--limit", "2"),
        ("config", "show"),
        ("generate", "--limit", "2", "--out", "other"),
        ("train", "run", "--student", "memory", "--objective", "plain"),
        ("predict", "run", "add 1 and 2"),
        ("init", "--out", "project"),
    ]
    assert cli("generate", "--teacher", "parrot", "--out", "run").code == 0
    install(text)
    for words in (("pack", "list"), ("doctor",)):
        ended = cli(*words)
        assert ended.code == 3
        assert ended.err.count("no_such_module_here") == 1
        assert LOST in ended.err
        assert "skipped" not in ended.err
    assert "engine of toy" in ended.out
    for words in calls:
        ended = cli(*words)
        assert ended.code == 0, ended.err
        assert ended.err.count(f"warning: skipped: {LOST}\n") == ended.err.count("skipped: ") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("data", "questions", "--task", "lost"),
        ("generate", "--teacher", "lost"),
        ("ask", "--task", "lost", "how many"),
        ("config", "show", "--set", "task.lost.size=3"),
    ],
)
def test_pack_that_is_skipped_is_named_to_who_asks_for_it(
    cli: Callable[..., Any], install: Callable[..., None], words: tuple[str, ...]
) -> None:
    install(ABSENT)
    ended = cli(*words)
    assert ended.code == 3
    assert ended.err.endswith(f"error: {LOST}\nwhere: lost_pack\nhint: {HINT}\n")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (f"{ABSENT}\n@hookimpl\ndef check_draft(task, example, draft): ...", "lost_pack"),
        (f"{ABSENT}\n@hookimpl\ndef register_metrics(): ...", "lost_pack"),
        (f"from dstill.defaults import *\n{ABSENT}", "lost_pack"),
        (ABSENT, "lost_pack:Plugin"),
        (ABSENT, "no_such_module_here"),
    ],
)
def test_plugin_that_may_have_a_check_is_not_skipped(
    cli: Callable[..., Any], install: Callable[..., None], text: str, target: str
) -> None:
    install(text, target)
    ended = cli("config", "show")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == f"error: {LOST}\nwhere: {target}\nhint: {HINT}\n"


def test_run_is_read_without_the_settings_of_a_part_that_does_not_load(
    cli: Callable[..., Any], install: Callable[..., None]
) -> None:
    pack = """
from dataclasses import dataclass
from dstill import hookimpl
from dstill.api.executor import Executor

@dataclass
class Settings:
    size: int = 3

class Lost(Executor):
    name, Config = "lost", Settings
    def execute(self, answer, example): ...

@hookimpl
def register_executors():
    yield Lost
"""
    install(pack)
    assert cli("generate", "--teacher", "parrot", "--out", "run").code == 0
    assert "[executor.lost]\nsize = 3\n" in Path("run/config.toml").read_text()
    install(f"import no_such_module_here\n{pack}")
    ended = cli("train", "run", "--student", "memory", "--objective", "plain")
    assert (ended.code, ended.err.count("skipped: ")) == (0, 1)
