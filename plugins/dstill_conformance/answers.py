"""Rules about answers as text: checks, canonical forms, refusals, causes and clauses. Nothing is run."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from dstill.api.finding import Finding, line_of
from dstill.api.protocols import Presentation, RationaleTerms
from dstill.api.records import Example, Severity
from dstill.api.task import Check
from dstill_conformance import texts
from dstill_conformance.pack import Pack, Raised, quoted, raised

__all__ = ["RULES"]

SLOW_CHECK = 2.0  # seconds that one check may take for one text
MOST_JUNK = 0.5  # share of texts in no language that the checks may accept


def checks_never_raise(pack: Pack) -> Iterator[Finding]:
    """A check yields problems for any text, soon, and under its own name."""
    example, checks = _any_example(pack), pack.task.checks
    for number, check in enumerate(checks):
        for text in pack.timed(pack.texts):
            if not _reaches(checks[:number], check, example, text):
                continue
            started = time.perf_counter()
            try:
                problems = list(check.run(example, text))
            except Exception as error:
                findings = raised(pack.task, f"check '{check.name}'", (text,), error, code="check_raises")
                yield findings
                break
            if time.perf_counter() - started > SLOW_CHECK:
                yield Finding(
                    code="check_slow",
                    what=f"check '{check.name}' takes {time.perf_counter() - started:.0f} s for {quoted(text)} "
                    f"({len(text):,} characters)",
                    where=line_of(check.run) or pack.line("checks"),
                    hint="refuse long texts first, and avoid patterns that go back over the text",
                )
                break
            other = next((problem for problem in problems if problem.layer != check.name), None)
            if other is not None:
                yield Finding(
                    code="wrong_layer",
                    what=f"check '{check.name}' yields a problem of the layer '{other.layer}' ({other.message})",
                    where=line_of(check.run) or pack.line("checks"),
                    hint="Problem.layer is the name of the check: it decides which level an answer reaches",
                )
                break


def _reaches(before: Sequence[Check], check: Check, example: Example, text: str) -> bool:
    """Whether dstill calls `check` with `text`: the layers before it that parse accept the text."""
    try:
        stopped = any(problem.is_error for layer in before if layer.parses for problem in layer.run(example, text))
        return not stopped and (check.applies is None or check.applies(example))
    except Exception:
        return False


def _any_example(pack: Pack) -> Example:
    return next(iter([*pack.golds, *pack.examples]), Example(id="any", question="?"))


def methods_never_raise(pack: Pack) -> Iterator[Finding]:
    """Methods that take an answer return for any text, and `parse` for any reply."""
    task, example = pack.task, _any_example(pack)
    gold = example.answer or ""
    methods: tuple[Callable[[str], Any], ...] = (
        task.canonical,
        task.is_refusal,
        lambda text: task.clauses(text),
        task.parse,
        lambda text: (task.cause(text, gold), task.cause(gold, text)),
        lambda text: list(RationaleTerms.of(task).answer_terms(text)),
        lambda text: Presentation.of(task).refusal_reason(text),
        lambda text: list(Presentation.of(task).highlight(text)),
        lambda text: list(Presentation.of(task).snippets(text, example)),
        lambda text: Presentation.of(task).relevant_schema(example, text),
    )
    for method in methods:
        for text in pack.timed(pack.texts):
            try:
                method(text)
            except Raised as found:
                yield found.finding
                break


def names_of_checks_differ(pack: Pack) -> Iterator[Finding]:
    """Each check has a name of its own."""
    for name, n in Counter(check.name for check in pack.task.checks).items():
        if n > 1:
            what, hint = f"{n} checks are called '{name}'", "a name says in reports how far an answer came"
            yield Finding(code="repeated_check", what=what, where=pack.line("checks"), hint=hint)


def junk_is_refused(pack: Pack) -> Iterator[Finding]:
    """The checks refuse most texts that are in no language."""
    example, junk = _any_example(pack), texts.junk(pack.seed)
    passed = [text for text in junk if not pack.errors(text, example) and not pack.task.is_refusal(text)]
    if len(passed) > MOST_JUNK * len(junk):
        yield Finding(
            code="junk_accepted",
            what=f"the checks accept {len(passed)} of {len(junk)} texts that are no answers: {quoted(passed[0])}",
            where=pack.line("checks"),
            hint="add a check of the form, marked parses, that refuses what is not in the language",
        )


def junk_is_no_refusal(pack: Pack) -> Iterator[Finding]:
    """`is_refusal` is false for most texts that are in no language."""
    junk = texts.junk(pack.seed)
    taken = [text for text in junk if pack.task.is_refusal(text)]
    if len(taken) > MOST_JUNK * len(junk):
        yield Finding(
            code="junk_is_refusal",
            what=f"is_refusal is true for {len(taken)} of {len(junk)} texts that are no answers: {quoted(taken[0])}",
            where=pack.line("is_refusal"),
            hint="a text that is not in the language is not a refusal: a refusal counts as valid, and is not run",
        )


def golds_pass_the_checks(pack: Pack) -> Iterator[Finding]:
    """No gold has an error."""
    for example in pack.timed([*pack.golds, *pack.refusals]):
        answer = example.answer or ""
        if errors := pack.errors(answer, example):
            check = next((check for check in pack.task.checks if check.name == errors[0].layer), None)
            at = line_of(check.run) if check else ""
            yield Finding(
                code="gold_refused",
                what=f"the reference answer of '{example.id}' fails a check: {errors[0]}",
                where=pack.line("examples"),
                hint=f"mend the answer, or the check '{errors[0].layer}'" + (f" ({at})" if at else ""),
            )
        if pack.task.json_answers and not _is_json(answer):
            yield Finding(
                code="gold_not_json",
                what=f"the reference answer of '{example.id}' is not JSON, but json_answers is true",
                where=pack.line("json_answers"),
                hint="set json_answers only if every answer is JSON, refusals included",
            )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def canonical_is_stable(pack: Pack) -> Iterator[Finding]:
    """`canonical(canonical(x)) == canonical(x)`, and the canonical form of a refusal is a refusal."""
    task = pack.task
    answers = [(f"'{e.id}'", e.answer or "") for e in [*pack.golds, *pack.refusals]]
    answers += [(quoted(text), text) for text in pack.texts]
    for name, answer in pack.timed(answers):
        once = task.canonical(answer)
        if task.canonical(once) != once:
            yield Finding(
                code="canonical_not_idempotent",
                what=f"the canonical form of {name} is {quoted(once)}, and that of this is another one",
                where=pack.line("canonical"),
                hint="write the canonical form in the language itself, so that it is read as it was written",
            )
        if task.is_refusal(answer) != task.is_refusal(once):
            was = "a refusal" if task.is_refusal(answer) else "no refusal"
            yield Finding(
                code="canonical_turns_refusal",
                what=f"{name} is {was}, and its canonical form {quoted(once)} is not so",
                where=pack.line("canonical"),
                hint="return refusals in a form that is_refusal knows, and nothing else",
            )


def clauses_ignore_spelling(pack: Pack) -> Iterator[Finding]:
    """Answers with one canonical form have equal clauses."""
    task = pack.task
    for example in pack.timed(pack.golds):
        gold = example.answer or ""
        spellings = [task.canonical(gold), *texts.respelled(gold)]
        for other in [text for text in spellings if text != gold and task.canonical(text) == task.canonical(gold)]:
            if pack.errors(other, example):
                continue
            if _bag(task.clauses(other)) != _bag(task.clauses(gold)):
                yield Finding(
                    code="clauses_by_spelling",
                    what=f"{quoted(other)} has other clauses than the reference answer of '{example.id}', though both "
                    "have one canonical form",
                    where=pack.line("clauses"),
                    hint="take the clauses from the canonical form",
                )
                break


def _bag(clauses: Iterable[str] | None) -> Counter[str] | None:
    return None if clauses is None else Counter(clauses)


def causes_are_declared(pack: Pack) -> Iterator[Finding]:
    """`cause(gold, gold)` is None, and the cause of a wrong answer has a label of `causes`."""
    task, known = pack.task, pack.task.causes
    for example in pack.timed(pack.golds):
        gold = example.answer or ""
        if (cause := task.cause(gold, gold)) is not None:
            yield Finding(
                code="cause_of_equal",
                what=f"cause of the reference answer of '{example.id}' with itself is '{cause.label}', not None",
                where=pack.line("cause"),
                hint="return None if the canonical forms are equal",
            )
    labels: dict[str, str] = {}
    golds = [(e.id, e.answer or "") for e in pack.golds]
    pairs = [(example.id, mutant.answer, example.answer or "") for example, mutant in pack.mutants()]
    pairs += [(id, other, gold) for (id, gold), (_, other) in pairwise(golds)]
    for id, got, want in pack.timed(pairs):
        if (cause := task.cause(got, want)) is not None:
            labels.setdefault(cause.label, id)
    for label, id in labels.items():
        if label not in known:
            yield Finding(
                code="unknown_cause",
                what=f"cause returns the label '{label}' (for '{id}'), which is not in causes: {', '.join(known)}",
                where=pack.line("cause"),
                hint="list every label in causes: reports count failures by them, in that order",
            )


def mutants_differ_from_golds(pack: Pack) -> Iterator[Finding]:
    """A mutant is not the gold in another spelling, and its clauses and cause say what differs."""
    task, silent, total = pack.task, defaultdict[str, list[str]](list), 0
    for example, mutant in pack.mutants():
        total += 1
        gold = example.answer or ""
        if task.canonical(mutant.answer) == task.canonical(gold):
            yield Finding(
                code="mutant_is_gold",
                what=f"the mutant '{mutant.name}' of '{example.id}' has the canonical form of its reference answer: "
                f"{quoted(mutant.answer)}",
                where=pack.line("mutants"),
                hint="leave it out, or canonical merges answers that differ",
            )
            continue
        if task.cause(mutant.answer, gold) is None:
            silent["cause"].append(f"'{mutant.name}' of '{example.id}'")
        if (clauses := _bag(task.clauses(gold))) is not None and clauses == _bag(task.clauses(mutant.answer)):
            silent["clauses"].append(f"'{mutant.name}' of '{example.id}'")
    for method, golds in silent.items():
        if len(golds) > total / 2:
            yield Finding(
                code=f"{method}_silent",
                what=f"{method} sees no difference between {len(golds)} of {total} mutants and their golds: {golds[0]}",
                where=pack.line(method),
                hint="failures of this kind have no cause in the report"
                if method == "cause"
                else "clause F1 misses it",
                severity=Severity.WARNING,
            )


def equal_answers_have_one_form(pack: Pack) -> Iterator[Finding]:
    """The pairs that the author calls equal have equal canonical forms, and pass the checks."""
    task = pack.task
    for example, first, other in pack.pairs("equal_answers"):
        for answer in (first, other):
            if errors := pack.errors(answer, example):
                yield Finding(
                    code="equal_refused",
                    what=f"of the equal answers {quoted(first)} and {quoted(other)}, one fails a check: {errors[0]}",
                    where=pack.line("equal_answers"),
                    hint=f"mend the pair, or the check '{errors[0].layer}'",
                )
        if task.canonical(first) != task.canonical(other):
            yield Finding(
                code="equal_differ",
                what=f"{quoted(first)} and {quoted(other)} are equal, and have two canonical forms: "
                f"{quoted(task.canonical(first))} and {quoted(task.canonical(other))}",
                where=pack.line("canonical"),
                hint="exact match counts one of them as wrong, and the dataset keeps both",
            )


RULES = (
    checks_never_raise,
    methods_never_raise,
    names_of_checks_differ,
    junk_is_refused,
    junk_is_no_refusal,
    golds_pass_the_checks,
    canonical_is_stable,
    clauses_ignore_spelling,
    causes_are_declared,
    mutants_differ_from_golds,
    equal_answers_have_one_form,
)
