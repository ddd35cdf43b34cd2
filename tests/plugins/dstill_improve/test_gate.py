"""The rule of the gate, as a function of right and wrong answers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dstill.api.records import Record
from dstill_evaluate.statistics import mcnemar, mcnemar_one_sided
from dstill_improve import ledger
from dstill_improve.gate import LEVEL, Right, decide, level_of, needed


def answers(**sets: tuple[int, int, int]) -> tuple[Right, Right]:
    """Parent and candidate on sets with as many (gained, lost, both right)."""
    pairs = {
        name: [(False, True)] * gained + [(True, False)] * lost + [(True, True)] * both
        for name, (gained, lost, both) in sets.items()
    }
    parent, candidate = (
        {name: {f"q{n}": pair[side] for n, pair in enumerate(found)} for name, found in pairs.items()}
        for side in (0, 1)
    )
    return parent, candidate


@pytest.mark.parametrize(
    ("sets", "use", "accepted", "why"),
    [
        ({"test": (6, 0, 10)}, 1, True, "better on the whole (6 gained, 0 lost, p = 0.016), and worse on no set"),
        ({"test": (5, 0, 10)}, 1, False, "not better on the whole beyond chance (5 gained, 0 lost, p = 0.031; it has"),
        ({"test": (6, 0, 10)}, 2, False, "it has to be below 0.0083)"),
        ({"test": (7, 0, 10)}, 2, True, "p = 0.0078"),
        ({"test": (0, 0, 10)}, 1, False, "0 gained, 0 lost, p = 1"),
        # better on the whole does not make good a set that is worse
        ({"test": (60, 0, 10), "unseen": (0, 6, 10)}, 1, False, "worse on unseen (0 gained, 6 lost, p = 0.031)"),
        ({"test": (60, 0, 10), "unseen": (0, 5, 10)}, 1, True, "60 gained, 5 lost, p < 0.0001"),
        ({"test": (60, 0, 10), "unseen": (0, 5, 0), "data": (1, 0, 9)}, 1, True, "61 gained"),
        ({"test": (0, 9, 9), "unseen": (0, 9, 9)}, 1, False, "worse on test (0 gained, 9 lost"),
    ],
)
def test_rule(sets: dict[str, tuple[int, int, int]], use: int, accepted: bool, why: str) -> None:
    decision = decide(*answers(**sets), use=use)
    assert decision.accepted is accepted
    assert why in decision.why


SYNTHETIC = {"made"}


@pytest.mark.parametrize(
    ("sets", "accepted", "by_people", "why"),
    [
        # people's questions decide, whatever the synthetic ones gain
        ({"own": (6, 0, 10), "made": (0, 4, 130)}, True, True, "better on the whole (6 gained, 0 lost"),
        ({"own": (0, 0, 16), "made": (60, 0, 70)}, False, True, "not better on the whole beyond chance (0 gained"),
        ({"own": (0, 6, 10), "made": (60, 0, 70)}, False, True, "worse on own"),
        # 5 of 100 synthetic ones may be lost for that, but not many more
        ({"own": (20, 0, 10), "made": (0, 9, 91)}, True, True, "better on the whole"),
        ({"own": (20, 0, 10), "made": (0, 11, 89)}, False, True, "worse on made"),
        # too few of people
        ({"own": (5, 0, 0), "made": (0, 6, 130)}, False, False, "worse on made"),
        # only synthetic ones: with 98 % right before, or too few wrong ones for a gain, none is needed
        ({"made": (1, 1, 98)}, True, False, "worse on no set, and no gain could show: 99 of 100 were right before"),
        ({"made": (0, 0, 10)}, True, False, "no gain could show: 10 of 10"),
        ({"made": (0, 5, 95)}, False, False, "worse on made (0 gained, 5 lost"),
        ({"made": (3, 0, 27), "own": (0, 0, 2)}, True, False, "no gain could show: 29 of 32"),
    ],
)
def test_people_decide(sets: dict[str, tuple[int, int, int]], accepted: bool, by_people: bool, why: str) -> None:
    decision = decide(*answers(**sets), use=1, synthetic=SYNTHETIC)
    assert (decision.accepted, decision.by_people) == (accepted, by_people)
    assert why in decision.why


def test_synthetic_questions_below_the_ceiling_have_to_gain() -> None:
    parent = {"made": {f"q{n}": n > 20 for n in range(100)}}
    decision = decide(parent, parent, use=1, synthetic=SYNTHETIC)
    assert (decision.accepted, decision.by_people) == (False, False)
    assert "not better on the whole beyond chance (0 gained" in decision.why


def test_sets_are_corrected_together() -> None:
    """A p of 0.031 of one set is beyond chance, of the worst of three sets it is not."""
    parent, candidate = answers(test=(60, 0, 10), unseen=(0, 5, 20), data=(2, 2, 20))
    found = {one.name: one for one in decide(parent, candidate, use=1).sets}
    assert found["unseen"].p_worse == pytest.approx(0.5**5)
    assert found["unseen"].p_worse_holm == pytest.approx(3 * 0.5**5)
    assert found["test"].shows < found["unseen"].shows < 1
    alone = decide(*answers(few=(0, 0, 3)), use=1).sets[0]
    assert alone.shows == 1  # three questions show no loss


def test_levels_sum_to_the_level_of_all_uses() -> None:
    assert sum(level_of(use) for use in range(1, 10_000)) == pytest.approx(LEVEL, rel=1e-3)
    assert [needed(use) for use in (1, 2, 3, 10)] == [6, 7, 8, 12]


def test_candidates_by_chance_seldom_pass() -> None:
    """Candidates that differ from their parent by coin flips only."""
    draw, accepted = random.Random(3), 0
    for _ in range(400):
        sets = {}
        for name in ("test", "unseen"):
            gained = sum(draw.random() < 0.5 for _ in range(20))
            sets[name] = (gained, 20 - gained, 30)
        accepted += decide(*answers(**sets), use=1).accepted
    assert 0 < accepted <= 400 * level_of(1) * 2


def test_one_sided_p_is_half_of_the_two_sided_one() -> None:
    assert mcnemar_one_sided(9, 1) == pytest.approx(mcnemar(9, 1) / 2)
    assert mcnemar_one_sided(1, 9) == pytest.approx(1 - 0.5**10)
    assert mcnemar_one_sided(0, 0) == 1


def test_gate_with_one_question_of_another_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    met = [asked("add 1 and 2", "1+2"), asked("add 3 and 4", "3+4")]
    ledger.note_use(met, "t1", "first")
    ledger.note_use(met, "t1", "first")  # judged once more
    assert ledger.use_of(met[:1], "t2") == 2
    assert ledger.use_of([asked("Add 3 and 4?", "4+3"), asked("add 9 and 9", "9+9")], "t2") == 2
    assert ledger.use_of([asked("add 9 and 9", "9+9")], "t2") == 1
    assert ledger.use_of(met, "t1") == 1


def asked(question: str, answer: str) -> Record:
    return Record(id=question, question=question, rationale="", answer=answer, context={}, split="test")
