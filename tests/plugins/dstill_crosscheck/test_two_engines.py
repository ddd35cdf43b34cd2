"""Verdicts by two engines: an answer is correct only if both agree (``evaluate.second_executor``)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.offering import offering
from support.toy import Abacus, Toy

from dstill import plugins as plugin_loading
from dstill.api import Draft, Engine, Example, Executor, Level, Outcome, OutcomeKind, Verdict, judge
from dstill.api.protocols import ResultProperties
from dstill_crosscheck import judge_answer

Cli = Callable[..., Any]
GOLD = Example(id="t-1", question="one and two", answer="1+2", split="test")


class Other(Abacus):
    """Counts as the abacus does, except for the answers in `says`."""

    name = "other"
    parallel = 1
    says: dict[str, Outcome]

    def execute(self, answer: str, example: Example) -> Outcome:
        return self.says.get(answer) or super().execute(answer, example)

    @property
    def label(self) -> str:
        return "other 2"


def judged(answer: str, gold: Example = GOLD, task: Toy | None = None, **says: Outcome) -> Verdict:
    task = task or Toy()
    executor, second = Abacus().open(task, Engine()), Other()
    second.says = {name.replace("_plus_", "+").strip("_"): outcome for name, outcome in says.items()}
    executor.second = second.open(task, Engine())
    verdict = judge_answer(task, gold, Draft(answer=answer), executor)
    assert verdict is not None
    return verdict


def ok(value: int) -> Outcome:
    return Outcome(kind=OutcomeKind.OK, value=value)


def test_returns_none_without_a_second_engine() -> None:
    assert judge_answer(Toy(), GOLD, Draft(answer="1+2"), None) is None
    assert judge_answer(Toy(), GOLD, Draft(answer="1+2"), Abacus().open(Toy(), Engine())) is None


@pytest.mark.parametrize("answer", ["1+2", "2+1", "1+1", "100+1", "words", "none", "1+2~", "1+2!"])
def test_agreeing_engines_give_the_verdict_of_one(answer: str) -> None:
    alone = judge(Toy(), GOLD, Draft(answer=answer), Abacus().open(Toy(), Engine()))
    found = judged(answer)
    assert (found.reached, found.checked, found.outcome) == (alone.reached, alone.checked, alone.outcome)


def test_correct_on_one_engine_only_is_not_judged() -> None:
    """In either order of the engines; the reason names both."""
    wrong_there, right_there = judged("2+1", _2_plus_1_=ok(4)), judged("1+1", _1_plus_1_=ok(3))
    for verdict in (wrong_there, right_there):
        assert (verdict.reached, verdict.checked, verdict.outcome) == (Level.VALID, Level.VALID, "unsupported")
        assert not verdict.correct
    wrong = "ran, with another result than the reference"
    assert wrong_there.reason == f"the engines disagree: abacus 1 says right; other 2 says wrong ({wrong})"
    assert right_there.reason == f"the engines disagree: abacus 1 says wrong ({wrong}); other 2 says right"


def test_refused_by_one_engine_only_is_not_judged() -> None:
    verdict = judged("2+1", _2_plus_1_=Outcome(kind=OutcomeKind.INVALID, reason="no sums here"))
    assert (verdict.reached, verdict.checked, verdict.outcome) == (Level.VALID, Level.VALID, "unsupported")
    assert verdict.reason == "the engines disagree: abacus 1 says right; other 2 says refused (no sums here)"


def test_wrong_on_both_engines_is_wrong() -> None:
    verdict = judged("1+1", _1_plus_1_=Outcome(kind=OutcomeKind.INVALID, reason="no sums here"))
    assert (verdict.reached, verdict.checked) == (Level.VALID, Level.CORRECT)
    assert "other 2 says refused (no sums here)" in verdict.reason


@pytest.mark.parametrize("kind", [OutcomeKind.UNSUPPORTED, OutcomeKind.UNAVAILABLE])
def test_undecided_on_one_engine_is_not_judged(kind: OutcomeKind) -> None:
    verdict = judged("2+1", _2_plus_1_=Outcome(kind=kind, reason="away"))
    assert (verdict.checked, verdict.outcome, verdict.reason) == (Level.VALID, kind, "away (on other 2)")
    assert not verdict.correct


def test_gold_that_fails_on_one_engine_is_excluded() -> None:
    verdict = judged("2+1", _1_plus_2_=Outcome(kind=OutcomeKind.UNAVAILABLE, reason="away"))
    assert verdict.gold_error == "unavailable: away (on other 2)"
    assert verdict.checked == Level.VALID


def test_gold_that_is_trivial_on_one_engine_is_not_judged() -> None:
    class Vacuous(ResultProperties):
        def is_trivial(self, value: Any, example: Example) -> bool:
            return bool(value == 0)

    verdict = judged("2+1", task=offering(Toy, Vacuous)(), _1_plus_2_=ok(0), _2_plus_1_=ok(0))
    assert (verdict.checked, verdict.outcome, verdict.trivial) == (Level.VALID, "unsupported", False)
    assert "other 2 says right, and the reference's result is trivial" in verdict.reason


def test_answer_without_a_gold_is_judged_to_executed() -> None:
    asked = Example(id="t-1", question="one and two")
    assert judged("2+1", gold=asked).reached == Level.EXECUTED
    refused = judged("2+1", gold=asked, _2_plus_1_=Outcome(kind=OutcomeKind.INVALID, reason="no"))
    assert (refused.checked, refused.outcome) == (Level.VALID, "unsupported")


# --- evaluate ---------------------------------------------------------------------------

SECOND = """
from dstill import hookimpl
from dstill.api import Executor, Outcome, OutcomeKind
from support.toy import Abacus

class Other(Abacus):
    name = "other"

    def execute(self, answer, example):
        if answer == "1+2":
            return Outcome(kind=OutcomeKind.OK, value=12)
        return super().execute(answer, example)

    label = "other 2"

@hookimpl
def register_executors():
    return [Other]
"""
MAKE = (
    *("generate", "--out", "runs/mine", "--task", "toy", "--teacher", "parrot"),
    *("--set", "train.student=memory", "--set", "train.objective=plain"),
    *("--set", "evaluate.baselines=[]", "--set", "evaluate.splits=['test']"),
)


@pytest.fixture
def evaluated(cli: Cli, project: Path, once: Callable[..., None], enable: Callable[..., None]) -> Callable[..., Any]:
    """Evaluate the run with more options; return the result of the command and the facts in run.json."""
    enable("crosscheck")
    (project / "second.py").write_text(SECOND)

    def build() -> None:
        assert cli(*MAKE).code == 0
        assert cli("train", "mine").code == 0

    once("trained", build)

    def call(*words: str) -> tuple[Any, dict[str, Any]]:
        ended = cli("--plugin", "second.py", "evaluate", "mine", *words)
        stages = json.loads((project / "runs/mine/run.json").read_text())["stages"]
        return ended, next((facts for name, facts in stages.items() if name.startswith("evaluate")), {})

    return call


def test_off_by_default(evaluated: Any) -> None:
    ended, facts = evaluated()
    assert ended.code == 0, ended.err
    assert facts["engine"] == "abacus 1"
    assert [judge["name"] for judge in facts["judged_by"]] == ["core"]


def test_evaluation_on_two_engines(evaluated: Any) -> None:
    ended, facts = evaluated("--set", "evaluate.second_executor=other")
    assert ended.code == 0, ended.err
    assert facts["engine"] == "abacus 1 and other 2"
    (judge,) = facts["judged_by"]
    assert (judge["name"], judge["distribution"]) == ("crosscheck", "dstill")
    assert judge["version"]
    verdicts = [json.loads(line) for line in Path("runs/mine/verdicts.jsonl").read_text().splitlines()]
    apart = [row["id"] for row in verdicts if row["reason"].startswith("the engines disagree")]
    assert apart == ["test-add-2-1"]  # its answer is 1+2, which is 12 on the other engine


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("abacus", 2, "executor 'abacus' cannot be the second one: it is the first"),
        ("abacos", 2, "no executor called 'abacos'. Did you mean 'abacus'?"),
    ],
)
def test_invalid_second_executor_is_refused(evaluated: Any, name: str, code: int, said: str) -> None:
    ended, facts = evaluated("--set", f"evaluate.second_executor={name}")
    assert (ended.code, said in ended.err, facts) == (code, True, {}), ended.err


def test_second_executor_without_the_plugin_is_refused(evaluated: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", os.environ["DSTILL_DISABLE"] + ",crosscheck")
    ended, facts = evaluated("--set", "evaluate.second_executor=other")
    assert "no loaded plugin judges with two executors" in ended.err
    assert facts == {}


def test_thread_count_is_the_smaller_limit() -> None:
    """`Executor.parallel` of the smaller one."""
    from dstill.answering.steps import judge as judged_by_threads
    from dstill.api import Prediction

    inside: list[int] = []

    class Narrow(Other):
        says: dict[str, Outcome] = {}  # noqa: RUF012
        running = 0

        def execute(self, answer: str, example: Example) -> Outcome:
            Narrow.running += 1
            inside.append(Narrow.running)
            try:
                return super().execute(answer, example)
            finally:
                Narrow.running -= 1

    task = Toy()
    executor: Executor = Abacus().open(task, Engine())
    executor.second = Narrow().open(task, Engine())
    pairs = [(GOLD, Prediction(id=GOLD.id, text="2+1"))] * 8
    from support.toy import Plain

    loaded = plugin_loading.load([], disabled=[])
    assert all(verdict.correct for verdict in judged_by_threads(loaded, task, pairs, Plain(), executor))
    assert set(inside) == {1}
