"""The shapes of questions, from `plan.toml`.

TEMPLATES[0]     Template(name="list: eq", category="list", ask="list", conditions=("eq",), held_out=False)
SHARES["list"]   how many of 100 questions are of the category
mixed(TEMPLATES[0], Random(1))      the same ask with other conditions: Template(name="list: over flag", …)
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from random import Random

__all__ = ["SHARES", "TEMPLATES", "Template", "mixed"]

_MIXED = (1, 1, 2, 2, 2, 3)  # numbers of conditions that are mixed


@dataclass(frozen=True, kw_only=True)
class Template:
    """The kind of a question: what it asks for, with which conditions."""

    name: str
    category: str
    ask: str
    conditions: tuple[str, ...]
    held_out: bool  # no question of training is like that


def _read() -> Iterator[tuple[str, Mapping[str, str]]]:
    yield from tomllib.loads(files("dstill_sql.questions").joinpath("plan.toml").read_text(encoding="utf-8")).items()


def _templates() -> Iterator[Template]:
    for category, asks in _read():
        for ask, shapes in asks.items() if category != "shares" else ():
            for shape in shapes.split("|"):
                paths = tuple(path for path in shape.replace("*", "").split() if path != "-")
                yield Template(
                    name=f"{category}/{ask}: {' '.join(paths) or '-'}",
                    category=category,
                    ask=ask,
                    conditions=paths,
                    held_out="*" in shape,
                )


TEMPLATES = tuple(dict.fromkeys(_templates()))
_CONDITIONS = [path for t in TEMPLATES if t.category != "refusal" and not t.held_out for path in t.conditions]
_HELD_OUT = [(t.ask, Counter(t.conditions)) for t in TEMPLATES if t.held_out]
SHARES: Mapping[str, int] = {name: int(share) for name, share in dict(_read())["shares"].items()}


def mixed(template: Template, random: Random) -> Template:
    """The ask of `template` with random conditions of any template, but none that are held out for this ask."""
    while True:
        paths = tuple(random.choices(_CONDITIONS, k=random.choice(_MIXED)))
        if not any(ask == template.ask and held <= Counter(paths) for ask, held in _HELD_OUT):
            name = f"{template.category}/{template.ask}: {' '.join(paths)}"
            return replace(template, name=name, conditions=paths)
