"""For the tests of a task pack: the conformance kit as a function.

    from dstill_conformance.testing import conformance

    def test_the_pack_conforms() -> None:
        assert conformance(MySql) == []

`dstill pack check NAME` runs the same rules on the command line, and also prints advice.
"""

from __future__ import annotations

from functools import partial

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.executor import Executor
from dstill.api.finding import Finding
from dstill.api.task import Task
from dstill_conformance.fresh import in_new_process
from dstill_conformance.kit import SECONDS, check
from dstill_conformance.pack import LIMIT, Pack

__all__ = ["conformance"]


def conformance(
    task: type[Task],
    *,
    executor: type[Executor] | None = None,
    limit: int = LIMIT,
    seed: int = 0,
    seconds: float = SECONDS,
) -> list[Finding]:
    """The errors that the conformance kit finds in `task`, with its default settings; empty: it conforms.

    Args:
        task: the class. If a plugin registers it, its plugin and a new process are checked too.
        executor: the class that runs its answers. None: the first of `Task.executors` that is registered.
        limit: golds to check.
        seed: for texts and samples.
        seconds: after which no rule begins.
    """
    plugins = plugin_loading.load()
    registered = task.name in plugins.names("tasks") and plugins.task(task.name) is task
    config = configuration.load(use_files=False, environment={}, sections=plugin_loading.part_sections(plugins))
    installed = [name for name in task.executors if name in plugins.names("executors")]
    if executor is None and installed:
        executor = plugins.executor(installed[0])
    pack = Pack(
        task(),
        executor_class=executor,
        plugins=plugins if registered else None,
        fresh=partial(in_new_process, plugins, config, task.name) if registered else None,
        limit=limit,
        seed=seed,
    )
    return list(check(pack, seconds=seconds).errors)
