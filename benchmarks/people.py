"""Scores students on questions that people wrote, about data that no base was trained on.

    python -m benchmarks.people ../shared/people                            # the published bases, both packs and parts
    python -m benchmarks.people ../shared/people --task sql --student build/base/sql/student

    sql       a   n 250   right 70.4 % [64.5, 75.7]   silently wrong 29.6 % [24.3, 35.5]   …
    python -m benchmarks.people ../shared/people --test-databases 5                     # luck counts as wrong

Each database is read as `dstill ask` reads a server; each index has the mapping and the values that `dstill init`
would write. Right: the task's own verdict, on the data alone unless ``--test-databases`` is given. Silently wrong: it
passed all checks, ran, and is not right. Unmarked: silently wrong, and neither has a warning nor is a guess. Right but
marked: of the right ones, those that have a warning or are a guess. Among those offered: it or an alternative is right.

The folder has the questions (`questions.jsonl` for each task) and says how they are judged. They only measure: do not
train on them. Only totals are printed; `--out` keeps the rows of part "a", which may be read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dstill import config as configuration
from dstill.answering import steps
from dstill.api.metric import wilson
from dstill.api.records import Example, Level, Prediction, TestDatabase
from dstill.factory import Setup
from dstill.io.jsonl import read_rows
from dstill.plugins import load, part_sections
from dstill.stages.predict import live_data
from dstill.stages.predict.answerable import Answerable
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = [
    "PARTS",
    "TASKS",
    "Answered",
    "Data",
    "answered",
    "main",
    "querydsl_setup",
    "share",
    "sqlite_data",
    "write_table",
]

PARTS = ("a", "b")
NAMES = {"sql": "SQL", "querydsl": "Query DSL"}


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A question with its answer, and what is true of it."""

    id: str
    part: str
    kind: str
    question: str
    gold: str
    answer: str
    right: bool
    executed: bool
    second_look: bool
    marked: bool  # a warning, or the student is not sure of it
    offered: bool  # it is right, or one of the alternatives is
    reason: str
    score: float | None  # of the first answer; None: the checks refuse it
    first_is_wrong: bool  # without a second look

    @property
    def silently_wrong(self) -> bool:
        """Whether nothing showed that it is wrong."""
        return self.executed and not self.right


def main() -> None:
    parser = argparse.ArgumentParser(description="Score students on questions that people wrote")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", choices=tuple(TASKS), help="default: both")
    parser.add_argument("--student", type=Path, help="the folder of a linked student; default: the published base")
    parser.add_argument("--out", type=Path, help="write the rows of part a to this JSONL file")
    parser.add_argument("--test-databases", type=int, default=0, metavar="N", help="for each gold, at most N (0)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", type=Path, help="write the table into this page, docs/people.md")
    arguments = parser.parse_args()
    lines = [
        "| questions | n | right | among those offered | silently wrong | unmarked | right but marked |",
        "| --- | ---: | --- | --- | --- | --- | --- |",
    ]
    for task in [arguments.task] if arguments.task else TASKS:
        started = time.monotonic()
        rows = answered(
            task, arguments.folder, arguments.student, arguments.processes, test_databases=arguments.test_databases
        )
        for part in PARTS:
            of_part = [row for row in rows if row.part == part]
            measured = scores(of_part)
            print(f"{task:9} {part}   n {len(of_part)}   {'   '.join(map(' '.join, measured.items()))}", flush=True)
            lines.append(f"| {NAMES[task]}, part {part} | {len(of_part)} | {' | '.join(measured.values())} |")
        print(f"{task:9} {time.monotonic() - started:.0f} s", flush=True)
        if arguments.out:
            texts = (json.dumps(vars(row), ensure_ascii=False) + "\n" for row in rows if row.part == "a")
            arguments.out.write_text("".join(texts), encoding="utf-8")
    if arguments.page:
        write_table(arguments.page, "people", lines)


def scores(rows: Sequence[Answered]) -> dict[str, str]:
    """Shares with 95 % Wilson intervals: the last of right answers, the others of all."""
    right = [row for row in rows if row.right]
    return {
        "right": share(len(right), len(rows)),
        "among those offered": share(sum(row.offered for row in rows), len(rows)),
        "silently wrong": share(sum(row.silently_wrong for row in rows), len(rows)),
        "unmarked": share(sum(row.silently_wrong and not row.marked for row in rows), len(rows)),
        "right but marked": share(sum(row.marked for row in right), len(right)),
    }


def share(hits: int, n: int) -> str:
    """``72.4 % [66.6, 77.6]``, with a Wilson interval."""
    if not n:
        return "–"
    low, high = wilson(hits, n)
    return f"{100 * hits / n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def write_table(page: Path, name: str, table: Sequence[str]) -> None:
    """Write the lines of a table between the marks of that name in a page."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n{chr(10).join(table)}\n{end}{after}", encoding="utf-8")


def answered(
    task: str, folder: Path, student: Path | None, processes: int, *, test_databases: int = 0
) -> list[Answered]:
    """Every question of the task with the student's answer; a process for each share of the databases."""
    rows = [row for _, row in read_rows(folder / task / "questions.jsonl")]
    groups = _grouped(rows, "db" if task == "sql" else "index")
    shares = [dict(list(groups.items())[at::processes]) for at in range(processes)]
    answer = partial(_answered, task, folder, student, test_databases)
    with ProcessPoolExecutor(processes) as pool:
        found = {row.id: row for part in pool.map(answer, shares) for row in part}
    return [found[row["id"]] for row in rows]


def _grouped(rows: Iterable[Mapping[str, Any]], key: str) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


Groups = Mapping[str, Sequence[Mapping[str, Any]]]  # name of the data → its questions


def _answered(task: str, folder: Path, student: Path | None, test_databases: int, groups: Groups) -> list[Answered]:
    answers: list[Answered] = []
    for name, rows in groups.items():
        with TASKS[task](folder / task, name, student, test_databases) as (setup, context):
            answers += _judged(live_data.from_base(name, setup), rows, context)
    return answers


Data = tuple[Setup, Mapping[str, Any]]  # the settings for questions about some data, and their context


@contextmanager
def _sql(folder: Path, name: str, student: Path | None, test_databases: int) -> Iterator[Data]:
    with sqlite_data(folder / "databases" / f"{name}.sqlite", student, test_databases) as data:
        yield data


@contextmanager
def sqlite_data(file: Path, student: Path | None, test_databases: int = 0) -> Iterator[Data]:
    """A SQLite file, read as `dstill ask` reads a server."""
    url = f"sqlite:///{file.absolute()}"
    described = live_data.describe(_setup("sql", student, {"engine.url": url}))
    with live_data.kept(described) as settings:
        flags = {"engine.url": url, **settings, "task.sql.test_databases": test_databases}
        setup = _setup("sql", student, flags)
        yield setup, {setup.task.data_key: live_data.data_name(setup)}


@contextmanager
def _querydsl(folder: Path, name: str, student: Path | None, test_databases: int) -> Iterator[Data]:
    yield querydsl_setup(student, test_databases), _index(folder / "indices", name)


def querydsl_setup(student: Path | None, test_databases: int = 0) -> Setup:
    """The settings for questions about an index whose documents are in the context."""
    return _setup("querydsl", student, {"task.querydsl.corpora": test_databases})


TASKS: Mapping[str, Callable[[Path, str, Path | None, int], AbstractContextManager[Data]]] = {
    "querydsl": _querydsl,
    "sql": _sql,
}


def _setup(task: str, student: Path | None, flags: Mapping[str, Any]) -> Setup:
    plugins = load()
    base = f"linked:{student}" if student else f"base:{task}"
    all_flags = {"project.task": task, "train.student": base, "train.objective": "label-only", **flags}
    return Setup(plugins, configuration.load(use_files=False, flags=all_flags, sections=part_sections(plugins)))


def _index(folder: Path, name: str) -> dict[str, Any]:
    """The context of questions about an index, whose documents answers run on."""
    from dstill_querydsl.bundle.indices import SETTINGS, Index

    mapping = json.loads((folder / f"{name}.mapping.json").read_text(encoding="utf-8"))
    lines = gzip.decompress((folder / f"{name}.docs.jsonl.gz").read_bytes()).decode().splitlines()
    pairs = [(row["_id"], row["_source"]) for row in map(json.loads, lines)]
    now = "2026-11-01T12:00:00Z"
    index = Index(name=name, mapping=mapping, settings=SETTINGS, now=now, documents=lambda: pairs, recipe=name)
    database = TestDatabase(name=name, data={"documents": pairs, "now": now, "settings": SETTINGS})
    return {"index": name, "mapping": mapping, "values": index.values.to_json(), "test_database": database}


def _judged(student: Answerable, rows: Sequence[Mapping[str, Any]], context: Mapping[str, Any]) -> Iterator[Answered]:
    """The answers that `dstill ask` gives to questions, with a second look where it takes one."""
    setup = student.setup
    examples = [Example(id=row["id"], question=row["question"], answer=row["answer"], context=context) for row in rows]
    with Predictor(student, execute=True) as predictor:
        answers = [
            predictor.with_alternatives(*pair) for pair in zip(examples, predictor.answer(examples), strict=True)
        ]
        firsts = predictor.first_answers(examples, 0)
        written = [Prediction(id=answer.id, text=answer.answer) for answer in answers]
        pairs = zip(examples, written, strict=True)
        verdicts = steps.judge(setup.plugins, setup.task, pairs, setup.objective, predictor.executor)
        for row, example, answer, verdict, (first, score) in zip(
            rows, examples, answers, verdicts, firsts, strict=True
        ):
            yield Answered(
                id=row["id"],
                part=row["part"],
                kind=row["kind"],
                question=row["question"],
                gold=row["answer"],
                answer=answer.answer,
                right=verdict.correct,
                executed=verdict.reached >= Level.EXECUTED and not verdict.refused,
                second_look=bool(answer.first_answer),
                marked=bool(answer.guess or answer.problems),
                offered=verdict.correct or _is_among(setup, predictor, example, answer.alternatives),
                reason=verdict.reason,
                score=score if first.ok or first.refused else None,
                first_is_wrong=bool(answer.first_answer) or not verdict.correct,
            )


def _is_among(setup: Setup, predictor: Predictor, example: Example, alternatives: Sequence[PredictedAnswer]) -> bool:
    """Whether one of the answers is right."""
    pairs = [(example, Prediction(id=example.id, text=other.answer)) for other in alternatives]
    verdicts = steps.judge(setup.plugins, setup.task, pairs, setup.objective, predictor.executor)
    return any(verdict.correct for verdict in verdicts)


if __name__ == "__main__":
    main()
