"""`renewed`: a folder made anew, or as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from dstill.files import renewed


def _make(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / text).touch()


def _make_twice(folder: Path) -> None:
    _make(folder, "half")
    _make(folder, "half")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_of_before_is_left(tmp_path: Path) -> None:
    _make(tmp_path / "student", "old")
    with renewed(tmp_path / "student"):
        _make(tmp_path / "student", "new")
    assert _names(tmp_path) == ["student"]
    assert _names(tmp_path / "student") == ["new"]


@pytest.mark.parametrize("there", [True, False])
def test_what_was_there_comes_back_when_the_work_fails(tmp_path: Path, there: bool) -> None:
    if there:
        _make(tmp_path / "student", "old")
    with pytest.raises(FileExistsError), renewed(tmp_path / "student"):
        _make_twice(tmp_path / "student")
    assert _names(tmp_path) == (["student"] if there else [])
    assert not there or _names(tmp_path / "student") == ["old"]


def test_what_a_killed_process_left_is_no_folder_to_come_back_to(tmp_path: Path) -> None:
    _make(tmp_path / "student.before", "old")
    _make(tmp_path / "student", "half")
    with pytest.raises(ValueError, match="again"), renewed(tmp_path / "student"):
        raise ValueError("again")
    assert _names(tmp_path) == ["student"]
    assert _names(tmp_path / "student") == ["old"]
