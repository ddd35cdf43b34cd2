"""Starts dstill's command line as a fork of a process that has imported it already.

    python -m support.kill.server [MODULE …]      # "ready"; one JSON object a line in, {"pid": N} and {"status": N} out

In: ``{"argv": [...], "cwd", "env": {...}, "out", "err", "orders": {...} | null}``. `status` is that of
`os.waitpid`. With ``--once`` it reads one such object, becomes that child itself, and forks nothing.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from support.kill.points import Orders, Point, install


def child(job: Mapping[str, Any]) -> None:
    """This process from now on: the command line, watched as the orders say."""
    os.environ.clear()
    os.environ.update(job["env"])
    os.chdir(job["cwd"])
    for name, number in (("out", 1), ("err", 2)):
        file = os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    if job["orders"] is not None:
        kill = job["orders"]["kill"]
        install(Orders(**{**job["orders"], "kill": None if kill is None else Point(*kill)}))
    from dstill.__main__ import main

    sys.argv = ["dstill", *job["argv"]]
    main()


def _end_with(job: Mapping[str, Any]) -> None:
    """Be the child, and end as Python ends, but for taking the modules apart: with torch that takes 0.4 s."""
    code: Any = 0
    try:
        child(job)
    except SystemExit as ended:
        code = ended.code
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def serve() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            _end_with(job)
        print(json.dumps({"pid": pid}), flush=True)
        print(json.dumps({"status": os.waitpid(pid, 0)[1]}), flush=True)


def warm(modules: Sequence[str]) -> None:
    """Import what a command imports, plugins too, and `modules`."""
    import anyio._backends._asyncio  # noqa: F401
    import openai.resources.chat.completions  # noqa: F401
    import tenacity.asyncio  # noqa: F401

    from dstill.cli import build

    group, found = build([])
    group.load()
    assert not found.plugins.failures  # which loads every part
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # what is there already need not be looked through when a child ends


if __name__ == "__main__":
    if "--once" in sys.argv:
        child(json.loads(sys.stdin.readline()))
    else:
        warm(sys.argv[1:])
        print("ready", flush=True)
        serve()
