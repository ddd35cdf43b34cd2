"""Conditions on numbers: over, at least, between, status classes, and words that stand for a number.

    MEASURES["duration"](draw)   Clause(text="slower than 340 ms", body={"range": …}, …)

Bounds are round numbers near the drawn document's value. "Slow", "large" and "failed" are
defined in the pack's instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dstill_querydsl.questions.conditions_numbers import MEANING
from dstill_querydsl.synthesize.draw import Clause, Draw, Maker, Skip
from dstill_querydsl.synthesize.values import duration_words, round_down, round_up, size_words

__all__ = ["MEASURES"]


def _range(field: str, **bounds: Any) -> dict[str, Any]:
    return {"range": {field: bounds}}


def _measure(
    field: str, note: str, words: Mapping[str, tuple[str, ...]], spell: Callable[[Draw, int], str], least: int
) -> Maker:
    """Conditions with a bound at a round number near the document's value, which is at least `least`."""

    def make(draw: Draw) -> Clause:
        value = draw.value(field)
        bound = draw.pick("gt", "gte", "lt", "lte", "between")
        low, high = round_down(value), round_up(value)
        if low < least or low == value:
            raise Skip(field)
        if bound == "between":
            high = round_up(value * draw.random.choice((2, 3, 4)))
            text = draw.pick(*words["between"]).format(spell(draw, low), spell(draw, high))
            return Clause(text=text, body=_range(field, gte=low, lte=high), why=f"{note}, between: range gte lte.")
        limit = low if bound in ("gt", "gte") else high
        text = draw.pick(*words[bound]).format(spell(draw, limit))
        why = f"{note}, {MEANING[bound]}: range {bound}."
        return Clause(text=text, body=_range(field, **{bound: limit}), why=why)

    return make


duration = _measure(
    "event.duration",
    "event.duration is long in nanoseconds",
    {
        "gt": ("slower than {}", "that took more than {}", "over {}", "longer than {}"),
        "gte": ("that took at least {}", "of {} or more", "that took {} or longer"),
        "lt": ("faster than {}", "that took less than {}", "under {}"),
        "lte": ("that took at most {}", "of {} or less", "that took no more than {}"),
        "between": ("that took between {} and {}", "between {} and {}"),
    },
    duration_words,
    least=10_000_000,  # smaller values would need fractions of a millisecond
)
size = _measure(
    "http.response.bytes",
    "http.response.bytes is long",
    {
        "gt": ("with a response larger than {}", "with more than {}", "bigger than {}"),
        "gte": ("with a response of at least {}", "with {} or more"),
        "lt": ("with a response smaller than {}", "with less than {}", "smaller than {}"),
        "lte": ("with a response of at most {}", "with {} or less"),
        "between": ("with a response between {} and {}", "with {} to {}"),
    },
    size_words,
    least=1_000,
)


def status_range(draw: Draw) -> Clause:
    """Bounds at a status code itself, where the wording decides: over 500 is not at least 500."""
    value = draw.value("http.response.status_code")
    if value in (200, 504):
        raise Skip("the lowest or highest there is")
    way, bound, limit = draw.random.choice(
        (("above {}", "gt", value - 1), ("of {} or higher", "gte", value), ("of at least {}", "gte", value),
         ("below {}", "lt", value + 1), ("of at most {}", "lte", value))
    )  # fmt: skip
    why = f"http.response.status_code is integer, {MEANING[bound]}: range {bound}."
    text = "with a status " + way.format(limit)
    return Clause(text=text, body=_range("http.response.status_code", **{bound: limit}), why=why)


STATUS_CLASSES = {
    2: ("successful", "success", "2xx"),
    3: ("redirected", "a redirect", "3xx"),
    4: ("client error", "a client error", "4xx"),
    5: ("server error", "a server error", "5xx"),
}


def status_class(draw: Draw) -> Clause:
    hundreds = draw.value("http.response.status_code") // 100
    low, high = hundreds * 100, hundreds * 100 + 100
    _, noun, digits = STATUS_CLASSES[hundreds]
    text = draw.pick(f"that ended in {noun}", f"with a {digits} status", f"that returned {digits}")
    why = f"{digits} is {low} to {high - 1}; http.response.status_code is integer: range."
    return Clause(text=text, body=_range("http.response.status_code", gte=low, lt=high), why=why, terse=digits)


def slow(draw: Draw) -> Clause:
    if draw.value("event.duration") <= 1_000_000_000:
        raise Skip("fast")
    why = "slow means over 1 second; event.duration is long in nanoseconds: range gt."
    return Clause(text="slow", place="before", body=_range("event.duration", gt=1_000_000_000), why=why)


def large(draw: Draw) -> Clause:
    if draw.value("http.response.bytes") <= 1_000_000:
        raise Skip("small")
    why = "large means over 1 MB; http.response.bytes is long: range gt."
    return Clause(
        text=draw.pick("large", "big"), place="before", body=_range("http.response.bytes", gt=1_000_000), why=why
    )


def failed(draw: Draw) -> Clause:
    if draw.value("http.response.status_code") < 500:
        raise Skip("fine")
    why = "failed means a 5xx; http.response.status_code is integer: range."
    text = draw.pick("failed", "failing")
    return Clause(text=text, place="before", body=_range("http.response.status_code", gte=500, lt=600), why=why)


MEASURES: Mapping[str, Maker] = {
    "duration": duration,
    "size": size,
    "status_range": status_range,
    "status_class": status_class,
    "slow": slow,
    "large": large,
    "failed": failed,
}
