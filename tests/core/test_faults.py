"""An exception in a pack method is a problem of one item, and everything else continues."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.brittle import ODD, RESULT, Brittle, BrittleConfig, Whole
from support.offering import offering
from support.toy import Abacus, Toy

from dstill import hookimpl
from dstill.answering import steps
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.fallbacks import METHODS, with_fallbacks
from dstill.api.faults import about
from dstill.api.protocols import NamedValue, NoTestDatabases, RationaleTerms, TestDatabases
from dstill.api.records import Cause, Draft, Example, Level, Prediction, Verdict
from dstill.api.task import Task, TaskProtocol
from dstill.errors import DataError
from dstill.plugins import PluginInfo, Plugins

GOLD = Example(id="t-3", question="q", answer="2+2")  # with the same result as 1+3
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("answer_terms", "canonical", "clauses", "is_refusal", "parse", "refusal_reason"), (ODD,)),
    **dict.fromkeys(("file_answers", "has_answers"), (ODD, ".sums")),
    **dict.fromkeys(("is_empty", "render_result"), (RESULT,)),
    "result_tables": (RESULT, "2+2"),
    "accepts": (RESULT, 5, GOLD),
    **dict.fromkeys(("is_nondeterministic", "is_trivial"), (RESULT, GOLD)),
    "answer_fixes": (GOLD, ODD, ()),
    "cause": (ODD, "2+2"),
    "diff_results": (RESULT, 5),
    "test_databases": (Example(id="t-3", question="q", answer=ODD), 5),
    "highlight": (ODD,),
    "snippets": (ODD, GOLD),
    "relevant_schema": (GOLD, ODD),
    "mutants": (Example(id="t-3", question="q", answer=ODD),),
    "named_values": (GOLD, ODD),
    "read_back": (GOLD, ODD),
    "items_beside": (Example(id="t-3", question="q", answer=ODD), "n"),
    "values_query": (Example(id="t-3", question="q", answer=ODD), "n", 5),
    "listed_values": (RESULT,),
    "with_value": (GOLD, ODD, NamedValue(item="n", text="1"), NamedValue(item="n", text="2")),
    "same": (RESULT, 5),
}


def task_of(*raising: str) -> Task:
    return with_fallbacks(Brittle(BrittleConfig(raising=raising)))


def owner_in(task: Task, name: str) -> Any:
    """The task or its protocol that has a method."""
    home = METHODS[name]
    return home.of(task) if issubclass(home, TaskProtocol) else task


def judged(task: Task, answer: str, gold: str, plugins: Plugins) -> Verdict:
    with Abacus().open(task, Engine()) as abacus:
        pairs = [(Example(id="t-3", question="q", answer=gold), Prediction(id="t-3", text=answer))]
        (verdict,) = steps.judge(plugins, task, pairs, plugins.objective("plain")(), abacus)
    return verdict


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="dstill"):
        yield caplog


# --- methods ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_method_that_raises_falls_back_to_the_default(name: str, logged: pytest.LogCaptureFixture) -> None:
    task, given = task_of(name), ARGUMENTS[name]
    with about("t-3") as faults:
        found = getattr(owner_in(task, name), name)(*given)
    assert found == getattr(owner_in(Whole(), name), name)(*given)
    (fault,) = faults
    message = f"task 'brittle': method '{name}' raised ValueError on example 't-3': {name} broke badly"
    assert (fault.code, fault.message, fault.is_error) == (f"{name}_raised", message, False)
    assert message in logged.text
    assert "Traceback" in logged.text


def test_pack_tests_see_the_original_error() -> None:
    with pytest.raises(ValueError, match="canonical broke"):
        Brittle().canonical(ODD)


def test_generator_that_raises_midway_is_caught() -> None:
    class Half(RationaleTerms):
        def answer_terms(self, answer: str) -> Iterator[str]:
            yield "one"
            raise KeyError("two")

    with about("a") as faults:
        assert list(RationaleTerms.of(with_fallbacks(offering(Toy, Half)())).answer_terms("1+2")) == []
    assert [fault.code for fault in faults] == ["answer_terms_raised"]


@pytest.mark.parametrize("error", [DataError("no such index"), MemoryError(), KeyboardInterrupt(), OSError(28, "full")])
def test_errors_unrelated_to_the_answer_propagate(error: BaseException) -> None:
    class NoDatabases(TestDatabases):
        def test_databases(self, example: Example, k: int) -> Any:
            raise NoTestDatabases("for a reason")

    class Other(Toy):
        protocols: ClassVar = {TestDatabases: NoDatabases}

        def canonical(self, answer: str) -> str:
            raise error

    with pytest.raises(type(error)):
        with_fallbacks(Other()).canonical("1+2")
    with pytest.raises(NoTestDatabases, match="for a reason"):
        TestDatabases.of(with_fallbacks(Other())).test_databases(GOLD, 5)


def test_logs_the_traceback_once_and_names_every_example(logged: pytest.LogCaptureFixture) -> None:
    task = task_of("canonical")
    for id in ("a", "b", "c"):
        with about(id):
            task.canonical(ODD)
    assert [record.levelname for record in logged.records] == ["WARNING", "INFO", "INFO"]
    assert logged.text.count("Traceback") == 1
    assert "on example 'c'" in logged.text


# --- verdicts ---------------------------------------------------------------------------


def test_check_that_raises_refuses_the_answer(plugins: Plugins) -> None:
    verdict = judged(task_of("check"), ODD, "2+2", plugins)
    message = "task 'brittle': check 'brittle' raised ValueError on example 't-3': the check broke"
    assert (verdict.reached, verdict.reason) == (Level.PARSED, message)
    assert verdict.cause == Cause(label="brittle", detail=message)


def test_gold_is_not_executed_when_a_check_raises(plugins: Plugins) -> None:
    verdict = judged(task_of("check"), "2+2", ODD, plugins)
    assert verdict.gold_error.startswith("invalid: not run: brittle: task 'brittle': check 'brittle' raised")
    assert (verdict.reached, verdict.checked) == (Level.VALID, Level.VALID)


@pytest.mark.parametrize("name", ["same", "is_refusal"])
def test_fault_leaves_the_verdict_undecided(name: str, plugins: Plugins) -> None:
    verdict = judged(task_of(name), ODD, "2+2", plugins)
    assert verdict.checked is Level.VALID
    assert verdict.reason == f"task 'brittle': method '{name}' raised ValueError on example 't-3': {name} broke badly"
    assert verdict.result_diff is None


def test_fault_in_is_trivial_excludes_the_gold(plugins: Plugins) -> None:
    verdict = judged(task_of("is_trivial"), "2+2", "2+2", plugins)
    assert "method 'is_trivial' raised ValueError on example 't-3'" in verdict.gold_error


@pytest.mark.parametrize(
    ("name", "answer", "gold"),
    [("diff_results", "1+2", "2+2"), ("clauses", "2+2", ODD), ("cause", ODD, "3+3"), ("canonical", ODD, "3+3")],
)
def test_fault_in_an_explanation_keeps_the_verdict(name: str, answer: str, gold: str, plugins: Plugins) -> None:
    plain, found = (judged(task_of(*raising), answer, gold, plugins) for raising in ((), (name,)))
    assert (found.reached, found.checked, found.reason) == (plain.reached, plain.checked, plain.reason)
    assert [problem.code for problem in found.problems][:1] == [f"{name}_raised"]


def test_fault_in_test_databases_is_the_reason_to_skip_them(plugins: Plugins) -> None:
    verdict = judged(task_of("test_databases"), "4-0", ODD, plugins)
    assert verdict.reached is Level.CORRECT
    assert "method 'test_databases' raised" in verdict.test_suite_skipped


class Hooks:
    """A plugin whose hooks raise."""

    @hookimpl
    def check_draft(self, task: Task, example: Example, draft: Draft) -> None:
        raise ValueError("no idea")

    @hookimpl
    def judge_answer(self, task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> None:
        raise ValueError("no idea")


def test_hook_that_raises_refuses_the_draft(plugins: Plugins) -> None:
    plugins.add(Hooks(), PluginInfo(name="hooks", source="test"))
    (problem,) = plugins.check_draft(Toy(), GOLD, Draft(answer="2+2"))
    message = "task 'toy': hook 'check_draft' raised ValueError on example 't-3': no idea"
    assert (problem.code, problem.message, problem.is_error) == ("check_raised", message, True)
    verdict = plugins.judge_answer(Toy(), GOLD, Draft(answer="2+2"), None)
    assert verdict.gold_error == "task 'toy': hook 'judge_answer' raised ValueError on example 't-3': no idea"
    assert verdict.checked is Level.UNPARSED


# --- commands ---------------------------------------------------------------------------


def test_every_command_survives_faults(cli: Callable[..., Any], project: Path, root: Path) -> None:
    pack = ("--plugin", root / "tests" / "support" / "brittle.py")
    rows = [
        {"id": f"{split}-{n}", "question": f"{split} {answer}", "answer": answer, "rationale": "r", "split": split}
        for split in ("train", "validation", "test")
        for n, answer in enumerate((ODD, "2+2", "5+2"))
    ]
    (project / "golds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (project / "answers.jsonl").write_text("".join(json.dumps({"id": a, "query": a}) + "\n" for a in (ODD, "2+2")))
    (project / "answers.txt").write_text("01+3")
    settings = {
        "generate.teacher": "parrot",
        "generate.questions": "golds.jsonl",
        "generate.execute": "all",
        "train.student": "memory",
        "train.objective": "plain",
        "train.early_stopping": "accuracy",
        "evaluate.baselines": ["nearest"],
        "evaluate.splits": ["test"],
        "review.required": "never",
    }
    given = [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    task = ("--task", "brittle")
    for words in (
        ("check", "answers.jsonl", "answers.txt", *task),
        ("check", "--format", "answers", "answers.jsonl", *task),
        ("check", "--format", "answers", "answers.jsonl", *task, "--set", 'task.brittle.raising=["data", "check"]'),
        ("generate", *task, "--out", "run", *given),
        ("data", "curate", "run"),
        ("data", "audit", "run"),
        ("data", "audit", "golds.jsonl", *task),
        ("train", "run"),
        ("evaluate", "run"),
        ("predict", "run", f"train {ODD}", "--execute"),
        ("predict", "run", f"train {ODD}", "--execute", "--self-consistency", "3", "--json"),
    ):
        ended = cli(*pack, *words)
        assert ended.code in (0, 3, 9), (words, ended.err)
        assert "bug in dstill" not in ended.err
    verdicts = {
        row["id"]: row for row in map(json.loads, (project / "run" / "verdicts.jsonl").read_text().splitlines())
    }
    assert len(verdicts) == 3
    faults = {problem["code"]: problem["message"] for problem in verdicts["test-0"]["problems"]}
    message = "task 'brittle': method 'is_refusal' raised ValueError on example 'test-0': is_refusal broke badly"
    assert faults["is_refusal_raised"] == message
    log = (project / "run" / "log.txt").read_text()
    assert "Traceback" in log
    assert "task 'brittle': method 'canonical' raised ValueError on example" in log
