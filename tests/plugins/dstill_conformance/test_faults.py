"""One fault at a time in a pack that conforms: the kit names it, with an example and the line to change."""

from __future__ import annotations

import inspect
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.offering import offering
from support.rows_pack import (
    COLUMNS,
    EBNF,
    REFUSAL,
    TABLES,
    Query,
    Rows,
    RowsAnswers,
    RowsDatabases,
    RowsForm,
    RowsLinked,
    RowsOutput,
    RowsResults,
    RowsSynthesis,
    RowsTerms,
    Shelf,
    form,
    names,
    read,
    rows,
    sql,
)

from dstill import Check, Task
from dstill import plugins as plugin_loading
from dstill.api import (
    Cause,
    Draft,
    Engine,
    Example,
    Executor,
    Finding,
    Form,
    Grammar,
    KnownAnswers,
    Linked,
    Mutant,
    Outcome,
    OutcomeKind,
    Problem,
    Prompt,
    RationaleTerms,
    ResultProperties,
    TestDatabase,
    TestDatabases,
    Token,
)
from dstill.api.task import TaskProtocol
from dstill.linked import Item, Reading
from dstill.plugins import Plugins
from dstill_conformance.kit import Report, check
from dstill_conformance.pack import Pack

FILE = Path(__file__).parents[2] / "support" / "rows_pack.py"
LOADED = ("teachers", "constrain")  # beside the pack: what checks rationales and grammars
Part = type[Task] | type[TaskProtocol] | type[Executor] | type[Form]
FAULTS: list[Any] = []


def fault(*codes: str, where: Part | None = None) -> Callable[[Any], Any]:
    """Expect these findings of a class with a fault; `where`: the class that they point into, if it is another one."""

    def register(part: Any) -> Any:
        FAULTS.append(pytest.param(part, codes, where or part, id=part.__name__))
        return part

    return register


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    installed = {info.name for info in plugin_loading.load().loaded}
    return plugin_loading.load([FILE], disabled=installed - set(LOADED))


def checked(part: Any, plugins: Plugins | None, limit: int = 12) -> Report:
    """The report on `part`: a task, or an executor, a form or a protocol of `Rows`."""
    task: type[Task] = Rows
    executor: type[Executor] = Shelf
    if issubclass(part, Executor):
        executor = part
    elif issubclass(part, Form):
        task = offering(Rows, type("WithForm", (RowsLinked,), {"form": lambda self: part()}))
    elif issubclass(part, TaskProtocol):
        task = offering(Rows, part)
    else:
        task = part
    return check(Pack(task(), executor_class=executor, plugins=plugins, limit=limit, timeout=0.03))


def test_pack_without_fault_conforms(plugins: Plugins) -> None:
    report = checked(Rows, plugins, limit=60)
    assert list(report.findings) == []
    assert report.figures["mutation_score"] > 0.9
    assert report.golds == 60
    assert not any(group.cut for group in report.groups)


# --- the faults of the review -----------------------------------------------------------


@fault("same_always")
class SameAlways(Rows):
    def same(self, got: Any, want: Any) -> bool:
        return True


@fault("gold_unstable")
class SameByIdentity(Rows):
    def same(self, got: Any, want: Any) -> bool:
        return got is want


@fault("repeated_id")
class OneIdInSeveralSplits(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        return [replace(e, id=e.id.removeprefix(f"{split}-")) for e in super().examples(split)]


@fault("refusal_share", "junk_is_refusal")
class EverythingRefuses(Rows):
    def is_refusal(self, answer: str) -> bool:
        return not answer.endswith(("10", "50"))


@fault("canonical_changes_meaning")
class CanonicalDropsWhere(Rows):
    def canonical(self, answer: str) -> str:
        try:
            return str(replace(read(answer), where=()))
        except ValueError:
            return answer.strip()


@fault("parse_not_inverse")
class ParseLosesLimit(Rows):
    def parse(self, text: str) -> Draft | None:
        draft = super().parse(text)
        return None if draft is None else replace(draft, answer=draft.answer.partition(" LIMIT")[0])


@fault("junk_accepted")
class ChecksFindNothing(Rows):
    checks = (Check("form", lambda example, answer: (), parses=True),)


@fault("canonical_changes_meaning")
class CanonicalLowersLiterals(Rows):
    def canonical(self, answer: str) -> str:
        text = super().canonical(answer)
        return text if text == REFUSAL else text.replace("Red", "red").replace("Blue", "blue").replace("Green", "green")


@fault("no_templates")
class NoTemplates(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        return [replace(example, template="") for example in super().examples(split)]


@fault("unstable_examples")
class OtherQuestionsAtEachCall(Rows):
    calls = 0

    def examples(self, split: str) -> Iterable[Example]:
        self.calls += split == "test"
        return [replace(example, id=f"{example.id}-{self.calls}") for example in super().examples(split)]


@fault("same_ignores_duplicates")
class RowsAsSets(Rows):
    def same(self, got: Any, want: Any) -> bool:
        ordered = got["ordered"] or want["ordered"]
        return got["rows"] == want["rows"] if ordered else set(got["rows"]) == set(want["rows"])


@fault("different_agree")
class OrderIgnored(Rows):
    def same(self, got: Any, want: Any) -> bool:
        return Counter(got["rows"]) == Counter(want["rows"])


@fault("clauses_by_spelling")
class ClausesBySpelling(Rows):
    def clauses(self, answer: str) -> Iterable[str]:
        return answer.split(" ")


@fault("unknown_cause")
class LabelNotInCauses(Rows):
    def cause(self, got: str, want: str) -> Cause | None:
        found = super().cause(got, want)
        return Cause(label="wrong column") if found and found.label == "column" else found


@fault("ambiguous_input")
class InputWithoutDatabase(Rows):
    def model_input(self, example: Example) -> str:
        return example.question.replace(example.context["schema"], "rows")

    protocols: ClassVar = {name: one for name, one in Rows.protocols.items() if name is not Linked}


@fault("leak")
class UnseenDataOfTraining(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        unseen = split == "test_unseen_data"
        return [
            replace(e, context={"db": "SHOP", "schema": "things"}) if unseen else e for e in super().examples(split)
        ]


# --- what the author of that review did wrong himself -------------------------------------


@fault("gold_not_in_grammar")
class GoldsNotInGrammar(RowsOutput):
    def grammar(self, example: Example) -> Grammar:
        return Grammar(ebnf=EBNF.replace('" DESC"?', ""))


@fault("canonical_turns_refusal")
class CanonicalOfRefusalIsNone(Rows):
    def canonical(self, answer: str) -> str:
        return super().canonical(answer).lower()


@fault("canonical_not_idempotent")
class CanonicalGrows(Rows):
    def canonical(self, answer: str) -> str:
        text = super().canonical(answer)
        return text if self.is_refusal(text) else f"{text};"


@fault("equal_differ")
class TwoCanonicalForms(Rows):
    def canonical(self, answer: str) -> str:
        return " ".join(answer.split())


class MutantsWithoutOrder(RowsDatabases):
    def mutants(self, example: Example) -> Iterable[Mutant]:
        yield from super().mutants(example)
        query = read(example.answer or "")
        if query.order:
            yield Mutant(name="no order", answer=str(replace(query, order="", desc=False)))


@fault("same_not_symmetric")
class SameByOrderOfGold(Rows):
    protocols: ClassVar = {**Rows.protocols, TestDatabases: MutantsWithoutOrder}

    def same(self, got: Any, want: Any) -> bool:
        return got["rows"] == want["rows"] if want["ordered"] else Counter(got["rows"]) == Counter(want["rows"])


class ReferenceDecides(RowsResults):
    reference_decides = True


@fault("same_not_symmetric")
class SameIfAPart(Rows):
    protocols: ClassVar = {**Rows.protocols, ResultProperties: ReferenceDecides}

    def same(self, got: Any, want: Any) -> bool:
        return not Counter(got["rows"]) - Counter(want["rows"])


@fault("leaks_connections")
class ConnectionForEachRun(Shelf):
    def open(self, task: Task, engine: Engine) -> ConnectionForEachRun:
        super().open(task, engine)
        self.connections: list[sqlite3.Connection] = []
        return self

    def execute(self, answer: str, example: Example) -> Outcome:
        connection = self.connect(example)
        self.connections.append(connection)
        return super().execute(answer, example)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


@fault("method_raises")
class SynthesisNeedsReferences(RowsSynthesis):
    def synthesize(self, context: Any, n: int, seed: int) -> Iterable[Example]:
        yield from [context["references"]]


# --- ten more, and others -----------------------------------------------------------------


@fault("open_raises")
class CannotBeOpened(Shelf):
    def open(self, task: Task, engine: Engine) -> CannotBeOpened:
        raise KeyError(engine.url)


@fault("left_open")
class FileLeftOpen(Shelf):
    kept: Any = []  # noqa: RUF012 - that is the fault

    def open(self, task: Task, engine: Engine) -> FileLeftOpen:
        super().open(task, engine)
        self.kept.append(open(__file__))  # noqa: SIM115 - likewise
        return self

    def close(self) -> None:
        """Forgets the file."""


@fault("runaway")
class RunsOnAndOn(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        if answer.count("JOIN") > 3:
            time.sleep(2)
        return super().execute(answer, example)


@fault("timeout_unjudged")
class TimeoutIsNobodysFault(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        outcome = super().execute(answer, example)
        stopped = outcome.reason.startswith("stopped")
        return replace(outcome, kind=OutcomeKind.UNAVAILABLE) if stopped else outcome


@fault("runaway_refused")
class RunawayIsRefused(RowsAnswers):
    def runaway_answers(self, example: Example) -> Iterable[str]:
        return ["SELECT name FROM nowhere"]


@fault("form_changes_answer")
class FormLosesLiteral(RowsForm):
    def decode(self, tokens: Any, reading: Reading) -> str:
        return super().decode([token for token in tokens if token != "DESC"], reading)


@fault("form_unknown_token")
class FormLacksToken(RowsForm):
    tokens = tuple(token for token in RowsForm.tokens if token != "LIMIT")

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        found: list[Token] = []
        for part in answer.split():
            found += ["LIMIT"] if part == "LIMIT" else super().encode(part, reading)
        return found


@dataclass(frozen=True)
class OnlyStructure:
    form: Form

    def allowed(self) -> list[Token]:
        return [*self.form.tokens, ""]

    def push(self, token: Token) -> OnlyStructure:
        return self

    def allows(self, token: Token) -> bool:
        return token in self.allowed()


@fault("form_forbids_gold", where=OnlyStructure)  # type: ignore[arg-type]
class FormForbidsPointers(RowsForm):
    def start(self, reading: Reading) -> Any:
        return OnlyStructure(self)


@fault("method_raises")
class FormCannotDecode(RowsForm):
    def decode(self, tokens: Any, reading: Reading) -> str:
        return super().decode([tokens[0], *tokens[1:]], reading)


@fault("check_raises")
class CheckRaisesOnJunk(Rows):
    def first_word(self, example: Example, answer: str) -> Iterable[Problem]:
        if answer.split()[0] == "DROP":
            yield Problem(layer="guard", code="drop", message="no")

    @property
    def checks(self) -> tuple[Check, ...]:  # type: ignore[override]
        return (Check("guard", self.first_word), *Rows.checks)


@fault("check_slow")
class CheckGoesBackAndForth(Rows):
    def spaces(self, example: Example, answer: str) -> Iterable[Problem]:
        if len(answer) > 40_000 and answer.isspace():
            time.sleep(2.1)
        return ()

    @property
    def checks(self) -> tuple[Check, ...]:  # type: ignore[override]
        return (Check("spaces", self.spaces), *Rows.checks)


@fault("wrong_layer")
class CheckOfAnotherName(Rows):
    def grammar_of_it(self, example: Example, answer: str) -> Iterable[Problem]:
        return form(example, answer)

    @property
    def checks(self) -> tuple[Check, ...]:  # type: ignore[override]
        return (Check("syntax", self.grammar_of_it, parses=True), Check("names", names))


@fault("repeated_check")
class ChecksOfOneName(Rows):
    checks = (Check("form", form, parses=True), Check("names", names), Check("names", names))


@fault("method_raises")
class CanonicalRaisesOnJunk(Rows):
    def canonical(self, answer: str) -> str:
        return answer if answer == REFUSAL else str(read(answer))


@fault("mutant_is_gold")
class MutantIsTheGold(RowsDatabases):
    def mutants(self, example: Example) -> Iterable[Mutant]:
        yield Mutant(name="nothing changed", answer=f"  {example.answer}")


@fault("mutants_survive")
class DatabasesShowNothing(RowsDatabases):
    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        return [TestDatabase(name="empty", data={"rows": []})]


@fault("database_fails")
class DatabaseOfAnotherForm(RowsDatabases):
    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        yield TestDatabase(name="narrow", data={"rows": [("a", "Red")]})


@fault("unstable_databases")
class DatabasesByChance(RowsDatabases):
    calls = 0

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        self.calls += 1
        return [TestDatabase(name="rows", data={"rows": rows("shop", self.calls)})]


class OtherTerms(RowsTerms):
    def answer_terms(self, answer: str) -> Iterable[str]:
        return ["column_17"]


@fault("rationale_refused", where=OtherTerms)
class TermsThatNobodySays(Rows):
    protocols: ClassVar = {**Rows.protocols, RationaleTerms: OtherTerms}

    def example(self, *words: str) -> Example:
        made = super().example(*words)
        return replace(made, rationale="the words say it") if made.answer != REFUSAL else made


@fault("leak")
class TestQuestionInTraining(Rows):
    __test__ = False

    def examples(self, split: str) -> Iterable[Example]:
        found = list(super().examples(split))
        return (
            [*found, replace(next(iter(super().examples("train"))), id="again", split=split)]
            if split == "test"
            else found
        )


@fault("leak")
class UnseenTemplateInTraining(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        return [replace(e, template="one") for e in super().examples(split)]


@fault("no_data_names")
class DataWithoutName(Rows):
    data_key = "database"


class HarmlessIsHostile(RowsAnswers):
    def hostile_answers(self, example: Example) -> Iterable[str]:
        return [f"SELECT name FROM {example.context['schema']}"]


@fault("hostile_runs")
class GuardLetsThrough(Rows):
    checks = Rows.checks
    protocols: ClassVar = {**Rows.protocols, KnownAnswers: HarmlessIsHostile}


@fault("wrong_split")
class SplitIgnored(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        return super().examples("train") if split == "validation" else super().examples(split)


@fault("not_json")
class TupleInContext(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        return [replace(e, context={**e.context, "columns": COLUMNS}) for e in super().examples(split)]


@fault("contradiction")
class TwoAnswersToOneQuestion(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        found = list(super().examples(split))
        return [*found, replace(found[0], id="other", answer=found[1].answer)] if split == "train" else found


@fault("unstable_synthesis")
class SynthesisByChance(RowsSynthesis):
    drawn = 0

    def synthesize(self, context: Any, n: int, seed: int) -> Iterable[Example]:
        Rows.drawn = getattr(Rows, "drawn", 0) + 1
        return super().synthesize(context, n, seed + Rows.drawn)


@fault("answer_told")
class PromptTellsAnswer(Rows):
    def prompt(self, example: Example, shots: Any) -> Prompt:
        return super().prompt(replace(example, question=f"{example.question}\n{example.answer}"), shots)


@fault("answer_told")
class InputTellsAnswer(Rows):
    def model_input(self, example: Example) -> str:
        return f"{super().model_input(example)}\n{example.answer}"


@fault("prompt_lacks_question")
class PromptWithoutQuestion(Rows):
    def prompt(self, example: Example, shots: Any) -> Prompt:
        return super().prompt(replace(example, question="?"), shots)


@fault("reply_text_changes")
class ReplyQuotesAnswer(Rows):
    def reply_text(self, rationale: str, answer: str) -> str:
        return f"<rationale>{rationale}</rationale><answer>{answer!r}</answer>"


@fault("gold_not_json")
class GoldsAreNotJson(Rows):
    json_answers = True


@fault("gold_refused")
class GoldOfAnotherTable(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        found = list(super().examples(split))
        return [replace(e, answer=f"SELECT name FROM {TABLES['garden']}") if n % 2 else e for n, e in enumerate(found)]


@fault("cause_of_equal")
class CauseOfEqual(Rows):
    def cause(self, got: str, want: str) -> Cause | None:
        return super().cause(got, want) or Cause(label="other")


@fault("equal_refused")
class EqualIsRefused(RowsAnswers):
    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return [("SELECT name", "SELECT  name")]


class LimitIsNothing(RowsAnswers):
    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return [(f"SELECT name FROM {example.context['schema']} LIMIT {n}", "") for n in ()] or [
            (f"SELECT name FROM {example.context['schema']}", f"SELECT name FROM {example.context['schema']} LIMIT 1")
        ]


@fault("equal_not_same", where=Rows)
class EqualIsNotSame(Rows):
    protocols: ClassVar = {**Rows.protocols, KnownAnswers: LimitIsNothing}

    def canonical(self, answer: str) -> str:
        return super().canonical(answer).partition(" LIMIT")[0]


@fault("exact_not_same", "different_exact")
class CanonicalDropsOrder(Rows):
    def canonical(self, answer: str) -> str:
        return super().canonical(answer).replace(" DESC", "")


class OrderedIsEmpty(RowsResults):
    def is_empty(self, value: Any) -> bool:
        return not value["rows"] or bool(value["ordered"])


@fault("same_but_not_alike", where=OrderedIsEmpty)
class EmptyIfOrdered(SameByOrderOfGold):
    protocols: ClassVar = {**SameByOrderOfGold.protocols, ResultProperties: OrderedIsEmpty}


class NothingIsTrivial(RowsResults):
    def is_trivial(self, value: Any, example: Example) -> bool:
        return False


@fault("empty_not_trivial", where=NothingIsTrivial)
class EmptyIsNotTrivial(Rows):
    protocols: ClassVar = {**Rows.protocols, ResultProperties: NothingIsTrivial}

    def examples(self, split: str) -> Iterable[Example]:
        return [
            replace(e, answer=f"SELECT name FROM {e.context['schema']} WHERE price < 0")
            if e.id.endswith("first-14")
            else e
            for e in super().examples(split)
        ]


@fault("method_raises")
class ResultCannotBeShown(RowsResults):
    def is_trivial(self, value: Any, example: Example) -> bool:
        return bool(value["hits"] == 0)


@fault("setting_without_help")
class SettingWithoutHelp(Rows):
    @dataclass(frozen=True, kw_only=True)
    class Config:
        size: int = 3


@fault("no_executor")
class ExecutorNotRegistered(Rows):
    executors = ("shelf", "postgres")


@fault("value_not_json")
class DatesInResult(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        outcome = super().execute(answer, example)
        return replace(outcome, value={**outcome.value, "on": date(2020, 1, 1)}) if outcome.value else outcome


@fault("gold_fails")
class EngineKnowsNoOrder(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        if "ORDER BY" in answer:
            return Outcome(kind=OutcomeKind.INVALID, reason="no such keyword: ORDER")
        return super().execute(answer, example)


@fault("execute_raises")
class ExecuteRaises(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        return super().execute(answer, example) if answer == answer.strip() else Outcome(kind=OutcomeKind(answer))


@fault("state_changes")
class RunsChangeData(Shelf):
    def open(self, task: Task, engine: Engine) -> RunsChangeData:
        super().open(task, engine)
        self.runs = 0
        return self

    def execute(self, answer: str, example: Example) -> Outcome:
        self.runs += 1
        outcome = super().execute(answer, example)
        return replace(outcome, value={**outcome.value, "rows": []}) if self.runs > 200 and outcome.value else outcome


@fault("not_reopened")
class OpensOnce(Shelf):
    closed = False

    def open(self, task: Task, engine: Engine) -> OpensOnce:
        super().open(task, engine)
        return self

    def execute(self, answer: str, example: Example) -> Outcome:
        gone = Outcome(kind=OutcomeKind.UNAVAILABLE, reason="the connection is closed")
        return gone if self.closed else super().execute(answer, example)

    def close(self) -> None:
        self.closed = True


@fault("threads_disagree")
class SharedBetweenThreads(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        outcome = super().execute(answer, example)
        main = threading.current_thread() is threading.main_thread()
        return outcome if main or not outcome.value else replace(outcome, value={**outcome.value, "rows": []})


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 16 + 10


@pytest.mark.parametrize(("part", "codes", "where"), FAULTS)
def test_fault_is_found_with_its_line(part: Any, codes: tuple[str, ...], where: type, plugins: Plugins) -> None:
    report = checked(part, plugins)
    found = {finding.code: finding for finding in report.errors}
    assert set(codes) <= found.keys(), [str(finding) for finding in report.findings]
    for code in codes:
        _assert_points_into(found[code], where)


def _assert_points_into(finding: Finding, kind: type) -> None:
    file, _, line = finding.where.rpartition(":")
    lines, first = inspect.getsourcelines(kind)
    assert Path(file) == Path(inspect.getsourcefile(kind) or "")
    assert first <= int(line) < first + len(lines), finding
    assert finding.what
    assert finding.hint


# --- other findings ---------------------------------------------------------------------


def test_task_that_cannot_give_its_questions_is_named() -> None:
    class NoQuestions(Rows):
        def examples(self, split: str) -> Iterable[Example]:
            raise KeyError(split)

    (finding,) = checked(NoQuestions, None).findings
    assert finding.code == "method_raises"
    assert finding.what.startswith("task 'rows': examples raised KeyError on 'train'")


def test_reference_may_decide_whether_an_order_counts(plugins: Plugins) -> None:
    class WithoutOrder(RowsAnswers):
        def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
            table = example.context["schema"]
            yield f"SELECT name FROM {table} ORDER BY price", f"SELECT name FROM {table}"

    class OrderOfReference(SameByOrderOfGold):
        """Things in tables."""

        protocols: ClassVar = {
            **SameByOrderOfGold.protocols,
            KnownAnswers: WithoutOrder,
            ResultProperties: ReferenceDecides,
        }

    assert checked(OrderOfReference, plugins, limit=12).errors == ()


def test_pack_without_executor_is_checked_too() -> None:
    report = check(Pack(Rows(), limit=5))
    assert report.errors == ()
    assert next(group.rules for group in report.groups if group.name == "results") == 0


def test_what_does_not_fit_into_the_time_is_named() -> None:
    report = check(Pack(Rows(), executor_class=Shelf, limit=5), seconds=0)
    assert all(group.cut for group in report.groups)


def test_pack_that_states_nothing_gets_advice() -> None:
    class NoneIsHostile(RowsAnswers):
        def hostile_answers(self, example: Example) -> Iterable[str]:
            return ()

    class Silent(Rows):
        protocols: ClassVar = {**Rows.protocols, KnownAnswers: NoneIsHostile}

    report = check(Pack(Silent(), executor_class=Shelf, limit=2))
    assert [finding.code for finding in report.findings] == ["no_docstring", "no_hostile_answers"]
    assert report.errors == ()


@fault("databases_ignored")
class ShelfIgnoresDatabases(Shelf):
    def execute(self, answer: str, example: Example) -> Outcome:
        own = {key: value for key, value in example.context.items() if key != "test_database"}
        return super().execute(answer, replace(example, context=own))


class MethodWithTypo(RowsResults):
    def is_non_deterministic(self, value: Any, example: Example) -> bool:
        return False


class FormWithoutRefusals(RowsForm):
    tokens = tuple(token for token in RowsForm.tokens if token != REFUSAL)


class FormWithoutOrder(RowsForm):
    tokens = tuple(token for token in RowsForm.tokens if token != "ORDER")


class FormWithPlurals(RowsForm):
    def items(self, example: Example) -> list[Item]:
        return [replace(item, words=(item.name,)) for item in super().items(example)]


class BoundsAreNotTried(RowsDatabases):
    """Its databases hold hardly any price that a question names."""

    def mutants(self, example: Example) -> Iterable[Mutant]:
        yield from super().mutants(example)
        if bound := re.search(r"price < (\d+)", example.answer or ""):
            more = f"price < {int(bound[1]) + 1}"
            yield Mutant(name="< → <= at price", answer=(example.answer or "").replace(bound[0], more))


@pytest.mark.parametrize(
    ("part", "code", "shown"),
    [
        (FormWithoutRefusals, "form_without_refusals", "no tokens for any refusal, as for 'train-shop-joke'"),
        (FormWithoutOrder, "form_too_small", "'ORDER' is neither a token"),
        (FormWithPlurals, "item_not_stem", "the item 'things' has the word 'things', and words of questions"),
        (MethodWithTypo, "unknown_name", "'is_non_deterministic' of MethodWithTypo, which has no 'is_nondet"),
        (BoundsAreNotTried, "mutant_kind_survives", "mutants of the kind '< → <=' have the gold's result"),
    ],
)
def test_advice_is_given_with_an_example(part: Part, code: str, shown: str, plugins: Plugins) -> None:
    report = checked(part, plugins)
    assert report.errors == ()
    finding = next(finding for finding in report.findings if finding.code == code)
    assert shown in finding.what
    assert finding.hint


def test_query_of_support_is_written_as_it_was_read() -> None:
    text = "SELECT name FROM things WHERE price < 3 ORDER BY price DESC LIMIT 2"
    assert str(read(text)) == text
    assert sql(Query("name", ("a", "b"))).startswith("SELECT t0.name FROM a AS t0, b AS t1")
