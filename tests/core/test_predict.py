"""`Predictor`: a student loaded once for many questions, from one thread or several."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from support.unsure import Guess

from dstill import Run
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, Level, Outcome, OutcomeKind
from dstill.errors import RunError, UsageError
from dstill.runs.folder import data_file
from dstill.stages.predict.predicted import PredictedAnswer, Votes
from dstill.stages.predict.predictor import Predictor
from dstill.stages.predict.self_consistency import vote


@pytest.fixture
def run(trained_run: Callable[..., Run]) -> Run:
    return trained_run("mine")


def examples_of(answering: Predictor, *questions: str) -> list[Example]:
    return [answering.example(question, id=str(n)) for n, question in enumerate(questions)]


def test_answers_are_checked_and_executed_in_order(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        right, refused, nothing, endless = answering.answer(
            examples_of(answering, "add 2 and 1", "sing a song", "what is this", "endless")
        )
    assert (right.id, right.answer, right.ok, right.outcome, right.result) == ("0", "1+2", True, "ok", 3)
    assert (right.tokens, right.seconds) == (3, 0.01)
    assert (refused.ok, refused.refused, refused.outcome) == (False, True, "")
    assert refused.reason == "the student refused to answer"
    assert (nothing.ok, nothing.reason, nothing.answer) == (False, "no output", "")
    assert (endless.ok, endless.reason) == (False, "cut off at the token limit")


def test_execution_can_be_deferred(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        examples = examples_of(answering, "add 2 and 1", "sing a song")
        at_once = answering.answer(examples)
        later = [
            answering.executed(*pair) for pair in zip(examples, answering.answer(examples, execute=False), strict=True)
        ]
    assert later == at_once
    with Predictor(run) as answering:
        (answered,) = answering.answer(examples[:1])
        assert answering.executed(examples[0], answered) == answered


def test_student_without_explanations_or_token_counts(run: Run) -> None:
    with Predictor(run) as answering:
        assert not answering.explains
        assert answering.count_tokens(examples_of(answering, "add 2 and 1")) == []


def test_answer_of_somebody_else_is_checked(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        (example,) = examples_of(answering, "add 2 and 1")
        right, wrong, refusal = (answering.checked(example, answer) for answer in ("1+2", "1+222", "none"))
        assert answering.executed(example, right).result == 3
    assert (right.ok, right.verdict, right.answered_by, right.by_fallback) == (True, "ok", "caller", False)
    assert (wrong.ok, wrong.verdict, wrong.problems[0].pointer) == (False, "invalid", "/0")
    assert (refusal.ok, refusal.verdict, refusal.reason) == (False, "refused", "caller refused to answer")
    away = right.unavailable("the engine is away")
    assert (away.ok, away.verdict, away.reason) == (False, "unavailable", "the engine is away")


def test_answer_says_when_it_was_written_and_checked(run: Run) -> None:
    began = time.time_ns()
    with Predictor(run) as answering:
        answers = answering.answer(examples_of(answering, "add 2 and 1", "add 3 and 4"))
    for answered in answers:
        write, check = answered.steps
        assert (write.name, check.name) == ("write", "check")
        assert began <= write.began <= write.ended <= check.began <= check.ended <= time.time_ns()
        assert "steps" not in answered.to_row()
    assert answers[0].steps[0] == answers[1].steps[0]  # they were written together


def test_row_has_only_determined_fields(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        example = answering.example("add 2 and 1")
        (ran,), (read,) = answering.answer([example]), answering.answer([example], execute=False)
    assert read.to_row() == {
        "id": "1",
        "question": "add 2 and 1",
        "answer": "1+2",
        "ok": True,
        "refused": False,
        "reason": "",
        "problems": [],
        "confidence": None,
        "abstained": False,
        "answered_by": "student",
        "similarity": None,
        "guess": "how likely it is right is not known",
    }
    assert ran.to_row() == {**read.to_row(), "outcome": "ok", "result": 3}


@pytest.mark.parametrize(
    ("more", "guess"),
    [
        ({"confidence": 0.9}, ""),
        ({"confidence": 0.9, "similarity": 0.6, "similarity_threshold": 0.5}, ""),
        ({"confidence": 0.9, "similarity": 0.4, "similarity_threshold": 0.5}, "no training question is like this one"),
        ({"confidence": 0.4}, "it is more likely wrong than right"),
        ({}, "how likely it is right is not known"),
        ({"unsure": False}, ""),
        ({"unsure": True}, "the student is not sure of it"),
        ({"unsure": True, "confidence": 0.9}, ""),
        (
            {"similarity": 0.4, "similarity_threshold": 0.5, "answered_by": "openai:x"},
            "how likely it is right is not known",
        ),
        ({"ok": False, "confidence": 0.4}, ""),
    ],
)
def test_guess_is_an_answer_that_only_passes_the_checks(more: dict[str, Any], guess: str) -> None:
    answered = PredictedAnswer(**{"id": "1", "question": "?", "answer": "1+2", "ok": True, "refused": False, **more})
    assert (answered.guess, answered.to_row()["guess"]) == (guess, guess)


@pytest.mark.parametrize(("cut", "unsure"), [(None, None), (-9.0, False), (0.0, True)])
def test_an_answer_below_the_cut_of_its_student_is_a_guess(run: Run, cut: float | None, unsure: bool | None) -> None:
    with Predictor(run) as answering:
        answering._student = Guess()
        answering._student.unsure_below = cut
        (answered,) = answering.answer(examples_of(answering, "add 2 and 1"))
    assert answered.unsure == unsure


def test_warm_up_answers_and_runs_a_question_about_each_data(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = run.records("test")
    run.write(data_file("test"), [replace(first, context={"data": "towns"}), *others])
    unseen = [replace(one, id=f"unseen-{one.id}", context={"data": "planets"}) for one in others]
    run.write(data_file("test_unseen_data"), unseen)
    asked, ran = list[str](), list[str]()
    with Predictor(run, execute=True) as answering:
        assert answering.executor is not None
        execute = answering.executor.execute
        monkeypatch.setattr(answering.executor, "execute", lambda *given: (ran.append(given[0]), execute(*given))[1])
        generate = answering._student.generate
        monkeypatch.setattr(
            answering._student, "generate", lambda given: (asked.extend(one.text for one in given), generate(given))[1]
        )
        answering.warm_up()
    (validation,) = run.records("validation")
    assert asked == [f"predict: {validation.question}", f"predict: {first.question}"]
    assert ran == [validation.answer, first.answer]


def test_uses_the_checks_of_evaluation(run: Run) -> None:
    run.evaluate()
    with Predictor(run) as answering:
        answered = answering.answer([record.example for record in run.records("test")])
    for one, verdict in zip(answered, run.verdicts(), strict=True):
        assert (one.id, one.refused) == (verdict.id, verdict.refused)
        assert one.problems == verdict.problems
        assert one.ok == (verdict.reached >= Level.VALID and not verdict.refused)
        assert one.similarity is not None  # the run has the baseline that knows


def test_executes_only_with_an_open_executor(run: Run) -> None:
    with Predictor(run) as answering:
        example = answering.example("add 2 and 1")
        with pytest.raises(UsageError, match="no executor was opened"):
            answering.answer([example], execute=True)
        with pytest.raises(UsageError, match="no executor was opened"):
            vote(answering, [example], 3)


def test_run_without_a_student_is_an_error(create: Callable[..., Run]) -> None:
    with pytest.raises(RunError, match="has no student yet"), Predictor(create(), execute=True):
        pass


# --- threads ----------------------------------------------------------------------------


def test_answers_are_the_same_across_threads(run: Run) -> None:
    questions = [f"add {a} and {b}" for a in range(1, 5) for b in range(1, 5) if a != b]
    with Predictor(run, execute=True) as answering:
        alone = [answering.answer(examples_of(answering, question))[0] for question in questions]
        with ThreadPoolExecutor(6) as pool:
            together = list(pool.map(lambda question: answering.answer(examples_of(answering, question))[0], questions))
    assert together == alone
    assert [one.result for one in alone] == [a + b for a in range(1, 5) for b in range(1, 5) if a != b]


class Slow(Executor):
    """Counts how many answers run on it at once."""

    name = "slow"
    parallel = 2

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.now = self.most = 0
        self.lock = threading.Lock()

    def execute(self, answer: str, example: Example) -> Outcome:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self.lock:
            self.now -= 1
        return Outcome(kind=OutcomeKind.OK, value=answer)


def test_executor_bounds_concurrent_executions(run: Run) -> None:
    slow = Slow()
    run.setup.executor = lambda: slow  # type: ignore[method-assign]
    with Predictor(run, execute=True) as answering, ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: answering.answer(examples_of(answering, "add 2 and 1", "add 3 and 1")), range(12)))
    assert slow.most == 2
    assert answering.executor is None
    assert slow.engine == Engine()


# --- sampling and voting ----------------------------------------------------------------


def test_sampled_answers_are_reproducible_and_start_with_the_greedy_one(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        examples = examples_of(answering, "add 2 and 1", "take 1 from 3")
        first = answering.sample(examples, 6, temperature=1.5, seed=1)
        assert first == answering.sample(examples, 6, temperature=1.5, seed=1)
        assert first != answering.sample(examples, 6, temperature=1.5, seed=2)
        assert [len(given) for given in first] == [6, 6]
        assert [given[0] for given in first] == answering.answer(examples)
        assert [[one] for one in answering.answer(examples)] == answering.sample(examples, 1, temperature=1)


def test_vote_takes_the_majority_result(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        (elected,) = vote(answering, examples_of(answering, "add 2 and 1"), 8, temperature=0.5)
        given = answering.sample(examples_of(answering, "add 2 and 1"), 8, temperature=0.5)[0]
    assert (elected.answer, elected.result) == ("1+2", 3)
    assert elected.votes == Votes(
        agree=sum(one.result == 3 for one in given), voted=sum(one.ok or one.refused for one in given), of=8
    )
    assert elected.votes.agree > 4
    assert elected.to_row()["votes"] == elected.votes.to_row()
    assert elected.tokens == sum(one.tokens for one in given)
    assert isinstance(elected, PredictedAnswer)
