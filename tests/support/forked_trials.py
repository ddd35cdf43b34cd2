"""Trials of a sweep as forks of one process that has imported what they need, which takes longer than a small training.

    with Children("torch") as children:
        monkeypatch.setattr(Trials, "done", forked(children))

Run as a module, it is the reproduction with such trials: ``python -m support.forked_trials --size smoke``.
"""

from __future__ import annotations

import os
import runpy
import threading
from pathlib import Path
from typing import Any

from support.kill.children import Children

from dstill_sweep.trials import COMMAND, Trials, _error_of

__all__ = ["forked"]

TRAINING = ("torch", "torch.utils.tensorboard", "peft", "transformers.trainer", "transformers.models.t5.modeling_t5")
SCORING = ("elasticsearch", "jsonschema", "scipy.stats")


def forked(children: Children) -> Any:
    """What `Trials.complete` does, in a fork. One at a time, whatever thread asks."""
    lock = threading.Lock()

    def complete(self: Trials, folder: Path) -> str:
        plugins = [word for file in self.parent.plugins.files for word in ("--plugin", str(file))]
        out, err = Path("out.txt"), Path("err.txt")
        with lock:
            children.begin([*plugins, COMMAND, str(folder), "--json"], cwd=Path.cwd(), env=os.environ)
            code = os.waitstatus_to_exitcode(children.end())
            said = out.read_text()
            out.unlink()
            err.replace(folder / "trial.err")
        return "" if code == 0 else _error_of(code, said, folder / "trial.err")

    return complete


if __name__ == "__main__":
    with Children(*TRAINING, *SCORING) as made:
        Trials.complete = forked(made)  # type: ignore[method-assign]
        runpy.run_module("benchmarks.reproduce", run_name="__main__")
