"""`replace_dir` replaces a folder or restores it; `atomic_folder` creates a complete one or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from dstill.errors import UsageError
from dstill.io.files import atomic_folder, replace_dir


def _make(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / text).touch()


def _make_twice(folder: Path) -> None:
    _make(folder, "half")
    _make(folder, "half")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_replaced_folder_keeps_no_old_file(tmp_path: Path) -> None:
    _make(tmp_path / "student", "old")
    with replace_dir(tmp_path / "student"):
        _make(tmp_path / "student", "new")
    assert _names(tmp_path) == ["student"]
    assert _names(tmp_path / "student") == ["new"]


@pytest.mark.parametrize("there", [True, False])
def test_failure_restores_the_old_folder(tmp_path: Path, there: bool) -> None:
    if there:
        _make(tmp_path / "student", "old")
    with pytest.raises(FileExistsError), replace_dir(tmp_path / "student"):
        _make_twice(tmp_path / "student")
    assert _names(tmp_path) == (["student"] if there else [])
    assert not there or _names(tmp_path / "student") == ["old"]


def test_leftovers_of_a_killed_process_are_not_restored(tmp_path: Path) -> None:
    _make(tmp_path / "student.before", "old")
    _make(tmp_path / "student", "half")
    with pytest.raises(ValueError, match="again"), replace_dir(tmp_path / "student"):
        raise ValueError("again")
    assert _names(tmp_path) == ["student"]
    assert _names(tmp_path / "student") == ["old"]


# --- atomic_folder ----------------------------------------------------------------------


def test_new_folder_appears_when_complete(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "made") as folder:
        (folder / "a").touch()
        assert not (tmp_path / "made").exists()
    assert _names(tmp_path) == ["made"]
    assert _names(tmp_path / "made") == ["a"]


def test_failure_leaves_no_new_folder(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), atomic_folder(tmp_path / "made") as folder:
        _make_twice(folder / "within")
    assert _names(tmp_path) == []


def test_existing_path_is_never_overwritten(tmp_path: Path) -> None:
    _make(tmp_path / "made", "old")
    with pytest.raises(UsageError, match="already exists"), atomic_folder(tmp_path / "made"):
        pytest.fail("it began")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="already exists"), atomic_folder(tmp_path / "gone"):
        pytest.fail("it began")
    with pytest.raises(UsageError, match="already exists"), atomic_folder(tmp_path / "late"):
        _make(tmp_path / "late", "of somebody else")
    assert _names(tmp_path) == ["gone", "late", "made"]
    assert _names(tmp_path / "made") == ["old"]


def test_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    for name in (".made.4194999-0123abcd.tmp", ".other.4194999-0123abcd.tmp"):  # above the highest process id
        _make(tmp_path / name, "half")
    with atomic_folder(tmp_path / "made"):
        pass
    assert _names(tmp_path) == [".other.4194999-0123abcd.tmp", "made"]


def test_missing_parent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"), atomic_folder(tmp_path / "no" / "made"):
        pytest.fail("it began")
