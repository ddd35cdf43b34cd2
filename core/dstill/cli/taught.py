"""The part of `adapt --teacher`: settings of the teacher, and the run that learns its questions.

teaching = teaching_of(app, "openai:gpt-5-mini")       # takes its settings out of `app.flags`; None: no teacher
teaching.require_ready(setup)                          # raises for a missing key, file or price
run, stages = run_taught(run, teaching, again="dstill adapt …")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill.api.teacher import Teacher
from dstill.cli.options import App
from dstill.cli.stages import Stages, dataset_of, run_stages
from dstill.config import assignment
from dstill.errors import UsageError
from dstill.factory import Setup, make_teacher, teacher_settings
from dstill.runs.manifest import MANIFEST
from dstill.runs.run import Run
from dstill.runs.taught import TEACH, taught_run
from dstill.teacher.cost import caps

__all__ = ["TAUGHT", "Teaching", "run_taught", "teaching_of"]

TAUGHT = Path("runs/taught")  # in the project's folder
OPTIONS = {
    "adapt.teacher_questions": "--teacher-questions",
    "generate.max_usd": "--max-usd",
    "generate.max_tokens": "--max-total-tokens",
    "generate.max_requests": "--max-requests",
    "generate.max_wall": "--max-wall",
}
HOW_TO_ASK = ("generate.max_", "generate.concurrency")  # may differ when the command is called again
OF_TEACHER = ("teacher.", "adapt.", *HOW_TO_ASK)  # settings of the teacher alone: templates cost nothing


@dataclass(frozen=True, kw_only=True)
class Teaching:
    """A teacher, and the settings by dotted key that concern it."""

    spec: str
    flags: Mapping[str, Any]
    chosen: Mapping[str, Any]  # those of them that `spec` says

    @property
    def words(self) -> list[str]:
        """The words that name it in another call."""
        words = ["--teacher", self.spec]
        for key, value in self.flags.items():
            if key in OPTIONS:
                words += [OPTIONS[key], str(value)]
            elif key not in self.chosen:
                words += ["--set", assignment(key, value)]
        return words

    def require_ready(self, setup: Setup) -> None:
        """Raises ConfigError, DataError, UsageError … if it could not be asked, before anything else is done."""
        config = setup.config.with_flags(self.flags)
        teacher = make_teacher(setup.plugins, config, config.settings.adapt.teacher)
        if teacher.is_lookup and type(teacher).questions is Teacher.questions:
            raise UsageError(
                f"teacher '{teacher.name}' writes no questions: it only repeats existing answers",
                where="--teacher",
                hint="ask a model, as --teacher openai:gpt-5-mini, or take recorded questions: --teacher replay:FILE",
            )
        caps(config.settings.generate, teacher.open(setup.task))


def teaching_of(app: App, spec: str | None) -> Teaching | None:
    """The teacher `spec` with its settings, which are taken out of `app.flags`. None: no teacher. Raises UsageError."""
    own = {key: app.flags.pop(key) for key in list(app.flags) if key.startswith(OF_TEACHER)}
    if not spec:
        if given := [option for key, option in OPTIONS.items() if key in own]:
            raise UsageError(
                f"{given[0]} needs a teacher", where=given[0], hint="add --teacher NAME:MODEL, as openai:gpt-5-mini"
            )
        return None
    chosen = teacher_settings(app.plugins, spec, "adapt.teacher")
    name = chosen["adapt.teacher"]
    if f"teacher.{name}.file" in chosen:  # the stages run in the project's folder
        chosen[f"teacher.{name}.file"] = str(Path(chosen[f"teacher.{name}.file"]).expanduser().absolute())
    return Teaching(spec=spec, flags={**own, **chosen}, chosen=chosen)


def run_taught(
    run: Run, teaching: Teaching, *, again: str, restart: bool = False, resume_with_changes: bool = False
) -> tuple[Run, Stages]:
    """The questions of `run` from templates, and then the stages of the run that also learns those of the teacher.

    `again`: the command that a user resumes with. The other options are as of `run_stages`.
    """
    dataset_of(run, again=again, resume_with_changes=restart or resume_with_changes)
    taught = _opened(run, teaching, restart=restart)
    return taught, run_stages(taught, again=again, resume_with_changes=resume_with_changes)


def _opened(run: Run, teaching: Teaching, *, restart: bool) -> Run:
    """The run at `TAUGHT`: a new one, or one that was stopped. Raises UsageError for one of another teacher."""
    if not (TAUGHT / MANIFEST).exists():
        return taught_run(run, TAUGHT, teaching.flags)
    there = Run.open(TAUGHT, plugins=run.plugins)
    if restart:
        there.remove()
        return taught_run(run, TAUGHT, teaching.flags)
    before = there.config.flat()
    changed = {k: v for k, v in teaching.flags.items() if before.get(k) != v and not k.startswith(HOW_TO_ASK)}
    if changed and TEACH in there.stages:
        was = "; ".join(f"{key} = {before.get(key)}, not {value}" for key, value in changed.items())
        raise UsageError(
            f"the student in {TAUGHT} learns from a teacher with {was}",
            where=str(TAUGHT),
            hint="--restart trains again; to keep it, leave the setting out",
        )
    return Run.open(TAUGHT, flags=teaching.flags, plugins=run.plugins)
