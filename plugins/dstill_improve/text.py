"""The result of `dstill improve` as tables and sentences, for the terminal and the report.

set_rows(decision)     [["test", "120", "98", "112", "15", "1", "1", "4.9"], …]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dstill.api.records import Section, Table
from dstill.io.typed_json import Misfit
from dstill.io.units import percent
from dstill.runs.run import Run
from dstill_evaluate.wording import p_value, points
from dstill_improve.gate import Decision, SetResult
from dstill_improve.improving import IMPROVE, JUDGED

SYNTHETIC_ALONE = (
    "only synthetic questions decided, which are worded like those of training: how people's questions are answered is "
    "not known. Collect feedback, judge answers (dstill calibrate), or give questions with answers (--gate FILE)"
)

__all__ = ["COLUMNS", "SYNTHETIC_ALONE", "new_rows_line", "sections", "set_rows", "verdict"]

COLUMNS = (
    "set",
    "#n",
    "#parent, %",
    "#candidate, %",
    "#gained",
    "#lost",
    "#p better",
    "#p worse (Holm)",
    "#shows a loss of",
)


def set_rows(decision: Decision) -> list[tuple[str, ...]]:
    """A row for each set of the gate, and one for all of them."""
    return [*(_row(part) for part in decision.sets), _row(decision.whole, is_whole=True)]


def _row(set_result: SetResult, *, is_whole: bool = False) -> tuple[str, ...]:
    rates = (percent(right / set_result.items) for right in (set_result.parent, set_result.candidate))
    # the whole has to be better, the sets must not be worse
    tests = (
        (p_value(set_result.p_better), "", "")
        if is_whole
        else ("", p_value(set_result.p_worse_holm), _shows(set_result))
    )
    return (set_result.name, f"{set_result.items:,}", *rates, str(set_result.gained), str(set_result.lost), *tests)


def _shows(set_result: SetResult) -> str:
    return "none: too small" if set_result.shows >= 1 else f"{points(set_result.shows)} points"


def verdict(decision: Decision) -> str:
    """``accepted: better on the whole (…)``, with the use of the gate."""
    words = "accepted" if decision.accepted else "rejected"
    return f"{words}: {decision.why}; use {decision.use} of this gate, level {p_value(decision.level)}"


def new_rows_line(counts: Mapping[str, int], left_out: Mapping[str, int], removed: int) -> str:
    """``new rows: corrected 14, right 9, failures 180; not used: …``."""
    parts = ["new rows: " + ", ".join(f"{source} {n:,}" for source, n in counts.items())]
    if left_out:
        parts.append("not used: " + ", ".join(f"{reason} {n:,}" for reason, n in left_out.items()))
    if removed:
        parts.append(f"rows of the parent that they contradict, removed: {removed:,}")
    return "; ".join(parts)


def sections(run: Run) -> Sequence[Section]:
    """The report's section on the improvement that made `run`; none if it is not a candidate."""
    stages = run.stages
    if JUDGED not in stages or IMPROVE not in stages:
        return ()
    try:
        decision = Decision.from_row(stages[JUDGED])
    except Misfit:  # somebody else wrote it
        return ()
    return tuple(_sections(decision))


def _sections(decision: Decision) -> Iterable[Section]:
    table = Table(columns=COLUMNS, rows=tuple(set_rows(decision)))
    alone = "" if decision.by_people else f" {SYNTHETIC_ALONE[:1].upper()}{SYNTHETIC_ALONE[1:]}."
    text = f"Against its parent, on the gate: {verdict(decision)}.{alone}"
    yield Section(title="Improvement", text=text, table=table)
