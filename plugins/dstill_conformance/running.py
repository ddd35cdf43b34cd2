"""Rules about the executor: it opens again, leaves nothing open, survives any answer, and stops what runs too long."""

from __future__ import annotations

import gc
import os
import statistics
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from dstill.answering.steps import threaded_map
from dstill.api.executor import Executor
from dstill.api.faults import OWN_ERRORS
from dstill.api.finding import Finding, line_of, line_of_error
from dstill.api.protocols import NoTestDatabases, TestDatabases
from dstill.api.records import Example, Outcome, OutcomeKind, Severity
from dstill.api.task import data_of
from dstill.io.system import resident_memory
from dstill_conformance.pack import Pack, Raised, quoted, raised

__all__ = ["RULES"]

RUNS = 12  # answers of a cycle that is watched for what it leaves
DATABASE_GOLDS = 2  # golds among them: each has a test database, which may take long to load
CYCLES = 2  # that open and close an executor
SLOW_RUN = 1.0  # seconds a run takes in the median
MEMORY = 64 * 2**20  # bytes that one more cycle may take
PATIENCE = 3.0  # times the timeout, after which a runaway answer counts as not stopped
LEAST_GRACE = 1.0  # seconds


def executors_are_installed(pack: Pack) -> Iterator[Finding]:
    """Each executor that the task names is registered by a plugin."""
    known = pack.plugins.names("executors") if pack.plugins is not None else list(pack.task.executors)
    for name in pack.task.executors:
        if name not in known:
            what = f"task '{pack.task.name}' names the executor '{name}', which no plugin registers"
            hint = f"register it with register_executors; installed: {', '.join(known) or 'none'}"
            yield Finding(code="no_executor", what=what, where=pack.line("executors"), hint=hint)


def executor_opens(pack: Pack) -> Iterator[Finding]:
    """`open` returns the executor, or raises ServiceError."""
    if pack.unopened is not None:
        yield Finding(
            code="open_raises",
            what=f"open raised {type(pack.unopened).__name__}: {pack.unopened}",
            where=line_of_error(pack.unopened, pack.executor_class) or line_of(pack.executor_class, "open"),
            hint="raise ServiceError if the engine cannot be reached",
        )


def any_answer_can_run(pack: Pack) -> Iterator[Finding]:
    """`execute` returns an outcome for every answer that the checks accept."""
    if pack.executor is None or not pack.golds:
        return
    for text in pack.timed(pack.texts):
        try:
            outcome = pack.executor.run(text, pack.golds[0])
        except OWN_ERRORS as stopped:  # it would end the command
            pack.raised.append((text, stopped))
            break
        if not isinstance(outcome, Outcome):
            what, hint = f"execute returned {type(outcome).__name__} for {quoted(text)}", "return a dstill.api.Outcome"
            yield Finding(code="no_outcome", what=what, where=pack.executor_line, hint=hint)
            return
    for text, error in pack.raised[:1]:
        findings = raised(pack.task, f"executor '{pack.executor.name}'", (text,), error, code="execute_raises")
        where = line_of_error(error, pack.executor_class) or pack.executor_line
        yield replace(findings, where=where, hint="return an Outcome of the kind INVALID with the reason")


def executor_leaves_nothing(pack: Pack) -> Iterator[Finding]:
    """Closed, an executor has no connection, file, thread or process; open, it does not keep one for each answer."""
    if pack.executor is None or not pack.golds:
        return
    golds = (_about_one_data(pack)[:DATABASE_GOLDS] * RUNS)[:RUNS]
    _cycle(pack, golds)  # this also fills caches
    before, memory = _open_things(), resident_memory()
    counts = _kept_by_runs(pack, golds)
    _cycle(pack, golds[:1])
    left = _open_things() - before
    if per_run := {what: n for what, n in counts.items() if n >= RUNS}:
        what, n = max(per_run.items(), key=lambda pair: pair[1])
        yield Finding(
            code="leaks_connections",
            what=f"{RUNS} answers leave {n} open: {what}",
            where=pack.executor_line,
            hint="close what a run opens, also if it is on a test database: use with",
        )
    elif per_cycle := {what: n for what, n in left.items() if n >= CYCLES}:
        what, n = max(per_cycle.items(), key=lambda pair: pair[1])
        yield Finding(
            code="left_open",
            what=f"{CYCLES} executors that were closed leave {n} open: {what}",
            where=line_of(pack.executor_class, "close"),
            hint="release in close what open acquired",
        )
    grown = resident_memory() - memory
    pack.figures["memory_bytes"] = float(max(grown, 0))
    if grown > MEMORY:
        yield Finding(
            code="memory_grows",
            what=f"{RUNS} more answers take {grown / 2**20:,.0f} MiB of memory",
            where=pack.executor_line,
            hint="keep no results: an evaluation runs thousands of answers",
            severity=Severity.WARNING,
        )


def answers_run_quickly(pack: Pack) -> Iterator[Finding]:
    """An answer takes less than a second in the median."""
    if not pack.seconds:
        return
    pack.figures["run_seconds"] = median = statistics.median(pack.seconds)
    if median > SLOW_RUN:
        yield Finding(
            code="slow_runs",
            what=f"an answer takes {median:.1f} s in the median",
            where=pack.executor_line,
            hint="an evaluation runs each answer and its gold, some of them on five test databases",
            severity=Severity.WARNING,
        )


def _about_one_data(pack: Pack) -> list[Example]:
    """The golds about the data of the first one: an executor may need long to load others."""
    return [example for example in pack.golds if data_of(pack.task, example) == data_of(pack.task, pack.golds[0])]


def _kept_by_runs(pack: Pack, golds: list[Example]) -> Counter[str]:
    """Counts of the things that are open after the `golds` ran, and were not after the first of them."""
    with pack.new_executor().open(pack.task, pack.engine) as executor:
        _run_all(pack, executor, golds[:1])
        opened = _open_things()
        _run_all(pack, executor, golds)
        return _open_things() - opened


def _cycle(pack: Pack, golds: list[Example]) -> None:
    """Run `golds` with an executor that is opened for it."""
    with pack.new_executor().open(pack.task, pack.engine) as executor:
        _run_all(pack, executor, golds)


def _run_all(pack: Pack, executor: Executor, golds: list[Example]) -> None:
    """Run each gold on a test database, which is quickly loaded; if there is none, on its own data."""
    for example in golds:
        where = example
        with suppress(NoTestDatabases):
            known = replace(example, context={**example.context, **executor.context(example)})
            for database in list(TestDatabases.of(pack.task).test_databases(known, 1))[:1]:
                where = replace(known, context={**known.context, "test_database": database})
        executor.run(example.answer or "", where)


def _open_things() -> Counter[str]:
    """Counts of what is open in this process: files by descriptor, threads, and closable objects, by their type."""
    gc.collect()
    counts = Counter[str]()
    with suppress(OSError):
        counts["files or sockets"] = len(os.listdir("/dev/fd"))
    counts["threads"] = threading.active_count()
    closable: dict[type, bool] = {}
    for thing in gc.get_objects():
        kind = type(thing)
        if kind not in closable:
            closable[kind] = callable(getattr(kind, "close", None)) and kind.__module__ != "builtins"
        if closable[kind]:
            counts[f"objects of {kind.__module__}.{kind.__qualname__}"] += 1
    return counts


def executor_opens_again(pack: Pack) -> Iterator[Finding]:
    """The same golds have the same results after all other answers, in a second opening, and in several threads."""
    if pack.executor is None:
        return
    golds = [e for e in pack.timed(_about_one_data(pack)[:RUNS]) if pack.outcome(e).kind is OutcomeKind.OK]
    first = [pack.outcome(example) for example in golds]
    if wrong := _differing(pack, golds, first, [pack.executor.run(e.answer or "", e) for e in golds]):
        hint = "an answer must not change the data or the executor"
        what = f"after the other answers, {wrong}"
        yield Finding(code="state_changes", what=what, where=pack.executor_line, hint=hint)
    again = pack.new_executor()
    with again.open(pack.task, pack.engine):
        pass
    with again.open(pack.task, pack.engine):
        if wrong := _differing(pack, golds, first, [again.run(e.answer or "", e) for e in golds]):
            hint = "open must set up everything that execute needs, also after close"
            what = f"with an executor that was closed and opened again, {wrong}"
            yield Finding(code="not_reopened", what=what, where=line_of(pack.executor_class, "open"), hint=hint)
            return
        if again.parallel > 1:
            outcomes = threaded_map(lambda e: again.run(e.answer or "", e), golds * 3, again.parallel)
            if wrong := _differing(pack, golds * 3, first * 3, list(outcomes)):
                hint = "share nothing between threads, or set parallel = 1"
                what = f"in {again.parallel} threads, {wrong}"
                yield Finding(code="threads_disagree", what=what, where=pack.executor_line, hint=hint)


def _differing(pack: Pack, golds: list[Example], before: list[Outcome], now: list[Outcome]) -> str:
    """Which gold has another outcome now; empty: none."""
    for example, first, other in zip(golds, before, now, strict=True):
        if not _same(pack, first, other):
            why = "another result" if other.kind is OutcomeKind.OK else f"no result ({other.reason})"
            return f"the reference answer of '{example.id}' has {why}"
    return ""


def _same(pack: Pack, outcome: Outcome, other: Outcome) -> bool:
    if outcome.kind is not OutcomeKind.OK or other.kind is not OutcomeKind.OK:
        return outcome.kind is other.kind
    return bool(pack.task.same(outcome.value, other.value))


def runaways_are_stopped(pack: Pack) -> Iterator[Finding]:
    """An answer that runs too long is stopped at the timeout, and is at fault where the engine is in the process."""
    if pack.executor is None:
        return
    engine = replace(pack.engine, timeout=pack.timeout)
    for example, answer in pack.stated("runaway_answers"):
        if errors := pack.errors(answer, example):
            what = f"the runaway answer {quoted(answer)} fails a check: {errors[0]}"
            hint = "list it in hostile_answers: it never runs"
            yield Finding(code="runaway_refused", what=what, where=pack.line("runaway_answers"), hint=hint)
            continue
        ended: list[Outcome] = []
        thread = threading.Thread(
            target=_run_one, args=(pack, engine, answer, example, ended), name="runaway answer", daemon=True
        )
        thread.start()
        thread.join(max(PATIENCE * pack.timeout, pack.timeout + LEAST_GRACE))
        if thread.is_alive():
            yield Finding(
                code="runaway",
                what=f"{quoted(answer)} still runs {PATIENCE:.0f} times as long as its timeout of {pack.timeout:g} s",
                where=pack.executor_line,
                hint="interrupt the engine after engine.timeout seconds",
            )
            return
        server = bool(pack.executor.url_schemes and engine.url)
        if ended and ended[0].kind is OutcomeKind.UNAVAILABLE and not server:
            yield Finding(
                code="timeout_unjudged",
                what=f"{quoted(answer)} is stopped at the timeout, with an outcome of the kind UNAVAILABLE",
                where=pack.executor_line,
                hint="return INVALID: where nobody else uses the engine, a timeout is the answer's fault",
            )


def _run_one(pack: Pack, engine: object, answer: str, example: Example, ended: list[Outcome]) -> None:
    with suppress(Raised), pack.new_executor().open(pack.task, engine) as executor:  # type: ignore[arg-type]
        ended.append(executor.run(answer, example))


RULES = (
    executors_are_installed,
    executor_opens,
    any_answer_can_run,
    executor_leaves_nothing,
    answers_run_quickly,
    executor_opens_again,
    runaways_are_stopped,
)
