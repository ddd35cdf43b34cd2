"""Rules about results: golds that run, `same`, test databases and mutants. Needs an opened executor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from dstill.api.finding import Finding
from dstill.api.judging import MAX_TEST_DATABASES
from dstill.api.protocols import NoTestDatabases, Presentation, ResultProperties, TestDatabases
from dstill.api.records import Example, Outcome, OutcomeKind, Severity, TestDatabase
from dstill.io.strict_json import dumps
from dstill.quality.audit import audited
from dstill_conformance.pack import Pack, Raised, quoted

__all__ = ["RULES"]

LEAST_KILLED = 0.5  # share of the mutants
MUTANTS = 5  # of a gold that also run on its own data
MIN_MUTANTS = 3  # mutants of a kind say something about it
MOST_PAIRS = 400  # pairs of results
MOST_TRIVIAL = 0.5  # share of the golds
MOST_REFUSED = 0.5  # share of the mutants that the engine refuses


def _ran(pack: Pack) -> Iterator[tuple[Example, Any]]:
    """The golds that run, with their results."""
    for example in pack.timed(pack.golds):
        outcome = pack.outcome(example)
        if outcome.kind is OutcomeKind.OK:
            yield example, outcome.value


def golds_run(pack: Pack) -> Iterator[Finding]:
    """Every gold runs."""
    for example in pack.timed(pack.golds):
        outcome = pack.outcome(example)
        if outcome.kind is OutcomeKind.INVALID:
            yield Finding(
                code="gold_fails",
                what=f"the reference answer of '{example.id}' does not run: {outcome.reason}",
                where=pack.executor_line if not outcome.problems else pack.line("examples"),
                hint="mend the answer, or the executor: such a gold is never scored",
            )
        elif outcome.kind is not OutcomeKind.OK:
            yield Finding(
                code="gold_not_run",
                what=f"the reference answer of '{example.id}' was not run ({outcome.kind}): {outcome.reason}",
                where=pack.executor_line,
                hint="such a gold is never scored",
                severity=Severity.WARNING,
            )


def results_are_repeatable(pack: Pack) -> Iterator[Finding]:
    """A gold has the same result twice, and `same` says so: it is reflexive."""
    assert pack.executor is not None
    properties = ResultProperties.of(pack.task)
    for example, value in _ran(pack):
        if not pack.task.same(value, value):
            yield Finding(
                code="same_not_reflexive",
                what=f"the result of '{example.id}' is not the same as itself",
                where=pack.line("same"),
                hint="same(x, x) must be true: compare values, not objects; NaN is not equal to itself",
            )
            continue
        again = pack.executor.run(example.answer or "", example)
        stable = again.kind is OutcomeKind.OK and pack.task.same(again.value, value)
        if not stable and not properties.is_nondeterministic(value, example):
            yield Finding(
                code="gold_unstable",
                what=f"the reference answer of '{example.id}' has another result when it runs again",
                where=pack.line("same") if again.kind is OutcomeKind.OK else pack.executor_line,
                hint="compare values, not objects; or say in is_nondeterministic that this result depends on chance",
            )


def same_is_symmetric(pack: Pack) -> Iterator[Finding]:
    """`same(a, b) == same(b, a)` for answers to one question, and equal results are both empty or both not.

    Where `ResultProperties.reference_decides`, results without one of their rows are compared alone.
    """
    properties, reported = ResultProperties.of(pack.task), set[str]()
    for example, value in _ran(pack):
        less = _without_a_row(value)
        if less is not None and pack.task.same(less, value) != pack.task.same(value, less):
            yield Finding(
                code="same_not_symmetric",
                what=f"same sees only one way round that a row of the result of '{example.id}' is missing",
                where=pack.line("same"),
                hint="compare both values in the same way: a part of the rows is not all of them",
            )
            return
    for example, mutant, outcome in _mutants_that_ran(pack):
        left, other, name = pack.outcome(example).value, outcome.value, f"{example.id}: {mutant.name}"
        there, back = pack.task.same(left, other), pack.task.same(other, left)
        if there != back and not properties.reference_decides and "symmetric" not in reported:
            reported.add("symmetric")
            yield Finding(
                code="same_not_symmetric",
                what=f"same is {there} for the results of '{example.id}' and '{name}', and {back} the other way round",
                where=pack.line("same"),
                hint="compare both values in the same way; or, if the reference decides what counts, such as an order, "
                "set reference_decides = True",
            )
        if not there:
            continue
        for method in ("is_empty", "is_trivial"):
            more = (example,) if method == "is_trivial" else ()
            if (
                getattr(properties, method)(left, *more) != getattr(properties, method)(other, *more)
                and method not in reported
            ):
                reported.add(method)
                yield Finding(
                    code="same_but_not_alike",
                    what=f"the results of '{example.id}' and '{name}' are the same, and only for one is {method} true",
                    where=pack.line(method),
                    hint="decide it by what same compares",
                )


def same_tells_results_apart(pack: Pack) -> Iterator[Finding]:
    """`same` is false for some results, and sees how often a row occurs."""
    ran = list(_ran(pack))
    pairs = [(a, b) for a, b in combinations(ran, 2) if _text(a[1]) != _text(b[1])][:MOST_PAIRS]
    if pairs and all(pack.task.same(a[1], b[1]) for a, b in pairs):
        yield Finding(
            code="same_always",
            what=f"same is true for the results of any two golds, such as '{pairs[0][0][0].id}' and "
            f"'{pairs[0][1][0].id}'",
            where=pack.line("same"),
            hint="compare the results: every answer that runs counts as correct now",
        )
        return
    for example, value in ran:
        once = _without_duplicates(value)
        if once is not None and pack.task.same(once, value):
            yield Finding(
                code="same_ignores_duplicates",
                what=f"the result of '{example.id}' has rows that occur twice, and is the same as that without them",
                where=pack.line("same"),
                hint="count rows (collections.Counter) instead of putting them into a set",
            )


def _text(value: Any) -> str:
    return repr(value)


def _without_duplicates(value: Any) -> Any:
    """`value` with each row once; None: no row occurs twice, or there are no rows."""
    return _with_fewer_rows(value, lambda rows: list({repr(row): row for row in rows}.values()))


def _without_a_row(value: Any) -> Any:
    """`value` without its last row; None: there are no rows."""
    return _with_fewer_rows(value, lambda rows: rows[:-1])


def _with_fewer_rows(value: Any, fewer: Callable[[list[Any]], list[Any]]) -> Any:
    """`value` with fewer rows in the list that it is, or in the first of its lists where there are fewer; or None."""
    if isinstance(value, dict):
        for key, item in value.items():
            if (less := _with_fewer_rows(item, fewer) if isinstance(item, (list, tuple)) else None) is not None:
                return {**value, key: less}
        return None
    if type(value) not in (list, tuple):
        return None
    less = fewer(list(value))
    return type(value)(less) if len(less) < len(value) else None


def values_can_be_shown(pack: Pack) -> Iterator[Finding]:
    """A result is JSON, and the methods that show it return for any result."""
    shown = Presentation.of(pack.task)
    reported: set[str] = set()
    for example, value in _ran(pack):
        try:
            dumps(value)
        except (TypeError, ValueError) as error:
            if "json" not in reported:
                reported.add("json")
                yield Finding(
                    code="value_not_json",
                    what=f"the result of '{example.id}' is not JSON: {error}",
                    where=pack.executor_line,
                    hint="turn dates and decimals into text or numbers, and NaN into None: `predict --json` prints it",
                )
        shown.render_result(value)
        shown.diff_results(value, value)
        tables = shown.result_tables(value, example.answer or "")
        for table in (*tables, *shown.result_tables(value, example.answer or "", True)):
            if any(len(row) != len(table.columns) for row in table.rows) and "table" not in reported:
                reported.add("table")
                yield Finding(
                    code="ragged_table",
                    what=f"a table of the result of '{example.id}' has rows of another length than its columns",
                    where=pack.line("result_tables"),
                    hint="give each row one cell for each column",
                )


def results_prove_something(pack: Pack) -> Iterator[Finding]:
    """An empty result is trivial, and most golds are not."""
    properties, trivial, n = ResultProperties.of(pack.task), [], 0
    for example, value in _ran(pack):
        n += 1
        is_trivial = properties.is_trivial(value, example)
        trivial += [example.id] if is_trivial else []
        if properties.is_empty(value) and not is_trivial:
            yield Finding(
                code="empty_not_trivial",
                what=f"the result of '{example.id}' is empty and not trivial",
                where=pack.line("is_trivial"),
                hint="an empty result proves nothing: let is_trivial be true where is_empty is",
            )
    if len(trivial) > MOST_TRIVIAL * n:
        yield Finding(
            code="mostly_trivial",
            what=f"{len(trivial)} of {n} golds are trivial ('{trivial[0]}'): they are not scored",
            where=pack.line("is_trivial"),
            hint="ask questions whose answers find something, or is_trivial is too wide",
            severity=Severity.WARNING,
        )


def canonical_keeps_the_meaning(pack: Pack) -> Iterator[Finding]:
    """The canonical form of a gold has the gold's result, where it is in the language."""
    for example, value in _ran(pack):
        canonical = pack.task.canonical(example.answer or "")
        if canonical == example.answer or not pack.parsed(canonical, example):
            continue
        outcome = pack.outcome(example, canonical)
        if outcome.kind is not OutcomeKind.OK or not pack.task.same(outcome.value, value):
            why = "another result" if outcome.kind is OutcomeKind.OK else f"no result ({outcome.reason})"
            yield Finding(
                code="canonical_changes_meaning",
                what=f"the canonical form of the reference answer of '{example.id}', {quoted(canonical)}, has {why}",
                where=pack.line("canonical"),
                hint="keep every clause and every literal as it is: exact answers count as correct",
            )


def _mutants_that_ran(pack: Pack) -> Iterator[tuple[Example, Any, Outcome]]:
    for example in pack.timed(pack.mutated):
        for mutant in pack.mutants_of(example)[:MUTANTS] if pack.outcome(example).kind is OutcomeKind.OK else ():
            outcome = pack.outcome(example, mutant.answer)
            if outcome.kind is OutcomeKind.OK:
                yield example, mutant, outcome


def exact_answers_are_same(pack: Pack) -> Iterator[Finding]:
    """Two answers with one canonical form have one result."""
    for example, mutant, outcome in _mutants_that_ran(pack):
        exact = pack.task.canonical(mutant.answer) == pack.task.canonical(example.answer or "")
        if exact and not pack.task.same(outcome.value, pack.outcome(example).value):
            yield Finding(
                code="exact_not_same",
                what=f"{quoted(mutant.answer)} has the canonical form of the reference answer of '{example.id}', and "
                "another result",
                where=pack.line("canonical"),
                hint="canonical merges answers that differ: exact answers count as correct",
            )


def mutants_are_killed(pack: Pack) -> Iterator[Finding]:
    """Most wrong answers have another result than the gold, on its data or on a test database."""
    assert pack.executor is not None
    if TestDatabases.class_of(type(pack.task)).mutants is TestDatabases.mutants:
        return
    killed, of = 0, 0
    lost, all_of = Counter[str](), Counter[str]()
    example_of: dict[str, str] = {}
    for example in pack.timed(pack.mutated):
        gold = audited(pack.task, example, pack.executor)
        killed, of = killed + gold.killed, of + gold.mutants
        if not gold.mutants:
            continue
        all_of.update(_kind(mutant.name) for mutant in pack.mutants_of(example))
        for name in gold.survivors:
            lost[_kind(name)] += 1
            example_of.setdefault(_kind(name), f"'{name}' of '{example.id}'")
    pack.figures["mutation_score"] = killed / of if of else float("nan")
    if of and killed < LEAST_KILLED * of:
        yield Finding(
            code="mutants_survive",
            what=f"{of - killed} of {of} wrong answers have the gold's result on every test database: "
            f"{next(iter(example_of.values()))}",
            where=pack.line("test_databases"),
            hint="make test databases on which a wrong answer shows, or let same compare what differs",
        )
        return
    for kind, n in lost.items():
        if n > (1 - LEAST_KILLED) * all_of[kind] and all_of[kind] >= MIN_MUTANTS:
            yield Finding(
                code="mutant_kind_survives",
                what=f"{n} of {all_of[kind]} mutants of the kind '{kind}' have the gold's result on every test "
                f"database: {example_of[kind]}",
                where=pack.line("test_databases"),
                hint="make a test database on which this change shows, or let same compare what it changes",
                severity=Severity.WARNING,
            )


def _kind(name: str) -> str:
    return name.partition(" at ")[0].partition(":")[0]


def engine_accepts_valid_answers(pack: Pack) -> Iterator[Finding]:
    """The engine runs every answer that the checks accept."""
    refused, n = [], 0
    for example in pack.timed(pack.mutated):
        for mutant in pack.mutants_of(example)[:MUTANTS]:
            outcome = pack.outcome(example, mutant.answer)
            n += not outcome.problems
            if outcome.kind is OutcomeKind.INVALID and not outcome.problems:
                refused.append(f"{quoted(mutant.answer)}: {outcome.reason}")
    if len(refused) > MOST_REFUSED * n:
        yield Finding(
            code="engine_refuses",
            what=f"the engine refuses {len(refused)} of {n} mutants that pass the checks, such as {refused[0]}",
            where=pack.line("checks"),
            hint="the checks are too weak: a teacher can correct only what they find",
            severity=Severity.WARNING,
        )


def databases_can_run(pack: Pack) -> Iterator[Finding]:
    """Test databases are at most as many as asked for, the same at each call, and golds run on them."""
    assert pack.executor is not None
    of, ran, differ = TestDatabases.of(pack.task), 0, 0
    for example in pack.timed(pack.golds[:10]):
        known = pack.known(example)
        try:
            first, again = (list(of.test_databases(known, MAX_TEST_DATABASES)) for _ in range(2))
        except NoTestDatabases:
            continue
        if len(first) > MAX_TEST_DATABASES or repr(first) != repr(again):
            what = f"{len(first)} instead of {MAX_TEST_DATABASES}" if len(first) > MAX_TEST_DATABASES else "others"
            yield Finding(
                code="unstable_databases",
                what=f"test_databases gives {what} for '{example.id}'",
                where=pack.line("test_databases"),
                hint="make at most k databases, from the gold alone: verdicts must not depend on chance",
            )
        there = {database.name: _on(pack, known, database, known.answer or "") for database in first}
        outcome = pack.outcome(example)
        if outcome.kind is OutcomeKind.OK and there:
            ran += 1
            differ += not all(o.kind is outcome.kind and pack.task.same(o.value, outcome.value) for o in there.values())
        if failed := [name for name, outcome in there.items() if outcome.kind is OutcomeKind.INVALID]:
            yield Finding(
                code="database_fails",
                what=f"the reference answer of '{example.id}' does not run on the test database '{failed[0]}'",
                where=pack.line("test_databases"),
                hint="make data of the same form as the example's own",
            )
    if ran >= MIN_MUTANTS and not differ:
        yield Finding(
            code="databases_ignored",
            what=f"{ran} reference answers have the same result on each of their test databases as on their own data",
            where=pack.executor_line,
            hint='run on example.context["test_database"] if it is there; else make databases with other data',
        )


def _on(pack: Pack, example: Example, database: TestDatabase, answer: str) -> Outcome:
    assert pack.executor is not None
    return pack.executor.run(answer, replace(example, context={**example.context, "test_database": database}))


def equal_answers_are_same(pack: Pack) -> Iterator[Finding]:
    """The pairs that the author calls equal have equal results."""
    for example, first, other in pack.pairs("equal_answers"):
        a, b = pack.outcome(example, first), pack.outcome(example, other)
        if a.kind is OutcomeKind.OK is b.kind and not pack.task.same(a.value, b.value):
            yield Finding(
                code="equal_not_same",
                what=f"{quoted(first)} and {quoted(other)} are equal, and have different results",
                where=pack.line("same"),
                hint="mend same, or the pair",
            )


def different_answers_differ(pack: Pack) -> Iterator[Finding]:
    """The pairs that the author calls different have different results, on the data or on a test database."""
    for example, first, other in pack.pairs("different_answers"):
        if pack.task.canonical(first) == pack.task.canonical(other):
            yield Finding(
                code="different_exact",
                what=f"{quoted(first)} and {quoted(other)} differ, and have one canonical form",
                where=pack.line("canonical"),
                hint="keep what tells them apart",
            )
        elif not _differ(pack, example, first, other):
            yield Finding(
                code="different_agree",
                what=f"{quoted(first)} and {quoted(other)} differ, and have the same result wherever they run",
                where=pack.line("same"),
                hint="let same compare what tells them apart, or make a test database that shows it",
            )


def _differ(pack: Pack, example: Example, first: str, other: str) -> bool:
    """Whether `other` has another result than `first`, which is right, on the data or on a test database of `first`."""

    def differ(right: Outcome, wrong: Outcome) -> bool:
        if right.kind is not OutcomeKind.OK or wrong.kind is not OutcomeKind.OK:
            return right.kind is not wrong.kind
        return not pack.task.same(wrong.value, right.value)

    if differ(pack.outcome(example, first), pack.outcome(example, other)):
        return True
    known = pack.known(replace(example, answer=first))
    try:
        databases = list(TestDatabases.of(pack.task).test_databases(known, MAX_TEST_DATABASES))
    except (NoTestDatabases, Raised):
        return False
    return any(differ(_on(pack, known, data, first), _on(pack, known, data, other)) for data in databases)


RULES = (
    golds_run,
    results_are_repeatable,
    same_tells_results_apart,
    same_is_symmetric,
    values_can_be_shown,
    results_prove_something,
    canonical_keeps_the_meaning,
    exact_answers_are_same,
    mutants_are_killed,
    engine_accepts_valid_answers,
    databases_can_run,
    equal_answers_are_same,
    different_answers_differ,
)
