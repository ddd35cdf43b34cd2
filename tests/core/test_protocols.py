"""The task class is small; optional features are separate protocols."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.protocols import ASKED, with_one

from dstill import Check, Task, hookimpl
from dstill.api import Draft, Example, Problem, find_problems, not_checked
from dstill.api.engine import Engine
from dstill.api.protocols import (
    PROTOCOLS,
    DataProfile,
    Demo,
    Linked,
    Presentation,
    Synthesis,
    TestDatabases,
    ValueLookup,
    methods_of,
)
from dstill.errors import PluginError, UsageError
from dstill.factory import form_of
from dstill.plugins import PluginInfo, Plugins
from dstill_torch.objectives import LabelOnly

EXAMPLE = Example(id="1", question="one and two", answer="1+2")


def methods(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


class Bare(Task):
    name = "bare"
    checks = ()

    def examples(self, split: str) -> Iterable[Example]:
        return ()


def failure_of(task: type[Task]) -> str:
    """Why a plugin with the task does not load."""

    class Plugin:
        @hookimpl
        def register_tasks(self) -> list[type[Task]]:
            return [task]

    plugins = Plugins()
    plugins.add(Plugin(), PluginInfo(name="mine"))
    (failure,) = plugins.failures
    return failure.problem


def test_task_has_twelve_methods() -> None:
    there = {name for name, value in inspect.getmembers(Task) if callable(value) or isinstance(value, property)}
    assert len({name for name in there if not name.startswith("_")} - {"Config"}) == 12
    assert "__init__" not in vars(Task)


def test_no_method_is_in_two_protocols() -> None:
    names = [name for kind in (Task, *PROTOCOLS) for name in methods(kind)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: str(one.__name__))
def test_protocol_lookup_returns_the_task_or_a_default(protocol: Any) -> None:
    class Own(protocol):  # type: ignore[misc]
        pass

    class One(Bare):
        protocols: ClassVar = {protocol: Own}

    one = One()
    for other in PROTOCOLS:
        assert type(other.of(one)) is (Own if other is protocol else other)
        assert other.of(one) is other.of(one)
        assert other.of(one) is not other.of(One())
        assert other.of(one).task is one
    assert protocol.class_of(One) is Own
    assert protocol.class_of(Bare) is protocol


PACKAGE = {
    "__init__": "from dstill import Task\nfrom dstill.api import *\n"
    "class Lazy(Task):\n    name, checks = 'lazy', ()\n    examples = lambda self, split: ()\n"
    "    protocols = {Presentation: 'lazy_pack.shown:Shown', Linked: 'lazy_pack.shown:Missing',"
    " Demo: 'lazy_pack.nowhere:Demo', Synthesis: 'lazy_pack.shown:Shown'}\n",
    "shown": "from dstill.api import Presentation\nclass Shown(Presentation):\n    pass\n",
}


@pytest.fixture
def lazy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "lazy_pack").mkdir()
    for name, text in PACKAGE.items():
        (tmp_path / "lazy_pack" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lazy_pack").Lazy
    for name in ("lazy_pack", "lazy_pack.shown"):
        sys.modules.pop(name, None)


def test_protocol_is_loaded_on_first_use(lazy: Any) -> None:
    task = lazy()
    assert "lazy_pack.shown" not in sys.modules
    assert Presentation.of(task).render_result(3) == "3"
    assert type(Presentation.of(task)).__module__ == "lazy_pack.shown"


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (
            Linked,
            "Lazy.protocols names 'lazy_pack.shown:Missing', which cannot be loaded: module 'lazy_pack.shown' has",
        ),
        (Demo, "Lazy.protocols names 'lazy_pack.nowhere:Demo', which cannot be loaded: No module named"),
        (Synthesis, "Lazy.protocols names 'lazy_pack.shown:Shown', which is not a subclass of dstill's Synthesis"),
    ],
)
def test_name_that_means_no_such_class_is_an_error(lazy: Any, protocol: Any, message: str) -> None:
    with pytest.raises(PluginError, match=re.escape(message)):
        protocol.of(lazy())


def test_only_protocols_may_be_keys() -> None:
    odd = type("Odd", (Bare,), {"protocols": {Check: Presentation}})
    assert failure_of(odd) == f"Odd.protocols has the key {Check!r}, which is not a protocol of dstill.api"


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: str(one.__name__))
def test_protocol_method_without_its_protocol_is_refused(protocol: type) -> None:
    name = min(methods(protocol))
    where = f"a subclass of dstill.api.{protocol.__name__}, and name that in Lost.protocols"
    assert failure_of(type("Lost", (Bare,), {name: None})) == f"Lost.{name} would never be used: put it into {where}"


def test_protocol_defaults_need_no_task() -> None:
    assert Presentation.of(Bare()).render_result({"a": 1}) == '{"a": 1}'
    assert Presentation.of(Bare()).diff_results(1, 2).gold == "2"
    assert Presentation.of(Bare()).highlight("[1.50]") == [("", "["), ("number", "1.50"), ("", "]")]
    twice = '{"a": 1, "a": 2}'
    assert Presentation.of(Bare()).highlight(twice) == [("", twice)]  # not strict JSON: as it was written
    assert Presentation.of(Bare()).snippets("1", EXAMPLE) == ()
    assert list(TestDatabases.of(Bare()).test_databases(EXAMPLE, 5)) == []


def test_check_that_does_not_apply_is_skipped_and_named() -> None:
    def refuse(example: Example, answer: str) -> Iterable[Problem]:
        yield Problem(layer="schema", code="no", message="no")

    class ConditionalCheck(Bare):
        checks = (Check("schema", refuse, applies=lambda example: "schema" in example.context),)

    known = Example(id="2", question="?", context={"schema": {}})
    assert not_checked(ConditionalCheck(), EXAMPLE) == ["schema"]
    assert not list(find_problems(ConditionalCheck(), EXAMPLE, Draft(answer="1")))
    assert not not_checked(ConditionalCheck(), known)
    assert [problem.code for problem in find_problems(ConditionalCheck(), known, Draft(answer="1"))] == ["no"]


def test_error_in_applies_refuses_the_example() -> None:
    class Broken(Bare):
        checks = (Check("schema", lambda example, answer: (), applies=lambda example: 1 // 0 > 0),)

    assert not_checked(Broken(), EXAMPLE) == []
    (problem,) = find_problems(Broken(), EXAMPLE, Draft(answer="1"))
    assert (problem.code, problem.is_error) == ("check_raised", True)


@pytest.mark.parametrize(("answer", "codes"), [("12", []), ("one", ["syntax_error"])])
def test_parser_can_be_a_check(answer: str, codes: list[str]) -> None:
    check = Check.from_parser("form", int, hint="write digits", cause="no number")
    assert (check.name, check.parses, check.cause) == ("form", True, "no number")
    problems = list(check.run(EXAMPLE, answer))
    assert [problem.code for problem in problems] == codes
    assert {problem.hint for problem in problems} <= {"write digits"}


# --- commands ---------------------------------------------------------------------------

SETTINGS = {
    "generate.teacher": "parrot",
    "generate.execute": "all",
    "train.student": "memory",
    "train.objective": "plain",
    "evaluate.baselines": [],
    "evaluate.splits": ["test"],
    "review.required": "never",
}
GIVEN = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={json.dumps(value)}")]
TRAINED = (("generate", "--out", "run", *GIVEN), ("train", "run"))
EVALUATED = (*TRAINED, ("evaluate", "run"))
PREDICT = ("predict", "run", "add 3 and 4", "--execute")
REFUSED = ("predict", "run", "sing a song")
DEMO = ("demo", "--quick")

# Protocol → the commands that ask for all of its methods.
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "AnswerFiles": (("check",),),
    "ConstrainedOutput": (),  # only a student with a vocabulary can be constrained: see below
    "DataProfile": (("init", "--engine-url", "http://127.0.0.1:9", "--out", "there"), *TRAINED, PREDICT),
    "Demo": (DEMO,),
    "KnownAnswers": (("pack", "check", "--limit", "2"),),
    "Linked": (),  # only a student that reads schemas asks for the form: see below
    "Presentation": (*EVALUATED, PREDICT, REFUSED, ("report", "run"), ("pack", "check", "--limit", "2")),
    "RationaleTerms": TRAINED[:1],
    "Readback": (*TRAINED, PREDICT),
    "ResultProperties": (*EVALUATED, ("data", "audit", "run")),
    "Synthesis": (("data", "questions", "-n", "1"), ("data", "questions", "-n", "1", "--teacher", "stranger")),
    "Terms": (("glossary", "check"),),
    "TestDatabases": (*TRAINED[:1], ("data", "audit", "run")),
}


@pytest.fixture
def run_all(cli: Callable[..., Any], root: Path, enable: Callable[..., None]) -> Callable[..., Any]:
    enable("evaluate", "report")
    files = [word for name in ("protocols", "recorder") for word in ("--plugin", root / f"tests/support/{name}.py")]

    def call(task: str, commands: Iterable[tuple[str, ...]]) -> Any:
        ended = None
        for words in commands:
            on_a_run = "run" in words and "--out" not in words
            of_task = () if on_a_run else (task,) if words[0] == "pack" else ("--task", task)
            ended = cli(*files, *words, *of_task)
            assert ended.code == 0 or "stranger" in words, (words, ended.err)  # that one invents nothing
        return ended

    return call


def test_pack_without_protocols_runs_every_command(run_all: Callable[..., Any]) -> None:
    ended = run_all("alone", (*EVALUATED, ("data", "audit", "run"), ("report", "run"), PREDICT))
    assert "3+4" in ended.out


def test_an_answer_is_shown_in_words_where_the_pack_has_them(run_all: Callable[..., Any]) -> None:
    assert "in words: two numbers, added" in run_all("readback", (*TRAINED, PREDICT)).err
    row = json.loads(run_all("readback", ((*PREDICT, "--json"),)).out)
    assert row["read_back"] == "two numbers, added"


# Of `ValueLookup`, the others are called only for what its first one names: test_value_lookup.py
@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if p is not ValueLookup], ids=lambda one: str(one.__name__))
def test_every_method_of_a_protocol_is_called(protocol: type, run_all: Callable[..., Any]) -> None:
    name = protocol.__name__
    Path("one.sums").write_text("03+4")  # for AnswerFiles: an answer with a problem
    run_all(name.lower(), COMMANDS[name])
    if name == "ConstrainedOutput":
        LabelOnly().grammar(with_one(protocol)(), EXAMPLE)
    if name == "DataProfile":  # only a page asks for the choices
        assert DataProfile.of(with_one(protocol)()).choices(Engine()) == {}
    if name == "Linked":
        with pytest.raises(UsageError, match="task 'linked' has none"):
            form_of(with_one(protocol)(), "linked")
    asked = set(Path(ASKED).read_text().split()) if Path(ASKED).exists() else set()  # Demo has no methods
    assert asked == set(methods_of(protocol))
