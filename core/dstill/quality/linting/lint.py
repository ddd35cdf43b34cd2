"""Checks one file: `lint`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dstill.api.answer_files import Edit, FileAnswer, Fix, edited
from dstill.api.checking import find_problems, not_checked
from dstill.api.protocols import AnswerFiles
from dstill.api.records import Draft, Example, Problem
from dstill.api.task import Task
from dstill.inputs.answer_rows import Columns, bad_row, begins_rows, columns_of, row
from dstill.io.json_places import find
from dstill.quality.linting.fixing import Source, is_parsed, repaired, safe_fixes
from dstill.quality.linting.regions import Lines, Region, span

__all__ = ["ROWS", "FileEdit", "FileProblem", "Report", "has_answers", "lint", "unreadable"]

ROWS = ".jsonl"  # the ending of files of rows, which every task reads
BOM = "\ufeff"


@dataclass(frozen=True, kw_only=True)
class FileEdit:
    """One change of a file."""

    region: Region
    text: str  # in place of what is there


@dataclass(frozen=True, kw_only=True)
class FileProblem:
    """A problem, and where it is in a file."""

    file: str
    task: str  # name of the task that the file belongs to; empty: not known
    answer: str  # its id, or its number in the file
    problem: Problem
    region: Region
    fix: tuple[FileEdit, ...] = ()  # what repairs it; empty: nothing that is safe

    @property
    def rule(self) -> str:
        """The layer and the code of the problem: ``schema/unknown_field``."""
        return f"{self.problem.layer}/{self.problem.code}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """The faults of one file."""

    problems: tuple[FileProblem, ...]
    answers: int
    skipped: Mapping[str, int] = field(default_factory=dict)  # layer → answers that it was not applied to
    unknown: tuple[str, ...] = ()  # names of data of which nothing is known
    repaired: str = ""  # the text after all safe fixes; of a file with an answer that cannot be read: the text as it is


def has_answers(task: Task, text: str, suffix: str) -> bool:
    """Whether a file that was found in a folder is one of `task`."""
    text = text.removeprefix(BOM)
    if suffix != ROWS:
        return AnswerFiles.of(task).has_answers(text, suffix)
    first = text.lstrip().partition("\n")[0]
    return begins_rows(first, task)


def lint(
    task: Task,
    file: str,
    text: str,
    *,
    suffix: str,
    context: Mapping[str, Any] | None = None,
    layers: Sequence[str] = (),
) -> Report:
    """Check the answers in `text`, the content of `file`.

    `context`: what is known about answers that do not say. `layers`: of checks to run; empty: all.
    """
    body = text.removeprefix(BOM)
    answers = enumerate(_answers(task, body, suffix), start=1)
    checked = [_Checked(task, answer, number, body, context or {}, layers) for number, answer in answers]
    if any(answer.answer.error or not is_parsed(task, answer.problems) for answer in checked):
        for entry in checked:
            entry.fixes.clear()  # such a file stays as it is
    lines = Lines(body)
    skipped: Counter[str] = Counter()
    for entry in checked:
        skipped.update(entry.skipped)
    return Report(
        problems=tuple(problem for entry in checked for problem in entry.placed(file, lines)),
        answers=len(checked),
        skipped=skipped,
        unknown=tuple(dict.fromkeys(entry.data for entry in checked if entry.skipped)),
        repaired=text[: len(text) - len(body)] + _repaired(task, checked, body, suffix),
    )


def unreadable(file: str, data: bytes, error: UnicodeDecodeError) -> Report:
    """The report on a file that is not UTF-8."""
    line = data.count(b"\n", 0, error.start) + 1
    column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
    message = f"not UTF-8 (byte {data[error.start]:#04x})"
    problem = Problem(layer="file", code="not_utf8", message=message, hint="save it as UTF-8")
    region = Region(line=line, column=column, end_line=line, end_column=column + 1)
    return Report(problems=(FileProblem(file=file, task="", answer="", problem=problem, region=region),), answers=0)


def _answers(task: Task, text: str, suffix: str) -> list[FileAnswer]:
    if suffix == ROWS:
        return _rows(task, text, columns_of(task))
    return list(AnswerFiles.of(task).file_answers(text, suffix))


def _rows(task: Task, text: str, columns: Columns) -> list[FileAnswer]:
    rows, start = [], 0
    for number, line in enumerate(text.split("\n"), start=1):
        if stripped := line.strip():
            rows.append(_row(task, number, stripped, start + line.index(stripped), columns))
        start += len(line) + 1
    return rows


def _row(task: Task, number: int, line: str, start: int, columns: Columns) -> FileAnswer:
    answer = row(number, line, task, columns)
    place = find(line, answer.pointer) if answer.pointer else None
    first, end = (place.start, place.end) if place else (0, len(line))
    text = None
    if place is not None and line[first] == '"':
        first, end = first + 1, end - 1  # within the quotes
        draft = task.parse(answer.text)  # a model's output may be in the form of teachers' replies
        text = draft.answer if draft else answer.text
    return FileAnswer(
        start=start + first,
        end=start + end,
        text=text,
        context=answer.context,
        id=str(answer.id),
        error=answer.error,
    )


class _Checked:
    """One answer of a file, with its problems."""

    def __init__(
        self,
        task: Task,
        answer: FileAnswer,
        number: int,
        text: str,
        context: Mapping[str, Any],
        layers: Sequence[str],
    ) -> None:
        self.task, self.answer = task, answer
        self.source = Source(answer=_text(text, answer), shown=text[answer.start : answer.end])
        self.is_literal = len(self.source.answer) == len(self.source.shown)
        self.example = Example(id=answer.id or str(number), question="", context={**context, **answer.context})
        self.fixes: list[Fix] = []
        self.skipped: list[str] = []
        if answer.error:
            self.problems = [bad_row(answer.error, task)]
            return
        self.problems = list(find_problems(task, self.example, Draft(answer=self.source.answer), layers or None))
        if self.is_literal:
            self.fixes = safe_fixes(task, self.example, self.source, self.problems)
        if not any(problem.is_error for problem in self.problems):
            skipped = not_checked(task, self.example)
            self.skipped = [layer for layer in skipped if layer in layers] if layers else skipped

    @property
    def data(self) -> str:
        return str(self.example.context.get(self.task.data_key, ""))

    def placed(self, file: str, lines: Lines) -> list[FileProblem]:
        """The problems with their places in the file, from its beginning to its end."""
        repairs = {fix.problem: fix for fix in reversed(self.fixes)}
        pairs = [
            FileProblem(
                file=file,
                task=self.task.name,
                answer=self.example.id,
                problem=problem,
                region=self._region(problem, lines),
                fix=self._edits(repairs.get(problem), lines),
            )
            for problem in self._reported()
        ]
        return sorted(pairs, key=lambda problem: (problem.region.line, problem.region.column))

    def _reported(self) -> list[Problem]:
        """The problems without those that repeat another layer's error at the same place."""
        first: dict[str, str] = {}  # place → the first layer with an error there
        for problem in self.problems:
            if problem.is_error and problem.pointer:
                first.setdefault(problem.pointer, problem.layer)
        return [p for p in self.problems if not p.is_error or first.get(p.pointer, p.layer) == p.layer]

    def _region(self, problem: Problem, lines: Lines) -> Region:
        if self.answer.error or not self.is_literal:
            return lines.region(self.answer.start, self.answer.start + 1)
        start, end = span(self.source.answer, problem.pointer, is_json=self.task.json_answers)
        return lines.region(self.answer.start + start, self.answer.start + end)

    def _edits(self, fix: Fix | None, lines: Lines) -> tuple[FileEdit, ...]:
        start = self.answer.start
        return tuple(
            FileEdit(region=lines.region(start + edit.start, start + edit.end), text=edit.text)
            for edit in (fix.edits if fix else ())
        )


def _repaired(task: Task, checked: Sequence[_Checked], text: str, suffix: str) -> str:
    """The text with every answer repaired."""
    if not any(entry.fixes for entry in checked):
        return text
    wanted, edits = [entry.source.answer for entry in checked], []
    for number, entry in enumerate(checked):
        if entry.fixes:
            new = repaired(task, entry.example, entry.source, entry.problems)
            wanted[number] = new.answer
            edits.append(Edit(start=entry.answer.start, end=entry.answer.end, text=new.shown))
    new_text = edited(text, edits)
    # read again: an answer within quotes may need other quotes
    return new_text if [_text(new_text, answer) for answer in _answers(task, new_text, suffix)] == wanted else text


def _text(text: str, answer: FileAnswer) -> str:
    return text[answer.start : answer.end] if answer.text is None else answer.text
