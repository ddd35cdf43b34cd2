"""Renews the table of docs/beside.md: does dstill resolve together with the programs that people train and serve with?

    python -m tools.beside            # needs a package index; installs nothing

A program's current version is the one that a resolution of it alone gives. That version is then resolved together with
``dstill[train]``, by ``uv pip compile`` for Linux and `PYTHON`.
"""

from __future__ import annotations

import datetime
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from uv import find_uv_bin

__all__ = ["main", "reason", "row"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "beside.md"
PYTHON = "3.12"
PROGRAMS = ("trl", "vllm", "axolotl", "llamafactory", "optimum-onnx")
SHOWN = ("torch", "transformers", "peft")
BEGIN, END = "<!-- made by tools/beside.py -->\n", "<!-- end -->\n"
HEAD = "| program | with `dstill[train]` | torch, transformers, peft |\n| --- | --- | --- |\n"
_NEED = re.compile(r"\b([a-z0-9_.-]+[a-z0-9])(?:\[[a-z,]+\])?[<>=!~]=?\S+")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def main() -> None:
    """Write the table with today's date."""
    today = datetime.datetime.now(datetime.UTC).date()
    rows = "".join(row(program) for program in PROGRAMS)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    made = f"{BEGIN}\nResolved on {today} for Python {PYTHON} on Linux:\n\n{HEAD}{rows}\n{END}"
    PAGE.write_text(before + made + after, encoding="utf-8")


def row(program: str) -> str:
    """The line of the table for one program."""
    alone, problem = _resolved(program)
    if not alone:
        raise SystemExit(f"{program} does not resolve alone: {problem}")
    name = f"{program} {alone[program]}"
    together, problem = _resolved(f"{program}=={alone[program]}", "pyproject.toml")
    if together:
        return f"| {name} | yes | {_shown(together)} |\n"
    return f"| {name} | no: {problem} | alone: {_shown(alone)} |\n"


def _shown(pins: Mapping[str, str]) -> str:
    return ", ".join(pins.get(name, "–") for name in SHOWN)


def _resolved(requirement: str, *files: str) -> tuple[dict[str, str], str]:
    """Package → version; if there is no resolution, empty, and what the resolver says."""
    command = [find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", PYTHON]
    command += ["--python-platform", "linux", *files, "-", *(["--extra", "train"] if files else [])]
    ended = subprocess.run(command, input=requirement, capture_output=True, text=True, cwd=ROOT)
    return dict(_PIN.findall(ended.stdout)), reason(ended.stderr, requirement.partition("==")[0])


def reason(message: str, program: str) -> str:
    """The requirement of the program that cannot be met, from uv's explanation: the last one with an upper bound."""
    found = [need[0].rstrip(",.") for need in _NEED.finditer(message) if need[1] != program and "<" in need[0]]
    return f"it needs `{found[-1]}`" if found else " ".join(message.split())[:200]


if __name__ == "__main__":
    main()
