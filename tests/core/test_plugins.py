"""Loading plugins: a faulty one is named, and the others load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
from support.model_spec import SMALLEST

from dstill import hookimpl, plugins
from dstill.api.metric import Metric
from dstill.api.modality import Choice, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Draft, Example, Message, Problem, Prompt, Reply, Section, Verdict
from dstill.api.task import Check, Task
from dstill.api.teacher import Teacher
from dstill.errors import PluginError, UsageError
from dstill.parts import KINDS
from dstill.plugins import PluginInfo, Plugins


class Echo(Teacher):
    """Repeats the question."""

    name = "echo"

    async def ask(self, prompt: Prompt) -> Reply:
        return Reply(id=prompt.example.id, text=prompt.example.question)


def pack(name: str) -> type[Task]:
    class Pack(Task):
        checks = (Check("core", lambda example, answer: (Problem(layer="core", code="c", message="m"),)),)

        def examples(self, split: str) -> Iterable[Example]:
            return ()

    Pack.name = name
    return Pack


def plugin(**functions: Any) -> ModuleType:
    """A plugin with these hooks."""
    return module_of(**{name: hookimpl(function) for name, function in functions.items()})


def module_of(**functions: Any) -> ModuleType:
    module = ModuleType("toy")
    vars(module).update(functions)
    return module


def load_plugins(**named: Any) -> Plugins:
    found = Plugins()
    for name, one in named.items():
        found.add(one, PluginInfo(name=name, version="1.2"))
    return found


def teachers(*classes: Any) -> ModuleType:
    return plugin(register_teachers=lambda: classes)


# --- parts ------------------------------------------------------------------------------


def test_parts_are_registered_by_kind_and_name() -> None:
    found = load_plugins(a=teachers(Echo))
    assert found.teacher("echo") is Echo
    assert found.part("teachers", "echo") is Echo
    assert found.owner("teachers", "echo") == "a"
    assert found.names("teachers") == ["echo"]
    assert [info.name for info in found.loaded] == ["a"]
    found.require_healthy()


def test_unknown_name_lists_installed_parts() -> None:
    with pytest.raises(UsageError) as caught:
        load_plugins(a=teachers(Echo)).teacher("ecko")
    assert caught.value.what == "no teacher called 'ecko'. Did you mean 'echo'?"
    assert caught.value.where == "installed: echo"
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_typed_method(kind: str) -> None:
    one = "modality" if kind == "modalities" else kind.removesuffix("s")
    with pytest.raises(UsageError, match=f"no {one} called 'x'"):
        getattr(Plugins(), one)("x")


def test_name_conflict_names_both_plugins() -> None:
    found = load_plugins(a=teachers(Echo), b=teachers(Echo), c=plugin(register_tasks=lambda: [pack("p")]))
    assert [str(f) for f in found.failures] == [
        "plugin 'b' 1.2: two teachers are called 'echo': one of plugin 'a', one of plugin 'b' "
        "(disable it with DSTILL_DISABLE=b)"
    ]
    assert found.owner("teachers", "echo") == "a"
    assert found.names("tasks") == ["p"]  # the others load
    with pytest.raises(PluginError, match="two teachers"):
        found.require_healthy()


def test_plugin_cannot_register_a_name_twice() -> None:
    assert "two teachers are called 'echo'" in load_plugins(a=teachers(Echo, Echo)).failures[0].problem


def test_duplicate_plugin_leaves_the_first_unchanged() -> None:
    found = Plugins()
    found.add(teachers(Echo), PluginInfo(name="a"))
    found.add(plugin(register_tasks=lambda: [pack("p")]), PluginInfo(name="a"))
    assert found.failures[0].problem == "another plugin has the name 'a', too"
    assert (found.names("teachers"), found.names("tasks")) == (["echo"], [])


class Unfinished(Teacher):
    name = "unfinished"


class Nameless(Echo):
    name = None  # type: ignore[assignment]


class SpaceInName(Echo):
    name = "two words"


class UntypedConfig(Echo):
    name = "loose"
    Config = dict


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (teachers(Unfinished), "Unfinished does not define ask"),
        (teachers(Nameless), "Nameless.name is None, expected letters, digits, - and _"),
        (teachers(SpaceInName), "SpaceInName.name is 'two words', expected letters, digits, - and _"),
        (teachers(UntypedConfig), "UntypedConfig.Config is not a dataclass"),
        (teachers(Echo()), "which is not a subclass of dstill's Teacher"),
        (teachers(pack("p")), "which is not a subclass of dstill's Teacher"),
        (plugin(register_teachers=lambda: 1 / 0), "ZeroDivisionError: division by zero"),
        (plugin(bild_prompt=lambda task: None), "unknown hook 'bild_prompt'"),
        (plugin(build_prompt=lambda task, exmaple: None), "exmaple"),
        (module_of(build_prompt=lambda task: None), "build_prompt is a hook, but is not marked with @dstill.hookimpl"),
    ],
)
def test_invalid_parts_are_refused_at_load(one: Any, problem: str) -> None:
    found = load_plugins(bad=one, good=teachers(Echo))
    assert [f.plugin for f in found.failures] == ["bad"]
    assert problem in found.failures[0].problem
    assert found.names("teachers") == ["echo"]


def test_plugin_may_register_nothing() -> None:
    assert not load_plugins(a=plugin(register_teachers=lambda: None)).failures


# --- hooks ------------------------------------------------------------------------------

EXAMPLE = Example(id="1", question="q", answer="a")
DRAFT = Draft(answer="a")


def recording(name: str, calls: list[str], only: str | None = None, **answers: Any) -> ModuleType:
    """A plugin that notes each call, and answers for the task `only` alone."""

    def hook(hook_name: str) -> Any:  # with the very argument names that pluggy asks for
        def build_prompt(task: Task, example: Example, shots: Any) -> Any:
            return answer(task)

        def parse_reply(task: Task, text: str) -> Any:
            return answer(task)

        def check_draft(task: Task, example: Example, draft: Draft) -> Any:
            return answer(task)

        def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Any) -> Any:
            return answer(task)

        def answer(task: Task) -> Any:
            calls.append(f"{name}.{hook_name}")
            return answers.get(hook_name) if only in (None, task.name) else None

        return locals()[hook_name]

    return plugin(
        **{hook_name: hook(hook_name) for hook_name in ("build_prompt", "parse_reply", "check_draft", "judge_answer")}
    )


def test_hooks_are_called_in_order() -> None:
    """Of two plugins the later is asked first; a first result ends the asking; the core is asked last."""
    calls: list[str] = []
    problem = Problem(layer="b", code="c", message="m")
    draft = Draft(answer="of b")
    found = load_plugins(a=recording("a", calls), b=recording("b", calls, parse_reply=draft, check_draft=[problem]))
    task = pack("p")()
    prompt = found.build_prompt(task, EXAMPLE, ())
    assert prompt.example is EXAMPLE  # the core's
    assert found.parse_reply(task, "x") is draft
    assert [p.layer for p in found.check_draft(task, EXAMPLE, DRAFT)] == ["core", "b"]
    assert found.judge_answer(task, EXAMPLE, DRAFT, None).id == "1"
    assert calls == [
        *("b.build_prompt", "a.build_prompt"),
        "b.parse_reply",
        *("b.check_draft", "a.check_draft"),
        *("b.judge_answer", "a.judge_answer"),
    ]


def test_packs_are_isolated_from_each_other() -> None:
    """Neither pack's hooks change the other's prompts, drafts, problems or verdicts."""
    calls: list[str] = []
    loud = Prompt(example=EXAMPLE, messages=(Message(role="user", content="LOUD"),))
    draft = Draft(answer="LOUD")
    problem = Problem(layer="loud", code="c", message="m")
    verdict = Verdict(id="loud", reached=1, checked=1)  # type: ignore[arg-type]
    answers = {"build_prompt": loud, "parse_reply": draft, "check_draft": [problem], "judge_answer": verdict}
    loud_pack, calm = pack("loud")(), pack("calm")()
    both = load_plugins(
        loud=recording("loud", calls, only="loud", **answers), calm=plugin(register_tasks=lambda: [type(calm)])
    )
    alone = load_plugins(calm=plugin(register_tasks=lambda: [type(calm)]))

    def seen(found: Plugins, task: Task) -> tuple[Any, ...]:
        return (
            found.build_prompt(task, EXAMPLE, ()),
            found.parse_reply(task, "<rationale>r</rationale><answer>a</answer>"),
            found.check_draft(task, EXAMPLE, DRAFT),
            found.judge_answer(task, EXAMPLE, DRAFT, None),
        )

    assert seen(both, calm) == seen(alone, calm)
    assert seen(both, loud_pack) == (loud, draft, (*alone.check_draft(calm, EXAMPLE, DRAFT), problem), verdict)


def test_select_modality_asks_plugins_before_the_core() -> None:
    choice = Choice(modality="mine", reasons=())

    def select_modality(modalities: Any, student: ModelSpec, recipe: Recipe, device: Device) -> Choice:
        return choice

    found = load_plugins(a=plugin(select_modality=select_modality))
    device = Device(name="d", kind="cpu", total=1, free=1)
    nothing: list[Modality] = []
    assert found.select_modality(nothing, SMALLEST, Recipe(), device) is choice


def test_report_sections_are_ordered() -> None:
    def report_sections(run: Any) -> Iterable[Section]:
        yield Section(title="later", order=200)
        yield Section(title="b")
        yield Section(title="a")

    run: Any = None
    found = load_plugins(a=plugin(report_sections=report_sections), b=plugin(report_sections=lambda run: None))
    assert [s.title for s in found.report_sections(run)] == ["a", "b", "later"]


def test_metrics_kind_is_metric() -> None:
    assert issubclass(KINDS["metrics"], Metric)


# --- commands ---------------------------------------------------------------------------


def command(name: str) -> click.Command:
    return click.Command(name, callback=lambda: None)


def test_plugin_cannot_replace_a_command() -> None:
    found = load_plugins(
        a=plugin(register_commands=lambda cli: cli.add_command(command("mine"))),
        b=plugin(register_commands=lambda cli: cli.add_command(command("train"))),
        c=plugin(register_commands=lambda cli: 1 / 0),
    )
    group, train = click.Group(), command("train")
    group.add_command(train)
    found.register_commands(group)
    assert group.commands["train"] is train
    assert set(group.commands) == {"train", "mine"}
    assert [(f.plugin, f.problem) for f in found.failures] == [
        ("b", "its command 'train' already exists"),
        ("c", "ZeroDivisionError: division by zero"),
    ]


# --- files and the environment ----------------------------------------------------------

FILE = """
from dstill import hookimpl
from dstill.api.teacher import Teacher

class Mine(Teacher):
    name = "mine"
    async def ask(self, prompt): ...

@hookimpl
def register_teachers():
    yield Mine
"""


def test_file_can_be_a_plugin(project: Path) -> None:
    Path("json.py").write_text(FILE)  # a name of one of Python's own modules does no harm
    found = plugins.load([Path("json.py")])
    assert not found.failures
    assert found.owner("teachers", "mine") == "json"
    assert sys.modules["json"].__name__ == "json"
    assert found.teacher("mine").__module__ == "dstill_plugin_json"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("raise SystemExit(7)", "SystemExit: 7"),
        ("raise ValueError", "ValueError: "),
    ],
)
def test_plugin_file_with_an_import_error_is_named(text: str, problem: str, project: Path) -> None:
    Path("mine.py").write_text(text)
    found = plugins.load([Path("mine.py")])
    assert found.failures[0].plugin == "mine"
    assert found.failures[0].problem.startswith(problem)
    assert "dstill_plugin_mine" not in sys.modules
    assert found.names("teachers")  # the others load


def test_non_python_plugin_file_is_named(project: Path) -> None:
    Path("mine.txt").write_text("")
    assert plugins.load([Path("mine.txt")]).failures[0].problem == "mine.txt is not a Python file"


def test_plugins_are_disabled_by_name(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(FILE)
    assert "teachers" in [info.name for info in plugins.load().loaded]
    monkeypatch.setenv("DSTILL_DISABLE", "teachers, evaluate ,mine,querydsl,finetune,openai,report")
    found = plugins.load([Path("mine.py")])
    assert not {"teachers", "evaluate", "mine"} & {info.name for info in found.loaded}
    assert plugins.load(disabled=["teachers"]).names("metrics")


def test_part_sections_cover_every_part(toy_file: Path, project: Path) -> None:
    sections = plugins.part_sections(plugins.load([toy_file]))
    assert sections["task.toy"].__name__ == "ToyConfig"
    assert {"teacher.parrot", "student.memory", "modality.heap", "objective.plain", "metric.right"} <= set(sections)


def test_every_hook_call_can_be_printed(toy_file: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILL_TRACE_HOOKS", "1")
    ended = subprocess.run(
        [sys.executable, "-m", "dstill", "--plugin", toy_file, "data", "questions", "-n", "1"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0
    assert "hook register_tasks() → toy\n" in ended.stderr
    assert "hook register_commands(cli) → toy\n" in ended.stderr


def test_built_in_plugins_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSTILL_DISABLE", raising=False)
    assert [str(f) for f in plugins.load().failures] == []
