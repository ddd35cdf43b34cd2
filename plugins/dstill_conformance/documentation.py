"""Rules about what the users of a pack read: advice, but for settings that nobody can understand."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from dstill.api.finding import Finding, line_of
from dstill.api.part import Part
from dstill.api.protocols import PROTOCOLS
from dstill.api.records import Severity
from dstill.api.task import Task
from dstill_conformance.pack import Pack

__all__ = ["RULES"]

SIMILARITY = 0.85  # of two names, 0 to 1


def classes_are_described(pack: Pack) -> Iterator[Finding]:
    """Task and executor have docstrings: help and `pack list` show their first lines."""
    kind = pack.task.__class__
    for part in (kind, pack.executor_class):
        if part is not None and not (vars(part).get("__doc__") or "").strip():
            what, hint = f"{part.__name__} has no docstring", "say in a line what it is: `dstill pack list` shows it"
            yield _advice("no_docstring", what, line_of(part), hint)
    if kind.instructions == Task.instructions:
        what = f"{kind.__name__} has no instructions of its own: a teacher gets '{Task.instructions}'"
        yield _advice("no_instructions", what, pack.line(), "say what the language is and what an answer must hold")


def settings_are_described(pack: Pack) -> Iterator[Finding]:
    """Each setting has a help text: the configuration reference shows it."""
    parts: list[type[Part]] = [type(pack.task), *([pack.executor_class] if pack.executor_class else [])]
    for part in parts:
        for name in _without_help(part.Config):
            yield Finding(
                code="setting_without_help",
                what=f"the setting '{name}' of {part.__name__} has no help",
                where=line_of(part.Config, name.rpartition(".")[2]),
                hint='write it as field(default=…, metadata={"help": "…"})',
            )


def _without_help(config: type[Any], prefix: str = "") -> Iterator[str]:
    for field in fields(config):
        inner = field.default_factory if field.default_factory is not MISSING else None
        if isinstance(inner, type) and is_dataclass(inner):
            yield from _without_help(inner, f"{prefix}{field.name}.")
        elif not field.metadata.get("help"):
            yield f"{prefix}{field.name}"


def package_is_described(pack: Pack) -> Iterator[Finding]:
    """The pack's distribution has a summary."""
    if pack.plugins is None:
        return
    owner = pack.plugins.owner("tasks", pack.task.name)
    info = next(info for info in pack.plugins.loaded if info.name == owner)
    if not info.distribution:  # a file
        return
    try:
        summary = metadata(info.distribution).json.get("summary")
    except PackageNotFoundError:
        return
    if not summary:
        what = f"the distribution '{info.distribution}' has no description"
        yield _advice("no_summary", what, "pyproject.toml", 'add description = "…" to [project]')


def names_are_those_of_the_api(pack: Pack) -> Iterator[Finding]:
    """No method or attribute of a class is named almost like one of dstill's, which then is never called."""
    task = type(pack.task)
    yield from _misnamed(task, _names(Task, *PROTOCOLS))
    for protocol in task.protocols:
        yield from _misnamed(protocol.class_of(task), _names(protocol))


def _misnamed(owner: type[Any], known: Set[str]) -> Iterator[Finding]:
    own = _names(*(kind for kind in owner.__mro__ if not kind.__module__.startswith("dstill.")))
    for name in sorted(own - known):
        if near := get_close_matches(name, known - own, n=1, cutoff=SIMILARITY):
            what = f"dstill does not call '{name}' of {owner.__name__}, which has no '{near[0]}'"
            yield _advice("unknown_name", what, line_of(owner, name), f"if '{near[0]}' is meant, call it so")


def _names(*kinds: type[Any]) -> set[str]:
    return {name for kind in kinds for name in vars(kind) if not name.startswith("_")}


def _advice(code: str, what: str, where: str, hint: str) -> Finding:
    return Finding(code=code, what=what, where=where, hint=hint, severity=Severity.WARNING)


RULES = (classes_are_described, settings_are_described, package_is_described, names_are_those_of_the_api)
