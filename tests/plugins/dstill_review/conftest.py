"""Runs to review, created without a teacher, and the command as a person runs it."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.installed import entry_points
from support.served import ended, processes, threads

from dstill import config, plugins
from dstill.api.records import Record
from dstill.runs.folder import data_file
from dstill.runs.run import Run
from dstill_review.access import Access
from dstill_review.serving import listening, server_of
from dstill_review.session import ReviewSession

ENABLED_PLUGINS = {"evaluate", "review", "teachers"}


@pytest.fixture
def review_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`project`, with the command `review`."""
    others = {point.name for point in entry_points(group="dstill")} - ENABLED_PLUGINS
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(others)))
    return project


@pytest.fixture
def boxes_pack(root: Path) -> Path:
    return root / "tests" / "support" / "boxes.py"


def record(number: int, category: str = "plain", **values: Any) -> Record:
    made = {
        "id": f"q{number}",
        "question": f"what does box {number} say?",
        "rationale": f"box {number} says so",
        "answer": f'{{"say":"word {number}"}}',
        "category": category,
        "teacher": "oracle",
        **values,
    }
    return Record(**made)


@pytest.fixture(name="record")
def record_fixture() -> Callable[..., Record]:
    return record


@pytest.fixture
def make_run(review_project: Path, boxes_pack: Path) -> Callable[..., Run]:
    """``make_run(12, review__ci_half_width=0.2)``: a run of the task `boxes` with these rows."""

    def make(rows: Sequence[Record] | int = 12, name: str = "run", **settings: Any) -> Run:
        loaded = plugins.load([boxes_pack])
        flags = {"project.task": "boxes", **{key.replace("__", "."): value for key, value in settings.items()}}
        made = config.load(use_files=False, flags=flags, sections=plugins.part_sections(loaded))
        run = Run.create(review_project / name, config=made, plugins=loaded)
        rows = [record(n) for n in range(rows)] if isinstance(rows, int) else rows
        for split in dict.fromkeys(row.split for row in rows):
            run.write(data_file(split), [row for row in rows if row.split == split])
        run.save()
        return run

    return make


@pytest.fixture
def serve_in_thread(review_project: Path) -> Iterator[Callable[..., Access]]:
    """``serve_in_thread(run)``: the page's server in a thread of this process, which starts at once."""

    def start(run: Run, *, splits: Sequence[str] = ("train",), everything: bool = True) -> Access:
        stack = contextlib.ExitStack()
        listener = stack.enter_context(listening(0))
        opened = stack.enter_context(run.setup.opened_executor())
        server, access = server_of(ReviewSession(run, splits=splits, everything=everything, executor=opened), listener)
        serve(server, listener, stack)
        return access

    with threads() as serve:
        yield start


@dataclass
class Served:
    """`dstill data review` in a separate process."""

    process: subprocess.Popen[str]
    address: str  # with the token
    said: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(re.search(r":(\d+)/", self.address)[1])  # type: ignore[index]

    def ended(self, by: int = 0) -> tuple[int, str, str]:
        return ended(self.process, by)


@pytest.fixture
def serve(review_project: Path, boxes_pack: Path) -> Iterator[Callable[..., Served]]:
    """``serve(run.folder, "--all")`` starts the page's server."""
    with processes() as starting:

        def start(*words: object) -> Served:
            command = ["-m", "dstill", "--plugin", str(boxes_pack), "data", "review", *map(str, words)]
            process, said = starting(command, until="open ", cwd=review_project)
            return Served(process, said[-1].split()[1], said)

        yield start
