"""The report's section on cost: of the teacher, of the student, and after how many questions the student has paid.

    break_even(spent=38.2, teacher=0.0013, student=0.00002)  →  29844      # questions; None: it never pays
    sections(run)  →  Section(title="Cost", order=58, table=Table(…), svg="<svg …")

Spent once: the teacher's replies for the dataset, and the machine while the student was trained. Then a question costs
what the teacher's replies cost a row, or the machine for as long as the student takes. What an hour of the machine
costs nobody can measure: it is ``evaluate.machine_usd_per_hour``, and where that is not set the machine is taken to be
free, and that is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from dstill.api.records import Section, Table
from dstill_report import plots

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["break_even", "sections"]

KEY = "evaluate.machine_usd_per_hour"


def break_even(*, spent: float, teacher: float, student: float) -> int | None:
    """The number of questions from which the student, for which `spent` was paid, is the cheaper one. In USD."""
    return math.ceil(spent / (teacher - student)) if teacher > student else None


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """In USD; None: not known."""

    replies: Mapping[str, Any]  # of run.json, empty where the teacher is free
    training: float | None  # seconds
    answer: float | None  # seconds, the middle one
    hour: float | None  # of the machine

    @property
    def once(self) -> float | None:
        if self.replies.get("usd") is None:
            return None
        return float(self.replies["usd"]) + self.machine(self.training)

    def machine(self, seconds: float | None) -> float:
        return (seconds or 0) / 3600 * (self.hour or 0)


def sections(run: Run) -> Iterator[Section]:
    stages: Mapping[str, Mapping[str, Any]] = run.manifest["stages"]
    generated, trained, evaluated = (stages.get(name, {}) for name in ("generate", "train", "evaluate"))
    if not generated or not trained:
        return
    cost = _Cost(
        replies=generated.get("cost") or {},
        training=trained.get("seconds"),
        answer=evaluated.get("latency", {}).get("p50"),
        hour=run.settings.evaluate.machine_usd_per_hour,
    )
    yield Section(
        title="Cost",
        order=58,
        text=" ".join(_told(cost, generated["teacher"])),
        table=Table(columns=("", "teacher", "student"), rows=tuple(_rows(cost))),
        svg=_plot(cost),
    )


def _told(cost: _Cost, teacher: str) -> Iterator[str]:
    price = cost.replies.get("usd_per_row")
    if not cost.replies:
        yield f"The teacher '{teacher}' costs nothing, so there is nothing for the student to pay back."
    elif cost.once is None or price is None:
        yield "What the teacher costs is not known, as no price is set: nor is, when the student has paid."
    else:
        found = break_even(spent=cost.once, teacher=price, student=cost.machine(cost.answer))
        yield (
            f"The student never pays: an answer of its own costs {_usd(cost.machine(cost.answer))}, "
            f"the teacher's {_usd(price)}."
            if found is None
            else f"The student has paid after {found:,} questions: {_usd(cost.once)} spent once, then "
            f"{_usd(cost.machine(cost.answer))} a question where the teacher takes {_usd(price)}."
        )
    if cost.hour is None:
        yield f"The machine is taken to be free: what an hour of it costs is not known ({KEY})."
    if people := cost.replies.get("annotators"):
        yield (
            f"Writing the rows by hand would have cost {_usd(people['usd'])} (assumed: {people['seconds_per_row']:g} s "
            f"a row at {_usd(people['usd_per_hour'])} an hour)."
        )


def _rows(cost: _Cost) -> Iterator[tuple[str, str, str]]:
    replies = cost.replies
    machine = "the machine's price is not set" if cost.hour is None else ""
    yield (
        "once",
        _of_replies(replies),
        "; ".join(filter(None, [_time(cost.training), machine or _usd(cost.machine(cost.training))])) or "not measured",
    )
    price = replies.get("usd_per_row") if replies else 0.0
    yield (
        "a question",
        "not known" if price is None else _usd(price),
        "; ".join(filter(None, [_time(cost.answer), machine or _usd(cost.machine(cost.answer))]))
        if cost.answer is not None
        else "not measured",
    )
    if replies and price is not None:
        yield "1,000 questions", _usd(1000 * price), machine or _usd(1000 * cost.machine(cost.answer))


def _of_replies(replies: Mapping[str, Any]) -> str:
    if not replies:
        return "free"
    tokens = replies["tokens"]
    guess = replies["replies_without_usage"]
    return (
        f"{'not known' if replies['usd'] is None else _usd(replies['usd'])}: {replies['replies']:,} replies, "
        f"{tokens['prompt_tokens']:,} + {tokens['completion_tokens']:,} tokens"
        + (f", those of {guess:,} estimated" if guess else "")
    )


def _plot(cost: _Cost) -> str:
    """What so many questions cost in all, up to twice the number at which the student has paid."""
    price, once, answer = cost.replies.get("usd_per_row"), cost.once, cost.machine(cost.answer)
    if price is None or once is None:
        return ""
    found = break_even(spent=once, teacher=price, student=answer)
    if not found:
        return ""
    lines = {
        "student": [(0.0, once), (2.0 * found, once + 2 * found * answer)],
        "teacher": [(0.0, 0.0), (2.0 * found, 2 * found * price)],
    }
    return plots.curve(lines, "Cost of so many questions in all", "USD", "questions")


def _usd(value: float) -> str:
    """``$38.20``; of less than a dollar two digits that tell something."""
    if value >= 1 or value == 0:
        return f"${value:,.2f}"
    return f"${value:.{1 - math.floor(math.log10(value))}f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.3f} s"
