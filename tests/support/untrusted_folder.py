"""A folder whose Python files would run if the current folder were imported from.

plant(folder)                      # click.py, and a distribution with an entry point of dstill's
assert not ran(folder)             # nothing of that was imported
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["plant", "ran"]

MARK = "imported"
CODE = "import pathlib\npathlib.Path(__file__).with_name('imported').touch()\n"


def plant(folder: Path) -> None:
    for name in ("click", "strangers_plugin"):
        (folder / f"{name}.py").write_text(CODE)
    info = folder / "strangers_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers_plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dstill]\nstranger = strangers_plugin\n")


def ran(folder: Path) -> bool:
    return (folder / MARK).exists()
