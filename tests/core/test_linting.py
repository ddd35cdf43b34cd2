"""`dstill check` on one file: places, fixes and formats, with the toy's language."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.offering import offering
from support.sum_files import SumFiles, Sums

from dstill.api import Edit, Problem, Severity
from dstill.api.answer_files import edited
from dstill.api.fallbacks import with_fallbacks
from dstill.errors import UsageError
from dstill.quality.linting import github, sarif
from dstill.quality.linting.discovery import files
from dstill.quality.linting.lint import FileProblem, Report, has_answers, lint, unreadable
from dstill.quality.linting.regions import Lines, Region, span

TASK = with_fallbacks(Sums())


def checked(text: str, suffix: str = ".sums", **context: Any) -> Report:
    return lint(TASK, f"a{suffix}", text, suffix=suffix, context=context)


def found(report: Report) -> list[tuple[str, int, int]]:
    return [(one.rule, one.region.line, one.region.column) for one in report.problems]


# --- places -----------------------------------------------------------------------------


def test_problems_have_lines_and_the_context_of_the_file() -> None:
    report = checked("123+1\n# digits=3\n123+1\n\nwords\n")
    assert found(report) == [("digits/too_long", 1, 1), ("form/not_a_sum", 5, 1)]
    assert (report.answers, report.problems[1].answer) == (3, "3")


@pytest.mark.parametrize(
    ("answer", "pointer", "is_json", "part"),
    [
        ("SELECT nme FROM a", "1:8", False, "nme"),
        ('SELECT\n "a b"', "2:2", False, '"a b"'),
        ("a\nb", "9:9", False, ""),
        ("one\ntwo", "/0", False, "one"),
        ('{"size": 5}', "/size", True, '"size"'),
        ('{"a": [1,\n2]}', "/a/1", True, "2"),
        ('{"a": 1}', "/b", True, '{"a": 1}'),
        ("[1,\n2]", "/x", True, "[1,"),
        ("", "1:1", True, ""),
    ],
)
def test_pointers_are_parts_of_the_answer(answer: str, pointer: str, is_json: bool, part: str) -> None:
    start, end = span(answer, pointer, is_json=is_json)
    assert answer[start:end] == part


@given(st.text(alphabet="ab\n\r\u2028é😀", max_size=30), st.integers(0, 30))
def test_lines_and_offsets_are_inverse(text: str, at: int) -> None:
    at = min(at, len(text))
    region = Lines(text).region(at, at)
    assert Lines(text).offset(region.line, region.column) == at
    assert text[:at].count("\n") == region.line - 1


def test_rows_name_their_answers() -> None:
    rows = ['{"id": "x", "answer": "123+1"}', "", '{"id": 2, "query": "\\u0031+1"}', '{"id": "y"}', "[", '{"id": "z"']
    report = checked("\n".join(rows), ".jsonl")
    where = [(one.answer, one.problem.code, one.region.line, one.region.column) for one in report.problems]
    assert where == [("x", "too_long", 1, 24), ("y", "bad_row", 4, 1), ("5", "bad_row", 5, 1), ("6", "bad_row", 6, 1)]
    assert has_answers(TASK, rows[0], ".jsonl")
    assert not has_answers(TASK, '{"answer": 1}', ".jsonl")


def test_bytes_that_are_no_text_are_a_problem() -> None:
    data = "é\nab".encode() + b"\xff"
    with pytest.raises(UnicodeDecodeError) as error:
        data.decode()
    (one,) = unreadable("a.sums", data, error.value).problems
    assert (one.rule, one.region.line, one.region.column) == ("file/not_utf8", 2, 3)


def test_one_place_has_one_error() -> None:
    class Twice(Sums):
        @property
        def checks(self) -> Any:  # type: ignore[override]
            (form, digits) = Sums.checks
            later = [Problem(layer="later", code="c", message="m", pointer="/0", severity=s) for s in Severity]
            return (form, digits, type(digits)("later", lambda example, answer: later))

    rules = [one.rule for one in lint(Twice(), "a.sums", "123+1", suffix=".sums").problems]
    assert rules == ["digits/too_long", "later/c"]  # the warning stays


# --- fixes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("03+4", "3+4"),
        ("\ufeff03+04  # 05+5\r\n1+1\n", "\ufeff3+4  # 05+5\r\n1+1\n"),
        ("# 03+4\n01+02\n", "# 03+4\n1+2\n"),
        ("03+4\nwords\n", "03+4\nwords\n"),  # nothing is repaired in a file that cannot be read
        ("123+04\n", "123+4\n"),  # … but the number that is too long stays
        ("3+4", "3+4"),
    ],
)
def test_safe_fixes_keep_the_rest_of_the_file(text: str, repaired: str) -> None:
    report = checked(text)
    assert report.repaired == repaired
    assert checked(repaired).repaired == repaired


def test_fix_is_a_change_of_the_file() -> None:
    (one,) = checked("1+1\n03+4\n").problems
    (edit,) = one.fix
    assert (edit.region, edit.text) == (Region(line=2, column=1, end_line=2, end_column=2), "")
    assert [one.fix for one in checked("123+1").problems] == [()]  # neither of the wrong fixes


def test_answers_within_quotes_are_repaired_if_they_can_be_read_back() -> None:
    assert checked('{"id": 1, "answer": "03+4"}\n', ".jsonl").repaired == '{"id": 1, "answer": "3+4"}\n'
    escaped = '{"id": 1, "answer": "\\u00303+4"}\n'
    assert checked(escaped, ".jsonl").repaired == escaped


def test_edits_must_not_overlap() -> None:
    assert edited("abc", (Edit(start=2, end=3, text="C"), Edit(start=0, end=1, text="A"))) == "AbC"
    for wrong in ((Edit(start=0, end=2, text=""), Edit(start=1, end=3, text="")), (Edit(start=2, end=9, text=""),)):
        with pytest.raises(ValueError, match="the edit at"):
            edited("abc", wrong)


LINES = st.lists(st.sampled_from(["0", "1", "007", "+", "-", " ", "#", "\n", "\r", "x", "# digits=3\n", "é", '"']))


@given(LINES.map("".join), st.sampled_from([".sums", ".jsonl", ".x"]))
def test_any_file_can_be_checked_and_a_repair_is_final(text: str, suffix: str) -> None:
    report = checked(text, suffix)
    again = checked(report.repaired, suffix)
    assert again.repaired == report.repaired
    assert len(again.problems) <= len(report.problems)
    for one in report.problems:
        assert 1 <= one.region.line <= text.count("\n") + 1
        assert one.region.column >= 1


def test_error_in_a_pack_costs_only_its_answers(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(SumFiles):
        def file_answers(self, text: str, suffix: str) -> Any:
            raise ValueError("broken")

        def answer_fixes(self, *given: Any) -> Any:
            raise ValueError("broken")

    report = lint(with_fallbacks(offering(Sums, Broken)()), "a.sums", " 03+4\n", suffix=".sums")
    assert (found(report), report.repaired) == ([("digits/zero", 1, 2)], " 03+4\n")
    assert "method 'file_answers' raised ValueError" in caplog.text


# --- files ------------------------------------------------------------------------------


def test_folders_are_searched_by_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b/y.sums", "b/x.sums", "b/old/z.sums", "a.sums", "a.txt", ".git/q.sums", "node_modules/q.sums"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("1+1")
    os.mkfifo("fifo.sums")
    Path("link.sums").symlink_to("a.sums")

    def names(*paths: str, exclude: tuple[str, ...] = ()) -> list[tuple[str, bool]]:
        return [(str(one.path), one.is_named) for one in files(map(Path, paths), {".sums"}, exclude)]

    below = [("a.sums", False), ("b/x.sums", False), ("b/y.sums", False), ("b/old/z.sums", False)]
    assert names(".") == below
    assert names(".", exclude=("b/old", "*/x.sums")) == [below[0], below[2]]
    assert names("a.txt", "b", "b/x.sums") == [("a.txt", True), *below[1:]]
    with pytest.raises(UsageError, match="no file or folder none"):
        names("none")


# --- formats ----------------------------------------------------------------------------


def problem(file: str = "a b/c.sql", message: str = "m", **more: Any) -> FileProblem:
    region = Region(line=2, column=3, end_line=2, end_column=5)
    one = Problem(layer="guard", code="cross_join", message=message, **more)
    return FileProblem(file=file, task="sql", answer="1", problem=one, region=region)


def test_workflow_commands_are_escaped() -> None:
    said = github.line(problem("a,b:c%.sql", "100%\r\n::error::x", hint="a, b: c"))
    place = "file=a%2Cb%3Ac%25.sql,line=2,endLine=2,col=3,endColumn=5,title=guard/cross_join"
    assert said == f"::error {place}::100%25%0D%0A::error::x (a, b: c)"
    warning = github.line(problem(severity=Severity.WARNING))
    assert warning.startswith("::warning ")


def test_columns_are_for_one_line() -> None:
    region = Region(line=2, column=3, end_line=4, end_column=5)
    one = FileProblem(file="a", task="t", answer="1", problem=problem().problem, region=region)
    assert github.line(one).startswith("::error file=a,line=2,endLine=4,title=")


def test_sarif_has_what_the_standard_requires() -> None:
    report = checked("123+1\n03+4\n123+1\n")
    problems = [*report.problems, problem("/tmp/ü b.sql")]
    log = sarif.log(problems, {"sums/digits/too_long": "Too long."}, "1.2.3")
    assert_sarif(log)
    (run,) = log["runs"]
    assert [(rule["id"], rule["shortDescription"]["text"]) for rule in run["tool"]["driver"]["rules"]] == [
        ("sums/digits/too_long", "Too long."),
        ("sums/digits/zero", "Zero."),
        ("sql/guard/cross_join", "Cross join."),
    ]
    first, second, third, last = run["results"]
    assert first["partialFingerprints"] == third["partialFingerprints"]  # the same problem on another line
    (change,) = second["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 2},
            "insertedContent": {"text": ""},
        }
    ]
    assert last["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///tmp/%C3%BC%20b.sql"}
    assert_sarif(sarif.log([], {}, "1"))


def assert_sarif(log: dict[str, Any]) -> None:
    """The rules of the SARIF 2.1.0 schema for the members that dstill writes, and those between them."""
    assert json.loads(json.dumps(log)) == log
    assert log["version"] == "2.1.0"
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        assert driver["name"]
        assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(ids) == len(set(ids))
        for rule in driver["rules"]:
            assert rule["shortDescription"]["text"]
            assert rule["help"]["text"]
            assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        for result in run["results"]:
            assert result["ruleId"] in ids
            assert result["level"] in ("none", "note", "warning", "error")
            assert result["message"]["text"]
            assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
            for location in result["locations"]:
                physical = location["physicalLocation"]
                assert_uri(physical["artifactLocation"])
                assert_region(physical["region"])
            for fix in result.get("fixes", ()):
                for change in fix["artifactChanges"]:
                    assert_uri(change["artifactLocation"])
                    assert change["replacements"]
                    for replacement in change["replacements"]:
                        assert_region(replacement["deletedRegion"])


def assert_uri(location: dict[str, str]) -> None:
    assert not set(location["uri"]) & set(" \\ü")
    assert location["uri"].startswith("file:///") or location["uriBaseId"] == "%SRCROOT%"


def assert_region(region: dict[str, int]) -> None:
    assert all(isinstance(value, int) and value >= 1 for value in region.values())
    assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
