"""Runs the rules of the conformance kit on a task pack, within a time.

report = check(task, executor=Table, limit=40)
report.errors     → (Finding(code="same_not_symmetric", what="same is True for …", where="pack.py:71", …),)
report.groups[0]  → Group(name="questions", rules=10, seconds=0.4, findings=(), cut=False)
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dstill.api.faults import OWN_ERRORS
from dstill.api.finding import Finding, line_of, line_of_error
from dstill.errors import AuthError, DstillError, MissingExtra, ServiceError
from dstill.runtime.progress import Progress, silent
from dstill_conformance import answers, documentation, form, guard, questions, results, running, teaching
from dstill_conformance.pack import Pack, Raised, Rule

__all__ = ["SECONDS", "Group", "Report", "check"]

SECONDS = 180.0
MOST_FINDINGS = 3  # findings of one code in one rule

GROUPS: Mapping[str, Sequence[Rule]] = {
    "questions": questions.RULES,
    "teaching": teaching.RULES,
    "answers": answers.RULES,
    "form": form.RULES,
    "documentation": documentation.RULES,
    "guard": guard.RULES,
    "results": results.RULES,
    "running": running.RULES,
}


@dataclass(frozen=True, kw_only=True)
class Group:
    """The findings of the rules of one group."""

    name: str
    rules: int
    seconds: float
    findings: tuple[Finding, ...]
    cut: bool = False  # its time was up before every gold was checked

    @property
    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(finding.is_error for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class Report:
    """The findings of the kit in a pack."""

    task: str
    questions: int
    golds: int  # that were checked
    groups: tuple[Group, ...]
    figures: Mapping[str, float]  # measured on the way: run_seconds, memory_bytes, mutation_score

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all groups, errors first."""
        findings = [finding for group in self.groups for finding in group.findings]
        return tuple(sorted(findings, key=lambda finding: not finding.is_error))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings for which the pack must change."""
        return tuple(finding for finding in self.findings if finding.is_error)

    def to_json(self) -> dict[str, Any]:
        """Everything, for ``--json``."""
        return {
            "task": self.task,
            "questions": self.questions,
            "golds": self.golds,
            "groups": [
                {"name": g.name, "rules": g.rules, "seconds": round(g.seconds, 3), "errors": g.errors, "cut": g.cut}
                for g in self.groups
            ],
            "figures": {name: value for name, value in self.figures.items() if value == value},  # not NaN
            "findings": [finding.to_row() for finding in self.findings],
        }


def check(pack: Pack, *, seconds: float = SECONDS, progress: Progress = silent) -> Report:
    """Check a task pack. After `seconds` no rule begins, and those that run end soon.

    Raises ServiceError and AuthError if the engine cannot be reached, and MissingExtra.
    """
    ends, groups = time.monotonic() + seconds, list[Group]()
    try:
        n_questions, n_golds = len(pack.examples), len(pack.golds)
    except Raised as stopped:  # without questions nothing can be checked
        group = Group(name="questions", rules=1, seconds=0.0, findings=(stopped.finding,))
        return Report(task=pack.task.name, questions=0, golds=0, groups=(group,), figures={})
    with _opened(pack):
        for number, (name, rules) in enumerate(GROUPS.items()):
            progress(f"checking {name}", number, len(GROUPS))
            left = max(0.0, ends - time.monotonic())
            pack.deadline, pack.cut = time.monotonic() + (left if number == len(GROUPS) - 1 else left / 2), False
            groups.append(_build_group(pack, name, rules))
    return Report(
        task=pack.task.name,
        questions=n_questions,
        golds=n_golds,
        groups=tuple(groups),
        figures=dict(pack.figures),
    )


@contextlib.contextmanager
def _opened(pack: Pack) -> Iterator[None]:
    """Open the executor that runs answers for all groups."""
    if pack.executor_class is None:
        yield
        return
    try:
        pack.executor = pack.new_executor().open(pack.task, pack.engine)
    except OWN_ERRORS:
        raise
    except Exception as error:
        pack.unopened = error
        yield
        return
    with pack.executor:
        yield
    pack.executor = None
    gc.collect()


def _build_group(pack: Pack, name: str, rules: Sequence[Rule]) -> Group:
    started, findings = time.perf_counter(), list[Finding]()
    chosen = rules if pack.executor is not None or name != "results" else ()
    for rule in chosen:
        if time.monotonic() > pack.deadline:
            pack.cut = True
            break
        findings += [finding for finding in _first_of_each(_run_rule(pack, rule)) if finding not in findings]
    seconds = time.perf_counter() - started
    return Group(name=name, rules=len(chosen), seconds=seconds, findings=tuple(findings), cut=pack.cut)


def _run_rule(pack: Pack, rule: Rule) -> Iterator[Finding]:
    try:
        yield from rule(pack)
    except Raised as stopped:
        yield stopped.finding
    except (ServiceError, AuthError, MissingExtra):
        raise
    except Exception as error:
        told = error if isinstance(error, DstillError) else None
        where = line_of_error(error, pack.task) or line_of_error(error, pack.executor_class)
        if not where and told is None:
            raise  # it is not the pack's
        yield Finding(
            code="rule_stopped",
            what=f"{rule.__name__.replace('_', ' ')}: {told.what if told else f'{type(error).__name__}: {error}'}",
            where=where or line_of(pack.task),
            hint=told.hint if told else "this code of the pack raised where it must not",
        )


def _first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """The first findings of each code; the last of them says how many more there are."""
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    first = []
    for same in by_code.values():
        first += same[:MOST_FINDINGS]
        if (more := len(same) - MOST_FINDINGS) > 0:
            first[-1] = replace(first[-1], what=f"{first[-1].what} (and {more:,} more)")
    return first
