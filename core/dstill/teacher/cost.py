"""The cost of a dataset's replies, and of annotators in their place, for the user and for run.json.

    caps(settings, teacher)                 # Caps; ConfigError if there is max_usd but no price
    cost(settings, teacher, budget, rows)   # ReplyCost(usd=1.26, tokens=Usage(…), annotators=AnnotatorCost(…), …)
    summary_lines(cost)                     # ["cost: $1.26, $0.0013 a row (…)", "people would have cost …"]

A teacher that is not paid has no costs: None. If a price is not known, neither is the cost, and the output says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dstill.api.records import Row, Usage
from dstill.api.teacher import Teacher
from dstill.config import Cost, Generate
from dstill.errors import ConfigError

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget, Caps

__all__ = ["AnnotatorCost", "ReplyCost", "caps", "cost", "summary_lines"]

CAPS = ("max_usd", "max_tokens", "max_requests", "max_wall")


@dataclass(frozen=True, kw_only=True)
class AnnotatorCost(Row):
    """The cost of people in the place of the teacher, as the settings assume."""

    usd: float
    usd_per_hour: float
    seconds_per_row: float


@dataclass(frozen=True, kw_only=True)
class ReplyCost(Row):
    """The cost of all replies that a run bought."""

    usd: float | None  # None: not known
    usd_per_row: float | None  # None: not known, or there are no rows
    replies: int
    tokens: Usage
    replies_without_usage: int  # their tokens are an estimate
    annotators: AnnotatorCost


def caps(settings: Generate, teacher: Teacher, *, section: str = "generate") -> Caps:
    """The caps of the configuration; `section` is named in errors. Raises ConfigError."""
    from dstill.teacher.budget import Caps

    if settings.max_usd is not None and teacher.paid and teacher.price is None:
        raise ConfigError(
            f"cannot enforce max_usd: no price for {teacher.label}; set it, or use --max-total-tokens",
            where=f"{section}.max_usd",
            hint=teacher.price_hint,
        )
    return Caps(**{name: getattr(settings, name) for name in CAPS})


def cost(settings: Cost, teacher: Teacher, budget: Budget, rows: int) -> ReplyCost | None:
    """The cost of everything that the run bought so far; None: the teacher is free."""
    if not teacher.paid:
        return None
    spent, usd = budget.spent, budget.usd
    seconds = settings.annotator_seconds_per_row
    return ReplyCost(
        usd=None if usd is None else round(usd, 6),
        usd_per_row=None if usd is None or not rows else round(usd / rows, 8),
        replies=spent.requests,
        tokens=spent.usage,
        replies_without_usage=spent.estimated,
        annotators=AnnotatorCost(
            usd=round(rows * seconds / 3600 * settings.annotator_usd_per_hour, 2),
            usd_per_hour=settings.annotator_usd_per_hour,
            seconds_per_row=seconds,
        ),
    )


def summary_lines(cost: ReplyCost | None) -> list[str]:
    """`cost` as lines for the user; none if the teacher is free."""
    if cost is None:
        return []
    of = f"{cost.replies:,} replies, {cost.tokens.prompt_tokens:,} + {cost.tokens.completion_tokens:,} tokens"
    guess = f"; of {cost.replies_without_usage:,} the tokens are estimated" if cost.replies_without_usage else ""
    usd = "unknown (no price is set)" if cost.usd is None else f"${cost.usd:,.2f}"
    if cost.usd_per_row is not None:
        usd += f", ${cost.usd_per_row:.4f} a row"
    lines = [f"cost: {usd} ({of}{guess})"]
    people = cost.annotators
    by_hand = f"{people.seconds_per_row:g} s a row at ${people.usd_per_hour:g} an hour"
    return [*lines, f"people would have cost ${people.usd:,.0f} (assumed: {by_hand})"]
