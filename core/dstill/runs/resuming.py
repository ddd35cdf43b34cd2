"""How a stage ends that a person stops, and how it continues.

with resumable(run, "train", ["--allow-unreviewed"]): ...    # Ctrl-C: Interrupted, with the command that continues
require_one_process("evaluate")                              # raises UsageError under torchrun
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from dstill.config import command_line
from dstill.errors import Interrupted, UsageError
from dstill.runs.contents import RunContents
from dstill.runtime import distributed
from dstill.stages.evaluate.predicting import BLOCK

__all__ = ["require_one_process", "resumable"]

# What remains after Ctrl-C, by stage.
STATES = {
    "generate": "every reply is kept",
    "curate": "the dataset is complete, or unchanged",
    "train": "checkpoints and an earlier student are kept",
    "review": "every decision is kept",
    "evaluate": f"answers are kept, except those of the last block of {BLOCK}",
}
COMMANDS = {
    "curate": ("data", "curate"),
    "review": ("data", "review"),
    "sweep": ("experiment", "sweep"),
    "ablate": ("experiment", "ablate"),
}
DISTRIBUTED = "train"  # the only stage that may run in several processes


def require_one_process(stage: str) -> None:
    """Raises UsageError if there are several processes, unless `stage` may run in them."""
    if distributed.world_size() > 1 and stage != DISTRIBUTED:
        raise UsageError(
            f"dstill {stage.split()[0]} runs in one process, and here are {distributed.world_size()}",
            where="WORLD_SIZE in the environment",
            hint=f"start it without torchrun or accelerate; those are for dstill {DISTRIBUTED}",
        )


@contextlib.contextmanager
def resumable(run: RunContents, name: str, options: Sequence[str]) -> Iterator[None]:
    """Around a stage of `run`. Ctrl-C raises Interrupted with the command that continues, with `options`."""
    try:
        yield
    except Interrupted as stopped:
        if name == "train" and distributed.world_size() == 1:  # else the launcher's command is what resumes it
            stopped.hint = f"resume with: {_command(run, name, options)}"
        raise
    except KeyboardInterrupt:
        stage = name.split()[0]
        raise Interrupted(
            f"stopped in {name}; {STATES.get(stage, 'files at their final names are complete')}",
            where=str(run.folder),
            hint=f"resume with: {_command(run, stage, options)}",
        ) from None


def _command(run: RunContents, stage: str, options: Sequence[str]) -> str:
    """The command that continues a stage, with the settings that this call gave: they are not in the run yet."""
    words = COMMANDS.get(stage, (stage,))
    if stage == "generate":  # whose settings are in the run's config.toml
        return command_line(run.plugins.files, *words, "--out", run.folder)
    more = " …" if stage == "sweep" else ""  # stands for the file of the sweep
    return command_line(run.plugins.files, *words, run.folder, *options, settings=run.config.from_flags()) + more
