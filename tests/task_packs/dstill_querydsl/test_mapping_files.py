"""Files that ``[task.querydsl]`` names are data: nothing but a regular file of a usual size is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dstill.errors import DataError
from dstill_querydsl.bundle.indices import LARGEST, configured


def test_refuses_fifo_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mapping.json")
    with pytest.raises(DataError, match="not a regular file"):
        configured("mine", str(tmp_path / "mapping.json"), "")


def test_refuses_huge_file(tmp_path: Path) -> None:
    with (tmp_path / "mapping.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(DataError, match="larger than 64 mib"):
        configured("mine", str(tmp_path / "mapping.json"), "")
