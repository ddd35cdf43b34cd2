"""The results of a task in a new process, where sets have another order and nothing is cached.

in_new_process(plugins, config, "my_sql")    → Fresh(questions="3b1f…", form="77a0…"), the digests there
python -m dstill_conformance.fresh  reads {"task", "settings", "files"} as JSON, and writes them
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from dstill.api.form import Form
from dstill.api.protocols import Linked
from dstill.api.records import Example
from dstill.api.splits import TASK_SPLITS
from dstill.config import Config
from dstill.errors import DstillError, PluginError
from dstill.plugins import Plugins

__all__ = ["Fresh", "digest", "form_digest", "in_new_process"]

TIMEOUT = 300.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Fresh:
    """The digests of what a task gives in a new process."""

    questions: str
    form: str  # empty: it has none


def digest(by_split: Mapping[str, Iterable[Example]]) -> str:
    """The SHA-256 of all questions, with their order and their splits."""
    hasher = hashlib.sha256()
    for split in TASK_SPLITS:
        for example in by_split[split]:
            hasher.update(json.dumps([split, example.to_row()], default=repr).encode())
    return hasher.hexdigest()


def form_digest(form: Form | None) -> str:
    """The SHA-256 of what a trained student depends on: the form's tokens and features, in their order."""
    return hashlib.sha256(repr((tuple(form.tokens), tuple(form.features))).encode()).hexdigest() if form else ""


def in_new_process(plugins: Plugins, config: Config, task: str) -> Fresh:
    """The digests in a process with another order of sets. Raises PluginError if the process fails."""
    settings = {
        key: value
        for key, value in config.flat().items()
        if value is not None and (key.startswith(f"task.{task}.") or key == "project.seed")
    }
    request = {"task": task, "settings": settings, "files": [str(file.absolute()) for file in plugins.files]}
    hash_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    ended = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=json.dumps(request),
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        raise PluginError(f"the questions of task '{task}' could not be made in a new process: {' '.join(lines[-1:])}")
    return Fresh(**json.loads(ended.stdout))


def _main() -> None:
    from dstill import config as configuration
    from dstill import plugins as plugin_loading

    request = json.load(sys.stdin)
    plugins = plugin_loading.load([Path(file) for file in request["files"]])
    sections = plugin_loading.part_sections(plugins)
    config = configuration.load(use_files=False, flags=request["settings"], environment={}, sections=sections)
    task = plugins.task(request["task"])(config.part("task", request["task"]))
    task.seed = config.settings.project.seed
    try:
        form = Linked.of(task).form()
    except DstillError:  # the rules about forms report it
        form = None
    there = Fresh(questions=digest({split: task.examples(split) for split in TASK_SPLITS}), form=form_digest(form))
    sys.stdout.write(json.dumps(asdict(there)))


if __name__ == "__main__":
    _main()
