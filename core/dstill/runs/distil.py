"""The whole way in one call, from Python.

run = distil(questions="questions.jsonl", task="sums", out="runs/mine", teacher="openai:gpt-5-mini")
run.scores["student"]["test"]["executable_accuracy"]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.errors import UsageError
from dstill.factory import teacher_settings
from dstill.io.strict_json import dumps
from dstill.plugins import Plugins
from dstill.runs.manifest import MANIFEST
from dstill.runs.run import Run
from dstill.runtime.progress import Progress, silent

__all__ = ["distil"]

ROWS = "questions.jsonl"  # questions that were given as rows


def distil(  # noqa: PLR0913 - one parameter per thing that most people choose
    questions: str | Path | Iterable[Mapping[str, Any]] | None = None,
    *,
    task: str = "",
    out: str | Path | None = None,
    teacher: str = "",
    student: str = "",
    engine_url: str = "",
    settings: Mapping[str, Any] | None = None,
    allow_unreviewed: bool = False,
    progress: Progress = silent,
    plugins: Plugins | None = None,
) -> Run:
    """Generate a dataset, train a student and evaluate it; returns the run.

    `questions`: a file, or rows with "question" and, if known, "answer", or of another form of docs/formats.md; None:
    the task's own. `task`: empty: the configured one, or else the one that takes `engine_url`, or else the default.
    `out`: the folder of the run; None: a new one under ``./runs``. If it has a run that was stopped, that run
    continues: finished stages are not repeated. `teacher` (or "TEACHER:MODEL"), `student`, `engine_url`: as the
    options of the commands. `settings`: other configuration keys, as ``{"train.num_train_epochs": 2.0}``; they
    override dstill.toml and the environment. `allow_unreviewed`: train on answers of a model that nobody has
    reviewed.

    Raises UsageError if `out` has a run with other settings, and what `Run.generate`, `Run.train` and `Run.evaluate`
    raise.
    """
    plugins = plugins or plugin_loading.load()
    rows = None if questions is None or isinstance(questions, str | Path) else _text(questions)
    flags = {
        "project.task": task,
        "generate.questions": "" if questions is None or rows is not None else str(questions),
        "train.student": student,
        "engine.url": engine_url,
        **(teacher_settings(plugins, teacher) if teacher else {}),
    }
    flags = {key: value for key, value in flags.items() if value} | dict(settings or {})
    there = out is not None and (Path(out) / MANIFEST).exists()
    if out is not None and there:
        run = _opened(Path(out), flags, rows, plugins)
    else:
        config = configuration.load(flags=flags, sections=plugin_loading.part_sections(plugins))
        run = Run.create(out, config=config, plugins=plugins, arguments=flags)
    with nullcontext() if there else run.dropped_if_refused():
        if rows is not None and not there:
            run.config = run.config.with_flags({"generate.questions": str(run.write_file(ROWS, rows))})
            run.save_settings()
        run.progress = progress
        if "generate" not in run.stages:
            run.generate()
    if "train" not in run.stages:
        run.train(allow_unreviewed=allow_unreviewed)
    if "evaluate" not in run.stages:
        run.evaluate()
    return run


def _text(questions: Iterable[Mapping[str, Any]]) -> str:
    """The rows as JSONL. Raises UsageError for one that JSON cannot hold; who reads them says what else is wrong."""
    return "".join(_line(number, row) for number, row in enumerate(questions, 1))


def _line(number: int, row: Mapping[str, Any]) -> str:
    try:
        return dumps({key: value for key, value in row.items() if value == value}) + "\n"  # NaN is pandas' "missing"
    except (AttributeError, TypeError, ValueError) as error:
        hint = 'each row is like {"question": "…", "answer": "…"}'
        raise UsageError(
            f"row {number} of the questions cannot be written as JSON: {error}", where="questions", hint=hint
        ) from None


def _opened(folder: Path, flags: Mapping[str, Any], rows: str | None, plugins: Plugins) -> Run:
    """The run in `folder`. Raises UsageError if it has other settings or questions."""
    run = Run.open(folder, plugins=plugins)
    before, now = run.config.flat(), run.config.with_flags(flags).flat()
    others = [f"{key} = {json.dumps(before.get(key))}" for key in flags if before.get(key) != now.get(key)]
    if rows is not None and (not (folder / ROWS).exists() or (folder / ROWS).read_text(encoding="utf-8") != rows):
        others.append("other questions")
    if others:
        raise UsageError(
            f"run '{run.name}' was made with {', '.join(others)}",
            where=str(folder),
            hint="name another folder, or open the run with Run.open and call its stages",
        )
    return run
