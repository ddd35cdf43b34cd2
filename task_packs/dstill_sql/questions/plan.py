"""The shapes of questions, from `plan.toml`.

TEMPLATES[0]     Template(name="list: eq", category="list", ask="list", conditions=("eq",), held_out=False)
SHARES["list"]   how many of 100 questions are of the category
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["SHARES", "TEMPLATES", "Template"]


@dataclass(frozen=True, kw_only=True)
class Template:
    """What is asked for, with which conditions."""

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
SHARES: Mapping[str, int] = {name: int(share) for name, share in dict(_read())["shares"].items()}
