"""The execution gate: no command executes an answer that a check of the task refuses."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.recorder import HOSTILE, RAN

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.gate import CACHED, Gate
from dstill.api.judging import judge
from dstill.api.protocols import TestDatabases
from dstill.api.records import Draft, Example, Level, Outcome, OutcomeKind, Prediction, Problem, Record, TestDatabase
from dstill.api.task import Check, Task
from dstill.plugins import Plugins, load
from dstill.runs.folder import data_file
from dstill.runs.run import Run

PACKAGES = ("core", "plugins", "task_packs")


# --- the method -------------------------------------------------------------------------


class Sums(Task):
    """Counts what its check sees."""

    name = "sums"
    seen: list[Example]

    def __init__(self) -> None:
        super().__init__()
        self.seen = []

    def examples(self, split: str) -> list[Example]:
        return []

    def look(self, example: Example, answer: str) -> Iterator[Problem]:
        self.seen.append(example)
        if not answer.isdigit():
            yield Problem(layer="form", code="no_number", message=f"'{answer}' is no number")

    def is_refusal(self, answer: str) -> bool:
        return answer == "0"

    @property
    def checks(self) -> tuple[Check, ...]:
        return (Check("form", self.look),)


class Counter(Executor):
    name = "counter"

    def execute(self, answer: str, example: Example) -> Outcome:
        if answer == "13":
            raise ZeroDivisionError("unlucky")
        return Outcome(kind=OutcomeKind.OK, value=int(answer))


ASKED = Example(id="a", question="?", answer="1")


def test_refused_answer_is_not_executed() -> None:
    outcome = Counter().open(Sums(), Engine()).run("one", ASKED)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "not run: form: 'one' is no number")
    assert [problem.code for problem in outcome.problems] == ["no_number"]
    assert Outcome.from_row(outcome.to_row()) == replace(outcome, kind=outcome.kind.value)


def test_refusal_is_not_executed() -> None:
    assert Counter().open(Sums(), Engine()).run("0", ASKED).reason == "not run: it is a refusal"


def test_executor_error_does_not_count_against_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    outcome = Counter().open(Sums(), Engine()).run("13", ASKED)
    assert outcome.kind is OutcomeKind.UNSUPPORTED
    assert outcome.reason == "task 'sums': executor 'counter' raised ZeroDivisionError on example 'a': unlucky"
    assert "Traceback" in caplog.text


def test_run_cannot_be_overridden() -> None:
    with pytest.raises(
        TypeError, match=r"^OverridesRun overrides Executor.run, .*: implement execute\(answer, example\) instead$"
    ):

        class OverridesRun(Executor):
            def run(self, answer: str, example: Example) -> Outcome:  # type: ignore[misc]
                return Outcome(kind=OutcomeKind.OK)

    class NotAnExecutor:
        def run(self, answer: str, example: Example) -> Outcome:
            return Outcome(kind=OutcomeKind.OK)

    with pytest.raises(TypeError, match=r"overrides Executor\.run"):
        type("Mixed", (NotAnExecutor, Counter), {})


def test_closed_executor_executes_nothing() -> None:
    with pytest.raises(Exception, match="executor 'counter' is not open"):
        Counter().run("1", ASKED)


def test_checks_run_once_for_data_and_test_databases() -> None:
    task = Sums()
    executor = Counter().open(task, Engine())
    corpora = [replace(ASKED, context={"test_database": TestDatabase(name=str(n), data={})}) for n in range(5)]
    for example in (ASKED, *corpora):
        assert executor.run("1", example).value == 1
    assert task.seen == [ASKED]
    executor.run("1", replace(ASKED, context={"mapping": {}}))  # another context may change what a check finds
    assert len(task.seen) == 2


def test_gate_evicts_the_oldest_answers() -> None:
    task = Sums()
    gate = Gate(task)
    for number in range(CACHED + 1):
        gate.errors(str(number), ASKED)
    gate.errors(str(CACHED), ASKED)
    assert len(task.seen) == CACHED + 1
    gate.errors("0", ASKED)
    assert len(task.seen) == CACHED + 2


class SmallDatabases(TestDatabases):
    def test_databases(self, example: Example, k: int) -> list[TestDatabase]:
        return [TestDatabase(name="small", data={})]


class Narrow(Sums):
    """Its check refuses more with context from the engine."""

    protocols: ClassVar = {TestDatabases: SmallDatabases}

    def look(self, example: Example, answer: str) -> Iterator[Problem]:
        if answer == "01" and "known" in example.context:
            yield Problem(layer="form", code="zero", message="no leading zero")


class KnownContext(Counter):
    def context(self, example: Example) -> dict[str, Any]:
        return {"known": True}


def test_answer_refused_only_by_the_engine_mapping_is_scored_on_data() -> None:
    task = Narrow()
    verdict = judge(task, ASKED, Draft(answer="01"), KnownContext().open(task, Engine()))
    assert (verdict.reached, verdict.test_suite_skipped) == (Level.CORRECT, "not run: form: no leading zero")


# --- every command ----------------------------------------------------------------------

SETTINGS = {
    "generate.teacher": "stranger",
    "generate.execute": "all",
    "train.student": "trained",
    "train.objective": "plain",
    "train.early_stopping": "accuracy",
    "evaluate.baselines": ["untrained", "nearest"],
    "evaluate.splits": ["test"],
    "review.required": "never",
}


@pytest.fixture
def recorder(root: Path) -> Path:
    return root / "tests" / "support" / "recorder.py"


def rows(split: str) -> list[dict[str, Any]]:
    """Three questions; the gold of the first and a mutant of the second are hostile."""
    found: list[dict[str, Any]] = [
        {"question": f"{split} add 6 and 1", "answer": HOSTILE},
        {"question": f"{split} add 2 and 3", "answer": "2+3", "neighbours": [HOSTILE]},
        {"question": f"{split} add 3 and 4", "answer": "3+4"},
    ]
    return [{"id": f"{split}-{n}", "rationale": "r", "split": split, **row} for n, row in enumerate(found)]


def test_no_command_executes_refused_answers(
    cli: Callable[..., Any], project: Path, recorder: Path, toy_file: Path
) -> None:
    ran = project / RAN
    toy = ("--plugin", recorder)
    given = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={json.dumps(value)}")]

    def check_executed(what: str, *codes: int, ended: Any = None) -> None:
        """The engine executed something, and nothing hostile."""
        assert ended is None or ended.code in codes, (what, ended.err)
        lines = ran.read_text().splitlines()
        assert lines, what
        assert [line for line in lines if "66" in line] == [], what
        ran.write_text("")

    every = [row for split in ("train", "validation", "test") for row in rows(split)]
    (project / "golds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in every))
    task = ("--task", "watched")
    made = cli(*toy, "generate", *task, "--out", "run", "--set", "generate.questions=golds.jsonl", *given)
    check_executed("generate", 0, 3, ended=made)
    assert "hostile" in (project / "run" / "rejects.jsonl").read_text()
    check_executed("curate", 0, 3, ended=cli(*toy, "data", "curate", "run"))
    check_executed("audit of a file", 3, ended=cli(*toy, "data", "audit", "golds.jsonl", *task))

    # a foreign dataset may hold answers that no check has seen
    run = Run.open("run", plugins=load([toy_file, recorder]))
    for split in ("train", "validation", "test"):
        made_rows = [{k: v for k, v in row.items() if k != "neighbours"} for row in rows(split)]
        extra = [{"neighbours": row.get("neighbours", [])} for row in rows(split)]
        run.write(data_file(split), [Record(**row, extra=more) for row, more in zip(made_rows, extra, strict=True)])
    texts = {row["id"]: run.task.reply_text("", row["answer"]) for row in rows("test")}
    run.write("predictions-teacher.jsonl", [Prediction(id=id, text=text) for id, text in texts.items()])
    run.save()
    check_executed("audit of a run", 3, ended=cli(*toy, "data", "audit", "run"))
    check_executed("train with early stopping", 0, ended=cli(*toy, "train", "run", "--resume-with-changes"))
    check_executed("evaluate", 0, ended=cli(*toy, "evaluate", "run"))
    verdicts = {row["id"]: row for row in Run.open("run", plugins=run.plugins).rows("verdicts.jsonl")}
    assert verdicts["test-0"]["gold_error"] == "invalid: not run: guard: 66 is not allowed"
    teacher = run.folder / "verdicts-teacher.jsonl"
    assert "not run: guard: 66 is not allowed" in teacher.read_text()
    for more in ((), ("--self-consistency", "4")):
        for question in ("train add 2 and 3", "train add 6 and 1"):
            cli(*toy, "predict", "run", question, "--execute", *more)
        check_executed(f"predict {' '.join(more)}")


def test_serve_and_review_do_not_execute_refused_answers(project: Path, recorder: Path, toy_file: Path) -> None:
    """Tests the objects behind both that execute answers."""
    from dstill import config
    from dstill.plugins import part_sections
    from dstill.stages.predict.predictor import Predictor
    from dstill_review.session import InvalidEdit, ReviewSession
    from dstill_review.views import result_view

    plugins = load([toy_file, recorder])
    made = config.load(use_files=False, flags={"project.task": "watched", **SETTINGS}, sections=part_sections(plugins))
    run = Run.create(project / "run", config=made, plugins=plugins)
    records = [Record(**{k: v for k, v in row.items() if k != "neighbours"}) for row in rows("train")]
    for split in ("train", "validation"):
        run.write(data_file(split), records)
    run.save()
    run.train()
    with Predictor(run, execute=True) as answering:
        said = answering.answer([answering.example(record.question) for record in records], execute=False)
        assert said[0].answer == HOSTILE
        for answered in said:
            answering.executed(answering.example(answered.question), replace(answered, ok=True))
    with run.lock(), run.setup.opened_executor() as executor:
        session = ReviewSession(run, splits=("train",), everything=True, executor=executor)
        shown = {record.id: result_view(session, record) for record in records}
        assert shown["train-0"] == {"note": "not run: 66 is not allowed"}
        current = session.current()
        assert current is not None
        outcome = session.outcome(current.example, HOSTILE)
        assert outcome is not None
        assert outcome.reason == "not run: guard: 66 is not allowed"
        with pytest.raises(InvalidEdit):
            session.edit(current.id, session._digest(current), answer=HOSTILE, rationale=None)
    lines = (project / RAN).read_text().splitlines()
    assert set(lines) == {"2+3", "3+4"}


# --- the code ---------------------------------------------------------------------------


def calls(root: Path, *methods: str) -> Iterator[tuple[str, str, ast.Call]]:
    """Every ``something.METHOD(…)`` with its module and what precedes the dot; also ``getattr(…, "METHOD")``."""
    by_name = ("getattr", "attrgetter", "methodcaller", "operator.attrgetter", "operator.methodcaller")
    for module, text in sources(root).items():
        if not any(method in text for method in methods):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Attribute) and node.func.attr in methods:
                yield module, ast.unparse(node.func.value), node
            given = {one.value for one in node.args if isinstance(one, ast.Constant)}
            if given & set(methods) and ast.unparse(node.func) in by_name:
                yield module, ast.unparse(node), node


@lru_cache(maxsize=1)
def sources(root: Path) -> dict[str, str]:
    files = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return {str(path.relative_to(root)): path.read_text() for path in files}


# Not of an executor: databases, and the stage of that name.
OTHER_EXECUTE = {
    "core/dstill/teacher/batch_log.py": "db",
    "core/dstill/teacher/cache.py": "db self._reader self._writer",
    "core/dstill/stages/generate/curate.py": "steps",
    "core/dstill/stages/generate/written_rows.py": "steps",
    "core/dstill/io/spool.py": "db self._db self._on_disk",
    "core/dstill/io/sqlite_files.py": "db",
    # Connections to databases: what runs on them is made by dstill, or passed the checks.
    "task_packs/dstill_sql/engines/loading.py": "self._connection",
    "task_packs/dstill_sql/engines/server.py": "connection cursor self._connection",
    "task_packs/dstill_sql/engines/serving.py": "self._databases[key]",
    "task_packs/dstill_sql/engines/work.py": "database",
    "task_packs/dstill_sql/engines/work_duckdb.py": "database",
    "task_packs/dstill_sql/engines/work_sqlite.py": "connection database self",
}


def test_only_run_calls_execute(root: Path) -> None:
    found = {
        (module, before)
        for module, before, _ in calls(root, "execute")
        if before not in OTHER_EXECUTE.get(module, "").split() and before != "super()"
    }
    assert found == {("core/dstill/api/executor.py", "self")}
    # the rest are executors that call their base executor
    above = {module for module, before, _ in calls(root, "execute") if before == "super()"}
    assert above == {"task_packs/dstill_querydsl/engines/executors.py"}


# Modules that may send a body to an engine, and why the body needs no check or was checked.
SENDERS = {
    "engines/executors.py": "called by `execute`, which only Executor.run calls, after the checks",
    "testdata/embedded_runner.py": "runs nothing that `refused`, the checks of the task, gives a reason for",
    "questions/templates/verify.py": "golds that dstill composes; `checked` puts each through the layers before `_run`",
    "engines/self_check.py": "requests with known answers, written in the source",
    "engines/probe.py": "probes of the embedded engine, made from the schema",
    "engines/reading.py": "aggregations over fields by name, for `dstill init`",
    "engines/field_cooccurrence.py": "the same, for values that stand beside one another",
    "engines/phrases.py": "the same: texts of a field by name",
}
READERS = {
    "engines/http.py": "the client itself: `search`, `validates`, `count` and what a server is",
    "engines/privileges.py": "asks which privileges the key has",
    "engines/node.py": "the transport below it",
}


def test_only_known_modules_send_search_bodies(root: Path) -> None:
    base = "task_packs/dstill_querydsl/"
    # a pattern's own `search` has one argument, the text; `re.search` has two, and is no engine
    bodies = {
        module
        for module, before, node in calls(root, "search", "validates", "msearch")
        if len(node.args) + len(node.keywords) > 1 and before != "re"
    }
    assert bodies == {base + module for module in SENDERS}
    raw = {module for module, _, _ in calls(root, "perform_request")}
    assert raw == {base + module for module in READERS}
    paths = {
        m for m, text in sources(root).items() if re.search(r'/_search"|"_search"|_msearch|_validate/query"', text)
    }
    # rules: what the client lets out at all; reading: which requests in users' files have a body to check; snippets:
    # text for people to copy
    known = ("engines/http.py", "engines/rules.py", "files/reading.py", "language/results/snippets.py")
    assert paths == {base + module for module in known}


def test_packs_implement_execute(plugins: Plugins) -> None:
    for name in plugins.names("executors"):
        assert plugins.executor(name).run is Executor.run


@pytest.fixture
def plugins(project: Path, toy_file: Path, recorder: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    monkeypatch.setenv("DSTILL_DISABLE", "ray,finetune,torch")
    return load([toy_file, recorder])
