"""Writes the vocabulary of the linked form: keys and choices of the schema, and merges of frequent tokens.

    python -m tools.base.querydsl.vocabulary [ROWS]

Merges are learned from invented questions and from schema variants of the bundled indices, as the base sees them.
Students that were trained before cannot be used with another vocabulary.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import dstill_querydsl.form
from dstill_querydsl.form import tokens
from dstill_querydsl.language.schema import document
from tools.base.querydsl import answers

__all__ = ["main"]

FILE = Path(dstill_querydsl.form.__file__).with_name("vocabulary.json")
ROWS = 20_000
MERGES = 300
_OF_REFUSALS = ("missing", "refusal")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    keys: set[str] = set(_OF_REFUSALS)
    choices: set[str] = set()
    _collect(document(), keys, choices)
    known: dict[str, Any] = {"keys": sorted(keys), "choices": sorted(choices), "merges": []}
    FILE.write_text(json.dumps(known), encoding="utf-8")
    tokens.forget()
    known["merges"] = tokens.learn_merges((row for _, row in islice(answers(0), rows)), MERGES)
    FILE.write_text(json.dumps(known) + "\n", encoding="utf-8")


def _collect(schema: Any, keys: set[str], choices: set[str]) -> None:
    """Names of properties, and values in lower case."""
    if isinstance(schema, dict):
        keys.update(schema.get("properties", {}))
        fixed = [*schema.get("enum", []), schema.get("const")]
        choices.update(one for one in fixed if isinstance(one, str) and one == one.lower())
        for value in schema.values():
            _collect(value, keys, choices)
    elif isinstance(schema, list):
        for value in schema:
            _collect(value, keys, choices)


if __name__ == "__main__":
    main()
