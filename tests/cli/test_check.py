"""`dstill check` on the command line, with the toy's language in files (`support/sum_files.py`)."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]


@pytest.fixture
def sums(cli: Cli, root: Path) -> Cli:
    """`dstill check` in a folder with two files of sums, and others."""
    Path("queries").mkdir()
    Path("queries/good.sums").write_text("1+2\n3+4\n")
    Path("queries/bad.sums").write_text("# one\n03+4  # kept\n123+1\n")
    Path("queries/notes.sums").write_text("no answers\n")
    Path("queries/notes.txt").write_text("words")
    file = root / "tests" / "support" / "sum_files.py"
    return lambda *words, **more: cli("--plugin", file, "check", *words, **more)


BAD = (
    "queries/bad.sums:2:1: warning digits/zero: 03 begins with 0 [--fix]\n"
    "queries/bad.sums:3:1: error digits/too_long: 123 has more than 2 digits\n"
)


def test_folder_is_checked(sums: Cli) -> None:
    ended = sums()
    assert (ended.code, ended.out) == (9, BAD)
    assert ended.err == "error: 1 error and 1 warning in 1 of 2 files\nhint: --fix repairs 1 of them\n"
    assert sums("queries/good.sums").code == 0
    assert sums(".", "--exclude", "queries/b*").code == 0


def test_named_file_is_read_whatever_it_is(sums: Cli) -> None:
    assert sums("queries/notes.sums").out.startswith("queries/notes.sums:1:1: error form/not_a_sum")
    ended = sums("--task", "sums", "queries/notes.txt")
    assert (ended.code, ended.out) == (
        9,
        "queries/notes.txt:1:1: error form/not_a_sum: 'words' is no sum (write it as 1+2)\n",
    )


def test_file_that_cannot_be_read_is_an_error_of_the_call(sums: Cli) -> None:
    Path("queries/bytes.sums").write_bytes(b"1+1\n\xff")
    ended = sums()
    assert "queries/bytes.sums:2:1: error file/not_utf8: not UTF-8 (byte 0xff) (save it as UTF-8)\n" in ended.out
    assert BAD in ended.out


def test_task_follows_from_the_name(sums: Cli) -> None:
    Path("x.both").write_text("1+1")
    assert sums("x.both", "--task", "others").code == 0
    Path("dstill.toml").write_text('[project]\ntask = "others"\n')
    assert json.loads(sums("--format", "json").out)["files"] == 3  # of both tasks, though one is configured


def test_rows_belong_to_the_configured_task(sums: Cli) -> None:
    Path("rows.jsonl").write_text('{"id": "a", "answer": "123+1"}\n')
    Path("other.jsonl").write_text('{"name": "a"}\n')
    ended = sums(".", "--task", "sums", "--exclude", "queries")
    assert ended.out == "rows.jsonl:1:24: error digits/too_long: 123 has more than 2 digits\n"


def test_stdin_has_the_name_that_is_given(sums: Cli) -> None:
    assert sums("-", "--task", "sums", stdin=b"123+1").out.startswith("stdin:1:1: error")
    ended = sums("-", "--stdin-name", "new/x.sums", stdin=b"\n123+1")
    assert ended.out.startswith("new/x.sums:2:1: error")


def test_codes_can_be_ignored_and_warnings_be_counted(sums: Cli) -> None:
    assert sums("queries", "--ignore", "too_long", "--ignore", "zero").code == 0
    assert sums("queries", "--ignore", "too_long", "--max-warnings", 1).code == 0
    ended = sums("queries", "--ignore", "too_long", "--max-warnings", 0)
    assert (ended.code, ended.err.splitlines()[0]) == (9, "error: 1 warning in 1 of 2 files")


def test_only_named_layers_are_reported(sums: Cli) -> None:
    assert sums("queries", "--layer", "digits").out == BAD
    assert sums("queries", "--layer", "form").code == 0
    ended = sums("queries", "--layer", "nosuch")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "error: no layer 'nosuch'")


# --- fixes ------------------------------------------------------------------------------


def test_fix_writes_the_file_and_keeps_the_rest(sums: Cli) -> None:
    bad = Path("queries/bad.sums")
    bad.chmod(0o640)
    Path("link.sums").symlink_to(bad)
    shown = sums("--diff")
    assert shown.code == 9
    assert "-03+4  # kept\n+3+4  # kept\n" in shown.out
    assert shown.err == (
        "note: --fix does not repair 1 error in 1 file: see them without --diff\n"
        "error: 1 file would be repaired\nhint: run it with --fix\n"
    )
    assert bad.read_text() == "# one\n03+4  # kept\n123+1\n"
    ended = sums("--fix")
    assert (ended.code, "repaired 1 file" in ended.err) == (9, True)  # one error is left
    assert bad.read_text() == "# one\n3+4  # kept\n123+1\n"
    assert stat.S_IMODE(bad.stat().st_mode) == 0o640
    assert Path("link.sums").is_symlink()
    assert (sums("--diff").code, sums("--diff").out) == (0, "")
    bad.write_text("03+4\n")
    assert sums("--fix", "link.sums").code == 0
    assert (bad.read_text(), Path("link.sums").is_symlink()) == ("3+4\n", True)
    assert not list(Path("queries").glob(".*"))


def test_file_that_does_not_parse_is_not_written(sums: Cli) -> None:
    Path("queries/bad.sums").write_text("03+4\nwords\n")
    assert sums("--fix").code == 9
    assert Path("queries/bad.sums").read_text() == "03+4\nwords\n"
    ended = sums()
    assert ("[--fix]" in ended.out, "--fix repairs" in ended.err) == (False, False)  # it would not
    ended = sums("--diff")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "note: --fix does not repair 1 error in 1 file: see them without --diff\n"


def test_diff_of_stdin(sums: Cli) -> None:
    assert "+3+4\n" in sums("-", "--diff", "--task", "sums", stdin=b"03+4").out


# --- formats ----------------------------------------------------------------------------


def test_json_is_one_object(sums: Cli) -> None:
    ended = sums("--json")
    assert (ended.code, ended.err) == (9, "")
    assert sums("--format", "json") == ended
    found = json.loads(ended.out)
    problems = found.pop("problems")
    assert found == {"files": 2, "answers": 4, "errors": 1, "warnings": 1, "repaired": 0, "not_checked": {}}
    assert [(one["file"], one["line"], one["code"], one["task"]) for one in problems] == [
        ("queries/bad.sums", 2, "zero", "sums"),
        ("queries/bad.sums", 3, "too_long", "sums"),
    ]
    assert problems[0]["fix"] == [{"line": 2, "column": 1, "end_line": 2, "end_column": 2, "text": ""}]


def test_sarif_has_the_sentences_of_the_pack(sums: Cli) -> None:
    ended = sums("--format", "sarif")
    (run,) = json.loads(ended.out)["runs"]
    helps = {rule["id"]: rule["help"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert helps == {"sums/digits/zero": "Zero.", "sums/digits/too_long": "A number has too many digits."}
    assert re.fullmatch(r"\d+\.\d+.*", run["tool"]["driver"]["semanticVersion"])
    assert ended.code == 9


def test_workflow_commands_have_a_line_each(sums: Cli) -> None:
    lines = sums("--format", "github").out.splitlines()
    assert (
        lines[0]
        == "::warning file=queries/bad.sums,line=2,endLine=2,col=1,endColumn=5,title=digits/zero::03 begins with 0"
    )
    assert lines[1].startswith("::error file=queries/bad.sums,line=3,")


def test_untrusted_text_is_escaped(sums: Cli) -> None:
    Path("queries/bad.sums").write_text("\x1b[2J\u202e1+\n")
    for form in ("text", "json", "sarif", "github"):
        out = sums("--format", form).out
        assert "\x1b" not in out
        assert "\u202e" not in out
