"""Tables of cases in files beside their tests: JSON Lines, each line an object with the arguments of one case.

rows(__file__, "causes.jsonl")        [("tables", "SELECT name FROM drivers", …), …]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["rows"]


def rows(test_file: str, name: str) -> list[tuple[Any, ...]]:
    """The values of each line of the file `name` in the folder of a test, in the order of its keys."""
    lines = Path(test_file).with_name(name).read_text(encoding="utf-8").splitlines()
    return [tuple(json.loads(line).values()) for line in lines]
