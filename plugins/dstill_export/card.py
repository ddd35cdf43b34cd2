"""The model card of an exported student: its origin, its comparison with the evaluated student, and example code.

The example code needs the format's library and transformers' tokenizer, but not dstill. Its output is shown below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.io import cards
from dstill.io.units import size_on_disk

__all__ = ["UsageExample", "card_of", "model_card", "size_and_speed"]


@dataclass(frozen=True, kw_only=True)
class UsageExample:
    """Example code for one question of the sample."""

    code: str
    answer: str  # what the exported student wrote


def model_card(library: str, facts: Mapping[str, Any], example: UsageExample) -> str:
    """The model card as Markdown. `facts` are those that `dstill_export.exporting` records in run.json."""
    return card_of(library, facts, _usage(example))


def _usage(example: UsageExample) -> list[str]:
    code = ["```python", f"{example.code}```"]
    return ["## Use", "", *code, "", "Output:", "", *(f"    {line}" for line in example.answer.split("\n"))]


def card_of(library: str, facts: Mapping[str, Any], more: Iterable[str]) -> str:
    """The model card with the lines `more` at its end. `library`: that loads the student."""
    parity = facts["parity"]
    rows = {
        "run, task": f"{facts['run']}, {facts['task']}",
        "format": facts["form"],
        "base": facts["base"] or "none: trained from scratch",
        "licence of the base": facts["licence"],
        **{f"licence of the data, {name}": licence for name, licence in facts["data"].items()},
        "modality": facts["modality"],
        "compared with": f"{parity['n']} answers of the evaluated student: {parity['text']} have the same text, "
        f"{parity['result']} the same result, {parity['n'] - parity['same']} differ",
        "compared by": facts["runtime"],
        "measured on": facts["device"],
        "dstill": facts["versions"].get("dstill", ""),
    }
    columns = ("", "#size", "#tokens/s, one question", f"#tokens/s, {facts['batch']} at once")
    lines = [
        *cards.table(("", ""), [row for row in rows.items() if row[1]]),
        *cards.table(columns, size_and_speed(facts)),
        "",
        *more,
    ]
    return cards.card([f"library_name: {library}", cards.STUDENT], f"A dstill student as {facts['form']}", lines)


def size_and_speed(facts: Mapping[str, Any]) -> Sequence[tuple[str, str, str, str]]:
    """Rows for the evaluated and the exported student: size, tokens per second for one question and in a batch."""
    return [
        (name, size_on_disk(size["bytes"]), f"{size['one']:,.0f}", f"{size['batch']:,.0f}")
        for name, size in (("evaluated student", facts["student"]), (facts["form"], facts["exported"]))
    ]
