"""Each failure gets one label, by the step that failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.toy import Toy

from dstill.answering.error_analysis import counted, failed, labels, with_cause
from dstill.api.records import Cause, Draft, Example, Level, Overlap, Problem, Severity, Verdict
from dstill.api.task import Check

EXAMPLE = Example(id="1", question="add 1 and 2", answer="1+2")
DRAFT = Draft(answer="1+3")
WRONG = Verdict(id="1", reached=Level.EXECUTED, checked=Level.CORRECT, reason="another result")
RIGHT = replace(WRONG, reached=Level.CORRECT)


def problem(layer: str, **more: object) -> Problem:
    return Problem(layer=layer, code="x", message="no", **more)  # type: ignore[arg-type]


class Called(Toy):
    """The toy, with a name of its own for what is no sum, and with clauses: its signs."""

    checks = (Check("form", Toy.checks[0].run, parses=True, cause="no sum"), Toy.checks[1])

    def clauses(self, answer: str) -> Iterable[str] | None:
        return None if answer == "?" else list(answer)


def label(verdict: Verdict, draft: Draft | None = DRAFT) -> str:
    cause = with_cause(Called(), verdict, EXAMPLE, draft).cause
    return cause.label if cause is not None else ""


@pytest.mark.parametrize(
    ("verdict", "draft", "wanted"),
    [
        (replace(WRONG, reached=Level.UNPARSED, reason="cut off at the token limit"), None, "no answer"),
        (replace(WRONG, reached=Level.UNPARSED, problems=(problem("form"),)), DRAFT, "no sum"),
        (replace(WRONG, reached=Level.PARSED, problems=(problem("digits"),)), DRAFT, "digits"),
        (
            replace(
                WRONG,
                reached=Level.PARSED,
                problems=(problem("form", severity=Severity.WARNING), problem("digits")),
            ),
            DRAFT,
            "digits",
        ),
        (replace(WRONG, reached=Level.PARSED, checked=Level.VALID, problems=(problem("digits"),)), DRAFT, "digits"),
        (replace(WRONG, reached=Level.VALID, refused=True), DRAFT, "refused"),
        (replace(WRONG, reached=Level.VALID, expects_refusal=True), DRAFT, "should have refused"),
        (replace(WRONG, reached=Level.VALID, outcome="invalid"), DRAFT, "engine"),
        (WRONG, DRAFT, "different"),
        (WRONG, Draft(answer=" 1+2 "), "engine"),  # another result for the gold's own answer
        (RIGHT, Draft(answer="1+2"), ""),
        (replace(WRONG, trivial=True), DRAFT, ""),
        (replace(WRONG, gold_error="invalid: no"), DRAFT, ""),
        (replace(WRONG, reached=Level.VALID, checked=Level.VALID, outcome="unavailable"), DRAFT, ""),
        (replace(WRONG, reached=Level.VALID, checked=Level.VALID), DRAFT, ""),  # no engine
    ],
)
def test_label_names_the_step_that_failed(verdict: Verdict, draft: Draft | None, wanted: str) -> None:
    assert label(verdict, draft) == wanted


def test_labels_are_in_the_order_of_steps() -> None:
    assert labels(Called()) == [
        "no answer",
        "no sum",
        "digits",
        "refused",
        "should have refused",
        "engine",
        "different",
    ]


@given(
    st.sampled_from(list(Level)),
    st.sampled_from(list(Level)),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["form", "digits", ""]),
    st.sampled_from(["1+2", "1+3", "none", "?", None]),
)
def test_every_failure_and_nothing_else_has_a_label(
    reached: Level, checked: Level, refused: bool, expects: bool, layer: str, answer: str | None
) -> None:
    verdict = Verdict(
        id="1",
        reached=reached,
        checked=checked,
        refused=refused,
        expects_refusal=expects,
        problems=(problem(layer),) if layer else (),
    )
    found = with_cause(Called(), verdict, EXAMPLE, None if answer is None else Draft(answer=answer))
    assert (found.cause is not None) == failed(verdict)
    assert found.cause is None or found.cause.label in labels(Called())


def test_causes_have_count_share_and_examples() -> None:
    verdicts = [replace(WRONG, id=f"a{n}", cause=Cause(label="different")) for n in range(7)]
    verdicts += [replace(WRONG, id="b", cause=Cause(label="engine")), replace(WRONG, id="c", cause=Cause(label="form"))]
    found = counted([*verdicts, RIGHT], ["form", "engine", "different"])
    assert list(found) == ["different", "form", "engine"]
    assert (found["different"].count, found["different"].of) == (7, 9)
    assert found["different"].examples == ("a0", "a1", "a2", "a3", "a4")
    assert found["different"].low < 7 / 9 < found["different"].high
    assert counted([RIGHT], []) == {}


# --- clauses ----------------------------------------------------------------------------

BAGS = st.lists(st.sampled_from("abc"), min_size=1, max_size=8)


def overlap(got: str, want: str) -> Overlap:
    found = with_cause(Called(), RIGHT, replace(EXAMPLE, answer=want), Draft(answer=got)).clauses
    assert found is not None
    return found


@given(BAGS, BAGS)
def test_f1_is_one_only_for_equal_bags_and_is_symmetric(ours: list[str], theirs: list[str]) -> None:
    one, other = overlap("".join(ours), "".join(theirs)), overlap("".join(theirs), "".join(ours))
    assert (one.f1 == 1) == (sorted(ours) == sorted(theirs))
    assert (one.precision, one.recall, one.f1) == (other.recall, other.precision, other.f1)
    assert 0 <= one.f1 <= 1
    if one.precision + one.recall:
        assert one.f1 == pytest.approx(2 * one.precision * one.recall / (one.precision + one.recall))


def test_overlap_counts_repeated_clauses() -> None:
    found = overlap("aab", "ab")
    assert (found.shared, found.got, found.want) == (2, 3, 2)


def test_overlap_is_zero_without_an_answer_and_none_without_a_gold() -> None:
    assert with_cause(Called(), WRONG, EXAMPLE, None).clauses == Overlap(shared=0, got=0, want=3)
    assert overlap("?", "ab") == Overlap(shared=0, got=0, want=2)
    assert with_cause(Called(), WRONG, replace(EXAMPLE, answer=None), DRAFT).clauses is None
    assert with_cause(Toy(), WRONG, EXAMPLE, DRAFT).clauses is None


def test_verdict_round_trips_with_cause_and_clauses() -> None:
    verdict = replace(WRONG, cause=Cause(label="sort", detail="by time"), clauses=Overlap(shared=1, got=2, want=3))
    row = verdict.to_row()
    assert Verdict.from_row(row) == verdict
    older = {name: value for name, value in row.items() if name not in ("cause", "clauses")}
    assert Verdict.from_row(older) == WRONG
