"""The command `doctor`: checks the installation, the machine, and the engine's version and answers.

    dstill doctor --engine-url http://127.0.0.1:9200 --load-data

    engine of sums           calculator 2.1   ok
    known answers of sums    60 of 60 right    ok

The executor decides how to check its engine (`Executor.self_check`). Students of the project's runs that learned fields
which no longer exist are listed (`dstill.quality.data_drift`); that is not an error. Everything is printed first; then
the command ends with the exit code of the first problem.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click

import dstill
from dstill.api.engine import CheckResult
from dstill.api.executor import Executor
from dstill.api.task import Task
from dstill.cli.console import emit, note, say, table
from dstill.cli.extras import extras, missing
from dstill.cli.groups import Command
from dstill.cli.options import App, engine_url_option, json_option, load_data_option, pass_app, set_option, setting
from dstill.errors import DstillError, MissingExtra, TrustError
from dstill.factory import Setup, possible_tasks, task_name
from dstill.io.units import size
from dstill.quality.data_drift import can_tell, drift
from dstill.runs.contents import learnt_in
from dstill.runs.folder import RunFolder, list_runs
from dstill.runtime import hardware

__all__ = ["doctor"]

MISSING = "missing"  # of an extra


@dataclass
class Engines:
    """The results of checking the engines of the tasks."""

    rows: list[list[str]] = field(default_factory=list)  # what, found, state
    results: list[CheckResult] = field(default_factory=list)
    problems: list[DstillError] = field(default_factory=list)


@click.command(cls=Command, section="Start", examples=["dstill doctor"])
@engine_url_option("Check this server too", default="engine.url")
@load_data_option("Write test data")
@setting("--task", key="project.task", metavar="NAME", help="Task whose engine to check. Default: all tasks.")
@click.option("--extras", "with_extras", is_flag=True, help="List the optional libraries that are missing.")
@json_option
@set_option
@pass_app
def doctor(app: App, load_data: bool, with_extras: bool, as_json: bool) -> None:
    """Check the installation, the machine and the engine that runs the answers.

    What needs attention comes first.

    With --engine-url, also checks that server: its version, what the key may do, and whether it answers test requests
    correctly. By default, doctor only reads from the server. With --load-data it also writes test data, and runs the
    checks that need it.
    """
    if load_data:
        app.flags["engine.load_data"] = True
    failures = app.failures()
    engines = Engines() if app.plugins.refusing else _engines(app)
    broken = [[f"plugin {failure.plugin}", failure.version, failure.problem] for failure in failures]
    machine, of_extras = _machine(), _extras()
    rows = [*machine, *broken, *engines.rows, *of_extras]
    if as_json:
        checks = [{"what": w, "found": f, "state": s} for w, f, s in rows]
        ok = not failures and not engines.problems
        emit({"ok": ok, "checks": checks, "engine": [_plain(result) for result in engines.results]})
    else:
        shown = sorted([*broken, *engines.rows, *machine], key=lambda row: row[2] == "ok")
        table(["what", "found", "state"], [*shown, *_shown(of_extras, in_full=with_extras)])
        if with_extras and (
            lacking := [what.removeprefix("extra ") for what, _, state in of_extras if state == MISSING]
        ):
            say()
            say(f"Missing extras: {', '.join(lacking)}. To add those that you need:")
            say("  pip install 'dstill[EXTRA,…]'")
        for advice in dict.fromkeys(result.advice for result in engines.results if result.advice):
            say(f"\n{advice}", lines=True)
    app.note_unknown()
    app.end_with_failures(failures)
    for other in engines.problems[1:]:
        note(f"also: {other.what}")
    if engines.problems:
        raise engines.problems[0]


def _machine() -> list[list[str]]:
    device = hardware.device()
    return [
        ["dstill", dstill.__version__, "ok"],
        ["python", platform.python_version(), "ok"],
        ["device", f"{device.name}, {size(device.free)} of {size(device.total)} free", "ok"],
    ]


def _extras() -> list[list[str]]:
    """A row for each extra: what it has, or what it lacks."""
    rows = []
    for extra, own in extras().items():
        lacking = missing(extra)  # also what an extra that it includes needs
        shown = [name for name in own if name in lacking] or lacking or own
        rows.append([f"extra {extra}", ", ".join(shown), MISSING if lacking else "ok"])
    return rows


def _shown(of_extras: Sequence[list[str]], *, in_full: bool) -> list[list[str]]:
    """The rows for people: a sum, and `in_full` those that lack something."""
    lacking = [row for row in of_extras if row[2] == MISSING]
    state = "--extras lists the others" if lacking and not in_full else "ok"
    return [
        *(lacking if in_full else []),
        ["extras", f"{len(of_extras) - len(lacking)} of {len(of_extras)} installed", state],
    ]


# --- the engines ------------------------------------------------------------------------


def _engines(app: App) -> Engines:
    """Open and check the executor of the task in use, or of every installed task if none is set."""
    engines = Engines()
    settings = app.config().settings
    names = possible_tasks(app.plugins, settings)
    if app.plugins.names("tasks") and not names:
        task_name(app.plugins, settings)  # raises: no task takes the address
    for name in names:
        try:
            _look(app, name, engines)
        except TrustError:  # permission is asked for before anything is shown
            raise
        except DstillError as problem:
            engines.rows.append([f"engine of {name}", "", str(problem).replace("\n", "; ")])
            if settings.project.task or settings.engine.url or not isinstance(problem, MissingExtra):
                engines.problems.append(problem)
    return engines


def _look(app: App, name: str, engines: Engines) -> None:
    config = app.config({"project.task": name})
    setup = Setup(app.plugins, config)
    with setup.opened_executor() as executor:
        if executor is None:
            engines.rows += _students(setup.task, None)
            return
        engines.rows.append([f"engine of {name}", executor.label, "ok"])
        results = []
        try:
            for result in executor.self_check():
                results.append(result)
        except DstillError:  # for example missing data, about which advice would mislead
            if not any(result.problem for result in results):
                results = [replace(result, advice="") for result in results]
            raise
        finally:  # show what was found before the engine failed too
            engines.results += results
            engines.problems += [result.problem for result in results if result.problem]
            engines.rows += _rows(name, results)
        engines.rows += _students(setup.task, executor)


def _students(task: Task, executor: Executor | None) -> list[list[str]]:
    """Students of the runs under ./runs that learned fields which no longer exist or have changed."""
    looked, unknown, rows = 0, 0, []
    for folder in list_runs():
        try:
            learnt = learnt_in(RunFolder.read(folder))
        except DstillError as problem:
            rows.append([f"student of {folder}", task.name, problem.what])
            continue
        if learnt.task == task.name and learnt.data:
            known = can_tell(task, learnt, executor)
            looked, unknown = looked + known, unknown + (not known)
            rows += [[f"student of {folder}", task.name, line] for line in drift(task, learnt, executor)]
    if looked:
        rows.append([f"students of {task.name}", f"{looked} checked", "see above" if rows else "ok"])
    if unknown:
        rows.append([f"students of {task.name}", f"{unknown} not checked", "the current fields are not known here"])
    return rows


def _rows(task: str, results: Iterable[CheckResult]) -> list[list[str]]:
    """Each fact, the number of right answers among the known ones, and each wrong answer."""
    facts = [result for result in results if not result.expected]
    known = [result for result in results if result.expected and result.checked]
    wrong = [answer for answer in known if answer.problem]
    rows = [[fact.name, fact.found, _state(fact)] for fact in facts]
    if known:
        state = f"{len(wrong)} wrong" if wrong else "ok"
        rows.append([f"known answers of {task}", f"{len(known) - len(wrong)} of {len(known)} right", state])
    rows += [[answer.name, f"got {answer.found}", f"expected {answer.expected}"] for answer in wrong]
    reasons = Counter(result.found for result in results if result.expected and not result.checked)
    return rows + [[f"known answers of {task}", f"{n} not asked", reason] for reason, n in reasons.items()]


def _state(result: CheckResult) -> str:
    return result.problem.what if result.problem else "ok" if result.checked else "not checked"


def _plain(result: CheckResult) -> dict[str, Any]:
    ok = not result.problem if result.checked else None
    problem = result.problem and result.problem.as_json()
    row = {"name": result.name, "found": result.found, "expected": result.expected, "advice": result.advice}
    return {**row, "ok": ok, "problem": problem}
