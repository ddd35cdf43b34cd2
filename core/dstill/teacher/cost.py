"""What a dataset's replies cost, and what annotators would have cost, for the user and for run.json.

    caps(settings, teacher)                 # Caps; ConfigError if there is max_usd but no price
    cost(settings, teacher, budget, rows)   # {"usd": 1.26, "tokens": {…}, "annotators": {"usd": 2000.0, …}, …}
    summary_lines(facts["cost"])            # ["cost: $1.26, $0.0013 a row (…)", "people would have cost …"]

A teacher that is not paid has no costs. If a price is not known, the cost is not known either, and the output says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.teacher import Teacher
from dstill.config import Cost, Generate
from dstill.errors import ConfigError

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget, Caps

__all__ = ["caps", "cost", "summary_lines"]

CAPS = ("max_usd", "max_tokens", "max_requests", "max_wall")


def caps(settings: Generate, teacher: Teacher) -> Caps:
    """The caps of the configuration. Raises ConfigError."""
    from dstill.teacher.budget import Caps

    if settings.max_usd is not None and teacher.paid and teacher.price is None:
        raise ConfigError(
            f"cannot enforce max_usd: no price for {teacher.label}; set it, or use --max-total-tokens",
            where="generate.max_usd",
            hint=teacher.price_hint,
        )
    return Caps(**{name: getattr(settings, name) for name in CAPS})


def cost(settings: Cost, teacher: Teacher, budget: Budget, rows: int) -> dict[str, Any]:
    """The cost of everything that the run bought so far; ``usd`` None: not known. Empty: the teacher is free."""
    if not teacher.paid:
        return {}
    spent, usd = budget.spent, budget.usd
    seconds = settings.annotator_seconds_per_row
    return {
        "usd": None if usd is None else round(usd, 6),
        "usd_per_row": None if usd is None or not rows else round(usd / rows, 8),
        "replies": spent.requests,
        "tokens": spent.usage.to_row(),
        "replies_without_usage": spent.estimated,  # their tokens are an estimate
        "annotators": {
            "usd": round(rows * seconds / 3600 * settings.annotator_usd_per_hour, 2),
            "usd_per_hour": settings.annotator_usd_per_hour,
            "seconds_per_row": seconds,
        },
    }


def summary_lines(cost: Mapping[str, Any]) -> list[str]:
    """`cost`, a result of the function `cost`, as lines for the user; none if the teacher is free."""
    if not cost:
        return []
    tokens, people = cost["tokens"], cost["annotators"]
    of = f"{cost['replies']:,} replies, {tokens['prompt_tokens']:,} + {tokens['completion_tokens']:,} tokens"
    guess = f"; of {cost['replies_without_usage']:,} the tokens are estimated" if cost["replies_without_usage"] else ""
    usd = (
        "unknown (no price is set)" if cost["usd"] is None else f"${cost['usd']:,.2f}, ${cost['usd_per_row']:.4f} a row"
    )
    by_hand = f"{people['seconds_per_row']:g} s a row at ${people['usd_per_hour']:g} an hour"
    return [f"cost: {usd} ({of}{guess})", f"people would have cost ${people['usd']:,.0f} (assumed: {by_hand})"]
