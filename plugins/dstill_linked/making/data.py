"""What a base is trained and scored on.

data_of("sums", files)      BaseData(task="sums", form=SumsForm(), answers=form.replay, …)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dstill import config as configuration
from dstill.api.form import Form, Token
from dstill.api.protocols import Linked
from dstill.api.records import Example
from dstill.errors import UsageError
from dstill.factory import Setup
from dstill.linked import Reading
from dstill.plugins import Plugins, load, part_sections

__all__ = ["Answers", "BaseData", "data_of", "form_of"]

Answers = Iterator[tuple[Reading, Sequence[Token]]]  # readings of questions, and the tokens of their answers


@dataclass(frozen=True, kw_only=True)
class BaseData:
    """A task, and what its base is trained and scored on."""

    task: str
    form: Form  # for its vocabulary, and for `Form.replay`, which scores are measured on
    answers: Callable[[int], Answers]  # endless, from a seed
    development: Mapping[str, Callable[[], list[Example]]] = field(default_factory=dict)  # sets that are not trained on
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the task, when the sets are scored
    about: str = "Questions that the task pack makes (`Form.replay`)."  # for the card: what it was trained on
    weaknesses: Sequence[str] = ()  # for the card, besides those of every base


def data_of(task: str, plugin_files: Sequence[Path] = ()) -> BaseData:
    """What the pack of that task declares. `plugin_files`: those of ``--plugin``.

    Raises UsageError if there is no such task, or its form makes no questions.
    """
    form = form_of(load(plugin_files), task)
    if form is None:
        raise UsageError(f"the task '{task}' has no linked form", where=task, hint="see docs/linked.md")
    if next(iter(form.replay(0)), None) is None:
        raise UsageError(
            f"the form of the task '{task}' makes no questions to learn from",
            where=f"{type(form).__name__}.replay",
            hint="yield readings of questions about invented data, with the tokens of their answers",
        )
    return BaseData(task=task, form=form, answers=form.replay)


def form_of(plugins: Plugins, task: str) -> Form | None:
    """The linked form of a task with its default settings; None: it has none. Raises UsageError."""
    flags = {"project.task": task}
    setup = Setup(plugins, configuration.load(use_files=False, flags=flags, sections=part_sections(plugins)))
    return Linked.of(setup.task).form()
