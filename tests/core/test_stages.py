"""The stages, from rows to rows, with toy parts: no file except the reply store, no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.offering import offering

from dstill.answering import steps
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.judging import judge
from dstill.api.objective import Objective
from dstill.api.protocols import NoTestDatabases, ResultProperties, TestDatabases
from dstill.api.records import (
    SPLITS,
    Draft,
    Example,
    Level,
    Outcome,
    OutcomeKind,
    Prediction,
    Record,
    Rejection,
    ResultDiff,
    TestDatabase,
    Verdict,
)
from dstill.api.student import Student, TrainingJob
from dstill.api.task import Task
from dstill.plugins import Plugins


@pytest.fixture
def abacus(plugins: Plugins, task: Task) -> Iterator[Executor]:
    with plugins.executor("abacus")().open(task, Engine()) as executor:
        yield executor


def golds(task: Task) -> list[Record]:
    """The task's questions with their own answers."""
    return [
        Record(
            id=e.id,
            question=e.question,
            rationale=e.rationale or "",
            answer=e.answer or "",
            category=e.category,
            template=e.template,
            split=e.split,
        )
        for split in SPLITS
        for e in task.examples(split)
    ]


# --- executing the answers of a dataset -------------------------------------------------


def record(id: str, answer: str, **more: Any) -> Record:
    return Record(id=id, question=f"q {id}", rationale="r", answer=answer, **more)


class RefusesAll(Executor):
    """Refuses every answer."""

    name = "fussy"

    def execute(self, answer: str, example: Example) -> Outcome:
        return Outcome(kind=OutcomeKind.INVALID, reason=f"I do not like {answer}")


def test_rejects_only_invalid_answers(task: Task, abacus: Executor) -> None:
    rejected = Rejection(id="0", question="q", problems=())
    rows: list[Record | Rejection] = [
        rejected,
        record("1", "1+2"),
        record("2", "none"),  # a refusal is not executed
        record("3", "1+2~"),  # unsupported: not the fault of the answer
        record("4", "1+2!"),  # unavailable: not the fault of the answer
        record("5", "1*2"),
    ]
    outcomes: Counter[str] = Counter()
    ran = list(steps.execute([(row, True) for row in rows], abacus, task, outcomes))
    assert outcomes == {"ok": 1, "unsupported": 1, "unavailable": 1, "invalid": 1}
    assert ran[:5] == rows[:5]
    assert isinstance(ran[5], Rejection)
    assert (ran[5].problems[0].layer, ran[5].problems[0].message) == ("form", "'1*2' is no sum")
    (row,) = steps.execute([(rows[1], True)], RefusesAll().open(task, Engine()), task, outcomes)
    assert isinstance(row, Rejection)
    assert (row.problems[0].layer, row.problems[0].message) == ("engine", "I do not like 1+2")


# --- splits -----------------------------------------------------------------------------

EXAMPLES = st.lists(
    st.builds(
        Example,
        id=st.integers(0, 10**6).map(str),
        question=st.just("q"),
        template=st.sampled_from(["", *(f"t{i}" for i in range(50))]),
        split=st.sampled_from(["", "", "", "train", "test"]),
    ),
    max_size=60,
    unique_by=lambda e: e.id,
)


def test_question_without_split_is_of_the_split_it_was_asked_for(task: Task) -> None:
    class Silent(type(task)):  # type: ignore[misc]
        def examples(self, split: str) -> Iterator[Example]:
            for example in super().examples(split):
                yield replace(example, split="")

    assert list(steps.examples_of(Silent())) == list(steps.examples_of(task))
    assert {e.split for e in steps.examples_of(task)} >= {"train", "test"}


@given(EXAMPLES, st.integers(0, 2**32 - 1))
def test_splits_are_deterministic_by_template(examples: list[Example], seed: int) -> None:
    split = [steps.assign_split(e, seed) for e in examples]
    assert split == [steps.assign_split(e, seed) for e in reversed(examples)][::-1]
    for before, after in zip(examples, split, strict=True):
        assert after.split in SPLITS
        assert after == before if before.split else after == replace(before, split=after.split)
    drawn = [after for before, after in zip(examples, split, strict=True) if not before.split]
    held = {e.template for e in drawn if e.split == "test_unseen_templates"}
    assert "" not in held
    assert not held & {e.template for e in drawn if e.split != "test_unseen_templates"}


def test_splits_have_the_configured_shares() -> None:
    examples = [Example(id=str(i), question="q", template=f"t{i % 500}") for i in range(10_000)]
    counts = Counter(steps.assign_split(e, 0).split for e in examples)
    assert 0.7 < counts["train"] / 10_000 < 0.83
    assert 0.06 < counts["test_unseen_templates"] / 10_000 < 0.14
    assert 0.07 < counts["test"] / 10_000 < 0.11
    assert 0.03 < counts["validation"] / 10_000 < 0.06


@given(EXAMPLES, st.integers(1, 80))
def test_limit_keeps_shares_and_grows_monotonically(examples: list[Example], limit: int) -> None:
    examples = [steps.assign_split(e, 0) for e in examples]
    kept = list(steps.stratified_head(examples, limit))
    assert len(kept) == min(limit, len(examples))
    assert [e for e in examples if e in kept] == kept
    for split in SPLITS:
        n, of = sum(e.split == split for e in kept), sum(e.split == split for e in examples)
        assert n >= of * limit // max(1, len(examples)) or n == of


def splits(**records: list[Record]) -> list[Record]:
    return [replace(r, split=split) for split, of_split in records.items() for r in of_split]


def test_correct_splits_pass(task: Task, plugins: Plugins) -> None:
    steps.check_splits(golds(task), task)
    same_words = splits(
        train=[record("1", "a", context={"data": "i"})], test=[replace(record("2", "a"), context={"data": "j"})]
    )
    steps.check_splits(same_words, task)
    steps.check_splits(splits(test=[record("1", "a", template="t")]), task)  # no train at all


# --- answering and judging --------------------------------------------------------------


def judged(
    plugins: Plugins, task: Task, answers: dict[str, str], executor: Executor | None, **more: Any
) -> list[Verdict]:
    """Verdicts on ``{answer: gold}``."""
    objective = plugins.objective("plain")()
    pairs = [
        (Example(id=str(n), question="q", answer=gold), Prediction(id=str(n), text=answer, **more))
        for n, (answer, gold) in enumerate(answers.items())
    ]
    return list(steps.judge(plugins, task, pairs, objective, executor))


@pytest.mark.parametrize(
    ("answer", "gold", "reached", "checked", "outcome"),
    [
        ("", "1+2", Level.UNPARSED, Level.CORRECT, ""),
        ("words", "1+2", Level.UNPARSED, Level.CORRECT, ""),
        ("100+1", "1+2", Level.PARSED, Level.CORRECT, ""),
        ("1+2", "1+2", Level.CORRECT, Level.CORRECT, "ok"),
        ("2+1", "1+2", Level.CORRECT, Level.CORRECT, "ok"),
        ("2-1", "1+2", Level.EXECUTED, Level.CORRECT, "ok"),
        ("1+2~", "1+2", Level.VALID, Level.VALID, "unsupported"),
        ("1+2!", "1+2", Level.VALID, Level.VALID, "unavailable"),
        ("none", "none", Level.CORRECT, Level.CORRECT, ""),
        ("none", "1+2", Level.VALID, Level.CORRECT, ""),
        ("1+2", "none", Level.VALID, Level.CORRECT, ""),
    ],
)
def test_level_reached_by_an_answer(
    plugins: Plugins, task: Task, abacus: Executor, answer: str, gold: str, reached: Level, checked: Level, outcome: str
) -> None:
    (verdict,) = judged(plugins, task, {answer: gold}, abacus)
    assert (verdict.reached, verdict.checked, verdict.outcome) == (reached, checked, outcome)
    assert bool(verdict.reason) is (reached is not Level.CORRECT)


def test_failing_gold_does_not_count_against_the_student(plugins: Plugins, task: Task, abacus: Executor) -> None:
    verdicts = judged(plugins, task, {"1+2": "1*2", "2+2": "1+2!", "words": "1+2~"}, abacus)
    assert [v.checked for v in verdicts] == [Level.VALID] * 3
    assert [v.gold_error for v in verdicts] == [
        "invalid: not run: form: '1*2' is no sum",
        "unavailable: not today",
        "unsupported: not today",
    ]


def test_checks_stop_at_valid_without_an_executor(plugins: Plugins, task: Task) -> None:
    verdicts = judged(plugins, task, {"1+2": "1+2", "2-1": "1+2", "100+1": "1+2"}, None)
    assert [v.reached for v in verdicts] == [Level.VALID, Level.VALID, Level.PARSED]
    assert {v.checked for v in verdicts} == {Level.VALID}
    assert [v.exact for v in verdicts] == [True, False, False]


def test_checks_stop_at_executed_without_a_gold(plugins: Plugins, task: Task, abacus: Executor) -> None:
    example = Example(id="1", question="q")
    for text, reached in (("1+2", Level.EXECUTED), ("words", Level.UNPARSED), ("none", Level.VALID)):
        verdict = judge(task, example, task.parse(task.reply_text("", text)), abacus)
        assert verdict.reached == reached
        assert verdict.checked <= Level.EXECUTED
        assert verdict.exact is None


def test_truncated_answer_is_not_an_answer(plugins: Plugins, task: Task, abacus: Executor) -> None:
    (verdict,) = judged(plugins, task, {"1+2": "1+2"}, abacus, truncated=True)
    assert (verdict.reached, verdict.reason) == (Level.UNPARSED, "cut off at the token limit")


def test_empty_output_has_its_own_reason(plugins: Plugins, task: Task, abacus: Executor) -> None:
    assert [v.reason for v in judged(plugins, task, {"": "1+2", " \n": "1+2"}, abacus)] == ["no output"] * 2


def named_databases(*names: str, why_not: str = "") -> type[TestDatabases]:
    class Named(TestDatabases):
        def test_databases(self, example: Example, k: int) -> list[TestDatabase]:
            if why_not:
                raise NoTestDatabases(why_not)
            return [TestDatabase(name=name, data={}) for name in names]

    return Named


class Broken(Executor):
    """Right on the base data, unavailable on a test database."""

    name = "broken"

    def execute(self, answer: str, example: Example) -> Outcome:
        if "test_database" in example.context and answer == "2+1":
            return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="timeout")
        return Outcome(kind=OutcomeKind.OK, value=3)


def test_unavailable_test_database_does_not_count_against_the_student(plugins: Plugins) -> None:
    task = offering(plugins.task("toy"), named_databases("small"))()
    (verdict,) = judged(plugins, task, {"2+1": "1+2"}, Broken().open(task, Engine()))
    assert (verdict.reached, verdict.checked, verdict.outcome) == (Level.EXECUTED, Level.EXECUTED, "unavailable")


class RightOnDataOnly(Executor):
    """Every answer is right on the base data; on a test database an answer evaluates to itself."""

    name = "lucky"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def context(self, example: Example) -> dict[str, str]:
        return {"seen": "by the engine"}

    def execute(self, answer: str, example: Example) -> Outcome:
        self.asked.append(answer)
        if "test_database" not in example.context:
            return Outcome(kind=OutcomeKind.OK, value=0)
        assert example.context["seen"] == "by the engine"
        bad = example.context["test_database"].name == "bad" and answer == "1+2"
        return Outcome(kind=OutcomeKind.INVALID if bad else OutcomeKind.OK, value=eval(answer))


def on_test_databases(
    plugins: Plugins, answer: str, *names: str, why_not: str = "", base: Any = None
) -> tuple[Verdict, list[str]]:
    class Evened(base or plugins.task("toy")):  # type: ignore[misc]
        def canonical(self, text: str) -> str:
            return text.replace("02", "2")

    task, lucky = offering(Evened, named_databases(*names, why_not=why_not))(), RightOnDataOnly()
    (verdict,) = judged(plugins, task, {answer: "1+2"}, lucky.open(task, Engine()))
    return verdict, lucky.asked


def test_correct_means_equal_on_every_test_database(plugins: Plugins) -> None:
    same, _ = on_test_databases(plugins, "2+1", "one", "two")
    assert (same.reached, same.n_test_databases) == (Level.CORRECT, 2)
    other, _ = on_test_databases(plugins, "3+1", "one", "two")
    assert (other.reached, other.checked, other.n_test_databases) == (Level.EXECUTED, Level.CORRECT, 1)
    assert other.reason == "another result than the reference on the test database 'one'"
    assert other.result_diff == ResultDiff(gold="3", answer="4", test_database="one")
    assert Verdict.from_row(other.to_row()) == other


def test_task_decides_what_is_accepted_and_says_where_it_differs(plugins: Plugins) -> None:
    class Nearly(ResultProperties):
        def accepts(self, got: int, want: int, example: Example) -> bool | None:
            database = example.context.get("test_database")
            return None if database and database.name == "one" else abs(got - want) < 2

    class Near(plugins.task("toy")):  # type: ignore[misc]
        data_key, protocols = "data", {ResultProperties: Nearly}

    def judged_on(*names: str, answer: str) -> Verdict:
        return on_test_databases(plugins, answer, *names, base=Near)[0]

    assert judged_on("one", "two", answer="3+1").n_test_databases == 1  # the first one says nothing
    assert judged_on("one", "two", answer="3+1").reached == Level.CORRECT
    assert judged_on("one", answer="4+1").reached == Level.CORRECT
    assert judged_on("two", answer="4+1").reason == "another result than the reference on the test database 'two'"
    example = Example(id="1", question="", answer="1+2", context={"data": "beads"})
    with plugins.executor("abacus")().open(Near(), Engine()) as abacus:
        reason = judge(Near(), example, Draft(answer="4+1"), abacus).reason
    assert reason == "ran, with another result than the reference on 'beads'"


def test_test_database_is_skipped_if_the_gold_fails_on_it(plugins: Plugins) -> None:
    verdict, _ = on_test_databases(plugins, "3+1", "bad")
    assert (verdict.reached, verdict.n_test_databases) == (Level.CORRECT, 0)


def test_equivalent_spelling_of_the_gold_skips_test_databases(plugins: Plugins) -> None:
    verdict, asked = on_test_databases(plugins, "1+02", "one")
    assert (verdict.reached, verdict.n_test_databases, verdict.exact, len(asked)) == (Level.CORRECT, 0, True, 2)


def test_keeps_the_reason_for_no_test_databases(plugins: Plugins) -> None:
    verdict, _ = on_test_databases(plugins, "2+1", why_not="no such engine here")
    assert (verdict.reached, verdict.test_suite_skipped) == (Level.CORRECT, "no such engine here")


# --- end to end -------------------------------------------------------------------------


def fitted(plugins: Plugins, task: Task, objective: Objective, records: Sequence[Record], folder: Path) -> Student:
    student = plugins.student("memory")()
    job = TrainingJob(
        train=[tuple(objective.pairs(r, task)) for r in records],
        validation=(),
        modality=plugins.modality("heap")(),
        recipe=None,  # type: ignore[arg-type]
        device=None,  # type: ignore[arg-type]
        folder=folder,
        seed=0,
    )
    student.fit(job)
    return student


def test_stages_lead_from_questions_to_verdicts(plugins: Plugins, task: Task, abacus: Executor, tmp_path: Path) -> None:
    records = [
        row
        for row in steps.execute(((row, True) for row in golds(task)), abacus, task, Counter())
        if isinstance(row, Record)
    ]
    objective = plugins.objective("plain")()
    student = fitted(plugins, task, objective, [r for r in records if r.split == "train"], tmp_path)
    tests = [r.example for r in records if r.split == "test"]
    correct = {}
    for trained in (True, False):
        writer = student.load(tmp_path, trained=trained)
        predictions = list(steps.predict(writer, objective, task, tests))
        assert [p.id for p in predictions] == [e.id for e in tests]
        verdicts = list(steps.judge(plugins, task, zip(tests, predictions, strict=True), objective, abacus))
        assert [v.id for v in verdicts] == [e.id for e in tests]
        correct[trained] = {v.category for v in verdicts if v.correct}
        if trained:
            wrong = [v for v in verdicts if not v.correct]
            assert {v.category for v in wrong} == {"take"}  # the words in another order
            assert {v.outcome for v in wrong} == {"ok"}  # silently
    assert correct == {True: {"add", "refusal"}, False: set()}
