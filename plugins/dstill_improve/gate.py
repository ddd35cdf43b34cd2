"""Whether a candidate may take its parent's place: the rule, as a function of who was right on which gate question.

    decide({"test": {"q-1": True, …}, …}, {"test": {"q-1": True, …}, …}, use=1, synthetic=set())
    →  Decision(accepted=True, why="better on the whole (31 gained, 2 lost, p < 0.0001), and worse on no set", …)

Both conditions have to hold:

- **Better on the whole**: over all questions that others than the student's maker asked, McNemar's exact one-sided test
  says so at the level of this use. The `use`-th candidate that meets one gate is tested at ``LEVEL / (use * (use +
  1))``. Over all its uses these levels sum to `LEVEL`, so a gate ever accepts a candidate that is not better with at
  most this probability, as long as nobody makes a candidate of what earlier ones did on single gate questions.
- **Worse on no set**: in no set does the one-sided test for the other direction reach `LEVEL` after Holm's correction
  over the sets. The correction keeps several sets from refusing a good candidate by chance. `SetResult.shows` says how
  large a loss a set can show at all. Beside questions of people, a synthetic set may lose `MARGIN` of its questions
  before the test counts a loss: it has the words of training, and what people's questions take may cost it some.

Without such questions, or with fewer than a gain needs, all sets decide. If the parent has hardly anything wrong there
(`CEILING`), no gain can show: then a candidate needs none, and only must not be worse.

McNemar 1947; Holm 1979. The test counts questions: not covered is that questions of one template succeed and fail
together, which makes its p too small where few templates have many questions.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count

from dstill.api.records import Row
from dstill_evaluate.statistics import holm, mcnemar_one_sided, smallest_detectable
from dstill_evaluate.wording import p_is, p_value

__all__ = ["LEVEL", "Decision", "SetResult", "decide", "level_of", "needed"]

LEVEL = 0.05
MARGIN = 0.05  # of a synthetic set, beside sets of people
CEILING = 0.98  # right answers of the parent to synthetic questions

Right = Mapping[str, Mapping[str, bool]]  # set → id of a question → whether the answer is right


@dataclass(frozen=True, kw_only=True)
class SetResult(Row):
    """Parent and candidate on one set of gate questions."""

    name: str
    items: int
    parent: int  # right answers
    candidate: int
    gained: int  # questions that only the candidate has right
    lost: int  # questions that only the parent has right
    p_better: float
    p_worse: float
    p_worse_holm: float = 1.0  # after the correction over the sets
    shows: float = 1.0  # the smallest true loss that the set shows with 80 % power, as a share; 1: it is too small


@dataclass(frozen=True, kw_only=True)
class Decision(Row):
    """The result of the gate."""

    accepted: bool
    why: str
    by_people: bool  # False: synthetic questions decided
    use: int  # how many candidates have met this gate, with this one
    level: float  # that p on the whole has to be below
    whole: SetResult
    sets: tuple[SetResult, ...]


def level_of(use: int) -> float:
    """The level of the `use`-th use of a gate; all of them sum to `LEVEL`."""
    return LEVEL / (use * (use + 1))


def needed(use: int) -> int:
    """How many questions a candidate has to gain, if it loses none, to be better at the level of this use."""
    return next(n for n in count(1) if 0.5**n < level_of(use))


def decide(parent: Right, candidate: Right, *, use: int, synthetic: Collection[str] = ()) -> Decision:
    """Whether the candidate is accepted. Both have answered the same questions of the same sets.

    `synthetic`: the sets whose questions the student's maker made.
    """
    of_people = [name for name in parent if name not in synthetic]
    if synthetic and sum(len(parent[name]) for name in of_people) < needed(use):
        of_people = []  # too few to decide
    margins = dict.fromkeys(synthetic, MARGIN) if of_people else {}
    compared = [_compared(name, parent[name], candidate[name], margins.get(name, 0.0)) for name in parent]
    corrected = holm([row.p_worse for row in compared])
    sets = [
        replace(row, p_worse_holm=p, shows=smallest_detectable(row.items, len(compared)))
        for row, p in zip(compared, corrected, strict=True)
    ]
    decides = of_people or list(parent)
    name = "all" if len(decides) == len(parent) else "of people"
    whole = _compared(name, _together(decides, parent), _together(decides, candidate))
    worse = [part for part in sets if part.p_worse_holm < LEVEL]
    better = whole.p_better < level_of(use)
    unmoved = not better and not of_people and _is_ceiling(whole, use) and whole.p_worse >= LEVEL
    return Decision(
        accepted=(better or unmoved) and not worse,
        why=_why(whole, worse, use, better=better, unmoved=unmoved),
        by_people=bool(of_people),
        use=use,
        level=level_of(use),
        whole=whole,
        sets=tuple(sets),
    )


def _is_ceiling(whole: SetResult, use: int) -> bool:
    """Whether the parent has so much right that no gain can be shown."""
    return whole.parent >= CEILING * whole.items or whole.items - whole.parent < needed(use)


def _together(names: Iterable[str], right: Right) -> dict[str, bool]:
    return {f"{name}/{id}": value for name in names for id, value in right[name].items()}


def _compared(name: str, parent: Mapping[str, bool], candidate: Mapping[str, bool], margin: float = 0.0) -> SetResult:
    gained = sum(candidate[id] and not parent[id] for id in parent)
    lost = sum(parent[id] and not candidate[id] for id in parent)
    return SetResult(
        name=name,
        items=len(parent),
        parent=sum(parent.values()),
        candidate=sum(candidate.values()),
        gained=gained,
        lost=lost,
        p_better=mcnemar_one_sided(gained, lost),
        p_worse=mcnemar_one_sided(max(0, lost - math.floor(margin * len(parent))), gained),
    )


def _why(whole: SetResult, worse: list[SetResult], use: int, *, better: bool, unmoved: bool) -> str:
    if worse:
        parts = [f"{s.name} ({s.gained} gained, {s.lost} lost, {p_is(s.p_worse_holm)})" for s in worse]
        return f"worse on {' and '.join(parts)}"
    basis = f"{whole.gained} gained, {whole.lost} lost, {p_is(whole.p_better)}"
    if better:
        return f"better on the whole ({basis}), and worse on no set"
    if unmoved:
        return f"worse on no set, and no gain could show: {whole.parent} of {whole.items} were right before ({basis})"
    return f"not better on the whole beyond chance ({basis}; it has to be below {p_value(level_of(use))})"
