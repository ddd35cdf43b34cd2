"""The model card of an exported student: what it is, how it was held against the evaluated one, and code that uses it.

The code needs the form's own library and transformers' tokenizer, never dstill; the answer that it prints stands below
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from dstill.io import cards
from dstill.io.units import size_on_disk
from dstill_export.formats import Format

__all__ = ["Shown", "card", "figures"]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One question of the sample, for the code in the card."""

    usage: str
    answer: str  # what the exported student wrote


def card(form: Format, facts: Mapping[str, Any], shown: Shown) -> str:
    """`facts`: as `dstill_export.exporting` puts them into run.json."""
    parity = facts["parity"]
    rows = {
        "run, task": f"{facts['run']}, {facts['task']}",
        "form": facts["form"],
        "base": facts["base"] or "none: trained from nothing",
        "licence of the base": facts["licence"],
        **{f"licence of the data, {name}": licence for name, licence in facts["data"].items()},
        "modality": facts["modality"],
        "held against": f"{parity['n']} answers of the evaluated student: {parity['text']} in the same words, "
        f"{parity['result']} in others with the same result, {parity['n'] - parity['same']} not the same",
        "measured on": facts["device"],
        "dstill": facts["versions"].get("dstill", ""),
    }
    sizes = ("", "#size", "#tokens/s, one question", f"#tokens/s, {facts['batch']} at once")
    lines = [
        *cards.table(("", ""), [row for row in rows.items() if row[1]]),
        *cards.table(sizes, figures(facts)),
        "",
        "## Use",
        "",
        "```python",
        f"{shown.usage}```",
        "",
        "prints",
        "",
        *(f"    {line}" for line in shown.answer.split("\n")),
    ]
    return cards.card([f"library_name: {form.library}", cards.STUDENT], f"A dstill student as {form.name}", lines)


def figures(facts: Mapping[str, Any]) -> Sequence[tuple[str, str, str, str]]:
    """The evaluated student and the exported one: size, tokens a second alone and in a batch."""
    return [
        (name, size_on_disk(found["bytes"]), f"{found['one']:,.0f}", f"{found['batch']:,.0f}")
        for name, found in (("evaluated student", facts["student"]), (facts["form"], facts["exported"]))
    ]
