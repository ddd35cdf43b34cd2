"""The beginning of the commands that dstill shows where the toy plugin is loaded from its file."""

from __future__ import annotations

from pathlib import Path

from dstill.io.shell import command

__all__ = ["TOY", "WITH_TOY"]

TOY = Path(__file__).parent / "toy.py"
WITH_TOY = command("--plugin", TOY)
