"""The report's sections on time and cost: of one answer, and of teacher and student up to their break-even point.

    break_even(spent=38.2, teacher=0.0013, student=0.00002)  →  29844      # questions; None: never
    sections(run)  →  Section(title="Time of an answer", svg="<svg …"), Section(title="Cost", table=Table(…), …)

The one-time cost is the teacher's replies for the dataset plus the machine time of training. After that, a question
costs what the teacher's replies cost per row, or the machine time of one student answer, asked for alone. The price of
a machine hour is ``evaluate.machine_usd_per_hour``; if it is not set, the section assumes that the machine is free and
says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstill.answering.efficiency import Timing
from dstill.api.records import Section, Table
from dstill_report import plots

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["break_even", "sections"]

KEY = "evaluate.machine_usd_per_hour"
TIMINGS = "timings.jsonl"


def break_even(*, spent: float, teacher: float, student: float) -> int | None:
    """The number of questions after which the student is cheaper than the teacher, or None if it never is.

    `spent` is the student's one-time cost; `teacher` and `student` are the costs of one question. All are in USD.
    """
    return math.ceil(spent / (teacher - student)) if teacher > student else None


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """The cost of a run; None: not known."""

    replies: Mapping[str, Any]  # from run.json; empty if the teacher is free
    training: float | None  # seconds
    answer: float | None  # seconds, the median of questions that were asked one at a time
    batched: float | None  # seconds, the mean in batches
    usd_per_hour: float | None  # of the machine

    @property
    def once(self) -> float | None:
        """USD for the dataset and training."""
        if self.replies.get("usd") is None:
            return None
        return float(self.replies["usd"]) + self.machine(self.training)

    @property
    def unmeasured(self) -> bool:
        """Whether the machine has a price, and how long it takes for one answer is not known."""
        return bool(self.usd_per_hour) and self.answer is None

    def machine(self, seconds: float | None) -> float:
        """USD for machine time."""
        return (seconds or 0) / 3600 * (self.usd_per_hour or 0)


def sections(run: Run) -> Iterator[Section]:
    """Yield the section on time if it was measured, and that on cost if there are a dataset and a trained student."""
    stages = run.stages
    generated, trained, evaluated = (stages.get(name, {}) for name in ("generate", "train", "evaluate"))
    if latency := evaluated.get("latency", {}).get("p50"):
        yield _times(evaluated, [1000 * timing.seconds for timing in run.load(Timing, TIMINGS)], latency)
    if not generated or not trained:
        return
    cost = _Cost(
        replies=generated.get("cost") or {},
        training=trained.get("seconds"),
        answer=evaluated.get("latency", {}).get("p50"),
        batched=1 / rate if (rate := evaluated.get("throughput", {}).get("per_second")) else None,
        usd_per_hour=run.settings.evaluate.machine_usd_per_hour,
    )
    yield Section(
        title="Cost",
        order=58,
        folded=not cost.replies,  # a free teacher
        text=" ".join(_sentences(cost, generated["teacher"])),
        table=Table(columns=("", "teacher", "student"), rows=tuple(_rows(cost))),
        svg=_plot(cost),
    )


def _times(evaluated: Mapping[str, Any], milliseconds: Sequence[float], median: float) -> Section:
    """How long one question takes that is asked alone."""
    latency, rate = evaluated["latency"], evaluated.get("throughput", {}).get("per_second")
    slowest = 1000 * latency["p95"]
    sentences = [
        f"Asked one at a time, half of {latency['n']:,} questions took at most {1000 * median:,.0f} ms, 95 % at most "
        f"{slowest:,.0f} ms."
    ]
    if rate:
        sentences.append(f"In batches: {rate:,.{0 if rate >= 10 else 1}f} answers per second.")
    marks = {f"half: {1000 * median:,.0f} ms": 1000 * median, f"95 %: {slowest:,.0f} ms": slowest}
    svg = plots.strip(milliseconds, marks, "Time of one question, asked alone", "ms")
    return Section(title="Time of an answer", order=11, text=" ".join(sentences), svg=svg)


def _sentences(cost: _Cost, teacher: str) -> Iterator[str]:
    price = cost.replies.get("usd_per_row")
    if not cost.replies:
        yield f"The teacher '{teacher}' is free, so there is no break-even point."
    elif cost.once is None or price is None:
        yield "The teacher's price is not set, so the break-even point is not known."
    elif cost.unmeasured:
        yield "The break-even point is not known: `dstill evaluate` measures what one question at a time takes."
    else:
        point = break_even(spent=cost.once, teacher=price, student=cost.machine(cost.answer))
        yield (
            f"The student never breaks even: one of its answers costs {_usd(cost.machine(cost.answer))}, "
            f"one of the teacher's {_usd(price)}."
            if point is None
            else f"The student breaks even after {point:,} questions: it cost {_usd(cost.once)} once, and costs "
            f"{_usd(cost.machine(cost.answer))} per question where the teacher costs {_usd(price)}."
        )
    if cost.usd_per_hour is None:
        yield f"The machine is assumed to be free: set {KEY} to include its price."
    if cost.replies:
        people = cost.replies["annotators"]
        yield (
            f"Writing the rows by hand would have cost {_usd(people['usd'])} (assuming {people['seconds_per_row']:g} s "
            f"per row at {_usd(people['usd_per_hour'])} per hour)."
        )


def _rows(cost: _Cost) -> Iterator[tuple[str, str, str]]:
    replies = cost.replies
    machine = "machine price not set" if cost.usd_per_hour is None else ""
    yield (
        "once",
        _for_replies(replies),
        "; ".join(filter(None, [_time(cost.training), machine or _usd(cost.machine(cost.training))])) or "not measured",
    )
    price = replies.get("usd_per_row") if replies else 0.0
    teacher = "not known" if price is None else _usd(price)
    for how, seconds in (("one at a time", cost.answer), ("in batches", cost.batched)):
        student = "; ".join(filter(None, [_time(seconds), machine or _usd(cost.machine(seconds))]))
        yield f"per question, {how}", teacher, student if seconds is not None else "not measured"
    if replies and price is not None:
        student = machine or ("not measured" if cost.answer is None else _usd(1000 * cost.machine(cost.answer)))
        yield "per 1,000 questions, one at a time", _usd(1000 * price), student


def _for_replies(replies: Mapping[str, Any]) -> str:
    if not replies:
        return "free"
    tokens = replies["tokens"]
    estimated = replies["replies_without_usage"]
    return (
        f"{'not known' if replies['usd'] is None else _usd(replies['usd'])}: {replies['replies']:,} replies, "
        f"{tokens['prompt_tokens']:,} + {tokens['completion_tokens']:,} tokens"
        + (f" (estimated for {estimated:,} replies)" if estimated else "")
    )


def _plot(cost: _Cost) -> str:
    """Total cost by number of questions, up to twice the break-even point."""
    price, once, answer = cost.replies.get("usd_per_row"), cost.once, cost.machine(cost.answer)
    if price is None or once is None or cost.unmeasured:
        return ""
    point = break_even(spent=once, teacher=price, student=answer)
    if not point:
        return ""
    lines = {
        "student": [(0.0, once), (2.0 * point, once + 2 * point * answer)],
        "teacher": [(0.0, 0.0), (2.0 * point, 2 * point * price)],
    }
    return plots.curve(lines, "Total cost by number of questions", "USD", "questions")


def _usd(value: float) -> str:
    """``$38.20``; below one dollar with two significant digits."""
    if value >= 1 or value == 0:
        return f"${value:,.2f}"
    return f"${value:.{1 - math.floor(math.log10(value))}f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.3f} s"
