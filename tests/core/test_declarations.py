"""Declared parts: their classes are imported on use, and one that does not load disturbs nobody else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
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
